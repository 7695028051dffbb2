//! What is looked at and which rules may run.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use lapwing_rules::model::AppProtocol;

use super::Networks;

/// What the sensor looks at. In a narrow mode the parsers that it excludes do not start, and rules that need them do not run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Everything that the rules ask for.
    #[default]
    Full,
    /// DNS only.
    DnsOnly,
    /// Lists of indicators only: addresses, names, URLs, fingerprints. No other rule runs.
    IndicatorsOnly,
    /// Only traffic of which one end is in these networks; other packets are counted and let go.
    InfrastructureOnly(Networks),
}

/// The protocols in which indicators are looked up.
const OF_INDICATORS: [AppProtocol; 5] = [
    AppProtocol::Dns,
    AppProtocol::Http1,
    AppProtocol::Http2,
    AppProtocol::Tls,
    AppProtocol::Quic,
];

impl Mode {
    /// The word in the policy file.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::DnsOnly => "dns-only",
            Self::IndicatorsOnly => "indicators-only",
            Self::InfrastructureOnly(_) => "infrastructure-only",
        }
    }

    /// Whether the parser of a protocol may start.
    #[must_use]
    pub fn parses(&self, protocol: AppProtocol) -> bool {
        match self {
            Self::Full | Self::InfrastructureOnly(_) => true,
            Self::DnsOnly => protocol == AppProtocol::Dns,
            Self::IndicatorsOnly => OF_INDICATORS.contains(&protocol),
        }
    }

    /// Whether traffic between two ends is looked at.
    #[must_use]
    pub fn looks_at(&self, source: IpAddr, destination: IpAddr) -> bool {
        match self {
            Self::InfrastructureOnly(networks) => {
                networks.contains(source) || networks.contains(destination)
            }
            Self::Full | Self::DnsOnly | Self::IndicatorsOnly => true,
        }
    }
}

/// Which rules may run. Whatever it says, no rule that names an address inside a home network does, unless the policy
/// lets it be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleScope {
    /// Where rules may come from, as the numbers that belong to a source; `None` for anywhere.
    pub origins: Option<Vec<SidRange>>,
    /// Class types that may run; `None` for all.
    pub groups: Option<BTreeSet<String>>,
    /// Lists of indicators that may be looked up, by number; `None` for all.
    pub indicator_lists: Option<BTreeSet<u16>>,
    /// Networks inside the home networks that rules may name: servers of the ISP's own, no subscribers.
    pub may_name: Networks,
}

/// Numbers of rules from one source, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidRange(pub RangeInclusive<u32>);

impl RuleScope {
    /// Whether a rule with this number comes from an allowed source.
    #[must_use]
    pub fn allows_origin(&self, sid: u32) -> bool {
        let origins = self.origins.as_ref();
        origins.is_none_or(|origins| origins.iter().any(|range| range.0.contains(&sid)))
    }

    /// Whether rules of this class type may run.
    #[must_use]
    pub fn allows_group(&self, class_type: &str) -> bool {
        let groups = self.groups.as_ref();
        groups.is_none_or(|groups| groups.contains(class_type))
    }

    /// Whether a list of indicators may be looked up.
    #[must_use]
    pub fn allows_list(&self, list: u16) -> bool {
        let lists = self.indicator_lists.as_ref();
        lists.is_none_or(|lists| lists.contains(&list))
    }
}

impl SidRange {
    /// Reads `2000000-2799999` or a single number.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.trim().parse::<u32>(), last.trim().parse::<u32>()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self(first..=last)),
            _ => Err(format!(
                "`{text}` is no range of rule numbers; write for example \"2000000-2799999\""
            )),
        }
    }
}

impl std::fmt::Display for SidRange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.0.start(), self.0.end())
    }
}

/// A part of the day, UTC, in minutes since midnight; it goes over midnight where the end is before the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// When it begins.
    pub from_minute: u16,
    /// When it is over.
    pub to_minute: u16,
}

impl QuietHours {
    /// Reads `22:00-06:00`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let ends = text.split_once('-');
        ends.and_then(|(from, to)| Some((minute(from)?, minute(to)?)))
            .filter(|(from, to)| from != to)
            .map(|(from_minute, to_minute)| Self {
                from_minute,
                to_minute,
            })
            .ok_or_else(|| {
                format!("`{text}` is no part of a day; write for example \"22:00-06:00\" (UTC)")
            })
    }
}

impl std::fmt::Display for QuietHours {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [from, to] = [self.from_minute, self.to_minute];
        write!(
            formatter,
            "{:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_hours_are_read() {
        let scope = RuleScope {
            origins: Some(vec![
                SidRange::parse("2000000-2799999").unwrap(),
                SidRange::parse("77").unwrap(),
            ]),
            ..RuleScope::default()
        };
        assert!(scope.allows_origin(2_000_000) && scope.allows_origin(77));
        assert!(!scope.allows_origin(78));
        assert!(RuleScope::default().allows_origin(1));
        for wrong in ["", "a-b", "5-4", "-1"] {
            assert!(SidRange::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            QuietHours::parse("22:00-06:30").unwrap().to_string(),
            "22:00-06:30"
        );
        for wrong in ["22:00", "24:00-01:00", "01:60-02:00", "03:00-03:00"] {
            assert!(QuietHours::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn narrow_modes_exclude() {
        assert!(Mode::DnsOnly.parses(AppProtocol::Dns) && !Mode::DnsOnly.parses(AppProtocol::Tls));
        assert!(Mode::IndicatorsOnly.parses(AppProtocol::Tls));
        assert!(!Mode::IndicatorsOnly.parses(AppProtocol::Smtp));
        let mode = Mode::InfrastructureOnly(Networks::new(vec!["192.0.2.0/28".parse().unwrap()]));
        let looks = |a: &str, b: &str| mode.looks_at(a.parse().unwrap(), b.parse().unwrap());
        assert!(looks("192.0.2.1", "203.0.113.1") && looks("203.0.113.1", "192.0.2.1"));
        assert!(!looks("192.0.2.99", "203.0.113.1"));
    }
}
