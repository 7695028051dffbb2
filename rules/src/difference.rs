//! What is different between two sets of rules: by number, and for each rule what of it.
//!
//! Rules are compared as they are written, white space and the order of files aside. Of a number that stands several times in a set
//! the newest revision counts, as in a compilation; a rule that is switched on counts before one that is switched off.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::Serialize;

use crate::{
    layout,
    source::{
        LogicalLines, Source, disabled_rule, is_read,
        syntax::{RuleOption, RuleSyntax},
        values,
    },
};

/// A rule as it is listed: everything a comparison needs, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// `rev`, 0 without one.
    pub rev: u32,
    /// `msg`
    pub message: String,
    /// Whether it is not commented out.
    pub is_enabled: bool,
    /// What it is made of, in order: a name as `msg`, `header` or `option`, and the text.
    pub parts: Vec<(&'static str, String)>,
}

/// A set of rules by generator and signature.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The rules.
    pub rules: BTreeMap<(u32, u32), Listed>,
    /// Lines that should be rules and could not be read, or have no number.
    pub unreadable: usize,
}

impl Listing {
    /// The rules of these files.
    #[must_use]
    pub fn of(sources: &[Source]) -> Self {
        let mut listing = Self::default();
        for source in sources {
            for line in LogicalLines::new(&source.bytes) {
                let bytes = line.bytes.trim_ascii();
                if bytes.is_empty() {
                    continue;
                }
                if let Some(comment) = bytes.strip_prefix(b"#") {
                    if let Some(rule) = disabled_rule(comment) {
                        listing.add_rule(&rule, false);
                    }
                } else if is_read(&line.bytes) {
                    match RuleSyntax::parse(&line.bytes, 0) {
                        Ok(rule) => listing.add_rule(&rule, true),
                        Err(_) => listing.unreadable += 1,
                    }
                }
            }
        }
        listing
    }

    fn add_rule(&mut self, rule: &RuleSyntax<'_>, is_enabled: bool) {
        let Some(sid) = rule.number("sid").filter(|sid| *sid > 0) else {
            self.unreadable += usize::from(is_enabled);
            return;
        };
        let id = (rule.number("gid").unwrap_or(1), sid);
        self.add(id, listed(rule, is_enabled));
    }

    /// Adds a rule; a newer one of its number stays.
    pub fn add(&mut self, id: (u32, u32), rule: Listed) {
        let order = |rule: &Listed| (rule.is_enabled, rule.rev);
        match self.rules.entry(id) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(rule);
            }
            std::collections::btree_map::Entry::Occupied(mut before) => {
                if order(before.get()) < order(&rule) {
                    before.insert(rule);
                }
            }
        }
    }
}

fn listed(rule: &RuleSyntax<'_>, is_enabled: bool) -> Listed {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let header: Vec<String> = [
        &rule.action,
        &rule.protocol,
        &rule.source,
        &rule.source_port,
        &rule.arrow,
        &rule.destination,
        &rule.destination_port,
    ]
    .iter()
    .map(|word| text(&layout::group(word)))
    .collect();
    let mut parts = vec![("header", header.join(" "))];
    let mut message = String::new();
    for option in &rule.options {
        let name = match option.name.bytes {
            b"sid" | b"gid" | b"rev" => continue,
            b"msg" => {
                message = message_of(option);
                "msg"
            }
            b"metadata" => "metadata",
            b"reference" => "reference",
            _ => "option",
        };
        parts.push((name, text(&layout::option(option))));
    }
    Listed {
        rev: rule.number("rev").unwrap_or(0),
        message,
        is_enabled,
        parts,
    }
}

fn message_of(option: &RuleOption<'_>) -> String {
    option
        .value
        .and_then(|value| values::quoted(value, false).ok())
        .map(|quoted| values::text(quoted.inner.bytes))
        .unwrap_or_default()
}

/// What happened to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It was switched off.
    Enabled,
    /// It is switched off now.
    Disabled,
    /// It is written otherwise.
    Changed,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Changed => "changed",
        })
    }
}

/// One thing of a rule that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// What it is: `rev`, `header`, `msg`, `metadata`, `reference`, `option` or `order`.
    pub part: &'static str,
    /// As it was; absent for what is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As it is; absent for what is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A rule that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Generator.
    pub gid: u32,
    /// Signature.
    pub sid: u32,
    /// What happened: one thing, or a change and a switch.
    pub kinds: Vec<Kind>,
    /// Revision before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rev_before: Option<u32>,
    /// Revision after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rev_after: Option<u32>,
    /// Its message, the newer one.
    pub message: String,
    /// What of it changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
}

impl fmt::Display for Difference {
    /// A line with number and message, then a line for each detail.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<String> = self.kinds.iter().map(Kind::to_string).collect();
        let rev = match (self.rev_before, self.rev_after) {
            (Some(before), Some(after)) if before != after => format!("rev {before} → {after}"),
            (_, Some(rev)) | (Some(rev), None) => format!("rev {rev}"),
            (None, None) => String::new(),
        };
        write!(
            formatter,
            "{:<17} {}:{} {rev}  {}",
            kinds.join(", "),
            self.gid,
            self.sid,
            self.message
        )?;
        for detail in self.details.iter().filter(|detail| detail.part != "rev") {
            let mut lines = String::new();
            for (sign, text) in [('-', &detail.before), ('+', &detail.after)] {
                if let Some(text) = text {
                    write!(lines, "\n    {sign} {text}")?;
                }
            }
            if detail.part == "order" {
                lines = "\n    ~ the same options in another order".to_owned();
            }
            formatter.write_str(&lines)?;
        }
        Ok(())
    }
}

