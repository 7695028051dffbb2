//! Images over the link: a transfer that is cut goes on in the middle, and what the budget does not allow waits for a difference that it does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use ed25519_dalek::SigningKey;
use lapwing_rules::trust::PublicKey;
use lapwing_rules::trust::tuf::{
    FileMeta, Header, Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp, TopRole,
    UtcTime,
};
use lapwing_tests::bad_link::{BadLink, Weather};
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::run;
use lapwing_tests::site::mirrored;
use serde_json::json;

use crate::support::{Ends, PATIENCE};

const BOARD: &str = "test-board";
/// Versions of the image that the board runs, and of the newer one.
const VERSIONS: (u64, u64) = (1_796_000_000, 1_796_000_100);
const WHOLE_BYTES: usize = 6 << 20;
const DIFFERENCE_BYTES: usize = 40_000;

/// Digests stand for parts: nobody on the way looks into one.
fn digest(letter: char) -> String {
    letter.to_string().repeat(64)
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = bytes as u64 | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_le_bytes()[7]
    };
    (0..bytes).map(|_| next()).collect()
}

/// A repository of one image with one key for everything.
struct Repository {
    folder: PathBuf,
    key: SigningKey,
    now: u64,
}

impl Repository {
    fn make(folder: PathBuf) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let made = Self {
            folder,
            key: SigningKey::from_bytes(&[7; 32]),
            now,
        };
        let mut root = Root::new(made.header::<Root>(1));
        for role in [
            TopRole::Root,
            TopRole::Targets,
            TopRole::Snapshot,
            TopRole::Timestamp,
        ] {
            root.set_role(role, &[PublicKey::of(&made.key)?], 1)?;
        }
        made.sign("1.root.json", root)?;
        Ok(made)
    }

    fn header<M: Metadata>(&self, version: u64) -> Header {
        let time = UtcTime::from_seconds;
        Header::new::<M>(version, time(self.now), time(self.now + 86_400))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        Ok(fs::write(path, bytes)?)
    }

    fn sign<M: Metadata>(&self, file: &str, metadata: M) -> Result<FileMeta> {
        let version = metadata.header().version;
        let mut signed = Signed::draft(metadata)?;
        signed.sign(&self.key)?;
        let bytes = signed.to_bytes()?;
        self.write(&format!("metadata/{file}"), &bytes)?;
        Ok(FileMeta::of(version, &bytes))
    }

    /// Publishes the root of the newer image; where its parts lie.
    fn publish(&self, version: u64, parts: &[(Option<char>, &[u8])]) -> Result<Vec<PathBuf>> {
        let mut targets = BTreeMap::new();
        let mut paths = Vec::new();
        for (from, bytes) in parts {
            let notes = json!({
                "board": BOARD, "version": VERSIONS.1, "part": "root", "digest": digest('b'),
                "bytes": WHOLE_BYTES, "from": from.map(digest),
            });
            let file = TargetFile::of(bytes, Some(notes));
            let kind = from.map_or("whole", |_| "difference");
            let path = format!(
                "targets/{}.{kind}",
                file.sha256().context("it has a digest")?
            );
            self.write(&path, bytes)?;
            paths.push(PathBuf::from(path));
            targets.insert(kind.to_owned(), file);
        }
        let targets = Targets::new(self.header::<Targets>(version), targets);
        let named = self.sign(&format!("{version}.targets.json"), targets)?;
        let named = BTreeMap::from([("targets.json".to_owned(), named)]);
        let snapshot = Snapshot::new(self.header::<Snapshot>(version), named);
        let named = self.sign(&format!("{version}.snapshot.json"), snapshot)?;
        let timestamp = Timestamp::new(self.header::<Timestamp>(version), named);
        self.sign("timestamp.json", timestamp)?;
        Ok(paths)
    }
}

/// A site on a board that runs the older image, over a link.
fn on_a_board(ends: &Ends, link: &BadLink, uplink: &str) -> Result<()> {
    ends.site
        .set_uplink(&format!("centres = [\"{}\"]\n{uplink}", link.address()))?;
    let config = ends.folder.path().join("sensor.toml");
    let board = format!(
        "[board]\nname = \"{BOARD}\"\nversion = {}\nparts = [\"{}\"]\nstatus = \"board/status\"\ncontrol = \"control.sock\"\n",
        VERSIONS.0,
        digest('a')
    );
    Ok(fs::write(
        &config,
        fs::read_to_string(&config)? + "\n" + &board,
    )?)
}

