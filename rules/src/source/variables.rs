//! Address and port variables (`$HOME_NET`, `$HTTP_PORTS`), as rule headers use them.

use std::collections::BTreeMap;

use crate::limits;

/// Values of the variables, each in the notation of a rule header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variables {
    addresses: BTreeMap<String, String>,
    ports: BTreeMap<String, String>,
}

/// What a file of variables says wrongly.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub struct VariablesError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub problem: String,
}

/// Gives the text of an included file by its name, or says why not.
pub type Files<'f> = &'f dyn Fn(&str) -> Result<String, String>;

const DEFAULT_ADDRESSES: &[(&str, &str)] = &[
    ("HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"),
    ("EXTERNAL_NET", "any"),
    ("HTTP_SERVERS", "$HOME_NET"),
    ("SMTP_SERVERS", "$HOME_NET"),
    ("SQL_SERVERS", "$HOME_NET"),
    ("DNS_SERVERS", "$HOME_NET"),
    ("TELNET_SERVERS", "$HOME_NET"),
    ("AIM_SERVERS", "$EXTERNAL_NET"),
    ("DC_SERVERS", "$HOME_NET"),
    ("DNP3_SERVER", "$HOME_NET"),
    ("DNP3_CLIENT", "$HOME_NET"),
    ("MODBUS_CLIENT", "$HOME_NET"),
    ("MODBUS_SERVER", "$HOME_NET"),
    ("ENIP_CLIENT", "$HOME_NET"),
    ("ENIP_SERVER", "$HOME_NET"),
];

const DEFAULT_PORTS: &[(&str, &str)] = &[
    ("HTTP_PORTS", "80"),
    ("SHELLCODE_PORTS", "!80"),
    ("ORACLE_PORTS", "1521"),
    ("SSH_PORTS", "22"),
    ("DNP3_PORTS", "20000"),
    ("MODBUS_PORTS", "502"),
    ("FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"),
    ("FTP_PORTS", "21"),
    ("GENEVE_PORTS", "6081"),
    ("VXLAN_PORTS", "4789"),
    ("TEREDO_PORTS", "3544"),
];

impl Default for Variables {
    /// The names that public rule sets use, with the reference's values: the private networks are at home, everything is external.
    fn default() -> Self {
        let owned = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        Self {
            addresses: owned(DEFAULT_ADDRESSES),
            ports: owned(DEFAULT_PORTS),
        }
    }
}

impl Variables {
    /// The value of an address variable.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<&str> {
        self.addresses.get(name).map(String::as_str)
    }

    /// The value of a port variable.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<&str> {
        self.ports.get(name).map(String::as_str)
    }

    /// Sets an address variable.
    pub fn set_address(&mut self, name: &str, value: &str) {
        self.addresses.insert(name.to_owned(), value.to_owned());
    }

    /// Sets a port variable.
    pub fn set_port(&mut self, name: &str, value: &str) {
        self.ports.insert(name.to_owned(), value.to_owned());
    }

    /// Reads variables over the defaults: lines `NAME: value` or `NAME = value` under `address-groups:` and `port-groups:` (or
    /// `[address-groups]` and `[port-groups]`), so that a `suricata.yaml` can be given as it is.
    ///
    /// # Errors
    /// The first line of a group that is no `NAME: value`, or a file without groups.
    pub fn read(text: &str) -> Result<Self, VariablesError> {
        Self::read_with(text, &|name| {
            Err(format!(
                "`{name}` is included, and other files are not read here"
            ))
        })
    }

    /// As [`Variables::read`], for a file that may `include:` others; `file` gives the text of one by the name that stands there.
    ///
    /// # Errors
    /// As [`Variables::read`]; a file that cannot be read, or too many of them in one another.
    pub fn read_with(text: &str, file: Files<'_>) -> Result<Self, VariablesError> {
        let mut variables = Self::default();
        if variables.merge(text, file, 0)? {
            Ok(variables)
        } else {
            Err(VariablesError {
                line: 1,
                problem: "there is neither `address-groups:` nor `port-groups:` in it".to_owned(),
            })
        }
    }

    /// Reads a file over what is known; whether it has any group.
    fn merge(&mut self, text: &str, file: Files<'_>, depth: usize) -> Result<bool, VariablesError> {
        // The group being read, how far it is indented, and whether any was found.
        let mut group: Option<(bool, usize)> = None;
        let mut found_any = false;
        let mut is_list_of_files = false;
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let mut content = without_comment(line).to_owned();
            // In a group a quoted value may go on in the next lines.
            while group.is_some() && is_open(&content) {
                let Some((_, next)) = lines.next() else { break };
                content.push(' ');
                content.push_str(next.trim());
            }
            if content.trim().is_empty() {
                continue;
            }
            let indent = content.len() - content.trim_start().len();
            let word = content.trim();
            if let Some(name) = included(word, indent, &mut is_list_of_files) {
                group = None;
                let at = |problem: String| VariablesError {
                    line: index + 1,
                    problem,
                };
                if depth >= limits::INCLUDED_FILES_DEPTH {
                    return Err(at(format!("`{name}` is included too deeply")));
                }
                let text = file(name).map_err(at)?;
                found_any |= self
                    .merge(&text, file, depth + 1)
                    .map_err(|error| at(format!("in `{name}`: {error}")))?;
                continue;
            }
            let name = word.trim_matches(['[', ']']).trim_end_matches(':');
            if matches!(name, "address-groups" | "port-groups") {
                group = Some((name == "address-groups", indent));
                found_any = true;
                continue;
            }
            let Some((is_address, group_indent)) = group else {
                continue;
            };
            if (word.starts_with('[') && word.ends_with(']'))
                || (indent <= group_indent && word.ends_with(':'))
                || (indent < group_indent)
                || (indent == group_indent && group_indent > 0)
            {
                group = None;
                continue;
            }
            let (name, value) = split_assignment(word).ok_or_else(|| VariablesError {
                line: index + 1,
                problem: format!("`{word}` is not of the form `NAME: value`"),
            })?;
            if is_address {
                self.set_address(name, value);
            } else {
                self.set_port(name, value);
            }
        }
        Ok(found_any)
    }
}