/// What is different, in the order of the numbers.
#[must_use]
pub fn between(old: &Listing, new: &Listing) -> Vec<Difference> {
    let mut ids: Vec<(u32, u32)> = old.rules.keys().chain(new.rules.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .filter_map(|id| difference(id, old.rules.get(&id), new.rules.get(&id)))
        .collect()
}

fn difference(
    (gid, sid): (u32, u32),
    before: Option<&Listed>,
    after: Option<&Listed>,
) -> Option<Difference> {
    let mut kinds = Vec::new();
    let mut details = Vec::new();
    match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => kinds.push(Kind::Added),
        (Some(_), None) => kinds.push(Kind::Removed),
        (Some(before), Some(after)) => {
            details = details_of(before, after);
            if !details.is_empty() {
                kinds.push(Kind::Changed);
            }
            match (before.is_enabled, after.is_enabled) {
                (false, true) => kinds.push(Kind::Enabled),
                (true, false) => kinds.push(Kind::Disabled),
                _ => {}
            }
        }
    }
    if kinds.is_empty() {
        return None;
    }
    Some(Difference {
        gid,
        sid,
        kinds,
        rev_before: before.map(|rule| rule.rev),
        rev_after: after.map(|rule| rule.rev),
        message: after.or(before)?.message.clone(),
        details,
    })
}

fn details_of(before: &Listed, after: &Listed) -> Vec<Detail> {
    let mut details = Vec::new();
    if before.rev != after.rev {
        details.push(Detail {
            part: "rev",
            before: Some(before.rev.to_string()),
            after: Some(after.rev.to_string()),
        });
    }
    if before.parts == after.parts {
        return details;
    }
    // What only one side has, as often as it has it more than the other.
    let only = |one: &Listed, other: &Listed| {
        let mut counts: BTreeMap<&(&'static str, String), isize> = BTreeMap::new();
        for part in &other.parts {
            *counts.entry(part).or_default() += 1;
        }
        let mut only = Vec::new();
        for part in &one.parts {
            let count = counts.entry(part).or_default();
            *count -= 1;
            if *count < 0 {
                only.push(part.clone());
            }
        }
        only
    };
    let mut gone = only(before, after);
    let mut new = only(after, before);
    if gone.is_empty() && new.is_empty() {
        details.push(Detail {
            part: "order",
            before: None,
            after: None,
        });
    }
    // What stands once on each side has changed; the rest has come or gone.
    for part in ["header", "msg", "metadata", "reference"] {
        let places = |parts: &[(&'static str, String)]| -> Vec<usize> {
            (0..parts.len())
                .filter(|index| parts[*index].0 == part)
                .collect()
        };
        if let ([old], [now]) = (places(&gone).as_slice(), places(&new).as_slice()) {
            let (_, before) = gone.remove(*old);
            let (_, after) = new.remove(*now);
            details.push(Detail {
                part,
                before: Some(before),
                after: Some(after),
            });
        }
    }
    for (part, text) in gone {
        details.push(Detail {
            part,
            before: Some(text),
            after: None,
        });
    }
    for (part, text) in new {
        details.push(Detail {
            part,
            before: None,
            after: Some(text),
        });
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(text: &str) -> Listing {
        Listing::of(&[Source {
            name: "x.rules".into(),
            bytes: text.as_bytes().to_vec(),
        }])
    }

    const OLD: &str = "alert tcp any any -> any 80 (msg:\"a\"; content:\"x\"; sid:1; rev:1;)\n\
        alert tcp any any -> any 80 (msg:\"b\"; content:\"x\"; content:\"y\"; sid:2; rev:1;)\n\
        # alert tcp any any -> any 80 (msg:\"c\"; content:\"x\"; sid:3; rev:1;)\n\
        alert tcp any any -> any 80 (msg:\"d\"; content:\"x\"; sid:4; rev:1;)\n\
        alert tcp any any -> any 80 (msg:\"e\"; content:\"x\"; content:\"y\"; sid:5; rev:1;)\n";

    #[test]
    fn each_kind_is_named() {
        let new = "alert tcp any  any -> any 80 (msg:\"a\";content:\"x\"; sid:1;rev:1; )\n\
            alert tcp any any -> any 81 (msg:\"b\"; content:\"x\"; content:\"z\"; sid:2; rev:2;)\n\
            alert tcp any any -> any 80 (msg:\"c\"; content:\"x\"; sid:3; rev:1;)\n\
            #alert tcp any any -> any 80 (msg:\"d\"; content:\"x\"; sid:4; rev:1;)\n\
            alert tcp any any -> any 80 (msg:\"e\"; content:\"y\"; content:\"x\"; sid:5; rev:1;)\n\
            alert tcp any any -> any 80 (msg:\"f\"; gid:3; content:\"x\"; sid:1; rev:1;)\n";
        let found: Vec<String> = between(&listing(OLD), &listing(new))
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = [
            "changed           1:2 rev 1 → 2  b\n    - alert tcp any any -> any 80\n    + alert tcp any any -> any 81\n    - content:\"y\";\n    + content:\"z\";",
            "enabled           1:3 rev 1  c",
            "disabled          1:4 rev 1  d",
            "changed           1:5 rev 1  e\n    ~ the same options in another order",
            "added             3:1 rev 1  f",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_newest_revision_counts() {
        let twice = format!(
            "{OLD}alert tcp any any -> any 80 (msg:\"a2\"; content:\"x\"; sid:1; rev:2;)\n#alert tcp any any -> any 80 (msg:\"a9\"; sid:1; rev:9;)\n"
        );
        let found = between(&listing(OLD), &listing(&twice));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "a2");
        assert_eq!(between(&listing(OLD), &listing(OLD)), []);
    }
}
