//! The rules of the repository itself: which package may know which, how long a file may be, which licences may come in.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lapwing_tests::programs::workspace_root;

/// What each package may depend on, of ours. `lapwing-tests` may depend on everything and nothing depends on it.
const ALLOWED_EDGES: [(&str, &[&str]); 11] = [
    ("lapwing-settings", &[]),
    ("lapwing-trust", &[]),
    ("lapwing-rules", &["lapwing-trust"]),
    ("lapwing-wire", &[]),
    ("lapwing-outbox", &["lapwing-wire"]),
    (
        "lapwing-uplink",
        &["lapwing-wire", "lapwing-outbox", "lapwing-trust"],
    ),
    (
        "lapwing-sensor",
        &[
            "lapwing-settings",
            "lapwing-rules",
            "lapwing-wire",
            "lapwing-outbox",
            "lapwing-uplink",
        ],
    ),
    ("lapwing-lake", &[]),
    (
        "lapwing-cirt",
        &[
            "lapwing-rules",
            "lapwing-trust",
            "lapwing-wire",
            "lapwing-lake",
        ],
    ),
    // The builder lays out what the first process of the image finds again: one definition for both.
    (
        "lapwing-image",
        &["lapwing-settings", "lapwing-trust", "lapwing-init"],
    ),
    ("lapwing-init", &["lapwing-settings", "lapwing-trust"]),
];

/// Crates that a package must never see, directly or through others: its place in the design forbids it.
/// `arrow`, `datafusion` and what they bring have one place, the centre; `ring` comes with them and signs requests to S3.
const FORBIDDEN_BELOW: [(&str, &[&str]); 9] = [
    ("lapwing-trust", &["tokio", "rustls", "socket2"]),
    (
        "lapwing-rules",
        &["tokio", "rustls", "socket2", "pcap", "pnet_packet"],
    ),
    ("lapwing-wire", &["tokio", "rustls", "socket2"]),
    ("lapwing-outbox", &["tokio", "rustls", "socket2"]),
    ("lapwing-sensor", &["arrow", "datafusion", "ring"]),
    ("lapwing-uplink", &["arrow", "datafusion", "ring"]),
    ("lapwing-image", &["arrow", "datafusion", "ring"]),
    ("lapwing-cirt", &["pcap", "pnet_packet"]),
    ("lapwing-lake", &["rusqlite", "axum", "pcap"]),
];

/// Only these parts of the sensor may name the uplink: the engine knows no network.
const MAY_NAME_UPLINK: [&str; 2] = ["sensor/src/main.rs", "sensor/src/commands/"];

const LONGEST_FILE_LINES: usize = 800;
/// Tables of a standard, one entry a line; splitting them would help nobody.
const TABLES: [&str; 0] = [];

/// The only files that may hold `unsafe`.
const MAY_BE_UNSAFE: [&str; 5] = [
    "rules/src/pack/mapped_file.rs",
    "sensor/src/capture/fanout.rs",
    "sensor/src/detect/prefilter/avx2.rs",
    "sensor/src/detect/prefilter/neon.rs",
    "image/init/src/system.rs",
];

/// Licences that may come in; a dependency needs at least one choice made only of these.
const LICENCES: [&str; 14] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "Unlicense",
    "Unicode-3.0",
    "BSL-1.0",
    "MPL-2.0",
];
/// Certificate roots are data, under a licence for data; the licence of bzip2 is that of BSD with other words.
const OTHER_LICENCES: [(&str, &str); 3] = [
    ("libbz2-rs-sys", "bzip2-1.0.6"),
    ("webpki-roots", "CDLA-Permissive-2.0"),
    ("webpki-root-certs", "CDLA-Permissive-2.0"),
];

/// Crates that must not come in by accident, each with its reason.
const UNWELCOME: [(&str, &str); 6] = [
    ("openssl-sys", "there is one TLS provider, aws-lc-rs"),
    ("native-tls", "there is one TLS provider, aws-lc-rs"),
    ("bincode", "unmaintained (RUSTSEC-2025-0141)"),
    ("rustls-pemfile", "unmaintained (RUSTSEC-2025-0134)"),
    ("serde_yaml", "deprecated"),
    ("async-std", "there is one async runtime, tokio"),
];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--filter-platform=x86_64-unknown-linux-gnu",
        ])
        .current_dir(workspace_root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The names of the crates that cargo really builds for a selection, features considered.
fn built_crates(selection: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--prefix=none",
            "--format={p}",
        ])
        .args(selection)
        .current_dir(workspace_root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Names of our packages with their manifest and their direct dependencies of every kind but `dev`.
fn our_packages() -> BTreeMap<String, (PathBuf, BTreeSet<String>)> {
    let root: toml::Table = fs::read_to_string(workspace_root().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let members = root["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| {
            let path = workspace_root()
                .join(member.as_str().unwrap())
                .join("Cargo.toml");
            let manifest: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
            let mut dependencies = BTreeSet::new();
            for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
                if let Some(table) = manifest.get(section).and_then(toml::Value::as_table) {
                    dependencies.extend(table.keys().cloned());
                }
            }
            (
                manifest["package"]["name"].as_str().unwrap().to_owned(),
                (path, dependencies),
            )
        })
        .collect()
}

