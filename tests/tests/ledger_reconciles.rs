//! What an ISP can check for itself: the dry run says what will leave, the ledger says what left, and a packet capture of the uplink
//! agrees to the byte. Real processes on a real link; capturing it needs CAP_NET_RAW, without it the test says that it was skipped.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lapwing_tests::centre::Centre;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::{Process, run};
use lapwing_tests::programs::{program, workspace_root};
use lapwing_tests::proxies::{PASSWORD, Proxy, USER};
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_wire::{Lane, Voucher};
use pcap::Capture;
use serde_json::Value;

const SENSOR: &str = "ledger";
/// Between looks at the interface while nothing passes.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes down what passes on the loopback interface to and from a port.
struct Tap {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u32>>,
}

impl Tap {
    /// None without the right to capture.
    fn start(port: u16, file: PathBuf) -> Result<Option<Self>> {
        let tap = Self::open(port, file)?;
        if tap.is_none() {
            eprintln!("skipped: capturing needs CAP_NET_RAW");
        }
        Ok(tap)
    }

    fn open(port: u16, file: PathBuf) -> Result<Option<Self>> {
        let capture = Capture::from_device("lo")?
            .snaplen(262_144)
            .buffer_size(32 << 20)
            .timeout(50)
            .immediate_mode(true);
        let Ok(mut capture) = capture.open() else {
            return Ok(None);
        };
        capture.filter(&format!("tcp port {port}"), true)?;
        // A capture that waits would wait for ever once nothing passes any more.
        let mut capture = capture.setnonblock()?;
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut save = capture.savefile(file)?;
            while !until.load(Ordering::Relaxed) {
                match capture.next_packet() {
                    Ok(packet) => save.write(&packet),
                    Err(pcap::Error::TimeoutExpired | pcap::Error::NoMorePackets) => {
                        thread::sleep(LOOK_INTERVAL);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            save.flush()?;
            Ok(capture.stats()?.dropped)
        });
        Ok(Some(Self { stop, thread }))
    }

    fn finish(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let dropped = self
            .thread
            .join()
            .map_err(|_| anyhow::anyhow!("the tap panicked"))??;
        ensure!(dropped == 0, "the tap lost {dropped} packets");
        Ok(())
    }
}

fn lapwing(arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(program("lapwing"));
    command.args(arguments).arg("--config").arg(config);
    command
}

/// Lines of JSON, those of one kind, without what differs from run to run: number and time of writing.
fn of_kind(text: &str, kind: &str) -> Vec<Value> {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut bodies: Vec<Value> = lines
        .filter(|line| line["kind"] == kind)
        .map(|line| line[kind].clone())
        .collect();
    bodies.sort_by_key(ToString::to_string);
    bodies
}

fn incidents(folder: &Path) -> Result<PathBuf> {
    let capture = folder.join("input.pcap");
    let mut file = File::create(&capture)?;
    capture_file::write(&demo::make(1, Part::Incidents), FileFormat::Pcap, &mut file)?;
    Ok(capture)
}

/// Enrols, and lets everything that a capture tells arrive.
fn carry(site: &Site, voucher: &str, capture: &Path) -> Result<()> {
    site.enrol(voucher)?;
    let mut uplink = site.start_uplink()?;
    site.run_sensor(capture)?;
    everything_arrives(site, &mut uplink)?;
    uplink.stop(PATIENCE)
}

fn everything_arrives(site: &Site, uplink: &mut Process) -> Result<()> {
    wait_for("everything to be acknowledged", PATIENCE, || {
        uplink.must_run()?;
        let status = site.outbox()?;
        Ok((status.queued_records == 0 && status.sealed_records == 0).then_some(()))
    })
}

fn verifier() -> PathBuf {
    workspace_root().join("tools/verify-ledger.py")
}

/// The ledger holds together for both verifiers, and every byte of the capture is in it.
fn every_byte_is_entered(folder: &Path, pcap: &Path) -> Result<()> {
    let verified = run(&mut lapwing(
        &["ledger", "verify"],
        &folder.join("sensor.toml"),
    ))?;
    ensure!(verified.ends_with("GOOD\n"), "{verified}");
    let state = folder.join("edge");
    let said = run(Command::new("python3")
        .arg(verifier())
        .arg(state.join("ledger"))
        .arg("--outbox")
        .arg(state.join("outbox"))
        .arg("--pcap")
        .arg(pcap))?;
    eprintln!("{said}");
    ensure!(said.ends_with("GOOD\n"), "{said}");
    let sums = said
        .lines()
        .find(|line| line.starts_with("capture:"))
        .context("no sums")?;
    let numbers: Vec<u64> = sums
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    ensure!(
        numbers.len() == 2 && numbers[0] == numbers[1] && numbers[0] > 1000,
        "{sums}"
    );
    Ok(())
}

/// What a proxy is asked is entered too: the capture is taken on this side of it.
#[test]
fn through_a_proxy_every_byte_is_entered() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut centre = Centre::init(folder.path())?;
    centre.start()?;
    for (proxy, scheme) in [(Proxy::http()?, "http"), (Proxy::socks5()?, "socks5")] {
        let folder = folder.path().join(scheme);
        fs::create_dir(&folder)?;
        let site = Site::prepare(&folder, scheme)?;
        site.compile_rules()?;
        site.sign_policy()?;
        site.set_uplink(&format!(
            "proxy = \"{scheme}://{USER}:{PASSWORD}@{}\"\n",
            proxy.address
        ))?;
        let pcap = folder.join("uplink.pcap");
        let Some(tap) = Tap::start(proxy.address.port(), pcap.clone())? else {
            return Ok(());
        };
        carry(&site, &centre.voucher(scheme)?, &incidents(&folder)?)?;
        tap.finish()?;
        every_byte_is_entered(&folder, &pcap)?;
        let exported = run(&mut lapwing(
            &["ledger", "export"],
            &folder.join("sensor.toml"),
        ))?;
        let said_to_proxy: u64 = exported
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter_map(|line| line["proxy"].as_u64())
            .sum();
        ensure!(said_to_proxy > 20, "{exported}");
    }
    Ok(())
}

