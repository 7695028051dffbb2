//! Updates of a board in QEMU: from the card, from a stick and over the link; bad ones go back by themselves, and the power may go at
//! any moment. `make image-test` builds the images and sets `LAPWING_IMAGE`, `LAPWING_NEWER_IMAGE` and `LAPWING_UPDATE_TEST` (keys, and
//! the repository that the images trust); without them these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lapwing_tests::centre::Centre;
use lapwing_tests::conditions::{tend, wait_for};
use lapwing_tests::processes::run;
use lapwing_tests::programs::program;
use lapwing_tests::site::Site;
use lapwing_tests::virtual_machine::{self, Board, Machine, limit};

/// From the switch, or a restart, to what is waited for; without a load it takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(600);
/// About how long an update is written that comes whole.
const WRITING: Duration = Duration::from_secs(15);
const CARD_BYTES: u64 = 1 << 30;
const BOARD: &str = "uefi-x86_64";
const SENSOR: &str = "image-test";
const STATUS_FILE: &str = "lapwing-status.txt";
const UPDATE_FILE: &str = "lapwing.update";
const SITE: &str = "name = \"image-test\"\n[capture]\nports = [\"52:54:00:00:00:02\"]\n";

/// The images, and who signs updates of them.
struct Images {
    old: PathBuf,
    newer: PathBuf,
    keys: PathBuf,
}

impl Images {
    fn find() -> Option<Self> {
        let path = |name: &str| env::var_os(name).map(PathBuf::from);
        let images = || {
            Some(Self {
                old: path("LAPWING_IMAGE")?,
                newer: path("LAPWING_NEWER_IMAGE")?,
                keys: path("LAPWING_UPDATE_TEST")?,
            })
        };
        if images().is_none() {
            eprintln!("skipped: there are no images to update; `make image-test` builds them");
        }
        images()
    }

    /// A repository of the root of trust alone, in a folder of the test.
    fn repository(&self, folder: &Path) -> Result<Repository> {
        let path = folder.join("repository");
        let metadata = path.join("metadata");
        fs::create_dir_all(&metadata)?;
        fs::copy(
            self.keys.join("repository/metadata/1.root.json"),
            metadata.join("1.root.json"),
        )?;
        Ok(Repository {
            path,
            keys: self.keys.clone(),
        })
    }
}

struct Repository {
    path: PathBuf,
    keys: PathBuf,
}

impl Repository {
    fn update(&self, word: &str) -> Command {
        let mut command = Command::new(program("lapwing-image"));
        command.args(["update", word, "--repository"]);
        command.arg(&self.path);
        command
    }

    /// Adds an image, with differences from another, and signs it.
    fn publish(&self, image: &Path, from: Option<&Path>) -> Result<()> {
        let mut add = self.update("add");
        add.args(["--level", "3", "--image"]).arg(image);
        if let Some(from) = from {
            add.arg("--from").arg(from);
        }
        eprintln!("{}", run(&mut add)?);
        let mut sign = self.update("sign");
        for name in ["images.pem", "newest.pem"] {
            sign.arg("--key").arg(self.keys.join(name));
        }
        let told = run(&mut sign)?;
        ensure!(told.contains("published"), "{told}");
        Ok(())
    }

    /// What is published, as one file.
    fn pack(&self, differences: bool) -> Result<Vec<u8>> {
        let file = self.path.with_extension("update");
        let mut pack = self.update("pack");
        pack.args(["--board", BOARD, "--output"]).arg(&file);
        if differences {
            pack.arg("--differences");
        }
        run(&mut pack)?;
        Ok(fs::read(file)?)
    }
}

/// Two, or as many as `LAPWING_POWER_CUTS` says.
fn power_cuts() -> u32 {
    let text = env::var("LAPWING_POWER_CUTS").unwrap_or_default();
    text.parse().unwrap_or(2)
}

fn board(image: &Path, folder: &Path, site: &str, with: &[PathBuf]) -> Result<Board> {
    let path = folder.join("site.toml");
    fs::write(&path, site)?;
    Board::flash(
        Machine::UefiX86_64,
        image,
        folder,
        CARD_BYTES,
        Some(&path),
        with,
    )
}

/// When an image was built.
fn version(image: &Path) -> Result<u64> {
    let release = virtual_machine::read(image, "lapwing/release")?;
    let mut lines = release.lines();
    let line = lines.find_map(|line| line.strip_prefix("BUILT_SECONDS="));
    Ok(line
        .context("an image does not say when it was built")?
        .parse()?)
}

