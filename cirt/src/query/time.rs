//! Times as people write them: `24h` ago, a date, or a date and time (UTC unless it says otherwise).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Reads a time, relative to `now`.
pub(super) fn parse(key: &str, text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Some(ago) = parse_ago(text) {
        return now
            .checked_sub(ago)
            .map_err(|_| format!("{key}: {text:?} is before the calendar begins"));
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    text.parse::<DateTime>()
        .ok()
        .and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok())
        .ok_or_else(|| {
            format!("{key}: {text:?} is no time; say 24h, 7d, 2026-05-01 or 2026-05-01T13:00:00Z")
        })
}

fn parse_ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let seconds_per_unit: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return None,
    };
    let count: i64 = text
        .strip_suffix(unit)?
        .parse()
        .ok()
        .filter(|count| *count >= 0)?;
    Some(SignedDuration::from_secs(
        count.checked_mul(seconds_per_unit)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_times_in_many_ways() {
        let now: Timestamp = "2026-05-02T00:00:00Z".parse().unwrap();
        let read = |text: &str| parse("since", text, now).map(|time| time.to_string());
        assert_eq!(read("24h").unwrap(), "2026-05-01T00:00:00Z");
        assert_eq!(read("2026-05-01").unwrap(), "2026-05-01T00:00:00Z");
        assert_eq!(read("2026-05-01T13:30").unwrap(), "2026-05-01T13:30:00Z");
        assert_eq!(
            read("2026-05-01T13:30:00+02:00").unwrap(),
            "2026-05-01T11:30:00Z"
        );
        for bad in [
            "",
            "yesterday",
            "-3h",
            "99999999999999999999d",
            "9999999999999w",
            "h",
            "é",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
