//! The image as a technician meets it: flashed onto a larger card, a site file put on it, switched on. QEMU is the board; the
//! serial line tells what happens, every wait has a limit. `make image-test` builds the image and sets `LAPWING_IMAGE`;
//! without it these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::env;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use lapwing_tests::cases;
use lapwing_tests::centre::Centre;
use lapwing_tests::conditions::{tend, wait_for};
use lapwing_tests::name_spaces::frames_of;
use lapwing_tests::processes::run;
use lapwing_tests::site::Site;
use lapwing_tests::virtual_machine::{Board, Machine, PAGE_PORT, RunningBoard, limit};

/// From the switch to a healthy sensor; without a load it takes a tenth of it.
const BOOT_PATIENCE: Duration = Duration::from_secs(300);
/// From traffic to findings at the centre.
const FINDING_PATIENCE: Duration = Duration::from_secs(120);
/// From published rules to findings of them: the next contact, the pack derived, the window of a finding.
const RULES_PATIENCE: Duration = Duration::from_secs(180);
/// Between the times that the same traffic is sent.
const SEND_INTERVAL: Duration = Duration::from_secs(10);
/// The rules that the image brings have smaller numbers.
const FIRST_SID: u32 = 9_900_000;
const CARD_BYTES: u64 = 1 << 30;
const MACHINE: Machine = Machine::UefiX86_64;
const SENSOR: &str = "image-test";
const SITE_FILE: &str = "lapwing-site.toml";
const CAPTURE_ONLY: &str = "name = \"image-test\"\n[capture]\nports = [\"52:54:00:00:00:02\"]\n";
/// Where the root of slot b begins on the disk: after a mebibyte, the boot partition and slot a.
const ROOT_B: u64 = (1 + 128 + 64) << 20;

/// Five, or as many as `LAPWING_POWER_CUTS` says.
fn power_cuts() -> u32 {
    let text = env::var("LAPWING_POWER_CUTS").unwrap_or_default();
    text.parse().unwrap_or(5)
}

fn image() -> Option<PathBuf> {
    let image = env::var_os("LAPWING_IMAGE").map(PathBuf::from);
    if image.is_none() {
        eprintln!("skipped: LAPWING_IMAGE names no image; `make image-test` builds one");
    }
    image
}

/// An image on a card of 1 GiB, with a site file.
fn board(image: &Path, folder: &Path, site: &str, with: &[&str]) -> Result<Board> {
    let path = folder.join("site.toml");
    fs::write(&path, site)?;
    let with: Vec<PathBuf> = with.iter().map(|name| folder.join(name)).collect();
    Board::flash(MACHINE, image, folder, CARD_BYTES, Some(&path), &with)
}

/// A centre, and a board on its way to it: voucher, policy and key on the card.
fn board_with_centre(image: &Path, folder: &Path) -> Result<(Board, Centre)> {
    let mut centre = Centre::init(folder)?;
    centre.start()?;
    let port = centre.collector()?.port();
    let mut command = centre.command("voucher");
    command.args(["--quiet", "--pre-approved", "--name", SENSOR, "--address"]);
    let voucher = run(command.arg(format!("10.0.2.2:{port}")))?;
    run(rules(&centre, &["init", "--new-root-key"]).arg(folder.join("rules-root.key")))?;
    publish_rules(&centre, folder)?;
    fs::copy(
        folder.join("centre/rules/repository/metadata/1.root.json"),
        folder.join("rules-root.json"),
    )?;
    let site = Site::prepare(folder, SENSOR)?;
    site.sign_policy()?;
    let text = format!(
        "{CAPTURE_ONLY}[management]\npage = {PAGE_PORT}\n[rules]\nroot = \"rules-root.json\"\n[policy]\nfile = \"policy.signed\"\nisp_key = \"isp.pub\"\n"
    );
    let text = text.replacen('\n', &format!("\nvoucher = \"{}\"\n", voucher.trim()), 1);
    let with = ["rules-root.json", "policy.signed", "isp.pub"];
    let board = board(image, folder, &text, &with)?;
    Ok((board, centre))
}

fn rules(centre: &Centre, words: &[&str]) -> Command {
    let mut command = centre.command("rules");
    command.args(words);
    command
}

