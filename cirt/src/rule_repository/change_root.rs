//! Roots: drafted here, signed where their keys are, accepted here when enough have signed.

use std::fs;
use std::path::Path;

use ed25519_dalek::SigningKey;
use lapwing_trust::tuf::{Metadata, Root, Signed, TopRole};
use lapwing_trust::{PublicKey, TrustError};
use sha2::{Digest as _, Sha256};

use super::RuleRepositoryError as Error;
use super::files::{RuleRepository, new_header};
use crate::settings::data_folder::write_public;

/// What is to be different in the next root. Nothing at all renews its end.
#[derive(Debug, Clone, Default)]
pub struct RootChange {
    /// Keys that may sign roots from now on.
    pub add: Vec<PublicKey>,
    /// Ids of keys that may no longer.
    pub remove: Vec<String>,
    /// How many must sign; as before when not given, a majority in the first root.
    pub threshold: Option<usize>,
    /// Online roles that get a new key.
    pub renew: Vec<TopRole>,
    /// When it ends.
    pub days: u32,
}

/// A root that is not in force yet.
#[derive(Debug, Clone)]
pub struct RootDraft {
    signed: Signed<Root>,
}

/// How many signatures a draft has of those it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signatures {
    pub valid: usize,
    pub needed: usize,
}

impl RootDraft {
    /// Reads a draft.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Trust`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|error| Error::Read(path.to_owned(), error))?;
        let signed = Signed::parse(&bytes).map_err(|source| Error::Trust {
            file: path.display().to_string(),
            source,
        })?;
        Ok(Self { signed })
    }

    /// Writes it where it was read.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        write_public(path, &self.bytes()?).map_err(|error| Error::Write(path.to_owned(), error))
    }

    /// What it says.
    #[must_use]
    pub const fn root(&self) -> &Root {
        self.signed.metadata()
    }

    /// Adds a signature.
    ///
    /// # Errors
    /// [`Error::Trust`].
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), Error> {
        self.signed.sign(key).map_err(|source| self.trouble(source))
    }

    /// How many of its own keys signed. The keys of the root before it count where that root is.
    ///
    /// # Errors
    /// [`Error::Trust`].
    pub fn signatures(&self) -> Result<Signatures, Error> {
        let count = || {
            let role = self.root().role(TopRole::Root)?;
            Ok(Signatures {
                valid: self.signed.count_signers(&role)?,
                needed: role.threshold(),
            })
        };
        count().map_err(|source| self.trouble(source))
    }

    /// Whether its own keys and those of the root before it, if there is one, have signed.
    fn check(&self, before: Option<&Root>) -> Result<(), Error> {
        let check = || {
            self.signed.check(&self.root().role(TopRole::Root)?)?;
            before.map_or(Ok(()), |before| {
                self.signed.check(&before.role(TopRole::Root)?)
            })
        };
        check().map_err(|source| self.trouble(source))
    }

    fn bytes(&self) -> Result<Vec<u8>, Error> {
        self.signed
            .to_bytes()
            .map_err(|source| self.trouble(source))
    }

    fn trouble(&self, source: TrustError) -> Error {
        Error::Trust {
            file: format!("{}.root.json", self.root().header.version),
            source,
        }
    }
}

impl RuleRepository {
    /// Drafts the first root, with new online keys, or the one that follows the newest, and keeps it as the draft.
    ///
    /// # Errors
    /// [`Error`]; for the first, [`Error::AlreadyThere`].
    pub fn draft_root(&self, change: &RootChange, is_first: bool) -> Result<RootDraft, Error> {
        let before = match self.root() {
            Ok(_) if is_first => return Err(Error::AlreadyThere(self.folder().to_owned())),
            Ok(root) => Some(root),
            Err(Error::NoRepository(_)) if is_first => None,
            Err(error) => return Err(error),
        };
        let online = [TopRole::Timestamp, TopRole::Snapshot, TopRole::Targets];
        let renew = if is_first { &online[..] } else { &change.renew };
        let version = before
            .as_ref()
            .map_or(1, |root| root.header.version.saturating_add(1));
        let mut root = before
            .clone()
            .unwrap_or_else(|| Root::new(new_header::<Root>(1, 1)));
        root.header = new_header::<Root>(version, change.days);
        let trouble = |source| Error::Trust {
            file: format!("{version}.root.json"),
            source,
        };
        let keys = root_keys(before.as_ref(), change)?;
        let threshold = change.threshold.or_else(|| {
            let before = before.as_ref()?.role(TopRole::Root).ok()?;
            Some(before.threshold().min(keys.len()))
        });
        let threshold = threshold.unwrap_or(keys.len() / 2 + 1);
        root.set_role(TopRole::Root, &keys, threshold)
            .map_err(trouble)?;
        for role in renew {
            let key = self.make_next_key(*role)?;
            root.set_role(*role, &[key], 1).map_err(trouble)?;
        }
        let signed = Signed::draft(root).map_err(trouble)?;
        let draft = RootDraft { signed };
        self.write_kept(&self.draft_path(), &draft.bytes()?)?;
        Ok(draft)
    }

