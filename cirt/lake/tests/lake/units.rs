//! Load units: whatever comes twice, breaks off or starts anew, each finding is there once.

use std::path::Path;

use lapwing_lake::{Applied, Finding, Fresh, FreshRows, Lake, LakeError};
use proptest::prelude::*;

use crate::sample::{days, everything, finding, open};

/// What happens to the table.
#[derive(Clone, Debug)]
enum Step {
    /// The next unit, of so many rows that lie so many hours apart, in so many parts.
    Next {
        rows: i64,
        hours: i64,
        parts: usize,
    },
    /// A unit that was applied before comes again.
    Again(usize),
    /// A writer died after it had written files and before it committed.
    TornWrite,
    Restart,
    Compact,
    Tidy,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0i64..40, 0i64..30, 1usize..4).prop_map(|(rows, hours, parts)| Step::Next { rows, hours, parts }),
        3 => (0usize..20).prop_map(Step::Again),
        2 => Just(Step::TornWrite),
        2 => Just(Step::Restart),
        2 => Just(Step::Compact),
        1 => Just(Step::Tidy),
    ];
    prop::collection::vec(step, 1..16)
}

fn parts(rows: &[Finding], parts: usize) -> Vec<FreshRows> {
    let size = rows.len().div_ceil(parts).max(1);
    rows.chunks(size)
        .map(|rows| FreshRows::of(rows).unwrap())
        .collect()
}

/// What a killed writer leaves: files that no version names, and a log entry that was never renamed.
fn leave_torn_files(folder: &Path) {
    let folder = folder.join("finding");
    let day = folder.join("day=2026-05-01");
    std::fs::create_dir_all(&day).unwrap();
    std::fs::write(
        day.join("part-00000-torn.zstd.parquet"),
        b"PAR1 half a file",
    )
    .unwrap();
    std::fs::write(folder.join("_delta_log/_commit_torn.json.tmp"), b"{").unwrap();
}

