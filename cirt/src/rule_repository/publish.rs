//! A pack becomes the one that sensors take; the timestamp is renewed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lapwing_rules::pack::{CanonicalPack, RecordKind, make_delta};
use lapwing_trust::tuf::{FileMeta, Metadata, TargetFile, Targets};
use serde_json::json;

use super::files::{Contents, RuleRepository};
use super::{PACK_TARGET, RuleRepositoryError as Error};
use crate::limits::RULE_DELTA_PACKS;

/// Ending of the packs that are kept to make deltas from.
const KEPT_ENDING: &str = "canonical";

/// A pack that is ready and that nobody sees yet.
#[derive(Debug)]
pub struct Published {
    /// Digest of the canonical pack.
    pub digest: [u8; 32],
    /// Its bytes.
    pub bytes: u64,
    /// Rules that run.
    pub rules: usize,
    /// Bytes of the deltas from earlier packs, the newest pack first.
    pub deltas: Vec<u64>,
    /// Whether it is in the repository already, so that nothing was written.
    pub is_known: bool,
    snapshot: Option<FileMeta>,
    contents: Contents,
}

impl RuleRepository {
    /// Writes a canonical pack, the deltas to it and what names them. Sensors see it after [`RuleRepository::commit`].
    ///
    /// # Errors
    /// [`Error::NoRules`] and others; then nothing has changed for anybody.
    pub fn stage(&self, canonical: Vec<u8>) -> Result<Published, Error> {
        let root = self.root()?;
        let contents = self.contents(&[&root])?;
        let pack = CanonicalPack::from_bytes(canonical)?;
        let rules = pack.count_of(RecordKind::Rule);
        if rules == 0 {
            return Err(Error::NoRules);
        }
        let digest = *pack.digest();
        let file = TargetFile::of(
            pack.bytes(),
            Some(json!({
                "digest": hex::encode(digest),
                "derived": hex::encode(pack.derived_digest()),
                "rules": rules,
            })),
        );
        let mut published = Published {
            digest,
            bytes: file.length,
            rules,
            deltas: Vec::new(),
            is_known: false,
            snapshot: None,
            contents,
        };
        let known = published.contents.targets.as_ref();
        if known.is_some_and(|known| known.targets.get(PACK_TARGET) == Some(&file)) {
            published.is_known = true;
            return Ok(published);
        }
        self.write_target(PACK_TARGET, &file, pack.bytes())?;
        let mut targets = BTreeMap::from([(PACK_TARGET.to_owned(), file)]);
        for path in self.kept_packs()? {
            let Ok(earlier) = CanonicalPack::open(&path) else {
                // Of another version of the format, or damaged: no delta starts from it, and it is removed below.
                continue;
            };
            if *earlier.digest() == digest {
                continue;
            }
            let delta = make_delta(&earlier, &pack)?;
            published.deltas.push(delta.len() as u64);
            let (from, to) = (hex::encode(earlier.digest()), hex::encode(digest));
            let short = |digest: &str| digest.chars().take(16).collect::<String>();
            let name = format!("deltas/{}-{}.delta", short(&from), short(&to));
            let file = TargetFile::of(&delta, Some(json!({"from": from, "to": to})));
            self.write_target(&name, &file, &delta)?;
            targets.insert(name, file);
        }
        let kept = self
            .packs()
            .join(format!("{}.{KEPT_ENDING}", hex::encode(digest)));
        self.write_kept(&kept, pack.bytes())?;
        published.snapshot = Some(self.write_targets(&root, &published.contents, targets)?);
        Ok(published)
    }

    /// Lets sensors see what was staged, and removes what no sensor asks for any more. The version of the timestamp.
    ///
    /// # Errors
    /// [`Error`].
    pub fn commit(&self, published: &Published) -> Result<u64, Error> {
        let root = self.root()?;
        let Some(snapshot) = published.snapshot.clone() else {
            return Ok(published
                .contents
                .timestamp
                .as_ref()
                .map_or(0, |timestamp| timestamp.header.version));
        };
        let version = self.write_timestamp(&root, &published.contents, snapshot, None)?;
        self.remove_old(&published.contents)?;
        Ok(version)
    }

    /// Renews the timestamp, for `days` or as usual: says that what is there is still the newest.
    ///
    /// # Errors
    /// [`Error`].
    pub fn refresh(&self, days: Option<u32>) -> Result<u64, Error> {
        let root = self.root()?;
        let contents = self.contents(&[&root])?;
        let named = contents
            .timestamp
            .as_ref()
            .map(|timestamp| timestamp.snapshot().cloned());
        let snapshot = named
            .ok_or_else(|| Error::NoRepository(self.folder().to_owned()))?
            .map_err(|source| Error::Trust {
                file: "timestamp.json".to_owned(),
                source,
            })?;
        self.write_timestamp(&root, &contents, snapshot, days)
    }

    fn write_target(&self, name: &str, file: &TargetFile, bytes: &[u8]) -> Result<(), Error> {
        self.write(&self.target_path(&path_of(name, file)), bytes)
    }

    /// Packs that were published, the newest first.
    fn kept_packs(&self) -> Result<Vec<PathBuf>, Error> {
        let mut packs: Vec<(SystemTime, PathBuf)> = Vec::new();
        for path in files_of(&self.packs())? {
            let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let modified = modified.map_err(|error| Error::Read(path.clone(), error))?;
            packs.push((modified, path));
        }
        packs.sort_by(|one, other| other.cmp(one));
        Ok(packs.into_iter().map(|(_, path)| path).collect())
    }

    /// Removes what is neither of the state in force nor of the one before, which someone may be reading.
    fn remove_old(&self, before: &Contents) -> Result<(), Error> {
        let root = self.root()?;
        let now = self.contents(&[&root])?;
        let mut targets = BTreeSet::new();
        let mut metadata = BTreeSet::from(["timestamp.json".to_owned()]);
        for contents in [before, &now] {
            if let Some(snapshot) = &contents.snapshot {
                metadata.insert(format!("{}.snapshot.json", snapshot.header().version));
            }
            if let Some(named) = &contents.targets {
                metadata.insert(format!("{}.targets.json", named.header().version));
                targets.extend(target_paths(named).map(|path| self.target_path(&path)));
            }
        }
        let is_root = |path: &Path| path.to_string_lossy().ends_with(".root.json");
        for path in files_of(&self.folder().join("metadata"))? {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if !is_root(&path) && !metadata.contains(&name) {
                remove(&path)?;
            }
        }
        for folder in ["targets", "targets/deltas"] {
            for path in files_of(&self.folder().join(folder))? {
                if !targets.contains(&path) {
                    remove(&path)?;
                }
            }
        }
        for path in self.kept_packs()?.iter().skip(RULE_DELTA_PACKS) {
            remove(path)?;
        }
        Ok(())
    }
}

fn target_paths(targets: &Targets) -> impl Iterator<Item = String> {
    targets
        .targets
        .iter()
        .map(|(name, file)| path_of(name, file))
}

/// The path of a target's file, its hash before its name.
fn path_of(name: &str, file: &TargetFile) -> String {
    let hash = file.sha256().unwrap_or_default();
    match name.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{hash}.{name}"),
        None => format!("{hash}.{name}"),
    }
}

/// The files directly in a folder; none where there is no folder.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error| Error::Read(folder.to_owned(), error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn remove(path: &Path) -> Result<(), Error> {
    fs::remove_file(path).map_err(|error| Error::Write(path.to_owned(), error))
}
