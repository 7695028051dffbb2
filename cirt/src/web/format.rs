//! Numbers, times and addresses as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lapwing_wire::{DisclosedAddress, Endpoint};

use crate::language::{Argument, Texts};

/// `2026-05-01 13:00:07`, UTC.
pub(super) fn time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// `2026-05-01 13:00:07.123`, UTC: with what an ISP needs to find one subscriber behind an address translator.
pub(super) fn time_milliseconds(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S%.3f")
        .to_string()
}

/// `2026-05-01`, UTC.
pub(super) fn date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d")
        .to_string()
}

/// `4 min ago`, `3 h ago`, `2 d ago`, in a language.
pub(super) fn ago_in(time: Timestamp, now: Timestamp, texts: &Texts) -> String {
    let seconds = now.duration_since(time).as_secs();
    let (key, count) = match seconds {
        i64::MIN..0 => ("ago-future", 0),
        0..60 => ("ago-seconds", seconds),
        60..3_600 => ("ago-minutes", seconds / 60),
        3_600..172_800 => ("ago-hours", seconds / 3_600),
        _ => ("ago-days", seconds / 86_400),
    };
    let count = u64::try_from(count).unwrap_or_default();
    texts.fill(key, &[("count", Argument::Number(count))])
}

/// `12 345`, with a narrow no-break space.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1.4 MB`, decimal units as on a bill.
pub(super) fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut scaled, mut rest, mut unit) = (value, 0, 0);
    while scaled >= 1_000 && unit + 1 < UNITS.len() {
        rest = scaled % 1_000 / 100;
        scaled /= 1_000;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 || scaled >= 100 {
        format!("{scaled} {name}")
    } else {
        format!("{scaled}.{rest} {name}")
    }
}

/// One end as pages show it. What a disclosure means is said by the template, in its language.
pub(super) struct EndpointText {
    /// `clear`, `pseudonym` or `withheld`; also the class in the stylesheet.
    pub(super) disclosure: &'static str,
    /// Empty when withheld.
    pub(super) address: String,
    /// Empty when there is none.
    pub(super) port: String,
    /// Which of the provider's keys made the pseudonym.
    pub(super) key_epoch: String,
}

impl EndpointText {
    pub(super) fn of(endpoint: Endpoint) -> Self {
        let (disclosure, address, key_epoch) = match endpoint.address {
            DisclosedAddress::Clear(address) => ("clear", address.to_string(), String::new()),
            DisclosedAddress::Pseudonym { address, key_epoch } => {
                ("pseudonym", address.to_string(), key_epoch.to_string())
            }
            DisclosedAddress::Withheld => ("withheld", String::new(), String::new()),
        };
        let port = endpoint
            .port
            .map(|port| port.to_string())
            .unwrap_or_default();
        Self {
            disclosure,
            address,
            port,
            key_epoch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_scaled() {
        assert_eq!(number(7), "7");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_450), "1.4 kB");
        assert_eq!(bytes(250_000_000), "250 MB");
        assert_eq!(bytes(u64::MAX), "18446744 TB");
    }

    #[test]
    fn times_are_utc() {
        let moment: Timestamp = "2026-05-01T15:00:07.123+02:00".parse().unwrap();
        assert_eq!(time(moment), "2026-05-01 13:00:07");
        assert_eq!(time_milliseconds(moment), "2026-05-01 13:00:07.123");
        assert_eq!(
            ago_in(
                moment,
                "2026-05-01T16:00:07Z".parse().unwrap(),
                Texts::of(crate::language::Language::English)
            ),
            "2 h ago"
        );
    }
}
