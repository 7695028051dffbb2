//! Live capture between two network name spaces gives the same alerts as a replay, with one worker or several, from one interface or
//! from the two directions of a tap.
//! Without the rights to make name spaces these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::Path;
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
use lapwing_tests::name_spaces::{GENERATOR_PORT, NameSpaces, SENSOR_PORT, frames_of};
use pcap::Capture;

const PATIENCE: Duration = Duration::from_secs(60);

/// What one alert says: signature and ends.
type Told = Vec<String>;

struct Collected {
    pack: Arc<Pack>,
    told: Told,
}

impl Collected {
    fn new(pack: &Arc<Pack>) -> Self {
        Self {
            pack: Arc::clone(pack),
            told: Told::new(),
        }
    }
}

impl AlertSink for Collected {
    fn alert(&mut self, alert: &Alert) {
        let rule = self.pack.rule(alert.rule_index).unwrap();
        // Without the time: the kernel stamps a frame for each socket anew. And where only every so-manyth match is told, workers that
        // run side by side may meet in another one: the same alerts, with the ends of a neighbour.
        let is_limited = rule.limits().next().is_some();
        let ends = (!is_limited).then_some(alert.ends);
        self.told
            .push(format!("{} {} {ends:?}", alert.rule.sid, alert.protocol));
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
        let (_outlet, detectors) =
            RuleOutlet::new(Arc::clone(pack), Arc::default(), workers, 1 << 20);
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
                        let mut found = Collected::new(pack);
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
                        Ok(found.told)
                    })
                })
                .collect();
            // What came while the group was being made is not counted; so begin when it stands.
            thread::sleep(Duration::from_millis(5));
            let sent = pair.send(frames).and_then(|()| {
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
    let (_outlet, detectors) =
        RuleOutlet::new(Arc::clone(pack), Arc::default(), workers.into(), 1 << 20);
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
    let mut found = Collected::new(pack);
    let mut source = CaptureFile::open(capture)?;
    while let SourceEvent::Frame(frame) = source.next()? {
        let frame: CapturedFrame<'_> = frame;
        let worker = hash.worker_of(&frame, workers.into());
        pipelines[usize::try_from(worker)?].frame(&frame, &mut found);
    }
    for pipeline in &mut pipelines {
        pipeline.finish(&mut found);
    }
    found.told.sort();
    Ok(found.told)
}

#[test]
fn alerts_are_the_same_with_one_and_two_workers_live_and_replayed() {
    let Some(pair) = NameSpaces::make() else {
        return;
    };
    pair.prepare_both().unwrap();
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

/// The second cable of a tap.
const SECOND: [&str; 2] = ["lwgen2", "lwsen2"];

/// Whether a frame goes from the lower to the higher IPv4 address: the one direction of a tap.
fn goes_up(frame: &[u8]) -> bool {
    frame.get(26..30) < frame.get(30..34)
}

/// Sends each frame on the port of its direction, as a tap does.
fn send_on_tap(pair: &NameSpaces, frames: &[Vec<u8>]) -> Result<()> {
    NameSpaces::within(&pair.generator, || {
        let mut up = Capture::from_device(GENERATOR_PORT)?.open()?;
        let mut down = Capture::from_device(SECOND[0])?.open()?;
        for frame in frames {
            let port = if goes_up(frame) { &mut up } else { &mut down };
            port.sendpacket(frame.as_slice())?;
        }
        Ok(())
    })
}

/// What is found in the two directions of a tap, by so many workers.
fn tapped(pair: &NameSpaces, pack: &Arc<Pack>, workers: usize, frames: &[Vec<u8>]) -> Result<Told> {
    NameSpaces::within(&pair.sensor, || {
        let stop = Arc::new(AtomicBool::new(false));
        let settings = LiveCaptureSettings {
            workers,
            ..LiveCaptureSettings::new(&[SENSOR_PORT.to_owned(), SECOND[1].to_owned()])
        };
        let sources = LiveCapture::open(&settings, &stop)?;
        let (_outlet, detectors) =
            RuleOutlet::new(Arc::clone(pack), Arc::default(), workers, 1 << 20);
        let handled = AtomicU64::new(0);
        thread::scope(|scope| {
            let threads: Vec<_> = sources
                .into_iter()
                .zip(detectors)
                .map(|(mut source, (_inlet, detector))| {
                    let handled = &handled;
                    scope.spawn(move || {
                        let mut pipeline = Pipeline::new(detector, PipelineSettings::default());
                        let mut found = Collected::new(pack);
                        let mut newest = 0;
                        loop {
                            match source.next()? {
                                SourceEvent::End => break,
                                SourceEvent::Idle | SourceEvent::Wait => {}
                                SourceEvent::Frame(frame) => {
                                    ensure!(frame.time.0 >= newest, "frames came out of order");
                                    newest = frame.time.0;
                                    pipeline.frame(&frame, &mut found);
                                    handled.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                        }
                        pipeline.finish(&mut found);
                        Ok(found.told)
                    })
                })
                .collect();
            thread::sleep(Duration::from_millis(5));
            let sent = send_on_tap(pair, frames).and_then(|()| {
                wait_for("all frames to be handled", PATIENCE, || {
                    let count = handled.load(Ordering::Relaxed);
                    Ok((count >= frames.len() as u64).then_some(()))
                })
            });
            stop.store(true, Ordering::Relaxed);
            let mut told = Vec::new();
            for thread in threads {
                let found = thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a worker panicked"))?;
                told.extend(found?);
            }
            sent?;
            told.sort();
            Ok(told)
        })
    })
}

#[test]
fn the_two_directions_of_a_tap_are_one_flow() {
    let Some(pair) = NameSpaces::make() else {
        return;
    };
    pair.plug_in_between(SECOND[0], SECOND[1]).unwrap();
    pair.prepare_both().unwrap();
    NameSpaces::prepare(&pair.generator, SECOND[0]).unwrap();
    NameSpaces::prepare(&pair.sensor, SECOND[1]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wanted = [
        "ftp-data-connections",
        "http-response-gzip",
        "starter-web-exploits",
        "tcp-segments-reversed",
    ];
    let all = cases::all().unwrap();
    let cases = all
        .iter()
        .filter(|case| wanted.contains(&case.name.as_str()));
    for case in cases {
        let pack = pack_of(case).unwrap();
        let capture = case.make_capture(folder.path()).unwrap();
        let frames = frames_of(&capture).unwrap();
        let expected = replayed(&pack, 1, &capture).unwrap();
        assert!(!expected.is_empty(), "{}", case.name);
        assert!(
            frames.iter().any(|frame| goes_up(frame)) && !frames.iter().all(|frame| goes_up(frame))
        );
        for workers in [1, 2] {
            let told = tapped(&pair, &pack, workers, &frames)
                .with_context(|| case.name.clone())
                .unwrap();
            assert_eq!(told, expected, "{}: {workers} workers", case.name);
        }
    }
}
