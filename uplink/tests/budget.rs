//! A simulated month on five megabytes: never over it, and every critical finding of the month has arrived.
#![allow(clippy::unwrap_used)]

use lapwing_uplink::budget::simulate::{Link, Report, simulate};
use lapwing_uplink::budget::{BudgetSettings, CONNECT_BYTES};
use lapwing_wire::*;

const MONTH_BYTES: u64 = 5_000_000;
/// 2026-11-01T00:00:00Z
const BEGIN_SECONDS: u64 = 1_793_491_200;
const HOUR_SECONDS: u64 = 3_600;
const DAYS: u64 = 30;

/// A small generator whose numbers are the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn finding(random: &mut Random, seconds: u64, priority: u32, number: u64) -> Record {
    let milliseconds = seconds * 1000 + random.below(1000);
    let severity = Severity::from_priority(priority);
    let mut facts = Facts::default();
    let host = format!("h{}.example", random.below(5_000));
    facts.push(FactKind::HttpHost, host.as_bytes());
    let uri = format!("/{}/{}", random.below(100), random.below(1_000_000));
    facts.push(FactKind::HttpUri, uri.as_bytes());
    let mut end = |net: u8| Endpoint {
        address: DisclosedAddress::Clear(
            [net, 0, 2, u8::try_from(random.below(256)).unwrap()].into(),
        ),
        port: Some(u16::try_from(1024 + random.below(60_000)).unwrap()),
    };
    let (source, destination) = (end(192), end(198));
    Record {
        header: RecordHeader {
            lane: Lane::of_severity(severity),
            number: RecordNumber(number),
            time: stamp(milliseconds),
            policy: Some(PolicyDigest([0xd1; 32])),
        },
        body: RecordBody::Finding(Finding {
            first_milliseconds: milliseconds,
            last_milliseconds: milliseconds,
            count: 1 + random.below(9),
            rule: RuleId {
                gid: 1,
                sid: 2_000_000 + u32::try_from(random.below(800)).unwrap(),
                rev: 1,
            },
            severity,
            action: Action::Alert,
            source,
            destination,
            protocol: 6,
            app_protocol: Some("http".to_owned()),
            direction: Direction::ToServer,
            traffic: Traffic::default(),
            flow_start_milliseconds: Some(milliseconds),
            facts,
        }),
    }
}

fn stamp(milliseconds: u64) -> Stamp {
    Stamp {
        wall_milliseconds: milliseconds,
        monotonic_milliseconds: milliseconds,
        boot: BootId([2; 16]),
        quality: ClockQuality::Network,
    }
}

/// A month with a storm in it: usually some findings an hour, on the tenth day thousands.
fn month(a_usual_hour: u64, a_stormy_hour: u64) -> Vec<Record> {
    let mut random = Random(0x5eed_1a91_0000_0001);
    let mut records = Vec::new();
    let mut next = [0u64; 5];
    for hour in 0..DAYS * 24 {
        let begin = BEGIN_SECONDS + hour * HOUR_SECONDS;
        let is_storm = hour / 24 == 9;
        let count = if is_storm {
            a_stormy_hour
        } else {
            a_usual_hour
        };
        let mut number = |lane: Lane| {
            let next = &mut next[usize::from(lane.code())];
            *next += 1;
            *next - 1
        };
        records.push(Record {
            header: RecordHeader {
                lane: Lane::Status,
                number: RecordNumber(number(Lane::Status)),
                time: stamp(begin * 1000),
                policy: None,
            },
            body: RecordBody::Heartbeat(Heartbeat {
                uptime_seconds: hour * HOUR_SECONDS,
                software_version: "0.1.0".to_owned(),
                packets: random.below(1_000_000),
                ..Heartbeat::default()
            }),
        });
        for _ in 0..count {
            let seconds = begin + random.below(HOUR_SECONDS);
            let priority = if random.below(100) < 30 { 2 } else { 3 };
            let lane = Lane::of_severity(Severity::from_priority(priority));
            let number = number(lane);
            records.push(finding(&mut random, seconds, priority, number));
        }
        // Three critical findings a day, twenty an hour in the storm.
        for _ in 0..if is_storm {
            20
        } else {
            u64::from(hour % 8 == 0)
        } {
            let seconds = begin + random.below(HOUR_SECONDS);
            let number = number(Lane::Critical);
            records.push(finding(&mut random, seconds, 1, number));
        }
    }
    records
}

fn run(records: Vec<Record>) -> Report {
    let link = Link {
        budget: BudgetSettings {
            month_bytes: Some(MONTH_BYTES),
            ..BudgetSettings::unlimited()
        },
        contact_interval_seconds: Some(8 * HOUR_SECONDS),
        compression: CompressionLevel::DEFAULT,
        connect_bytes: CONNECT_BYTES,
    };
    let report = simulate(records, &link).unwrap();
    #[allow(clippy::print_stderr)]
    {
        eprintln!("{report:#?}");
    }
    report
}

#[test]
fn a_stormy_month_stays_within_its_budget_and_no_critical_finding_is_missing() {
    let report = run(month(60, 6_000));
    assert!(report.dearest_month_bytes <= MONTH_BYTES);
    let critical = report.findings[0];
    assert_eq!(critical.not_seen(), 0, "{critical:?}");
    assert_eq!(critical.bare, 0, "critical findings keep their facts");
    assert!(critical.longest_wait_seconds <= 3_720, "{critical:?}");
    assert_eq!(report.status[0], report.status[1], "heartbeats always fit");
    // The budget is used and not only kept.
    assert!(report.bytes > MONTH_BYTES / 3, "{}", report.bytes);
    let normal = report.findings[1];
    assert!(normal.whole + normal.bare > normal.made / 2, "{normal:?}");
}

#[test]
fn a_quiet_month_is_seen_whole() {
    let report = run(month(2, 2));
    assert!(report.dearest_month_bytes <= MONTH_BYTES);
    for seen in report.findings {
        assert_eq!(seen.whole, seen.made, "{seen:?}");
    }
}

/// Everything at once: what does not fit is not sent, and what was said to fit does.
#[test]
fn a_month_of_nothing_but_storm_is_never_over() {
    let report = run(month(1_500, 1_500));
    assert!(report.dearest_month_bytes <= MONTH_BYTES);
    assert_eq!(report.findings[0].not_seen(), 0);
    assert!(report.findings[2].not_seen() > 0);
    assert_eq!(report.status[0], report.status[1]);
}
