//! Every help page holds what it says: its first example is remarked, its second is not. `UPDATE_EXPECT=1` writes `docs/lints.md`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use lapwing_rules::{
    Level, Settings,
    help::{self, Topic},
    lint::{Selection, check},
    source::Source,
};

/// The codes of all that is said about these rules.
fn codes(rules: &str) -> BTreeSet<&'static str> {
    let source = Source {
        name: "example.rules".into(),
        bytes: rules.as_bytes().to_vec(),
    };
    let selection = Selection::default().from_level(Level::Note);
    check(&[source], &Settings::default(), &selection)
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

/// Mistakes that no short example shows.
const WITHOUT_EXAMPLE: [&str; 11] = [
    "indicator",
    "list-without-type",
    "list-of-two-types",
    "unreadable-list",
    "lists-too-large",
    "too-long",
    "too-many-rules",
    "limit-without-effect",
    "bad-reputation",
    "prefilter",
    "unsupported",
];

#[test]
fn examples_show_what_their_page_says() {
    let mut wrong = Vec::new();
    for topic in help::topics() {
        let code = topic.code();
        let examples = topic.examples();
        if WITHOUT_EXAMPLE.contains(&code) {
            assert!(examples.is_empty(), "{code}");
            continue;
        }
        let [bad, good] = examples.as_slice() else {
            panic!("{code}: a page has two examples, not {}", examples.len());
        };
        if !codes(bad).contains(code) {
            wrong.push(format!("{code}: not remarked: {bad}only {:?}", codes(bad)));
        }
        let remarks = codes(good);
        if remarks.contains(code) {
            wrong.push(format!("{code}: remarked: {good}"));
        }
        let refused = help::topics()
            .filter(|topic| topic.level() == Level::Error)
            .any(|topic| remarks.contains(topic.code()));
        if refused {
            wrong.push(format!("{code}: refused: {good}{remarks:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn codes_are_unique_and_pages_are_complete() {
    let mut seen = BTreeSet::new();
    for topic in help::topics() {
        let code = topic.code();
        assert!(seen.insert(code), "{code} stands twice");
        assert!(
            code.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{code}"
        );
        let summary = topic.summary();
        assert!(
            summary.ends_with('.') && summary.len() < 120,
            "{code}: {summary}"
        );
        let is_lint = matches!(topic, Topic::Lint(_));
        assert_eq!(topic.group().is_some(), is_lint);
        assert!(help::find(code).is_some());
    }
}

/// Codes are literals where remarks are made; each must have a page.
#[test]
fn every_code_in_the_sources_has_a_page() {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut without = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for start in ["Problem::error(", "Problem::warning("] {
                for call in text.split(start).skip(1) {
                    let code = call
                        .trim_start()
                        .strip_prefix('"')
                        .and_then(|rest| rest.split('"').next());
                    if let Some(code) = code
                        && code != "rule"
                        && help::find(code).is_none()
                    {
                        without.insert(format!("{}: {code}", path.display()));
                    }
                }
            }
        }
    }
    // Codes that are chosen at run time show in the golden remarks.
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    for entry in fs::read_dir(golden).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        for remark in text.split(": error[").skip(1) {
            let code = remark.split(']').next().unwrap();
            if help::find(code).is_none() {
                without.insert(code.to_owned());
            }
        }
    }
    assert!(
        without.is_empty(),
        "no page in rules/src/help: {without:#?}"
    );
}

#[test]
fn the_page_of_remarks_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/lints.md");
    let made = help::markdown();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let stands = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        made == stands,
        "docs/lints.md is not what the doc comments say; run again with UPDATE_EXPECT=1 and review the diff"
    );
}
