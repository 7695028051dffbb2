//! Rules from a repository that the centre signed: checked, brought here, and put in the place of those that run.
//!
//! Beside the pack that the settings name lie
//!
//! | file | what |
//! |---|---|
//! | `PACK` | the pack that the sensor maps |
//! | `PACK.canonical` | the canonical pack that it was derived from; the next delta starts from it |
//! | `PACK.trust` | the metadata believed last, and with it the versions below which nothing is taken any more |
//! | `PACK.lock` | held while an update runs |
//!
//! Nothing arrives in the place of these but by a rename of a whole, synced file, and the pack comes last: whatever arrives
//! and wherever the power fails, the sensor finds a whole pack, and the next update takes up what was not finished. The
//! metadata is kept as soon as it is believed, so that an update that fails later still leaves no way back.
//!
//! Trust begins with a root that a person put there (`rules.root` of the settings). When that file is replaced by another,
//! trust begins anew, without floors: this is how a site recovers when the centre lost its root.

mod error;
mod folder;
mod install;
mod known_time;
mod store;

use std::path::{Path, PathBuf};

use lapwing_rules::{
    pack::{CanonicalPack, RecordKind},
    trust::tuf::{Metadata as _, Target, TrustedSet},
};

pub use error::RuleUpdateError;
pub use folder::FolderRepository;
pub use install::{Installed, Way, canonical_path};
pub use known_time::KnownTime;

use store::Store;

/// The target that is the pack of the rules in force.
const PACK_TARGET: &str = "rules.pack";

/// Where the rules of a sensor are, and whom it trusts for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSite {
    /// The root that a person vouches for.
    pub root: PathBuf,
    /// The pack that the sensor maps; without one nothing is known of earlier updates.
    pub pack: Option<PathBuf>,
}

/// What a repository offers, all of it checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Digest of the canonical pack, in hex.
    pub digest: String,
    /// Rules in it.
    pub rules: usize,
    /// Version of the timestamp.
    pub version: u64,
    /// When the timestamp ends, as text.
    pub ends: String,
    /// Whether the sensor has it.
    pub is_installed: bool,
    /// The time that ends were held against, where that is not the clock's, as text.
    pub time_instead_of_clock: Option<String>,
}

/// Holds a repository against what is trusted; nothing is written.
///
/// # Errors
/// Why an update from it would be refused.
pub fn verify(
    site: &RuleSite,
    repository: &Path,
    time: KnownTime,
) -> Result<Offer, RuleUpdateError> {
    let store = Store::open(site)?;
    let mut folder = FolderRepository::open(repository)?;
    let mut set = TrustedSet::open(store.trusted(), time.seconds())?;
    set.refresh(&mut folder)?;
    let target = set.find_target(&mut folder, PACK_TARGET)?;
    folder.check_target(&target)?;
    let pack = open_canonical(&folder.target_path(&target))?;
    let installed = site.pack.as_deref().and_then(install::canonical_in_use);
    Ok(offer(&set, &pack, installed.as_ref(), time))
}

fn offer(
    set: &TrustedSet,
    pack: &CanonicalPack,
    installed: Option<&CanonicalPack>,
    time: KnownTime,
) -> Offer {
    let header = set.timestamp().map(|timestamp| timestamp.header());
    Offer {
        digest: hex::encode(pack.digest()),
        rules: pack.count_of(RecordKind::Rule),
        version: header.map_or(0, |header| header.version),
        ends: header.map_or_else(String::new, |header| header.expires.to_string()),
        is_installed: installed.is_some_and(|installed| installed.digest() == pack.digest()),
        time_instead_of_clock: time.instead_of_clock(set.now_seconds()),
    }
}

/// Opens a canonical pack that has rules.
fn open_canonical(path: &Path) -> Result<CanonicalPack, RuleUpdateError> {
    let pack = CanonicalPack::open(path)?;
    if pack.count_of(RecordKind::Rule) == 0 {
        return Err(RuleUpdateError::NoRules);
    }
    Ok(pack)
}

/// Takes what a repository offers: checks it, brings it here by a delta or as a whole, lets `derive` make the pack that is
/// mapped (from the first path to the second), and puts it in place.
///
/// # Errors
/// Why it was refused; the pack that was there is there still.
pub fn update(
    site: &RuleSite,
    repository: &Path,
    time: KnownTime,
    derive: &dyn Fn(&Path, &Path) -> Result<(), String>,
) -> Result<(Offer, Installed), RuleUpdateError> {
    let pack_path = site.pack.as_deref().ok_or(RuleUpdateError::NoPackPath)?;
    let _lock = install::lock(pack_path)?;
    let mut store = Store::open(site)?;
    let mut folder = FolderRepository::open(repository)?;
    let mut set = TrustedSet::open(store.trusted(), time.seconds())?;
    let refreshed = set.refresh(&mut folder);
    // What was believed holds, also when what came after it was refused.
    store.keep(set.state())?;
    refreshed?;
    let target: Target = set.find_target(&mut folder, PACK_TARGET)?;
    let installed = install::bring(pack_path, &set, &folder, &target, derive)?;
    let pack = open_canonical(&canonical_path(pack_path))?;
    Ok((offer(&set, &pack, Some(&pack), time), installed))
}
