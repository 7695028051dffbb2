//! Indicators that came from others: what to look for, who said so, and what became of it.

use jiff::Timestamp;
use lapwing_rules::indicator::{IndicatorKind, Value};

use super::{Kind, Shareable, Tlp, rule};

/// What has been decided about an indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndicatorState {
    /// Nobody has looked at it.
    Waiting,
    /// In the next pack.
    Approved,
    /// Not used: a person said so, or it stands on a list of false positives.
    Rejected,
    /// Was used, and is not any more: withdrawn, expired, or found to be wrong.
    Retired,
}

impl IndicatorState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Approved, Self::Rejected, Self::Retired];

    /// The word in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Retired => "retired",
        }
    }

    /// The state of a word; an unknown word is nothing to use.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Rejected)
    }
}

/// A value that sensors look up in tables, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub kind: IndicatorKind,
    /// As lists of indicators write it.
    pub value: String,
}

impl Listed {
    /// Checks a value; what the sensors' lists cannot hold is refused here.
    ///
    /// # Errors
    /// What is wrong with it, in one clause.
    pub fn parse(kind: IndicatorKind, text: &str) -> Result<Self, String> {
        let text = text.trim();
        let value = Value::parse(kind, text)?;
        let value = match kind {
            IndicatorKind::Address => {
                lapwing_rules::indicator::shown_prefix(value.key, value.prefix_bits)
            }
            IndicatorKind::Ja3 | IndicatorKind::Ja3s => hex::encode(value.key),
            // The normal form has no scheme and its escapes are resolved: read again it could mean something else.
            IndicatorKind::Url => text.to_owned(),
            _ => value.text.into(),
        };
        Ok(Self { kind, value })
    }
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Listed(Listed),
    /// A rule of Suricata, as its author wrote it.
    Rule(String),
}

/// The kind of a rule in the database, beside the kinds of lists.
const RULE: &str = "rule";

impl Wanted {
    /// Reads what the database or a command line holds.
    ///
    /// # Errors
    /// What is wrong with it, in one clause.
    pub fn parse(kind: &str, text: &str) -> Result<Self, String> {
        if kind == RULE {
            return rule::check(text).map(Self::Rule);
        }
        let kind = IndicatorKind::from_name(kind)
            .ok_or_else(|| format!("`{kind}` is no kind of indicator"))?;
        Listed::parse(kind, text).map(Self::Listed)
    }

    /// What the database holds: it was checked when it came.
    #[must_use]
    pub fn stored(kind: &str, value: String) -> Option<Self> {
        if kind == RULE {
            return Some(Self::Rule(value));
        }
        let kind = IndicatorKind::from_name(kind)?;
        Some(Self::Listed(Listed { kind, value }))
    }

    /// The word for its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Listed(listed) => listed.kind.name(),
            Self::Rule(_) => RULE,
        }
    }

    /// The value, or the rule.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Listed(listed) => &listed.value,
            Self::Rule(text) => text,
        }
    }
}

/// An indicator with its history.
#[derive(Clone, Debug)]
pub struct Indicator {
    /// The number under which sensors return hits.
    pub number: u32,
    pub wanted: Wanted,
    /// The peer who said so.
    pub peer: String,
    /// What the peer calls it.
    pub name_there: String,
    /// What it is about, in the peer's words.
    pub comment: String,
    pub tlp: Tlp,
    /// 1 is gravest.
    pub severity: u8,
    pub state: IndicatorState,
    /// Why it is in this state.
    pub reason: String,
    pub received: Timestamp,
    /// After this it is retired.
    pub until: Option<Timestamp>,
}

impl Shareable for Indicator {
    fn subject(&self) -> &str {
        &self.name_there
    }

    fn tlp(&self) -> Tlp {
        self.tlp
    }

    fn kind(&self) -> Kind {
        Kind::Indicator
    }
}
