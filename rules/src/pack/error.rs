//! Why a pack was not opened.

use std::path::PathBuf;

/// Why a pack was not opened. Each says what is wrong and, where a person can act, what to do.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The file cannot be read or mapped.
    #[error("cannot read pack {path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// It is longer than a pack may be.
    #[error(
        "the pack has {bytes} bytes, more than the {limit} a pack may have",
        limit = crate::limits::PACK_BYTES
    )]
    TooLarge { bytes: u64 },
    /// It does not begin as a pack does.
    #[error("this is not a rule pack (make one with `lapwing rules compile`)")]
    NotAPack,
    /// Made by a newer or older program.
    #[error(
        "the pack has format version {found}, this program reads version {}: compile it again with this program's version",
        super::format::VERSION
    )]
    ForeignVersion { found: u32 },
    /// It ends early or late.
    #[error("the pack is cut off or has bytes too many: {found} bytes instead of {expected}")]
    WrongLength { found: u64, expected: u64 },
    /// A byte was changed.
    #[error("the pack is damaged: its digest does not fit its bytes")]
    WrongDigest,
    /// A part that must be there is not, or does not fit.
    #[error("the pack is damaged: {0}")]
    Damaged(String),
}
