//! A nation's worth of findings: generated, acknowledged, loaded, asked.
//!
//! In every run a small one, whose sums must be right. `make centre-load` makes it as large as a country
//! (`LAPWING_LOAD_FINDINGS`, `LAPWING_LOAD_SENSORS`) and prints what `docs/benchmarks.md` holds. Synthetic: addresses,
//! hosts and rules are drawn with a long tail, as in real networks, but nobody's traffic is in it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use lapwing_cirt::query::{FindingQuery, Scope};
use lapwing_cirt::store::{RuleText, TenantKind};
use lapwing_wire::{
    Action, Direction, DisclosedAddress, Endpoint, FactKind, Facts, Finding, Lane, Record,
    RecordBody, RuleId, SealedEnvelope, Severity, Traffic,
};

use crate::browser::Browser;
use crate::support::{Device, TestCentre, accept, header};

/// Records of a batch, as sensors send them when much happens.
const BATCH: u64 = 1_000;
const DAYS: i64 = 30;
const RULES: u64 = 400;
const TENANTS: usize = 40;
/// Sensors that hand in at the same time.
const SENDERS: usize = 50;

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `end`, small ones much more often: the square of a uniform number, twice.
    fn tailed(&mut self, end: u64) -> u64 {
        let uniform = self.next() % 1_000_000;
        let squared = uniform * uniform / 1_000_000;
        squared * squared / 1_000_000 * end / 1_000_000
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn rules() -> Vec<RuleText> {
    let classes = [
        "trojan-activity",
        "attempted-recon",
        "web-application-attack",
        "misc-activity",
        "policy-violation",
    ];
    (0..RULES)
        .map(|number| RuleText {
            gid: 1,
            sid: 2_000_000 + u32::try_from(number).unwrap(),
            rev: 1,
            message: format!("LOAD rule {number}"),
            class_type: Some(classes[usize::try_from(number % 5).unwrap()].to_owned()),
            category: Some(format!("Category {}", number % 5)),
            severity: Some(1),
            references: vec!["https://example.org/rule".to_owned()],
            body: "alert http any any -> any any (msg:\"LOAD\"; content:\"x\"; sid:1;)".to_owned(),
        })
        .collect()
}

fn finding(numbers: &mut Numbers, time: u64, number: u64) -> Record {
    let rule = numbers.tailed(RULES);
    let is_outbound = numbers.next() % 10 < 6;
    let far = {
        let pool = if is_outbound { 20_000 } else { 500_000 };
        let bits = 0xCB00_0000 + u32::try_from(numbers.tailed(pool)).unwrap();
        DisclosedAddress::Clear(IpAddr::from(Ipv4Addr::from_bits(bits)))
    };
    let (source, destination) = if is_outbound {
        (DisclosedAddress::Withheld, far)
    } else {
        (far, DisclosedAddress::Withheld)
    };
    let mut facts = Facts::default();
    if is_outbound {
        let host = format!("host{}.bad.example", numbers.tailed(5_000));
        assert!(facts.push(FactKind::TlsSni, host.as_bytes()));
    }
    let port = u16::try_from(numbers.next() % 60_000).unwrap();
    let finding = Finding {
        first_milliseconds: time.saturating_sub(30_000),
        last_milliseconds: time,
        count: 1 + numbers.tailed(20),
        rule: RuleId {
            gid: 1,
            sid: 2_000_000 + u32::try_from(rule).unwrap(),
            rev: 1,
        },
        severity: Severity::from_priority(1 + u32::try_from(rule % 10 / 4).unwrap()),
        action: Action::Alert,
        source: Endpoint {
            address: source,
            port: Some(port),
        },
        destination: Endpoint {
            address: destination,
            port: Some(443),
        },
        protocol: 6,
        app_protocol: Some("tls".to_owned()),
        direction: Direction::ToServer,
        traffic: Traffic {
            packets_to_server: 12,
            bytes_to_server: 900 + numbers.tailed(5_000),
            packets_to_client: 10,
            bytes_to_client: 4_000,
        },
        flow_start_milliseconds: Some(time.saturating_sub(31_000)),
        facts,
    };
    Record::new(
        header(Lane::Normal, number, time),
        RecordBody::Finding(finding),
    )
    .unwrap()
}

/// Most memory this process ever had, MiB.
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .and_then(|kib| kib.parse().ok())
        .unwrap_or_default();
    kib / 1024
}

/// The best of three.
fn took(mut work: impl FnMut()) -> Duration {
    (0..3)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .min()
        .unwrap()
}