/// The newer image, said to be newer still, with something wrong with it.
fn spoiled(
    images: &Images,
    folder: &Path,
    spoil: impl Fn(&Path) -> Result<()>,
) -> Result<(PathBuf, u64)> {
    let path = folder.join("spoiled.img");
    fs::copy(&images.newer, &path)?;
    let (was, is) = (version(&images.newer)?, version(&images.newer)? + 100);
    for name in ["lapwing/release", "lapwing/entry"] {
        let text = virtual_machine::read(&path, name)?;
        let text = text.replace(&was.to_string(), &is.to_string());
        virtual_machine::put(&path, name, text.as_bytes())?;
    }
    spoil(&path)?;
    Ok((path, is))
}

fn change_entry(image: &Path, from: &str, to: &str) -> Result<()> {
    let entry = virtual_machine::read(image, "lapwing/entry")?;
    ensure!(entry.contains(from), "{entry}");
    virtual_machine::put(image, "lapwing/entry", entry.replace(from, to).as_bytes())
}

fn told(board: &Board, line: &str) -> Result<String> {
    wait_for("the status on the card", limit(PATIENCE), || {
        let text = board.read(STATUS_FILE).ok();
        Ok(text.filter(|text| text.contains(line)))
    })
}

#[test]
fn an_update_is_confirmed_whenever_the_power_went_while_it_was_written() {
    let Some(images) = Images::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut board = board(&images.old, folder.path(), SITE, &[]).unwrap();
    let repository = images.repository(folder.path()).unwrap();
    // Whole parts: writing them takes its time.
    repository.publish(&images.newer, None).unwrap();
    let newer = version(&images.newer).unwrap();
    let update = repository.pack(false).unwrap();
    board.put(UPDATE_FILE, &update).unwrap();
    for cut in 0..power_cuts() {
        let mut running = board.switch_on().unwrap();
        let looking = "update: looking at the one on the card";
        running.says(looking, PATIENCE).unwrap();
        let moment = WRITING.mul_f64((f64::from(cut + 1) * 0.618_034).fract());
        tend(moment, || Ok(())).unwrap();
        let serial = running.serial();
        running.cut_power().unwrap();
        let step = serial.lines().rev().find(|line| line.contains("update:"));
        eprintln!(
            "power cut {moment:?} after it began: {}",
            step.unwrap_or_default()
        );
        if serial.contains("is written and tried next") {
            break;
        }
    }
    let mut running = board.switch_on().unwrap();
    running.says("slot b on trial", PATIENCE).unwrap();
    let confirmed = running.says("slot b confirmed", PATIENCE).unwrap();
    eprintln!("update of {} bytes: {confirmed:?}", update.len());
    told(&board, &format!("update     {newer} runs and is confirmed")).unwrap();
    running.cut_power().unwrap();
}

