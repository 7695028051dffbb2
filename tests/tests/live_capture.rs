//! Live capture between two network name spaces: the same alerts as a replay, not a frame sent, lost interfaces found again.
//! Without the rights to make name spaces these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lapwing_rules::pack::Pack;
use lapwing_rules::source::Source;
use lapwing_sensor::capture::{
    CaptureFile, CapturedFrame, FlowHash, LiveCapture, LiveCaptureSettings, PacketSource,
    SourceEvent,
};
use lapwing_sensor::detect::Alert;
use lapwing_sensor::pipeline::{AlertSink, Pipeline, PipelineSettings};
use lapwing_sensor::rule_exchange::RuleOutlet;
use lapwing_tests::cases::{self, Case};
use lapwing_tests::conditions::wait_for;
use lapwing_tests::name_spaces::{GENERATOR_PORT, NameSpaces, SENSOR_PORT};
use lapwing_tests::processes::{Process, run};
use lapwing_tests::programs::{program, workspace_root};
use pcap::{Capture, Direction};

const PATIENCE: Duration = Duration::from_secs(60);

/// What one alert says: signature and ends.
type Told = Vec<String>;

#[derive(Default)]
struct Collected(Told);

impl AlertSink for Collected {
    fn alert(&mut self, alert: &Alert) {
        // Without the time: the kernel stamps a frame for each socket anew.
        self.0.push(format!(
            "{} {} {:?}",
            alert.rule.sid, alert.protocol, alert.ends
        ));
    }
}

fn pack_of(case: &Case) -> Result<Arc<Pack>> {
    let sources = case.rule_files()?.into_iter().map(|path| {
        Ok(Source {
            name: path.display().to_string().into(),
            bytes: fs::read(&path)?,
        })
    });
    let sources = sources.collect::<Result<Vec<_>>>()?;
    let compiled = lapwing_rules::compile(&sources, &lapwing_rules::Settings::default());
    Ok(Arc::new(Pack::from_bytes(compiled.pack)?))
}

fn frames_of(path: &Path) -> Result<Vec<Vec<u8>>> {
    let mut capture = Capture::from_file(path)?;
    let mut frames = Vec::new();
    while let Ok(packet) = capture.next_packet() {
        frames.push(packet.data.to_vec());
    }
    Ok(frames)
}

/// Sends frames from the generator's end of the cable.
fn send(pair: &NameSpaces, frames: &[Vec<u8>]) -> Result<()> {
    NameSpaces::within(&pair.generator, || {
        let mut port = Capture::from_device(GENERATOR_PORT)?.open()?;
        for frame in frames {
            port.sendpacket(frame.as_slice())?;
        }
        Ok(())
    })
}

fn prepare(name_space: &str, port: &str) -> Result<String> {
    let mut command = NameSpaces::command(name_space, program("lapwing"));
    run(command.args(["interfaces", "prepare", port]))
}

fn prepare_both(pair: &NameSpaces) -> Result<()> {
    prepare(&pair.generator, GENERATOR_PORT)?;
    prepare(&pair.sensor, SENSOR_PORT)?;
    Ok(())
}

