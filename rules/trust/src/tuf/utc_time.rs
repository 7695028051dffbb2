//! Times as TUF writes them: `2030-01-31T12:00:00Z`, whole seconds, always UTC.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::TrustError;

/// Seconds since 1970, within the years that have four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcTime(u64);

const FORM: &str = "%Y-%m-%dT%H:%M:%SZ";
/// 9999-12-30T22:00:00Z, the last second that every time zone can write.
const LAST_SECONDS: u64 = 253_402_207_200;

impl UtcTime {
    /// A time; one beyond the year 9999 is held there.
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds.min(LAST_SECONDS))
    }

    /// Seconds since 1970.
    pub const fn seconds(self) -> u64 {
        self.0
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0).map_err(|_| fmt::Error)?;
        let time = Timestamp::from_second(seconds).map_err(|_| fmt::Error)?;
        write!(formatter, "{}", time.strftime(FORM))
    }
}

impl FromStr for UtcTime {
    type Err = TrustError;

    fn from_str(text: &str) -> Result<Self, TrustError> {
        let malformed = TrustError::Malformed {
            what: "a time is written as 2030-01-31T12:00:00Z",
        };
        let time = strtime::parse(FORM, text)
            .and_then(|parsed| parsed.to_datetime())
            .and_then(|time| TimeZone::UTC.to_timestamp(time));
        let seconds = time.map(Timestamp::as_second).unwrap_or(-1);
        match u64::try_from(seconds) {
            Ok(seconds) if text.len() == 20 && seconds <= LAST_SECONDS => Ok(Self(seconds)),
            _ => Err(malformed),
        }
    }
}

impl TryFrom<String> for UtcTime {
    type Error = TrustError;

    fn try_from(text: String) -> Result<Self, TrustError> {
        text.parse()
    }
}

impl From<UtcTime> for String {
    fn from(time: UtcTime) -> Self {
        time.to_string()
    }
}

/// Seconds since 1970 as people read them.
pub fn utc_text(seconds: u64) -> String {
    UtcTime::from_seconds(seconds).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_in_one_form() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T15:11:00Z", 1_795_360_260),
            ("2028-02-29T23:59:59Z", 1_835_481_599),
        ] {
            assert_eq!(
                text.parse::<UtcTime>().unwrap().seconds(),
                seconds,
                "{text}"
            );
            assert_eq!(UtcTime::from_seconds(seconds).to_string(), text);
        }
        assert!(utc_text(u64::MAX).starts_with("9999-12-30"));
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T15:11:00",
            "2026-11-22T15:11:00+00:00",
            "2026-11-22T15:11:00.5Z",
            "2026-02-30T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "+026-11-22T15:11:00Z",
        ] {
            assert!(text.parse::<UtcTime>().is_err(), "{text}");
        }
    }
}
