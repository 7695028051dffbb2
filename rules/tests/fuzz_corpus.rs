//! Every file of the fuzzers' corpus through its target's entry.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::PathBuf};

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
