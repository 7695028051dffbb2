//! Whom a board trusts for updates, and what it believed last: the versions below which it takes nothing any more.
//!
//! Trust begins with the root that the image brings. What was believed since is kept on the data partition; a board that lost that
//! begins with its image again, and the version of the image itself stays a floor.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use lapwing_trust::{
    limits::{MAX_ROOT_BYTES, MAX_STATE_BYTES},
    tuf::TrustedState,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{text::hex_of, whole_file};

#[derive(Serialize, Deserialize)]
struct Kept {
    /// SHA-256 of the root that trust began with.
    anchor: String,
    trusted: TrustedState,
}

/// What is believed.
pub(super) struct TrustStore {
    path: PathBuf,
    kept: Kept,
}

impl TrustStore {
    /// What is kept at `path`, or the root at `anchor` where nothing is, or what began with another root.
    pub(super) fn open(anchor: &Path, path: &Path) -> anyhow::Result<Self> {
        let root = match whole_file::read(anchor, MAX_ROOT_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                anyhow::bail!("this image takes no updates: it was built without a root of trust")
            }
            root => root.context("the root of trust cannot be read")?,
        };
        let mut digest = Sha256::new();
        digest.update(&root);
        let anchor = hex_of(digest);
        let kept = whole_file::read(path, MAX_STATE_BYTES)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok())
            .filter(|kept| kept.anchor == anchor);
        let kept = match kept {
            Some(kept) => kept,
            None => Kept {
                anchor,
                trusted: TrustedState::from_root(&root)?,
            },
        };
        Ok(Self {
            path: path.to_owned(),
            kept,
        })
    }

    pub(super) fn trusted(&self) -> &TrustedState {
        &self.kept.trusted
    }

    /// Keeps what is believed, through a power cut.
    pub(super) fn keep(&mut self, trusted: TrustedState) -> anyhow::Result<()> {
        if trusted == self.kept.trusted && self.path.exists() {
            return Ok(());
        }
        self.kept.trusted = trusted;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let bytes = serde_json::to_vec(&self.kept)?;
        whole_file::replace(&self.path, &bytes).context("what is trusted cannot be kept")
    }
}
