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

use lapwing_tests::{
    cases,
    programs::{program, workspace_root},
};

/// Memory is compared with that after this round: what is made once is there by then.
const FIRST_COMPARED_ROUND: usize = 10;
const ROUNDS_DEFAULT: usize = 15;
/// Growth from the first compared round to the last that is allowed, in percent.
const GROWTH_PERCENT_MAX: u64 = 2;
/// Growth that is none: what the allocator keeps of pages, which weighs much where little is held.
const GROWTH_KIBIBYTES_MIN: u64 = 1024;

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

/// Resident memory in KiB after each round.
fn resident_kibibytes(captures: &[PathBuf], rounds: usize) -> Vec<u64> {
    let mut command = Command::new(program("lapwing"));
    command.args(["replay", "--output", "eve", "--rounds", &rounds.to_string()]);
    for file in fs::read_dir(workspace_root().join("rules/starter")).unwrap() {
        let path = file.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "rules")
        {
            command.arg("--rules").arg(path);
        }
    }
    let output = command
        .args(captures)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let held: Vec<u64> = said
        .lines()
        .filter_map(|line| line.split_once("resident_kibibytes ")?.1.split(' ').next())
        .map(|number| number.parse().unwrap())
        .collect();
    assert_eq!(held.len(), rounds, "{said}");
    held
}

#[test]
fn memory_does_not_grow_with_the_traffic_seen() {
    let rounds = env::var("LAPWING_FLAT_ROUNDS").ok();
    let corpus = env::var_os("LAPWING_CONFORMANCE").filter(|_| rounds.is_some());
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
    let held = resident_kibibytes(&captures, rounds);
    let (first, last) = (held[FIRST_COMPARED_ROUND - 1], held[rounds - 1]);
    eprintln!(
        "{} captures, {rounds} rounds: {first} KiB after round {FIRST_COMPARED_ROUND}, {last} KiB after the last",
        captures.len()
    );
    let allowed = (first * GROWTH_PERCENT_MAX / 100).max(GROWTH_KIBIBYTES_MIN);
    assert!(last <= first + allowed, "memory grows: {held:?}");
}