/// Publishes the starter rules under other numbers.
fn publish_rules(centre: &Centre, folder: &Path) -> Result<()> {
    let mut texts = String::new();
    for file in cases::starter_rules()? {
        texts.push_str(&fs::read_to_string(file)?);
    }
    let path = folder.join("over-the-link.rules");
    fs::write(&path, texts.replace("sid:90", "sid:99"))?;
    run(rules(centre, &["publish"]).arg(path)).map(drop)
}

/// Sends the traffic until rules that came over the link find something in it.
fn rules_of_the_centre_find(
    board: &RunningBoard,
    centre: &Centre,
    frames: &[Vec<u8>],
) -> Result<()> {
    let mut sent = Instant::now();
    wait_for(
        "rules of the centre to find something",
        limit(RULES_PATIENCE),
        || {
            let found = centre.findings()?;
            let is_found = found.iter().any(|finding| finding.rule.sid >= FIRST_SID);
            if !is_found && sent.elapsed() > SEND_INTERVAL {
                board.send(frames)?;
                sent = Instant::now();
            }
            Ok(is_found.then_some(()))
        },
    )
}

fn demo_frames(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let cases = cases::all()?;
    let case = cases
        .iter()
        .find(|case| case.name == "demo")
        .context("there is no demo case")?;
    frames_of(&case.make_capture(folder)?)
}

/// Sends the traffic until the centre has more findings than before.
fn findings_arrive(
    board: &RunningBoard,
    centre: &Centre,
    frames: &[Vec<u8>],
    before: u64,
) -> Result<u64> {
    board.send(frames)?;
    wait_for("findings at the centre", limit(FINDING_PATIENCE), || {
        let books = centre.books(SENSOR)?;
        Ok((books.findings > before).then_some(books.findings))
    })
}

#[test]
fn from_flashed_image_to_findings_and_through_power_cuts() {
    let Some(image) = image() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut board, centre) = board_with_centre(&image, folder.path()).unwrap();
    // A board without a clock.
    board.clock = Some("1970-01-01");
    // A port that nobody has now.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    board.page = Some(free.local_addr().unwrap().port());
    drop(free);
    let frames = demo_frames(folder.path()).unwrap();

    let mut running = board.switch_on().unwrap();
    running.says("data partition made", BOOT_PATIENCE).unwrap();
    running
        .says("data partition lengthened", BOOT_PATIENCE)
        .unwrap();
    let enrolled = running.says("lapwing: enrolled", BOOT_PATIENCE).unwrap();
    running
        .says("the voucher on the card is overwritten", BOOT_PATIENCE)
        .unwrap();
    let healthy = running.says("HEALTHY", BOOT_PATIENCE).unwrap();
    eprintln!("first boot: enrolled after {enrolled:?}, healthy after {healthy:?}");
    // Started again after the enrolment.
    running
        .says_times("started lapwing run", 2, BOOT_PATIENCE)
        .unwrap();
    let mut findings = findings_arrive(&running, &centre, &frames, 0).unwrap();
    wait_for("the page", limit(FINDING_PATIENCE), || {
        let page = running.page().ok();
        Ok(page.filter(|page| page.contains("board      PASS")))
    })
    .unwrap();
    rules_of_the_centre_find(&running, &centre, &frames).unwrap();
    findings = findings.max(centre.books(SENSOR).unwrap().findings);
    assert_eq!(running.sent_by_capture_card(), 0, "the capture card sent");
    running.cut_power().unwrap();
    let site = board.read(SITE_FILE).unwrap();
    assert!(
        site.contains("voucher = \"USED") && !site.contains("LAPWING1"),
        "{site}"
    );
    let status = board.read("lapwing-status.txt").unwrap();
    assert!(status.contains("LAPWING    image-test"), "{status}");

    // The power goes at other moments, early and late; then all is there still.
    for cut in 0..power_cuts() {
        let running = board.switch_on().unwrap();
        // Spread over the start: what is left of a multiple of the golden ratio.
        let moment = healthy.mul_f64((f64::from(cut) * 0.618_034).fract());
        tend(moment, || Ok(())).unwrap();
        running.cut_power().unwrap();
    }
    let mut running = board.switch_on().unwrap();
    let healthy = running.says("HEALTHY", BOOT_PATIENCE).unwrap();
    eprintln!("after the power cuts: healthy after {healthy:?}");
    let serial = running.serial();
    assert!(!serial.contains("data partition made"), "{serial}");
    findings = findings_arrive(&running, &centre, &frames, findings).unwrap();
    assert!(findings > 0);
    assert_eq!(running.sent_by_capture_card(), 0, "the capture card sent");
    let books = centre.books(SENSOR).unwrap();
    assert_eq!((books.missing, books.doubled), (0, 0), "{books:?}");
    running.cut_power().unwrap();
}

