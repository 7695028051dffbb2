//! Memory stays flat: the same traffic again and again in one process, as one long stretch of time, must not make it grow.
//!
//! Without further words it replays our own made traffic for a few rounds. `make flat` replays the conformance corpus (the
//! folder that `LAPWING_CONFORMANCE` names) `LAPWING_FLAT_ROUNDS` times, which takes its time.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lapwing_tests::{cases, programs::program};

/// Memory is compared with that after this round: what is made once is there by then.
const FIRST_COMPARED_ROUND: usize = 10;
const ROUNDS_DEFAULT: usize = 15;
/// Growth from the first compared round to the last that is allowed, in percent of the resident memory.
const GROWTH_PERCENT_MAX: u64 = 2;
/// In the few rounds of a normal run: a table that doubles once, at whatever round its hashes are least lucky, is no growth.
const DOUBLING_KIBIBYTES: u64 = 1024;

fn captures_below(folder: &Path, captures: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            captures_below(&path, captures);
        } else if path
            .extension()
            .is_some_and(|extension| extension.to_string_lossy().contains("cap"))
        {
            captures.push(path);
        }
    }
}

/// Memory in KiB after a round.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// All that is resident; pages of the program's own file come and go with the machine's page cache.
    resident: u64,
    /// What the program asked for.
    anonymous: u64,
}

/// Memory after each round.
fn held(captures: &[PathBuf], rounds: usize) -> Vec<Held> {
    let mut command = Command::new(program("lapwing"));
    command.args(["replay", "--output", "eve", "--rounds", &rounds.to_string()]);
    for rules in cases::starter_rules().unwrap() {
        command.arg("--rules").arg(rules);
    }
    let output = command
        .args(captures)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let number = |line: &str, name: &str| -> Option<u64> {
        let behind = line.split_once(name)?.1.trim_start();
        behind.split(' ').next()?.parse().ok()
    };
    let held: Vec<Held> = said
        .lines()
        .filter_map(|line| {
            Some(Held {
                resident: number(line, "resident_kibibytes")?,
                anonymous: number(line, "anonymous_kibibytes")?,
            })
        })
        .collect();
    assert_eq!(held.len(), rounds, "{said}");
    held
}

#[test]
fn memory_does_not_grow_with_the_traffic_seen() {
    let rounds = env::var("LAPWING_FLAT_ROUNDS").ok();
    let corpus = env::var_os("LAPWING_CONFORMANCE").filter(|_| rounds.is_some());
    let slack = if rounds.is_some() {
        0
    } else {
        DOUBLING_KIBIBYTES
    };
    let rounds = rounds.map_or(ROUNDS_DEFAULT, |rounds| rounds.parse().unwrap());
    assert!(rounds > FIRST_COMPARED_ROUND, "too few rounds to compare");
    let folder = tempfile::tempdir().unwrap();
    let mut captures = Vec::new();
    match corpus {
        Some(corpus) => captures_below(&Path::new(&corpus).join("corpus"), &mut captures),
        None => {
            for case in cases::all().unwrap() {
                let own = folder.path().join(&case.name);
                fs::create_dir(&own).unwrap();
                captures.push(case.make_capture(&own).unwrap());
            }
        }
    }
    let held = held(&captures, rounds);
    let (first, last) = (held[FIRST_COMPARED_ROUND - 1], held[rounds - 1]);
    eprintln!(
        "{} captures, {rounds} rounds: {first:?} after round {FIRST_COMPARED_ROUND}, {last:?} after the last, in KiB",
        captures.len()
    );
    let allowed = (first.resident * GROWTH_PERCENT_MAX / 100).max(slack);
    assert!(
        last.anonymous <= first.anonymous + allowed,
        "memory grows: {held:?}"
    );
}
