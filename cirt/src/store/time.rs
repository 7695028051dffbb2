//! Times as the database holds them: milliseconds since 1970-01-01 UTC in a signed 64-bit number.

use jiff::Timestamp;

/// To the database.
pub(super) fn to_milliseconds(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// From the database.
pub(super) fn from_milliseconds(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(if milliseconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// A sensor's clock may say anything: what lies beyond the calendar is put at its end.
pub(super) fn from_sensor(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds)
        .unwrap_or(i64::MAX)
        .min(Timestamp::MAX.as_millisecond())
}
