//! Why an update from a repository stops.

use std::io;

use crate::error::TrustError;

/// Why an update from a repository stops. What was believed before is believed still.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TufError {
    /// A file cannot be read.
    #[error("{file} cannot be read")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file that must be there is not.
    #[error("{file} is not in the repository")]
    Missing {
        /// The file.
        file: String,
    },
    /// A file is not believed.
    #[error("{file} is refused")]
    Refused {
        /// The file.
        file: String,
        /// Why.
        source: TrustError,
    },
    /// No role that may name it names this target.
    #[error("the repository names no target {name}")]
    NoTarget {
        /// The target.
        name: String,
    },
    /// More roots than one update steps through.
    #[error("there are more than {cap} roots after the one that is trusted")]
    TooManyRoots {
        /// The cap.
        cap: u64,
    },
}

impl TufError {
    /// Whether a file is past its end at the time that was known.
    pub const fn is_expiry(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                source: TrustError::Expired { .. },
                ..
            }
        )
    }
}