/// Findings wait, sealed for a stick and not sealed; the policy goes; only heartbeats leave until it is back.
#[test]
fn a_policy_that_is_taken_away_holds_what_waits() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (site, centre) = Site::enrolled(folder.path(), SENSOR)?;
    let capture = incidents(folder.path())?;
    site.run_sensor(&capture)?;
    let stick = folder.path().join("stick");
    fs::create_dir(&stick)?;
    run(site.command_of(&["courier", "export"]).arg(&stick))?;
    let sealed = site.outbox()?.sealed_records;
    ensure!(sealed > 5 && site.outbox()?.queued_records == 0);
    site.run_sensor(&capture)?;
    let (policy, aside) = (
        folder.path().join("policy.signed"),
        folder.path().join("policy.aside"),
    );
    fs::rename(&policy, &aside)?;
    // Without a policy the sensor tells nothing but that it lives.
    site.run_sensor(&capture)?;
    let mut uplink = site.start_uplink()?;
    let status_lane_is_empty = || -> Result<bool> {
        let account = site.outbox()?.account;
        let books = account.lane(Lane::Status);
        Ok(books.next == books.next_to_seal)
    };
    wait_for("the heartbeats to arrive", PATIENCE, || {
        uplink.must_run()?;
        let is_sent = site.outbox()?.sealed_records == sealed;
        Ok((status_lane_is_empty()? && is_sent).then_some(()))
    })?;
    let held = site.outbox()?;
    ensure!(
        held.acknowledged_records >= 4 && held.queued_records > 5,
        "{held:?}"
    );
    for lane in [Lane::Critical, Lane::Normal, Lane::Low] {
        ensure!(held.account.lane(lane).settled == 0, "{held:?}");
    }
    ensure!(centre.findings()?.is_empty());
    // On a stick nothing goes either.
    let other = folder.path().join("other");
    fs::create_dir(&other)?;
    uplink.stop(PATIENCE)?;
    run(site.command_of(&["courier", "export"]).arg(&other))?;
    let batches = fs::read_dir(other.join("lapwing/to-centre"));
    ensure!(batches.map_or(0, Iterator::count) == 0);

    fs::rename(&aside, &policy)?;
    let mut uplink = site.start_uplink()?;
    everything_arrives(&site, &mut uplink)?;
    wait_for("the findings at the centre", PATIENCE, || {
        Ok((!centre.findings()?.is_empty()).then_some(()))
    })?;
    uplink.stop(PATIENCE)
}

