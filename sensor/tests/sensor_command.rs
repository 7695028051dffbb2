//! `lapwing sensor` with real processes: replay into the outbox, kill -9 in the middle, stop on a signal, bad input.
#![allow(clippy::unwrap_used)]

mod program;
mod stored;
mod traffic;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use lapwing_wire::{Heartbeat, Lane, RecordBody, SensorState};
use program::lapwing;
use rustix::process::{Pid, Signal, kill_process};
use stored::{Stored, stored_records};
use traffic::write_capture;

const RULES: &str = "alert udp any any -> any 53 (msg:\"query\"; content:\"needle\"; priority:2; sid:1; rev:1;)\n\
    alert udp any any -> any 53 (msg:\"grave\"; content:\"needle7\"; priority:1; sid:2; rev:1;)\n";
/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sensor's folder: rules, signed policy, settings, a capture.
struct Site(tempfile::TempDir);

impl Site {
    fn new(packets: u32) -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        lapwing(&["policy", "keygen", "--out", &site.path("isp.key")]).succeeded();
        let template = lapwing(&["policy", "template"]).succeeded();
        fs::write(site.path("policy.toml"), template).unwrap();
        lapwing(&[
            "policy",
            "sign",
            "--key",
            &site.path("isp.key"),
            &site.path("policy.toml"),
        ])
        .succeeded();
        fs::write(site.path("own.rules"), RULES).unwrap();
        let settings = "state = 'state'\n[rules]\nfiles = ['own.rules']\n\
            [policy]\nfile = 'policy.signed'\nisp_key = 'isp.pub'\n[findings]\nwindow = '1 s'\n";
        fs::write(site.path("sensor.toml"), settings).unwrap();
        write_capture(&site.0.path().join("traffic.pcap"), packets);
        site
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn outbox(&self) -> PathBuf {
        self.0.path().join("state/outbox")
    }

    fn replay(&self, further: &[&str]) -> program::Said {
        let (config, capture) = (self.path("sensor.toml"), self.path("traffic.pcap"));
        let arguments = [
            &["sensor", "--config", &config, "--replay", &capture],
            further,
        ]
        .concat();
        lapwing(&arguments)
    }

