//! The repository as files: what is there, checked against the root, and how new files are put in place.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use jiff::Timestamp as Clock;
use lapwing_trust::tuf::{
    FileMeta, Header, Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp, TopRole,
    TrustedSet, TrustedState, TufError, UtcTime,
};
use lapwing_trust::{PublicKey, TrustError};

use super::RuleRepositoryError as Error;
use super::signing_key::{generate_key, read_private_key};
use crate::limits::{RULE_TARGETS_DAYS, RULE_TIMESTAMP_DAYS};
use crate::settings::DataFolder;
use crate::settings::data_folder::{read_capped, write_private, write_public_below};

const SECONDS_OF_A_DAY: u64 = 86_400;

/// A rule repository and the keys of this centre.
#[derive(Debug)]
pub struct RuleRepository {
    folder: PathBuf,
    data: DataFolder,
}

/// What the repository says now, every file of it signed as a root asks for.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    pub(super) timestamp: Option<Timestamp>,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) targets: Option<Targets>,
}

impl RuleRepository {
    /// The repository of a centre: in `folder`, or where the centre keeps it.
    #[must_use]
    pub fn new(data: &DataFolder, folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map_or_else(|| data.rules().join("repository"), Path::to_owned),
            data: data.clone(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a root in the making waits for signatures.
    #[must_use]
    pub fn draft_path(&self) -> PathBuf {
        self.data.rules().join("root.draft.json")
    }

    /// Where packs are kept that deltas start from.
    pub(super) fn packs(&self) -> PathBuf {
        self.data.rules().join("packs")
    }

    pub(super) fn metadata_path(&self, file: &str) -> PathBuf {
        self.folder.join("metadata").join(file)
    }

    pub(super) fn target_path(&self, path: &str) -> PathBuf {
        self.folder.join("targets").join(path)
    }

    /// The newest root, at the end of the chain that begins with the first.
    ///
    /// # Errors
    /// [`Error::NoRepository`]; others when the chain is broken.
    pub fn root(&self) -> Result<Root, Error> {
        self.root_up_to(u64::MAX)
    }

    /// The newest root whose version is not above `newest`.
    pub(super) fn root_up_to(&self, newest: u64) -> Result<Root, Error> {
        let first = self
            .read(&self.metadata_path("1.root.json"), Root::MAX_BYTES)?
            .ok_or_else(|| Error::NoRepository(self.folder.clone()))?;
        let trust = |file: &str| {
            let file = file.to_owned();
            move |source| Error::Trust { file, source }
        };
        let state = TrustedState::from_root(&first).map_err(trust("1.root.json"))?;
        let mut set = TrustedSet::open(&state, 0).map_err(|error| match error {
            TufError::Refused { file, source } => Error::Trust { file, source },
            _ => Error::NoRepository(self.folder.clone()),
        })?;
        while set.root().header.version < newest {
            let file = format!("{}.root.json", set.root().header.version.saturating_add(1));
            let Some(bytes) = self.read(&self.metadata_path(&file), Root::MAX_BYTES)? else {
                break;
            };
            set.take_root(&bytes).map_err(trust(&file))?;
        }
        Ok(set.root().clone())
    }

    /// What is there, each file signed as one of these roots asks for.
    pub(super) fn contents(&self, roots: &[&Root]) -> Result<Contents, Error> {
        let timestamp: Option<Timestamp> =
            self.signed("timestamp.json", TopRole::Timestamp, roots)?;
        let named = timestamp.as_ref().map(Timestamp::snapshot).transpose();
        let named = named.map_err(|source| Error::Trust {
            file: "timestamp.json".to_owned(),
            source,
        })?;
        let snapshot: Option<Snapshot> = match named {
            Some(named) => {
                let file = format!("{}.snapshot.json", named.version);
                self.signed(&file, TopRole::Snapshot, roots)?
            }
            None => None,
        };
        let named = snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.file_of(Targets::KIND).ok());
        let targets = match named {
            Some(named) => {
                let file = format!("{}.targets.json", named.version);
                self.signed(&file, TopRole::Targets, roots)?
            }
            None => None,
        };
        Ok(Contents {
            timestamp,
            snapshot,
            targets,
        })
    }

    fn signed<M: Metadata>(
        &self,
        file: &str,
        role: TopRole,
        roots: &[&Root],
    ) -> Result<Option<M>, Error> {
        let Some(bytes) = self.read(&self.metadata_path(file), M::MAX_BYTES)? else {
            return Ok(None);
        };
        let check = || {
            let signed = Signed::<M>::parse(&bytes)?;
            let mut refused = TrustError::Malformed {
                what: "there is no root",
            };
            for root in roots {
                match signed.check(&root.role(role)?) {
                    Ok(()) => return Ok(signed.into_metadata()),
                    Err(error) => refused = error,
                }
            }
            Err(refused)
        };
        check().map(Some).map_err(|source| Error::Trust {
            file: file.to_owned(),
            source,
        })
    }

    /// The bytes of a file, `None` when it is not there; above the cap it is cut off, and so refused.
    pub(super) fn read(&self, path: &Path, max_bytes: usize) -> Result<Option<Vec<u8>>, Error> {
        read_capped(path, max_bytes).map_err(|error| Error::Read(path.to_owned(), error))
    }

    /// Writes a file of the repository, for everyone to read.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        write_public_below(path, bytes).map_err(|error| Error::Write(path.to_owned(), error))
    }

