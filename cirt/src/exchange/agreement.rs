//! With whom the centre exchanges, and what was agreed.
//!
//! A *peer* is a recipient (and, when it has a password, a sender). An *agreement* is the paper that was signed with it, as far as a
//! machine can hold to it. A peer has at most one that is in force; without one nothing leaves.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::Tlp;
use crate::settings::Name;

/// What kind of recipient a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// Another national, sectoral or regional team.
    Cirt,
    /// A provider or another owner of networks.
    Provider,
    /// A tool of our own organisation: the only kind that AMBER+STRICT may reach.
    Own,
    /// Everybody.
    Public,
}

/// What may be shared, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What sensors found.
    Finding,
    /// What others look for.
    Indicator,
    /// That an indicator was seen, or that it is thought to be wrong.
    Sighting,
    /// Counts.
    Statistic,
    /// Who speaks and what the labels mean; goes with whatever is agreed.
    Identity,
}

macro_rules! words {
    ($type:ident, $what:literal, $($variant:ident = $name:literal),+) => {
        impl $type {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the database and on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|one| one.name() == text).ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|one| one.name()).collect();
                    format!("{text:?} is no {}: say {}", $what, known.join(", "))
                })
            }
        }
    };
}

words!(
    PeerKind,
    "kind of peer",
    Cirt = "cirt",
    Provider = "provider",
    Own = "own",
    Public = "public"
);
words!(
    Kind,
    "kind of thing to share",
    Finding = "finding",
    Indicator = "indicator",
    Sighting = "sighting",
    Statistic = "statistic",
    Identity = "identity"
);

/// A country by its two letters (ISO 3166-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Country {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Ok(Self([
                    first.to_ascii_uppercase(),
                    second.to_ascii_uppercase(),
                ]))
            }
            _ => Err(format!(
                "{text:?} is no country: say its two letters of ISO 3166, as EE"
            )),
        }
    }
}

/// A recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub name: String,
    pub kind: PeerKind,
    pub country: Option<Country>,
    pub created: Timestamp,
    /// Since when nothing goes to it or comes from it.
    pub disabled: Option<Timestamp>,
}

impl Peer {
    /// Whether it is outside our organisation.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        self.kind != PeerKind::Own
    }
}

/// What was agreed with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// What the signed paper is called; stands in every entry of the register.
    pub reference: Name,
    /// The strictest label that may go there.
    pub ceiling: Tlp,
    pub kinds: BTreeSet<Kind>,
    /// Only what concerns these countries; empty means any, also where the country is unknown.
    pub countries: BTreeSet<Country>,
    /// Statistics that count fewer than this are kept back.
    pub smallest_count: u64,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

impl Agreement {
    /// Whether it may be made with this kind of peer.
    ///
    /// # Errors
    /// Why it may not, in one line.
    pub fn check(&self, peer: &Peer) -> Result<(), String> {
        match (self.ceiling, peer.kind) {
            (Tlp::Red, _) => Err(
                "RED is for persons; no machine sends it, so no agreement reaches it".to_owned(),
            ),
            (Tlp::AmberStrict, kind) if kind != PeerKind::Own => Err(format!(
                "AMBER+STRICT stays in the organisation; a peer of kind {kind} can have amber at most"
            )),
            (ceiling, PeerKind::Public) if ceiling > Tlp::Clear => {
                Err("what everybody may read is clear; choose the ceiling clear".to_owned())
            }
            _ if self.kinds.is_empty() => Err("the agreement names no kind of thing".to_owned()),
            _ if self.until.is_some_and(|until| until <= self.from) => {
                Err("the agreement ends before it begins".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether it holds at a time.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// Words joined by commas, as the database and the command line hold sets.
#[must_use]
pub fn joined<T: fmt::Display>(set: &BTreeSet<T>) -> String {
    set.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// The set that [`joined`] wrote.
///
/// # Errors
/// When a word is unknown.
pub fn split<T: FromStr<Err = String> + Ord>(text: &str) -> Result<BTreeSet<T>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::parse)
        .collect()
}