/// An update that somebody signed and that does not work goes back by itself, is told, and is not tried again.
fn goes_back(name: &str, spoil: impl Fn(&Path) -> Result<()>) {
    let Some(images) = Images::find() else { return };
    if env::var_os("LAPWING_IMAGE_ALL").is_none() {
        eprintln!("skipped: it takes minutes; `make image-test-full` runs it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut board = board(&images.old, folder.path(), SITE, &[]).unwrap();
    let (image, version) = spoiled(&images, folder.path(), spoil).unwrap();
    let repository = images.repository(folder.path()).unwrap();
    repository.publish(&image, Some(&images.old)).unwrap();
    board
        .put(UPDATE_FILE, &repository.pack(true).unwrap())
        .unwrap();
    let mut running = board.switch_on().unwrap();
    let line = format!("update: {version} is written and tried next");
    let written = running.says(&line, PATIENCE).unwrap();
    let line = format!("update: {version} did not prove itself");
    let back = running.says(&line, PATIENCE * 3).unwrap();
    wait_for("the slot before to be healthy", limit(PATIENCE), || {
        let serial = running.serial();
        let since = serial.rsplit(&line).next().unwrap_or_default();
        Ok(since.contains("HEALTHY").then_some(()))
    })
    .unwrap();
    eprintln!(
        "{name}: back in the slot before {:?} after it was written",
        back - written
    );
    told(&board, &format!("{version} did not prove itself")).unwrap();
    // It is on the card still.
    running
        .says("update: the one on the card was looked at before", PATIENCE)
        .unwrap();
    running.cut_power().unwrap();
}

#[test]
fn an_update_that_is_never_healthy_goes_back() {
    goes_back("never healthy", |image| {
        change_entry(image, "quiet", "quiet lapwing.fault=unhealthy")
    });
}

#[test]
fn an_update_with_a_truncated_kernel_goes_back() {
    goes_back("truncated kernel", |image| {
        let whole = virtual_machine::read_bytes(image, "lapwing/a/kernel")?;
        virtual_machine::put(image, "lapwing/a/kernel", &whole[..whole.len() / 2])
    });
}

#[test]
fn an_update_whose_root_is_not_the_signed_one_goes_back() {
    goes_back("another root", |image| {
        change_entry(image, "lapwing.root=", "lapwing.root=0")
    });
}

/// A kernel that starts and a board that hangs before it is well: the watchdog ends that.
#[test]
fn an_update_that_hangs_goes_back() {
    goes_back("hangs", |image| {
        change_entry(image, "quiet", "quiet lapwing.fault=hang")
    });
}

/// A stick with the difference alone; before it one that somebody changed.
#[test]
fn an_update_comes_from_a_stick_and_a_forged_one_is_refused() {
    let Some(images) = Images::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut board = board(&images.old, folder.path(), SITE, &[]).unwrap();
    let repository = images.repository(folder.path()).unwrap();
    repository
        .publish(&images.newer, Some(&images.old))
        .unwrap();
    let update = repository.pack(true).unwrap();
    let mut forged = update.clone();
    let at = forged
        .windows(9)
        .position(|window| window == b"\"version\"")
        .unwrap();
    forged[at + 1] = b'V';
    board.put(UPDATE_FILE, &forged).unwrap();
    let stick = folder.path().join("stick.img");
    fs::File::create(&stick).unwrap().set_len(64 << 20).unwrap();
    let mut format = Command::new("/usr/sbin/mkfs.vfat");
    run(format.arg("-F").arg("32").arg(&stick)).unwrap();
    let path = folder.path().join("for-the-stick");
    fs::write(&path, &update).unwrap();
    let mut copy = Command::new("mcopy");
    run(copy
        .arg("-i")
        .arg(&stick)
        .arg(&path)
        .arg(format!("::/{UPDATE_FILE}")))
    .unwrap();
    board.stick = Some(stick);
    let mut running = board.switch_on().unwrap();
    running.says("update: not taken", PATIENCE).unwrap();
    running
        .says("update: looking at the one on the stick", PATIENCE)
        .unwrap();
    running
        .says("root: written by a difference of", PATIENCE)
        .unwrap();
    running.says("slot b confirmed", PATIENCE).unwrap();
    running
        .says("update: nothing newer than what runs", PATIENCE)
        .unwrap();
    running.cut_power().unwrap();
}

/// What the centre publishes comes over the link, by the difference, and the centre is told what became of it.
#[test]
fn an_update_comes_over_the_link() {
    let Some(images) = Images::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut centre = Centre::init(folder).unwrap();
    let repository = images.repository(folder).unwrap();
    repository
        .publish(&images.newer, Some(&images.old))
        .unwrap();
    let mut publish = centre.command("images");
    let told = run(publish.arg("publish").arg(&repository.path)).unwrap();
    assert!(told.contains("published, timestamp 1"), "{told}");
    centre.start().unwrap();
    let port = centre.collector().unwrap().port();
    let mut voucher = centre.command("voucher");
    voucher.args(["--quiet", "--pre-approved", "--name", SENSOR, "--address"]);
    let voucher = run(voucher.arg(format!("10.0.2.2:{port}"))).unwrap();
    let site = Site::prepare(folder, SENSOR).unwrap();
    site.sign_policy().unwrap();
    let text = format!(
        "voucher = \"{}\"\n{SITE}[policy]\nfile = \"policy.signed\"\nisp_key = \"isp.pub\"\n",
        voucher.trim()
    );
    let with = ["policy.signed", "isp.pub"].map(|name| folder.join(name));
    let mut board = board(&images.old, folder, &text, &with).unwrap();
    let mut running = board.switch_on().unwrap();
    running.says("lapwing: enrolled", PATIENCE).unwrap();
    running
        .says("update: looking at the one of the centre", PATIENCE)
        .unwrap();
    running
        .says("root: written by a difference of", PATIENCE)
        .unwrap();
    running.says("slot b on trial", PATIENCE).unwrap();
    let confirmed = running.says("slot b confirmed", PATIENCE).unwrap();
    eprintln!("from the first start to the newer image, confirmed: {confirmed:?}");
    let newer = version(&images.newer).unwrap();
    let wanted = format!("image {newer} b, update {newer} confirmed");
    wait_for("the centre to know", limit(PATIENCE * 2), || {
        let mut sensors = centre.command("sensors");
        let told = run(sensors.args(["list", "--output", "json"]))?;
        Ok(told.contains(&wanted).then_some(()))
    })
    .unwrap();
    running.cut_power().unwrap();
}
