//! Where a page of findings ended. Pages are cut by position, not by count: new findings shift nothing.

use std::fmt;
use std::str::FromStr;

/// The last finding of a page; the next page begins after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its last time, milliseconds since 1970.
    pub last_milliseconds: i64,
    /// Its key, for findings of the same millisecond.
    pub key: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.last_milliseconds, self.key)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('.')
            .and_then(|(time, key)| Some((time.parse().ok()?, key.parse().ok()?)));
        let (last_milliseconds, key) = parts.ok_or_else(|| {
            format!("after: {text:?} is no page mark; follow the link of a page instead")
        })?;
        Ok(Self {
            last_milliseconds,
            key,
        })
    }
}
