//! The one gate between what the sensor knows and what leaves: a candidate becomes a wire finding under a policy.
//!
//! Nothing else in this program builds a [`Finding`]. A field that the policy does not name stays at its default, so a
//! field that is added later is closed until a policy opens it.

use std::borrow::Cow;

use lapwing_rules::{
    indicator::INDICATOR_GENERATOR,
    model::{self, AppProtocol},
};
use lapwing_wire::{
    Action, Direction, DisclosedAddress, Endpoint, FactKind, Facts, Finding, RuleId, Severity,
    Traffic,
};

use super::{candidate::Candidate, limits::FACT_MAX_BYTES};
use crate::{
    app_layer, direction,
    policy::{Disclosure, Field, FindingScope, Mode, without_last_word},
    time::Timestamp,
};

/// Why a finding does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppressed {
    /// There is no valid signed policy.
    NoPolicy,
    /// The policy lets no finding out.
    FindingsClosed,
    /// The policy does not let this severity out.
    Severity,
    /// The policy does not let this rule be looked for, or this traffic be looked at.
    OutOfScope,
}

/// What was held back of findings that left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Addresses not told.
    pub addresses: u64,
    /// Addresses told as pseudonyms.
    pub addresses_as_pseudonyms: u64,
    /// Facts of kinds that the policy does not name.
    pub facts_not_allowed: u64,
    /// Facts in whose text an address stands that must not leave.
    pub facts_naming_address: u64,
    /// Facts told with pseudonyms in place of addresses.
    pub facts_with_pseudonyms: u64,
    /// Facts for which a finding had no room.
    pub facts_left_out: u64,
}

/// The finding as the policy lets it leave; what was held back is added to `withheld`.
///
/// # Errors
/// Why it does not leave at all.
pub fn release(
    disclosure: Disclosure<'_>,
    candidate: &Candidate,
    withheld: &mut Withheld,
) -> Result<Finding, Suppressed> {
    let policy = disclosure.policy;
    let scope = policy.findings.as_ref().ok_or(Suppressed::FindingsClosed)?;
    let severity = severity_of(candidate);
    if !scope.allows_severity(severity) {
        return Err(Suppressed::Severity);
    }
    if !is_in_scope(disclosure, candidate) {
        return Err(Suppressed::OutOfScope);
    }
    let allows = |field| scope.fields.contains(&field);
    let has_ports = has_ports(candidate.protocol);
    let ends = &candidate.ends;
    let mut address = |field, address| {
        let disclosed = if allows(field) {
            disclosure.address(address)
        } else {
            DisclosedAddress::Withheld
        };
        let counter = match disclosed {
            DisclosedAddress::Clear(_) => return disclosed,
            DisclosedAddress::Pseudonym { .. } => &mut withheld.addresses_as_pseudonyms,
            DisclosedAddress::Withheld => &mut withheld.addresses,
        };
        *counter = counter.saturating_add(1);
        disclosed
    };
    let source = address(Field::SourceAddress, ends.source);
    let destination = address(Field::DestinationAddress, ends.destination);
    let port = |field, port| (has_ports && allows(field)).then_some(port);
    Ok(Finding {
        first_milliseconds: milliseconds(candidate.first),
        last_milliseconds: milliseconds(candidate.last),
        count: candidate.count,
        rule: RuleId {
            gid: candidate.rule.gid,
            sid: candidate.rule.sid,
            rev: candidate.rule.rev,
        },
        severity,
        action: match candidate.action {
            // A pass rule silences; it never becomes a finding.
            model::Action::Alert | model::Action::Pass => Action::Alert,
            model::Action::Drop => Action::Drop,
            model::Action::Reject => Action::Reject,
        },
        source: Endpoint {
            address: source,
            port: port(Field::SourcePort, ends.source_port),
        },
        destination: Endpoint {
            address: destination,
            port: port(Field::DestinationPort, ends.destination_port),
        },
        protocol: candidate.protocol,
        app_protocol: candidate
            .app_protocol
            .filter(|_| allows(Field::AppProtocol))
            .map(|protocol| protocol.name().to_owned()),
        direction: match candidate.direction.filter(|_| allows(Field::Direction)) {
            None => Direction::Unknown,
            Some(direction::Direction::ToServer) => Direction::ToServer,
            Some(direction::Direction::ToClient) => Direction::ToClient,
        },
        traffic: if allows(Field::Traffic) {
            traffic(candidate)
        } else {
            Traffic::default()
        },
        flow_start_milliseconds: candidate
            .flow_start
            .filter(|_| allows(Field::FlowStart))
            .map(milliseconds),
        facts: facts(disclosure, scope, candidate, withheld),
    })
}

/// Rules that the policy refuses and traffic that it keeps from being looked at never come so far, but for what was in the making
/// when the policy changed.
fn is_in_scope(disclosure: Disclosure<'_>, candidate: &Candidate) -> bool {
    let Disclosure { policy, .. } = disclosure;
    let ends = &candidate.ends;
    let is_indicator = candidate.rule.gid == INDICATOR_GENERATOR;
    let runs = match policy.mode {
        Mode::Full | Mode::InfrastructureOnly(_) => true,
        Mode::DnsOnly => candidate.app_protocol == Some(AppProtocol::Dns),
        Mode::IndicatorsOnly => is_indicator,
    };
    runs && policy.mode.looks_at(ends.source, ends.destination)
        && (is_indicator || policy.rules.allows_origin(candidate.rule.sid))
}

