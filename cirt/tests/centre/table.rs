//! The table of findings beside the database: what moves there is never missed and never doubled, whoever is killed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lapwing_cirt::enrolment::load_sealing_key;
use lapwing_cirt::loader::Loader;
use lapwing_cirt::query::{FindingFilter, FindingQuery, Scope};
use lapwing_cirt::settings::{DataFolder, Settings};
use lapwing_cirt::store::{Location, Store, UnitsAre};
use lapwing_lake::Place;
use lapwing_wire::{Record, SealingPrivateKey};

use crate::support::{Sample, TestCentre, accept};

fn records(numbers: std::ops::Range<u64>) -> Vec<Record> {
    numbers
        .map(|number| Sample::numbered(number).record())
        .collect()
}

/// The numbers of all findings, in the order of loading; each must be there once.
pub(crate) fn numbers(store: &Store) -> Vec<u64> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = store.findings_in_order(after, 200).unwrap();
        let Some((last, _)) = page.last() else {
            return found;
        };
        after = *last;
        let of_page = page.iter();
        found.extend(
            of_page.map(|(_, row)| row.id.rsplit('-').next().unwrap().parse::<u64>().unwrap()),
        );
    }
}

#[test]
fn findings_are_seen_while_fresh_and_after_they_moved() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let query = FindingQuery::all(Scope::Nation);
    centre.take(&store, &device, 0, &records(0..30));
    assert_eq!(store.fresh_findings().unwrap(), 30);
    let before = store.findings(&query, None, 100).unwrap().findings;
    let one = store
        .finding(Scope::Nation, &before[3].id)
        .unwrap()
        .unwrap();
    assert_eq!(one.id, before[3].id);

    let moved = store.commit_units(UnitsAre::Whatever).unwrap();
    assert_eq!((moved.units, moved.findings), (1, 30));
    assert_eq!(store.fresh_findings().unwrap(), 0);
    centre.take(&store, &device, 1, &records(30..40));
    let after = store.findings(&query, None, 100).unwrap().findings;
    assert_eq!(after.len(), 40);
    let names = |rows: &[lapwing_cirt::store::FindingRow]| -> BTreeSet<String> {
        rows.iter().map(|row| format!("{row:?}")).collect()
    };
    assert!(
        names(&after).is_superset(&names(&before)),
        "a row changed on its way"
    );
    assert_eq!(numbers(&store), (0..40).collect::<Vec<u64>>());
    // Another process sees the same.
    assert_eq!(numbers(&centre.store()), (0..40).collect::<Vec<u64>>());
}

#[test]
fn a_rebuild_makes_the_table_anew() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    centre.take(&store, &device, 0, &records(0..10));
    store.commit_units(UnitsAre::Whatever).unwrap();
    centre.take(&store, &device, 1, &records(10..15));
    let before = store.table_location().unwrap();
    store.reset_derived("test").unwrap();
    assert!(numbers(&store).is_empty());
    assert!(!Path::new(&before).exists());
    centre.loader().run(&store).unwrap();
    store.commit_units(UnitsAre::Whatever).unwrap();
    assert_eq!(numbers(&store), (0..15).collect::<Vec<u64>>());
    assert_eq!(store.table_sizes().unwrap()[0].rows, 15);
}

/// Days that are over go by their files, and it is told; sums of them stay, and what came later as well.
#[test]
fn days_that_are_over_are_dropped() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let of_day = |day: u64, numbers: std::ops::Range<u64>| -> Vec<Record> {
        let time: &'static str = format!("2026-05-{day:02}T12:00:00Z").leak();
        let sample = |number| Sample {
            time,
            ..Sample::numbered(number)
        };
        numbers.map(|number| sample(number).record()).collect()
    };
    for day in 1..=5u64 {
        let numbers = day * 10..day * 10 + 4;
        centre.take(&store, &device, day, &of_day(day, numbers));
        store.commit_units(UnitsAre::Whatever).unwrap();
    }
    let now: Timestamp = "2026-05-11T08:00:00Z".parse().unwrap();
    let dropped = store.keep_days("test", 8, now).unwrap();
    assert_eq!((dropped.findings, dropped.files), (8, 2));
    assert_eq!(numbers(&store).len(), 12);
    assert_eq!(store.table_sizes().unwrap()[0].rows, 12);
    let all = FindingQuery::all(Scope::Nation);
    assert_eq!(store.activity(&all).unwrap().findings, 20, "sums stay");
    assert_eq!(store.keep_days("test", 8, now).unwrap().files, 0);
    let trail = store.audit_trail(20).unwrap();
    let told: Vec<&str> = trail
        .iter()
        .filter(|line| line.action == "findings.drop")
        .map(|line| line.subject.as_str())
        .collect();
    assert_eq!(told, ["before 2026-05-03: 8 findings, 2 files"]);
}

