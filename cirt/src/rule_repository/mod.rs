//! The repository that rule packs are shipped in: plain files with the format and the semantics of TUF
//! ([`lapwing_trust::tuf`] describes them), so that a stick carries it as it is.
//!
//! ```text
//! DIR/metadata/1.root.json ...                who may sign what; signed offline
//! DIR/metadata/timestamp.json, N.*.json       signed by the keys of this centre
//! DIR/targets/<sha256>.rules.pack             the canonical pack of the rules in force
//! DIR/targets/deltas/<sha256>.<from>-<to>.delta   from earlier packs to it
//! ```
//!
//! `rules.pack` has as notes: `digest` (of the canonical pack), `derived` (digest of the pack that a sensor makes of it),
//! `rules` (how many run). A delta has `from` and `to`, digests of canonical packs; its name has their first 16 digits.
//!
//! Keys: those of the root are made wherever its keepers want, best on machines that are never online, and are needed for
//! roots only. Those of timestamp, snapshot and targets lie in the centre's `keys/`, mode 0600, each of its own.
//!
//! What can be lost: a repository, if one with the same keys and higher versions is made again; sensors take no lower one.

mod change_root;
mod error;
mod files;
mod publish;
mod signing_key;
mod status;

pub use change_root::{RootChange, RootDraft, Signatures};
pub use error::RuleRepositoryError;
pub use files::RuleRepository;
pub use publish::Published;
pub use signing_key::{generate_key, read_private_key, read_public_key};
pub use status::{DeltaStatus, RepositoryStatus, RoleStatus};

use jiff::Timestamp;

use crate::settings::DataFolder;
use crate::store::{Store, StoreError};

/// Digest of the published pack, and since when. None while nothing is published.
///
/// # Errors
/// When the database fails.
pub fn newest_pack(
    folder: &DataFolder,
    store: &Store,
) -> Result<Option<(String, Timestamp)>, StoreError> {
    let published = store.rules_published()?;
    let pack = RuleRepository::new(folder, None)
        .status()
        .ok()
        .and_then(|status| status.pack);
    Ok(pack.zip(published))
}

/// The target that is the pack of the rules in force.
pub const PACK_TARGET: &str = "rules.pack";
