//! Records as they leave, for the ISP to read: what a dry run would send, and what an envelope held.

use std::fmt::Write;

use jiff::Timestamp;
use lapwing_wire::{DisclosedAddress, Endpoint, Finding, Record, RecordBody, Summary};
use serde_json::{Value, json};

use super::protocol_name;
use crate::policy::pseudonyms;

/// A record with every name spelled out. What it holds leaves; nothing else does.
#[must_use]
pub fn record_json(record: &Record) -> Value {
    let header = &record.header;
    let (kind, body) = match &record.body {
        RecordBody::Finding(finding) => ("finding", finding_json(finding)),
        RecordBody::Summary(summary) => ("summary", summary_json(summary)),
        RecordBody::Heartbeat(heartbeat) => (
            "heartbeat",
            json!({
                "state": heartbeat.state.name(),
                "uptime_seconds": heartbeat.uptime_seconds,
                "software": heartbeat.software_version,
                "pack": heartbeat.pack.map(|pack| pack.to_string()),
                "policy": heartbeat.policy.map(|policy| policy.to_string()),
                "packets": heartbeat.packets,
                "dropped_packets": heartbeat.dropped_packets,
                "queued_records": heartbeat.queue.records,
                "queued_bytes": heartbeat.queue.bytes,
            }),
        ),
        RecordBody::Eviction(eviction) => (
            "eviction",
            json!({
                "lane": eviction.lane.name(),
                "first": eviction.first.0,
                "last": eviction.last.0,
                "count": eviction.count,
                "reason": eviction.reason.name(),
            }),
        ),
        other => ("other", json!({ "kind": other.kind().0 })),
    };
    json!({
        "kind": kind,
        "lane": header.lane.name(),
        "number": header.number.0,
        "made": time(header.time.wall_milliseconds),
        "clock": header.time.quality.name(),
        "policy": header.policy.map(|policy| policy.to_string()),
        kind: body,
    })
}

fn finding_json(finding: &Finding) -> Value {
    let facts = finding.facts.iter().map(
        |fact| json!({ "kind": fact.kind.name(), "value": String::from_utf8_lossy(&fact.value) }),
    );
    json!({
        "first": time(finding.first_milliseconds),
        "last": time(finding.last_milliseconds),
        "count": finding.count,
        "rule": finding.rule.to_string(),
        "severity": finding.severity.get(),
        "source": endpoint_json(&finding.source),
        "destination": endpoint_json(&finding.destination),
        "protocol": protocol_name(finding.protocol),
        "app_protocol": finding.app_protocol,
        "direction": format!("{:?}", finding.direction),
        "traffic": {
            "packets_to_server": finding.traffic.packets_to_server,
            "bytes_to_server": finding.traffic.bytes_to_server,
            "packets_to_client": finding.traffic.packets_to_client,
            "bytes_to_client": finding.traffic.bytes_to_client,
        },
        "flow_start": finding.flow_start_milliseconds.map(time),
        "facts": facts.collect::<Vec<_>>(),
    })
}

fn endpoint_json(end: &Endpoint) -> Value {
    match end.address {
        DisclosedAddress::Clear(address) => {
            json!({ "address": address.to_string(), "port": end.port })
        }
        DisclosedAddress::Pseudonym { address, key_epoch } => {
            json!({ "pseudonym": address.to_string(), "key_epoch": key_epoch, "port": end.port })
        }
        DisclosedAddress::Withheld => json!({ "withheld": true, "port": end.port }),
    }
}

fn summary_json(summary: &Summary) -> Value {
    let counters = summary.counters.iter();
    let counters = counters.map(|counter| (counter.name.clone(), Value::from(counter.value)));
    let lists = summary.top_lists.iter().map(|list| {
        let entries = list.entries.iter();
        let entries = entries.map(|entry| json!({ "value": entry.value, "count": entry.count }));
        json!({ "subject": format!("{:?}", list.subject), "entries": entries.collect::<Vec<_>>() })
    });
    json!({
        "start": time(summary.start_milliseconds),
        "end": time(summary.end_milliseconds),
        "packets": summary.packets,
        "bytes": summary.bytes,
        "decoded_packets": summary.decoded_packets,
        "kernel_drops": summary.kernel_drops,
        "interface_drops": summary.interface_drops,
        "bytes_not_inspected": summary.bytes_not_inspected,
        "flows": summary.flows,
        "rules_loaded": summary.rules_loaded,
        "rules_unsupported": summary.rules_unsupported,
        "rules_suppressed": summary.rules_suppressed,
        "alerts": summary.alerts,
        "findings_by_severity": summary.findings_by_severity,
        "findings_suppressed": summary.findings_suppressed,
        "counters": counters.collect::<serde_json::Map<_, _>>(),
        "top_lists": lists.collect::<Vec<_>>(),
    })
}

/// Records for a person: findings line by line, of the others what they are.
#[must_use]
pub fn record_table(records: &[Record]) -> String {
    let mut text =
        String::from("SEV   COUNT  FIRST SEEN (UTC)     PROTO  FROM -> TO  RULE  FACTS\n");
    for record in records {
        // Writing to a text does not fail.
        let _written = match &record.body {
            RecordBody::Finding(finding) => writeln!(text, "{}", finding_line(finding)),
            RecordBody::Summary(summary) => writeln!(
                text,
                "summary {} to {}: {} packets, {} alerts, {} findings kept here, {} lists",
                time(summary.start_milliseconds),
                time(summary.end_milliseconds),
                summary.packets,
                summary.alerts,
                summary.findings_suppressed,
                summary.top_lists.len()
            ),
            RecordBody::Heartbeat(heartbeat) => writeln!(
                text,
                "heartbeat {}: {}, {} packets",
                time(record.header.time.wall_milliseconds),
                heartbeat.state.name(),
                heartbeat.packets
            ),
            RecordBody::Eviction(eviction) => writeln!(
                text,
                "eviction: {} records of {}, {}",
                eviction.count,
                eviction.lane.name(),
                eviction.reason.name()
            ),
            other => writeln!(text, "record of kind {}", other.kind().0),
        };
    }
    text
}

fn finding_line(finding: &Finding) -> String {
    let facts = finding
        .facts
        .iter()
        .map(|fact| format!("{}={}", fact.kind.name(), fact.value.escape_ascii()));
    format!(
        "{:>3} {:>7}  {:<19}  {:<5}  {} -> {}  {}  {}",
        finding.severity.get(),
        finding.count,
        time(finding.first_milliseconds),
        protocol_name(finding.protocol),
        end_text(&finding.source),
        end_text(&finding.destination),
        finding.rule,
        facts.collect::<Vec<_>>().join(" ")
    )
}

fn end_text(end: &Endpoint) -> String {
    let address = match end.address {
        DisclosedAddress::Clear(address) => address.to_string(),
        DisclosedAddress::Pseudonym { address, key_epoch } => {
            pseudonyms::written(address, key_epoch)
        }
        DisclosedAddress::Withheld => "withheld".to_owned(),
    };
    match end.port {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address,
    }
}

fn time(milliseconds: u64) -> String {
    let millisecond = i64::try_from(milliseconds).ok();
    let time = millisecond.and_then(|millisecond| Timestamp::from_millisecond(millisecond).ok());
    time.map_or_else(|| milliseconds.to_string(), |time| time.to_string())
}
