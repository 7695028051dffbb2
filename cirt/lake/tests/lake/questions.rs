//! Every typed question against the same question over a list.

use std::collections::BTreeMap;

use lapwing_lake::{
    Condition, Finding, Fresh, FreshRows, Lake, LakeError, PageEnd, Question, Rule, Scope,
    SightingKind, Sought, SqlColumn, SqlLimits, SqlTable, TimeRange,
};
use proptest::prelude::*;
use std::time::Duration;

use crate::sample::{START_MS, days, everything, finding, open};

const HOUR_MS: i64 = 3_600_000;

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        prop::collection::vec(1i64..5, 0..3).prop_map(Condition::Sensors),
        prop::collection::vec(1u8..5, 0..3).prop_map(Condition::Severities),
        (100u32..106).prop_map(Condition::Signature),
        (100u32..106).prop_map(|sid| Condition::Generator { gid: 1, sid }),
        prop::collection::vec((100u32..106, 1u32..3), 0..4).prop_map(|rules| {
            Condition::Rules(
                rules
                    .into_iter()
                    .map(|(sid, rev)| Rule { gid: 1, sid, rev })
                    .collect(),
            )
        }),
        (0u8..60, 0u8..60).prop_map(|(first, length)| {
            let address = |last| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, last];
            Condition::Network {
                first: address(first),
                last: address(first + length),
            }
        }),
        prop_oneof![
            Just("bad.example"),
            Just("h3.bad.example"),
            Just("ad.example")
        ]
        .prop_map(|host| Condition::Host(host.to_owned())),
    ]
}

fn question() -> impl Strategy<Value = Question> {
    let scope = prop_oneof![
        Just(Scope::Nation),
        prop::collection::vec(1i64..5, 0..4).prop_map(Scope::Sensors),
    ];
    let time = prop_oneof![
        Just(TimeRange::ALL),
        (0i64..90, 0i64..90).prop_map(|(from, length)| TimeRange {
            from_ms: START_MS + from * HOUR_MS,
            until_ms: START_MS + (from + length) * HOUR_MS,
        }),
    ];
    (scope, time, prop::collection::vec(condition(), 0..3)).prop_map(|(scope, time, conditions)| {
        Question {
            scope,
            time,
            conditions,
            deadline: Duration::from_secs(60),
        }
    })
}

/// The oracle.
fn holds(question: &Question, row: &Finding) -> bool {
    let of_scope = match &question.scope {
        Scope::Nation => true,
        Scope::Sensors(sensors) => sensors.contains(&row.sensor_key),
    };
    of_scope
        && row.last_ms >= question.time.from_ms
        && row.last_ms < question.time.until_ms
        && question.conditions.iter().all(|condition| match condition {
            Condition::Sensors(sensors) => sensors.contains(&row.sensor_key),
            Condition::Severities(classes) => classes.contains(&row.severity.clamp(1, 4)),
            Condition::Signature(sid) => row.sid == *sid,
            Condition::Generator { gid, sid } => (row.gid, row.sid) == (*gid, *sid),
            Condition::Rules(rules) => rules
                .iter()
                .any(|rule| (rule.gid, rule.sid, rule.rev) == (row.gid, row.sid, row.rev)),
            Condition::Network { first, last } => {
                [&row.source, &row.destination].into_iter().any(|end| {
                    end.address
                        .is_some_and(|bytes| *first <= bytes && bytes <= *last)
                })
            }
            Condition::Host(host) => {
                let named = format!("h{}.bad.example", row.key % 5);
                named == *host || named.ends_with(&format!(".{host}"))
            }
        })
}

