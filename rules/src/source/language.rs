//! Which version of the rule language a rule set is written in.
//!
//! Rules mean what version 7.0 of the reference makes of them. Version 8 of the language adds keywords and protocols to that; it
//! is asked for by name, because a rule that the reference refuses must not run here unasked.

/// A version of the rule language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// That of Suricata 7.0.
    #[default]
    Version7,
    /// That of Suricata 8.0.
    Version8,
}

impl Language {
    /// The language of this number, as people write it: `7` or `8`.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        match number {
            7 => Some(Self::Version7),
            8 => Some(Self::Version8),
            _ => None,
        }
    }

    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Version7 => "7.0",
            Self::Version8 => "8.0",
        }
    }

    /// The version that `requires` is held against.
    pub(crate) fn version(self) -> [u32; 3] {
        match self {
            Self::Version7 => [7, 0, 10],
            Self::Version8 => [8, 0, 0],
        }
    }
}
