//! Rule files in, expected diagnostics out. `UPDATE_EXPECT=1` writes what came out as expected; the diff is the review.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fmt::Write, fs, path::PathBuf};

use lapwing_rules::{Compiled, Settings, compile, pack::Pack, source::Source};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn compile_file(name: &str) -> Compiled {
    let source = Source {
        name: name.into(),
        bytes: fs::read(folder().join(name)).unwrap(),
    };
    compile(&[source], &Settings::default())
}

fn check(name: &str) -> Compiled {
    let compiled = compile_file(name);
    let mut found = String::new();
    for diagnostic in compiled.diagnostics.iter().chain(&compiled.unsupported) {
        writeln!(found, "{}\n", diagnostic.with_source()).unwrap();
    }
    writeln!(found, "{:?}", compiled.counts).unwrap();
    let path = folder().join(name).with_extension("expected");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "run again with UPDATE_EXPECT=1 and review the diff"
    );
    compiled
}

#[test]
fn what_the_reference_refuses_is_refused() {
    let compiled = check("refused.rules");
    // Two rules share a sid; the first of them is fine.
    assert_eq!(compiled.counts.compiled, 1);
}

#[test]
fn what_the_reference_loads_is_loaded() {
    let compiled = check("accepted.rules");
    assert_eq!(compiled.counts.refused, 0);
}

#[test]
fn lines_are_joined_and_places_are_right() {
    let compiled = check("lines.rules");
    assert_eq!(compiled.counts.disabled, 1);
    let unknown = &compiled.diagnostics[0];
    assert_eq!((unknown.line, unknown.column), (4, 16));
}

#[test]
fn every_mistake_is_one_line_with_its_place() {
    for name in ["refused.rules", "lines.rules"] {
        for diagnostic in compile_file(name).diagnostics {
            let line = diagnostic.to_string();
            assert!(!line.contains('\n'), "{line}");
            let place = format!("{name}:{}:{}: ", diagnostic.line, diagnostic.column);
            assert!(line.starts_with(&place), "{line}");
        }
    }
}

#[test]
fn the_same_rules_give_the_same_bytes() {
    let compiled = compile_file("accepted.rules");
    assert_eq!(compiled.pack, compile_file("accepted.rules").pack);
    let pack = Pack::from_bytes(compiled.pack).unwrap();
    assert_eq!(pack.rule_count() as usize, compiled.counts.compiled);
    assert_eq!(pack.unsupported().count(), compiled.counts.unsupported);
}

/// One object a line, the same keys for each; `docs/rules.md` describes them.
#[test]
fn diagnostics_have_a_form_for_programs() {
    let compiled = compile_file("lines.rules");
    let mut found = String::new();
    for diagnostic in compiled.diagnostics.iter().chain(&compiled.unsupported) {
        writeln!(found, "{}", serde_json::to_string(diagnostic).unwrap()).unwrap();
    }
    let path = folder().join("lines.jsonl");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &found).unwrap();
    }
    assert_eq!(
        found,
        fs::read_to_string(&path).unwrap_or_default(),
        "run again with UPDATE_EXPECT=1 and review the diff"
    );
    let error: serde_json::Value = found
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|value: &serde_json::Value| value["level"] == "error")
        .unwrap();
    assert_eq!(error["code"], "unknown-keyword");
    assert_eq!(
        (&error["line"], &error["sid"]),
        (&serde_json::json!(4), &serde_json::json!(1))
    );
}
