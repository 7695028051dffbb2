//! Packet time as text.

use crate::time::Timestamp;

/// As `2024-01-02T03:04:05.678901+0000`: EVE's form, always UTC, microseconds.
pub(super) fn eve_time(time: Timestamp) -> String {
    match jiff_time(time) {
        Some(time) => time.strftime("%Y-%m-%dT%H:%M:%S%.6f+0000").to_string(),
        None => String::new(),
    }
}

/// As `2024-01-02 03:04:05`, UTC.
pub(super) fn short_time(time: Timestamp) -> String {
    match jiff_time(time) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => String::new(),
    }
}

/// `None` beyond the year 9999.
fn jiff_time(time: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_nanosecond(i128::from(time.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_microseconds() {
        let time = Timestamp(1_704_164_645_678_901_234);
        assert_eq!(eve_time(time), "2024-01-02T03:04:05.678901+0000");
        assert_eq!(eve_time(Timestamp(0)), "1970-01-01T00:00:00.000000+0000");
        assert_eq!(short_time(time), "2024-01-02 03:04:05");
    }
}
