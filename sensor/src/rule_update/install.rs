//! A signed pack is brought here, derived, and put in the place of the one that runs.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use lapwing_rules::{
    limits::{DELTA_FILE_BYTES, PACK_BYTES},
    pack::{CanonicalPack, Pack, apply_delta},
    trust::{
        TrustError,
        tuf::{FileCheck, Target, TrustedSet},
    },
};
use rustix::fs::{FlockOperation, flock};

use super::{RuleUpdateError, folder::FolderRepository, open_canonical};
use crate::whole_file;

/// What an update did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// How the pack came here.
    pub way: Way,
    /// Why a delta that was there was not used.
    pub delta_refused: Option<String>,
    /// Digest of the canonical pack that was there before, in hex.
    pub before: Option<String>,
}

/// How a pack came here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It was here.
    Known,
    /// By a delta of so many bytes.
    Delta(u64),
    /// As a whole, of so many bytes.
    Whole(u64),
}

/// A file beside the pack.
pub(super) fn beside(pack: &Path, ending: &str) -> PathBuf {
    pack.with_added_extension(ending)
}

/// Where the canonical pack beside a pack lies, if a repository gave the pack.
#[must_use]
pub fn canonical_path(pack: &Path) -> PathBuf {
    beside(pack, "canonical")
}

/// The canonical pack that the pack in use was derived from, if both are whole.
pub(super) fn canonical_in_use(pack: &Path) -> Option<CanonicalPack> {
    let canonical = CanonicalPack::open(&canonical_path(pack)).ok()?;
    let in_use = Pack::open(pack).ok()?;
    (*in_use.digest() == canonical.derived_digest()).then_some(canonical)
}

/// Held until dropped: two updates at once would write the same files.
pub(super) fn lock(pack: &Path) -> Result<File, RuleUpdateError> {
    let path = beside(pack, "lock");
    let file = File::create(&path).map_err(|source| RuleUpdateError::Write { path, source })?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        RuleUpdateError::Locked {
            path: pack.to_owned(),
        }
    })?;
    Ok(file)
}

/// Brings a target here and puts it in place.
pub(super) fn bring(
    pack: &Path,
    set: &TrustedSet,
    folder: &FolderRepository,
    target: &Target,
    derive: &dyn Fn(&Path, &Path) -> Result<(), String>,
) -> Result<Installed, RuleUpdateError> {
    let refused = |source| RuleUpdateError::Target {
        name: target.path.clone(),
        source,
    };
    if target.file.length > PACK_BYTES {
        return Err(refused(TrustError::TooLarge {
            bytes: usize::try_from(target.file.length).unwrap_or(usize::MAX),
            cap: usize::try_from(PACK_BYTES).unwrap_or(usize::MAX),
        }));
    }
    let canonical = canonical_path(pack);
    let here = CanonicalPack::open(&canonical).ok();
    let mut installed = Installed {
        way: Way::Known,
        delta_refused: None,
        before: here.as_ref().map(|here| hex::encode(here.digest())),
    };
    let is_target = |bytes: &[u8]| {
        let mut check = target.file.check()?;
        check.update(bytes)?;
        check.finish()
    };
    if here
        .as_ref()
        .is_some_and(|here| is_target(here.bytes()).is_ok())
    {
        if canonical_in_use(pack).is_none() {
            put_in_place(pack, &canonical, derive)?;
        }
        return Ok(installed);
    }
    let new = beside(&canonical, "new");
    installed.way = match here.and_then(|here| apply(&here, &new, set, folder, target).transpose())
    {
        Some(Ok(bytes)) => Way::Delta(bytes),
        Some(Err(error)) => {
            installed.delta_refused = Some(with_causes(&error));
            Way::Whole(copy(&new, folder, target)?)
        }
        None => Way::Whole(copy(&new, folder, target)?),
    };
    let placed = put_in_place(pack, &new, derive);
    if placed.is_err() {
        // What is left of it is written over by the next update.
        fs::remove_file(&new).ok();
    }
    placed.map(|()| installed)
}

fn copy(new: &Path, folder: &FolderRepository, target: &Target) -> Result<u64, RuleUpdateError> {
    whole_file::write_new(new, |file| folder.copy_target(target, file))?;
    Ok(target.file.length)
}

/// Makes the new canonical pack with a delta, if there is one; the delta's size.
fn apply(
    here: &CanonicalPack,
    new: &Path,
    set: &TrustedSet,
    folder: &FolderRepository,
    target: &Target,
) -> Result<Option<u64>, RuleUpdateError> {
    let Some(delta) = find_delta(here, set, target) else {
        return Ok(None);
    };
    let bytes = folder.read_target(&delta, u64::from(DELTA_FILE_BYTES))?;
    let refused = |source| RuleUpdateError::Target {
        name: target.path.clone(),
        source,
    };
    let check = target.file.check().map_err(refused)?;
    whole_file::write_new(new, |file| {
        let mut checked = Checked {
            file,
            check,
            refused: None,
        };
        let applied = apply_delta(here, &bytes, &mut checked);
        if let Some(reason) = checked.refused {
            return Err(refused(reason));
        }
        applied?;
        checked.check.finish().map_err(refused)
    })?;
    Ok(Some(delta.file.length))
}

/// The delta from the pack that is here to the target, if the repository names one.
fn find_delta(here: &CanonicalPack, set: &TrustedSet, target: &Target) -> Option<Target> {
    let from = hex::encode(here.digest());
    let to = target.file.custom.as_ref()?.get("digest")?;
    let (name, _) = set.targets()?.targets.iter().find(|(_, file)| {
        let notes = file.custom.as_ref();
        notes.is_some_and(|notes| {
            notes.get("from").is_some_and(|digest| digest == &from) && notes.get("to") == Some(to)
        })
    })?;
    set.find_target(&mut |_: &str, _: usize| Ok(None), name)
        .ok()
}

/// Derives the pack from a canonical pack that is whole and checked, and puts both in place, the pack last.
fn put_in_place(
    pack: &Path,
    canonical_new: &Path,
    derive: &dyn Fn(&Path, &Path) -> Result<(), String>,
) -> Result<(), RuleUpdateError> {
    let canonical = open_canonical(canonical_new)?;
    let pack_new = beside(pack, "new");
    derive(canonical_new, &pack_new).map_err(RuleUpdateError::Derivation)?;
    let derived = Pack::open(&pack_new)?;
    if *derived.digest() != canonical.derived_digest() {
        return Err(RuleUpdateError::DerivedDiffers);
    }
    if derived.rule_count() == 0 {
        return Err(RuleUpdateError::NoRules);
    }
    let to = canonical_path(pack);
    if canonical_new != to {
        rename(canonical_new, &to)?;
    }
    rename(&pack_new, pack)
}

/// Renames a synced file into place and syncs the folder.
fn rename(from: &Path, to: &Path) -> Result<(), RuleUpdateError> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let done = File::open(from)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(from, to))
        .and_then(|()| File::open(folder.unwrap_or(Path::new(".")))?.sync_all());
    done.map_err(|source| RuleUpdateError::Write {
        path: to.to_owned(),
        source,
    })
}

/// Holds what a delta gives against what was signed, before it is written.
struct Checked<'f> {
    file: &'f mut BufWriter<File>,
    check: FileCheck,
    refused: Option<TrustError>,
}

impl Write for Checked<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(reason) = self.check.update(bytes) {
            self.refused = Some(reason);
            return Err(io::Error::other("more than was signed"));
        }
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn with_causes(error: &RuleUpdateError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
