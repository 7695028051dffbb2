//! Findings made for tests.

use std::path::Path;
use std::time::Duration;

use lapwing_lake::{End, Finding, Lake, Place, Question, Scope, TimeRange};

/// 2026-05-01T00:00:00Z, milliseconds since 1970.
pub(crate) const START_MS: i64 = 1_777_593_600_000;
const HOUR_MS: i64 = 3_600_000;

/// Opens the table in a folder.
pub(crate) fn open(folder: &Path) -> Lake {
    Lake::open(Place::folder(folder).unwrap()).unwrap()
}

/// A finding whose every column follows from a few numbers.
pub(crate) fn finding(key: i64, sensor: i64, hours: i64, sid: u32) -> Finding {
    let last_ms = START_MS + hours * HOUR_MS + key % 1_000;
    let address = |last: u8| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, last];
    let number = u8::try_from(key % 200).unwrap();
    Finding {
        key,
        sensor_key: sensor,
        sensor: [u8::try_from(sensor % 256).unwrap(); 16],
        epoch: -5,
        lane: 1,
        number: key,
        batch: key / 10,
        inbox_key: key / 10,
        received_ms: START_MS + 24 * HOUR_MS,
        first_ms: last_ms - 1_500,
        last_ms,
        hits: 1 + key % 7,
        gid: 1,
        sid,
        rev: 1 + sid % 2,
        severity: u8::try_from(1 + sid % 5).unwrap(),
        action: 0,
        source: End {
            address: (key % 3 != 0).then(|| address(number)),
            disclosure: if key % 3 == 0 { 2 } else { 0 },
            key_epoch: None,
            port: Some(u16::try_from(key % 60_000).unwrap()),
        },
        destination: End {
            address: Some(address(number / 2)),
            disclosure: 1,
            key_epoch: Some(7),
            port: None,
        },
        protocol: 6,
        app_protocol: (key % 2 == 0).then(|| "tls".to_owned()),
        direction: 1,
        packets_to_server: 12,
        bytes_to_server: 900 + key,
        packets_to_client: 10,
        bytes_to_client: 4_000,
        flow_start_ms: (key % 4 != 0).then_some(last_ms - 2_000),
        facts: format!(r#"[["tls.sni","h{}.Bad.example"]]"#, key % 5),
        policy: (key % 2 == 1).then_some([9; 32]),
        made_ms: last_ms + 3,
        made_monotonic_ms: key * 11,
        boot: [3; 16],
        clock_quality: 2,
    }
}

/// Everything, of all time.
pub(crate) fn everything() -> Question {
    Question {
        scope: Scope::Nation,
        time: TimeRange::ALL,
        conditions: Vec::new(),
        deadline: Duration::from_secs(60),
    }
}

/// The days of findings, newest first.
pub(crate) fn days(findings: &[Finding]) -> Vec<i64> {
    let mut days: Vec<i64> = findings
        .iter()
        .map(|finding| finding.last_ms.div_euclid(24 * HOUR_MS))
        .collect();
    days.sort_unstable_by(|a, b| b.cmp(a));
    days.dedup();
    days
}
