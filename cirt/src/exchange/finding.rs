//! A finding on its way to others.

use std::net::IpAddr;

use lapwing_rules::indicator::INDICATOR_GENERATOR;
use lapwing_wire::{DisclosedAddress, Endpoint};
use uuid::Uuid;

use super::classification::{Classification, classify, of_indicator};
use super::{Country, Kind, Peer, Producer, Released, Shareable, Tlp};
use crate::store::FindingRow;

/// Facts that say what was met, not who met it: names of users, mail addresses, commands and communities stay here.
const IMPERSONAL: [&str; 19] = [
    "dns.answer",
    "dns.query",
    "dns.rcode",
    "dns.rrtype",
    "filesha256",
    "http.content_type",
    "http.host",
    "http.method",
    "http.stat_code",
    "http.uri",
    "http.user_agent",
    "ja3.hash",
    "ja3s.hash",
    "ja4.hash",
    "tls.cert_fingerprint",
    "tls.cert_issuer",
    "tls.cert_subject",
    "tls.sni",
    "tls.version",
];

/// A finding with what others need to understand it.
#[derive(Clone, Debug)]
pub struct SharedFinding {
    row: FindingRow,
    /// The name others know it by.
    name: Uuid,
    tlp: Tlp,
    countries: Vec<Country>,
    classification: Classification,
    /// What the sensor is called towards this recipient.
    sensor: String,
    source_is_own: bool,
    destination_is_own: bool,
}

impl SharedFinding {
    /// A finding, marked; `country_of` says to whom an address belongs, where that is known.
    #[must_use]
    pub fn new(
        producer: &Producer,
        row: FindingRow,
        marking: Option<Tlp>,
        country_of: impl Fn(IpAddr) -> Option<Country>,
    ) -> Self {
        let class_type = row
            .text
            .as_ref()
            .and_then(|text| text.class_type.as_deref());
        let classification = if row.rule.gid == INDICATOR_GENERATOR {
            of_indicator()
        } else {
            classify(class_type)
        };
        let is_own = |end: &Endpoint| match end.address {
            DisclosedAddress::Clear(address) => producer.settings.is_own(address),
            // Providers hide their own subscribers' addresses, nobody else's.
            DisclosedAddress::Pseudonym { .. } | DisclosedAddress::Withheld => true,
        };
        let mut countries: Vec<Country> = [&row.source, &row.destination]
            .into_iter()
            .filter(|end| !is_own(end))
            .filter_map(clear)
            .filter_map(country_of)
            .collect();
        countries.sort_unstable();
        countries.dedup();
        Self {
            name: producer.name("finding", &row.id),
            tlp: producer.settings.label(marking),
            countries,
            classification,
            // A name that stays, and that says nothing of the provider.
            sensor: format!("sensor-{}", producer.name("sensor", &row.sensor)),
            source_is_own: is_own(&row.source),
            destination_is_own: is_own(&row.destination),
            row,
        }
    }

    /// The same under the label that it has now.
    #[must_use]
    pub fn with_label(self, tlp: Tlp) -> Self {
        Self { tlp, ..self }
    }

    /// Gives it another name, because what it had before was taken back with its label and stays so.
    pub fn rename_by_label(&mut self, producer: &Producer) {
        self.name = producer.name("finding", &format!("{}\n{}", self.row.id, self.tlp));
    }

    /// All that is known about it.
    #[must_use]
    pub const fn row(&self) -> &FindingRow {
        &self.row
    }

    /// The name others know it by.
    #[must_use]
    pub const fn name(&self) -> Uuid {
        self.name
    }

    #[must_use]
    pub const fn classification(&self) -> Classification {
        self.classification
    }

    /// What the sensor is called towards the recipient.
    #[must_use]
    pub fn sensor(&self) -> &str {
        &self.sensor
    }

    /// The source, where it is in clear. A pseudonym looks like an address and is none: it never leaves as one.
    #[must_use]
    pub fn source(&self) -> Option<IpAddr> {
        clear(&self.row.source)
    }

    /// The destination, where it is in clear.
    #[must_use]
    pub fn destination(&self) -> Option<IpAddr> {
        clear(&self.row.destination)
    }

    /// The ends that are not ours.
    pub fn outside(&self) -> impl Iterator<Item = IpAddr> {
        let source = self.source().filter(|_| !self.source_is_own);
        source
            .into_iter()
            .chain(self.destination().filter(|_| !self.destination_is_own))
    }

    /// The end that belongs to our country: an address of its networks, or one that a provider hides. The source, where both do.
    #[must_use]
    pub const fn own_end(&self) -> Option<&Endpoint> {
        if self.source_is_own {
            Some(&self.row.source)
        } else if self.destination_is_own {
            Some(&self.row.destination)
        } else {
            None
        }
    }

    /// What tells the system at that end from others; none where its provider says nothing of it.
    #[must_use]
    pub fn own_system(&self) -> Option<String> {
        match self.own_end()?.address {
            DisclosedAddress::Clear(address) => Some(address.to_string()),
            // The same subscriber has the same pseudonym: the provider can tell it apart.
            DisclosedAddress::Pseudonym { address, key_epoch } => {
                Some(format!("pseudonym {key_epoch}:{address}"))
            }
            DisclosedAddress::Withheld => None,
        }
    }

    /// The value of a fact.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        let named = self.row.facts.iter().find(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }
}

impl Shareable for SharedFinding {
    fn subject(&self) -> &str {
        &self.row.id
    }

    fn tlp(&self) -> Tlp {
        self.tlp
    }

    fn kind(&self) -> Kind {
        Kind::Finding
    }

    fn countries(&self) -> &[Country] {
        &self.countries
    }

    fn fit_for(&mut self, peer: &Peer) {
        if peer.is_outside() {
            self.row
                .facts
                .retain(|(name, _)| IMPERSONAL.contains(&name.as_str()));
        } else {
            self.sensor.clone_from(&self.row.sensor);
        }
    }
}

fn clear(end: &Endpoint) -> Option<IpAddr> {
    match end.address {
        DisclosedAddress::Clear(address) => Some(address),
        DisclosedAddress::Pseudonym { .. } | DisclosedAddress::Withheld => None,
    }
}

/// Findings as one JSON document a line.
pub(super) fn json_lines(
    released: &Released<SharedFinding>,
    document: impl Fn(&SharedFinding) -> serde_json::Value,
) -> String {
    released
        .items()
        .iter()
        .map(|finding| format!("{}\n", document(finding)))
        .collect()
}
