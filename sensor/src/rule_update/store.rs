//! What earlier updates believed, kept beside the pack.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lapwing_rules::trust::{
    TrustError,
    limits::{MAX_ROOT_BYTES, MAX_STATE_BYTES},
    tuf::{TrustedSet, TrustedState},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{RuleSite, RuleUpdateError, install::beside};
use crate::whole_file;

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// SHA-256 of the root that trust began with, in hex.
    anchor: String,
    /// What is believed since.
    trusted: TrustedState,
}

/// What is believed, and where that is kept.
pub(super) struct Store {
    path: Option<PathBuf>,
    kept: Kept,
    is_on_disk: bool,
}

impl Store {
    /// What was kept; where nothing was, or another root was put in the place of the one it began with, that root.
    pub(super) fn open(site: &RuleSite) -> Result<Self, RuleUpdateError> {
        let root = whole_file::read(&site.root, MAX_ROOT_BYTES).map_err(|source| {
            RuleUpdateError::Read {
                path: site.root.clone(),
                source,
            }
        })?;
        let anchor = hex::encode(Sha256::digest(&root));
        let path = site.pack.as_deref().map(|pack| beside(pack, "trust"));
        if let Some(path) = &path
            && let Some(kept) = read(path)?
            && kept.anchor == anchor
        {
            return Ok(Self {
                path: Some(path.clone()),
                kept,
                is_on_disk: true,
            });
        }
        let begin = || {
            let trusted = TrustedState::from_root(&root)?;
            // A file that is no root is told as what it is: a mistake in the settings, not a bad repository.
            TrustedSet::open(&trusted, 0).map_err(|error| match error {
                lapwing_rules::trust::tuf::TufError::Refused { source, .. } => source,
                _ => TrustError::Malformed {
                    what: "it is no root",
                },
            })?;
            Ok(trusted)
        };
        let trusted = begin().map_err(|source| RuleUpdateError::Root {
            path: site.root.clone(),
            source,
        })?;
        Ok(Self {
            path,
            kept: Kept { anchor, trusted },
            is_on_disk: false,
        })
    }

    /// What is believed.
    pub(super) fn trusted(&self) -> &TrustedState {
        &self.kept.trusted
    }

    /// Keeps what is believed now, through a power cut.
    pub(super) fn keep(&mut self, trusted: TrustedState) -> Result<(), RuleUpdateError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        if self.is_on_disk && trusted == self.kept.trusted {
            return Ok(());
        }
        self.kept.trusted = trusted;
        let failed = |source| RuleUpdateError::Write {
            path: path.clone(),
            source,
        };
        let bytes = serde_json::to_vec(&self.kept).map_err(|error| failed(error.into()))?;
        whole_file::replace(path, &bytes).map_err(failed)?;
        self.is_on_disk = true;
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Kept>, RuleUpdateError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let bytes =
        whole_file::read(path, MAX_STATE_BYTES).map_err(|source| RuleUpdateError::Read {
            path: path.to_owned(),
            source,
        })?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| RuleUpdateError::State {
            path: path.to_owned(),
            source: TrustError::Unreadable(error),
        })
}
