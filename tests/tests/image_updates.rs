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
use lapwing_tests::virtual_machine::{self, Board};

/// From the switch, or a restart, to what is waited for; without a load it takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(300);
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

fn board(image: &Path, folder: &Path, site: &str, with: &[PathBuf]) -> Result<Board> {
    let path = folder.join("site.toml");
    fs::write(&path, site)?;
    Board::flash(image, folder, CARD_BYTES, Some(&path), with)
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
    later: u64,
    spoil: impl Fn(&Path) -> Result<()>,
) -> Result<(PathBuf, u64)> {
    let path = folder.join(format!("spoiled-{later}.img"));
    fs::copy(&images.newer, &path)?;
    let (was, is) = (version(&images.newer)?, version(&images.newer)? + later);
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

/// Power cuts while it is written, then it is taken and confirmed; three bad ones after it each go back to it.
#[test]
fn a_good_update_survives_power_cuts_and_bad_ones_go_back() {
    let Some(images) = Images::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut board = board(&images.old, folder.path(), SITE, &[]).unwrap();
    let repository = images.repository(folder.path()).unwrap();
    repository
        .publish(&images.newer, Some(&images.old))
        .unwrap();
    let newer = version(&images.newer).unwrap();
    // The card's file has everything, so that writing takes its time.
    let update = repository.pack(false).unwrap();
    let small = repository.pack(true).unwrap();
    eprintln!(
        "update: {} bytes, by differences {}",
        update.len(),
        small.len()
    );
    board.put(UPDATE_FILE, &update).unwrap();
    let cuts: u32 =
        env::var("LAPWING_POWER_CUTS").map_or(2, |text| text.parse::<u32>().unwrap().div_ceil(3));
    for cut in 0..cuts {
        let mut running = board.switch_on().unwrap();
        running
            .says("update: looking at the one on the card", PATIENCE)
            .unwrap();
        let moment = Duration::from_secs(4).mul_f64((f64::from(cut + 1) * 0.618_034).fract());
        tend(moment, || Ok(())).unwrap();
        running.cut_power().unwrap();
    }
    let mut running = board.switch_on().unwrap();
    running.says("slot b on trial", PATIENCE).unwrap();
    running.says("slot b confirmed", PATIENCE).unwrap();
    let line = format!("update     {newer} runs and is confirmed");
    let told = |board: &Board, line: &str| {
        wait_for("the status on the card", PATIENCE, || {
            Ok(board
                .read(STATUS_FILE)
                .ok()
                .filter(|text| text.contains(line)))
        })
    };
    told(&board, &line).unwrap();
    running.cut_power().unwrap();

    let unhealthy = spoiled(&images, folder.path(), 100, |image| {
        change_entry(image, "quiet", "quiet lapwing.fault=unhealthy")
    });
    let truncated = spoiled(&images, folder.path(), 200, |image| {
        virtual_machine::put(image, "lapwing/a/kernel", b"MZ and nothing behind it")
    });
    let corrupted = spoiled(&images, folder.path(), 300, |image| {
        change_entry(image, "lapwing.root=", "lapwing.root=0")
    });
    for (name, spoiled) in [
        ("unhealthy", unhealthy),
        ("truncated kernel", truncated),
        ("corrupted root", corrupted),
    ] {
        let (image, version) = spoiled.unwrap();
        let repository = images
            .repository(&folder.path().join(version.to_string()))
            .unwrap();
        repository.publish(&image, Some(&images.newer)).unwrap();
        board
            .put(UPDATE_FILE, &repository.pack(true).unwrap())
            .unwrap();
        let mut running = board.switch_on().unwrap();
        running
            .says(
                &format!("update: {version} is written and tried next"),
                PATIENCE,
            )
            .unwrap();
        let after = running
            .says(
                &format!("update: {version} did not prove itself"),
                PATIENCE * 2,
            )
            .unwrap();
        running.says_times("slot b confirmed", 2, PATIENCE).unwrap();
        running.says_times("HEALTHY", 1, PATIENCE).unwrap();
        eprintln!("{name}: back in the slot before {after:?} after the start");
        told(&board, &format!("{version} did not prove itself")).unwrap();
        // It is there still, and not tried again.
        running
            .says(
                &format!("update: {version} did not prove itself and is not tried again"),
                PATIENCE,
            )
            .unwrap();
        running.cut_power().unwrap();
    }
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
    wait_for("the centre to know", PATIENCE * 2, || {
        let mut sensors = centre.command("sensors");
        let told = run(sensors.args(["list", "--output", "json"]))?;
        Ok(told.contains(&wanted).then_some(()))
    })
    .unwrap();
    running.cut_power().unwrap();
}