/// Findings of many groups wait; the next policy lets one group out. They go on waiting until the sensor has held its rules against
/// that policy, and then the others are told as dropped, by their numbers.
#[test]
fn a_group_that_is_taken_away_leaves_the_queue_too() -> Result<()> {
    const GROUP: &str = "command-and-control";
    let folder = tempfile::tempdir()?;
    let (site, centre) = Site::enrolled(folder.path(), SENSOR)?;
    let capture = incidents(folder.path())?;
    site.run_sensor(&capture)?;
    let findings_in = |account: lapwing_wire::Account| -> u64 {
        let lanes = [Lane::Critical, Lane::Normal, Lane::Low];
        lanes.map(|lane| account.lane(lane).next).iter().sum()
    };
    let waiting = findings_in(site.outbox()?.account);
    let policy = folder.path().join("policy.toml");
    let text = fs::read_to_string(&policy)?.replace("serial = 1 ", "serial = 2 ");
    fs::write(
        &policy,
        format!("{text}\n[rules]\ngroups = [\"{GROUP}\"]\n"),
    )?;
    let mut sign = Command::new(program("lapwing"));
    sign.args(["policy", "sign", "--key"]);
    run(sign.arg(folder.path().join("isp.key")).arg(&policy))?;

    let mut uplink = site.start_uplink()?;
    wait_for("the heartbeats to arrive", PATIENCE, || {
        uplink.must_run()?;
        let status = site.outbox()?;
        let books = status.account.lane(Lane::Status);
        Ok((books.settled == books.next && books.next > 0).then_some(()))
    })?;
    let held = site.outbox()?;
    ensure!(
        held.sealed_records == 0 && held.queued_records == waiting,
        "{held:?}"
    );

    site.run_sensor(&capture)?;
    everything_arrives(&site, &mut uplink)?;
    uplink.stop(PATIENCE)?;
    let produced = findings_in(site.outbox()?.account);
    let books = wait_for("the records at the centre", PATIENCE, || {
        let books = centre.books(SENSOR)?;
        let acknowledged = site.outbox()?.acknowledged_records;
        Ok((books.missing == 0 && books.stored == acknowledged).then_some(books))
    })?;
    ensure!(
        books.stored == books.produced && books.evicted == 0,
        "{books:?}"
    );
    let findings = centre.findings()?;
    let of_group = |sid: u32| (9_000_202..=9_000_204).contains(&sid);
    ensure!(
        findings.iter().all(|finding| of_group(finding.rule.sid)),
        "{findings:?}"
    );
    let told = u64::try_from(findings.len())?;
    // Those of the group came in both runs, the others are dropped of the first and were never told by the second.
    let of_each = produced - waiting;
    ensure!(
        of_each > 0 && told == 2 * of_each && waiting > of_each,
        "{told} of {produced}"
    );
    let account = centre.account(SENSOR)?;
    let [dropped] = &account.dropped[..] else {
        anyhow::bail!("{account:?}");
    };
    ensure!(dropped.reason == "operator", "{dropped:?}");
    ensure!(
        (dropped.records, dropped.findings) == (0, waiting - of_each),
        "{dropped:?}"
    );
    Ok(())
}

