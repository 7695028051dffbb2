//! The table of findings as an engine of others reads it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use lapwing_cirt::query::{FindingQuery, Scope};
use lapwing_cirt::store::{Store, UnitsAre};

use crate::exchange::support::python;
use crate::support::{Sample, TestCentre};

/// What is compared of a day: findings, alerts, oldest and newest last packet.
type Day = (u64, u64, i64, i64);

#[test]
fn duckdb_reads_the_same_findings() {
    let Some(python) = python("python-lake") else {
        return;
    };
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    // Several units, a compaction between them, so that the log has files that came and went.
    for batch in 0..8u64 {
        let records: Vec<_> = (batch * 50..batch * 50 + 50)
            .map(|number| {
                let time = format!("2026-05-{:02}T{:02}:10:00Z", 1 + number % 4, number % 24);
                let sample = Sample {
                    time: Box::leak(time.into_boxed_str()),
                    sid: u32::try_from(1 + number % 7).unwrap(),
                    ..Sample::numbered(number)
                };
                sample.record()
            })
            .collect();
        centre.take(&store, &device, batch, &records);
        store.commit_units(UnitsAre::Whatever).unwrap();
        if batch == 5 {
            assert_eq!(store.care_for_the_table().unwrap().days, 5);
        }
    }
    let mut expected = BTreeMap::<String, Day>::new();
    let page = store
        .findings(&FindingQuery::all(Scope::Nation), None, 1_000)
        .unwrap();
    assert_eq!(page.findings.len(), 400);
    for finding in page.findings {
        let last = finding.last.as_millisecond();
        let day = expected
            .entry(finding.last.strftime("%Y-%m-%d").to_string())
            .or_insert((0, 0, last, last));
        *day = (
            day.0 + 1,
            day.1 + finding.hits,
            day.2.min(last),
            day.3.max(last),
        );
    }

    let told = told_of_table(&python, "second_engine.py", &store);
    let found: BTreeMap<String, Day> = told
        .lines()
        .map(|line| {
            let (day, findings, keys, hits, rules, oldest, newest): (
                String,
                u64,
                u64,
                u64,
                u64,
                i64,
                i64,
            ) = serde_json::from_str(line).unwrap();
            assert_eq!((keys, rules), (findings, 7), "{line}");
            (day, (findings, hits, oldest, newest))
        })
        .collect();
    assert_eq!(found, expected);
}

/// What a script of `tests/tools/lake` says of the table of findings: a line a day.
pub(crate) fn told_of_table(python: &Path, script: &str, store: &Store) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tools/lake");
    let output = Command::new(python)
        .arg(Path::new(folder).join(script))
        .arg(store.table_location().unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout).unwrap()
}
