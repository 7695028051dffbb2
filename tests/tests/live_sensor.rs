//! A sensor on one end of a cable between two network name spaces: it sends not a frame, finds a lost interface again, and takes new
//! rules under load. Without the rights to make name spaces these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lapwing_tests::cases;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::name_spaces::{GENERATOR_PORT, NameSpaces, SENSOR_PORT, frames_of};
use lapwing_tests::processes::{Process, run};
use lapwing_tests::programs::{program, workspace_root};
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use pcap::{Capture, Direction};

const PATIENCE: Duration = Duration::from_secs(60);

/// Frames that the sensor's port sends, seen at the other end, until enough came or the time is over.
fn sent_by_sensor(pair: &NameSpaces, within: Duration, enough: usize) -> Result<usize> {
    NameSpaces::within(&pair.generator, || {
        let port = Capture::from_device(GENERATOR_PORT)?
            .promisc(true)
            .immediate_mode(true)
            .open()?;
        port.direction(Direction::In)?;
        let mut port = port.setnonblock()?;
        let end = std::time::Instant::now() + within;
        let mut frames = 0;
        while frames < enough && std::time::Instant::now() < end {
            match port.next_packet() {
                Ok(_) => frames += 1,
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
        Ok(frames)
    })
}

/// What makes an ordinary machine answer: a question for an address, an echo request, a neighbour solicitation to everybody.
fn provocations() -> Vec<Vec<u8>> {
    let everybody = [0xff; 6];
    let us = [2, 0, 0, 0, 0, 1];
    let mut arp = [&everybody[..], &us, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &us].concat();
    arp.extend([192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2]);
    let all_nodes = [0x33, 0x33, 0, 0, 0, 1];
    let mut echo = [
        &all_nodes[..],
        &us,
        &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 58, 255],
    ]
    .concat();
    echo.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1]);
    echo.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    echo.extend([128, 0, 0, 0, 0, 1, 0, 1]);
    vec![arp, echo]
}

#[test]
fn the_capture_port_never_sends() {
    let Some(pair) = NameSpaces::make() else {
        return;
    };
    // An ordinary interface speaks as soon as it is up: what this test listens for is there to be heard.
    NameSpaces::prepare(&pair.generator, GENERATOR_PORT).unwrap();
    let up = ["-n", &pair.sensor, "link", "set", SENSOR_PORT, "up"];
    run(Command::new("ip").args(up)).unwrap();
    let heard = sent_by_sensor(&pair, Duration::from_secs(20), 1).unwrap();
    assert!(heard > 0, "an unprepared interface should speak");
    pair.unplug().unwrap();
    pair.plug_in().unwrap();

    // The other end is up first, so that nothing is missed.
    NameSpaces::prepare(&pair.generator, GENERATOR_PORT).unwrap();
    thread::scope(|scope| {
        let listening = scope.spawn(|| sent_by_sensor(&pair, Duration::from_secs(6), 1));
        let told = NameSpaces::prepare(&pair.sensor, SENSOR_PORT).unwrap();
        assert!(told.contains("never sends"), "{told}");
        let folder = tempfile::tempdir().unwrap();
        let mut sensor = start_sensor(&pair, folder.path(), "workers = 2").unwrap();
        wait_for_packets(folder.path(), 0).unwrap();
        for round in 1..=20 {
            pair.send(&provocations()).unwrap();
            wait_for_packets(folder.path(), round).unwrap();
            if listening.is_finished() {
                break;
            }
        }
        assert_eq!(
            listening.join().unwrap().unwrap(),
            0,
            "the capture port sent"
        );
        sensor.stop(PATIENCE).unwrap();
    });
}

/// Starts a sensor on the sensor's end of the cable.
fn start_sensor(pair: &NameSpaces, folder: &Path, capture: &str) -> Result<Process> {
    let rules = workspace_root().join("rules/starter");
    let pack = folder.join("rules.pack");
    if !pack.exists() {
        run(Command::new(program("lapwing"))
            .args(["rules", "compile"])
            .arg(rules)
            .arg("--output")
            .arg(&pack))?;
    }
    let config = folder.join("sensor.toml");
    fs::write(
        &config,
        format!(
            "state = \"state\"\nmemory = \"64 MiB\"\n[capture]\ninterface = \"{SENSOR_PORT}\"\n{capture}\n\
             [rules]\npack = \"rules.pack\"\n"
        ),
    )?;
    let mut command = NameSpaces::command(&pair.sensor, program("lapwing"));
    command.args(["sensor", "--config"]).arg(&config);
    Process::start("sensor", &mut command, folder)
}