/// Paths of all tracked files, relative to the root.
fn tracked_files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(workspace_root())
        .output()
        .unwrap();
    assert!(output.status.success(), "git ls-files failed");
    let names = String::from_utf8(output.stdout).unwrap();
    let files: Vec<String> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(files.len() > 20, "only {} files are tracked", files.len());
    files
}

fn rust_files() -> Vec<(String, String)> {
    tracked_files()
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .filter_map(|path| {
            fs::read_to_string(workspace_root().join(&path))
                .ok()
                .map(|text| (path, text))
        })
        .collect()
}

#[test]
fn packages_know_only_whom_they_may() {
    let packages = our_packages();
    let names: BTreeSet<&String> = packages.keys().collect();
    let mut wrong = Vec::new();
    for (name, (_, dependencies)) in &packages {
        let ours = dependencies
            .iter()
            .filter(|dependency| names.contains(dependency));
        if name == "lapwing-tests" {
            continue;
        }
        let Some((_, allowed)) = ALLOWED_EDGES.iter().find(|(package, _)| package == name) else {
            wrong.push(format!("{name} is not in the table of allowed edges"));
            continue;
        };
        wrong.extend(
            ours.filter(|dependency| !allowed.contains(&dependency.as_str()))
                .map(|dependency| format!("{name} -> {dependency}")),
        );
    }
    assert!(
        wrong.is_empty(),
        "edges that the design does not allow: {wrong:#?}"
    );
}

#[test]
fn the_engine_does_not_name_the_uplink() {
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .filter(|(path, _)| {
            path.starts_with("sensor/src/")
                && !MAY_NAME_UPLINK.iter().any(|place| path.starts_with(place))
        })
        .filter(|(_, text)| text.contains("lapwing_uplink"))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "these name lapwing_uplink: {wrong:?}");
}

