//! Which policy is in force now: the file is looked at again and again, and what is not valid counts as none.

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use lapwing_rules::trust::{PublicKey, TrustError};

use lapwing_wire::PolicyDigest;

use super::{
    AddressRule, Disclosure, Policy,
    file::MAX_POLICY_BYTES,
    pseudonym_keys::{PseudonymKeyError, PseudonymKeys},
    pseudonyms::EpochKey,
    signed::{self, PolicyError, SignedPolicy},
};
use crate::{clock::wall_milliseconds, settings::PolicySource, whole_file};

/// File in the state folder with the highest serial that was accepted.
const SERIAL_FLOOR_FILE: &str = "policy-serial";

/// A valid signed policy with the key of the pseudonyms that it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The policy.
    pub signed: SignedPolicy,
    /// The key of the newest epoch, where the policy wants pseudonyms.
    pub pseudonyms: Option<EpochKey>,
}

impl InForce {
    /// What it says.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.signed.policy
    }

    /// Its identity.
    #[must_use]
    pub fn digest(&self) -> PolicyDigest {
        self.signed.digest
    }

    /// What decides about addresses and texts.
    #[must_use]
    pub fn disclosure(&self) -> Disclosure<'_> {
        Disclosure {
            policy: &self.signed.policy,
            pseudonyms: self.pseudonyms.as_ref(),
        }
    }
}

/// The policy in force, or why there is none.
#[derive(Debug)]
pub struct PolicyInForce {
    source: Option<PolicySource>,
    floor_file: PathBuf,
    mark: Vec<Option<FileMark>>,
    current: Result<InForce, NoPolicy>,
}

/// Why no policy is in force, so that nothing leaves but heartbeats.
#[derive(Debug, thiserror::Error)]
pub enum NoPolicy {
    /// The settings name none.
    #[error("the settings name no policy")]
    NotSet,
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The ISP's public key is no key.
    #[error("{} is not a public key", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TrustError,
    },
    /// The policy does not count.
    #[error("{}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PolicyError,
    },
    /// The policy wants pseudonyms and the settings name no key.
    #[error(
        "the policy wants pseudonyms: make a key with `lapwing policy new-epoch` and name it in the settings as policy.pseudonym_keys"
    )]
    NoPseudonymKey,
    /// The key of the pseudonyms cannot be used.
    #[error("the key of the pseudonyms")]
    PseudonymKey(#[source] PseudonymKeyError),
    /// The serial cannot be kept, so a rollback could not be noticed.
    #[error("cannot keep the policy's serial in {}", path.display())]
    Floor {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What changes when a file is replaced or edited.
type FileMark = (SystemTime, u64);

impl PolicyInForce {
    /// Reads the policy that the settings name.
    #[must_use]
    pub fn read(source: Option<PolicySource>, state: &Path) -> Self {
        let mut policy = Self {
            source,
            floor_file: state.join(SERIAL_FLOOR_FILE),
            mark: Vec::new(),
            current: Err(NoPolicy::NotSet),
        };
        policy.look_again();
        policy
    }

    /// The policy, or why there is none.
    ///
    /// # Errors
    /// [`NoPolicy`].
    pub fn current(&self) -> Result<&InForce, &NoPolicy> {
        self.current.as_ref()
    }

    /// Reads the policy again if its file changed or it may have ended. True when what is in force changed.
    pub fn refresh(&mut self) -> bool {
        let ended = self.current().is_ok_and(|in_force| {
            let ends = in_force.policy().valid_until_seconds;
            ends.is_some_and(|ends| wall_milliseconds() / 1000 > ends)
        });
        if !ended && self.mark == self.mark_now() {
            return false;
        }
        let before = self.current().ok().cloned();
        self.look_again();
        before.as_ref() != self.current().ok()
    }

    fn look_again(&mut self) {
        self.mark = self.mark_now();
        self.current = self.open();
        match &self.current {
            Ok(in_force) => {
                tracing::info!(serial = in_force.policy().serial, digest = %in_force.digest(), "policy in force");
            }
            Err(reason) => {
                tracing::warn!(
                    reason = reason.with_causes(),
                    "no policy in force: nothing leaves but heartbeats"
                );
            }
        }
    }

    fn mark_now(&self) -> Vec<Option<FileMark>> {
        let Some(source) = &self.source else {
            return Vec::new();
        };
        let mark = |path: &PathBuf| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        let files = [&source.file].into_iter().chain(&source.pseudonym_keys);
        files.map(mark).collect()
    }

    fn open(&self) -> Result<InForce, NoPolicy> {
        let source = self.source.as_ref().ok_or(NoPolicy::NotSet)?;
        let floor = read_floor(&self.floor_file);
        let in_force = open(source, floor)?;
        if in_force.policy().serial > floor {
            let text = format!("{}\n", in_force.policy().serial);
            let kept = whole_file::replace(&self.floor_file, text.as_bytes());
            kept.map_err(|source| NoPolicy::Floor {
                path: self.floor_file.clone(),
                source,
            })?;
        }
        Ok(in_force)
    }
}

/// Whether a policy would be in force with this state folder; nothing is written.
///
/// # Errors
/// Why it would not.
pub fn check(source: &PolicySource, state: &Path) -> Result<InForce, NoPolicy> {
    open(source, read_floor(&state.join(SERIAL_FLOOR_FILE)))
}

/// The same for who has no right to the key of the pseudonyms.
pub(super) fn signed_in_force(
    source: &PolicySource,
    state: &Path,
) -> Result<SignedPolicy, NoPolicy> {
    open_signed(source, read_floor(&state.join(SERIAL_FLOOR_FILE)))
}

fn open_signed(source: &PolicySource, serial_floor: u64) -> Result<SignedPolicy, NoPolicy> {
    let isp_key = read_isp_key(&source.isp_key)?;
    let bytes = read(&source.file)?;
    let signed = signed::open(&bytes, isp_key, serial_floor, wall_milliseconds() / 1000);
    signed.map_err(|error| NoPolicy::Policy {
        path: source.file.clone(),
        source: error,
    })
}

fn open(source: &PolicySource, serial_floor: u64) -> Result<InForce, NoPolicy> {
    let signed = open_signed(source, serial_floor)?;
    let pseudonyms = match signed.policy.home {
        AddressRule::Pseudonym(_) => {
            let path = source.pseudonym_keys.as_ref();
            let keys = PseudonymKeys::read(path.ok_or(NoPolicy::NoPseudonymKey)?)
                .map_err(NoPolicy::PseudonymKey)?;
            keys.newest().cloned()
        }
        AddressRule::Withhold | AddressRule::Clear => None,
    };
    Ok(InForce { signed, pseudonyms })
}

fn read_floor(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// The ISP's public key from its file.
///
/// # Errors
/// [`NoPolicy::Read`], [`NoPolicy::Key`].
pub fn read_isp_key(path: &Path) -> Result<PublicKey, NoPolicy> {
    let text = read(path)?;
    String::from_utf8_lossy(&text)
        .parse()
        .map_err(|source| NoPolicy::Key {
            path: path.to_owned(),
            source,
        })
}

fn read(path: &Path) -> Result<Vec<u8>, NoPolicy> {
    // JSON around the text escapes its line ends and quotes.
    whole_file::read(path, 2 * MAX_POLICY_BYTES).map_err(|source| NoPolicy::Read {
        path: path.to_owned(),
        source,
    })
}

impl NoPolicy {
    /// The reason with its causes, in one line.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
