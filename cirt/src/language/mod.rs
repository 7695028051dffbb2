//! What pages say, in the languages that staff read: one Fluent file a language, compiled into the program.
//!
//! Program text (names of rules, values, logs, the command line) stays English. A message that a file lacks is shown in
//! English; a test fails on it.

mod texts;

use std::fmt;

pub use texts::{Argument, Texts};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    French,
    Spanish,
    Portuguese,
    Arabic,
    Russian,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::English,
        Self::French,
        Self::Spanish,
        Self::Portuguese,
        Self::Arabic,
        Self::Russian,
    ];

    /// Its tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Portuguese => "pt",
            Self::Arabic => "ar",
            Self::Russian => "ru",
        }
    }

    /// What it calls itself.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
            Self::Spanish => "Español",
            Self::Portuguese => "Português",
            Self::Arabic => "العربية",
            Self::Russian => "Русский",
        }
    }

    /// `rtl` or `ltr`, as in HTML.
    #[must_use]
    pub const fn direction(self) -> &'static str {
        match self {
            Self::Arabic => "rtl",
            _ => "ltr",
        }
    }

    /// The language with a tag, whatever its region.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The person's own choice, else the first that the browser accepts and we speak, else English.
    #[must_use]
    pub fn chosen(own: &str, accepted: &str) -> Self {
        let of_browser = || {
            let mut wanted: Vec<(u32, &str)> = accepted
                .split(',')
                .take(20)
                .map(|part| {
                    let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
                    (thousandths(weight), tag.trim())
                })
                .filter(|(weight, _)| *weight > 0)
                .collect();
            wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
            wanted.into_iter().find_map(|(_, tag)| Self::from_tag(tag))
        };
        Self::from_tag(own)
            .or_else(of_browser)
            .unwrap_or(Self::English)
    }
}

/// `0.8` as 800; what cannot be read weighs nothing.
fn thousandths(weight: &str) -> u32 {
    let weight = weight.trim();
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = format!("{part:0<3}");
    let part: Option<u32> = digits.get(..3).and_then(|digits| digits.parse().ok());
    match (whole.parse::<u32>(), part) {
        (Ok(whole), Some(part)) if whole <= 1 => whole * 1_000 + part,
        _ => 0,
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_decides_before_the_browser() {
        assert_eq!(Language::chosen("ru", "fr"), Language::Russian);
        assert_eq!(
            Language::chosen("", "de, fr-CA;q=0.8, es;q=0.9"),
            Language::Spanish
        );
        assert_eq!(Language::chosen("xx", "pt-BR"), Language::Portuguese);
        assert_eq!(Language::chosen("", "ar;q=0, ru;q=zero"), Language::English);
        assert_eq!(Language::chosen("", ""), Language::English);
    }
}
