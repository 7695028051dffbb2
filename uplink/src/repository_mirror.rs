//! Fetches a repository of the centre, of rules or of images, file by file, into a folder that mirrors it.
//!
//! Nothing here is trusted and nothing here decides: names and versions are read from the files only to know
//! what to ask for. Whether the rules run is for `lapwing rules update --from FOLDER`, and whether an image is written for the
//! first process of the board; both check every signature, version and end as for a stick. `timestamp.json` comes into the mirror last, so that a download
//! that breaks leaves the old state whole; what came of a file is kept and goes on from there.
//!
//! ```text
//! roots from the newest known on, timestamp, snapshot, targets, then of what is new:
//! of rules the delta from the pack of the old targets where there is one, the pack where there is none;
//! of an image the parts that the board does not have, by their differences from those it has
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lapwing_wire::{FileAbsent, FilePart, FileRequest, RepositoryPath};
use serde_json::Value;

use crate::bill::transfer_bytes;
use crate::connection::Connection;
use crate::error::UplinkError;

/// What a mirror is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirrored {
    /// Rules of the centre.
    Rules,
    /// Images for this board.
    Images(BoardImage),
}

/// The image that a board runs: what a newer one may be the difference from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardImage {
    /// Which board.
    pub board: String,
    /// When the image was built, seconds since 1970: its version.
    pub version: u64,
    /// SHA-256 of its parts, in hex.
    pub parts: Vec<String>,
}

/// A folder that mirrors a repository of the centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorSettings {
    /// The folder.
    pub folder: PathBuf,
    /// What is mirrored into it.
    pub of: Mirrored,
}

const TIMESTAMP: &str = "metadata/timestamp.json";
const PACK: &str = "rules.pack";
/// Bytes of a metadata file, at most.
const METADATA_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of a pack, at most.
const TARGET_BYTES: u64 = 256 * 1024 * 1024;
/// Below so much budget nothing is asked for.
const PART_BYTES: u64 = 32 * 1024;
/// Roots that one contact follows.
const ROOTS_MAX: u64 = 64;

/// A download under way. One file is asked for at a time.
pub(crate) struct RepositoryMirror {
    folder: PathBuf,
    of: Mirrored,
    wanted: Option<RepositoryPath>,
    next: VecDeque<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Root(u64),
    Timestamp,
    /// Snapshot and targets files, by their names with versions.
    Metadata(String),
    /// What the newest targets name.
    Targets,
    File(String),
    /// Everything is here: the new timestamp may be seen.
    Publish,
}

impl RepositoryMirror {
    /// Asks for the first file; none when the session takes no request.
    pub(crate) fn begin(settings: &MirrorSettings, connection: &mut Connection) -> Option<Self> {
        let folder = &settings.folder;
        let newest = (1..=u64::MAX)
            .take_while(|version| root(folder, *version).exists())
            .last()
            .unwrap_or(0);
        let mut mirror = Self {
            folder: folder.clone(),
            of: settings.of.clone(),
            wanted: None,
            next: VecDeque::from([Step::Root(newest + 1), Step::Timestamp]),
        };
        // A timestamp is small and new each time: it is not gone on with.
        drop(fs::remove_file(mirror.partial(TIMESTAMP)));
        mirror.ask(connection).ok()?.then_some(mirror)
    }

    /// Takes bytes of a file and asks for more, while what is left of it may cost so much; none when all is done
    /// or has to wait.
    pub(crate) fn part(
        mirror: Option<Self>,
        part: FilePart,
        connection: &mut Connection,
        left_bytes: u64,
    ) -> Result<Option<Self>, UplinkError> {
        let Some(mut mirror) = mirror.filter(|mirror| mirror.wanted.as_ref() == Some(&part.path))
        else {
            return Ok(None);
        };
        let prefix = mirror.prefix();
        let path = part.path.as_str();
        let path = path.strip_prefix(prefix).unwrap_or(path);
        let cap = if path.starts_with("metadata/") {
            METADATA_BYTES
        } else {
            TARGET_BYTES
        };
        let partial = mirror.partial(path);
        let known = fs::metadata(&partial).map_or(0, |metadata| metadata.len());
        let end = known.saturating_add(part.bytes.len() as u64);
        let fits = part.offset == known && end <= part.total_bytes && part.total_bytes <= cap;
        if !fits || (part.bytes.is_empty() && end < part.total_bytes) {
            tracing::warn!(
                path,
                "a file of a repository came in pieces that do not fit"
            );
            drop(fs::remove_file(&partial));
            return Ok(None);
        }
        let append = || {
            if let Some(folder) = partial.parent() {
                fs::create_dir_all(folder)?;
            }
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(&partial)?
                .write_all(&part.bytes)
        };
        append().map_err(UplinkError::file("write", &partial))?;
        if end == part.total_bytes {
            mirror.arrived(path)?;
        }
        if transfer_bytes(part.total_bytes - end) > left_bytes || left_bytes < PART_BYTES {
            tracing::info!(path, "what is new at the centre waits for budget");
            return Ok(None);
        }
        Ok(mirror.ask(connection)?.then_some(mirror))
    }

