//! Names that people give to sensors, users and the centre.

use std::fmt;
use std::str::FromStr;

use crate::limits::NAME_CHARS;

/// A short name that is safe in a file, a certificate, a URL and a table: letters, digits, `-`, `_` and `.`,
/// beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text cannot be a name.
#[derive(Debug, thiserror::Error)]
#[error(
    "the name {text:?} is not usable: use 1 to {NAME_CHARS} letters, digits, '-', '_' or '.', beginning with a letter or digit"
)]
pub struct NameError {
    text: String,
}

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let usable = text.chars().count() <= NAME_CHARS
            && text.chars().all(allowed)
            && text
                .chars()
                .next()
                .is_some_and(|c| c.is_ascii_alphanumeric());
        if usable {
            Ok(Self(text.to_owned()))
        } else {
            let text = text.chars().take(NAME_CHARS + 1).collect();
            Err(NameError { text })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_are_safe_in_paths_and_pages() {
        for good in ["isp-a", "A.b_c", "7"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            ".",
            "..",
            "a b",
            "a/b",
            "<b>",
            "é",
            &"x".repeat(64),
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
