//! Every case through the real program: `lapwing replay --output eve` must find what `expected.jsonl` says.
//!
//! `UPDATE_EXPECT=1` writes down what was found instead; `tests/cases/README.md` says when that is right.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use lapwing_tests::cases::{self, Alerts, Case};
use lapwing_tests::programs::program;

/// The answer of the sensor to a case.
fn found(case: &Case) -> Result<Alerts> {
    let folder = tempfile::tempdir()?;
    let capture = case.make_capture(folder.path())?;
    let mut command = Command::new(program("lapwing"));
    command.args(["replay", "--output", "eve"]);
    for file in case.rule_files()? {
        command.arg("--rules").arg(file);
    }
    if let Some(file) = case.thresholds() {
        command.arg("--thresholds").arg(file);
    }
    if let Some([categories, reputations]) = case.reputations() {
        command.arg("--iprep-categories").arg(categories);
        command.arg("--iprep").arg(reputations);
    }
    if let Some(file) = case.settings() {
        command.arg("--config").arg(file);
    }
    if let Some(file) = case.indicators() {
        command.arg("--indicators").arg(file);
    }
    let output = command.arg(&capture).output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{}: {}: {complaint}",
        case.name,
        output.status
    );
    cases::alerts_of_eve(&String::from_utf8(output.stdout)?).with_context(|| case.name.clone())
}

#[test]
fn every_case_finds_what_it_must() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut report = Vec::new();
    for case in cases::all().unwrap() {
        let alerts = match found(&case) {
            Ok(alerts) => alerts,
            Err(error) => {
                report.push(format!("{}: {error:#}", case.name));
                continue;
            }
        };
        if update {
            case.rewrite_expected(&alerts).unwrap();
            continue;
        }
        let differences = cases::differences(&case.expected().unwrap(), &alerts);
        if !differences.is_empty() {
            report.push(format!("{}:\n  {}", case.name, differences.join("\n  ")));
        }
    }
    assert!(
        report.is_empty(),
        "{} cases differ\n{}",
        report.len(),
        report.join("\n")
    );
}

#[test]
fn a_case_finds_the_same_twice() {
    let case = cases::all()
        .unwrap()
        .into_iter()
        .find(|case| case.name == "demo")
        .unwrap();
    assert_eq!(found(&case).unwrap(), found(&case).unwrap());
}