/// The candidate's severity as the wire counts it.
#[must_use]
pub(super) fn severity_of(candidate: &Candidate) -> Severity {
    Severity::from_priority(u32::from(candidate.severity.0))
}

fn facts(
    disclosure: Disclosure<'_>,
    scope: &FindingScope,
    candidate: &Candidate,
    withheld: &mut Withheld,
) -> Facts {
    withheld.facts_left_out = withheld
        .facts_left_out
        .saturating_add(candidate.facts_left_out);
    let mut facts = Facts::default();
    for (kind, value) in &candidate.facts {
        let kind = wire_fact_kind(*kind);
        // Half an address at the end of a value that was cut would not be recognized.
        let whole = if value.len() < FACT_MAX_BYTES {
            value
        } else {
            without_last_word(value)
        };
        let counter = if !scope.facts.contains(&kind) {
            &mut withheld.facts_not_allowed
        } else if let Some(told) = disclosure.text(whole) {
            if let Cow::Owned(_) = told {
                withheld.facts_with_pseudonyms = withheld.facts_with_pseudonyms.saturating_add(1);
            }
            if facts.push(kind, &told) {
                continue;
            }
            &mut withheld.facts_left_out
        } else {
            &mut withheld.facts_naming_address
        };
        *counter = counter.saturating_add(1);
    }
    facts
}

fn traffic(candidate: &Candidate) -> Traffic {
    let [to_server, to_client] = candidate.counters;
    Traffic {
        packets_to_server: to_server.packets,
        bytes_to_server: to_server.bytes,
        packets_to_client: to_client.packets,
        bytes_to_client: to_client.bytes,
    }
}

fn milliseconds(time: Timestamp) -> u64 {
    time.0 / 1_000_000
}

/// TCP, UDP and SCTP have ports.
fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 6 | 17 | 132)
}

