//! Alerts for the tests of this stage, made at random.

use std::net::IpAddr;

use lapwing_rules::model::{Action, AppProtocol, RuleId, Severity};
use proptest::prelude::*;

use crate::{
    app_layer::FactKind,
    decode::Ends,
    detect::Alert,
    direction::Direction,
    flow::{DirectionCounters, FlowId},
    time::Timestamp,
};

/// Addresses in and outside the home networks of [`crate::policy::TEMPLATE`], in several disguises.
const ADDRESSES: [&str; 7] = [
    "10.1.2.3",
    "192.168.7.8",
    "::ffff:10.4.5.6",
    "fd00::7",
    "198.51.100.9",
    "203.0.113.77",
    "2001:db8::5",
];

/// An address that the tests know.
pub(super) fn address() -> impl Strategy<Value = IpAddr> {
    proptest::sample::select(ADDRESSES.as_slice()).prop_map(|text| text.parse().unwrap())
}

fn fact() -> impl Strategy<Value = (FactKind, Vec<u8>)> {
    let kinds = [
        FactKind::HttpHost,
        FactKind::HttpUri,
        FactKind::DnsQuery,
        FactKind::TlsSni,
        FactKind::Ja3,
    ];
    let value = prop_oneof![
        "[a-z]{1,8}\\.example".prop_map(String::into_bytes),
        (address(), "/[a-z]{0,4}")
            .prop_map(|(address, tail)| format!("x={address}{tail}").into_bytes()),
        Just(b"3.2.1.10.in-addr.arpa".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..600),
    ];
    (proptest::sample::select(kinds.to_vec()), value)
}

/// An alert between known addresses, of one of few rules, within some minutes.
pub(super) fn alert() -> impl Strategy<Value = Alert> {
    let ends = (address(), address(), 1u16..4, 1u16..3);
    let rule = (1u32..4, 1u8..6);
    let protocol = proptest::sample::select(vec![1u8, 6, 17]);
    let facts = proptest::collection::vec(fact(), 0..4);
    (0u64..600, rule, ends, protocol, facts, 0u64..3).prop_map(
        |(seconds, rule, ends, protocol, facts, flow)| {
            let (source, destination, source_port, destination_port) = ends;
            let (sid, severity) = rule;
            let counters = DirectionCounters {
                packets: 3,
                bytes: 1234,
                stream_bytes: 1000,
            };
            Alert {
                time: Timestamp(seconds * Timestamp::NANOSECONDS_PER_SECOND),
                rule: RuleId {
                    gid: 1,
                    // A rule has one severity.
                    sid: sid * 10 + u32::from(severity),
                    rev: 1,
                },
                rule_index: sid,
                action: Action::Alert,
                severity: Severity(severity),
                ends: Ends {
                    source,
                    destination,
                    source_port,
                    destination_port,
                },
                protocol,
                icmp: None,
                flow: Some(FlowId(flow)),
                flow_start: Some(Timestamp(1)),
                counters: [counters; 2],
                direction: Some(Direction::ToServer),
                app_protocol: Some(AppProtocol::Http1),
                vlans: crate::decode::VlanTags::new(),
                facts,
            }
        },
    )
}

/// Alerts in the order of time.
pub(super) fn alerts_in_order() -> impl Strategy<Value = Vec<Alert>> {
    proptest::collection::vec(alert(), 0..60).prop_map(|mut alerts| {
        alerts.sort_by_key(|alert| alert.time);
        alerts
    })
}

/// An alert between two addresses.
pub(crate) fn test_alert(source: &str, destination: &str) -> Alert {
    Alert {
        time: Timestamp(1_000 * Timestamp::NANOSECONDS_PER_SECOND),
        rule: RuleId {
            gid: 1,
            sid: 9_000_200,
            rev: 1,
        },
        rule_index: 0,
        action: Action::Alert,
        severity: Severity(2),
        ends: Ends {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            source_port: 40_000,
            destination_port: 443,
        },
        protocol: 6,
        icmp: None,
        flow: None,
        flow_start: None,
        counters: [DirectionCounters::default(); 2],
        direction: None,
        app_protocol: None,
        vlans: crate::decode::VlanTags::new(),
        facts: Vec::new(),
    }
}
