//! What the image that runs is, as it says of itself.

use std::fs;

use crate::layout;

/// What the image is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Release {
    /// As `0.1.0-1796000000`.
    pub(crate) version: String,
    /// When it was built, seconds since 1970: what updates count as its version.
    pub(crate) built_seconds: u64,
    /// Which board it is for.
    pub(crate) board: String,
}

impl Release {
    /// Reads it.
    pub(crate) fn read() -> Self {
        Self::of(&fs::read_to_string(layout::RELEASE).unwrap_or_default())
    }

    fn of(text: &str) -> Self {
        let value = |name| value(text, name).unwrap_or_default().to_owned();
        Self {
            version: value("VERSION"),
            built_seconds: value("BUILT_SECONDS").parse().unwrap_or_default(),
            board: value("BOARD"),
        }
    }
}

/// What a release file says under a name: lines as `BOARD=uefi-x86_64`.
#[must_use]
pub fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_by_name() {
        let release = Release::of("VERSION=0.1.0-5\nBUILT_SECONDS=5\nBOARD=uefi-x86_64\n");
        let expected = Release {
            version: "0.1.0-5".to_owned(),
            built_seconds: 5,
            board: "uefi-x86_64".to_owned(),
        };
        assert_eq!(release, expected);
        assert_eq!(Release::of("nonsense"), Release::default());
    }
}
