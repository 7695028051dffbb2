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
use lapwing_tests::processes::run;
use lapwing_tests::programs::{program, workspace_root};
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_wire::Voucher;
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
        eprintln!("skipped: capturing needs CAP_NET_RAW");
        return Ok(());
    };
    let capture = folder.path().join("input.pcap");
    let mut file = File::create(&capture)?;
    capture_file::write(&demo::make(1, Part::Incidents), FileFormat::Pcap, &mut file)?;
    let config = folder.path().join("sensor.toml");

    let would = run(lapwing(&["policy", "dry-run", "--json"], &config).arg(&capture))?;
    ensure!(
        site.outbox()?.queued_records == 0,
        "the dry run left something in the outbox"
    );

    site.enrol(&voucher)?;
    let mut uplink = site.start_uplink()?;
    site.run_sensor(&capture)?;
    wait_for("everything to be acknowledged", PATIENCE, || {
        uplink.must_run()?;
        let status = site.outbox()?;
        Ok((status.queued_records == 0 && status.sealed_records == 0).then_some(()))
    })?;
    uplink.stop(PATIENCE)?;
    tap.finish()?;

    // The ledger holds together for both verifiers, and every byte of the capture is in it.
    let verified = run(&mut lapwing(&["ledger", "verify"], &config))?;
    ensure!(verified.ends_with("GOOD\n"), "{verified}");
    let state = folder.path().join("edge");
    let script = workspace_root().join("tools/verify-ledger.py");
    let said = run(Command::new("python3")
        .arg(&script)
        .arg(state.join("ledger"))
        .arg("--outbox")
        .arg(state.join("outbox"))
        .arg("--pcap")
        .arg(&pcap))?;
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

    // A byte that is not in the ledger is found: here one that the ledger forgets.
    let lines = state.join("ledger/000000000001.lines");
    let text = fs::read_to_string(&lines)?;
    fs::write(&lines, text.replacen("\"sent\":", "\"sent\": 1", 1))?;
    let mut again = Command::new("python3");
    again.arg(&script).arg(state.join("ledger"));
    ensure!(!again.status()?.success());
    Ok(())
}
