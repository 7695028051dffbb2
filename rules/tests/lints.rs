//! Each lint has a file of rules in `tests/lints`, and beside it what the lint says of them. `UPDATE_EXPECT=1` writes what came out
//! as expected; the diff is the review.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fmt::Write, fs, path::PathBuf};

use lapwing_rules::{
    Level, Settings,
    lint::{LINTS, Selection, check},
    source::Source,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/lints")
}

/// What one lint says of its file.
fn remarks(code: &str) -> String {
    let name = format!("{code}.rules");
    let bytes = fs::read(folder().join(&name))
        .unwrap_or_else(|error| panic!("tests/lints/{name}, the case of {code}: {error}"));
    let source = Source {
        name: name.into(),
        bytes,
    };
    let selection = Selection::default().from_level(Level::Note);
    let checked = check(&[source], &Settings::default(), &selection);
    let mut text = String::new();
    for diagnostic in checked
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.code == code || diagnostic.level == Level::Error)
    {
        writeln!(text, "{}\n", diagnostic.with_source()).unwrap();
    }
    text
}

#[test]
fn each_lint_says_of_its_case_what_is_expected() {
    let mut wrong = Vec::new();
    for lint in LINTS {
        let found = remarks(lint.code);
        assert!(!found.is_empty(), "{} says nothing of its case", lint.code);
        let path = folder().join(lint.code).with_extension("expected");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &found).unwrap();
        }
        if found != fs::read_to_string(&path).unwrap_or_default() {
            wrong.push(format!("{}:\n{found}", lint.code));
        }
    }
    assert!(
        wrong.is_empty(),
        "run again with UPDATE_EXPECT=1 and review the diff\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_case_belongs_to_a_lint() {
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let code = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            LINTS.iter().any(|lint| lint.code == code),
            "{}",
            path.display()
        );
    }
}