fn status(folder: &Path) -> Option<serde_json::Value> {
    let text = fs::read(folder.join("state/status/sensor.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Waits until the sensor has seen so many packets, and gives its status.
fn wait_for_packets(folder: &Path, packets: u64) -> Result<serde_json::Value> {
    wait_for("the sensor to see packets", PATIENCE, || {
        Ok(status(folder).filter(|status| status["packets"].as_u64() >= Some(packets)))
    })
}

#[test]
fn a_lost_interface_is_found_again_by_a_sensor_without_rights() {
    let Some(pair) = NameSpaces::make() else {
        return;
    };
    pair.prepare_both().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut sensor = start_sensor(&pair, folder.path(), "workers = 2").unwrap();
    let demo = cases::all().unwrap();
    let case = demo.iter().find(|case| case.name == "demo").unwrap();
    let frames = frames_of(&case.make_capture(folder.path()).unwrap()).unwrap();
    let frames = &frames[..500];
    wait_for_packets(folder.path(), 0).unwrap();
    pair.send(frames).unwrap();
    wait_for_packets(folder.path(), 500).unwrap();

    let ip = |state: &str| {
        let link = ["-n", &pair.sensor, "link", "set", SENSOR_PORT, state];
        run(Command::new("ip").args(link)).unwrap();
    };
    // Down and up again: the kernel goes on with the same sockets.
    ip("down");
    ip("up");
    pair.send(frames).unwrap();
    wait_for_packets(folder.path(), 1000).unwrap();

    // Away, and another one of the same name: the sockets are opened again, without the rights to do anything else.
    pair.unplug().unwrap();
    wait_for_log(folder.path(), "interface lost", 1).unwrap();
    pair.plug_in().unwrap();
    pair.prepare_both().unwrap();
    wait_for_log(folder.path(), "interface is back", 1).unwrap();
    pair.send(frames).unwrap();
    let status = wait_for_packets(folder.path(), 1400).unwrap();
    let workers = status["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 2);
    assert!(
        workers
            .iter()
            .all(|worker| worker["packets"].as_u64() > Some(100)),
        "{workers:?}"
    );
    sensor.must_run().unwrap();
    sensor.stop(PATIENCE).unwrap();
}

fn wait_for_log(folder: &Path, line: &str, times: usize) -> Result<()> {
    let path = folder.join("sensor.log");
    wait_for(line, PATIENCE, || {
        let text = fs::read_to_string(&path)?;
        Ok((text.matches(line).count() >= times).then_some(()))
    })
}

/// Two packs to exchange for each other: of the corpus where there is one, else of the starter rules.
fn two_packs(folder: &Path) -> Result<[PathBuf; 2]> {
    let rules = match std::env::var_os("LAPWING_CONFORMANCE") {
        Some(corpus) => vec![PathBuf::from(corpus).join("rules/et.rules")],
        None => cases::starter_rules()?,
    };
    let more = folder.join("more.rules");
    fs::write(
        &more,
        "alert udp any any -> any any (msg:\"one more\"; content:\"another\"; sid:1; rev:1;)\n",
    )?;
    let packs = [folder.join("a.pack"), folder.join("b.pack")];
    for (pack, extra) in packs.iter().zip([None, Some(&more)]) {
        let mut command = Command::new(program("lapwing"));
        command.args(["rules", "compile"]).args(&rules).args(extra);
        run(command.arg("--output").arg(pack))?;
    }
    Ok(packs)
}

fn memory_kibibytes(process: u64, field: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no such field")?.parse()?)
}

#[test]
fn ten_packs_are_exchanged_under_load_without_a_drop_or_a_second_copy() {
    let Some(pair) = NameSpaces::make() else {
        return;
    };
    pair.prepare_both().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let packs = two_packs(folder).unwrap();
    let take = |pack: &Path| {
        fs::copy(pack, folder.join("new.pack")).unwrap();
        fs::rename(folder.join("new.pack"), folder.join("rules.pack")).unwrap();
    };
    take(&packs[0]);
    let mut sensor = start_sensor(&pair, folder, "workers = 2").unwrap();
    wait_for_packets(folder, 0).unwrap();
    let all = cases::all().unwrap();
    let case = all.iter().find(|case| case.name == "demo").unwrap();
    let frames = frames_of(&case.make_capture(folder).unwrap()).unwrap();
    let done = AtomicBool::new(false);
    let (steady, peak, status) = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut sent = 0_u64;
            while !done.load(Ordering::Relaxed) {
                for part in frames.chunks(200) {
                    pair.send(part)?;
                    sent += part.len() as u64;
                    thread::sleep(Duration::from_millis(10));
                }
            }
            anyhow::Ok(sent)
        });
        let exchanged = (|| {
            let status = wait_for_packets(folder, 40_000)?;
            let process = status["process"].as_u64().context("no process")?;
            let steady = memory_kibibytes(process, "VmRSS:")?;
            for number in 1..=10 {
                take(&packs[number % 2]);
                wait_for_log(folder, "new rules run", number)?;
            }
            anyhow::Ok((steady, memory_kibibytes(process, "VmHWM:")?))
        })();
        done.store(true, Ordering::Relaxed);
        let sent = load.join().unwrap().unwrap();
        let (steady, peak) = exchanged.unwrap();
        (steady, peak, wait_for_packets(folder, sent).unwrap())
    });
    eprintln!("resident {steady} KiB before, {peak} KiB at most");
    assert_eq!(status["dropped_packets"].as_u64(), Some(0));
    assert!(peak * 100 <= steady * 115, "{steady} KiB became {peak} KiB");

    // What is no pack leaves the one that runs.
    fs::write(folder.join("new.pack"), b"no pack at all").unwrap();
    fs::rename(folder.join("new.pack"), folder.join("rules.pack")).unwrap();
    wait_for_log(folder, "new rules are refused", 1).unwrap();
    let refused = wait_for("the status to say so", PATIENCE, || {
        Ok(status_of_rules(folder).filter(|rules| rules["refused"].is_string()))
    });
    let refused = refused.unwrap();
    assert_eq!(refused["pack"], status["rules"]["pack"]);
    sensor.must_run().unwrap();
    sensor.stop(PATIENCE).unwrap();
}

