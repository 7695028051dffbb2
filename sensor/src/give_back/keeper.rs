//! Keeping sightings: gathered in memory, sealed to the ISP, written now and then.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lapwing_wire::{SealingPrivateKey, SealingPublicKey};

use super::Sighting;
use crate::{
    app_layer::FactKind, clock::wall_milliseconds, direction::Direction, findings::Candidate,
    policy::Networks, whole_file,
};

/// Sightings between two files.
const MAX_SIGHTINGS: usize = 10_000;
/// Milliseconds between two files.
const WRITE_EVERY_MILLISECONDS: u64 = 3_600_000;
/// Bytes of all files.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of one file.
const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// What sightings are told apart by.
type Key = (IpAddr, IpAddr, String);

/// Keeps sightings for the ISP.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    key: SealingPublicKey,
    open: BTreeMap<Key, Sighting>,
    left_out: u64,
    written_milliseconds: u64,
}

/// Why sightings are not kept or not read.
#[derive(Debug, thiserror::Error)]
pub enum GiveBackError {
    /// A file cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be sealed: the ledger key is no key.
    #[error("the ISP's ledger key cannot be used")]
    Key,
    /// A file does not open with the key.
    #[error("{} does not open with this key", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
}

impl GiveBackError {
    fn file<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::File {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl Keeper {
    /// Keeps sightings in a folder, sealed to the ISP's ledger key.
    #[must_use]
    pub fn new(folder: PathBuf, key: SealingPublicKey) -> Self {
        Self {
            folder,
            key,
            open: BTreeMap::new(),
            left_out: 0,
            written_milliseconds: wall_milliseconds(),
        }
    }

    /// Takes note of a finding, whatever of it may leave, for each of its ends that is one of the ISP's.
    pub fn note(&mut self, candidate: &Candidate, home: &Networks) {
        let ends = &candidate.ends;
        let source = (ends.source, ends.source_port);
        let destination = (ends.destination, ends.destination_port);
        for ((subscriber, port), (other, other_port)) in
            [(source, destination), (destination, source)]
        {
            if home.contains(subscriber)
                && !(home.contains(other) && subscriber == ends.destination)
            {
                self.add(candidate, (subscriber, port), (other, other_port));
            }
        }
    }

    fn add(
        &mut self,
        candidate: &Candidate,
        (subscriber, port): (IpAddr, u16),
        (other, other_port): (IpAddr, u16),
    ) {
        let rule = candidate.rule;
        let rule = format!("{}:{}:{}", rule.gid, rule.sid, rule.rev);
        let (first, last) = (candidate.first.0 / 1_000_000, candidate.last.0 / 1_000_000);
        let key = (subscriber, other, rule.clone());
        if let Some(known) = self.open.get_mut(&key) {
            known.first = known.first.min(first);
            known.last = known.last.max(last);
            known.count = known.count.saturating_add(candidate.count);
            known.port = port;
            return;
        }
        if self.open.len() >= MAX_SIGHTINGS {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        // A name that was spoken to a subscriber's own server is the subscriber's, and no list may block it.
        let is_client = match candidate.direction {
            Some(Direction::ToClient) => subscriber == candidate.ends.destination,
            Some(Direction::ToServer) | None => subscriber == candidate.ends.source,
        };
        let name = candidate
            .facts
            .iter()
            .filter(|_| is_client)
            .find(|(kind, _)| {
                matches!(
                    kind,
                    FactKind::DnsQuery | FactKind::HttpHost | FactKind::TlsSni
                )
            });
        self.open.insert(
            key,
            Sighting {
                subscriber,
                port,
                other,
                other_port,
                rule,
                severity: candidate.severity.0,
                first,
                last,
                count: candidate.count,
                name: name.map(|(_, value)| value.escape_ascii().to_string()),
            },
        );
    }

    /// Sightings for which there was no room.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Writes if it is time.
    ///
    /// # Errors
    /// [`GiveBackError`]; the sightings are kept then.
    pub fn tick(&mut self) -> Result<(), GiveBackError> {
        let now = wall_milliseconds();
        if now.saturating_sub(self.written_milliseconds) < WRITE_EVERY_MILLISECONDS {
            return Ok(());
        }
        self.write()
    }

    /// Writes what is open.
    ///
    /// # Errors
    /// [`GiveBackError`]; the sightings are kept then.
    pub fn write(&mut self) -> Result<(), GiveBackError> {
        let now = wall_milliseconds();
        self.written_milliseconds = now;
        if self.open.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for sighting in self.open.values() {
            text.push_str(&serde_json::to_string(sighting).unwrap_or_default());
            text.push('\n');
        }
        let sealed = self
            .key
            .seal_file(text.as_bytes(), &mut rand::rng())
            .map_err(|_| GiveBackError::Key)?;
        fs::create_dir_all(&self.folder).map_err(GiveBackError::file("make", &self.folder))?;
        let path = self.folder.join(format!("{now:015}.sealed"));
        whole_file::replace(&path, &sealed).map_err(GiveBackError::file("write", &path))?;
        self.open.clear();
        self.remove_oldest()
    }

    /// Removes files that were written before a time, milliseconds since 1970.
    ///
    /// # Errors
    /// [`GiveBackError`].
    pub fn remove_older_than(&self, wall_milliseconds: u64) -> Result<(), GiveBackError> {
        for path in files(&self.folder)? {
            let written = path
                .file_stem()
                .and_then(|name| name.to_str()?.parse::<u64>().ok());
            if written.is_some_and(|written| written < wall_milliseconds) {
                fs::remove_file(&path).map_err(GiveBackError::file("remove", &path))?;
            }
        }
        Ok(())
    }

    fn remove_oldest(&self) -> Result<(), GiveBackError> {
        let files = files(&self.folder)?;
        let length = |path: &PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut bytes: u64 = files.iter().map(length).sum();
        for path in &files {
            if bytes <= MAX_BYTES {
                break;
            }
            bytes = bytes.saturating_sub(length(path));
            fs::remove_file(path).map_err(GiveBackError::file("remove", path))?;
        }
        Ok(())
    }
}

/// The sightings in a folder that were last seen since a time, opened with the ISP's private ledger key.
///
/// # Errors
/// [`GiveBackError`].
pub fn read(
    folder: &Path,
    key: &SealingPrivateKey,
    since_milliseconds: u64,
) -> Result<Vec<Sighting>, GiveBackError> {
    let mut all = BTreeMap::<Key, Sighting>::new();
    for path in files(folder)? {
        let sealed =
            whole_file::read(&path, MAX_FILE_BYTES).map_err(GiveBackError::file("read", &path))?;
        let text = key
            .open_file(&sealed)
            .map_err(|_| GiveBackError::OtherKey { path: path.clone() })?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let sightings = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Sighting>(line).ok());
        for sighting in sightings.filter(|sighting| sighting.last >= since_milliseconds) {
            let key = (sighting.subscriber, sighting.other, sighting.rule.clone());
            all.entry(key)
                .and_modify(|known| {
                    known.first = known.first.min(sighting.first);
                    known.last = known.last.max(sighting.last);
                    known.count = known.count.saturating_add(sighting.count);
                })
                .or_insert(sighting);
        }
    }
    Ok(all.into_values().collect())
}

/// The files, the oldest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>, GiveBackError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(GiveBackError::file("list", folder)(source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(GiveBackError::file("list", folder))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "sealed")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::test_alert;

    #[test]
    fn sightings_are_sealed_to_the_isp_and_joined() {
        let folder = tempfile::tempdir().unwrap();
        let key = SealingPrivateKey::generate(&mut rand::rng());
        let home = Networks::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut keeper = Keeper::new(folder.path().to_owned(), key.public_key().unwrap());
        for (source, destination) in [
            ("10.1.2.3", "203.0.113.9"),
            ("203.0.113.9", "10.1.2.3"),
            ("192.0.2.1", "203.0.113.9"),
        ] {
            let candidate = Candidate::new(&test_alert(source, destination));
            keeper.note(&candidate, &home);
            keeper.write().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let sealed = files(folder.path()).unwrap();
        assert_eq!(sealed.len(), 2);
        for path in &sealed {
            let bytes = fs::read(path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("10.1.2.3"));
        }
        let sightings = read(folder.path(), &key, 0).unwrap();
        let [sighting] = sightings.as_slice() else {
            panic!("{sightings:?}");
        };
        assert_eq!(
            (sighting.subscriber.to_string().as_str(), sighting.count),
            ("10.1.2.3", 2)
        );
        assert!(read(folder.path(), &key, u64::MAX).unwrap().is_empty());
        let other = SealingPrivateKey::generate(&mut rand::rng());
        assert!(matches!(
            read(folder.path(), &other, 0),
            Err(GiveBackError::OtherKey { .. })
        ));
        keeper.remove_older_than(0).unwrap();
        assert_eq!(files(folder.path()).unwrap().len(), 2);
        keeper.remove_older_than(u64::MAX).unwrap();
        assert!(files(folder.path()).unwrap().is_empty());
    }
}