    /// There is no such file: for a root that is the end of the roots, for all else of the download.
    pub(crate) fn absent(
        mirror: Option<Self>,
        absent: &FileAbsent,
        connection: &mut Connection,
    ) -> Result<Option<Self>, UplinkError> {
        let Some(mut mirror) = mirror.filter(|mirror| mirror.wanted.as_ref() == Some(&absent.path))
        else {
            return Ok(None);
        };
        if !matches!(mirror.next.front(), Some(Step::Root(_))) {
            tracing::debug!(path = absent.path.as_str(), "the centre has no such file");
            return Ok(None);
        }
        mirror.next.pop_front();
        Ok(mirror.ask(connection)?.then_some(mirror))
    }

    /// A file is whole: it is moved to its place, and what follows from it is planned.
    fn arrived(&mut self, path: &str) -> Result<(), UplinkError> {
        let step = self.next.pop_front();
        match step {
            Some(Step::Timestamp) => {
                let new = self.read_partial(TIMESTAMP)?;
                if fs::read(self.folder.join(TIMESTAMP)).is_ok_and(|old| old == new) {
                    self.next.clear();
                    return Ok(());
                }
                for name in named_files(&new) {
                    self.next.push_back(Step::Metadata(name));
                }
                self.next.push_back(Step::Targets);
                self.next.push_back(Step::Publish);
                return Ok(());
            }
            Some(Step::Root(version)) if version < ROOTS_MAX => {
                self.next.push_front(Step::Root(version + 1));
            }
            Some(Step::Metadata(name)) if name.ends_with("snapshot.json") => {
                let snapshot = self.read_partial(path)?;
                for name in named_files(&snapshot).into_iter().rev() {
                    self.next.push_front(Step::Metadata(name));
                }
            }
            _ => {}
        }
        let to = self.folder.join(path);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(UplinkError::file("make the folder", folder))?;
        }
        fs::rename(self.partial(path), &to).map_err(UplinkError::file("write", &to))
    }

    /// Asks for the next file that is not here; false when all are.
    fn ask(&mut self, connection: &mut Connection) -> Result<bool, UplinkError> {
        loop {
            let path = match self.next.front() {
                None => return Ok(false),
                Some(Step::Root(version)) => format!("metadata/{version}.root.json"),
                Some(Step::Timestamp) => TIMESTAMP.to_owned(),
                Some(Step::Metadata(name)) => format!("metadata/{name}"),
                Some(Step::File(name)) => format!("targets/{name}"),
                Some(Step::Targets) => {
                    self.next.pop_front();
                    for file in self.new_targets()?.into_iter().rev() {
                        self.next.push_front(Step::File(file));
                    }
                    continue;
                }
                Some(Step::Publish) => {
                    self.next.clear();
                    if matches!(self.of, Mirrored::Images(_)) {
                        self.forget_old_targets()?;
                    }
                    let to = self.folder.join(TIMESTAMP);
                    fs::rename(self.partial(TIMESTAMP), &to)
                        .map_err(UplinkError::file("write", &to))?;
                    tracing::info!(folder = %self.folder.display(), "what is new at the centre is here");
                    return Ok(false);
                }
            };
            if self.folder.join(&path).exists() && path != TIMESTAMP {
                self.next.pop_front();
                continue;
            }
            let offset = fs::metadata(self.partial(&path)).map_or(0, |file| file.len());
            let Ok(path) = RepositoryPath::new(&format!("{}{path}", self.prefix())) else {
                tracing::warn!(path, "a repository names a file that cannot be");
                return Ok(false);
            };
            self.wanted = Some(path.clone());
            let now = connection.now_milliseconds();
            let request = FileRequest { path, offset };
            return Ok(connection.session.request_file(request, now).is_ok());
        }
    }

    /// The targets to fetch. Of rules: a delta from the pack that the mirror had, or the pack.
    fn new_targets(&self) -> Result<Vec<String>, UplinkError> {
        let Some((new, old)) = self.newest_targets()? else {
            return Ok(Vec::new());
        };
        if let Mirrored::Images(image) = &self.of {
            return Ok(image.missing_parts(&new));
        }
        let Some(pack) = stored_name(&new, PACK) else {
            return Ok(Vec::new());
        };
        let digest = |targets: &Value| targets[PACK]["custom"]["digest"].clone();
        let from = old.as_ref().map(digest);
        let delta = new.as_object().into_iter().flatten().find(|(_, file)| {
            let custom = &file["custom"];
            from.as_ref()
                .is_some_and(|from| !from.is_null() && custom["from"] == *from)
                && custom["to"] == digest(&new)
        });
        Ok(match delta.and_then(|(name, _)| stored_name(&new, name)) {
            Some(delta) => vec![delta],
            None => vec![pack],
        })
    }

    /// Removes parts of images, whole or begun, that the newest targets do not name: they are large.
    fn forget_old_targets(&self) -> Result<(), UplinkError> {
        let newest = self.newest_targets()?.map(|(new, _)| new);
        let named = newest.as_ref().and_then(Value::as_object);
        let named = named.into_iter().flatten();
        let named: BTreeSet<String> = named
            .filter_map(|(name, _)| stored_name(newest.as_ref()?, name))
            .collect();
        for folder in [self.folder.join("targets"), self.partial("targets")] {
            remove_all_but(&named, &folder, "").map_err(UplinkError::file("tidy", &folder))?;
        }
        Ok(())
    }

    /// The newest and the second newest targets in the mirror.
    fn newest_targets(&self) -> Result<Option<(Value, Option<Value>)>, UplinkError> {
        let folder = self.folder.join("metadata");
        let mut versions = Vec::new();
        let entries = fs::read_dir(&folder).map_err(UplinkError::file("list", &folder))?;
        for entry in entries.flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            if let Some(version) = name.strip_suffix(".targets.json") {
                versions.extend(version.parse::<u64>());
            }
        }
        versions.sort_unstable();
        let read = |version: &u64| {
            let bytes = fs::read(folder.join(format!("{version}.targets.json"))).ok()?;
            let file: Value = serde_json::from_slice(&bytes).ok()?;
            Some(file["signed"]["targets"].clone())
        };
        let mut newest = versions.iter().rev().map(read);
        Ok(newest
            .next()
            .flatten()
            .map(|new| (new, newest.next().flatten())))
    }

    /// What stands before the paths that the centre is asked for.
    fn prefix(&self) -> &'static str {
        match self.of {
            Mirrored::Rules => "",
            Mirrored::Images(_) => RepositoryPath::IMAGES,
        }
    }

    fn partial(&self, path: &str) -> PathBuf {
        self.folder.join("partial").join(path)
    }

    fn read_partial(&self, path: &str) -> Result<Vec<u8>, UplinkError> {
        let partial = self.partial(path);
        match fs::read(&partial) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(cause) => Err(UplinkError::file("read", partial)(cause)),
        }
    }
}