    /// Writes a file that stays in the centre.
    pub(super) fn write_kept(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let failed = |error| Error::Write(path.to_owned(), error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        write_private(path, bytes).map_err(failed)
    }

    /// The file of a role's key; of the one that its next root will name, with `is_next`.
    pub(super) fn key_path(&self, role: TopRole, is_next: bool) -> PathBuf {
        let next = if is_next { ".next" } else { "" };
        self.data.key(&format!("rules-{}{next}.key", role.name()))
    }

    /// Makes a key for a role, to be used once a root names it. One that was made and not yet named is made anew.
    pub(super) fn make_next_key(&self, role: TopRole) -> Result<PublicKey, Error> {
        let path = self.key_path(role, true);
        for path in [&path, &path.with_extension("pub")] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::Write(path.clone(), error));
                }
                _ => {}
            }
        }
        generate_key(&path)
    }

    /// Takes the keys into use that were made for a root which is now the newest.
    pub(super) fn promote_keys(&self, root: &Root) -> Result<(), Error> {
        for role in [TopRole::Timestamp, TopRole::Snapshot, TopRole::Targets] {
            let next = self.key_path(role, true);
            if !next.exists() || !names(root, role, &read_private_key(&next)?) {
                continue;
            }
            let path = self.key_path(role, false);
            for ending in ["key", "pub"] {
                let (from, to) = (next.with_extension(ending), path.with_extension(ending));
                fs::rename(&from, &to).map_err(|error| Error::Write(to, error))?;
            }
        }
        Ok(())
    }

    /// The key of this centre for a role.
    fn key(&self, role: TopRole, root: &Root) -> Result<SigningKey, Error> {
        let path = self.key_path(role, false);
        let key = read_private_key(&path)?;
        if names(root, role, &key) {
            Ok(key)
        } else {
            Err(Error::KeyNotNamed {
                path,
                role: role.name(),
            })
        }
    }

    /// Writes new targets and a snapshot of them; nobody sees them before [`RuleRepository::write_timestamp`].
    pub(super) fn write_targets(
        &self,
        root: &Root,
        before: &Contents,
        targets: BTreeMap<String, TargetFile>,
    ) -> Result<FileMeta, Error> {
        let version = next_version(before.targets.as_ref());
        let header = new_header::<Targets>(version, RULE_TARGETS_DAYS);
        let file = format!("{version}.targets.json");
        let targets = self.sign_and_write(&file, Targets::new(header, targets), root)?;
        let version = next_version(before.snapshot.as_ref());
        let header = new_header::<Snapshot>(version, RULE_TARGETS_DAYS);
        let snapshot = Snapshot::new(
            header,
            BTreeMap::from([("targets.json".to_owned(), targets)]),
        );
        self.sign_and_write(&format!("{version}.snapshot.json"), snapshot, root)
    }

    /// Names a snapshot as the newest: from now on everyone sees it.
    pub(super) fn write_timestamp(
        &self,
        root: &Root,
        before: &Contents,
        snapshot: FileMeta,
        days: Option<u32>,
    ) -> Result<u64, Error> {
        let version = next_version(before.timestamp.as_ref());
        let header = new_header::<Timestamp>(version, days.unwrap_or(RULE_TIMESTAMP_DAYS));
        self.sign_and_write("timestamp.json", Timestamp::new(header, snapshot), root)?;
        Ok(version)
    }

    fn sign_and_write<M: Metadata>(
        &self,
        file: &str,
        metadata: M,
        root: &Root,
    ) -> Result<FileMeta, Error> {
        let version = metadata.header().version;
        let role = TopRole::ALL.into_iter().find(|role| role.name() == M::KIND);
        let key = self.key(role.unwrap_or(TopRole::Root), root)?;
        let sign = || {
            let mut signed = Signed::draft(metadata)?;
            signed.sign(&key)?;
            signed.to_bytes()
        };
        let bytes = sign().map_err(|source| Error::Trust {
            file: file.to_owned(),
            source,
        })?;
        self.write(&self.metadata_path(file), &bytes)?;
        Ok(FileMeta::of(version, &bytes))
    }
}

/// Whether a root names this key for a role.
fn names(root: &Root, role: TopRole, key: &SigningKey) -> bool {
    let (Ok(public), Ok(role)) = (PublicKey::of(key), root.role(role)) else {
        return false;
    };
    role.key_ids().any(|id| id == public.id())
}

fn next_version<M: Metadata>(before: Option<&M>) -> u64 {
    before.map_or(1, |before| before.header().version.saturating_add(1))
}

/// A header of metadata that is made now.
pub(super) fn new_header<M: Metadata>(version: u64, days: u32) -> Header {
    let now = u64::try_from(Clock::now().as_second()).unwrap_or(0);
    Header::new::<M>(
        version,
        UtcTime::from_seconds(now),
        UtcTime::from_seconds(now.saturating_add(u64::from(days) * SECONDS_OF_A_DAY)),
    )
}
