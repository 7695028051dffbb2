//! Layout and comparison of rule files: a layout changes no rule, a comparison names exactly what was changed. On the rules of the
//! conformance corpus where `LAPWING_CONFORMANCE` names it, and on mutated rules everywhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what was skipped should be said")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lapwing_rules::{
    Counts, Settings, compile,
    difference::{Kind, Listing, between},
    layout::lay_out,
    source::Source,
};
use proptest::prelude::*;

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("LAPWING_CONFORMANCE").map(PathBuf::from);
    if corpus.is_none() {
        eprintln!("skipped: LAPWING_CONFORMANCE does not name the conformance corpus");
    }
    corpus
}

fn source(bytes: &[u8]) -> Source {
    Source {
        name: "x.rules".into(),
        bytes: bytes.to_vec(),
    }
}

fn compiled(bytes: &[u8]) -> (Vec<u8>, Counts) {
    let compiled = compile(&[source(bytes)], &Settings::default());
    (compiled.pack, compiled.counts)
}

/// The layout is its own layout, and compiles to the same bytes.
fn check_layout(text: &[u8], name: &str) {
    let laid_out = lay_out(text);
    assert!(lay_out(&laid_out) == laid_out, "{name}: not stable");
    let (before, after) = (compiled(text), compiled(&laid_out));
    assert_eq!(before.1, after.1, "{name}");
    assert!(before.0 == after.0, "{name}: another pack");
    let old = Listing::of(&[source(text)]);
    let new = Listing::of(&[source(&laid_out)]);
    assert_eq!(between(&old, &new), [], "{name}");
}

#[test]
fn a_layout_changes_no_rule_of_the_large_sets() {
    let Some(corpus) = corpus() else { return };
    for name in ["rules/et.rules", "rules/cross.rules"] {
        check_layout(&fs::read(corpus.join(name)).unwrap(), name);
    }
}

fn rule_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rule_files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rules")
        {
            found.push(path);
        }
    }
}

#[test]
fn a_layout_changes_no_rule_of_the_small_files() {
    let mut files = Vec::new();
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    rule_files(&ours, &mut files);
    if let Some(corpus) = corpus() {
        rule_files(&corpus.join("corpus"), &mut files);
    }
    for path in files {
        check_layout(&fs::read(&path).unwrap(), &path.display().to_string());
    }
}

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[test]
fn a_comparison_names_exactly_the_ten_rules_that_were_edited() {
    let Some(corpus) = corpus() else { return };
    let text = fs::read_to_string(corpus.join("rules/et.rules")).unwrap();
    let old = Listing::of(&[source(text.as_bytes())]);
    let sid_of = |line: &str| -> u32 {
        let behind = line.split("sid:").last().unwrap();
        behind.split(';').next().unwrap().trim().parse().unwrap()
    };
    let mut numbers = Numbers(7);
    for _ in 0..5 {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut edited = BTreeSet::new();
        while edited.len() < 10 {
            let index = numbers.below(lines.len());
            let line = lines[index].clone();
            if !line.starts_with("alert") || edited.iter().any(|(sid, _)| *sid == sid_of(&line)) {
                continue;
            }
            let (line, kind) = match numbers.below(6) {
                0 => (String::new(), Kind::Removed),
                1 => (format!("#{line}"), Kind::Disabled),
                2 => (line.replacen("alert ", "drop ", 1), Kind::Changed),
                3 => (line.replacen("msg:\"", "msg:\"x", 1), Kind::Changed),
                4 => (
                    line.replacen("sid:", "content:\"edited\"; sid:", 1),
                    Kind::Changed,
                ),
                _ => {
                    let sid = 9_100_000 + u32::try_from(edited.len()).unwrap();
                    edited.insert((sid, Kind::Added));
                    lines.push(format!(
                        "alert tcp any any -> any any (msg:\"new\"; content:\"new\"; sid:{sid}; rev:1;)"
                    ));
                    continue;
                }
            };
            edited.insert((sid_of(&lines[index]), kind));
            lines[index] = line;
        }
        let new = Listing::of(&[source(lines.join("\n").as_bytes())]);
        let found: BTreeSet<(u32, Kind)> = between(&old, &new)
            .iter()
            .map(|difference| (difference.sid, difference.kinds[0]))
            .collect();
        assert_eq!(found, edited);
    }
}

/// Pieces of rules, and what stands between them.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("alert tcp any any -> any any (".to_owned()),
        Just("alert  http [ $HOME_NET , !10.0.0.1 ]  any -> any [80, 8080] (".to_owned()),
        Just("msg : \"a b\" ; ".to_owned()),
        Just("content:\"x\\;\\\"|0d 0a|\"; ".to_owned()),
        Just("nocase;".to_owned()),
        Just("flow: established , to_server;".to_owned()),
        Just("metadata: a b ,c d,;".to_owned()),
        Just("sid:1; ".to_owned()),
        Just("sid:2; rev : 3 ;".to_owned()),
        Just(")\n".to_owned()),
        Just(")\r\n".to_owned()),
        Just(" \\\n ".to_owned()),
        Just("\\\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("# ".to_owned()),
        Just("#".to_owned()),
        Just(" ".to_owned()),
        Just(";".to_owned()),
        "[ -~]{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn a_layout_changes_nothing_of_mutated_rules(text in pieces()) {
        check_layout(&text, &String::from_utf8_lossy(&text));
    }

    #[test]
    fn a_layout_of_any_bytes_is_stable(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let laid_out = lay_out(&text);
        prop_assert_eq!(lay_out(&laid_out), laid_out);
    }
}