/// A database whose table was lost must not pass for one without findings.
#[test]
fn a_lost_table_is_told() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    centre.take(&store, &device, 0, &records(0..10));
    store.commit_units(UnitsAre::Whatever).unwrap();
    let location = store.table_location().unwrap();
    drop(store);
    std::fs::remove_dir_all(location).unwrap();
    let store = centre.store();
    let error = store
        .findings(&FindingQuery::all(Scope::Nation), None, 10)
        .unwrap_err();
    assert!(
        error.to_string().contains("lapwing-cirt rebuild"),
        "{error}"
    );
    store.reset_derived("test").unwrap();
    centre.loader().run(&store).unwrap();
    assert_eq!(numbers(&store).len(), 10);
}

/// An older database beside a newer table, as when somebody copies one file back: units would be taken for known.
#[test]
fn a_table_that_is_newer_than_the_database_is_told() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    centre.take(&store, &device, 0, &records(0..10));
    store.commit_units(UnitsAre::Whatever).unwrap();
    let copy = centre.temporary.path().join("copy.db");
    store.backup(&copy).unwrap();
    centre.take(&store, &device, 1, &records(10..20));
    store.commit_units(UnitsAre::Whatever).unwrap();
    drop(store);
    centre.restore(&copy);
    let store = centre.store();
    let error = store.findings_in_order(0, 10).unwrap_err();
    assert!(
        error.to_string().contains("lapwing-cirt rebuild"),
        "{error}"
    );
    store.reset_derived("test").unwrap();
    centre.loader().run(&store).unwrap();
    assert_eq!(numbers(&store), (0..10).collect::<Vec<u64>>());
}

#[test]
fn a_copy_taken_while_units_move_is_whole() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    centre.take(&store, &device, 0, &records(0..20));
    store.commit_units(UnitsAre::Whatever).unwrap();
    centre.take(&store, &device, 1, &records(20..30));
    let copies: Vec<PathBuf> = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for batch in 2..14u64 {
                centre.take(
                    &store,
                    &device,
                    batch,
                    &records(batch * 10 + 10..batch * 10 + 20),
                );
                store.commit_units(UnitsAre::Whatever).unwrap();
                store.care_for_the_table().unwrap();
            }
        });
        let mut copies = Vec::new();
        while !writer.is_finished() || copies.is_empty() {
            let copy = centre
                .temporary
                .path()
                .join(format!("copy{}.db", copies.len()));
            centre.store().backup(&copy).unwrap();
            copies.push(copy);
        }
        copies
    });
    for copy in copies {
        let copied = Store::open(&copy).unwrap();
        let stored = || copied.sensor_totals(Scope::Nation).unwrap()[0].findings;
        let before = stored();
        assert_eq!(numbers(&copied), (0..before).collect::<Vec<u64>>());
        // It goes on where it was copied: a batch that lay in the inbox, not loaded yet, is loaded, and each finding is there once.
        centre.loader().run(&copied).unwrap();
        copied.commit_units(UnitsAre::Whatever).unwrap();
        let after = stored();
        assert!(after == before || after == before + 10, "{before}, {after}");
        assert_eq!(numbers(&copied), (0..after).collect::<Vec<u64>>());
    }
    let target = centre.temporary.path().join("restored.db");
    let beside = Place::folder(&target.with_extension("lake")).unwrap();
    let copy = centre.temporary.path().join("last.db");
    centre.store().backup(&copy).unwrap();
    Store::restore(&copy, &Location::File(target.clone()), beside).unwrap();
    assert_eq!(
        numbers(&Store::open(&target).unwrap()),
        (0..150).collect::<Vec<u64>>()
    );
}

/// A database of schema version 13, with findings in it, as it was written then.
const VERSION_13: &str = include_str!("golden/store_version_13.sql");

