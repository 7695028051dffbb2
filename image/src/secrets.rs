//! Looks for what must be in no image: private keys, passwords, vouchers. Also in what is packed: the root is unpacked first.

use std::{fs, path::Path};

use anyhow::Context;

/// Shortest body of a private key.
const KEY_BODY_MIN: usize = 40;
/// Shortest voucher.
const VOUCHER_MIN: usize = 60;
/// How hashes of passwords begin.
const PASSWORD_HASHES: [&[u8]; 6] = [
    b"$argon2id$v=",
    b"$argon2i$v=",
    b"$y$j",
    b"$6$",
    b"$5$",
    b"$2b$",
];
/// Shortest hash of a password after its beginning.
const HASH_MIN: usize = 40;

/// A secret, or what looks like one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) place: String,
    pub(crate) kind: &'static str,
    pub(crate) at: usize,
}

/// Looks through a folder and all below it.
pub(crate) fn scan_folder(folder: &Path, findings: &mut Vec<Finding>) -> anyhow::Result<u64> {
    let mut files = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries =
            fs::read_dir(&next).with_context(|| format!("cannot read {}", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            let metadata = fs::symlink_metadata(&path)?;
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file() {
                files += 1;
                let place = path
                    .strip_prefix(folder)
                    .unwrap_or(&path)
                    .display()
                    .to_string();
                scan(&place, &fs::read(&path)?, findings);
            }
        }
    }
    Ok(files)
}

/// Looks through some bytes.
pub(crate) fn scan(place: &str, bytes: &[u8], findings: &mut Vec<Finding>) {
    let mut note = |kind, at| {
        findings.push(Finding {
            place: place.to_owned(),
            kind,
            at,
        });
    };
    for at in positions(bytes, b"PRIVATE KEY-----") {
        // A program that reads keys knows the line; only a key has a body behind it.
        let rest = bytes.get(at + 16..).unwrap_or_default();
        let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        if let Some(body) = rest.strip_prefix(b"\n")
            && run_of(body, |byte| {
                byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
            }) >= KEY_BODY_MIN
        {
            note("a private key", at);
        }
    }
    for at in positions(bytes, b"LAPWING1") {
        let body = bytes.get(at..).unwrap_or_default();
        if run_of(body, |byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit()
        }) >= VOUCHER_MIN
        {
            note("a voucher", at);
        }
    }
    for start in PASSWORD_HASHES {
        for at in positions(bytes, start) {
            let body = bytes.get(at + start.len()..).unwrap_or_default();
            if run_of(body, |byte| {
                byte.is_ascii_alphanumeric() || b"./$,=+".contains(&byte)
            }) >= HASH_MIN
            {
                note("the hash of a password", at);
            }
        }
    }
}

fn run_of(bytes: &[u8], fits: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| fits(**byte)).count()
}

fn positions<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = needle.first().copied().unwrap_or_default();
    bytes
        .iter()
        .enumerate()
        .filter(move |(at, byte)| {
            **byte == first
                && bytes
                    .get(*at..)
                    .is_some_and(|rest| rest.starts_with(needle))
        })
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        let mut findings = Vec::new();
        scan("x", text.as_bytes(), &mut findings);
        findings.into_iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn secrets_are_found_and_their_names_are_not() {
        let body = "MC4CAQAwBQYDK2VwBCIEIJ".repeat(3);
        let begin = concat!("-----BEGIN PRIVATE", " KEY-----");
        assert_eq!(kinds(&format!("{begin}\n{body}\n")), ["a private key"]);
        assert_eq!(kinds(&format!("{begin}\r\n{body}")), ["a private key"]);
        assert_eq!(kinds(&format!("{begin}\n-----END")), [""; 0]);
        assert_eq!(
            kinds(&format!("voucher = \"LAPWING1{}\"", "ABCDEF23".repeat(8))),
            ["a voucher"]
        );
        assert_eq!(kinds("voucher = \"LAPWING1...\""), [""; 0]);
        let hash = format!("root:$6${}:1::", "abc./Z01".repeat(8));
        assert_eq!(kinds(&hash), ["the hash of a password"]);
    }
}
