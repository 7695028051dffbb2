//! Strategies for records with every value that the types allow.

use std::net::IpAddr;

use lapwing_wire::*;
use proptest::prelude::*;

pub(crate) fn records(most: usize) -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec(record(), 0..most)
}

pub(crate) fn record() -> impl Strategy<Value = Record> {
    (header(), body()).prop_map(|(mut header, body)| {
        if !body.kind().may_lack_policy() {
            header.policy.get_or_insert(PolicyDigest([3; 32]));
        }
        Record::new(header, body).unwrap()
    })
}

fn header() -> impl Strategy<Value = RecordHeader> {
    let stamp = (any::<u64>(), any::<u64>(), any::<[u8; 16]>(), 0u8..6).prop_map(
        |(wall, monotonic, boot, quality)| Stamp {
            wall_milliseconds: wall,
            monotonic_milliseconds: monotonic,
            boot: BootId(if boot[0] < 200 { [7; 16] } else { boot }),
            quality: ClockQuality::from_code(quality),
        },
    );
    (lane(), any::<u64>(), stamp, prop::option::of(any::<bool>())).prop_map(
        |(lane, number, time, policy)| RecordHeader {
            lane,
            number: RecordNumber(number),
            time: Stamp {
                boot: if time.boot.0 == [0; 16] {
                    BootId([1; 16])
                } else {
                    time.boot
                },
                ..time
            },
            policy: policy.map(|second| PolicyDigest([if second { 9 } else { 8 }; 32])),
        },
    )
}

fn lane() -> impl Strategy<Value = Lane> {
    prop::sample::select(Lane::ALL.to_vec())
}

fn body() -> impl Strategy<Value = RecordBody> {
    prop_oneof![
        6 => finding().prop_map(RecordBody::Finding),
        1 => summary().prop_map(RecordBody::Summary),
        1 => heartbeat().prop_map(RecordBody::Heartbeat),
        1 => eviction().prop_map(RecordBody::Eviction),
        1 => (5u16..).prop_map(|kind| RecordBody::Unknown(RecordKind(kind))),
    ]
}

pub(crate) fn finding() -> impl Strategy<Value = Finding> {
    let rule = (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(gid, sid, rev)| RuleId {
        gid,
        sid,
        rev,
    });
    let times = (
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
        prop::option::of(any::<u64>()),
    );
    let facts = prop::collection::vec((0u16..40, prop::collection::vec(any::<u8>(), 0..40)), 0..6);
    let traffic = any::<[u64; 4]>();
    (
        times,
        rule,
        (1u32..300, 0u8..3, 0u8..3, any::<u8>()),
        endpoint(),
        endpoint(),
        prop::option::of("[a-z0-9-]{0,24}"),
        traffic,
        facts,
    )
        .prop_map(
            |(
                (first, last, count, flow_start),
                rule,
                (priority, action, direction, protocol),
                source,
                destination,
                app,
                traffic,
                pairs,
            )| {
                let mut facts = Facts::default();
                for (kind, value) in pairs {
                    assert!(facts.push(FactKind::from_code(kind), &value));
                }
                Finding {
                    first_milliseconds: first,
                    last_milliseconds: last,
                    count,
                    rule,
                    severity: Severity::from_priority(priority),
                    action: Action::from_code(action),
                    source,
                    destination,
                    protocol,
                    app_protocol: app,
                    direction: Direction::from_code(direction),
                    traffic: Traffic {
                        packets_to_server: traffic[0],
                        bytes_to_server: traffic[1],
                        packets_to_client: traffic[2],
                        bytes_to_client: traffic[3],
                    },
                    flow_start_milliseconds: flow_start,
                    facts,
                }
            },
        )
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    let address = prop_oneof![
        any::<IpAddr>().prop_map(DisclosedAddress::Clear),
        (any::<IpAddr>(), any::<u32>())
            .prop_map(|(address, key_epoch)| DisclosedAddress::Pseudonym { address, key_epoch }),
        Just(DisclosedAddress::Withheld),
    ];
    (address, prop::option::of(any::<u16>())).prop_map(|(address, port)| Endpoint { address, port })
}