    /// Whether enough keys, its own and those of the root before it, have signed a draft.
    ///
    /// # Errors
    /// [`Error`] for other reasons than missing signatures.
    pub fn may_accept(&self, draft: &RootDraft) -> Result<bool, Error> {
        let before = self.root_before(draft)?;
        match draft.check(before.as_ref()) {
            Ok(()) => Ok(true),
            Err(Error::Trust {
                source: TrustError::TooFewSignatures { .. },
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The root that a draft follows; none for the first.
    fn root_before(&self, draft: &RootDraft) -> Result<Option<Root>, Error> {
        let version = draft.root().header.version;
        let before = match version {
            1 => None,
            _ => Some(self.root_up_to(version - 1)?),
        };
        let newest = before.as_ref().map_or(0, |root| root.header.version);
        if version == newest.saturating_add(1) {
            Ok(before)
        } else {
            Err(Error::RootDoesNotFollow {
                found: version,
                newest,
            })
        }
    }

    /// SHA-256 of the first root's file: what people compare before they trust it.
    ///
    /// # Errors
    /// [`Error::NoRepository`], [`Error::Read`].
    pub fn first_root_digest(&self) -> Result<[u8; 32], Error> {
        let first = self.read(&self.metadata_path("1.root.json"), Root::MAX_BYTES)?;
        let first = first.ok_or_else(|| Error::NoRepository(self.folder().to_owned()))?;
        Ok(Sha256::digest(first).into())
    }

    /// Puts a root in force that enough have signed: writes it, takes the keys into use that it names, and signs
    /// everything anew. Doing it again, after a power cut, ends what was begun.
    ///
    /// # Errors
    /// [`Error::Trust`] while signatures are missing; others.
    pub fn accept_root(&self, draft: &RootDraft) -> Result<(), Error> {
        let version = draft.root().header.version;
        let before = self.root_before(draft)?;
        draft.check(before.as_ref())?;
        let path = self.metadata_path(&format!("{version}.root.json"));
        let bytes = draft.bytes()?;
        match self.read(&path, Root::MAX_BYTES)? {
            Some(there) if there != bytes => {
                return Err(Error::RootDoesNotFollow {
                    found: version,
                    newest: version,
                });
            }
            _ => self.write(&path, &bytes)?,
        }
        let contents = {
            let roots: Vec<&Root> = before.iter().chain([draft.root()]).collect();
            self.contents(&roots)?
        };
        self.promote_keys(draft.root())?;
        let targets = contents
            .targets
            .as_ref()
            .map(|targets| targets.targets.clone());
        let snapshot = self.write_targets(draft.root(), &contents, targets.unwrap_or_default())?;
        self.write_timestamp(draft.root(), &contents, snapshot, None)?;
        let draft_path = self.draft_path();
        match fs::remove_file(&draft_path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Write(draft_path, error))
            }
            _ => Ok(()),
        }
    }
}

/// The keys of the next root.
fn root_keys(before: Option<&Root>, change: &RootChange) -> Result<Vec<PublicKey>, Error> {
    let mut keys: Vec<PublicKey> = Vec::new();
    if let Some(root) = before {
        let named = root.roles.get(TopRole::Root.name());
        for id in named.iter().flat_map(|role| &role.keyids) {
            let key = root.keys.get(id).map(PublicKey::from_json);
            keys.extend(key.and_then(Result::ok).flatten());
        }
    }
    for id in &change.remove {
        let count = keys.len();
        keys.retain(|key| key.id().to_string() != *id);
        if keys.len() == count {
            return Err(Error::NoSuchKey(id.clone()));
        }
    }
    for key in &change.add {
        if !keys.contains(key) {
            keys.push(*key);
        }
    }
    if keys.is_empty() {
        return Err(Error::NoRootKeys);
    }
    Ok(keys)
}
