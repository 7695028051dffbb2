//! New rules where nobody is there to take them: a pack to begin with, and what the uplink mirrored taken as soon as it is whole.
//!
//! The taking is `lapwing rules update` in a process of its own: what the link brought is believed no more than what a stick brings.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use lapwing_rules::{limits::PACK_BYTES, pack::Pack};
use lapwing_sensor::{
    rule_update::canonical_path,
    settings::{RuleSource, Settings},
    whole_file,
};

use super::load_rules;

/// Between looks at the mirror.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How long one update may take; deriving the largest rule set takes a tenth of it on a slow board.
const UPDATE_PATIENCE: Duration = Duration::from_secs(1800);

/// What the uplink mirrored, and how far it was taken.
pub(super) struct RuleUpdates {
    /// Settings of the sensor, and the mirror; none where a person takes rules.
    paths: Option<(PathBuf, PathBuf)>,
    /// The state of the mirror that was taken, or is being taken.
    taken: Option<SystemTime>,
    running: Option<(Child, Instant)>,
    looked: Option<Instant>,
}

impl RuleUpdates {
    /// Puts the starter in the place of a pack that is not there, that this program cannot use, or that is another starter.
    pub(super) fn begin(settings: &Settings, config: &Path) -> anyhow::Result<Self> {
        let rules = &settings.rules;
        if let (RuleSource::Pack(pack), Some(starter)) = (&rules.source, &rules.starter) {
            begin_with(starter, pack)
                .with_context(|| format!("{}: the starter cannot be put there", pack.display()))?;
        }
        let paths = rules
            .are_followed
            .then(|| (config.to_owned(), settings.rule_mirror_folder()));
        Ok(Self {
            paths,
            taken: None,
            running: None,
            looked: None,
        })
    }

    /// Takes what the uplink brought, where something new is there.
    pub(super) fn look(&mut self) {
        let Some((config, mirror)) = &self.paths else {
            return;
        };
        if self
            .looked
            .is_some_and(|looked| looked.elapsed() < LOOK_INTERVAL)
        {
            return;
        }
        self.looked = Some(Instant::now());
        if let Some((child, started)) = &mut self.running {
            match child.try_wait() {
                Ok(None) if started.elapsed() < UPDATE_PATIENCE => return,
                Ok(None) => {
                    tracing::error!("taking new rules takes too long and is ended");
                    drop(child.kill());
                    return;
                }
                Ok(Some(_)) => {}
                Err(error) => tracing::error!(%error, "taking new rules cannot be watched"),
            }
            if let Some((child, _)) = self.running.take() {
                tell(child);
            }
        }
        // The mirror writes it last.
        let newest = mirror.join("metadata/timestamp.json");
        let modified = fs::metadata(newest).and_then(|file| file.modified()).ok();
        if modified.is_none() || modified == self.taken {
            return;
        }
        match start(config, mirror) {
            Ok(child) => {
                self.running = Some((child, Instant::now()));
                self.taken = modified;
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "new rules cannot be taken");
            }
        }
    }
}

impl Drop for RuleUpdates {
    fn drop(&mut self) {
        // An update that is ended in the middle is taken up by the next one.
        if let Some((child, _)) = &mut self.running {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn begin_with(starter: &Path, pack: &Path) -> anyhow::Result<()> {
    let first = load_rules::open_pack(starter)?;
    let stays = Pack::open(pack).is_ok_and(|there| {
        // One that a repository gave.
        canonical_path(pack).exists() || there.digest() == first.digest()
    });
    if stays {
        return Ok(());
    }
    if let Some(folder) = pack.parent() {
        fs::create_dir_all(folder)?;
    }
    let most = usize::try_from(PACK_BYTES).unwrap_or(usize::MAX);
    whole_file::replace(pack, &whole_file::read(starter, most)?)?;
    tracing::info!(starter = %starter.display(), "begins with the rules of the starter");
    Ok(())
}

fn start(config: &Path, mirror: &Path) -> anyhow::Result<Child> {
    let program = env::current_exe().context("cannot find the program itself")?;
    Ok(Command::new(program)
        .args(["rules", "update", "--config"])
        .arg(config)
        .arg("--from")
        .arg(mirror)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?)
}

/// Tells what came of it: the update says one line.
fn tell(child: Child) {
    match child.wait_with_output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if output.status.success() {
                tracing::info!(said, "rules of the centre");
            } else {
                tracing::error!(said, status = %output.status, "rules of the centre are not taken");
            }
        }
        Err(error) => tracing::error!(%error, "what came of new rules is not known"),
    }
}

#[cfg(test)]
mod tests {
    use lapwing_rules::source::Source;

    use super::*;

    fn pack_of(sid: u32) -> Vec<u8> {
        let rule = format!("alert tcp any any -> any any (msg:\"m\"; content:\"abc\"; sid:{sid};)");
        let source = Source {
            name: "test.rules".into(),
            bytes: rule.into_bytes(),
        };
        lapwing_rules::compile(&[source], &lapwing_rules::Settings::default()).pack
    }

    #[test]
    fn a_starter_stands_until_a_repository_gave_rules() {
        let folder = tempfile::tempdir().unwrap();
        let (starter, pack) = (folder.path().join("s"), folder.path().join("rules/p.pack"));
        fs::write(&starter, pack_of(1)).unwrap();
        let begun = |expected: &[u8]| {
            begin_with(&starter, &pack).unwrap();
            fs::read(&pack).unwrap() == expected
        };
        assert!(begun(&pack_of(1)));
        // The next image brings another one.
        fs::write(&starter, pack_of(2)).unwrap();
        assert!(begun(&pack_of(2)));
        // What a repository gave stays, as long as this program can use it.
        fs::write(&pack, pack_of(3)).unwrap();
        fs::write(canonical_path(&pack), "").unwrap();
        assert!(begun(&pack_of(3)));
        fs::write(&pack, "of a program to come").unwrap();
        assert!(begun(&pack_of(2)));
    }
}
