//! `lapwing rules` as a person calls it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs;

use lapwing_rules::pack::Pack;
use program::lapwing;

const GOOD: &str = "alert http any any -> $HOME_NET 8000: (msg:\"a login page\"; flow:to_server; \
    http.uri; content:\"/Login\"; nocase; classtype:web-application-attack; reference:cve,2024-1; sid:11; rev:2;)\n";
const BAD: &str = "alert tcp any any -> any any (msg:\"typing\"; contant:\"x\"; sid:12;)\n";
const NOT_RUN: &str = "alert tcp any any -> any any (msg:\"script\"; lua:x.lua; sid:13;)\n";

/// A folder with one rule file, and that file's path.
fn rule_file(rules: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.rules");
    fs::write(&path, rules).unwrap();
    (folder, path.display().to_string())
}

#[test]
fn check_names_the_place_and_the_remedy() {
    let (_folder, file) = rule_file(&format!("{GOOD}{BAD}{NOT_RUN}"));
    let said = lapwing(&["rules", "check", &file]);
    assert_eq!(said.status, Some(1));
    for part in [
        "my.rules:2:45: error[unknown-keyword]: `contant` is no keyword (perhaps `content` is meant)",
        "1 rules run, 1 are not supported, 1 were refused",
    ] {
        assert!(said.output.contains(part), "{}", said.output);
    }
    let said = lapwing(&["rules", "check", "--output", "json", &file]);
    let line: serde_json::Value = serde_json::from_str(&said.output).unwrap();
    assert_eq!(line["sid"], 12);
}

#[test]
fn a_compiled_pack_opens_and_explains_itself() {
    let (folder, file) = rule_file(GOOD);
    let packed = folder.path().join("my.pack");
    let arguments = ["rules", "compile", &file, "--output"];
    let target = packed.display().to_string();
    let said = lapwing(&[&arguments[..], &[target.as_str()]].concat()).succeeded();
    let pack = Pack::open(&packed).unwrap();
    assert_eq!(pack.rule_count(), 1);
    assert!(said.contains(&hex::encode(pack.digest())), "{said}");
    let names = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 2, "nothing is left beside rules and pack");

    let said = lapwing(&["rules", "explain", "11", &file]).succeeded();
    for part in [
        "1:11:2  a login page",
        "8000-65535",
        "10.0.0.0-10.255.255.255",
        "\"/login\", any case",
        "priority 1",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    let line = lapwing(&["rules", "explain", "99", &file]).failed_with_one_line();
    assert_eq!(line, "lapwing: no rule has sid 99\n");
}

#[test]
fn coverage_gives_reasons() {
    let (_folder, file) = rule_file(&format!("{GOOD}{NOT_RUN}"));
    let said = lapwing(&["rules", "coverage", "--all", &file]).succeeded();
    for part in [
        "1 of 2 rules run in full (50.0 %)",
        "scripts are not run",
        "sid 13",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn what_is_no_rule_file_gives_one_line() {
    let (folder, _) = rule_file("");
    let absent = folder.path().join("absent.rules").display().to_string();
    for name in [absent, folder.path().display().to_string()] {
        let line = lapwing(&["rules", "check", &name]).failed_with_one_line();
        assert!(line.contains(&name), "{line}");
    }
}