/// Some rows in files of several units, some fresh.
fn filled(lake: &Lake, rows: &[Finding]) -> Fresh {
    let third = rows.len().div_ceil(3);
    let mut parts = rows
        .chunks(third.max(1))
        .map(|rows| FreshRows::of(rows).unwrap());
    for unit in 1..=2 {
        if let Some(part) = parts.next() {
            lake.apply(unit, &[part]).unwrap();
        }
    }
    Fresh {
        before_key: Some(1 + i64::try_from(rows.len()).unwrap()),
        committed: Some(2.min(i64::try_from(rows.len()).unwrap())),
        parts: parts
            .map(|part| {
                (
                    None,
                    FreshRows::from_bytes(&part.to_bytes().unwrap()).unwrap(),
                )
            })
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]
    #[test]
    fn answers_are_those_of_a_list(
        rows in prop::collection::vec((1i64..5, 0i64..90, 100u32..106), 1..150),
        questions in prop::collection::vec(question(), 1..6),
        width_hours in 1i64..30,
        page in 1usize..20,
    ) {
        let temporary = tempfile::tempdir().unwrap();
        let lake = open(temporary.path());
        let rows: Vec<Finding> = (1..)
            .zip(rows)
            .map(|(key, (sensor, hours, sid))| finding(key, sensor, hours, sid))
            .collect();
        let fresh = filled(&lake, &rows);
        for question in questions {
            let mut expected: Vec<Finding> = rows.iter().filter(|row| holds(&question, row)).cloned().collect();
            prop_assert_eq!(lake.count(fresh.clone(), &question).unwrap(), expected.len() as u64, "{:?}", question);

            // Pages, newest first, until there is no more.
            expected.sort_by_key(|row| std::cmp::Reverse((row.last_ms, row.key)));
            let mut found = Vec::<Finding>::new();
            loop {
                let after = found.last().map(|row| PageEnd { last_ms: row.last_ms, key: row.key });
                let next = lake.newest(fresh.clone(), &question, &days(&rows), after, page).unwrap();
                if next.is_empty() { break; }
                found.extend(next);
                prop_assert!(found.len() <= expected.len());
            }
            prop_assert_eq!(&found, &expected);

            let width_ms = width_hours * HOUR_MS;
            let mut sums = BTreeMap::<(i64, u32, u8, i64), (u64, u64, i64, i64)>::new();
            for row in &expected {
                let key = (row.sensor_key, row.sid, row.severity, row.last_ms / width_ms);
                let sum = sums.entry(key).or_insert((0, 0, i64::MAX, 0));
                *sum = (sum.0 + 1, sum.1 + row.hits.cast_unsigned(), sum.2.min(row.last_ms), sum.3.max(row.last_ms));
            }
            let tallies: BTreeMap<_, _> = lake.tallies(fresh.clone(), &question, width_ms).unwrap().into_iter()
                .map(|tally| (
                    (tally.sensor_key, tally.rule.sid, tally.severity, tally.last_ms / width_ms),
                    (tally.findings, tally.hits, tally.first_last_ms, tally.last_ms),
                ))
                .collect();
            prop_assert_eq!(tallies, sums);

            let beginning_ms = START_MS + 10 * HOUR_MS;
            let mut expected_bars = BTreeMap::<(i64, u8), u64>::new();
            for row in expected.iter().filter(|row| row.last_ms >= beginning_ms) {
                *expected_bars.entry(((row.last_ms - beginning_ms) / width_ms, row.severity)).or_default() += 1;
            }
            let bars: BTreeMap<_, _> = lake.bars(fresh.clone(), &question, beginning_ms, width_ms).unwrap().into_iter()
                .map(|bar| ((bar.index, bar.severity), bar.findings))
                .collect();
            prop_assert_eq!(bars, expected_bars);
        }
        // Who saw an address, a host, and all below it, and on which days.
        let day_of = |row: &Finding| row.last_ms.div_euclid(24 * HOUR_MS);
        let ends = |row: &Finding| [row.source.clone(), row.destination.clone()];
        for (sought, is_in) in [
            (
                Sought::Address(SightingKind::Address, rows[0].destination.address.unwrap()),
                Box::new(|row: &Finding| {
                    ends(row).iter().any(|end| end.disclosure == 0 && end.address == rows[0].destination.address)
                }) as Box<dyn Fn(&Finding) -> bool>,
            ),
            (
                Sought::Address(SightingKind::Pseudonym, rows[0].destination.address.unwrap()),
                Box::new(|row: &Finding| {
                    ends(row).iter().any(|end| end.disclosure == 1 && end.address == rows[0].destination.address)
                }),
            ),
            (Sought::Host("H1.bad.example:443".to_owned()), Box::new(|row: &Finding| row.key % 5 == 1)),
            (Sought::Host("bad.example".to_owned()), Box::new(|_: &Finding| false)),
            (Sought::HostAndBelow("bad.example".to_owned()), Box::new(|_: &Finding| true)),
            (Sought::HostAndBelow("ad.example".to_owned()), Box::new(|_: &Finding| false)),
        ] {
            let scope = Scope::Sensors(vec![1, 2, 3]);
            let expected: Vec<&Finding> = rows.iter().filter(|row| row.sensor_key < 4 && is_in(row)).collect();
            let deadline = Duration::from_secs(60);
            let seen: BTreeMap<i64, (u64, u64, i64, i64)> = lake
                .who_saw(fresh.clone(), &scope, &sought, deadline)
                .unwrap()
                .into_iter()
                .map(|seen| (seen.sensor_key, (seen.findings, seen.hits, seen.first_ms, seen.last_ms)))
                .collect();
            let mut sums = BTreeMap::<i64, (u64, u64, i64, i64)>::new();
            for row in &expected {
                let second = |milliseconds: i64| milliseconds.div_euclid(1_000) * 1_000;
                let sum = sums.entry(row.sensor_key).or_insert((0, 0, i64::MAX, 0));
                *sum = (
                    sum.0 + 1,
                    sum.1 + row.hits.cast_unsigned(),
                    sum.2.min(second(row.first_ms)),
                    sum.3.max(second(row.last_ms)),
                );
            }
            prop_assert_eq!(seen, sums, "{:?}", sought);
            let newest_two = TimeRange::days(days(&rows)[0] - 1, days(&rows)[0]);
            let cells: Vec<(i64, i64)> = lake
                .cells(fresh.clone(), &scope, newest_two, &sought, 1_000, deadline)
                .unwrap()
                .into_iter()
                .map(|cell| (cell.day, cell.sensor_key))
                .collect();
            let mut expected_cells: Vec<(i64, i64)> = expected
                .iter()
                .map(|row| (day_of(row), row.sensor_key))
                .filter(|(day, _)| *day >= days(&rows)[0] - 1)
                .collect();
            expected_cells.sort_unstable_by_key(|(day, sensor)| (std::cmp::Reverse(*day), *sensor));
            expected_cells.dedup();
            prop_assert_eq!(cells, expected_cells, "{:?}", sought);
        }
        // One by its key, within a scope and on its days.
        let row = &rows[rows.len() / 2];
        let day = row.last_ms.div_euclid(24 * HOUR_MS);
        let one = |scope: Scope| lake.one(fresh.clone(), &scope, TimeRange::days(day, day), row.key).unwrap();
        let sees = one(Scope::Sensors(vec![row.sensor_key]));
        prop_assert_eq!(sees.as_ref(), Some(row));
        prop_assert_eq!(one(Scope::Sensors(vec![row.sensor_key + 1])), None);
    }
}

