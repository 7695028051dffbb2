//! Ten random changes of the large rule set, again and again: the difference names exactly those rules, the delta stays small, and
//! a chain of deltas ends in the very bytes of the full pack. Runs where `LAPWING_CONFORMANCE` names the corpus;
//! `LAPWING_DELTAS` says how long the chain is, and `make deltas` runs the long one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "the figures are the point of the run")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use lapwing_rules::{
    Settings, compile,
    difference::{Listing, between},
    pack::{CanonicalPack, DELTA_HEADER_BYTES, apply_delta, derive, make_delta},
    source::Source,
};

/// Deltas where nothing else is said.
const DELTAS: usize = 2;
/// Rules that change from one set to the next.
const CHANGES: usize = 10;
/// Most bytes of a delta, without its metadata.
const DELTA_BYTES_MAX: usize = 4096;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % sides.max(1)
    }
}

/// A rule of the set, by its number.
#[derive(Clone)]
struct Line {
    sid: u32,
    text: String,
}

fn number(text: &str, key: &str) -> Option<u32> {
    let (_, rest) = text.rsplit_once(key)?;
    rest.split(';').next()?.trim().parse().ok()
}

fn lines(text: &str) -> Vec<Line> {
    text.lines()
        .filter(|line| line.starts_with("alert"))
        .filter_map(|line| {
            Some(Line {
                sid: number(line, "sid:")?,
                text: line.to_owned(),
            })
        })
        .collect()
}

fn source(lines: &[Line]) -> Source {
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    Source {
        name: "large.rules".into(),
        bytes: text.join("\n").into_bytes(),
    }
}

/// Edits, removes and adds rules; gives the numbers of those that are different.
fn change(lines: &mut Vec<Line>, dice: &mut Dice) -> BTreeSet<u32> {
    let mut changed = BTreeSet::new();
    while changed.len() < CHANGES {
        let at = dice.roll(lines.len());
        let line = lines[at].clone();
        if changed.contains(&line.sid) {
            continue;
        }
        match dice.roll(3) {
            // A new revision, another message, a longer content.
            0 => {
                let rev = number(&line.text, "rev:").unwrap();
                let text = line
                    .text
                    .replace(&format!("rev:{rev};"), &format!("rev:{};", rev + 1));
                lines[at].text = text.replacen("msg:\"", "msg:\"again ", 1);
            }
            1 => drop(lines.remove(at)),
            _ => {
                let sid = 3_000_000 + u32::try_from(dice.roll(900_000)).unwrap();
                if lines.iter().any(|line| line.sid == sid) {
                    continue;
                }
                let text = line
                    .text
                    .replace(&format!("sid:{};", line.sid), &format!("sid:{sid};"));
                lines.push(Line { sid, text });
                changed.insert(sid);
                continue;
            }
        }
        changed.insert(line.sid);
    }
    changed
}

#[test]
fn ten_changes_cost_little_and_a_chain_of_deltas_ends_in_the_full_pack() {
    let Some(corpus) = std::env::var_os("LAPWING_CONFORMANCE").map(PathBuf::from) else {
        eprintln!("skipped: LAPWING_CONFORMANCE does not name the conformance corpus");
        return;
    };
    let deltas = std::env::var("LAPWING_DELTAS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(DELTAS);
    let mut lines = lines(&fs::read_to_string(corpus.join("rules/et.rules")).unwrap());
    assert!(lines.len() > 20_000, "{}", lines.len());
    let settings = Settings::default();
    let canonical = |lines: &[Line]| {
        CanonicalPack::from_bytes(compile(&[source(lines)], &settings).canonical).unwrap()
    };
    let mut dice = Dice(0x1357_9bdf_0246_8ace);
    let mut here = canonical(&lines);
    let mut costs = Vec::new();
    for _ in 0..deltas {
        let before = source(&lines);
        let changed = change(&mut lines, &mut dice);
        let told: BTreeSet<u32> = between(&Listing::of(&[before]), &Listing::of(&[source(&lines)]))
            .iter()
            .map(|difference| difference.sid)
            .collect();
        assert_eq!(told, changed);
        let full = canonical(&lines);
        let delta = make_delta(&here, &full).unwrap();
        let cost = delta.len() - DELTA_HEADER_BYTES;
        assert!(cost <= DELTA_BYTES_MAX, "{cost} bytes for {changed:?}");
        costs.push(cost);
        let mut arrived = Vec::new();
        apply_delta(&here, &delta, &mut arrived).unwrap();
        assert!(arrived == full.bytes(), "not the bytes of the full pack");
        here = CanonicalPack::from_bytes(arrived).unwrap();
    }
    let mut mapped = Vec::new();
    derive(&here, &mut mapped).unwrap();
    assert!(
        mapped == compile(&[source(&lines)], &settings).pack,
        "not the full pack"
    );
    costs.sort_unstable();
    eprintln!(
        "{deltas} deltas of {CHANGES} changes each: {} to {} bytes, half of them below {}",
        costs[0],
        costs[costs.len() - 1],
        costs[costs.len() / 2]
    );
}