#[test]
fn a_corrupted_root_and_an_unhealthy_slot_fall_back() {
    let Some(image) = image() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut board = board(&image, folder.path(), CAPTURE_ONLY, &[]).unwrap();
    // Slot b is newer, on trial, and never healthy.
    let entry = board.read("loader/entries/lapwing-b.conf").unwrap();
    let entry = entry
        .replace("version ", "version 9")
        .replace("quiet", "quiet lapwing.fault=unhealthy");
    board
        .put("loader/entries/lapwing-b.conf", entry.as_bytes())
        .unwrap();
    board
        .rename(
            "loader/entries/lapwing-b.conf",
            "loader/entries/lapwing-b+1.conf",
        )
        .unwrap();
    let mut running = board.switch_on().unwrap();
    running.says("slot b on trial", BOOT_PATIENCE).unwrap();
    running
        .says("slot b is not healthy and gives way", BOOT_PATIENCE)
        .unwrap();
    running.says("slot a confirmed", BOOT_PATIENCE).unwrap();
    let after = running.says("HEALTHY", BOOT_PATIENCE).unwrap();
    eprintln!("from an unhealthy slot to the healthy one: {after:?}");
    running.cut_power().unwrap();
    assert!(
        board
            .entries()
            .unwrap()
            .contains(&"lapwing-b+0-1.conf".to_owned()),
        "{:?}",
        board.entries()
    );

    // The same slot, now with one changed byte in its root.
    let entry = entry.replace(" lapwing.fault=unhealthy", "");
    board
        .put("loader/entries/lapwing-b+0-1.conf", entry.as_bytes())
        .unwrap();
    board
        .rename(
            "loader/entries/lapwing-b+0-1.conf",
            "loader/entries/lapwing-b+3.conf",
        )
        .unwrap();
    change_byte(&board.disk(), ROOT_B + 1_000_000).unwrap();
    let mut running = board.switch_on().unwrap();
    running.says("slot b is set aside", BOOT_PATIENCE).unwrap();
    running.says("slot a confirmed", BOOT_PATIENCE).unwrap();
    let after = running.says("HEALTHY", BOOT_PATIENCE).unwrap();
    eprintln!("from a corrupted root to the whole one: {after:?}");
    running.cut_power().unwrap();
}

#[test]
fn five_mistakes_of_a_site_file_are_told_at_once() {
    let Some(image) = image() else { return };
    let folder = tempfile::tempdir().unwrap();
    let site = "name = \"a b\"\nvoucher = \"LAPWING1ABC\"\nlanguage = \"xx\"\n[management]\naddress = \"192.0.2.10\"\n[capture]\nports = [\"eth 1\"]\n";
    let mut board = Board::flash(MACHINE, &image, folder.path(), CARD_BYTES, None, &[]).unwrap();
    board.put(SITE_FILE, site.as_bytes()).unwrap();
    let mut running = board.switch_on().unwrap();
    running
        .says("problem: lapwing-site.toml", BOOT_PATIENCE)
        .unwrap();
    let status = wait_for("the status on the card", limit(BOOT_PATIENCE), || {
        Ok(board
            .read("lapwing-status.txt")
            .ok()
            .filter(|text| text.contains("FAIL")))
    })
    .unwrap();
    for line in [1, 2, 3, 5, 7] {
        assert!(status.contains(&format!("line {line}:")), "{status}");
    }
    running.cut_power().unwrap();
}

fn change_byte(disk: &Path, at: u64) -> Result<()> {
    let mut file = fs::File::options().read(true).write(true).open(disk)?;
    let mut byte = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&[byte[0] ^ 1])?;
    Ok(())
}