#[test]
fn a_clock_that_nobody_believes_is_found_by_its_time_all_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let lake = open(temporary.path());
    let rows = [
        finding(1, 1, 1, 100),
        Finding {
            last_ms: 4_102_444_800_000,
            ..finding(2, 1, 1, 100)
        },
        Finding {
            last_ms: 1_000,
            ..finding(3, 1, 1, 100)
        },
    ];
    lake.apply(1, &[FreshRows::of(&rows).unwrap()]).unwrap();
    let found = lake
        .newest(Fresh::default(), &everything(), &days(&rows), None, 10)
        .unwrap();
    let keys: Vec<i64> = found.iter().map(|row| row.key).collect();
    assert_eq!(keys, [2, 1, 3]);
    let day = TimeRange::days(0, 0);
    let question = Question {
        time: day,
        ..everything()
    };
    assert_eq!(lake.count(Fresh::default(), &question).unwrap(), 1);
}

fn sensors() -> SqlTable {
    SqlTable {
        columns: vec![
            ("sensor_name_key", SqlColumn::Number(vec![Some(1)])),
            (
                "sensor_name",
                SqlColumn::Text(vec![Some("isp-a".to_owned())]),
            ),
        ],
    }
}

const LIMITS: SqlLimits = SqlLimits {
    deadline: Duration::from_secs(20),
    rows: 100,
    bytes: 1_000_000,
};

