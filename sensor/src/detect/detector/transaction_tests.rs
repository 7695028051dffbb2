//! Rules in transactions, with real DNS messages through the real parser.

use std::net::IpAddr;

use lapwing_rules::{
    model::{
        AppProtocol, Buffer, HeaderField, HeaderProtocol, Inspection, Match, NumberRange,
        PacketCondition, Side,
    },
    pack::{GroupToWrite, PackWriter, PrefilterScope},
};

use super::{
    tests::{content, flow, rule, told},
    *,
};
use crate::{
    app_layer::{FeedContext, ParserSet, Transport},
    time::Timestamp,
};

/// A query for `name`, type A.
fn query(name: &[&str]) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}

fn in_query(pattern: &'static [u8]) -> Inspection<'static> {
    Inspection {
        buffer: Buffer::DnsQuery,
        frame: None,
        ..content(pattern)
    }
}

fn detector() -> Detector {
    let mut writer = PackWriter::new();
    let mut both_lists = rule(1, vec![in_query(b"evil"), in_query(b"example")]);
    both_lists.header.protocol = HeaderProtocol::App(AppProtocol::Dns);
    let mut with_number = rule(2, vec![in_query(b"evil")]);
    with_number.conditions = vec![PacketCondition::Field(
        HeaderField::DnsOpcode,
        NumberRange {
            min: 1,
            max: 9,
            negated: false,
        },
    )];
    let mut with_payload = rule(3, vec![content(b"\x12\x34"), in_query(b"evil")]);
    with_payload.header.protocol = HeaderProtocol::Udp;
    for rule in [&mut both_lists, &mut with_number, &mut with_payload] {
        rule.kind = RuleKind::Transaction;
    }
    let rules: Vec<u32> = [both_lists, with_number, with_payload]
        .iter()
        .map(|rule| writer.rule(rule))
        .collect();
    writer.prefilter_group(&GroupToWrite {
        scope: PrefilterScope::Buffer(Buffer::DnsQuery, Side::ToServer),
        patterns: vec![(b"evil", rules)],
        always: Vec::new(),
    });
    Detector::new(Arc::new(Pack::from_bytes(writer.finish()).unwrap()))
}

/// Feeds a datagram of the client and inspects its packet.
fn told_for(detector: &mut Detector, flow: &mut Flow, datagram: &[u8]) -> Vec<u32> {
    let context = FeedContext {
        client_address: std::net::Ipv4Addr::LOCALHOST.into(),
        server_address: std::net::Ipv4Addr::LOCALHOST.into(),
        may_be_reversed: false,
        client_port: 1000,
        server_port: 53,
        transport: Transport::Udp,
        time: Timestamp(0),
        frames: FrameSet::default(),
        parsers: ParserSet::default(),
        digests: DigestSet::default(),
    };
    flow.app.begin_packet(Some(Direction::ToServer));
    flow.app.feed(&context, Direction::ToServer, datagram);
    told(detector, Some(flow), datagram)
}

#[test]
fn all_lists_of_a_rule_must_hold_in_one_transaction() {
    let mut detector = detector();
    let mut flow = flow();
    flow.server_port = 53;
    assert_eq!(flow.client, IpAddr::from([10, 0, 0, 1]));
    let evil = query(&["EVIL", "example", "org"]);
    let nothing: [u32; 0] = [];
    assert_eq!(
        told_for(&mut detector, &mut flow, &evil),
        nothing,
        "contents without nocase are compared with case, the prefilter without"
    );
    let evil = query(&["evil", "example", "org"]);
    assert_eq!(told_for(&mut detector, &mut flow, &evil), [1, 3]);
    let half = query(&["evil", "org"]);
    assert_eq!(told_for(&mut detector, &mut flow, &half), [3]);
    let other = query(&["example", "org"]);
    assert_eq!(told_for(&mut detector, &mut flow, &other), nothing);
}

#[test]
fn a_size_asks_for_the_whole_name() {
    let mut writer = PackWriter::new();
    let exact = Inspection {
        matches: vec![Match::BufferSize(NumberRange {
            min: 8,
            max: 8,
            negated: false,
        })],
        ..in_query(b"")
    };
    let mut rule = rule(1, vec![exact]);
    rule.kind = RuleKind::Transaction;
    let rules = vec![writer.rule(&rule)];
    writer.prefilter_group(&GroupToWrite {
        scope: PrefilterScope::Buffer(Buffer::DnsQuery, Side::ToServer),
        patterns: Vec::new(),
        always: rules,
    });
    let pack = Pack::from_bytes(writer.finish()).unwrap();
    let mut detector = Detector::new(Arc::new(pack));
    let mut flow = flow();
    flow.server_port = 53;
    let asked = [query(&["evil", "org"]), query(&["good", "example"])];
    assert_eq!(told_for(&mut detector, &mut flow, &asked[0]), [1]);
    assert!(told_for(&mut detector, &mut flow, &asked[1]).is_empty());
}