fn status_of_rules(folder: &Path) -> Option<serde_json::Value> {
    Some(status(folder)?["rules"].clone())
}

/// Numbers of the rules in the findings among lines of JSON; other lines are the program's log.
fn rules_told(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let records = lines.filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    records
        .filter_map(|record| Some(record["finding"]["rule"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn a_dry_run_on_a_live_interface_tells_what_would_leave() {
    let Some(pair) = NameSpaces::make() else {
        return;
    };
    pair.prepare_both().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let capture = format!("[capture]\ninterface = \"{SENSOR_PORT}\"\nworkers = 1\n");
    let site = Site::prepare_with(folder.path(), "dry", &capture, "").unwrap();
    site.compile_rules().unwrap();
    site.sign_policy().unwrap();
    let path = folder.path().join("input.pcap");
    let mut file = fs::File::create(&path).unwrap();
    capture_file::write(&demo::make(1, Part::Incidents), FileFormat::Pcap, &mut file).unwrap();
    let of_file = run(site.command_of(&["policy", "dry-run", "--json"]).arg(&path)).unwrap();

    let mut command = NameSpaces::command(&pair.sensor, program("lapwing"));
    command.args([
        "policy", "dry-run", "--json", "--live", "10 min", "--config",
    ]);
    command.arg(folder.path().join("sensor.toml"));
    let mut dry_run = Process::start("dry-run", &mut command, folder.path()).unwrap();
    let status = site.state().join("dry-run/status/sensor.json");
    let mut seen = |packets: u64| {
        wait_for("the dry run to see packets", PATIENCE, || {
            dry_run.must_run()?;
            let status = fs::read(&status).unwrap_or_default();
            let status = serde_json::from_slice::<serde_json::Value>(&status).ok();
            let known = status.and_then(|status| status["packets"].as_u64());
            Ok(known.filter(|known| *known >= packets))
        })
    };
    seen(0).unwrap();
    let frames = frames_of(&path).unwrap();
    pair.send(&frames).unwrap();
    seen(frames.len() as u64).unwrap();
    // Told to end it says what would have left, as it does when its time is over.
    dry_run.stop(PATIENCE).unwrap();
    let live = fs::read_to_string(folder.path().join("dry-run.log")).unwrap();
    let told = rules_told(&live);
    assert!(told.len() > 5, "{live}");
    assert_eq!(told, rules_told(&of_file));
    assert!(!live.contains("10.20."), "a subscriber's address");
    // And nothing is left of it.
    assert_eq!(site.outbox().unwrap().produced_records, 0);
    let left = fs::read_dir(site.state().join("dry-run")).unwrap();
    assert_eq!(left.count(), 0);
}
