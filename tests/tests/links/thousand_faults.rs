//! Random faults of every kind between the real programs: kill -9 of either end and of the sensor, cuts in the middle of
//! anything, stalls, black holes, a full disk, torn files, batches that come again, a clock that jumps. At the end the
//! centre has what was produced but for what was told as evicted, and nothing twice.
//!
//! `LAPWING_FAULTS_SEED` repeats a run, `LAPWING_FAULTS` says how many; `make faults` runs a thousand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use lapwing_tests::bad_link::{BadLink, Weather};
use lapwing_tests::conditions::tend;
use lapwing_tests::processes::{Process, run};
use lapwing_tests::set_clock::SetClock;
use lapwing_tests::traffic::entropy::Entropy;

use crate::support::{Ends, PATIENCE, SENSOR};

const FAULTS: u64 = 60;

#[derive(Clone, Copy, Debug)]
enum Fault {
    KillCentre,
    KillUplink,
    KillSensor,
    CutLink,
    CutInTheMiddle,
    Stall,
    BlackHole,
    /// Batches come on a stick too: twice, and in another order.
    StickBesides,
    /// A file of the outbox that was being written when the power went.
    TornFile,
    FullDisk,
    /// The time that certificates are checked against is forgotten, and the days of the budget are others.
    ForgottenTime,
    /// The clock that sensor and uplink see jumps while they run.
    SiteClockJump,
    /// The clock that the centre sees jumps while it runs.
    CentreClockJump,
}

const ALL: [Fault; 13] = [
    Fault::KillCentre,
    Fault::KillUplink,
    Fault::KillSensor,
    Fault::CutLink,
    Fault::CutInTheMiddle,
    Fault::Stall,
    Fault::BlackHole,
    Fault::StickBesides,
    Fault::TornFile,
    Fault::FullDisk,
    Fault::ForgottenTime,
    Fault::SiteClockJump,
    Fault::CentreClockJump,
];

/// Everything that runs.
struct System {
    ends: Ends,
    link: BadLink,
    uplink: Process,
    sensor: Process,
    /// A small file system of the sensor's own, where this machine lets us make one.
    disk: Option<PathBuf>,
    /// The clocks of the site and of the centre, where they can be set.
    clocks: Option<[SetClock; 2]>,
    sensor_runs: u64,
    /// How often each fault was made.
    made: [u64; ALL.len()],
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

#[test]
fn whatever_happens_the_centre_has_what_was_produced() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = setting("LAPWING_FAULTS_SEED").unwrap_or(now.as_secs());
    let faults = setting("LAPWING_FAULTS").unwrap_or(FAULTS);
    eprintln!("LAPWING_FAULTS_SEED={seed} LAPWING_FAULTS={faults}");
    if let Err(error) = check(seed, faults) {
        panic!("LAPWING_FAULTS_SEED={seed}: {error:#}");
    }
}

fn check(seed: u64, faults: u64) -> Result<()> {
    let mut entropy = Entropy::new(seed);
    let mut system = System::start()?;
    for number in 0..faults {
        system.run_for(Duration::from_millis(entropy.between(5, 400)))?;
        let which = usize::try_from(entropy.below(ALL.len() as u64))?;
        let fault = ALL[which];
        system.made[which] += 1;
        system
            .strike(fault, &mut entropy)
            .with_context(|| format!("fault {number}, {fault:?}"))?;
    }
    system.settle()
}

impl System {
    fn start() -> Result<Self> {
        let mut ends = Ends::enrolled("")?;
        let disk = small_disk(&ends)?;
        let clocks = clocks(&mut ends)?;
        let link = BadLink::to(ends.centre.collector()?)?;
        ends.site
            .set_uplink(&format!("centres = [\"{}\"]\n", link.address()))?;
        let capture = ends.traffic(24)?;
        Ok(Self {
            uplink: ends.site.start_uplink()?,
            sensor: ends.site.start_sensor(&capture)?,
            ends,
            link,
            disk,
            clocks,
            sensor_runs: 1,
            made: [0; ALL.len()],
        })
    }

    fn begin_next_run(&mut self) -> Result<()> {
        let capture = self.ends.traffic(24)?;
        self.sensor = self.ends.site.start_sensor(&capture)?;
        self.sensor_runs += 1;
        Ok(())
    }

