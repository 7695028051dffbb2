//! `docs/keywords.md` is what the keyword table says. `UPDATE_EXPECT=1` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::PathBuf};

use lapwing_rules::source::keyword_reference;

#[test]
fn the_keyword_reference_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/keywords.md");
    let made = keyword_reference::markdown();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let stands = fs::read_to_string(&path).unwrap_or_default();
    let different = made
        .lines()
        .zip(stands.lines())
        .find(|(made, stands)| made != stands);
    assert!(
        made == stands,
        "docs/keywords.md is not what the keyword table says; first different line: {different:#?}\n\
         run again with UPDATE_EXPECT=1 and review the diff"
    );
}
