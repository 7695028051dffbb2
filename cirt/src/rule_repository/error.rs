//! Why the rule repository was not changed.

use std::io;
use std::path::PathBuf;

use lapwing_rules::pack::CanonicalError;
use lapwing_trust::TrustError;

/// Why the rule repository was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RuleRepositoryError {
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("{file} is not in order")]
    Trust { file: String, source: TrustError },
    #[error("{} holds no rule repository; make one with `lapwing-cirt rules init`", .0.display())]
    NoRepository(PathBuf),
    #[error("{} already holds a rule repository; nothing was changed", .0.display())]
    AlreadyThere(PathBuf),
    #[error("{} is not an Ed25519 private key in PEM, as `lapwing-cirt rules keygen` writes it", .0.display())]
    NotAPrivateKey(PathBuf),
    #[error("{} is not a public key: 64 hexadecimal digits, as `lapwing-cirt rules keygen` writes them", .0.display())]
    NotAPublicKey(PathBuf),
    #[error("{} is no key that the root names for {role}; if its root is still in the making, finish it with `lapwing-cirt rules accept-root`", path.display())]
    KeyNotNamed { path: PathBuf, role: &'static str },
    #[error("the root needs at least one key")]
    NoRootKeys,
    #[error("no key of the root has the id {0}")]
    NoSuchKey(String),
    #[error(
        "version {found} of the root does not follow version {newest}, which is the newest here"
    )]
    RootDoesNotFollow { found: u64, newest: u64 },
    #[error("a sensor without rules sees nothing: a pack without rules that run is not published")]
    NoRules,
    #[error("the compiled pack cannot be read again")]
    Pack(#[from] CanonicalError),
}
