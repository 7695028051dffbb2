//! Findings in a store of objects: a real S3 server, loaders and the server killed in the middle, and a second engine that reads the
//! same tables there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use lapwing_cirt::enrolment::load_sealing_key;
use lapwing_cirt::loader::Loader;
use lapwing_cirt::query::{FindingQuery, Scope};
use lapwing_cirt::settings::{DataFolder, Settings};
use lapwing_cirt::store::{Store, UnitsAre};
use lapwing_wire::Record;

use crate::exchange::support::python;
use crate::s3_server::{S3Address, S3Server};
use crate::second_engine::told_of_table;
use crate::support::{Sample, TestCentre, accept};
use crate::table::{numbers, start_loader_as};

/// Where the findings lie.
const PLACE: &str = "s3://cirt/national";
/// Set for the process that plays the whole of it: it has the server in its environment, as a centre has.
const PYTHON: &str = "LAPWING_S3_PYTHON";
const PORTS: &str = "LAPWING_S3_PORTS";
/// Set for a loader: the data folder it works for.
const LOADER: &str = "LAPWING_S3_LOADER_OF";
/// Rounds, each of which ends with a kill.
const ROUNDS: u64 = 6;
/// How long a server that was started again may take to find all its objects.
const WELL_WITHIN: Duration = Duration::from_secs(90);

#[test]
fn findings_in_a_store_of_objects_outlive_its_server() {
    let Some(python) = python("python-s3") else {
        return;
    };
    let address = S3Address::new();
    let played = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "object_store::played_with_the_server",
            "--nocapture",
        ])
        .env(PYTHON, python)
        .env(PORTS, address.ports_text())
        .envs(address.environment())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{told}");
    let told = String::from_utf8_lossy(&played.stdout);
    assert!(told.contains("1 passed"), "{told}");
}

/// The loader as a process of its own: it runs until it is killed. Does nothing unless another test started it.
#[test]
fn loader_of_a_store_of_objects() {
    let Ok(folder) = std::env::var(LOADER) else {
        return;
    };
    let folder = DataFolder::new(Path::new(&folder));
    let store = Store::of(&folder, &Settings::load(&folder).unwrap()).unwrap();
    let loader = Loader::new(load_sealing_key(&folder).unwrap());
    for round in 0u64.. {
        // Without the server nothing can be written; it is tried again, as the centre does.
        let done = loader
            .run(&store)
            .and_then(|_| store.commit_units(UnitsAre::Whatever));
        if done.is_ok() && round % 5 == 4 {
            drop(store.care_for_the_table());
        }
    }
}

fn start_loader(centre: &TestCentre) -> Child {
    start_loader_as("object_store::loader_of_a_store_of_objects", LOADER, centre)
}

/// How many load units are known to be in the table.
fn units(centre: &TestCentre) -> u64 {
    let database = rusqlite::Connection::open(centre.folder.database()).unwrap();
    let count = "SELECT count(*) FROM load_unit WHERE committed_ms IS NOT NULL";
    database.query_row(count, [], |row| row.get(0)).unwrap()
}

/// Findings of some days.
fn records(numbers: std::ops::Range<u64>) -> Vec<Record> {
    numbers
        .map(|number| {
            let time = format!("2026-05-{:02}T{:02}:10:00Z", 1 + number % 4, number % 24);
            Sample {
                time: Box::leak(time.into_boxed_str()),
                ..Sample::numbered(number)
            }
            .record()
        })
        .collect()
}

