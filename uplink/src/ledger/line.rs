//! One line of the ledger, and its text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub line: u64,
    /// Milliseconds since 1970 by this machine's clock.
    pub time: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Entry {
    /// An envelope was made.
    Sealed {
        /// Of which sensor.
        sensor: String,
        /// Of which life of its outbox.
        epoch: String,
        /// Its number.
        batch: u64,
        /// SHA-256 of its bytes.
        digest: String,
        /// How many bytes it has.
        bytes: u64,
        /// Its records, by kind.
        records: BTreeMap<String, u64>,
        /// The policies that allowed them.
        policies: Vec<String>,
        /// Its content key, wrapped for the ISP.
        key: Option<String>,
    },
    /// A connection to the centre was made.
    Connected {
        /// Its number, one more than that of the one before.
        connection: u64,
        /// This end.
        from: String,
        /// The other end.
        to: String,
    },
    /// An envelope leaves.
    Sent {
        /// Of which life of the outbox.
        epoch: String,
        /// Its number.
        batch: u64,
        /// SHA-256 of its bytes.
        digest: String,
        /// How many bytes it has.
        bytes: u64,
        /// How it leaves.
        way: Way,
        /// On which connection.
        connection: Option<u64>,
    },
    /// A connection ended.
    Closed {
        /// Which one.
        connection: u64,
        /// Bytes of TCP payload to the centre.
        sent: u64,
        /// Bytes of TCP payload from the centre.
        received: u64,
        /// Bytes of envelopes among those sent.
        envelopes: u64,
        /// Bytes of other messages among those sent.
        other: u64,
        /// Bytes of TLS itself among those sent.
        tls: u64,
        /// Bytes said to a proxy among those sent; lines of older programs have none.
        #[serde(default)]
        proxy: u64,
    },
    /// The end of a connection was not seen.
    Cut {
        /// Which one.
        connection: u64,
    },
}

/// How an envelope leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Over TLS.
    Tls,
    /// On a stick.
    Courier,
}

impl Line {
    /// The text of the line, and its hash.
    pub(super) fn to_text(&self, before: &str) -> Result<(String, String), serde_json::Error> {
        let json = serde_json::to_string(self)?;
        let hash = hash(before, &json);
        Ok((format!("{hash} {json}\n"), hash))
    }

    /// A line of text without its end, if its hash is right; and the hash.
    pub(super) fn read<'a>(text: &'a str, before: &str) -> Option<(Self, &'a str)> {
        let (given, json) = text.split_once(' ')?;
        let line = serde_json::from_str(json).ok()?;
        (given == hash(before, json)).then_some((line, given))
    }
}

impl Line {
    /// As [`Line::read`], for a line before which nothing is known.
    pub(super) fn read_unchained(text: &str) -> Option<(Self, &str)> {
        let (given, json) = text.split_once(' ')?;
        Some((serde_json::from_str(json).ok()?, given))
    }
}

fn hash(before: &str, json: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(json);
    hex::encode(hash.finalize())
}
