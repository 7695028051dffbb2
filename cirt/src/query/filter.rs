//! The one filter for findings.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{RuleFilter, SeveritySet, language, time};
use crate::limits::FILTER_CHARS;

/// A filter as written, in a URL or on the command line. Empty means "any".
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct RawFilter {
    /// Not before this time: 24h, 7d, 2026-05-01 or 2026-05-01T13:00:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// From this sensor, by name or identity
    #[arg(long, value_name = "SENSOR")]
    pub sensor: Option<String>,
    /// Of these severities: high, medium, low, info, separated by commas
    #[arg(long, value_name = "LIST")]
    pub severity: Option<String>,
    /// By this rule: sid, gid:sid, gid:sid:rev, or words of its message
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// With this address or network at either end
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    /// That names this host, or one under it
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Seen at this provider or sector
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// All of these in one line: severity:high rule:2001 host:bad.example address:192.0.2.0/24 since:7d and words
    #[arg(long = "query", value_name = "LINE")]
    pub q: Option<String>,
}

/// A filter that has been checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Findings whose last packet is not before this.
    pub since: Option<Timestamp>,
    /// Findings whose last packet is before this.
    pub until: Option<Timestamp>,
    /// Name or identity.
    pub sensor: Option<String>,
    pub severity: Option<SeveritySet>,
    pub rule: Option<RuleFilter>,
    /// Either end lies in this network. Pseudonyms are compared as they are.
    pub address: Option<IpNet>,
    /// A host name; names under it are meant, too.
    pub host: Option<String>,
    /// Name of a tenant.
    pub tenant: Option<String>,
}

/// All that is wrong with a filter, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct FilterError(Vec<String>);

impl RawFilter {
    /// Checks the filter. Every mistake is told, not only the first.
    ///
    /// # Errors
    /// When a value cannot be read.
    pub fn check(&self, now: Timestamp) -> Result<FindingFilter, FilterError> {
        match self.q.as_deref().map(str::trim) {
            None | Some("") => self.check_parts(now),
            Some(line) => language::parse(line)
                .map_err(|mistake| FilterError(vec![mistake]))?
                .over(self)
                .check_parts(now),
        }
    }

    /// This filter, and what another one has besides.
    fn over(mut self, other: &Self) -> Self {
        for (key, value) in other.pairs().filter(|(key, _)| *key != "q") {
            if self.pairs().all(|(known, _)| known != key) {
                self = self.with(key, value);
            }
        }
        self
    }

    fn check_parts(&self, now: Timestamp) -> Result<FindingFilter, FilterError> {
        let mut mistakes = Vec::new();
        let mut value = |key: &str, text: &Option<String>| {
            let text = text
                .as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())?;
            if text.chars().count() > FILTER_CHARS {
                mistakes.push(format!("{key}: longer than {FILTER_CHARS} characters"));
                return None;
            }
            Some(text.to_owned())
        };
        let since = value("since", &self.since);
        let until = value("until", &self.until);
        let sensor = value("sensor", &self.sensor);
        let severity = value("severity", &self.severity);
        let rule = value("rule", &self.rule);
        let address = value("address", &self.address);
        let host = value("host", &self.host);
        let tenant = value("tenant", &self.tenant);

        let mut checked = FindingFilter {
            sensor,
            tenant,
            host: host.map(|host| host.trim_start_matches("*.").to_owned()),
            ..FindingFilter::default()
        };
        let mut keep = |mistake: String| mistakes.push(mistake);
        checked.since =
            since.and_then(|text| time::parse("since", &text, now).map_err(&mut keep).ok());
        checked.until =
            until.and_then(|text| time::parse("until", &text, now).map_err(&mut keep).ok());
        checked.severity = severity.and_then(|text| text.parse().map_err(&mut keep).ok());
        checked.rule = rule.map(|text| text.parse().unwrap_or_else(|never| match never {}));
        checked.address = address.and_then(|text| parse_network(&text).map_err(&mut keep).ok());
        if mistakes.is_empty() {
            Ok(checked)
        } else {
            Err(FilterError(mistakes))
        }
    }

    /// The filter as the query part of a URL, without `?`; empty when nothing is filtered.
    #[must_use]
    pub fn to_query_string(&self) -> String {
        self.pairs()
            .map(|(key, value)| format!("{key}={}", percent_encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    /// Name and value of everything that is filtered.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("since", &self.since),
            ("until", &self.until),
            ("sensor", &self.sensor),
            ("severity", &self.severity),
            ("rule", &self.rule),
            ("address", &self.address),
            ("host", &self.host),
            ("tenant", &self.tenant),
            ("q", &self.q),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.as_deref()?.trim())))
        .filter(|(_, value)| !value.is_empty())
    }

    /// The same filter with one part changed; an empty value takes the part away.
    #[must_use]
    pub fn with(&self, key: &str, value: &str) -> Self {
        let mut changed = self.clone();
        let part = match key {
            "since" => &mut changed.since,
            "until" => &mut changed.until,
            "sensor" => &mut changed.sensor,
            "severity" => &mut changed.severity,
            "rule" => &mut changed.rule,
            "address" => &mut changed.address,
            "host" => &mut changed.host,
            "tenant" => &mut changed.tenant,
            "q" => &mut changed.q,
            _ => return changed,
        };
        *part = Some(value.to_owned()).filter(|value| !value.is_empty());
        changed
    }
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map(|network| network.trunc()).map_err(|_| {
        format!("address: {text:?} is none; say 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")
    })
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(pairs: &[(&str, &str)]) -> RawFilter {
        pairs
            .iter()
            .fold(RawFilter::default(), |filter, (key, value)| {
                filter.with(key, value)
            })
    }

    #[test]
    fn every_mistake_is_told() {
        let filter = raw(&[
            ("since", "soon"),
            ("severity", "loud"),
            ("address", "300.1.1.1"),
            ("rule", "1:2"),
        ]);
        let message = filter.check(Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        for part in ["since: ", "severity: ", "address: "] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn addresses_may_be_networks() {
        let checked = raw(&[("address", "192.0.2.77/24")])
            .check(Timestamp::UNIX_EPOCH)
            .unwrap();
        assert_eq!(checked.address.unwrap().to_string(), "192.0.2.0/24");
        let checked = raw(&[("address", " 2001:db8::1 ")])
            .check(Timestamp::UNIX_EPOCH)
            .unwrap();
        assert_eq!(checked.address.unwrap().to_string(), "2001:db8::1/128");
    }

    #[test]
    fn a_filter_survives_the_url() {
        let filter = raw(&[("rule", "a&b=c <é>"), ("sensor", "isp-a")]);
        assert_eq!(
            filter.to_query_string(),
            "sensor=isp-a&rule=a%26b%3Dc%20%3C%C3%A9%3E"
        );
        assert_eq!(filter.with("rule", "").to_query_string(), "sensor=isp-a");
    }
}