/// What live capture with so many workers finds: alerts, and frames by worker. What was captured is written to `recorded`.
fn live(
    pair: &NameSpaces,
    pack: &Arc<Pack>,
    workers: usize,
    frames: &[Vec<u8>],
    recorded: &Path,
) -> Result<(Told, Vec<u64>)> {
    NameSpaces::within(&pair.sensor, || {
        let stop = Arc::new(AtomicBool::new(false));
        let settings = LiveCaptureSettings {
            workers,
            ..LiveCaptureSettings::new(&[SENSOR_PORT.to_owned()])
        };
        let sources = LiveCapture::open(&settings, &stop)?;
        let mut recorder = Capture::from_device(SENSOR_PORT)?
            .buffer_size(64 << 20)
            .snaplen(65_535)
            .promisc(true)
            .timeout(20)
            .open()?
            .setnonblock()?;
        let mut record = recorder.savefile(recorded)?;
        let counts: Vec<AtomicU64> = (0..workers).map(|_| AtomicU64::new(0)).collect();
        let (_outlet, detectors) = RuleOutlet::new(Arc::clone(pack), workers, 1 << 20);
        thread::scope(|scope| {
            let running = sources.into_iter().zip(detectors).zip(&counts).zip(0..);
            let threads: Vec<_> = running
                .map(|(((mut source, (_inlet, detector)), count), worker)| {
                    scope.spawn(move || {
                        let settings = PipelineSettings {
                            worker,
                            ..PipelineSettings::default()
                        };
                        let mut pipeline = Pipeline::new(detector, settings);
                        let mut found = Collected::default();
                        loop {
                            match source.next()? {
                                SourceEvent::End => break,
                                SourceEvent::Idle | SourceEvent::Wait => {}
                                SourceEvent::Frame(frame) => {
                                    pipeline.frame(&frame, &mut found);
                                    count.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                        }
                        pipeline.finish(&mut found);
                        ensure!(source.drops().buffer_full == 0, "frames were dropped");
                        Ok(found.0)
                    })
                })
                .collect();
            // What came while the group was being made is not counted; so begin when it stands.
            thread::sleep(Duration::from_millis(5));
            let sent = send(pair, frames).and_then(|()| {
                wait_for("all frames to be handled", PATIENCE, || {
                    let handled: u64 = counts.iter().map(|one| one.load(Ordering::Relaxed)).sum();
                    Ok((handled >= frames.len() as u64).then_some(()))
                })
            });
            stop.store(true, Ordering::Relaxed);
            let mut missing = frames.len();
            let all_recorded = wait_for("all frames to be recorded", PATIENCE, || {
                while let Ok(packet) = recorder.next_packet() {
                    record.write(&packet);
                    missing = missing.saturating_sub(1);
                }
                Ok((missing == 0).then_some(()))
            });
            record.flush()?;
            let mut told = Vec::new();
            for thread in threads {
                told.extend(
                    thread
                        .join()
                        .map_err(|_| anyhow::anyhow!("a worker panicked"))??,
                );
            }
            sent?;
            all_recorded?;
            told.sort();
            let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
            Ok((told, counts.collect()))
        })
    })
}

/// What a replay with so many workers finds.
fn replayed(pack: &Arc<Pack>, workers: u16, capture: &Path) -> Result<Told> {
    let hash = FlowHash::new([1, 3]);
    let (_outlet, detectors) = RuleOutlet::new(Arc::clone(pack), workers.into(), 1 << 20);
    let mut pipelines: Vec<_> = detectors
        .into_iter()
        .zip(0..)
        .map(|((_inlet, detector), worker)| {
            let settings = PipelineSettings {
                worker,
                ..PipelineSettings::default()
            };
            Pipeline::new(detector, settings)
        })
        .collect();
    let mut found = Collected::default();
    let mut source = CaptureFile::open(capture)?;
    while let SourceEvent::Frame(frame) = source.next()? {
        let frame: CapturedFrame<'_> = frame;
        let worker = hash.worker_of(&frame, workers.into());
        pipelines[usize::try_from(worker)?].frame(&frame, &mut found);
    }
    for pipeline in &mut pipelines {
        pipeline.finish(&mut found);
    }
    found.0.sort();
    Ok(found.0)
}

#[test]
fn alerts_are_the_same_with_one_and_two_workers_live_and_replayed() {
    let Some(pair) = NameSpaces::make() else {
        return;
    };
    prepare_both(&pair).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wanted = [
        "demo",
        "flowbits-across-packets",
        "ftp-data-connections",
        "ipv4-fragments",
        "tcp-segments-reversed",
        "threshold-limit-threshold-both",
        "vlan-and-qinq",
    ];
    let all = cases::all().unwrap();
    let cases: Vec<&Case> = all
        .iter()
        .filter(|case| wanted.contains(&case.name.as_str()))
        .collect();
    assert_eq!(cases.len(), wanted.len());
    for case in cases {
        let pack = pack_of(case).unwrap();
        let frames = frames_of(&case.make_capture(folder.path()).unwrap()).unwrap();
        let mut shares = Vec::new();
        for workers in [1, 2] {
            let recorded = folder.path().join("recorded.pcap");
            let (told, counts) = live(&pair, &pack, workers, &frames, &recorded)
                .with_context(|| case.name.clone())
                .unwrap();
            assert!(!told.is_empty(), "{}", case.name);
            assert_eq!(
                counts.iter().sum::<u64>(),
                frames.len() as u64,
                "{}",
                case.name
            );
            for replay_workers in [1, 2, 3] {
                let again = replayed(&pack, replay_workers, &recorded).unwrap();
                assert_eq!(
                    told, again,
                    "{}: {workers} live, {replay_workers}",
                    case.name
                );
            }
            shares = counts;
        }
        if case.name == "demo" {
            assert!(shares.iter().all(|share| *share > 100), "{shares:?}");
        }
    }
}

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
    prepare(&pair.generator, GENERATOR_PORT).unwrap();
    let up = ["-n", &pair.sensor, "link", "set", SENSOR_PORT, "up"];
    run(Command::new("ip").args(up)).unwrap();
    let heard = sent_by_sensor(&pair, Duration::from_secs(20), 1).unwrap();
    assert!(heard > 0, "an unprepared interface should speak");
    pair.unplug().unwrap();
    pair.plug_in().unwrap();

    // The other end is up first, so that nothing is missed.
    prepare(&pair.generator, GENERATOR_PORT).unwrap();
    thread::scope(|scope| {
        let listening = scope.spawn(|| sent_by_sensor(&pair, Duration::from_secs(6), 1));
        let told = prepare(&pair.sensor, SENSOR_PORT).unwrap();
        assert!(told.contains("never sends"), "{told}");
        let folder = tempfile::tempdir().unwrap();
        let mut sensor = start_sensor(&pair, folder.path(), "workers = 2").unwrap();
        wait_for_packets(folder.path(), 0).unwrap();
        for round in 1..=20 {
            send(&pair, &provocations()).unwrap();
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
    prepare_both(&pair).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut sensor = start_sensor(&pair, folder.path(), "workers = 2").unwrap();
    let demo = cases::all().unwrap();
    let case = demo.iter().find(|case| case.name == "demo").unwrap();
    let frames = frames_of(&case.make_capture(folder.path()).unwrap()).unwrap();
    let frames = &frames[..500];
    wait_for_packets(folder.path(), 0).unwrap();
    send(&pair, frames).unwrap();
    wait_for_packets(folder.path(), 500).unwrap();

    let ip = |state: &str| {
        let link = ["-n", &pair.sensor, "link", "set", SENSOR_PORT, state];
        run(Command::new("ip").args(link)).unwrap();
    };
    // Down and up again: the kernel goes on with the same sockets.
    ip("down");
    ip("up");
    send(&pair, frames).unwrap();
    wait_for_packets(folder.path(), 1000).unwrap();

    // Away, and another one of the same name: the sockets are opened again, without the rights to do anything else.
    pair.unplug().unwrap();
    wait_for_log(folder.path(), "interface lost", 1).unwrap();
    pair.plug_in().unwrap();
    prepare_both(&pair).unwrap();
    wait_for_log(folder.path(), "interface is back", 1).unwrap();
    send(&pair, frames).unwrap();
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
    prepare_both(&pair).unwrap();
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
                    send(&pair, part)?;
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