#[test]
fn packages_do_not_reach_what_their_place_forbids() {
    let mut wrong = Vec::new();
    for (package, forbidden) in FORBIDDEN_BELOW {
        let built = built_crates(&["--package", package, "--edges", "normal"]);
        let reached = forbidden.iter().filter(|name| built.contains(**name));
        wrong.extend(reached.map(|name| format!("{package} reaches {name}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_package_takes_lints_and_versions_from_the_workspace() {
    let mut wrong = Vec::new();
    for (name, (path, _)) in our_packages() {
        let manifest: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .and_then(toml::Value::as_bool);
        if lints != Some(true) {
            wrong.push(format!("{name}: [lints] workspace = true is missing"));
        }
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (dependency, value) in table {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    wrong.push(format!("{name}: {dependency} names a version of its own"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_short_enough_to_read() {
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .filter(|(path, _)| !TABLES.contains(&path.as_str()))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(
        wrong.is_empty(),
        "longer than {LONGEST_FILE_LINES} lines, split them by idea: {wrong:#?}"
    );
}

#[test]
fn modules_say_what_they_are_for() {
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .filter(|(path, text)| path.contains("src/") && !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(
        wrong.is_empty(),
        "these do not open with a module comment: {wrong:#?}"
    );
}

#[test]
fn unsafe_code_stands_only_in_the_named_files() {
    let opens = [
        concat!("unsafe", " {"),
        concat!("unsafe", " fn"),
        concat!("unsafe", " impl"),
        concat!("unsafe", " extern"),
    ];
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .filter(|(path, text)| {
            !MAY_BE_UNSAFE.contains(&path.as_str()) && opens.iter().any(|open| text.contains(open))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn licences_are_permissive() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none named");
        let excused = OTHER_LICENCES
            .iter()
            .any(|(other, its)| *other == name && *its == licence);
        if !excused && !is_permissive(licence) {
            wrong.push(format!("{name}: {licence}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether an SPDX expression can be met with the allowed licences. `OR` and the old `/` offer a choice, `AND` does not.
fn is_permissive(expression: &str) -> bool {
    let plain = expression.replace('/', " OR ");
    let mut choices = Vec::new();
    let mut depth = 0_u32;
    let mut current = String::new();
    // Split at OR outside parentheses.
    for word in plain
        .replace('(', " ( ")
        .replace(')', " ) ")
        .split_whitespace()
    {
        match word {
            "(" => depth += 1,
            ")" => depth -= 1,
            "OR" if depth == 0 => {
                choices.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push_str(word);
        current.push(' ');
    }
    choices.push(current);
    choices.iter().any(|choice| {
        split_and(choice).iter().all(|part| {
            let inner = part
                .trim()
                .trim_start_matches("( ")
                .trim_end_matches(" )")
                .trim();
            if inner.contains(" OR ") || inner.contains(" AND ") {
                is_permissive(inner)
            } else {
                LICENCES.contains(&inner)
            }
        })
    })
}

fn split_and(choice: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_u32;
    for word in choice.split_whitespace() {
        match word {
            "(" => depth += 1,
            ")" => depth -= 1,
            "AND" if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        let last = parts.last_mut().unwrap();
        last.push_str(word);
        last.push(' ');
    }
    parts
}

#[test]
fn licence_expressions_are_understood() {
    assert!(is_permissive("MIT OR Apache-2.0"));
    assert!(is_permissive("MIT/Apache-2.0"));
    assert!(is_permissive("LGPL-3.0 OR MIT"));
    assert!(is_permissive("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(is_permissive("ISC AND (Apache-2.0 OR ISC)"));
    assert!(is_permissive("Apache-2.0 WITH LLVM-exception OR MIT"));
    assert!(!is_permissive("GPL-2.0"));
    assert!(!is_permissive("MIT AND GPL-2.0"));
    assert!(!is_permissive("(GPL-2.0 OR LGPL-3.0) AND MIT"));
}

#[test]
fn unwelcome_crates_stay_out() {
    let built = built_crates(&["--workspace"]);
    assert!(
        built.contains("serde"),
        "the list of crates is wrong: {built:?}"
    );
    let wrong: Vec<String> = UNWELCOME
        .iter()
        .filter(|(name, _)| built.contains(*name))
        .map(|(name, reason)| format!("{name}: {reason}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_case_explains_itself() {
    let mut wrong = Vec::new();
    for case in lapwing_tests::cases::all().unwrap() {
        for file in ["README.md", "scenario.toml", "expected.jsonl"] {
            if !workspace_root()
                .join("tests/cases")
                .join(&case.name)
                .join(file)
                .is_file()
            {
                wrong.push(format!("{}/{file}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "missing: {wrong:#?}");
}

#[test]
fn starter_rules_are_described_and_in_their_range() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for path in lapwing_tests::cases::starter_rules().unwrap() {
        let text = fs::read_to_string(&path).unwrap();
        let mut previous = "";
        for line in text.lines() {
            if line.starts_with("alert ") {
                let name = rule_option(line, "sid").unwrap_or_default();
                let sid: u32 = name.parse().unwrap_or(0);
                let complete = ["msg:", "classtype:", "reference:", "metadata:", "rev:"]
                    .iter()
                    .all(|part| line.contains(part));
                if !(9_000_000..=9_000_999).contains(&sid)
                    || !seen.insert(sid)
                    || !complete
                    || !previous.starts_with('#')
                {
                    wrong.push(format!("{}: sid {name}", path.display()));
                }
            }
            previous = line;
        }
    }
    assert!(
        wrong.is_empty(),
        "each rule needs a comment, msg, classtype, reference, metadata, rev and its own sid: {wrong:#?}"
    );
    assert!(seen.len() >= 25, "only {} starter rules", seen.len());
}

fn rule_option<'a>(rule: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = rule.split_once(&format!(" {name}:"))?;
    rest.split_once(';').map(|(value, _)| value)
}

#[test]
fn tracked_files_speak_of_the_project_alone() {
    // Put together at run time, so that this file does not find itself.
    let needles = ["work/", "farm/", "home/", "root/"].map(|folder| format!("/{folder}"));
    let mut wrong = Vec::new();
    for path in tracked_files() {
        let Ok(text) = fs::read_to_string(workspace_root().join(&path)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let machine_path = needles.iter().any(|needle| names_a_path(line, needle));
            let issue = line
                .to_ascii_lowercase()
                .split("issue ")
                .skip(1)
                .any(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
            if machine_path || issue {
                wrong.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "paths of one machine, or numbers of issues: {wrong:#?}"
    );
}

/// Whether a line names an absolute path below `needle`, rather than a part of a longer path or address.
fn names_a_path(line: &str, needle: &str) -> bool {
    let parts: Vec<&str> = line.split(needle).collect();
    parts.windows(2).any(|pair| {
        let starts_here = pair[0]
            .chars()
            .next_back()
            .is_none_or(|before| " \"'`(=:".contains(before));
        let goes_on = pair[1].starts_with(|after: char| after.is_ascii_lowercase());
        starts_here && goes_on
    })
}

#[test]
fn the_tree_has_its_papers() {
    for file in [
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Makefile",
        ".ci/run",
        "rustfmt.toml",
    ] {
        assert!(
            Path::new(workspace_root()).join(file).is_file(),
            "{file} is missing"
        );
    }
}