fn wire_fact_kind(kind: app_layer::FactKind) -> FactKind {
    use app_layer::FactKind as Engine;
    match kind {
        Engine::HttpHost => FactKind::HttpHost,
        Engine::HttpUri => FactKind::HttpUri,
        Engine::HttpMethod => FactKind::HttpMethod,
        Engine::HttpUserAgent => FactKind::HttpUserAgent,
        Engine::HttpStatus => FactKind::HttpStatus,
        Engine::HttpReferer => FactKind::HttpReferer,
        Engine::HttpContentType => FactKind::HttpContentType,
        Engine::DnsQuery => FactKind::DnsQuery,
        Engine::DnsRrType => FactKind::DnsQueryType,
        Engine::DnsRcode => FactKind::DnsRcode,
        Engine::TlsSni => FactKind::TlsSni,
        Engine::TlsVersion => FactKind::TlsVersion,
        Engine::TlsSubject => FactKind::TlsSubject,
        Engine::TlsIssuer => FactKind::TlsIssuer,
        Engine::TlsFingerprint => FactKind::TlsFingerprint,
        Engine::Ja3 => FactKind::Ja3,
        Engine::Ja3s => FactKind::Ja3s,
        Engine::Ja4 => FactKind::Ja4,
        Engine::SshClientSoftware => FactKind::SshClientSoftware,
        Engine::SshServerSoftware => FactKind::SshServerSoftware,
        Engine::FileName => FactKind::FileName,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use lapwing_wire::{
        Lane, PolicyDigest, Record, RecordBody, RecordHeader, RecordNumber, decode_records,
        encode_records,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{
        clock::Clock,
        findings::test_alerts::alert,
        policy::{
            AddressRule, Budget, Networks, Policy, PseudonymMode, RuleScope, pseudonyms::EpochKey,
        },
    };

    const HOME: [&str; 5] = [
        "10.0.0.0/8",
        "192.168.0.0/16",
        "fd00::/8",
        "198.51.100.0/24",
        "2001:db8::/32",
    ];

    fn policy() -> impl Strategy<Value = Policy> {
        let rule = || prop_oneof![Just(AddressRule::Withhold), Just(AddressRule::Clear)];
        let home = prop_oneof![
            rule(),
            Just(AddressRule::Pseudonym(PseudonymMode::KeepPrefixes)),
            Just(AddressRule::Pseudonym(PseudonymMode::WithoutPrefixes)),
        ];
        let scope = (
            proptest::collection::btree_set(1u8..5, 0..5),
            proptest::sample::subsequence(Field::ALL.to_vec(), 0..=Field::ALL.len()),
            proptest::sample::subsequence(FactKind::NAMED.to_vec(), 0..=FactKind::NAMED.len()),
        );
        let scope = scope.prop_map(|(severities, fields, facts)| FindingScope {
            severities,
            fields: fields.into_iter().collect(),
            facts: facts.into_iter().collect(),
        });
        let networks = proptest::sample::subsequence(HOME.to_vec(), 0..=HOME.len());
        (
            proptest::option::weighted(0.9, scope),
            networks,
            home,
            rule(),
        )
            .prop_map(|(findings, networks, home, others)| Policy {
                serial: 1,
                site: "site".to_owned(),
                operator: "operator".to_owned(),
                valid_until_seconds: None,
                mode: Mode::Full,
                is_strict: false,
                findings,
                rules: RuleScope::default(),
                budget: Budget::default(),
                quiet_hours: Vec::new(),
                retention_days: None,
                home_networks: Networks::new(
                    networks
                        .iter()
                        .map(|network| network.parse().unwrap())
                        .collect(),
                ),
                home,
                others,
                summaries: None,
            })
    }

    /// What is read again from the bytes of a record with this finding: what a reader of the disk can know.
    fn as_decoded(finding: Finding) -> Finding {
        let header = RecordHeader {
            lane: Lane::Normal,
            number: RecordNumber(0),
            time: Clock::new(true).stamp(),
            policy: Some(PolicyDigest([7; 32])),
        };
        let record = Record::new(header, RecordBody::Finding(finding)).unwrap();
        let mut decoded = decode_records(&encode_records(&[record])).unwrap().records;
        match decoded.pop().unwrap().body {
            RecordBody::Finding(finding) => finding,
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn nothing_forbidden_is_in_a_decoded_record(policy in policy(), alert in alert()) {
            let candidate = Candidate::new(&alert);
            let mut withheld = Withheld::default();
            let key = EpochKey::generate(9, getrandom::fill).unwrap();
            let disclosure = Disclosure { policy: &policy, pseudonyms: Some(&key) };
            let released = release(disclosure, &candidate, &mut withheld);
            let Some(scope) = &policy.findings else {
                prop_assert_eq!(released, Err(Suppressed::FindingsClosed));
                return Ok(());
            };
            if !scope.severities.contains(&alert.severity.0.min(4)) {
                prop_assert_eq!(released, Err(Suppressed::Severity));
                return Ok(());
            }
            let finding = as_decoded(released.unwrap());
            prop_assert_eq!(finding.count, 1);
            let allows = |field: Field| scope.fields.contains(&field);
            let ends = [
                (&finding.source, alert.ends.source, Field::SourceAddress, Field::SourcePort),
                (&finding.destination, alert.ends.destination, Field::DestinationAddress, Field::DestinationPort),
            ];
            for (end, real, address_field, port_field) in ends {
                let expected = match rule_of(&policy, real) {
                    _ if !allows(address_field) => DisclosedAddress::Withheld,
                    AddressRule::Clear => DisclosedAddress::Clear(real),
                    AddressRule::Withhold => DisclosedAddress::Withheld,
                    AddressRule::Pseudonym(mode) => DisclosedAddress::Pseudonym { address: key.pseudonym(real, mode), key_epoch: 9 },
                };
                prop_assert_eq!(end.address, expected);
                prop_assert_eq!(end.port.is_some(), allows(port_field) && alert.protocol != 1);
            }
            prop_assert_eq!(finding.app_protocol.is_some(), allows(Field::AppProtocol));
            prop_assert_eq!(finding.direction != Direction::Unknown, allows(Field::Direction));
            prop_assert_eq!(finding.traffic != Traffic::default(), allows(Field::Traffic));
            prop_assert_eq!(finding.flow_start_milliseconds.is_some(), allows(Field::FlowStart));
            for fact in &finding.facts {
                prop_assert!(scope.facts.contains(&fact.kind));
                for hidden in addresses_written_in(&fact.value) {
                    prop_assert_eq!(rule_of(&policy, hidden), AddressRule::Clear, "{} in {:?}", hidden, fact);
                }
            }
            // Every fact either left or was counted with its reason.
            let told = finding.facts.len() as u64;
            let Withheld { facts_not_allowed, facts_naming_address, facts_left_out, .. } = withheld;
            let had = candidate.facts.len() as u64 + candidate.facts_left_out;
            prop_assert_eq!(told + facts_not_allowed + facts_naming_address + facts_left_out, had);
        }
    }

    /// What holds for an address, said again without the code under test: inside any home network by plain prefix comparison.
    fn rule_of(policy: &Policy, address: IpAddr) -> AddressRule {
        let address = address.to_canonical();
        let is_home = policy
            .home_networks
            .iter()
            .any(|network| network.contains(&address));
        if is_home { policy.home } else { policy.others }
    }

    /// The addresses that the generator of alerts writes into facts, by plain search for their text.
    fn addresses_written_in(value: &[u8]) -> Vec<IpAddr> {
        let text = String::from_utf8_lossy(value);
        let mut found = Vec::new();
        if text.contains("3.2.1.10.in-addr.arpa") {
            found.push(IpAddr::from([10, 1, 2, 3]));
        }
        let written = text
            .strip_prefix("x=")
            .and_then(|rest| rest.split('/').next());
        found.extend(written.and_then(|written| written.parse::<IpAddr>().ok()));
        found
    }
}
