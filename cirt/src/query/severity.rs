//! Severity as people choose it: four classes over the rule language's `priority` (1 is gravest).

use std::fmt;
use std::str::FromStr;

/// A class of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeverityClass {
    High,
    Medium,
    Low,
    Info,
}

impl SeverityClass {
    /// All, gravest first.
    pub const ALL: [Self; 4] = [Self::High, Self::Medium, Self::Low, Self::Info];

    /// The class of a priority: 1, 2, 3, and 4 or more.
    #[must_use]
    pub const fn of(priority: u8) -> Self {
        match priority {
            0 | 1 => Self::High,
            2 => Self::Medium,
            3 => Self::Low,
            _ => Self::Info,
        }
    }

    /// The priority that opens the class, 1 to 4.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::High => 1,
            Self::Medium => 2,
            Self::Low => 3,
            Self::Info => 4,
        }
    }

    /// The word on pages, in the API and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for SeverityClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Some classes, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeveritySet(Vec<SeverityClass>);

impl SeveritySet {
    /// The classes, gravest first.
    #[must_use]
    pub fn classes(&self) -> &[SeverityClass] {
        &self.0
    }
}

impl FromStr for SeveritySet {
    type Err = String;

    /// Words or numbers, separated by commas: `high,medium` or `1,2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut classes = Vec::new();
        for part in text.split(',').map(str::trim) {
            let class = SeverityClass::ALL
                .into_iter()
                .find(|class| {
                    part.eq_ignore_ascii_case(class.as_str()) || part == class.number().to_string()
                })
                .ok_or_else(|| {
                    format!("severity: {part:?} is none; say high, medium, low or info (or 1 to 4)")
                })?;
            classes.push(class);
        }
        classes.sort_unstable();
        classes.dedup();
        Ok(Self(classes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_mean_the_same() {
        let set: SeveritySet = "2, HIGH,1".parse().unwrap();
        assert_eq!(set.classes(), [SeverityClass::High, SeverityClass::Medium]);
        assert!("".parse::<SeveritySet>().is_err());
        assert!("5".parse::<SeveritySet>().is_err());
    }
}
