//! What the table costs: written, compacted, asked. In every run a small one whose sums must be right;
//! `LAPWING_LAKE_FINDINGS` makes it as large as a country and prints what `docs/benchmarks.md` holds.

use std::time::{Duration, Instant};

use lapwing_lake::{
    Condition, End, Finding, Fresh, FreshRows, Lake, Place, Question, Scope, SightingKind, Sought,
    TimeRange,
};

use crate::sample::{START_MS, days, everything, finding};

const DAY_MS: i64 = 86_400_000;
const DAYS: i64 = 30;
/// Findings of a load unit.
const UNIT: i64 = 100_000;
/// Findings of a batch of one sensor.
const BATCH: i64 = 1_000;
const DEADLINE: Duration = Duration::from_secs(60);

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % end.unsigned_abs()).unwrap()
    }

    /// Small ones much more often.
    fn tailed(&mut self, end: i64) -> i64 {
        let uniform = self.below(1_000_000);
        let squared = uniform * uniform / 1_000_000;
        squared * squared / 1_000_000 * end / 1_000_000
    }
}

fn made(numbers: &mut Numbers, key: i64, sensor: i64, last_ms: i64) -> Finding {
    let number = |value: i64| u32::try_from(value).unwrap();
    let is_outbound = numbers.below(10) < 6;
    let address = number(0x4b00_0000 + numbers.tailed(if is_outbound { 20_000 } else { 500_000 }));
    let mut bytes = [0; 16];
    bytes[10..].copy_from_slice(&[0xff, 0xff, 0, 0, 0, 0]);
    bytes[12..].copy_from_slice(&address.to_be_bytes());
    let port = u16::try_from(numbers.below(60_000)).unwrap();
    let withheld = |port| End {
        address: None,
        disclosure: 2,
        key_epoch: None,
        port: Some(port),
    };
    let clear = |port| End {
        address: Some(bytes),
        disclosure: 0,
        key_epoch: None,
        port: Some(port),
    };
    let (source, destination) = if is_outbound {
        (withheld(port), clear(443))
    } else {
        (clear(port), withheld(443))
    };
    let facts = if is_outbound {
        format!(
            r#"[["tls.sni","host{}.bad.example"]]"#,
            numbers.tailed(5_000)
        )
    } else {
        "[]".to_owned()
    };
    Finding {
        batch: key / BATCH,
        inbox_key: key / BATCH,
        received_ms: last_ms - last_ms % 60_000 + 60_000,
        first_ms: last_ms - 30_000,
        last_ms,
        hits: 1 + numbers.tailed(20),
        source,
        destination,
        app_protocol: Some("tls".to_owned()),
        bytes_to_server: 900 + numbers.tailed(5_000),
        flow_start_ms: Some(last_ms - 31_000),
        facts,
        policy: Some([9; 32]),
        made_ms: last_ms,
        made_monotonic_ms: last_ms - START_MS,
        rev: 1,
        ..finding(key, sensor, 0, 2_000_000 + number(numbers.tailed(400)))
    }
}

/// Most memory this process ever had, MiB.
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The best of three.
fn took<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut best = None;
    for _ in 0..3 {
        let begun = Instant::now();
        let done = work();
        let took = begun.elapsed();
        if best.as_ref().is_none_or(|(least, _)| took < *least) {
            best = Some((took, done));
        }
    }
    best.unwrap()
}