    /// Lets everything run; a sensor that has told all of its traffic gets more.
    fn run_for(&mut self, duration: Duration) -> Result<()> {
        tend(duration, || {
            self.uplink.must_run()?;
            if self.sensor.has_ended_well()? {
                self.begin_next_run()?;
            }
            Ok(())
        })
    }

    fn strike(&mut self, fault: Fault, entropy: &mut Entropy) -> Result<()> {
        let a_while = Duration::from_millis(entropy.below(400));
        match fault {
            Fault::KillCentre => {
                self.ends.centre.kill()?;
                self.run_for(a_while)?;
                self.ends.centre.start()?;
            }
            Fault::KillUplink => {
                self.uplink.kill()?;
                self.uplink = self.ends.site.start_uplink()?;
            }
            Fault::KillSensor => {
                self.sensor.kill()?;
                self.begin_next_run()?;
            }
            Fault::CutLink => self.link.cut(),
            Fault::CutInTheMiddle => self.link.cut_after(entropy.below(6_000)),
            Fault::Stall => {
                self.link.stall();
                self.run_for(a_while)?;
                self.link.go_on();
            }
            Fault::BlackHole => {
                self.link.weather(Weather {
                    is_black_hole: true,
                    ..Weather::default()
                });
                self.link.cut();
                self.run_for(a_while)?;
                self.link.weather(Weather::default());
                self.link.cut();
            }
            Fault::StickBesides => self.stick_besides()?,
            Fault::TornFile => self.tear(entropy)?,
            Fault::FullDisk => self.fill_disk(a_while)?,
            Fault::ForgottenTime => self.forget_time(entropy)?,
            Fault::SiteClockJump => self.jump(0, a_while, entropy)?,
            Fault::CentreClockJump => self.jump(1, a_while, entropy)?,
        }
        Ok(())
    }

    /// What waits goes on a stick as well: it comes to the centre before, between and after what comes over the link.
    fn stick_besides(&mut self) -> Result<()> {
        let stick = self.ends.folder.path().join("stick");
        drop(fs::remove_dir_all(&stick));
        fs::create_dir(&stick)?;
        self.uplink.kill()?;
        run(self
            .ends
            .site
            .command_of(&["courier", "export"])
            .arg(&stick))?;
        self.uplink = self.ends.site.start_uplink()?;
        run(self.ends.centre.command("courier").arg(&stick))?;
        Ok(())
    }