impl BoardImage {
    /// Where the targets lie that make the newest image of what the board has: none where it runs that.
    fn missing_parts(&self, targets: &Value) -> Vec<String> {
        let notes = |name: &String| &targets[name]["custom"];
        let named = targets.as_object().into_iter().flatten();
        let of_board: Vec<&String> = named
            .map(|(name, _)| name)
            .filter(|name| notes(name)["board"] == *self.board)
            .collect();
        let version = |name: &&String| notes(name)["version"].as_u64();
        let newest = of_board.iter().filter_map(version).max();
        let Some(newest) = newest.filter(|newest| *newest > self.version) else {
            return Vec::new();
        };
        let mut chosen: BTreeMap<&str, &String> = BTreeMap::new();
        for name in of_board {
            let notes = notes(name);
            let has = |digest: &Value| self.parts.iter().any(|part| digest == part);
            let Some(part) = notes["part"].as_str() else {
                continue;
            };
            if notes["version"] != newest || has(&notes["digest"]) {
                continue;
            }
            let from = &notes["from"];
            // A difference from what the board has comes before the whole part.
            if has(from) || (from.is_null() && !chosen.contains_key(part)) {
                chosen.insert(part, name);
            }
        }
        let stored = chosen.values().map(|name| stored_name(targets, name));
        stored.flatten().collect()
    }
}

