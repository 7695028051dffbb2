//! An update from a repository: which file is asked for when, and under which name.

use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;

use super::delegations::{DelegatedRole, Delegations};
use super::error::TufError;
use super::header::Metadata;
use super::root::{Root, TopRole};
use super::snapshot::{FileMeta, Snapshot, Timestamp};
use super::targets::{TargetFile, Targets};
use super::trusted_set::TrustedSet;
use crate::error::TrustError;
use crate::limits::{MAX_DELEGATED_ROLES, MAX_ROOT_ROTATIONS};

/// Where the files of a repository come from: a folder, a stick, a connection.
pub trait Repository {
    /// The bytes of a metadata file; `None` when it is not there.
    ///
    /// The reader stops behind `max_bytes`: one byte more is enough to be refused.
    ///
    /// # Errors
    /// Any that stops the update.
    fn metadata(&mut self, file: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>>;
}

impl<F: FnMut(&str, usize) -> io::Result<Option<Vec<u8>>>> Repository for F {
    fn metadata(&mut self, file: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        self(file, max_bytes)
    }
}

/// A target that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What was signed of it.
    pub file: TargetFile,
    /// The path of its file below the folder of targets.
    pub path: String,
}

impl TrustedSet {
    /// Takes everything new from a repository, in order. Keep [`TrustedSet::state`] afterwards
    /// also when this fails: what was believed until then holds.
    ///
    /// # Errors
    /// [`TufError`].
    pub fn refresh(&mut self, repository: &mut impl Repository) -> Result<(), TufError> {
        self.refresh_root(repository)?;
        let file = "timestamp.json".to_owned();
        let bytes = required(repository, &file, Timestamp::MAX_BYTES)?;
        self.take_timestamp(&bytes).map_err(refused(&file))?;

        let named = self
            .timestamp()
            .map(|timestamp| timestamp.snapshot().cloned());
        if let Some(named) = named {
            let named = named.map_err(refused(&file))?;
            let file = self.file_name(Snapshot::KIND, named.version);
            if self.has_named_snapshot() {
                self.check_expiry(TopRole::Snapshot)
                    .map_err(refused(&file))?;
            } else {
                let bytes = required(repository, &file, cap::<Snapshot>(&named))?;
                self.take_snapshot(&bytes).map_err(refused(&file))?;
            }
        }

        let (file, named) = self.targets_file(Targets::KIND)?;
        if self.has_named_targets() {
            self.check_expiry(TopRole::Targets).map_err(refused(&file))
        } else {
            let bytes = required(repository, &file, cap::<Targets>(&named))?;
            self.take_targets(&bytes).map_err(refused(&file))
        }
    }

    fn refresh_root(&mut self, repository: &mut impl Repository) -> Result<(), TufError> {
        for _ in 0..MAX_ROOT_ROTATIONS {
            let next = self.root().header.version.saturating_add(1);
            let file = format!("{next}.root.json");
            let Some(bytes) = read(repository, &file, Root::MAX_BYTES)? else {
                let file = format!("{}.root.json", self.root().header.version);
                return self.finish_roots().map_err(refused(&file));
            };
            self.take_root(&bytes).map_err(refused(&file))?;
        }
        Err(TufError::TooManyRoots {
            cap: MAX_ROOT_ROTATIONS,
        })
    }

    /// Looks for a target: in the targets that are believed, then in the roles that they
    /// delegate to, in their order and in depth first.
    ///
    /// # Errors
    /// [`TufError::NoTarget`]; others when a delegated role that must be asked is not believed.
    pub fn find_target(
        &self,
        repository: &mut impl Repository,
        name: &str,
    ) -> Result<Target, TufError> {
        let missing = || TufError::NoTarget {
            name: name.to_owned(),
        };
        let top = self.targets().ok_or_else(missing)?;
        if let Some(file) = top.targets.get(name) {
            return self.target(name, file);
        }
        let mut asked = BTreeSet::new();
        let mut to_ask = Vec::new();
        ask_next(&mut to_ask, top.delegations.as_ref(), name);
        while let Some((delegations, role)) = to_ask.pop() {
            if asked.len() >= MAX_DELEGATED_ROLES {
                break;
            }
            if !asked.insert(role.name.clone()) {
                continue;
            }
            let (file, named) = self.targets_file(&role.name)?;
            let bytes = required(repository, &file, cap::<Targets>(&named))?;
            let targets = delegations
                .role(&role)
                .and_then(|keys| self.delegated(&role.name, &bytes, &keys))
                .map_err(refused(&file))?;
            if let Some(file) = targets.targets.get(name) {
                return self.target(name, file);
            }
            if role.terminating {
                to_ask.clear();
            }
            ask_next(&mut to_ask, targets.delegations.as_ref(), name);
        }
        Err(missing())
    }

    fn target(&self, name: &str, file: &TargetFile) -> Result<Target, TufError> {
        let path = file.path(name, self.root().consistent_snapshot);
        Ok(Target {
            file: file.clone(),
            path: path.map_err(refused(name))?,
        })
    }

    /// The file of a role's targets, and what the snapshot says of it.
    fn targets_file(&self, role: &str) -> Result<(String, FileMeta), TufError> {
        let file = format!("{role}.json");
        let snapshot = self.snapshot().ok_or_else(|| TufError::Missing {
            file: "snapshot.json".to_owned(),
        })?;
        let named = snapshot.file_of(role).map_err(refused(&file))?.clone();
        Ok((self.file_name(role, named.version), named))
    }

    fn file_name(&self, role: &str, version: u64) -> String {
        if self.root().consistent_snapshot {
            format!("{version}.{role}.json")
        } else {
            format!("{role}.json")
        }
    }
}

/// Adds the delegations that may name a target, so that the first is asked first.
fn ask_next(
    to_ask: &mut Vec<(Rc<Delegations>, DelegatedRole)>,
    delegations: Option<&Delegations>,
    target: &str,
) {
    let Some(delegations) = delegations.cloned().map(Rc::new) else {
        return;
    };
    let may_name = |role: &&DelegatedRole| role.may_name(target);
    for role in delegations.roles.iter().filter(may_name).rev() {
        to_ask.push((Rc::clone(&delegations), role.clone()));
    }
}

/// How much of a file is read: what was signed, within the cap of its kind.
fn cap<M: Metadata>(named: &FileMeta) -> usize {
    let length = named.length.and_then(|length| usize::try_from(length).ok());
    length.unwrap_or(M::MAX_BYTES).min(M::MAX_BYTES)
}

fn read(
    repository: &mut impl Repository,
    file: &str,
    max_bytes: usize,
) -> Result<Option<Vec<u8>>, TufError> {
    let bytes = repository
        .metadata(file, max_bytes)
        .map_err(|source| TufError::Read {
            file: file.to_owned(),
            source,
        })?;
    match bytes {
        Some(bytes) if bytes.len() > max_bytes => Err(refused(file)(TrustError::TooLarge {
            bytes: bytes.len(),
            cap: max_bytes,
        })),
        bytes => Ok(bytes),
    }
}

fn required(
    repository: &mut impl Repository,
    file: &str,
    max_bytes: usize,
) -> Result<Vec<u8>, TufError> {
    read(repository, file, max_bytes)?.ok_or_else(|| TufError::Missing {
        file: file.to_owned(),
    })
}

fn refused(file: &str) -> impl Fn(TrustError) -> TufError {
    move |source| TufError::Refused {
        file: file.to_owned(),
        source,
    }
}