#[test]
fn sql_answers_within_its_scope_and_does_nothing_else() {
    let temporary = tempfile::tempdir().unwrap();
    let lake = open(temporary.path());
    let rows: Vec<Finding> = (1..=40)
        .map(|key| finding(key, 1 + key % 2, 1, 100))
        .collect();
    let fresh = filled(&lake, &rows);
    let ask = |question: &str| {
        let scope = Scope::Sensors(vec![1]);
        lake.sql(
            fresh.clone(),
            &scope,
            sensors(),
            Vec::new(),
            question,
            LIMITS,
        )
    };
    let cell = |question: &str| ask(question).unwrap().rows[0][0].clone().unwrap();
    assert_eq!(cell("SELECT count(*) FROM finding"), "20");
    assert_eq!(cell("SELECT DISTINCT sensor FROM finding"), "isp-a");
    assert_eq!(
        cell("SELECT source FROM finding WHERE source IS NOT NULL ORDER BY source_port LIMIT 1"),
        "203.0.113.2"
    );
    assert_eq!(
        cell("SELECT destination FROM finding ORDER BY source_port LIMIT 1"),
        "~203.0.113.1"
    );
    assert_eq!(
        cell("SELECT DISTINCT value FROM sighting WHERE kind = 'host' AND value LIKE 'h2.%'"),
        "h2.bad.example"
    );
    let endless = ask("SELECT a.hits FROM finding a, finding b, finding c, finding d").unwrap();
    assert!(endless.is_cut && endless.rows.len() == 100);
    for refused in [
        "SELECT * FROM user",
        "SELECT sensor_key FROM finding",
        "INSERT INTO finding SELECT * FROM finding",
        "COPY finding TO 'x.csv'",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/'",
        "CREATE TABLE t AS SELECT 1",
        "DROP TABLE finding",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM information_schema.tables",
        "SELECT 1; SELECT 2",
        "EXPLAIN SELECT * FROM finding",
        "SHOW TABLES",
        "SELECT repeat('x', 1000000000)",
        "SELECT * FROM generate_series(1, 1000000000)",
        "SELEC",
    ] {
        let answer = ask(refused);
        assert!(
            matches!(answer, Err(LakeError::Refused(_))),
            "{refused}: {answer:?}"
        );
    }
}

#[test]
fn a_question_that_takes_too_long_is_given_up() {
    let temporary = tempfile::tempdir().unwrap();
    let lake = open(temporary.path());
    let rows: Vec<Finding> = (1..=2_000).map(|key| finding(key, 1, 1, 100)).collect();
    let fresh = filled(&lake, &rows);
    let question =
        "SELECT count(*) FROM finding a, finding b, finding c WHERE a.hits + b.hits + c.hits < 0";
    let limits = SqlLimits {
        deadline: Duration::from_millis(300),
        ..LIMITS
    };
    let answer = lake.sql(
        fresh,
        &Scope::Nation,
        sensors(),
        Vec::new(),
        question,
        limits,
    );
    assert!(matches!(answer, Err(LakeError::TooSlow(_))), "{answer:?}");
}
