//! What is stored of each kind of record: a row of the table of findings, or one statement.

use std::net::IpAddr;

use super::database::{Transaction, params};
use lapwing_lake::{End, Finding as Row};
use lapwing_wire::{
    Account, DisclosedAddress, Endpoint, Eviction, Fact, Finding, Heartbeat, LaneAccount, Queue,
    RecordHeader, RecordKind, Summary,
};
use serde_json::{Value, json};

use super::StoreError;
use super::load_batch::Position;
use super::time::from_sensor;

/// One end of a finding: its address as 16 bytes (IPv4 as mapped), disclosure, epoch of the pseudonym's key, port.
fn end(endpoint: &Endpoint) -> End {
    let (address, disclosure, key_epoch) = match endpoint.address {
        DisclosedAddress::Clear(address) => (Some(address_bytes(address)), 0, None),
        DisclosedAddress::Pseudonym { address, key_epoch } => {
            (Some(address_bytes(address)), 1, Some(key_epoch))
        }
        DisclosedAddress::Withheld => (None, 2, None),
    };
    End {
        address,
        disclosure,
        key_epoch,
        port: endpoint.port,
    }
}

/// 16 bytes that sort as addresses do.
pub(super) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// A count from a sensor; beyond what the database can hold it stays at the end.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Whose record it is, and what it came in.
pub(super) struct Origin {
    pub(super) identity: [u8; 16],
    /// Number of the batch.
    pub(super) batch: i64,
    pub(super) received_ms: i64,
}

/// A finding as a row of the table; `key` is its place in the order of loading.
pub(super) fn finding_row(
    origin: &Origin,
    position: &Position,
    key: i64,
    header: &RecordHeader,
    finding: &Finding,
) -> Row {
    let facts: Vec<[String; 2]> = finding.facts.iter().map(readable_fact).collect();
    Row {
        key,
        sensor_key: position.lane.sensor,
        sensor: origin.identity,
        epoch: position.lane.epoch,
        lane: position.lane.lane,
        number: position.number,
        batch: origin.batch,
        inbox_key: position.batch,
        received_ms: origin.received_ms,
        first_ms: from_sensor(finding.first_milliseconds),
        last_ms: from_sensor(finding.last_milliseconds),
        hits: count(finding.count),
        gid: finding.rule.gid,
        sid: finding.rule.sid,
        rev: finding.rule.rev,
        severity: finding.severity.get(),
        action: finding.action.code(),
        source: end(&finding.source),
        destination: end(&finding.destination),
        protocol: finding.protocol,
        app_protocol: finding.app_protocol.clone(),
        direction: finding.direction.code(),
        packets_to_server: count(finding.traffic.packets_to_server),
        bytes_to_server: count(finding.traffic.bytes_to_server),
        packets_to_client: count(finding.traffic.packets_to_client),
        bytes_to_client: count(finding.traffic.bytes_to_client),
        flow_start_ms: finding.flow_start_milliseconds.map(from_sensor),
        facts: json!(facts).to_string(),
        policy: header.policy.map(|policy| policy.0),
        made_ms: from_sensor(header.time.wall_milliseconds),
        made_monotonic_ms: count(header.time.monotonic_milliseconds),
        boot: header.time.boot.0,
        clock_quality: header.time.quality.code(),
    }
}

/// Name and value of a fact as text; bytes that are no text are shown as `\xNN`. The exact bytes stay in the inbox.
fn readable_fact(fact: &Fact) -> [String; 2] {
    let name = match fact.kind.name() {
        "other" => format!("fact {}", fact.kind.code()),
        name => name.to_owned(),
    };
    let mut value = String::with_capacity(fact.value.len());
    for chunk in fact.value.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() {
                value.push_str(&format!("\\x{:02x}", u32::from(letter)));
            } else {
                value.push(letter);
            }
        }
        for byte in chunk.invalid() {
            value.push_str(&format!("\\x{byte:02x}"));
        }
    }
    [name, value]
}

pub(super) fn heartbeat(
    transaction: &Transaction<'_>,
    position: &Position,
    header: &RecordHeader,
    heartbeat: &Heartbeat,
) -> Result<(), StoreError> {
    let content = json!({
        "state": heartbeat.state.name(),
        "uptime_seconds": heartbeat.uptime_seconds,
        "software_version": heartbeat.software_version,
        "pack_version": heartbeat.pack_version,
        "pack": heartbeat.pack.map(|digest| digest.to_string()),
        "policy": heartbeat.policy.map(|digest| digest.to_string()),
        "packets": heartbeat.packets,
        "dropped_packets": heartbeat.dropped_packets,
        "clock_quality": header.time.quality.name(),
        "queue": queue(&heartbeat.queue),
        "account": account(&heartbeat.account),
    });
    status(transaction, position, header, "heartbeat", [0; 4], &content)
}

