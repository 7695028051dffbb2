//! What somebody who has taken over a process of ours can still do: a stand-in gives up its rights by the same code as the real
//! programs, and tries everything.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use lapwing_tests::processes::run;
use lapwing_tests::programs::program;
use rustix::thread::{CapabilitySet, capabilities};

/// What a stand-in may, and how far it is confined.
fn may(process: &str) -> (BTreeSet<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    let mut command = Command::new(program("lapwing-stand-in"));
    let output = run(command.arg(process).arg(&state)).unwrap();
    let allowed = output.lines().filter_map(|line| line.strip_prefix("may: "));
    let confined = output
        .lines()
        .find_map(|line| line.strip_prefix("confined: "));
    assert!(output.lines().count() > 25, "{output}");
    (
        allowed.map(str::to_owned).collect(),
        confined.unwrap().to_owned(),
    )
}

fn check(process: &str, sockets: &[&str]) {
    let (allowed, confined) = may(process);
    let state = [
        "write its state",
        "rename within its state",
        "read its state",
    ];
    let expected: BTreeSet<String> = state
        .iter()
        .chain(sockets)
        .map(|what| (*what).to_owned())
        .collect();
    if confined.contains("NOT files") {
        eprintln!("SKIPPED in part, {process}: {confined}");
        // Rights, sockets and programs are confined all the same.
        for what in [
            "open a raw IP socket",
            "start a program",
            "listen",
            "change its root folder",
            "take a right back",
            "send a signal to the first process",
        ] {
            assert!(!allowed.contains(what), "the {process} may {what}");
        }
        assert!(expected.is_subset(&allowed), "{allowed:?}");
        return;
    }
    assert_eq!(allowed, expected, "{process}, confined: {confined}");
}

#[test]
fn a_sensor_that_is_taken_over_reaches_nothing() {
    // Only with the right to do so can it open its interface again.
    let may_capture =
        capabilities(None).is_ok_and(|now| now.effective.contains(CapabilitySet::NET_RAW));
    let sockets: &[&str] = if may_capture {
        &["open a local socket", "open a packet socket"]
    } else {
        &["open a local socket"]
    };
    check("sensor", sockets);
}

#[test]
fn an_uplink_that_is_taken_over_sees_no_packet() {
    check(
        "uplink",
        &[
            "open a local socket",
            "open a TCP socket",
            "open a TCP socket over IPv6",
            "open a UDP socket",
        ],
    );
}
