//! Why rules were not taken.

use std::{io, path::PathBuf};

use lapwing_rules::{
    pack::{CanonicalError, PackError},
    trust::{TrustError, tuf::TufError},
};

/// Why rules were not taken. The sensor keeps those it has.
#[derive(Debug, thiserror::Error)]
pub enum RuleUpdateError {
    /// The root that a person vouches for cannot be used.
    #[error("{} is not a root that can be trusted", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TrustError,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The new pack cannot be written.
    #[error("cannot write the new pack")]
    WritePack(#[from] io::Error),
    /// What earlier updates believed cannot be understood.
    #[error(
        "{} is damaged; remove it to begin anew from the root, which forgets the versions taken before",
        path.display()
    )]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TrustError,
    },
    /// There is no repository.
    #[error("{} holds no rule repository: it has no folder `metadata`", path.display())]
    NoRepository {
        /// The folder.
        path: PathBuf,
    },
    /// The settings compile rule files.
    #[error("the settings name no rules.pack that an update could replace")]
    NoPackPath,
    /// Another update runs.
    #[error("another update of {} is running", path.display())]
    Locked {
        /// The pack.
        path: PathBuf,
    },
    /// The metadata is not believed.
    #[error(transparent)]
    Metadata(#[from] TufError),
    /// A target's bytes are not those that were signed.
    #[error("{name} is refused")]
    Target {
        /// The file.
        name: String,
        /// Why.
        source: TrustError,
    },
    /// The canonical pack is not usable.
    #[error("the pack that was signed is not usable")]
    Canonical(#[from] CanonicalError),
    /// The pack that was derived is not usable.
    #[error("the derived pack is not usable")]
    Pack(#[from] PackError),
    /// The pack that was derived is another than the one that was signed for.
    #[error("the derived pack is not the one that the signed pack names")]
    DerivedDiffers,
    /// A sensor is never left without rules.
    #[error("the pack that was signed has no rules: a sensor without rules sees nothing")]
    NoRules,
    /// The pack could not be derived.
    #[error("cannot derive the pack: {0}")]
    Derivation(String),
}