#[test]
#[allow(clippy::print_stdout, reason = "figures are what it is run for")]
fn a_nation_in_one_table() {
    let wanted = std::env::var("LAPWING_LAKE_FINDINGS").ok();
    let total: i64 = wanted.and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let (unit_rows, is_large) = (UNIT.min(total / 4), total > 100_000);
    let say = |line: String| {
        if is_large {
            println!("{line}");
        }
    };
    let temporary = tempfile::tempdir().unwrap();
    let lake = Lake::open(Place::folder(temporary.path()).unwrap()).unwrap();
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let (mut applying, mut compacting, mut rare) = (Duration::ZERO, Duration::ZERO, 0);
    let mut newest = finding(1, 1, 0, 1);
    let units = total / unit_rows;
    for unit in 1..=units {
        let mut parts = Vec::new();
        for batch in 0..(unit_rows / BATCH).max(1) {
            let sensor = 1 + batch % 200;
            let rows: Vec<Finding> = (0..BATCH.min(unit_rows))
                .map(|number| {
                    let key = 1 + (unit - 1) * unit_rows + batch * BATCH + number;
                    let last_ms = START_MS + key * (DAYS * DAY_MS) / total;
                    made(&mut numbers, key, sensor, last_ms)
                })
                .collect();
            rare += rows.iter().filter(|row| row.sid == 2_000_390).count() as u64;
            newest = rows.last().unwrap().clone();
            parts.push(FreshRows::of(&rows).unwrap());
        }
        let begun = Instant::now();
        lake.apply(unit, &parts).unwrap();
        applying += begun.elapsed();
        if unit % 12 == 0 {
            let begun = Instant::now();
            lake.compact().unwrap();
            compacting += begun.elapsed();
        }
    }
    let rows = u64::try_from(units * unit_rows).unwrap();
    let [before, _] = lake.sizes().unwrap();
    let begun = Instant::now();
    lake.compact().unwrap();
    compacting += begun.elapsed();
    let [size, seen] = lake.sizes().unwrap();
    assert_eq!((before.rows, size.rows), (rows, rows));
    let log: u64 = std::fs::read_dir(temporary.path().join("finding/_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    say(format!(
        "findings                   {rows} in {units} units, {DAYS} days"
    ));
    say(format!(
        "written                    {:.0} a second, and {:.1} s of compaction",
        rows as f64 / applying.as_secs_f64(),
        compacting.as_secs_f64()
    ));
    say(format!(
        "bytes a finding            {:.1} in {} files, {:.1} before the last compaction; log {log} bytes after {} versions",
        size.bytes as f64 / rows as f64,
        size.files,
        before.bytes as f64 / rows as f64,
        size.version
    ));

    say(format!(
        "sightings                  {} rows, {:.1} bytes a finding in {} files",
        seen.rows,
        seen.bytes as f64 / rows as f64,
        seen.files
    ));

    let week = TimeRange {
        from_ms: newest.last_ms - 7 * DAY_MS,
        until_ms: i64::MAX,
    };
    let ask = |time, conditions| Question {
        time,
        conditions,
        ..everything()
    };
    let all = || Fresh::default();
    let mut days = days(std::slice::from_ref(&newest));
    let last_day = days[0];
    days.extend((1..=DAYS).map(|ago| last_day - ago));
    let (time, found) = took(|| lake.count(all(), &everything()).unwrap());
    assert_eq!(found, rows);
    say(format!(
        "count of all               {} ms",
        time.as_millis()
    ));
    let question = ask(TimeRange::ALL, vec![Condition::Signature(2_000_390)]);
    let (time, found) = took(|| lake.count(all(), &question).unwrap());
    assert_eq!(found, rare);
    say(format!(
        "count of a rare rule       {} ms",
        time.as_millis()
    ));
    let (time, found) = took(|| lake.newest(all(), &everything(), &days, None, 51).unwrap());
    assert_eq!(found[0], newest);
    say(format!(
        "newest 51                  {} ms",
        time.as_millis()
    ));
    let question = ask(TimeRange::ALL, vec![Condition::Signature(2_000_390)]);
    let (time, _) = took(|| lake.newest(all(), &question, &days, None, 51).unwrap());
    say(format!(
        "newest 51 of a rare rule   {} ms",
        time.as_millis()
    ));
    let day = newest.last_ms.div_euclid(DAY_MS);
    let (time, found) = took(|| {
        let day = TimeRange::days(day, day);
        lake.one(all(), &Scope::Nation, day, newest.key).unwrap()
    });
    assert_eq!(found.as_ref(), Some(&newest));
    say(format!(
        "one by its key             {} ms",
        time.as_millis()
    ));
    let question = ask(week, Vec::new());
    let (time, tallies) = took(|| lake.tallies(all(), &question, DAY_MS).unwrap());
    say(format!(
        "sums of 7 days             {} ms, {} rows",
        time.as_millis(),
        tallies.len()
    ));
    let address = newest
        .source
        .address
        .or(newest.destination.address)
        .unwrap();
    let sought = Sought::Address(SightingKind::Address, address);
    let (time, seen) = took(|| {
        lake.who_saw(all(), &Scope::Nation, &sought, DEADLINE)
            .unwrap()
    });
    assert!(!seen.is_empty());
    say(format!(
        "who saw an address         {} ms, {} sensors",
        time.as_millis(),
        seen.len()
    ));
    let sought = Sought::HostAndBelow("host3.bad.example".to_owned());
    let (time, cells) = took(|| {
        lake.cells(
            all(),
            &Scope::Nation,
            TimeRange::ALL,
            &sought,
            200_000,
            DEADLINE,
        )
        .unwrap()
    });
    say(format!(
        "where a host was seen      {} ms, {} cells",
        time.as_millis(),
        cells.len()
    ));
    let (time, page) = took(|| {
        lake.in_order(all(), i64::try_from(rows).unwrap() / 2, 500)
            .unwrap()
    });
    assert_eq!(page.len(), 500);
    say(format!(
        "500 in order               {} ms",
        time.as_millis()
    ));
    say(format!(
        "peak memory                {} MiB",
        peak_memory_mib()
    ));
}