#[test]
#[allow(clippy::print_stdout, reason = "figures are what it is run for")]
fn a_nation_of_sensors_is_loaded_and_asked() {
    let total = setting("LAPWING_LOAD_FINDINGS", 20_000);
    let sensors = setting("LAPWING_LOAD_SENSORS", 10);
    let is_large = total > 100_000;
    let say = |line: String| {
        if is_large {
            println!("{line}");
        }
    };
    let centre = TestCentre::new();
    let store = centre.store();
    store.import_rules("test", &rules()).unwrap();
    for tenant in 0..TENANTS {
        let name = format!("isp-{tenant}");
        store
            .add_tenant("test", &name.parse().unwrap(), TenantKind::Provider, &name)
            .unwrap();
    }
    let devices: Vec<Device> = (0..sensors)
        .map(|sensor| {
            let name = format!("sensor-{sensor}");
            let device = centre.enrolled_device(&name);
            let tenant = format!("isp-{}", usize::try_from(sensor).unwrap() % TENANTS);
            store.place_sensor("test", &name, Some(&tenant)).unwrap();
            device
        })
        .collect();

    let rounds = total / BATCH / sensors;
    let start = Timestamp::now() - SignedDuration::from_hours(24 * DAYS);
    let start = u64::try_from(start.as_millisecond()).unwrap();
    let round_milliseconds = u64::try_from(DAYS).unwrap() * 86_400_000 / rounds.max(1);
    let loader = centre.loader();
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let (mut accepting, mut loading, mut caring, mut batches, mut bytes) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0u64, 0usize);
    for round in 0..rounds {
        let mut sealed = Vec::new();
        for device in &devices {
            let records: Vec<Record> = (0..BATCH)
                .map(|number| {
                    let time =
                        start + round * round_milliseconds + number * round_milliseconds / BATCH;
                    finding(&mut numbers, time, round * BATCH + number)
                })
                .collect();
            sealed.push(device.seal(centre.sealing_key(), round, &records));
        }
        bytes += sealed
            .iter()
            .map(|envelope| envelope.bytes.len())
            .sum::<usize>();
        batches += sealed.len() as u64;
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let mut parts: Vec<Vec<(&Device, SealedEnvelope)>> =
                (0..SENDERS).map(|_| Vec::new()).collect();
            for (number, pair) in devices.iter().zip(sealed).enumerate() {
                parts[number % SENDERS].push(pair);
            }
            for part in parts {
                let store = &store;
                scope.spawn(move || {
                    for (device, envelope) in part {
                        accept(store, device, envelope);
                    }
                });
            }
        });
        accepting += begun.elapsed();
        let begun = Instant::now();
        loader.run(&store).unwrap();
        loading += begun.elapsed();
        // As the centre does beside its loader.
        let begun = Instant::now();
        store.care_for_the_table().unwrap();
        caring += begun.elapsed();
    }
    let stored = rounds * BATCH * sensors;
    let query = FindingQuery::all(Scope::Nation);
    assert_eq!(store.count_findings(&query).unwrap(), stored);
    assert_eq!(store.activity(&query).unwrap().findings, stored);
    let books = store.sensor_totals(Scope::Nation).unwrap();
    assert!(
        books
            .iter()
            .all(|books| books.missing == 0 && books.doubled == 0)
    );
    assert_eq!(books.iter().map(|books| books.stored).sum::<u64>(), stored);

    let file = std::fs::metadata(centre.folder.database()).map_or(0, |file| file.len());
    let per_second = |count: u64, time: Duration| count as f64 / time.as_secs_f64().max(1e-9);
    say(format!(
        "findings stored            {stored} of {sensors} sensors, {TENANTS} providers, {DAYS} days"
    ));
    say(format!(
        "batches acknowledged       {:.0} a second, {} bytes each, synced, {SENDERS} at a time",
        per_second(batches, accepting),
        bytes as u64 / batches.max(1)
    ));
    say(format!(
        "findings loaded            {:.0} a second",
        per_second(stored, loading)
    ));
    say(format!(
        "tables put in order        {:.1} s in all",
        caring.as_secs_f64()
    ));
    let tables = store.table_sizes().unwrap();
    let of_tables: u64 = tables.iter().map(|size| size.bytes).sum();
    let a_finding = |bytes: f64| bytes / stored as f64;
    let of_database = file as f64 - bytes as f64;
    say(format!(
        "on disk                    {:.1} bytes a finding: {:.1} in the database, {:.1} in {} files of tables; {:.0} in the inbox",
        a_finding(of_database + of_tables as f64),
        a_finding(of_database),
        a_finding(of_tables as f64),
        tables.iter().map(|size| size.files).sum::<u64>(),
        a_finding(bytes as f64)
    ));
    say(format!(
        "fresh, in no file yet      {} findings",
        store.fresh_findings().unwrap()
    ));

    let popular: IpAddr = Ipv4Addr::from_bits(0xCB00_0000).into();
    let rare: IpAddr = Ipv4Addr::from_bits(0xCB00_0000 + 19_000).into();
    for (what, address) in [
        ("who saw a popular address", popular),
        ("who saw a rare address", rare),
    ] {
        let time = took(|| drop(store.who_saw_address(Scope::Nation, address).unwrap()));
        say(format!("{what:<26} {} ms", time.as_millis()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut browser = runtime.block_on(Browser::signed_in(&centre));
    let newest = store.findings(&query, None, 1).unwrap().findings.remove(0);
    for (what, path) in [
        ("overview, 7 days", "/summary".to_owned()),
        ("overview, 30 days", format!("/summary?since={DAYS}d")),
        ("inbox", "/inbox".to_owned()),
        ("group", "/groups/1".to_owned()),
        ("findings, newest", "/findings".to_owned()),
        (
            "findings of a rare rule",
            "/findings?rule=2000399".to_owned(),
        ),
        (
            "findings of a host",
            "/findings?host=host4000.bad.example".to_owned(),
        ),
        (
            "findings of an address",
            format!("/findings?address={rare}"),
        ),
        (
            "a finding, who else saw it",
            format!("/findings/{}", newest.id),
        ),
        ("sensors", "/sensors".to_owned()),
        ("weekly report", "/reports".to_owned()),
    ] {
        let mut size = 0;
        let time = took(|| {
            let page = runtime.block_on(browser.get(&path));
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            size = page.body.len();
        });
        say(format!(
            "page: {what:<26} {:>6} ms, {size} bytes before compression",
            time.as_millis()
        ));
        assert!(time < Duration::from_secs(10), "{path}");
    }
    say(format!(
        "peak memory                {} MiB, the generator's own included",
        peak_memory_mib()
    ));
}