    /// Begins a replay that takes longer than any test.
    fn begin_slow_replay(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lapwing"));
        command.args(["sensor", "--config", &self.path("sensor.toml")]);
        command.args([
            "--replay",
            &self.path("traffic.pcap"),
            "--pace",
            "20",
            "--repeat",
            "1000",
        ]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Waits until so many findings were appended since the outbox was made.
    fn wait_for_records(&self, records: u64) {
        let deadline = Instant::now() + PATIENCE;
        while lapwing_outbox::status(&self.outbox()).map_or(0, |status| status.produced_records)
            < records
        {
            assert!(Instant::now() < deadline, "no {records} records in time");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn finding_counts(records: &[Stored]) -> BTreeMap<u32, u64> {
    let mut counts = BTreeMap::new();
    for stored in records {
        if let RecordBody::Finding(finding) = &stored.record.body {
            *counts.entry(finding.rule.sid).or_default() += finding.count;
        }
    }
    counts
}

fn last_heartbeat(records: &[Stored]) -> &Heartbeat {
    let mut from_the_end = records
        .iter()
        .rev()
        .filter_map(|stored| match &stored.record.body {
            RecordBody::Heartbeat(heartbeat) => Some(heartbeat),
            _ => None,
        });
    from_the_end.next().unwrap()
}

#[test]
fn every_alert_of_a_replay_is_in_a_stored_finding() {
    let site = Site::new(100);
    let said = site.replay(&[]).succeeded();
    assert!(said.starts_with("110 alerts, "), "{said}");
    let records = stored_records(&site.outbox());
    assert_eq!(
        finding_counts(&records),
        BTreeMap::from([(1, 100), (2, 10)])
    );
    let summaries = records
        .iter()
        .filter_map(|stored| match &stored.record.body {
            RecordBody::Summary(summary) => Some((summary.packets, summary.alerts)),
            _ => None,
        });
    assert_eq!(summaries.collect::<Vec<_>>(), [(100, 110)]);
    let last = last_heartbeat(&records);
    assert_eq!((last.state, last.packets), (SensorState::Stopping, 100));
    // The same traffic twice more, later in packet time, in the same outbox.
    site.replay(&["--repeat", "2"]).succeeded();
    let records = stored_records(&site.outbox());
    assert_eq!(
        finding_counts(&records),
        BTreeMap::from([(1, 300), (2, 30)])
    );
}

#[test]
fn killed_in_the_middle_the_outbox_is_whole_and_numbers_go_on() {
    let site = Site::new(100);
    for round in 1..=5 {
        let mut sensor = site.begin_slow_replay();
        site.wait_for_records(round * 7);
        sensor.kill().unwrap();
        sensor.wait().unwrap();
    }
    let before = stored_records(&site.outbox()).len();
    site.replay(&[]).succeeded();
    let records = stored_records(&site.outbox());
    assert!(records.len() > before);
    for lane in Lane::ALL {
        let numbers = records
            .iter()
            .filter(|stored| stored.lane == lane)
            .map(|stored| stored.number);
        let numbers = numbers.collect::<Vec<_>>();
        assert_eq!(
            numbers,
            (0..numbers.len() as u64).collect::<Vec<_>>(),
            "{lane}"
        );
    }
    // Nothing that was on disk before the kill was taken away.
    let status = lapwing_outbox::status(&site.outbox()).unwrap();
    assert_eq!(
        (status.produced_records, status.evicted_records),
        (records.len() as u64, 0)
    );
}

#[test]
fn asked_to_stop_it_tells_what_is_open() {
    let site = Site::new(100);
    let mut sensor = site.begin_slow_replay();
    site.wait_for_records(5);
    let running = lapwing(&["status", "--state", &site.path("state")]).succeeded();
    assert!(running.contains("NOT ENROLLED"), "{running}");
    kill_process(Pid::from_child(&sensor), Signal::TERM).unwrap();
    assert!(sensor.wait().unwrap().success());
    let records = stored_records(&site.outbox());
    assert_eq!(last_heartbeat(&records).state, SensorState::Stopping);
    let summed = records.iter().map(|stored| match &stored.record.body {
        RecordBody::Summary(summary) => summary.alerts,
        _ => 0,
    });
    let told = finding_counts(&records).values().sum::<u64>();
    assert_eq!(summed.sum::<u64>(), told);
    assert!(
        lapwing(&["status", "--state", &site.path("state")])
            .succeeded()
            .contains("NOT RUNNING")
    );
    let json = lapwing(&["status", "--state", &site.path("state"), "--json"]).succeeded();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["outbox"]["produced_records"], records.len());
    assert_eq!(json["sensor"]["alerts"], told);
}

#[test]
fn only_one_sensor_writes_an_outbox() {
    let site = Site::new(100);
    let mut sensor = site.begin_slow_replay();
    site.wait_for_records(1);
    let second = site.replay(&[]);
    assert_eq!(second.status, Some(1));
    assert!(
        second
            .errors
            .lines()
            .any(|line| line.starts_with("lapwing: another process holds")),
        "{}",
        second.errors
    );
    sensor.kill().unwrap();
    sensor.wait().unwrap();
}

/// The last line on standard error is the failure; the lines before are the log.
#[track_caller]
fn failure(said: program::Said) -> String {
    assert_eq!(said.status, Some(1), "{}", said.errors);
    let told = said
        .errors
        .lines()
        .filter(|line| line.starts_with("lapwing: "))
        .collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{}", said.errors);
    told.concat()
}

#[test]
fn what_came_before_a_break_counts() {
    let site = Site::new(100);
    let capture = site.path("traffic.pcap");
    let whole = fs::read(&capture).unwrap();
    fs::write(&capture, &whole[..whole.len() - 5]).unwrap();
    let line = failure(site.replay(&[]));
    assert!(line.contains("traffic.pcap"), "{line}");
    let records = stored_records(&site.outbox());
    assert_eq!(finding_counts(&records).get(&1), Some(&99));
    assert_eq!(last_heartbeat(&records).state, SensorState::Stopping);
}

#[test]
fn bad_input_is_one_line() {
    let site = Site::new(1);
    fs::write(site.path("random.pcap"), [0x5a, 0xff, 0x00].repeat(333_333)).unwrap();
    let sensor = |further: &[&str]| {
        let config = site.path("sensor.toml");
        lapwing(&[&["sensor", "--config", &config], further].concat())
    };
    assert!(failure(sensor(&["--replay", &site.path("random.pcap")])).contains("random.pcap"));
    assert!(failure(sensor(&["--replay", &site.path("missing.pcap")])).contains("missing.pcap"));
    assert!(failure(sensor(&["--replay", &site.path("state")])).contains("state"));
    assert!(failure(sensor(&[])).contains("no [capture] interface is set"));
    assert_eq!(sensor(&["--replay", "x", "--pace", "0"]).status, Some(2));
    fs::write(site.path("own.rules"), "alert tcp nonsense\n".repeat(10)).unwrap();
    let said = site.replay(&[]);
    let lines = said
        .errors
        .lines()
        .filter(|line| line.starts_with("lapwing: "));
    assert_eq!(
        (said.status, lines.count()),
        (Some(1), 11),
        "{}",
        said.errors
    );
    fs::remove_file(site.path("own.rules")).unwrap();
    assert!(failure(site.replay(&[])).contains("own.rules"));
    assert!(failure(lapwing(&["status", "--state", &site.path("nowhere")])).contains("never run"));
    assert!(
        failure(lapwing(&[
            "enroll",
            "--state",
            &site.path("new"),
            "not a voucher"
        ]))
        .contains("voucher")
    );
    assert!(
        failure(lapwing(&["uplink", "--config", &site.path("sensor.toml")]))
            .contains("not enrolled")
    );
}
