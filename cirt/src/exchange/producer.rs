//! Who speaks, and the names under which others know what it says.
//!
//! Every name is derived from what it names, so that saying the same thing twice is saying one thing, and a restored or rebuilt
//! centre goes on under the same names. It has the layout of UUID version 4 (RFC 9562), because validators of STIX refuse others;
//! its bits are those of a SHA-256.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::ExchangeSettings;
use crate::enrolment::{AuthorityError, CertificateAuthority};
use crate::settings::DataFolder;

/// The centre as others see it.
#[derive(Clone, Debug)]
pub struct Producer {
    pub settings: ExchangeSettings,
    name_space: [u8; 32],
    /// When its certificate authority was made: since then it speaks under this name.
    pub since: Timestamp,
}

impl Producer {
    /// The centre whose root certificate has this digest.
    #[must_use]
    pub fn new(settings: ExchangeSettings, root_fingerprint: &[u8; 32], since: Timestamp) -> Self {
        Self {
            settings,
            name_space: *root_fingerprint,
            since,
        }
    }

    /// The centre of a data folder.
    ///
    /// # Errors
    /// When its certificates cannot be read.
    pub fn of(folder: &DataFolder, settings: ExchangeSettings) -> Result<Self, AuthorityError> {
        let authority = CertificateAuthority::load(folder)?;
        let since = X509Certificate::from_der(authority.root())
            .ok()
            .and_then(|(_, root)| {
                Timestamp::from_second(root.validity().not_before.timestamp()).ok()
            })
            .unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(Self::new(settings, &authority.root_fingerprint(), since))
    }

    /// The name of something of ours: what kind it is, and what makes it different from others of its kind.
    #[must_use]
    pub fn name(&self, kind: &str, what: &str) -> Uuid {
        let digest = Sha256::new()
            .chain_update(self.name_space)
            .chain_update(kind)
            .chain_update("\n")
            .chain_update(what)
            .finalize();
        let bits = digest.first_chunk().copied().unwrap_or_default();
        Builder::from_random_bytes(bits).into_uuid()
    }
}