/// The whole of it. Does nothing unless another test started it.
#[test]
fn played_with_the_server() {
    let Ok(python) = std::env::var(PYTHON) else {
        return;
    };
    let python = Path::new(&python);
    let address = S3Address::from_environment(&std::env::var(PORTS).unwrap());
    let centre = TestCentre::with(None, Some(PLACE.to_owned()));
    let mut server = S3Server::start(python, &centre.temporary.path().join("s3"), address);
    server.make_bucket("cirt");
    let open = || centre.store();
    let device = centre.enrolled_device("isp-a");
    let store = open();
    let mut acknowledged = 0u64;
    for round in 0..ROUNDS {
        // Two loaders at once: commits of both meet in the log, and one of them must give way.
        let mut loaders = vec![start_loader(&centre), start_loader(&centre)];
        let begun = units(&centre);
        let end = Instant::now() + WELL_WITHIN;
        let mut more = 40 + round * 7 % 23;
        while more > 0 || (round % 3 != 2 && units(&centre) == begun) {
            assert!(Instant::now() < end, "round {round}: nothing is written");
            let batch = device.seal(
                centre.sealing_key(),
                acknowledged,
                &records(acknowledged * 5..acknowledged * 5 + 5),
            );
            accept(&store, &device, batch);
            acknowledged += 1;
            more = more.saturating_sub(1);
        }
        // The server alone, so that loaders meet its absence; or loaders alone; or both.
        if round % 3 != 1 {
            server.kill();
        }
        if round % 3 == 0 {
            server.again();
        }
        for mut loader in loaders.drain(..) {
            loader.kill().unwrap();
            loader.wait().unwrap();
        }
        if round % 3 == 2 {
            server.again();
        }
    }
    // The server says that it is well before it finds the volumes its objects are in; the centre tries again, and so do we.
    let finish = |store: &Store| {
        let end = Instant::now() + WELL_WITHIN;
        let tried = || -> Result<(), lapwing_cirt::store::StoreError> {
            centre.loader().run(store)?;
            store.commit_units(UnitsAre::Whatever).map(drop)
        };
        while let Err(error) = tried() {
            assert!(Instant::now() < end, "{error}");
        }
    };
    finish(&store);
    let expected: Vec<u64> = (0..acknowledged * 5).collect();
    assert_eq!(numbers(&store), expected);
    let days = days_of(&store);
    assert_eq!(read_by_duckdb(python, &store), days);

    // Few files instead of many, and the same in them.
    store.care_for_the_table().unwrap();
    assert!(store.table_sizes().unwrap()[0].files <= 16);
    assert_eq!(read_by_duckdb(python, &store), days);
    // Another process, which has never seen a table.
    drop(store);
    let store = open();
    assert_eq!(numbers(&store), expected);

    // Everything anew from the inbox, into another prefix; the old one is emptied.
    let before = store.table_location().unwrap();
    store.reset_derived("test").unwrap();
    finish(&store);
    assert_ne!(store.table_location().unwrap(), before);
    assert_eq!(numbers(&store), expected);
    assert_eq!(read_by_duckdb(python, &store), days);

    // Two of four days are dropped, by their files.
    let dropped = store
        .drop_findings_before("test", "2026-05-03".parse().unwrap())
        .unwrap();
    assert!(dropped.files > 0);
    let kept: BTreeMap<String, (u64, u64)> = days
        .into_iter()
        .filter(|(day, _)| day.as_str() >= "2026-05-03")
        .collect();
    assert_eq!(days_of(&store), kept);
    assert_eq!(read_by_duckdb(python, &store), kept);
}

/// Findings and alerts by day.
fn days_of(store: &Store) -> BTreeMap<String, (u64, u64)> {
    let mut days = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store
            .findings(&FindingQuery::all(Scope::Nation), after, 500)
            .unwrap();
        for finding in page.findings {
            let day = finding.last.strftime("%Y-%m-%d").to_string();
            let sum: &mut (u64, u64) = days.entry(day).or_default();
            *sum = (sum.0 + 1, sum.1 + finding.hits);
        }
        after = page.next;
        if after.is_none() {
            return days;
        }
    }
}

/// The same as DuckDB reads it, which opens the table in the store by itself.
fn read_by_duckdb(python: &Path, store: &Store) -> BTreeMap<String, (u64, u64)> {
    told_of_table(python, "object_store_reader.py", store)
        .lines()
        .map(|line| {
            let (day, findings, keys, hits): (String, u64, u64, u64) =
                serde_json::from_str(line).unwrap();
            assert_eq!(keys, findings, "{line}");
            (day, (findings, hits))
        })
        .collect()
}
