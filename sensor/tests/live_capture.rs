//! Live capture with real processes, on the loopback interface. Capturing needs rights: without them the tests say that
//! they were skipped.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod program;
mod stored;

use std::{
    fs,
    net::UdpSocket,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use lapwing_wire::{DisclosedAddress, Lane, RecordBody};
use program::lapwing;
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{CapabilitySet, capabilities},
};
use stored::stored_records;

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sensor's folder. The filter lets through only what the test itself sends to `address`.
struct Site(tempfile::TempDir);

impl Site {
    /// `None` where capturing is not permitted.
    fn new(address: &str) -> Option<Self> {
        if !capabilities(None)
            .unwrap()
            .effective
            .contains(CapabilitySet::NET_RAW)
        {
            eprintln!("skipped: capturing needs CAP_NET_RAW");
            return None;
        }
        let site = Self(tempfile::tempdir().unwrap());
        lapwing(&["policy", "keygen", "--out", &site.path("isp.key")]).succeeded();
        fs::write(
            site.path("policy.toml"),
            lapwing(&["policy", "template"]).succeeded(),
        )
        .unwrap();
        lapwing(&[
            "policy",
            "sign",
            "--key",
            &site.path("isp.key"),
            &site.path("policy.toml"),
        ])
        .succeeded();
        let rule = "alert udp any any -> any 53 (msg:\"x\"; content:\"needle\"; priority:1; sid:1; rev:1;)\n";
        fs::write(site.path("own.rules"), rule).unwrap();
        let settings = format!(
            "state = 'state'\n[rules]\nfiles = ['own.rules']\n[policy]\nfile = 'policy.signed'\nisp_key = 'isp.pub'\n\
             [capture]\ninterface = 'lo'\nfilter = 'udp port 53 and host {address}'\n[findings]\nheartbeat = '1 s'\n"
        );
        fs::write(site.path("sensor.toml"), settings).unwrap();
        Some(site)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn outbox(&self) -> PathBuf {
        self.0.path().join("state/outbox")
    }

    fn start(&self, command: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_lapwing"))
            .args([command, "--config", &self.path("sensor.toml")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// The process number of a sensor that runs, other than `not`.
    fn wait_for_sensor(&self, not: i64) -> i64 {
        wait_for("a running sensor", || {
            let status = fs::read(self.path("state/status/sensor.json")).ok()?;
            let status: serde_json::Value = serde_json::from_slice(&status).ok()?;
            status["process"].as_i64().filter(|process| *process != not)
        })
    }

    fn findings(&self) -> usize {
        let is_finding =
            |stored: &stored::Stored| matches!(stored.record.body, RecordBody::Finding(_));
        stored_records(&self.outbox())
            .iter()
            .filter(|stored| is_finding(stored))
            .count()
    }
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_grave_finding_is_stored_at_once_and_a_silent_interface_does_not_hold_the_stop() {
    let Some(site) = Site::new("127.0.0.98") else {
        return;
    };
    let mut sensor = site.start("sensor");
    site.wait_for_sensor(0);
    let socket = UdpSocket::bind("127.0.0.98:0").unwrap();
    let mut sent = 0;
    wait_for("finding", || {
        sent += socket
            .send_to(b"a needle", "127.0.0.98:53")
            .map_or(0, |_| 1);
        (site.findings() > 0).then_some(())
    });
    // Heartbeats go on while nothing comes.
    let heartbeats = || {
        let records = stored_records(&site.outbox());
        records
            .iter()
            .filter(|stored| matches!(stored.record.body, RecordBody::Heartbeat(_)))
            .count()
    };
    let before = heartbeats();
    wait_for("further heartbeats", || {
        (heartbeats() > before + 1).then_some(())
    });
    let asked = Instant::now();
    signal(&sensor, Signal::TERM);
    assert!(sensor.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(10));
    let records = stored_records(&site.outbox());
    let findings = records
        .iter()
        .filter_map(|stored| match &stored.record.body {
            RecordBody::Finding(finding) => Some((stored.lane, finding)),
            _ => None,
        });
    let mut told = 0;
    for (lane, finding) in findings {
        told += finding.count;
        assert_eq!((lane, finding.rule.sid), (Lane::Critical, 1));
        assert_eq!(
            finding.source.address,
            DisclosedAddress::Clear("127.0.0.98".parse().unwrap())
        );
    }
    assert!(told > 0 && told <= sent, "{told} of {sent}");
}

#[test]
fn a_supervised_sensor_is_started_again_and_stopped_with_its_supervisor() {
    let Some(site) = Site::new("127.0.0.97") else {
        return;
    };
    let mut supervisor = site.start("run");
    let first = site.wait_for_sensor(0);
    kill_process(pid(first), Signal::KILL).unwrap();
    let second = site.wait_for_sensor(first);
    signal(&supervisor, Signal::TERM);
    assert!(supervisor.wait().unwrap().success());
    assert!(is_gone(second));

    // Even a supervisor that is killed takes its processes with it.
    let mut supervisor = site.start("run");
    let third = site.wait_for_sensor(second);
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    wait_for("end of the sensor", || is_gone(third).then_some(()));
}

fn pid(process: i64) -> Pid {
    Pid::from_raw(i32::try_from(process).unwrap()).unwrap()
}

/// Also true of a process that ended and that nobody has waited for.
fn is_gone(process: i64) -> bool {
    fs::read(format!("/proc/{process}/cmdline")).map_or(true, |line| line.is_empty())
}
