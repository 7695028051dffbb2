//! Numbers, times and addresses as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lapwing_wire::{DisclosedAddress, Endpoint};

use crate::query::SeverityClass;

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

/// `4 min ago`, `3 h ago`, `2 d ago`.
pub(super) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs();
    match seconds {
        i64::MIN..0 => "in the future".to_owned(),
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
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

/// A severity as pages show it.
pub(super) fn severity_label(class: SeverityClass) -> &'static str {
    match class {
        SeverityClass::High => "High",
        SeverityClass::Medium => "Medium",
        SeverityClass::Low => "Low",
        SeverityClass::Info => "Info",
    }
}

/// One end as pages show it.
pub(super) struct EndpointText {
    /// `clear`, `pseudonym` or `withheld`; also the class in the stylesheet.
    pub(super) disclosure: &'static str,
    /// Empty when withheld.
    pub(super) address: String,
    /// Empty when there is none.
    pub(super) port: String,
    /// What the disclosure means, for people.
    pub(super) explanation: String,
}

impl EndpointText {
    pub(super) fn of(endpoint: Endpoint) -> Self {
        let (disclosure, address, explanation) = match endpoint.address {
            DisclosedAddress::Clear(address) => ("clear", address.to_string(), String::new()),
            DisclosedAddress::Pseudonym { address, key_epoch } => {
                let explanation = format!(
                    "Pseudonym under the provider's key {key_epoch}. Only the provider can turn it back."
                );
                ("pseudonym", address.to_string(), explanation)
            }
            DisclosedAddress::Withheld => (
                "withheld",
                String::new(),
                "The provider's policy withholds this address.".to_owned(),
            ),
        };
        let port = endpoint
            .port
            .map(|port| port.to_string())
            .unwrap_or_default();
        Self {
            disclosure,
            address,
            port,
            explanation,
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
            ago(moment, "2026-05-01T16:00:07Z".parse().unwrap()),
            "2 h ago"
        );
    }
}
