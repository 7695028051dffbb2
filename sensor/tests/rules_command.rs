//! `lapwing rules` as a person calls it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs;

use lapwing_rules::pack::Pack;
use program::lapwing;

const GOOD: &str = "alert http any any -> $HOME_NET 8000: (msg:\"a login page\"; flow:to_server; \
    http.uri; content:\"/Login\"; nocase; classtype:web-application-attack; reference:cve,2024-1001; sid:11; rev:2;)\n";
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
        "my.rules:2:45: error[unknown-keyword]: `contant` is no keyword\n",
        "= perhaps `content` is meant\n",
        "1 rules run, 1 are not supported, 1 were refused",
    ] {
        assert!(said.output.contains(part), "{}", said.output);
    }
    let said = lapwing(&["rules", "check", "--format", "json", &file]);
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
        "\"/login\" in any case",
        "only where http.uri of the client has \"/login\"",
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
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for name in [absent, empty.display().to_string()] {
        let line = lapwing(&["rules", "check", &name]).failed_with_one_line();
        assert!(line.contains(&name), "{line}");
    }
}

const COSTLY: &str = "alert tcp any any -> any 80 (msg:\"costly\"; flow:to_server,established; pcre:\"/a.c/\"; sid:21;)\n";

#[test]
fn remarks_are_chosen_by_level_code_and_group() {
    let (_folder, file) = rule_file(COSTLY);
    let codes = |arguments: &[&str]| -> (Option<i32>, Vec<String>) {
        let said =
            lapwing(&[&["rules", "check", "--format", "json"], arguments, &[&file]].concat());
        let codes = said
            .output
            .lines()
            .map(|line| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                value["code"].as_str().unwrap().to_owned()
            })
            .collect();
        (said.status, codes)
    };
    let costly = "expression-without-content".to_owned();
    assert_eq!(codes(&[]), (Some(0), vec![costly.clone()]));
    assert_eq!(codes(&["--allow", "cost"]), (Some(0), vec![]));
    assert_eq!(codes(&["--deny", &costly]), (Some(1), vec![costly.clone()]));
    let (status, notes) = codes(&["--level", "note"]);
    assert_eq!(status, Some(0));
    assert!(notes.contains(&"missing-revision".to_owned()), "{notes:?}");
    let line = lapwing(&["rules", "check", "--allow", "nonsense", &file]).failed_with_one_line();
    assert!(line.contains("`nonsense` is neither"), "{line}");
}

#[test]
fn codes_and_keywords_are_explained() {
    let page = lapwing(&["rules", "help", "no-prefilter"]).succeeded();
    assert!(
        page.starts_with("no-prefilter (warning, cost)\n\nNothing can be looked for first.\n"),
        "{page}"
    );
    let list = lapwing(&["rules", "help"]).succeeded();
    assert!(list.contains("unknown-keyword"), "{list}");
    lapwing(&["rules", "help", "nonsense"]).failed_with_one_line();
    let entry = lapwing(&["rules", "keywords", "file_data"]).succeeded();
    assert!(entry.starts_with("keyword       file.data\n"), "{entry}");
    let line = lapwing(&["rules", "keywords", "contnet"]).failed_with_one_line();
    assert!(line.contains("perhaps `content` is meant"), "{line}");
}

#[test]
fn fmt_lays_out_in_place_and_check_only_names() {
    let untidy = "alert  tcp any any->any any (sid:1;)\nalert  tcp any any -> any any (msg:\"x\";content: \"abcd\";sid:2; )\n";
    let tidy = "alert  tcp any any->any any (sid:1;)\nalert tcp any any -> any any (msg:\"x\"; content:\"abcd\"; sid:2;)\n";
    let (folder, file) = rule_file(untidy);
    let said = lapwing(&["rules", "fmt", "--check", &file]);
    assert_eq!(said.status, Some(1));
    assert!(said.output.starts_with(&file), "{}", said.output);
    assert_eq!(fs::read_to_string(&file).unwrap(), untidy);
    assert_eq!(
        lapwing(&["rules", "fmt", "--stdout", &file]).succeeded(),
        tidy
    );
    let folder = folder.path().display().to_string();
    lapwing(&["rules", "fmt", &folder]).succeeded();
    assert_eq!(fs::read_to_string(&file).unwrap(), tidy);
    lapwing(&["rules", "fmt", "--check", &folder]).succeeded();
}

#[test]
fn diff_names_what_changed_in_files_and_packs() {
    let (old_folder, old) = rule_file(&format!("{GOOD}{COSTLY}"));
    let changed = GOOD.replace("8000:", "9000:").replace("rev:2", "rev:3");
    let (new_folder, new) = rule_file(&format!("{changed}#{COSTLY}"));
    let said = lapwing(&["rules", "diff", &old, &new]).succeeded();
    let expected = "changed           1:11 rev 2 → 3  a login page\n\
        \u{20}   - alert http any any -> $HOME_NET 8000:\n\
        \u{20}   + alert http any any -> $HOME_NET 9000:\n\
        disabled          1:21 rev 0  costly\n\
        0 added, 0 removed, 1 changed, 0 enabled, 1 disabled\n";
    assert_eq!(said, expected);
    assert_eq!(
        lapwing(&["rules", "diff", "--exit-code", &old, &new]).status,
        Some(1)
    );
    lapwing(&["rules", "diff", "--exit-code", &old, &old]).succeeded();

    let pack = |folder: &tempfile::TempDir, rules: &str| -> String {
        let pack = folder.path().join("my.pack").display().to_string();
        lapwing(&["rules", "compile", rules, "--output", &pack]).succeeded();
        pack
    };
    let (old_pack, new_pack) = (pack(&old_folder, &old), pack(&new_folder, &new));
    let json = lapwing(&["rules", "diff", "--format", "json", &old_pack, &new_pack]).succeeded();
    let differences: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(differences.len(), 2, "{json}");
    assert_eq!(differences[0]["kinds"], serde_json::json!(["changed"]));
    let details = differences[0]["details"].to_string();
    assert!(details.contains("9000-65535"), "{details}");
    assert_eq!(differences[1]["kinds"], serde_json::json!(["removed"]));
    // A file and the pack that was made of it do the same.
    let said = lapwing(&["rules", "diff", "--exit-code", &old, &old_pack]).succeeded();
    assert_eq!(
        said,
        "0 added, 0 removed, 0 changed, 0 enabled, 0 disabled\n"
    );
}
