//! Rules changed as a careless or hostile hand would change them: the parser answers, quickly and in bounded memory.
//!
//! `LAPWING_MUTATED_RULES` says how many (20,000 unless given); a million are run before a release. The rules come from
//! the files of this repository, and from the large set of the conformance corpus where `LAPWING_CONFORMANCE` names it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::print_stderr,
    reason = "what was measured is the point of a long run"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const DEFAULT_RULES: usize = 20_000;
/// No rule may take longer.
const LONGEST: Duration = Duration::from_secs(1);
const MEMORY_KIB_MAX: u64 = 512 << 10;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 16).unwrap() % sides.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// What numbers, words and punctuation are exchanged for.
const ODD: &[&str] = &[
    "0",
    "-1",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "0x",
    "1e9",
    "",
    "!",
    "!!",
    "\"",
    "\\",
    "|",
    "||",
    "|4",
    "|41|",
    ";",
    "\\;",
    ",",
    ":",
    ">",
    "<>",
    "<",
    "-",
    "any",
    "$HOME_NET",
    "$",
    "[",
    "]",
    "[[",
    "((((",
    "))",
    "/",
    "(?=",
    "(?<=a+)",
    "(a+)+$",
    "\\1",
    "{1,65535}",
    "[a-",
    "{0}",
    "*",
    "\0",
    "é",
    "\u{feff}",
    "relative",
    "nocase",
    "R",
    "sid:1;",
    "content:\"a\";",
    "by_src",
    "set",
    "isset",
];

fn rule_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rule_files(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rules")
        {
            files.push(path);
        }
    }
}

fn rules() -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["rules/starter", "rules/tests", "tests/cases"] {
        rule_files(&root.join(folder), &mut files);
    }
    if let Some(corpus) = std::env::var_os("LAPWING_CONFORMANCE") {
        files.push(PathBuf::from(corpus).join("rules/et.rules"));
    }
    files.sort();
    let mut rules = Vec::new();
    for file in files {
        let text = fs::read(file).unwrap();
        let lines = text.split(|byte| *byte == b'\n');
        rules.extend(lines.filter(|line| line.len() > 20).map(<[u8]>::to_vec));
    }
    rules
}

/// Where options, values and list items begin and end.
fn seams(rule: &[u8]) -> Vec<usize> {
    let is_seam = |byte: &u8| b";:,(\" |/[]".contains(byte);
    let inner = rule.iter().enumerate().filter(|(_, byte)| is_seam(byte));
    let mut seams: Vec<usize> = inner.map(|(at, _)| at).collect();
    seams.push(rule.len());
    seams
}

/// A stretch between two seams that follow one another closely.
fn piece(rule: &[u8], dice: &mut Dice) -> (usize, usize) {
    let seams = seams(rule);
    let first = dice.roll(seams.len());
    let last = (first + dice.roll(4)).min(seams.len() - 1);
    (seams[first], seams[last])
}

/// Changes a rule once.
fn mutate(rule: &mut Vec<u8>, others: &[Vec<u8>], dice: &mut Dice) {
    let (start, end) = piece(rule, dice);
    match dice.roll(9) {
        0 => drop(rule.drain(start..end)),
        1 => {
            let copy = rule[start..end].to_vec();
            rule.splice(end..end, copy);
        }
        2 => {
            let other = dice.pick(others);
            let (from, to) = piece(other, dice);
            rule.splice(start..end, other[from..to].iter().copied());
        }
        3 => {
            let odd = dice.pick(ODD);
            rule.splice(start..end, odd.bytes());
        }
        4 => {
            let odd = dice.pick(ODD);
            rule.splice(start..start, odd.bytes());
        }
        5 => {
            let times = 1 << dice.roll(9);
            let odd = dice.pick(ODD).repeat(times);
            rule.splice(start..start, odd.bytes());
        }
        6 => {
            if let Some(byte) = rule.get_mut(start) {
                *byte = u8::try_from(dice.roll(256)).unwrap();
            }
        }
        7 => rule.truncate(end),
        _ => {
            let digits: Vec<usize> = (0..rule.len())
                .filter(|at| rule[*at].is_ascii_digit())
                .collect();
            if !digits.is_empty() {
                let at = *dice.pick(&digits);
                let odd = dice.pick(ODD);
                rule.splice(at..=at, odd.bytes());
            }
        }
    }
}

/// The most memory this process ever had, in KiB.
fn peak_memory_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Time this thread spent on a processor, so that other work of the machine does not count; `None` where that is not told.
fn processor_time() -> Option<Duration> {
    let status = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = status.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

fn time_of(rule: &[u8]) -> Duration {
    let (wall, processor) = (Instant::now(), processor_time());
    lapwing_rules::fuzz_entry(rule);
    match (processor, processor_time()) {
        (Some(begin), Some(end)) => end.saturating_sub(begin),
        _ => wall.elapsed(),
    }
}

#[test]
fn mutated_rules_are_answered_quickly_and_in_bounded_memory() {
    let wanted = std::env::var("LAPWING_MUTATED_RULES")
        .ok()
        .map_or(DEFAULT_RULES, |count| count.parse().unwrap());
    let rules = rules();
    assert!(
        rules.len() > 100,
        "only {} rules to begin with",
        rules.len()
    );
    let mut dice = Dice(20_240_917);
    let (begin, mut longest) = (Instant::now(), Duration::ZERO);
    for _ in 0..wanted {
        let mut rule = dice.pick(&rules).clone();
        for _ in 0..=dice.roll(5) {
            mutate(&mut rule, &rules, &mut dice);
        }
        let took = time_of(&rule);
        assert!(
            took <= LONGEST,
            "{took:?}: {}",
            String::from_utf8_lossy(&rule)
        );
        longest = longest.max(took);
    }
    let memory = peak_memory_kib();
    eprintln!(
        "{wanted} mutated rules of {} in {:?}, the longest {longest:?}, at most {memory:?} KiB",
        rules.len(),
        begin.elapsed()
    );
    assert!(
        memory.is_none_or(|kib| kib <= MEMORY_KIB_MAX),
        "{memory:?} KiB"
    );
}