pub(super) fn summary(
    transaction: &Transaction<'_>,
    position: &Position,
    header: &RecordHeader,
    summary: &Summary,
) -> Result<(), StoreError> {
    let content = json!({
        "start_milliseconds": summary.start_milliseconds,
        "end_milliseconds": summary.end_milliseconds,
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
        "queue": queue(&summary.queue),
        "counters": summary.counters.iter().map(|counter| json!([counter.name, counter.value])).collect::<Vec<_>>(),
        "top_lists": summary.top_lists.iter().map(|list| json!({
            "subject": list.subject.code(),
            "entries": list.entries.iter().map(|entry| json!([entry.value, entry.count])).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    let made = summary
        .findings_by_severity
        .iter()
        .fold(0u64, |sum, count| sum.saturating_add(*count));
    status(
        transaction,
        position,
        header,
        "summary",
        [
            made,
            summary.findings_suppressed,
            summary.bytes,
            summary.bytes_not_inspected,
        ],
        &content,
    )
}

pub(super) fn unknown(
    transaction: &Transaction<'_>,
    position: &Position,
    header: &RecordHeader,
    kind: RecordKind,
) -> Result<(), StoreError> {
    status(
        transaction,
        position,
        header,
        "unknown",
        [0; 4],
        &json!({ "kind": kind.0 }),
    )
}

pub(super) fn eviction(
    transaction: &Transaction<'_>,
    position: &Position,
    header: &RecordHeader,
    eviction: &Eviction,
) -> Result<(), StoreError> {
    let bound = |number: u64| {
        i64::try_from(number).map_err(|_| StoreError::Content("evicted record number above 2^63"))
    };
    let findings = eviction
        .findings_by_severity
        .iter()
        .fold(0u64, |sum, count| sum.saturating_add(*count));
    transaction
        .prepare(
            "INSERT INTO eviction (sensor_key, epoch, lane, number, batch_key, made_ms, of_lane, first, last, dropped, reason,
                findings, withdrawn_batch, withdrawn_digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            position.lane.sensor,
            position.lane.epoch,
            position.lane.lane,
            position.number,
            position.batch,
            from_sensor(header.time.wall_milliseconds),
            eviction.lane.code(),
            bound(eviction.first.0)?,
            bound(eviction.last.0)?,
            count(eviction.count),
            eviction.reason.name(),
            count(findings),
            eviction.withdrawn.map(|batch| count(batch.number.0)),
            eviction.withdrawn.map(|batch| batch.digest.0),
        ])?;
    Ok(())
}

fn status(
    transaction: &Transaction<'_>,
    position: &Position,
    header: &RecordHeader,
    kind: &str,
    [findings, suppressed, bytes, bytes_not_inspected]: [u64; 4],
    content: &Value,
) -> Result<(), StoreError> {
    transaction
        .prepare(
            "INSERT INTO status_record (sensor_key, epoch, lane, number, batch_key, kind, made_ms, findings, suppressed,
                content, bytes, bytes_not_inspected)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            position.lane.sensor,
            position.lane.epoch,
            position.lane.lane,
            position.number,
            position.batch,
            kind,
            from_sensor(header.time.wall_milliseconds),
            count(findings),
            count(suppressed),
            content.to_string(),
            count(bytes),
            count(bytes_not_inspected),
        ])?;
    Ok(())
}

/// The lanes by their codes, each as `[settled, next_to_seal, next, held]`.
fn account(account: &Account) -> Value {
    let lane = |lane: &LaneAccount| {
        json!([
            lane.settled,
            lane.next_to_seal,
            lane.next,
            u8::from(lane.is_held)
        ])
    };
    json!({
        "lanes": account.lanes.iter().map(lane).collect::<Vec<_>>(),
        "suppressed_findings": account.suppressed_findings,
        "facts_held_back": account.facts_held_back,
    })
}

fn queue(queue: &Queue) -> Value {
    json!({
        "records": queue.records,
        "bytes": queue.bytes,
        "oldest_milliseconds": queue.oldest_milliseconds,
        "evicted_records": queue.evicted_records,
    })
}
