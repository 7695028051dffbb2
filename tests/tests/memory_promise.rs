//! `memory` is a promise: whatever is sent, the engine stays within it, and says what it gave up.
//!
//! Each flood of the generator is replayed with `--memory "48 MiB"` under our starter rules, where the machine allows it in a
//! control group of that much plus [`MARGIN_MEBIBYTES`]; the peak that the kernel saw is held against the same bound.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lapwing_tests::{
    cases,
    programs::program,
    traffic::{
        capture_file::{self, FileFormat},
        floods::Flood,
    },
};
use serde_json::Value;

const MEMORY_MEBIBYTES: u64 = 48;
/// What is not divided: the program and its libraries, the rules, and what the allocator cannot give back at once.
const MARGIN_MEBIBYTES: u64 = 8;

/// A control group with a limit of memory, removed at the end.
struct ControlGroup(PathBuf);

impl ControlGroup {
    /// `None` where this machine has no version 2 of them, or we may not make any.
    fn new(name: &str, mebibytes: u64) -> Option<Self> {
        let group = PathBuf::from(format!(
            "/sys/fs/cgroup/lapwing-{name}-{}",
            std::process::id()
        ));
        fs::create_dir(&group).ok()?;
        let group = Self(group);
        fs::write(group.0.join("memory.max"), (mebibytes << 20).to_string()).ok()?;
        // Without this a process could go on in swap.
        fs::write(group.0.join("memory.swap.max"), "0").ok();
        Some(group)
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        fs::remove_dir(&self.0).ok();
    }
}

/// What the replay of a flood counted.
fn counters_of(flood: Flood, folder: &Path) -> Value {
    let capture = folder.join("flood.pcap");
    let mut file = std::io::BufWriter::new(fs::File::create(&capture).unwrap());
    capture_file::write(&flood.make(), FileFormat::Pcap, &mut file).unwrap();
    drop(file);
    let group = ControlGroup::new(
        &format!("{flood:?}").to_lowercase(),
        MEMORY_MEBIBYTES + MARGIN_MEBIBYTES,
    );
    let mut command = match &group {
        Some(group) => {
            // The shell moves itself into the group and becomes the program.
            let mut command = Command::new("sh");
            command
                .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
                .arg(group.0.join("cgroup.procs"))
                .arg(program("lapwing"));
            command
        }
        None => Command::new(program("lapwing")),
    };
    command.args(["replay", "--counters", "--output", "eve"]);
    command.args(["--memory", &format!("{MEMORY_MEBIBYTES} MiB")]);
    for rules in cases::starter_rules().unwrap() {
        command.arg("--rules").arg(rules);
    }
    let output = command
        .arg(&capture)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success(),
        "{flood:?}: {}: {said}",
        output.status
    );
    let line = said.lines().find_map(|line| {
        line.strip_prefix("lapwing: ")
            .filter(|said| said.starts_with('{'))
    });
    let counters: Value = serde_json::from_str(line.unwrap()).unwrap();
    eprintln!(
        "{flood:?}: {} KiB at most{}",
        counters["resident_kibibytes_max"],
        if group.is_some() {
            ", in a control group"
        } else {
            ""
        }
    );
    counters
}

/// Replays a flood within its bound; whether the engine counted anything under these names, each `part/counter`.
fn holds(flood: Flood, given_up: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let counters = counters_of(flood, folder.path());
    let peak = counters["resident_kibibytes_max"].as_u64().unwrap();
    let bound = (MEMORY_MEBIBYTES + MARGIN_MEBIBYTES) << 10;
    assert!(
        peak <= bound,
        "{flood:?}: {peak} KiB, more than {bound}: {counters}"
    );
    for name in given_up {
        let count = counters["engine"].pointer(&format!("/{name}"));
        assert!(
            count.and_then(Value::as_u64) > Some(0),
            "{flood:?}: {name} in {counters}"
        );
    }
    let panics = &counters["engine"]["panics_caught"];
    assert_eq!(panics, 0, "{flood:?}");
}

#[test]
fn connection_attempts_that_nobody_answers() {
    holds(Flood::Syn, &["flow/evicted_new"]);
}

#[test]
fn fragments_whose_rest_never_comes() {
    holds(Flood::Fragments, &["decode/fragmented_packets_evicted"]);
}

#[test]
fn a_million_flows() {
    holds(Flood::Flows, &["flow/evicted_new"]);
}

#[test]
fn ten_thousand_slow_posts() {
    holds(Flood::SlowPosts, &["flow/evicted_established"]);
}

#[test]
fn answers_that_unpack_a_thousandfold() {
    holds(Flood::GzipBombs, &[]);
}