fn publish_at_centre(ends: &Ends, repository: &Repository) -> Result<()> {
    let mut publish = ends.centre.command("images");
    run(publish.arg("publish").arg(&repository.folder)).map(drop)
}

fn bytes_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

#[test]
fn an_image_whose_transfer_is_cut_goes_on_in_the_middle() -> Result<()> {
    let ends = Ends::enrolled("")?;
    let link = BadLink::to(ends.centre.collector()?)?;
    // Slow enough to be cut on the way.
    link.weather(Weather {
        bytes_a_second: 2 << 20,
        ..Weather::default()
    });
    on_a_board(&ends, &link, "")?;
    let repository = Repository::make(ends.folder.path().join("images"))?;
    let whole = noise(WHOLE_BYTES);
    let paths = repository.publish(1, &[(None, &whole)])?;
    publish_at_centre(&ends, &repository)?;
    let mirror = ends.site.state().join("image-repository");
    let partial = mirror.join("partial").join(&paths[0]);
    let mut uplink = ends.site.start_uplink()?;
    for part in 1..=3u64 {
        let reached = part * WHOLE_BYTES as u64 / 4;
        wait_for("a part of the image", PATIENCE, || {
            uplink.must_run()?;
            Ok((bytes_of(&partial) >= reached).then_some(()))
        })?;
        link.cut();
        if part == 2 {
            // As when the board is switched off on the way.
            uplink.kill()?;
            uplink = ends.site.start_uplink()?;
        }
    }
    mirrored(&mut uplink, &mirror, PATIENCE)?;
    uplink.stop(PATIENCE)?;
    assert!(fs::read(mirror.join(&paths[0]))? == whole);
    // A cut costs what was on its way, a handshake and no more.
    let carried = link.bytes();
    eprintln!("{WHOLE_BYTES} bytes cut three times took {carried}");
    assert!(carried < WHOLE_BYTES as u64 * 5 / 4, "{carried}");
    assert!(link.connections() >= 4);
    Ok(())
}

#[test]
fn an_image_beyond_the_budget_waits_and_a_difference_comes() -> Result<()> {
    let ends = Ends::enrolled("")?;
    let link = BadLink::to(ends.centre.collector()?)?;
    on_a_board(&ends, &link, "day_budget = \"1 MiB\"\n")?;
    let repository = Repository::make(ends.folder.path().join("images"))?;
    let (whole, difference) = (noise(WHOLE_BYTES), noise(DIFFERENCE_BYTES));
    let paths = repository.publish(1, &[(None, &whole)])?;
    publish_at_centre(&ends, &repository)?;
    let mirror = ends.site.state().join("image-repository");
    let mut uplink = ends.site.start_uplink()?;
    let log = ends.folder.path().join("uplink.log");
    wait_for("the image to wait for budget", PATIENCE, || {
        uplink.must_run()?;
        let said = fs::read_to_string(&log).unwrap_or_default();
        Ok(said
            .contains("what is new at the centre waits for budget")
            .then_some(()))
    })?;
    uplink.stop(PATIENCE)?;
    assert!(bytes_of(&mirror.join("partial").join(&paths[0])) < 512 << 10);
    assert!(link.bytes() < 512 << 10, "{}", link.bytes());
    assert!(!mirror.join("metadata/timestamp.json").exists());

    // The same image, now also as the difference from what the board runs.
    let paths = repository.publish(2, &[(None, &whole), (Some('a'), &difference)])?;
    publish_at_centre(&ends, &repository)?;
    let before = link.bytes();
    let mut uplink = ends.site.start_uplink()?;
    mirrored(&mut uplink, &mirror, PATIENCE)?;
    uplink.stop(PATIENCE)?;
    assert!(fs::read(mirror.join(&paths[1]))? == difference);
    assert!(!mirror.join(&paths[0]).exists());
    let carried = link.bytes() - before;
    eprintln!("a difference of {DIFFERENCE_BYTES} bytes took {carried}");
    assert!(carried < DIFFERENCE_BYTES as u64 * 2, "{carried}");
    Ok(())
}
