//! Why a canonical pack or a delta was refused.

use std::{io, path::PathBuf};

/// Why a canonical pack or a delta was refused. Each is one line that says what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// The file cannot be read or mapped.
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(io::Error),
    /// It is longer than one may be.
    #[error("it has {bytes} bytes, more than the {limit} it may have")]
    TooLarge { bytes: u64, limit: u64 },
    /// It does not begin as a canonical pack does.
    #[error(
        "this is not a canonical rule pack (make one with `lapwing rules compile --canonical`)"
    )]
    NotCanonical,
    /// It does not begin as a delta does.
    #[error("this is not a delta between rule packs (make one with `lapwing rules delta`)")]
    NotADelta,
    /// Made by a newer or older program.
    #[error(
        "it has format version {found}, this program reads version {}",
        super::super::format::VERSION
    )]
    ForeignVersion { found: u32 },
    /// It ends early or late.
    #[error("it is cut off or has bytes too many: {found} bytes instead of {expected}")]
    WrongLength { found: u64, expected: u64 },
    /// A byte was changed.
    #[error("it is damaged: its digest does not fit its bytes")]
    WrongDigest,
    /// A part does not fit.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The delta starts from another pack.
    #[error("the delta starts from the pack {expected}, this one is {found}: fetch the full pack")]
    ForeignDelta { expected: String, found: String },
    /// What the delta gave is not what it promised.
    #[error("the delta is damaged: what it gives is not the pack it names")]
    WrongResult,
    /// More differs than a delta may carry.
    #[error("too much differs for a delta: {bytes} bytes, more than {limit}: send the full pack")]
    DeltaTooLarge { bytes: u64, limit: u64 },
    /// The mapped pack that follows is not the one that was promised.
    #[error(
        "the pack derived from it is not the one it names ({expected}, but {found}): this program derives packs in another way than the one that made it"
    )]
    DerivedDiffers { expected: String, found: String },
}

impl CanonicalError {
    pub(super) fn damaged(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }
}