    /// What a power cut leaves: a file aside that is half written, and half a record at the end of a segment.
    fn tear(&mut self, entropy: &mut Entropy) -> Result<()> {
        self.sensor.kill()?;
        self.uplink.kill()?;
        let outbox = self.outbox();
        fs::write(
            outbox.join("sealed/99999999999999999999.batch.new"),
            b"LWB\x01half",
        )?;
        let mut segments: Vec<PathBuf> = fs::read_dir(outbox.join("records"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        segments.sort();
        if !segments.is_empty() {
            let which = usize::try_from(entropy.below(segments.len() as u64))?;
            let newest_of_lane = segments
                .iter()
                .rfind(|path| lane_of(path) == lane_of(&segments[which]));
            if let Some(path) = newest_of_lane {
                use std::io::Write as _;
                let mut file = fs::File::options().append(true).open(path)?;
                file.write_all(&[0x55; 17])?;
            }
        }
        self.uplink = self.ends.site.start_uplink()?;
        self.begin_next_run()
    }

    /// Takes all room of the sensor's disk for a while.
    fn fill_disk(&mut self, a_while: Duration) -> Result<()> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        let filler = disk.join("filler");
        let mut left = 1 << 24;
        let mut file = fs::File::create(&filler)?;
        while left > 0 {
            use std::io::Write as _;
            if file.write_all(&[0; 4096]).is_err() {
                break;
            }
            left -= 4096;
        }
        drop(file);
        // Sensor and uplink may give up on a disk without room; whoever watches them starts them again.
        let end = std::time::Instant::now() + a_while;
        while std::time::Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        fs::remove_file(&filler)?;
        if self.uplink.ended()?.is_some() {
            self.uplink = self.ends.site.start_uplink()?;
        }
        if self.sensor.ended()?.is_some() {
            self.begin_next_run()?;
        }
        Ok(())
    }

    /// One of the clocks jumps: to 1970, to years ahead, or by what a clock is usually wrong. It may stay there until it jumps again,
    /// so that whoever is started meanwhile knows no other time.
    fn jump(&mut self, which: usize, a_while: Duration, entropy: &mut Entropy) -> Result<()> {
        let Some(clocks) = &self.clocks else {
            return Ok(());
        };
        let clock = clocks[which].clone();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let days = |count: i64| count * 24 * 3600;
        let jumps = [
            10 - i64::try_from(now)?,
            days(-365),
            days(-2),
            -3600,
            -1,
            1,
            3600,
            days(2),
            days(25),
            days(40),
            days(250),
            days(500),
            days(3_000),
        ];
        clock.set(jumps[usize::try_from(entropy.below(jumps.len() as u64))?])?;
        self.run_for(a_while)?;
        if entropy.below(2) == 0 {
            clock.set(0)?;
        }
        Ok(())
    }

    /// What a clock decided is kept in files, and these say something else.
    fn forget_time(&mut self, entropy: &mut Entropy) -> Result<()> {
        self.uplink.kill()?;
        let identity = self.ends.site.state().join("identity");
        drop(fs::remove_file(identity.join("time.floor")));
        let day = entropy.below(40_000);
        let spent = format!(
            "{{\"day\":{day},\"month\":{},\"day_bytes\":{day}}}",
            day / 30
        );
        fs::write(identity.join("budget.json"), spent)?;
        self.uplink = self.ends.site.start_uplink()?;
        Ok(())
    }

    fn outbox(&self) -> PathBuf {
        self.ends.site.state().join("outbox")
    }

    fn settle(&mut self) -> Result<()> {
        self.link.go_on();
        self.link.cut_after(u64::MAX);
        for clock in self.clocks.iter().flatten() {
            clock.set(0)?;
        }
        self.sensor.finish(PATIENCE)?;
        let account = self.ends.everything_arrives(&mut self.uplink)?;
        let findings = self.ends.centre.findings()?;
        let ids: std::collections::BTreeSet<_> =
            findings.iter().map(|finding| &finding.id).collect();
        anyhow::ensure!(
            ids.len() == findings.len(),
            "two findings have the same name"
        );
        let seen: std::collections::BTreeSet<_> = findings
            .iter()
            .map(|finding| {
                (
                    &finding.rule,
                    &finding.source,
                    &finding.destination,
                    finding.first,
                )
            })
            .collect();
        anyhow::ensure!(seen.len() == findings.len(), "a finding is told twice");
        let books = self.ends.centre.books(SENSOR)?;
        let made: Vec<String> = ALL
            .iter()
            .zip(self.made)
            .map(|(fault, count)| format!("{count} {fault:?}"))
            .collect();
        eprintln!(
            "{}; {} runs of the sensor: {account:?}, {} batches, {} came again",
            made.join(", "),
            self.sensor_runs,
            books.batches,
            books.batch_repeats
        );
        Ok(())
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            drop(self.sensor.kill());
            drop(self.uplink.kill());
            drop(run(Command::new("umount").arg("-l").arg(disk)));
        }
    }
}

fn lane_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    name.split_once('-').map(|(lane, _)| lane.to_owned())
}

/// Gives both ends clocks of their own, where that may be done.
fn clocks(ends: &mut Ends) -> Result<Option<[SetClock; 2]>> {
    ends.centre.kill()?;
    let clocks = ends.site.give_clock()?.zip(ends.centre.give_clock()?);
    ends.centre.start()?;
    if clocks.is_none() {
        eprintln!("SKIPPED jumps of the clock: faketime is not installed (tools/setup)");
    }
    Ok(clocks.map(|(site, centre)| [site, centre]))
}

/// Puts the sensor's outbox onto a file system of eight megabytes, where that may be done.
fn small_disk(ends: &Ends) -> Result<Option<PathBuf>> {
    let outbox = ends.site.state().join("outbox");
    fs::create_dir_all(&outbox)?;
    let mounted = run(Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
        .arg(&outbox));
    match mounted {
        Ok(_) => Ok(Some(outbox)),
        Err(error) => {
            eprintln!("SKIPPED full disks, a small file system cannot be mounted here: {error:#}");
            Ok(None)
        }
    }
}