fn queue() -> impl Strategy<Value = Queue> {
    any::<[u64; 4]>().prop_map(
        |[records, bytes, oldest_milliseconds, evicted_records]| Queue {
            records,
            bytes,
            oldest_milliseconds,
            evicted_records,
        },
    )
}

fn summary() -> impl Strategy<Value = Summary> {
    let counter = ("[a-z_]{1,20}", any::<u64>()).prop_map(|(name, value)| Counter { name, value });
    let entry = ("\\PC{0,20}", any::<u64>()).prop_map(|(value, count)| TopEntry { value, count });
    let list =
        (any::<u16>(), prop::collection::vec(entry, 0..4)).prop_map(|(code, entries)| TopList {
            subject: TopSubject::from_code(code),
            entries,
        });
    (
        any::<[u64; 19]>(),
        queue(),
        prop::collection::vec(counter, 0..4),
        prop::collection::vec(list, 0..4),
    )
        .prop_map(|(values, queue, counters, top_lists)| Summary {
            start_milliseconds: values[0],
            end_milliseconds: values[1],
            packets: values[2],
            bytes: values[3],
            decoded_packets: values[4],
            kernel_drops: values[5],
            interface_drops: values[6],
            flows: values[7],
            bytes_not_inspected: values[17],
            rules_loaded: values[8],
            rules_unsupported: values[9],
            rules_suppressed: values[10],
            alerts: values[11],
            findings_by_severity: [values[12], values[13], values[14], values[15]],
            findings_suppressed: values[16],
            queue,
            counters,
            top_lists,
        })
}

fn heartbeat() -> impl Strategy<Value = Heartbeat> {
    (
        0u8..6,
        any::<[u64; 3]>(),
        "\\PC{0,30}",
        "\\PC{0,30}",
        any::<Option<[u8; 32]>>(),
        any::<Option<[u8; 32]>>(),
        queue(),
        account(),
    )
        .prop_map(
            |(state, numbers, software_version, pack_version, pack, policy, queue, account)| {
                Heartbeat {
                    state: SensorState::from_code(state),
                    uptime_seconds: numbers[0],
                    software_version,
                    pack_version,
                    pack: pack.map(PackDigest),
                    policy: policy.map(PolicyDigest),
                    packets: numbers[1],
                    dropped_packets: numbers[2],
                    queue,
                    account,
                }
            },
        )
}

fn account() -> impl Strategy<Value = Account> {
    let lane = any::<([u32; 3], bool)>().prop_map(|([settled, sealed, queued], held)| {
        let next_to_seal = u64::from(settled) + u64::from(sealed);
        LaneAccount {
            settled: u64::from(settled),
            next_to_seal,
            next: next_to_seal + u64::from(queued),
            is_held: held,
        }
    });
    (prop::collection::vec(lane, 5), any::<[u64; 2]>()).prop_map(|(lanes, [suppressed, facts])| {
        Account {
            lanes: lanes.try_into().unwrap(),
            suppressed_findings: suppressed,
            facts_held_back: facts,
        }
    })
}

fn eviction() -> impl Strategy<Value = Eviction> {
    (
        lane(),
        any::<u64>(),
        any::<u32>(),
        any::<u64>(),
        any::<[u64; 4]>(),
        any::<u8>(),
        any::<Option<(u32, [u8; 32])>>(),
    )
        .prop_map(
            |(lane, first, span, count, findings_by_severity, reason, withdrawn)| Eviction {
                lane,
                first: RecordNumber(first.min(u64::MAX - u64::from(span))),
                last: RecordNumber(first.min(u64::MAX - u64::from(span)) + u64::from(span)),
                count,
                findings_by_severity,
                reason: EvictionReason::from_code(reason),
                withdrawn: withdrawn.map(|(number, digest)| WithdrawnBatch {
                    number: BatchNumber(number.into()),
                    digest: BatchDigest(digest),
                }),
            },
        )
}
