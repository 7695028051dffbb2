//! Order, effects, `pass` and rate limits on UDP packets, with rules written straight into a pack.

use std::net::IpAddr;

use lapwing_rules::{
    model::{
        Action, AddressSetId, AlertLimit, Anchor, BitAction, BitScope, Buffer, Content, Effect,
        Header, HeaderProtocol, Inspection, Match, Operand, PacketCondition, PortSetId,
        RuleDirection, RuleId, Severity, Sides, Threshold, ThresholdKind, TrackBy,
    },
    pack::{GroupToWrite, PackWriter, PrefilterScope, RuleToWrite},
};

use super::*;
use crate::{
    app_layer::{AppLayer, Inspected},
    decode::{IpLayer, Transport},
    flow::{DirectionCounters, FlowId, FlowProgress},
    time::Timestamp,
};

pub(super) fn content(pattern: &'static [u8]) -> Inspection<'static> {
    Inspection {
        buffer: Buffer::Payload,
        frame: None,
        transforms: Vec::new(),
        matches: vec![Match::Content(Content {
            pattern,
            nocase: false,
            negated: false,
            anchor: Anchor::Absolute {
                offset: Operand::Number(0),
                depth: None,
            },
            starts_with: false,
            ends_with: false,
            followed_by_relative: false,
        })],
    }
}

pub(super) fn rule(sid: u32, inspections: Vec<Inspection<'static>>) -> RuleToWrite<'static> {
    RuleToWrite {
        id: RuleId {
            gid: 1,
            sid,
            rev: 1,
        },
        action: Action::Alert,
        severity: Severity(3),
        header: Header {
            protocol: HeaderProtocol::Udp,
            source: AddressSetId::ANY,
            source_port: PortSetId::ANY,
            direction: RuleDirection::Forward,
            destination: AddressSetId::ANY,
            destination_port: PortSetId::ANY,
        },
        kind: if inspections.is_empty() {
            RuleKind::AddressOnly
        } else {
            RuleKind::Packet
        },
        sides: Sides::Both,
        inspects_packet: true,
        inspects_stream: false,
        byte_variables: 0,
        message: "",
        class_type: "",
        class_description: "",
        conditions: Vec::new(),
        inspections,
        effects: Vec::new(),
        limits: Vec::new(),
        references: Vec::new(),
        metadata: Vec::new(),
        text: None,
    }
}

/// A detector over these rules; all are tried on each UDP payload.
fn detector(rules: &[RuleToWrite<'_>], mut writer: PackWriter) -> Detector {
    let always = rules.iter().map(|rule| writer.rule(rule)).collect();
    writer.prefilter_group(&GroupToWrite {
        scope: PrefilterScope::PacketPayload(TransportClass::Udp),
        patterns: Vec::new(),
        always,
    });
    Detector::new(Arc::new(Pack::from_bytes(writer.finish()).unwrap()))
}

const NONE: [u32; 0] = [];
const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

pub(super) fn flow() -> Flow {
    Flow {
        id: FlowId(1),
        client: IpAddr::from(CLIENT),
        client_port: 1000,
        server: IpAddr::from(SERVER),
        server_port: 2000,
        protocol: 17,
        progress: FlowProgress::New,
        first_seen: Timestamp(0),
        inspected: Inspected::default(),
        last_seen: Timestamp(0),
        counters: [DirectionCounters::default(); 2],
        app: AppLayer::default(),
        detection: FlowDetection::default(),
    }
}

/// Signatures told for a payload that the client sends.
pub(super) fn told(detector: &mut Detector, flow: Option<&mut Flow>, payload: &[u8]) -> Vec<u32> {
    let packet = Packet {
        ip: Some(IpLayer {
            version: 4,
            source: IpAddr::from(CLIENT),
            destination: IpAddr::from(SERVER),
            protocol: 17,
            header: &[],
            payload,
            ttl: 64,
            tos: 0,
            id: 0,
            is_fragment: false,
            fragment_offset: 0,
            fragment_bits: 0,
        }),
        transport: Transport::Udp {
            source_port: 1000,
            destination_port: 2000,
            header: &[],
        },
        payload,
        direction: flow.is_some().then_some(Direction::ToServer),
        ..Packet::undecoded(Timestamp(0), 60)
    };
    let mut alerts = Vec::new();
    detector.inspect(&packet, flow, None, &mut alerts);
    alerts.iter().map(|alert| alert.rule.sid).collect()
}

#[test]
fn a_rule_that_sets_a_bit_goes_before_one_that_asks_for_it() {
    let mut writer = PackWriter::new();
    let bit = writer.bit("seen");
    let mut asks = rule(1, vec![content(b"a")]);
    asks.conditions = vec![PacketCondition::Bits {
        scope: BitScope::Flow,
        action: BitAction::IsSet,
        bits: vec![bit],
    }];
    let mut sets = rule(2, vec![content(b"b")]);
    sets.effects = vec![
        Effect::Bit {
            scope: BitScope::Flow,
            action: BitAction::Set,
            bit,
            expire_seconds: 0,
        },
        Effect::NoAlert,
    ];
    let mut detector = detector(&[asks, sets], writer);
    let mut flow = flow();
    assert_eq!(told(&mut detector, Some(&mut flow), b"a"), NONE);
    assert_eq!(told(&mut detector, Some(&mut flow), b"ab"), [1]);
    assert_eq!(told(&mut detector, Some(&mut flow), b"a"), [1]);
    assert_eq!(
        told(&mut detector, None, b"ab"),
        NONE,
        "no flow, no flow bits"
    );
}

#[test]
fn pass_silences_the_packet_and_severity_orders_the_rest() {
    let mut passes = rule(1, vec![content(b"quiet")]);
    passes.action = Action::Pass;
    passes.effects = vec![Effect::NoAlert];
    let mild = rule(2, vec![content(b"a")]);
    let mut severe = rule(3, vec![content(b"a")]);
    severe.severity = Severity(1);
    let mut detector = detector(&[passes, mild, severe], PackWriter::new());
    assert_eq!(told(&mut detector, None, b"a"), [3, 2]);
    assert_eq!(told(&mut detector, None, b"a quiet"), NONE);
    assert_eq!(
        told(&mut detector, None, b"a"),
        [3, 2],
        "a packet's pass is the packet's"
    );
    assert_eq!(detector.counters().passed, 2);
}

#[test]
fn rate_limits_and_the_cap_of_a_packet_are_counted() {
    let mut limited = rule(1, vec![content(b"a")]);
    limited.limits = vec![AlertLimit::Threshold(Threshold {
        kind: ThresholdKind::Limit,
        track: TrackBy::Source,
        count: 1,
        seconds: 60,
    })];
    let mut detector = detector(&[limited], PackWriter::new());
    assert_eq!(told(&mut detector, None, b"a"), [1]);
    assert_eq!(told(&mut detector, None, b"a"), NONE);
    assert_eq!(detector.counters().thresholded, 1);
    detector.forget();
    assert_eq!(told(&mut detector, None, b"a"), [1]);

    let many: Vec<_> = (0..300).map(|sid| rule(sid, vec![content(b"a")])).collect();
    let mut detector = self::detector(&many, PackWriter::new());
    assert_eq!(told(&mut detector, None, b"a").len(), 255);
    assert_eq!(detector.counters().alerts_over_cap, 45);
}

#[test]
fn the_arrow_and_the_ports_decide() {
    let mut writer = PackWriter::new();
    let port = writer.port_set(&[(1000, 1000)]);
    let mut forward = rule(1, vec![content(b"a")]);
    forward.header.destination_port = port;
    let mut both = rule(2, vec![content(b"a")]);
    both.header.destination_port = port;
    both.header.direction = RuleDirection::Both;
    let mut tcp = rule(3, vec![content(b"a")]);
    tcp.header.protocol = HeaderProtocol::Tcp;
    let mut detector = detector(&[forward, both, tcp], writer);
    assert_eq!(told(&mut detector, None, b"a"), [2]);
}

#[test]
fn address_rules_are_tried_once_a_direction_of_a_flow() {
    let mut writer = PackWriter::new();
    let index = writer.rule(&rule(1, Vec::new()));
    writer.prefilter_group(&GroupToWrite {
        scope: PrefilterScope::AddressOnly,
        patterns: Vec::new(),
        always: vec![index],
    });
    let pack = Arc::new(Pack::from_bytes(writer.finish()).unwrap());
    let mut detector = Detector::new(pack);
    let mut flow = flow();
    assert_eq!(told(&mut detector, Some(&mut flow), b""), [1]);
    assert_eq!(told(&mut detector, Some(&mut flow), b"x"), NONE);
    assert_eq!(told(&mut detector, None, b""), [1]);
    assert_eq!(told(&mut detector, None, b""), [1]);
}
