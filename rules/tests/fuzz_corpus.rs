//! Every file of the fuzzers' corpus through its target's entry.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};

#[test]
fn the_corpus_of_the_rule_parser_runs() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/rule_parser");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        lapwing_rules::fuzz_entry(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 4, "only {files} files");
}

/// What a fuzzer found, one input a line in base64.
fn found(name: &str) -> Vec<Vec<u8>> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/corpus/{name}.txt"));
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| BASE64.decode(line).unwrap())
        .collect()
}

#[test]
fn what_the_fuzzers_found_runs() {
    for input in found("rule_parser") {
        lapwing_rules::fuzz_entry(&input);
    }
    for input in found("open_pack") {
        lapwing_rules::pack::fuzz_entry(&input);
    }
}

#[test]
fn the_corpus_of_packs_runs_and_the_whole_ones_open() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/open_pack");
    let mut opened = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        lapwing_rules::pack::fuzz_entry(&fs::read(&path).unwrap());
        let is_whole = path
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("version-");
        let pack = lapwing_rules::pack::Pack::open(&path);
        assert_eq!(
            pack.is_ok(),
            is_whole,
            "{}: {:?}",
            path.display(),
            pack.err()
        );
        opened += usize::from(is_whole);
    }
    assert!(opened >= 1, "no pack of a released version");
}