#[test]
fn a_database_of_version_13_brings_its_findings_along() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("centre.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(VERSION_13).unwrap();
    // Something of a finding was published, and its group labelled.
    old.execute_batch(
        "INSERT INTO relabelled (finding)
         SELECT lower(hex(identity)) || '-' || printf('%016x', epoch) || '-critical-' || number
         FROM finding JOIN sensor ON sensor.key = sensor_key WHERE lane = 0 ORDER BY finding.key LIMIT 1;",
    )
    .unwrap();
    let mut statement = old
        .prepare("SELECT key, number, last_ms, hits, sid, facts FROM finding ORDER BY key")
        .unwrap();
    let expected: Vec<(i64, u64, i64, u64, u32, String)> = statement
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            ))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    drop(statement);
    drop(old);
    assert_eq!(expected.len(), 96);

    let store = Store::open(&path).unwrap();
    let key = VERSION_13.lines().find_map(|line| {
        line.strip_prefix("-- Its batches are sealed to this key, which is used nowhere else: ")
    });
    let key: [u8; 32] = hex::decode(key.unwrap()).unwrap().try_into().unwrap();
    let loader = Loader::new(SealingPrivateKey::from_bytes(key).unwrap());
    let totals = loader.run(&store).unwrap();
    assert_eq!((totals.batches, totals.unreadable), (14, 0));
    store.commit_units(UnitsAre::Whatever).unwrap();
    let found: Vec<(i64, u64, i64, u64, u32, String)> = store
        .findings_in_order(0, 1_000)
        .unwrap()
        .into_iter()
        .map(|(key, row)| {
            (
                key,
                row.id.rsplit('-').next().unwrap().parse().unwrap(),
                row.last.as_millisecond(),
                row.hits,
                row.rule.sid,
                serde_json::to_string(&row.facts).unwrap(),
            )
        })
        .collect();
    assert_eq!(found, expected);
    let raw = rusqlite::Connection::open(&path).unwrap();
    let published: i64 = raw
        .query_row("SELECT count(*) FROM published_finding", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(published, 1);
}

const CHILD: &str = "LAPWING_LOADER_OF";

/// The loader as a process of its own: it runs until it is killed. Does nothing unless another test started it.
#[test]
fn loader_process() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let folder = DataFolder::new(Path::new(&folder));
    let store = Store::of(&folder, &Settings::load(&folder).unwrap()).unwrap();
    let loader = Loader::new(load_sealing_key(&folder).unwrap());
    for round in 0u64.. {
        loader.run(&store).unwrap();
        store.commit_units(UnitsAre::Whatever).unwrap();
        if round % 5 == 4 {
            store.care_for_the_table().unwrap();
        }
    }
}

fn start_loader(centre: &TestCentre) -> Child {
    start_loader_as("table::loader_process", CHILD, centre)
}

/// Starts a test of this program as the loader of a centre, whose folder it finds in a variable.
pub(crate) fn start_loader_as(test: &str, variable: &str, centre: &TestCentre) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(variable, centre.folder.root())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Loaders killed at moments that follow from the number of the kill, two of them at a time in half of the rounds;
/// what was acknowledged is stored, and once.
#[test]
fn killed_loaders_lose_and_double_nothing() {
    const KILLS: u64 = 24;
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let mut acknowledged = 0u64;
    for kill in 0..KILLS {
        let mut loaders = vec![start_loader(&centre)];
        if kill % 2 == 1 {
            loaders.push(start_loader(&centre));
        }
        let end = Instant::now() + Duration::from_millis(60 + kill * 53 % 290);
        while Instant::now() < end {
            let envelope = device.seal(
                centre.sealing_key(),
                acknowledged,
                &records(acknowledged * 5..acknowledged * 5 + 5),
            );
            accept(&store, &device, envelope);
            acknowledged += 1;
        }
        for mut loader in loaders {
            loader.kill().unwrap();
            loader.wait().unwrap();
        }
        // Seen once at every moment, also in the middle of things.
        let seen = numbers(&store);
        let distinct: BTreeSet<u64> = seen.iter().copied().collect();
        assert_eq!(distinct.len(), seen.len(), "kill {kill}");
    }
    centre.loader().run(&store).unwrap();
    store.commit_units(UnitsAre::Whatever).unwrap();
    let mut found = numbers(&store);
    found.sort_unstable();
    assert_eq!(found, (0..acknowledged * 5).collect::<Vec<u64>>());
    assert_eq!(store.table_sizes().unwrap()[0].rows, acknowledged * 5);
    let books = store.sensor_totals(Scope::Nation).unwrap().remove(0);
    assert_eq!((books.missing, books.doubled), (0, 0));
    let query = FindingQuery::new(
        Scope::Nation,
        FindingFilter {
            until: Some(Timestamp::MAX),
            ..FindingFilter::default()
        },
    );
    assert_eq!(store.count_findings(&query).unwrap(), acknowledged * 5);
}
