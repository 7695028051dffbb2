//! Why an outbox cannot be used.

use std::io;
use std::path::PathBuf;

use lapwing_wire::{DecodeError, EncodeError};

/// Why an outbox cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// A file or folder cannot be read, written, renamed or removed.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was tried.
        step: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Another process is the writer, or the sender, of this outbox.
    #[error("another process holds {}", path.display())]
    InUse {
        /// The lock.
        path: PathBuf,
    },
    /// The identity or a state is not what this program writes. Without it numbers could be
    /// given twice, so nothing goes on: move the folder away and a new epoch begins.
    #[error("{} is damaged; move the outbox folder away to begin a new one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Records wait that are encrypted, and the key in the keyslot is not the one, or there is none. Nothing is thrown away for that.
    #[error(
        "the key in the keyslot does not open {}: put back the one that was there, or move the outbox folder away to begin a new one",
        path.display()
    )]
    Locked {
        /// The file of wrapped keys.
        path: PathBuf,
    },
    /// The cipher does not take what it is given.
    #[error("a record cannot be encrypted")]
    Encrypt,
    /// There is no room, and nothing that may be dropped to make some.
    #[error("the outbox is full, and nothing in it may be dropped")]
    Full,
    /// A record that is not a heartbeat names no policy.
    #[error("the record may not leave")]
    NotAllowed(#[source] DecodeError),
    /// A record is larger than a segment may be.
    #[error("a record of {bytes} bytes does not fit a segment")]
    RecordTooLarge {
        /// Its encoded size.
        bytes: usize,
    },
    /// A batch cannot be sealed.
    #[error("a batch cannot be sealed")]
    Seal(#[source] EncodeError),
}

impl OutboxError {
    pub(crate) fn io(
        step: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { step, path, cause }
    }

    /// Whether the disk has no room left.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { cause, .. }
            if matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}
