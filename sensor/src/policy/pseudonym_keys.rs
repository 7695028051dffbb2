//! The file of pseudonym keys, one for each epoch. It belongs to the ISP; the sensor needs the newest epoch only.
//!
//! ```toml
//! format = 1
//! [[epoch]]
//! number = 1
//! since = "2026-11-30T09:00:00Z"   # when it was made, for people
//! prefix_key = "64 hex digits"
//! block_key = "32 hex digits"
//! ```
//!
//! An epoch ends when a newer one is added: from then on the same address has another pseudonym, and only who has the whole file
//! can tell which pseudonyms of two epochs are the same subscriber.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::pseudonyms::EpochKey;
use crate::{
    settings::document::{self, Mistakes, Section},
    whole_file,
};

/// Epochs of one file: a new one each week for twenty years.
const MAX_EPOCHS: usize = 1040;
/// Bytes of a file.
const MAX_FILE_BYTES: usize = 1024 * 1024;
const FORMAT: u64 = 1;

/// The epochs of a file, ascending, at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PseudonymKeys(Vec<(EpochKey, String)>);

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum PseudonymKeyError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has mistakes.
    #[error("{}: {mistakes}", path.display())]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// All of them.
        mistakes: Mistakes,
    },
}

impl PseudonymKeys {
    /// Reads a file.
    ///
    /// # Errors
    /// [`PseudonymKeyError`].
    pub fn read(path: &Path) -> Result<Self, PseudonymKeyError> {
        let bytes =
            whole_file::read(path, MAX_FILE_BYTES).map_err(|source| PseudonymKeyError::Read {
                path: path.to_owned(),
                source,
            })?;
        let text = Zeroizing::new(String::from_utf8_lossy(&Zeroizing::new(bytes)).into_owned());
        Self::parse(&text).map_err(|mistakes| PseudonymKeyError::Mistakes {
            path: path.to_owned(),
            mistakes,
        })
    }

    fn parse(text: &str) -> Result<Self, Mistakes> {
        document::read(text, |root| {
            if root.number("format", FORMAT..=FORMAT).is_none() {
                root.missing("format", "write format = 1");
            }
            let mut epochs: Vec<_> = root
                .sections("epoch", epoch)
                .into_iter()
                .flatten()
                .collect();
            epochs.sort_by_key(|(key, _)| key.epoch);
            if epochs.is_empty() || epochs.len() > MAX_EPOCHS {
                root.mistake("epoch", &format!("there must be 1 to {MAX_EPOCHS}"));
            }
            if epochs
                .windows(2)
                .any(|two| matches!(two, [(a, _), (b, _)] if a.epoch == b.epoch))
            {
                root.mistake("epoch", &"the same number stands twice");
            }
            Self(epochs)
        })
    }

    /// The text of the file.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::from(
            "# Pseudonym keys. Who has this file can turn pseudonyms back into subscribers: keep it with the ISP.\nformat = 1\n",
        ));
        for (key, since) in &self.0 {
            let (prefix_key, block_key) = key.to_bytes();
            let prefix_key = Zeroizing::new(hex::encode(prefix_key.as_slice()));
            let block_key = Zeroizing::new(hex::encode(block_key.as_slice()));
            // Writing to a text does not fail.
            let _written = write!(
                text,
                "\n[[epoch]]\nnumber = {}\nsince = \"{since}\"\nprefix_key = \"{}\"\nblock_key = \"{}\"\n",
                key.epoch, *prefix_key, *block_key
            );
        }
        text
    }

    /// Adds an epoch behind the newest.
    pub fn add(&mut self, key: EpochKey, since: String) {
        self.0.push((key, since));
        self.0.sort_by_key(|(key, _)| key.epoch);
    }

    /// The newest epoch.
    #[must_use]
    pub fn newest(&self) -> Option<&EpochKey> {
        self.0.last().map(|(key, _)| key)
    }

    /// Only the newest epoch: what a sensor needs.
    #[must_use]
    pub fn newest_only(&self) -> Self {
        Self(self.0.last().cloned().into_iter().collect())
    }

    /// The epoch with a number.
    #[must_use]
    pub fn epoch(&self, number: u32) -> Option<&EpochKey> {
        let keys = self.0.iter().map(|(key, _)| key);
        keys.into_iter().find(|key| key.epoch == number)
    }
}

fn epoch(section: &Section<'_>) -> Option<(EpochKey, String)> {
    let number = section.number("number", 1..=u64::from(u32::MAX));
    let since = section.text("since").unwrap_or_default().to_owned();
    let prefix_key = section.parsed("prefix_key", bytes::<32>);
    let block_key = section.parsed("block_key", bytes::<16>);
    if number.is_none() {
        section.missing("number", "write number = 1 for the first epoch");
    }
    let number = u32::try_from(number?).ok()?;
    let key = EpochKey::from_bytes(number, prefix_key?, block_key?);
    if key.is_none() {
        section.mistake("prefix_key", &"is no key: both its halves are equal");
    }
    Some((key?, since))
}

fn bytes<const COUNT: usize>(text: &str) -> Result<[u8; COUNT], String> {
    let mut bytes = [0; COUNT];
    hex::decode_to_slice(text, &mut bytes)
        .map(|()| bytes)
        .map_err(|_| format!("must be {} hex digits", 2 * COUNT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let mut keys = PseudonymKeys::default();
        for epoch in 1..=2 {
            let key = EpochKey::generate(epoch, getrandom::fill).unwrap();
            keys.add(key, format!("2026-11-{epoch:02}T00:00:00Z"));
        }
        let read = PseudonymKeys::parse(&keys.to_text()).unwrap();
        assert_eq!(read, keys);
        assert_eq!(read.newest().unwrap().epoch, 2);
        let newest = PseudonymKeys::parse(&keys.newest_only().to_text()).unwrap();
        assert!(newest.epoch(1).is_none() && newest.epoch(2).is_some());
        let first = keys.epoch(1).unwrap();
        assert!(!format!("{keys:?}").contains(&hex::encode(first.to_bytes().0.as_slice())));
    }

    #[test]
    fn mistakes_are_told_together() {
        let text = format!(
            "format = 1\n[[epoch]]\nnumber = 0\nprefix_key = '{}'\nblock_key = 'x'\n[[epoch]]\nnumber = 1\nprefix_key = '{}'\nblock_key = '{}'\n",
            "0".repeat(63),
            "0".repeat(64),
            "0".repeat(32)
        );
        let mistakes = PseudonymKeys::parse(&text).unwrap_err().to_string();
        for expected in [
            "whole number from 1",
            "64 hex digits",
            "32 hex digits",
            "halves are equal",
        ] {
            assert!(mistakes.contains(expected), "{expected}: {mistakes}");
        }
    }
}