#[test]
fn dry_run_ledger_and_packets_agree() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = Site::prepare(folder.path(), SENSOR)?;
    site.compile_rules()?;
    site.sign_policy()?;
    let mut centre = Centre::init(folder.path())?;
    centre.start()?;
    let voucher = centre.voucher(SENSOR)?;
    let address = Voucher::decode(&voucher)?.addresses[0].clone();
    let port = address.rsplit(':').next().context("no port")?.parse()?;
    let pcap = folder.path().join("uplink.pcap");
    let Some(tap) = Tap::start(port, pcap.clone())? else {
        return Ok(());
    };
    let capture = incidents(folder.path())?;
    let config = folder.path().join("sensor.toml");

    let would = run(lapwing(&["policy", "dry-run", "--json"], &config).arg(&capture))?;
    ensure!(
        site.outbox()?.queued_records == 0,
        "the dry run left something in the outbox"
    );

    carry(&site, &voucher, &capture)?;
    tap.finish()?;
    every_byte_is_entered(folder.path(), &pcap)?;

    // The ISP opens every envelope that left, and reads what the dry run said.
    let exported = run(&mut lapwing(&["ledger", "export"], &config))?;
    let mut records = String::new();
    let mut kinds = BTreeMap::<String, usize>::new();
    for line in exported.lines() {
        let line: Value = serde_json::from_str(line)?;
        *kinds
            .entry(line["what"].as_str().unwrap().to_owned())
            .or_default() += 1;
        if line["what"] == "sent" {
            let number = line["line"].to_string();
            let mut open = lapwing(&["ledger", "open", "--json"], &config);
            open.arg("--key")
                .arg(folder.path().join("ledger.key"))
                .arg(number);
            records += &run(&mut open)?;
        }
    }
    ensure!(
        kinds["sent"] >= 1 && kinds["connected"] == kinds["closed"],
        "{kinds:?}"
    );
    let findings = of_kind(&records, "finding");
    ensure!(findings.len() > 5, "{records}");
    assert_eq!(findings, of_kind(&would, "finding"));
    assert_eq!(of_kind(&records, "summary"), of_kind(&would, "summary"));

    // What the weekly timer does, on a copy of what the sensor kept: it needs neither the centre nor the sensor's machine.
    let (copy, reports) = (folder.path().join("copy"), folder.path().join("reports"));
    fs::rename(folder.path().join("edge/give-back"), &copy)?;
    let mut report = lapwing(&["report", "--last", "100000 h"], &config);
    report.arg("--give-back").arg(&copy);
    report.arg("--key").arg(folder.path().join("ledger.key"));
    run(report.arg("--folder").arg(&reports))?;
    let filed = |ending: &str| {
        let files = fs::read_dir(&reports)?.map(|file| Ok(file?.path()));
        let files = files.collect::<Result<Vec<_>>>()?;
        let file = files
            .iter()
            .find(|file| file.extension().is_some_and(|its| its == ending));
        Ok::<_, anyhow::Error>(fs::read_to_string(file.context("no report")?)?)
    };
    ensure!(filed("csv")?.contains("10.20.31.14"), "{}", filed("csv")?);
    ensure!(filed("html")?.contains("10.20.31.14"));

    // A byte that is not in the ledger is found: here one that the ledger forgets.
    let state = folder.path().join("edge");
    let lines = state.join("ledger/000000000001.lines");
    let text = fs::read_to_string(&lines)?;
    fs::write(&lines, text.replacen("\"sent\":", "\"sent\": 1", 1))?;
    let mut again = Command::new("python3");
    again.arg(verifier()).arg(state.join("ledger"));
    ensure!(!again.status()?.success());
    Ok(())
}
