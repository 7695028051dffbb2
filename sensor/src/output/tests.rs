//! The three formats over one alert of one rule.

use lapwing_rules::{
    model::{
        Action, AddressSetId, AppProtocol, Header, HeaderProtocol, PortSetId, RuleDirection,
        RuleId, RuleKind, Severity, Sides,
    },
    pack::{PackWriter, RuleToWrite},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    app_layer::FactKind,
    decode::Ends,
    direction::Direction,
    flow::{DirectionCounters, FlowId},
    time::Timestamp,
};

fn pack() -> Pack {
    let mut writer = PackWriter::new();
    writer.rule(&RuleToWrite {
        id: RuleId {
            gid: 1,
            sid: 7_000_001,
            rev: 3,
        },
        action: Action::Alert,
        severity: Severity(2),
        header: Header {
            protocol: HeaderProtocol::Tcp,
            source: AddressSetId::ANY,
            source_port: PortSetId::ANY,
            direction: RuleDirection::Forward,
            destination: AddressSetId::ANY,
            destination_port: PortSetId::ANY,
        },
        kind: RuleKind::Packet,
        sides: Sides::Both,
        inspects_packet: true,
        inspects_stream: false,
        byte_variables: 0,
        message: "a test\u{1b} of output",
        class_type: "trojan-activity",
        class_description: "A Network Trojan was detected",
        conditions: Vec::new(),
        inspections: Vec::new(),
        effects: Vec::new(),
        limits: Vec::new(),
        references: vec![("https://", "example.org/a")],
        metadata: vec![("tag", "one"), ("tag", "two"), ("created_at", "2026_01_01")],
        text: None,
    });
    Pack::from_bytes(writer.finish()).unwrap()
}

fn alert() -> Alert {
    Alert {
        time: Timestamp(1_704_164_645_678_901_234),
        rule: RuleId {
            gid: 1,
            sid: 7_000_001,
            rev: 3,
        },
        rule_index: 0,
        action: Action::Alert,
        severity: Severity(2),
        ends: Ends {
            source: "10.0.0.1".parse().unwrap(),
            destination: "2001:db8::1".parse().unwrap(),
            source_port: 1025,
            destination_port: 80,
        },
        protocol: 6,
        icmp: None,
        flow: Some(FlowId(42)),
        flow_start: Some(Timestamp(0)),
        counters: [DirectionCounters::default(); 2],
        direction: Some(Direction::ToServer),
        app_protocol: Some(AppProtocol::Http1),
        vlans: crate::decode::VlanTags::new(),
        facts: vec![(FactKind::HttpHost, b"example.org".to_vec())],
    }
}

fn written(format: AlertFormat, alerts: &[Alert]) -> String {
    let pack = pack();
    let mut writer = AlertWriter::new(Vec::new(), format);
    for alert in alerts {
        writer.write(alert, &pack, Some("dir/a.pcap")).unwrap();
    }
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

#[test]
fn eve_has_what_readers_of_suricata_expect() {
    let text = written(AlertFormat::Eve, &[alert(), alert()]);
    assert_eq!(text.lines().count(), 2);
    let value: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let community = community_id(&alert().ends, 6, None);
    assert_eq!(
        value,
        json!({
            "timestamp": "2024-01-02T03:04:05.678901+0000",
            "flow_id": 42,
            "pcap_filename": "dir/a.pcap",
            "event_type": "alert",
            "src_ip": "10.0.0.1",
            "src_port": 1025,
            "dest_ip": "2001:db8::1",
            "dest_port": 80,
            "proto": "TCP",
            "community_id": community,
            "app_proto": "http",
            "direction": "to_server",
            "alert": {
                "action": "allowed",
                "gid": 1,
                "signature_id": 7_000_001,
                "rev": 3,
                "signature": "a test\u{1b} of output",
                "category": "A Network Trojan was detected",
                "severity": 2,
                "metadata": {"tag": ["one", "two"], "created_at": ["2026_01_01"]}
            }
        })
    );
}

#[test]
fn eve_names_no_ends_where_there_is_no_ip_and_no_ports_where_there_are_none() {
    let mut ping = alert();
    ping.protocol = 1;
    ping.icmp = Some((8, 0));
    let mut undecoded = alert();
    undecoded.ends.source = "0.0.0.0".parse().unwrap();
    undecoded.ends.destination = "0.0.0.0".parse().unwrap();
    let text = written(AlertFormat::Eve, &[ping, undecoded]);
    let values: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(values[0]["proto"], "ICMP");
    assert_eq!(
        (&values[0]["icmp_type"], &values[0]["icmp_code"]),
        (&json!(8), &json!(0))
    );
    assert_eq!(values[0].get("src_port"), None);
    assert_eq!(values[1].get("src_ip"), None);
    assert_eq!(values[1].get("proto"), None);
}

#[test]
fn json_is_one_array_with_names_spelled_out() {
    assert_eq!(written(AlertFormat::Json, &[]), "[]\n");
    let value: Value =
        serde_json::from_str(&written(AlertFormat::Json, &[alert(), alert()])).unwrap();
    assert_eq!(value.as_array().unwrap().len(), 2);
    assert_eq!(
        value[0]["rule"]["references"],
        json!(["https://example.org/a"])
    );
    assert_eq!(value[0]["connection"]["destination_address"], "2001:db8::1");
    assert_eq!(value[0]["facts"]["HttpHost"], json!(["example.org"]));
}

#[test]
fn the_table_counts_and_cannot_move_the_cursor() {
    assert_eq!(written(AlertFormat::Table, &[]), "no alerts\n");
    let text = written(AlertFormat::Table, &[alert(), alert()]);
    assert!(text.contains("10.0.0.1 → [2001:db8::1]:80"), "{text}");
    assert!(text.contains("a test\u{fffd} of output"), "{text}");
    assert!(text.contains("2 alerts in 1 lines"), "{text}");
    assert!(!text.contains('\u{1b}'));
}
