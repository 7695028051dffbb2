//! What can be watched, and what is told of one thing that was seen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fleet::Condition;
use crate::triage::Tier;

/// Kinds of trouble with batches, as the store raises them, with hyphens.
const BATCH_WORDS: [&str; 5] = [
    "conflicting-batch",
    "forged-batch",
    "unreadable-batch",
    "broken-chain",
    "two-outboxes",
];

/// What a rule watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// A group of findings that appears in a tier, gets into a graver one, or comes back.
    Group,
    /// A sensor that gets into a condition.
    Sensor,
    /// A batch that is not what it should be.
    Batch,
}

impl AlarmKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Group, Self::Sensor, Self::Batch];

    /// The word in the database, the API and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Sensor => "sensor",
            Self::Batch => "batch",
        }
    }

    /// What a rule of this kind may name.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        match self {
            Self::Group => Tier::ALL.iter().map(|tier| tier.as_str()).collect(),
            Self::Sensor => Condition::ALL.iter().map(|one| one.as_str()).collect(),
            Self::Batch => BATCH_WORDS.to_vec(),
        }
    }

    /// Words that people wrote, separated by commas or blanks, each once and known.
    ///
    /// # Errors
    /// When there is none, or one is unknown.
    pub fn read_words(self, text: &str) -> Result<Vec<String>, String> {
        let known = self.words();
        let mut words: Vec<String> = Vec::new();
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            if !known.contains(&word) {
                return Err(format!("{word:?} is none of {}", known.join(", ")));
            }
            if !words.iter().any(|one| one == word) {
                words.push(word.to_owned());
            }
        }
        if words.is_empty() {
            return Err(format!("say one or more of {}", known.join(", ")));
        }
        Ok(words)
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for AlarmKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no kind of alarm: say group, sensor or batch"))
    }
}

/// One thing that was seen: what a webhook's body holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AlarmEvent {
    Group {
        group: i64,
        /// `gid:sid`
        rule: String,
        message: Option<String>,
        tier: String,
        severity: String,
        /// Why it stands in its tier, gravest first.
        reasons: Vec<String>,
        findings: u64,
        sensors: u64,
        providers: u64,
        /// How often it came back after it was closed.
        reopened: u64,
        first: String,
        last: String,
    },
    Sensor {
        sensor: String,
        condition: String,
        /// Name of the message that says why, and the number in it.
        cause: String,
        number: u64,
        since: String,
    },
    Batch {
        sensor: Option<String>,
        trouble: String,
        detail: String,
        at: String,
    },
    /// Somebody tries whether messages arrive.
    Test { by: String },
}

impl AlarmEvent {
    /// Where a page tells more.
    #[must_use]
    pub fn path(&self) -> String {
        let sensor_page =
            |sensor: &str| format!("/sensors/{}", crate::query::percent_encode(sensor));
        match self {
            Self::Group { group, .. } => format!("/groups/{group}"),
            Self::Sensor { sensor, .. } => sensor_page(sensor),
            Self::Batch { sensor, .. } => sensor
                .as_deref()
                .map_or_else(|| "/sensors".to_owned(), sensor_page),
            Self::Test { .. } => "/alarms".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_checked_against_what_there_is() {
        let read = |kind: AlarmKind, text| kind.read_words(text);
        assert_eq!(
            read(AlarmKind::Group, "infection,critical infection").unwrap(),
            ["infection", "critical"]
        );
        assert_eq!(read(AlarmKind::Sensor, "offline").unwrap(), ["offline"]);
        assert!(
            read(AlarmKind::Batch, "offline")
                .unwrap_err()
                .contains("conflicting-batch")
        );
        assert!(
            read(AlarmKind::Group, " ,")
                .unwrap_err()
                .contains("say one")
        );
    }
}