/// Removes files below a folder whose paths, from there on, are not named.
fn remove_all_but(named: &BTreeSet<String>, folder: &Path, below: &str) -> io::Result<()> {
    let entries = match fs::read_dir(folder.join(below)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type()?.is_dir() {
            remove_all_but(named, folder, &path)?;
        } else if !named.contains(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn root(folder: &Path, version: u64) -> PathBuf {
    folder.join(format!("metadata/{version}.root.json"))
}

/// The files that a timestamp or snapshot names, each with its version before its name.
fn named_files(metadata: &[u8]) -> Vec<String> {
    let file: Value = serde_json::from_slice(metadata).unwrap_or_default();
    let named = file["signed"]["meta"].as_object().into_iter().flatten();
    named
        .filter_map(|(name, entry)| Some(format!("{}.{name}", entry["version"].as_u64()?)))
        .collect()
}

/// Where a target lies: its SHA-256 stands before the last part of its name.
fn stored_name(targets: &Value, name: &str) -> Option<String> {
    let digest = targets[name]["hashes"]["sha256"].as_str()?;
    Some(match name.rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/{digest}.{file}"),
        None => format!("{digest}.{name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_read_from_metadata_and_nonsense_names_nothing() {
        let timestamp = json!({"signed": {"meta": {"snapshot.json": {"version": 7}}}}).to_string();
        assert_eq!(named_files(timestamp.as_bytes()), ["7.snapshot.json"]);
        for nonsense in [
            "",
            "{}",
            "[1]",
            r#"{"signed":{"meta":{"a":{"version":"x"}}}}"#,
        ] {
            assert!(named_files(nonsense.as_bytes()).is_empty(), "{nonsense}");
        }
        let targets = json!({"deltas/a-b.delta": {"hashes": {"sha256": "00ff"}}});
        assert_eq!(
            stored_name(&targets, "deltas/a-b.delta").as_deref(),
            Some("deltas/00ff.a-b.delta")
        );
        assert_eq!(stored_name(&targets, PACK), None);
    }

    #[test]
    fn of_an_image_only_what_the_board_lacks_is_fetched() {
        let target = |part: &str, version: u64, digest: &str, from: Option<&str>| {
            let custom = json!({"board": "b", "part": part, "version": version, "digest": digest, "from": from});
            json!({"hashes": {"sha256": format!("{part}{digest}")}, "custom": custom})
        };
        let targets = json!({
            "b/9/entry": target("entry", 9, "e9", None),
            "b/9/kernel": target("kernel", 9, "k1", None),
            "b/9/root": target("root", 9, "r9", None),
            "b/9/root.from-r1": target("root", 9, "r9", Some("r1")),
            "b/8/root": target("root", 8, "r8", None),
            "other": {"hashes": {}, "custom": {"board": "c", "version": 99}},
        });
        let image = |version, parts: &[&str]| BoardImage {
            board: "b".to_owned(),
            version,
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        };
        assert_eq!(
            image(5, &["k1", "r1"]).missing_parts(&targets),
            ["b/9/entrye9.entry", "b/9/rootr9.root.from-r1"]
        );
        assert_eq!(
            image(5, &["k0", "r0"]).missing_parts(&targets),
            [
                "b/9/entrye9.entry",
                "b/9/kernelk1.kernel",
                "b/9/rootr9.root"
            ]
        );
        assert!(image(9, &[]).missing_parts(&targets).is_empty());
        assert!(image(5, &[]).missing_parts(&json!([1])).is_empty());
    }
}
