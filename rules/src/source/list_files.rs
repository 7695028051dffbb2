//! Files of lists that rules name: where they are looked for, and how each form is read.
//!
//! | keyword | a line |
//! |---|---|
//! | `dataset`, type string | base64 of the string |
//! | `dataset`, type md5 or sha256 | hexadecimal digits |
//! | `dataset`, type ipv4 or ip | an address |
//! | `datarep` | the same, a comma and a number up to 65535 |
//! | `filemd5`, `filesha1`, `filesha256` | hexadecimal digits; what stands behind white space is a note |
//!
//! Empty lines and lines that begin with `#` say nothing. A rule file can name files of its own folder only, and of folders within it.

use std::{
    fs::File,
    io::{self, Read},
    net::{IpAddr, Ipv4Addr},
    path::{Component, Path},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    limits,
    model::{ListKey, ListKind, address_key},
};

/// Where files of lists are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListFiles {
    /// There are none: the rules are a text without a place.
    #[default]
    None,
    /// In the folder of the rule file that names them.
    BesideTheRules,
}

/// A list, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListContent {
    /// Ascending and distinct.
    pub(crate) keys: Vec<ListKey>,
    /// The reputation of each, where the list gives any.
    pub(crate) values: Option<Vec<u16>>,
}

/// Reads a file that a rule of `rule_file` names.
pub(crate) fn read(rule_file: &str, path: &str) -> Result<Vec<u8>, String> {
    let path = Path::new(path);
    let is_within = path
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_within {
        return Err("it does not lie in the folder of the rule file".to_owned());
    }
    let folder = Path::new(rule_file).parent().unwrap_or(Path::new(""));
    bytes_of(&folder.join(path)).map_err(|error| error.to_string())
}

fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = limits::LIST_FILE_BYTES;
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Reads a list of digests as `filemd5` and its kin have it.
pub(crate) fn file_digests(bytes: &[u8], kind: ListKind) -> Result<ListContent, String> {
    gather(bytes, |line| {
        let word = line.split(u8::is_ascii_whitespace).next()?;
        kind.key(&hex::decode(word).ok()?).map(|key| (key, 0))
    })
    .map(|entries| content(entries, false))
}

/// Reads a list as `dataset` has it, or, `with_values`, `datarep`.
pub(crate) fn data_set(
    bytes: &[u8],
    kind: ListKind,
    with_values: bool,
) -> Result<ListContent, String> {
    gather(bytes, |line| {
        let mut parts = line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let key = item_key(parts.next()?, kind)?;
        let value = match (with_values, parts.next()) {
            (false, _) => 0,
            (true, value) => std::str::from_utf8(value?).ok()?.parse().ok()?,
        };
        Some((key, value))
    })
    .map(|entries| content(entries, with_values))
}

fn item_key(item: &[u8], kind: ListKind) -> Option<ListKey> {
    match kind {
        ListKind::String => kind.key(&STANDARD.decode(item).ok()?),
        ListKind::Md5 | ListKind::Sha1 | ListKind::Sha256 => kind.key(&hex::decode(item).ok()?),
        ListKind::Ipv4 => {
            let address: Ipv4Addr = std::str::from_utf8(item).ok()?.parse().ok()?;
            Some(address_key(address.into()))
        }
        ListKind::Ip => {
            let address: IpAddr = std::str::from_utf8(item).ok()?.parse().ok()?;
            Some(address_key(address))
        }
    }
}

fn gather(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Option<(ListKey, u16)>,
) -> Result<Vec<(ListKey, u16)>, String> {
    let mut entries = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if entries.len() >= limits::LIST_KEYS {
            return Err(format!("it has more than {} entries", limits::LIST_KEYS));
        }
        entries.push(read(line).ok_or_else(|| format!("line {} is no entry of it", index + 1))?);
    }
    Ok(entries)
}

/// In order, each key once: the first that stands there holds.
fn content(mut entries: Vec<(ListKey, u16)>, with_values: bool) -> ListContent {
    entries.sort_by_key(|entry| entry.0);
    entries.dedup_by_key(|entry| entry.0);
    ListContent {
        keys: entries.iter().map(|entry| entry.0).collect(),
        values: with_values.then(|| entries.iter().map(|entry| entry.1).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let read = |text: &str, kind| data_set(text.as_bytes(), kind, false).unwrap().keys;
        assert_eq!(
            read("aGVsbG8=\n# note\n\naGVsbG8=\r\n", ListKind::String),
            [ListKind::String.key(b"hello").unwrap()]
        );
        assert_eq!(read("10.0.0.1\n2001:db8::1\n", ListKind::Ip).len(), 2);
        let rated = data_set(b"aGVsbG8=,250\naGk=, 3\n", ListKind::String, true).unwrap();
        let at = |text: &[u8]| {
            let key = ListKind::String.key(text).unwrap();
            rated.keys.binary_search(&key).unwrap()
        };
        let values = rated.values.as_ref().unwrap();
        assert_eq!((values[at(b"hello")], values[at(b"hi")]), (250, 3));
        let digests = b"5D41402ABC4B2A76B9719D911017C592  hello.txt\n";
        assert_eq!(file_digests(digests, ListKind::Md5).unwrap().keys.len(), 1);
    }

    #[test]
    fn a_line_that_is_no_entry_is_named() {
        let error = |text: &str, kind| data_set(text.as_bytes(), kind, false).unwrap_err();
        assert_eq!(
            error("aGk=\n%%\n", ListKind::String),
            "line 2 is no entry of it"
        );
        assert_eq!(error("::1", ListKind::Ipv4), "line 1 is no entry of it");
        assert!(data_set(b"aGk=,70000", ListKind::String, true).is_err());
        assert!(data_set(b"aGk=", ListKind::String, true).is_err());
        assert!(file_digests(b"xyz", ListKind::Md5).is_err());
    }

    #[test]
    fn a_rule_names_files_of_its_own_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("a.rules");
        let rules = rules.to_str().unwrap();
        std::fs::write(folder.path().join("x.lst"), "aGk=").unwrap();
        assert_eq!(read(rules, "x.lst").unwrap(), b"aGk=");
        assert!(read(rules, "../x.lst").is_err());
        assert!(read(rules, "/etc/passwd").is_err());
        assert!(read(rules, "y.lst").is_err());
    }
}