fn all(lake: &Lake) -> Vec<Finding> {
    let mut found = Vec::new();
    loop {
        let after = found.last().map_or(0, |finding: &Finding| finding.key);
        let page = lake.in_order(Fresh::default(), after, 37).unwrap();
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn each_finding_is_there_once(steps in steps()) {
        let temporary = tempfile::tempdir().unwrap();
        let mut lake = open(temporary.path());
        let mut units = Vec::<(Vec<Finding>, usize)>::new();
        let mut next_key = 1;
        for step in steps {
            match step {
                Step::Next { rows, hours, parts: count } => {
                    let rows: Vec<Finding> = (next_key..next_key + rows)
                        .map(|key| finding(key, 1 + key % 3, (key * hours) % 70, 100 + u32::try_from(key % 4).unwrap()))
                        .collect();
                    next_key += i64::try_from(rows.len()).unwrap();
                    units.push((rows, count));
                    let (rows, count) = units.last().unwrap();
                    let unit = i64::try_from(units.len()).unwrap();
                    prop_assert_eq!(lake.apply(unit, &parts(rows, *count)).unwrap(), Applied::Now);
                }
                Step::Again(which) => {
                    if !units.is_empty() {
                        let which = which % units.len();
                        let (rows, count) = &units[which];
                        let unit = i64::try_from(which + 1).unwrap();
                        prop_assert_eq!(lake.apply(unit, &parts(rows, *count)).unwrap(), Applied::Before);
                    }
                }
                Step::TornWrite => leave_torn_files(temporary.path()),
                Step::Restart => lake = open(temporary.path()),
                Step::Compact => { lake.compact().unwrap(); }
                Step::Tidy => { lake.tidy().unwrap(); }
            }
        }
        let expected: Vec<Finding> = units.into_iter().flat_map(|(rows, _)| rows).collect();
        prop_assert_eq!(lake.count(Fresh::default(), &everything()).unwrap(), expected.len() as u64);
        prop_assert_eq!(all(&lake), expected);
    }
}

#[test]
fn a_unit_cannot_jump_the_one_before() {
    let temporary = tempfile::tempdir().unwrap();
    let lake = open(temporary.path());
    let rows = [FreshRows::of(&[finding(1, 1, 0, 100)]).unwrap()];
    let refused = lake.apply(2, &rows).unwrap_err();
    assert!(
        matches!(
            refused,
            LakeError::OutOfOrder {
                unit: 2,
                applied: 0
            }
        ),
        "{refused}"
    );
    assert_eq!(lake.last_units().unwrap(), [0, 0]);
}

/// Several writers with the same unit, as after a failover: one of them writes it, and no file of the others is seen.
#[test]
fn writers_at_once_apply_a_unit_once() {
    let temporary = tempfile::tempdir().unwrap();
    let rows: Vec<Finding> = (1..=50).map(|key| finding(key, 1, key % 30, 100)).collect();
    let writers: Vec<Lake> = (0..4).map(|_| open(temporary.path())).collect();
    for unit in 1..=3 {
        let outcomes: Vec<Applied> = std::thread::scope(|scope| {
            let threads: Vec<_> = writers
                .iter()
                .map(|lake| {
                    let rows = parts(&rows, 2);
                    scope.spawn(move || lake.apply(unit, &rows).unwrap())
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let now = outcomes
            .iter()
            .filter(|done| **done == Applied::Now)
            .count();
        assert_eq!(now, 1, "{outcomes:?}");
        for lake in &writers {
            let found = lake.count(Fresh::default(), &everything()).unwrap();
            assert_eq!(found, 50 * u64::try_from(unit).unwrap());
        }
    }
}

/// A row on its way from fresh to committed is seen once, whichever of the two a reader took first.
#[test]
fn a_row_on_its_way_is_seen_once() {
    let temporary = tempfile::tempdir().unwrap();
    let lake = open(temporary.path());
    let first: Vec<Finding> = (1..=20).map(|key| finding(key, 1, 1, 100)).collect();
    let later: Vec<Finding> = (21..=30).map(|key| finding(key, 1, 1, 100)).collect();
    let fresh = Fresh {
        before_key: Some(31),
        committed: None,
        parts: vec![
            (Some(1), FreshRows::of(&first).unwrap()),
            (None, FreshRows::of(&later).unwrap()),
        ],
    };
    let question = everything();
    assert_eq!(lake.count(fresh.clone(), &question).unwrap(), 30);
    lake.apply(1, &[FreshRows::of(&first).unwrap()]).unwrap();
    assert_eq!(lake.count(fresh, &question).unwrap(), 30);
    // Who asked before the second part was loaded does not see it, though it is committed meanwhile.
    lake.apply(2, &[FreshRows::of(&later).unwrap()]).unwrap();
    let earlier = Fresh {
        before_key: Some(21),
        committed: None,
        parts: Vec::new(),
    };
    assert_eq!(lake.count(earlier, &question).unwrap(), 20);
}

#[test]
fn days_are_dropped_as_files() {
    let temporary = tempfile::tempdir().unwrap();
    let lake = open(temporary.path());
    let mut rows: Vec<Finding> = (1..=90).map(|key| finding(key, 1, key, 100)).collect();
    // A clock that nobody believes: the finding is kept apart, and stays.
    rows.push(Finding {
        last_ms: 86_400_000,
        ..finding(91, 1, 0, 100)
    });
    lake.apply(1, &parts(&rows, 1)).unwrap();
    let days = days(&rows);
    assert_eq!(days.len(), 5);
    let second_newest = i32::try_from(days[1]).unwrap();
    assert_eq!(
        lake.drop_before(second_newest).unwrap().files,
        2,
        "all sightings are of one month"
    );
    let left = all(&lake);
    let expected: Vec<Finding> = rows
        .into_iter()
        .filter(|row| row.last_ms.div_euclid(86_400_000) >= days[1] || row.key == 91)
        .collect();
    assert_eq!(left, expected);
}

#[test]
fn few_files_are_left_and_rows_stay() {
    let temporary = tempfile::tempdir().unwrap();
    let lake = open(temporary.path());
    let mut rows = Vec::new();
    for unit in 1..=30 {
        let part: Vec<Finding> = (0..10)
            .map(|number| finding(unit * 10 + number, 1 + number % 4, number % 3, 100))
            .collect();
        lake.apply(unit, &parts(&part, 1)).unwrap();
        rows.extend(part);
    }
    assert_eq!(lake.sizes().unwrap()[0].files, 30);
    assert_eq!(
        lake.compact().unwrap(),
        2,
        "a day, and a month of sightings"
    );
    let [size, seen] = lake.sizes().unwrap();
    assert_eq!(seen.files, 1);
    assert_eq!((size.files, size.rows), (1, 300));
    assert_eq!(all(&lake), rows);
    // Checkpoints keep a reader that comes new from reading every entry.
    let checkpoints = std::fs::read_dir(temporary.path().join("finding/_delta_log"))
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().contains(".checkpoint")
        })
        .count();
    assert!(checkpoints >= 1);
    assert_eq!(all(&open(temporary.path())), rows);
}

#[test]
fn a_copy_holds_what_was_there_up_to_a_unit() {
    let temporary = tempfile::tempdir().unwrap();
    let lake = open(&temporary.path().join("lake"));
    for unit in 1..=3 {
        let row = finding(unit, 1, unit, 100);
        lake.apply(unit, &[FreshRows::of(&[row]).unwrap()]).unwrap();
    }
    let place = lapwing_lake::Place::folder(&temporary.path().join("copy")).unwrap();
    lake.copy_to(&place, 2).unwrap();
    let copy = Lake::open(place).unwrap();
    assert_eq!(copy.last_units().unwrap(), [2, 2]);
    assert_eq!(all(&copy).len(), 2);
    // The copy is a table like any other.
    let row = finding(3, 1, 3, 100);
    assert_eq!(
        copy.apply(3, &[FreshRows::of(&[row]).unwrap()]).unwrap(),
        Applied::Now
    );
}