/// The file that a line includes: `include: file`, or an item of a list behind `include:`.
fn included<'l>(word: &'l str, indent: usize, is_list: &mut bool) -> Option<&'l str> {
    let unquoted = |name: &'l str| name.trim().trim_matches(['"', '\'']);
    if let Some(name) = word.strip_prefix("include:").filter(|_| indent == 0) {
        let name = unquoted(name);
        *is_list = name.is_empty();
        return Some(name).filter(|name| !name.is_empty());
    }
    let item = word.strip_prefix("- ").filter(|_| *is_list).map(unquoted);
    *is_list &= item.is_some();
    item
}

/// The line up to a `#` outside of quotes.
fn without_comment(line: &str) -> &str {
    let mut quoted = None;
    for (position, character) in line.char_indices() {
        match (quoted, character) {
            (None, '"' | '\'') => quoted = Some(character),
            (Some(quote), character) if quote == character => quoted = None,
            (None, '#') => return line.get(..position).unwrap_or(line),
            _ => {}
        }
    }
    line
}

/// Whether a value begins with a quote that is not closed.
fn is_open(line: &str) -> bool {
    let value = line
        .split_once([':', '='])
        .map_or("", |(_, value)| value.trim_start());
    ['"', '\'']
        .into_iter()
        .any(|quote| value.starts_with(quote) && value.matches(quote).count() == 1)
}

fn split_assignment(word: &str) -> Option<(&str, &str)> {
    let position = word.find([':', '='])?;
    let (name, value) = word.split_at_checked(position)?;
    let name = name.trim();
    let value = value
        .trim_start_matches([':', '='])
        .trim()
        .trim_matches(['"', '\'']);
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "_-.".contains(character));
    (is_name && !value.is_empty()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yaml_of_the_reference_is_read_as_it_is() {
        let text = "%YAML 1.1\nvars:\n  address-groups:\n    HOME_NET: \"[10.0.0.0/8]\" # ours\n    #OTHER: x\n  port-groups:\n    SSH_PORTS: 2222\nstats:\n  enabled: no\n";
        let variables = Variables::read(text).unwrap();
        assert_eq!(variables.address("HOME_NET"), Some("[10.0.0.0/8]"));
        assert_eq!(variables.port("SSH_PORTS"), Some("2222"));
        assert_eq!(variables.port("enabled"), None);
        assert_eq!(variables.address("EXTERNAL_NET"), Some("any"));
    }

    #[test]
    fn values_are_nested_negated_and_may_go_over_lines() {
        let text = "vars:\n  address-groups:\n    HOME_NET: \"[10.0.0.0/8,\n      !10.1.0.0/16,\n      [192.0.2.0/24]]\"\n    EXTERNAL_NET: \"!$HOME_NET\"\n\n  port-groups:\n    HTTP_PORTS: '[80,\n      8000:8100]'\n\n# It's over.\nrule-files:\n  - a.rules\n";
        let variables = Variables::read(text).unwrap();
        assert_eq!(
            variables.address("HOME_NET"),
            Some("[10.0.0.0/8, !10.1.0.0/16, [192.0.2.0/24]]")
        );
        assert_eq!(variables.address("EXTERNAL_NET"), Some("!$HOME_NET"));
        assert_eq!(variables.port("HTTP_PORTS"), Some("[80, 8000:8100]"));
        assert_eq!(variables.port("rule-files"), None);
    }

    #[test]
    fn sections_in_brackets_do_as_well() {
        let text = "[address-groups]\nHOME_NET = \"!10.0.0.0/8\"\n[port-groups]\nWEB=[80,8080]\n";
        let variables = Variables::read(text).unwrap();
        assert_eq!(variables.address("HOME_NET"), Some("!10.0.0.0/8"));
        assert_eq!(variables.port("WEB"), Some("[80,8080]"));
    }

    #[test]
    fn included_files_are_read_where_they_stand() {
        let files = |name: &str| match name {
            "home.yaml" => {
                Ok("vars:\n  address-groups:\n    HOME_NET: \"[192.0.2.0/24]\"\n".to_owned())
            }
            "ports.yaml" => Ok("vars:\n  port-groups:\n    SSH_PORTS: 2222\n".to_owned()),
            "loop.yaml" => Ok("include: loop.yaml\n".to_owned()),
            other => Err(format!("{other}: no such file")),
        };
        let text = "vars:\n  address-groups:\n    HOME_NET: \"[10.0.0.0/8]\"\ninclude:\n  - home.yaml\n  - 'ports.yaml' # ours\nrule-files:\n  - a.rules\n";
        let variables = Variables::read_with(text, &files).unwrap();
        assert_eq!(variables.address("HOME_NET"), Some("[192.0.2.0/24]"));
        assert_eq!(variables.port("SSH_PORTS"), Some("2222"));
        let variables = Variables::read_with("include: home.yaml\n", &files).unwrap();
        assert_eq!(variables.address("HOME_NET"), Some("[192.0.2.0/24]"));
        let error = Variables::read_with("# one\ninclude: none.yaml\n", &files).unwrap_err();
        assert_eq!(error.to_string(), "line 2: none.yaml: no such file");
        assert!(Variables::read_with("include: loop.yaml\n", &files).is_err());
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        let error = Variables::read("[port-groups]\nA: 1\nnonsense\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(Variables::read("hello").is_err());
    }
}
