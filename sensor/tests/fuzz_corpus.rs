//! The fuzzers' corpus as a normal test: what once reached something new, or once broke something, stays harmless.
#![allow(clippy::unwrap_used)]

#[path = "../fuzz/harness.rs"]
mod harness;

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lapwing_sensor::app_layer::fuzz::{fuzz_entry, parser_names};

/// The inputs kept for a target; none if it was never fuzzed.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/corpus/{name}.txt"));
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| STANDARD.decode(line).unwrap())
        .collect()
}

#[test]
fn every_parser_survives_its_corpus() {
    let mut inputs = 0;
    for (place, name) in parser_names().iter().enumerate() {
        for mut input in corpus(name) {
            // The parser's place may have changed since the input was kept.
            if let Some(first) = input.first_mut() {
                *first = u8::try_from(place).unwrap();
            }
            fuzz_entry(&input);
            inputs += 1;
        }
    }
    assert!(inputs > 1_000, "the corpus is nearly empty: {inputs}");
}

#[test]
fn every_corpus_belongs_to_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let known = parser_names();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            name == "pipeline" || known.iter().any(|parser| parser == name),
            "{} is the corpus of nothing",
            path.display()
        );
    }
}

#[test]
fn the_engine_survives_its_corpus_and_still_alerts() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    let mut engine = harness::Engine::with_rules_of_cases(&cases);
    let alerts: u64 = corpus("pipeline")
        .iter()
        .map(|input| engine.run(input))
        .sum();
    assert!(alerts > 0, "no input of the corpus reaches a rule");
}
