//! What this device is: the enrolment that the centre approved, and its current certificate.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lapwing_wire::{EnrolApproval, RenewApproval, SealingPublicKey, SensorId};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::certificate::{Validity, ed25519_key};
use crate::device_key::DeviceKey;
use crate::enrolment::Invitation;
use crate::error::UplinkError;
use crate::private_file;

const FILE: &str = "enrolment.json";

/// What this device is, as `enrolment.json` keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The sensor that it is.
    pub sensor: SensorId,
    /// Addresses of the centre, from the voucher.
    pub addresses: Vec<String>,
    /// The key that batches are sealed to.
    pub sealing_key: SealingPublicKey,
    /// SHA-256 of the centre's CA certificate, from the voucher.
    pub ca_digest: [u8; 32],
    certificate: Vec<u8>,
    issuing_chain: Vec<Vec<u8>>,
}

/// The file. Binary values are hex.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: u32,
    sensor: String,
    addresses: Vec<String>,
    ca_sha256: String,
    sealing_key: String,
    certificate: String,
    issuing_chain: Vec<String>,
}

impl Identity {
    /// The identity in a folder.
    ///
    /// # Errors
    /// [`UplinkError::NotEnrolled`] when there is none, [`UplinkError::BadFile`] when it
    /// cannot be read.
    pub fn load(folder: &Path) -> Result<Self, UplinkError> {
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(UplinkError::NotEnrolled { path });
            }
            Err(cause) => return Err(UplinkError::file("read", path)(cause)),
        };
        let bad = |problem: String| UplinkError::BadFile {
            path: path.clone(),
            problem,
        };
        let stored: Stored =
            serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        stored
            .into_identity()
            .ok_or_else(|| bad("a value in it is not what it should be".to_owned()))
    }

    /// Whether an enrolment is there, whatever it says.
    pub(crate) fn path_if_enrolled(folder: &Path) -> Option<PathBuf> {
        Some(folder.join(FILE)).filter(|path| path.exists())
    }

    /// When the certificate ends, seconds since 1970.
    pub fn certificate_ends_seconds(&self) -> u64 {
        self.validity()
            .map_or(0, |validity| validity.not_after_seconds)
    }

    pub(crate) fn validity(&self) -> Option<Validity> {
        Validity::of(&self.certificate)
    }

    /// The certificates to show to the centre.
    pub(crate) fn client_chain(&self) -> Vec<CertificateDer<'static>> {
        // The CA itself is known to the centre.
        let issuers = self
            .issuing_chain
            .iter()
            .filter(|issuer| !self.is_ca(issuer));
        [&self.certificate]
            .into_iter()
            .chain(issuers)
            .map(|der| CertificateDer::from(der.clone()))
            .collect()
    }

    /// The identity that an approval gives, after checking that it fits key and invitation.
    pub(crate) fn approved(
        invitation: &Invitation,
        ca_digest: &[u8; 32],
        key: &DeviceKey,
        approval: EnrolApproval,
    ) -> Result<Self, UplinkError> {
        if !invitation.is_of(ca_digest, key, &approval) {
            return Err(UplinkError::BadAnswer {
                problem: "it does not prove that it is of the centre that wrote the voucher: somebody may stand between".to_owned(),
            });
        }
        let identity = Self {
            sensor: approval.sensor,
            addresses: invitation.addresses.clone(),
            sealing_key: approval.sealing_key,
            ca_digest: *ca_digest,
            certificate: approval.certificate,
            issuing_chain: approval.issuing_chain,
        };
        identity.checked(key)
    }

    /// The identity with its next certificate.
    pub(crate) fn renewed(
        &self,
        key: &DeviceKey,
        approval: RenewApproval,
    ) -> Result<Self, UplinkError> {
        let identity = Self {
            sealing_key: approval.sealing_key,
            certificate: approval.certificate,
            issuing_chain: approval.issuing_chain,
            ..self.clone()
        };
        identity.checked(key)
    }

    pub(crate) fn store(&self, folder: &Path) -> Result<(), UplinkError> {
        let stored = Stored {
            version: 1,
            sensor: self.sensor.to_string(),
            addresses: self.addresses.clone(),
            ca_sha256: hex::encode(self.ca_digest),
            sealing_key: hex::encode(self.sealing_key.as_bytes()),
            certificate: hex::encode(&self.certificate),
            issuing_chain: self.issuing_chain.iter().map(hex::encode).collect(),
        };
        let path = folder.join(FILE);
        let bytes = serde_json::to_vec_pretty(&stored).map_err(|error| UplinkError::BadFile {
            path: path.clone(),
            problem: error.to_string(),
        })?;
        private_file::create_folder(folder)?;
        private_file::replace(&path, &bytes)
    }

    fn checked(self, key: &DeviceKey) -> Result<Self, UplinkError> {
        let bad = |problem: &str| {
            Err(UplinkError::BadAnswer {
                problem: problem.to_owned(),
            })
        };
        if ed25519_key(&self.certificate) != Some(key.public_key()) {
            return bad("the certificate is not for this device's key");
        }
        if self.validity().is_none() {
            return bad("the certificate has no usable dates");
        }
        Ok(self)
    }

    fn is_ca(&self, certificate: &[u8]) -> bool {
        Sha256::digest(certificate).as_slice() == self.ca_digest
    }
}

impl Stored {
    fn into_identity(self) -> Option<Identity> {
        let array = |text: &str| <[u8; 32]>::try_from(hex::decode(text).ok()?).ok();
        Some(Identity {
            sensor: self.sensor.parse().ok()?,
            addresses: self.addresses,
            sealing_key: SealingPublicKey::from_bytes(array(&self.sealing_key)?),
            ca_digest: array(&self.ca_sha256)?,
            certificate: hex::decode(self.certificate).ok()?,
            issuing_chain: self
                .issuing_chain
                .iter()
                .map(|der| hex::decode(der).ok())
                .collect::<Option<_>>()?,
        })
        .filter(|_| self.version == 1)
    }
}
