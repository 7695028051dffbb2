//! The one gate between what the sensor knows and what leaves: a candidate becomes a wire finding under a policy.
//!
//! Nothing else in this program builds a [`Finding`]. A field that the policy does not name stays at its default, so a
//! field that is added later is closed until a policy opens it.

use lapwing_rules::model;
use lapwing_wire::{
    Action, Direction, DisclosedAddress, Endpoint, FactKind, Facts, Finding, RuleId, Severity, Traffic,
};

use super::candidate::Candidate;
use crate::{
    app_layer, direction,
    policy::{Field, FindingScope, Policy},
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
}

/// What was held back of findings that left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Addresses not told.
    pub addresses: u64,
    /// Facts of kinds that the policy does not name.
    pub facts_not_allowed: u64,
    /// Facts in whose text an address stands that must not leave.
    pub facts_naming_address: u64,
    /// Facts for which a finding had no room.
    pub facts_left_out: u64,
}

/// The finding as the policy lets it leave; what was held back is added to `withheld`.
///
/// # Errors
/// Why it does not leave at all.
pub fn release(policy: &Policy, candidate: &Candidate, withheld: &mut Withheld) -> Result<Finding, Suppressed> {
    let scope = policy.findings.as_ref().ok_or(Suppressed::FindingsClosed)?;
    let severity = severity_of(candidate);
    if !scope.allows_severity(severity) {
        return Err(Suppressed::Severity);
    }
    let allows = |field| scope.fields.contains(&field);
    let has_ports = has_ports(candidate.protocol);
    let ends = &candidate.ends;
    let mut address = |field, address| {
        let disclosed = if allows(field) {
            policy.disclose(address)
        } else {
            DisclosedAddress::Withheld
        };
        if disclosed == DisclosedAddress::Withheld {
            withheld.addresses = withheld.addresses.saturating_add(1);
        }
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
        facts: facts(policy, scope, candidate, withheld),
    })
}

/// The candidate's severity as the wire counts it.
#[must_use]
pub fn severity_of(candidate: &Candidate) -> Severity {
    Severity::from_priority(u32::from(candidate.severity.0))
}

fn facts(policy: &Policy, scope: &FindingScope, candidate: &Candidate, withheld: &mut Withheld) -> Facts {
    withheld.facts_left_out = withheld.facts_left_out.saturating_add(candidate.facts_left_out);
    let mut facts = Facts::default();
    for (kind, value) in &candidate.facts {
        let kind = wire_fact_kind(*kind);
        let counter = if !scope.facts.contains(&kind) {
            &mut withheld.facts_not_allowed
        } else if policy.text_names_hidden_address(value) {
            &mut withheld.facts_naming_address
        } else if facts.push(kind, value) {
            continue;
        } else {
            &mut withheld.facts_left_out
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
        Engine::SshSoftware => FactKind::SshServerSoftware,
        Engine::FileName => FactKind::FileName,
    }
}
