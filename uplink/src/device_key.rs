//! The device's key: Ed25519, born here, never sent. It signs batches, requests for
//! certificates, and TLS handshakes; each of these signs bytes that begin in a way of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use crate::error::UplinkError;
use crate::private_file;

const FILE: &str = "device.key";

/// The device's key.
#[derive(Debug, Clone)]
pub(crate) struct DeviceKey {
    path: PathBuf,
    key: SigningKey,
}

impl DeviceKey {
    /// The key in a folder.
    pub(crate) fn load(folder: &Path) -> Result<Self, UplinkError> {
        let path = folder.join(FILE);
        let pem = fs::read_to_string(&path).map_err(UplinkError::file("read", &path))?;
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|_| UplinkError::BadFile {
            path: path.clone(),
            problem: "it is not an Ed25519 key".to_owned(),
        })?;
        Ok(Self { path, key })
    }

    /// The key in a folder; a new one when there is none.
    pub(crate) fn load_or_make(folder: &Path) -> Result<Self, UplinkError> {
        match Self::load(folder) {
            Err(UplinkError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        private_file::create_folder(folder)?;
        let made = Self {
            path: folder.join(FILE),
            key: SigningKey::from_bytes(&rand::random()),
        };
        private_file::replace(&made.path, made.pem()?.as_bytes())?;
        Ok(made)
    }

    pub(crate) fn signing_key(&self) -> SigningKey {
        self.key.clone()
    }

    pub(crate) fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The key as TLS takes it.
    pub(crate) fn tls_key(&self) -> Result<PrivateKeyDer<'static>, UplinkError> {
        PrivateKeyDer::from_pem_slice(self.pem()?.as_bytes()).map_err(|_| self.unusable())
    }

    /// A signed request for a certificate. The centre sets all names.
    pub(crate) fn certificate_request(&self) -> Result<Vec<u8>, UplinkError> {
        let pair = KeyPair::from_pem_and_sign_algo(&self.pem()?, &PKCS_ED25519)?;
        let request = CertificateParams::default().serialize_request(&pair)?;
        Ok(request.der().to_vec())
    }

    fn pem(&self) -> Result<impl std::ops::Deref<Target = String>, UplinkError> {
        self.key
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| self.unusable())
    }

    fn unusable(&self) -> UplinkError {
        UplinkError::BadFile {
            path: self.path.clone(),
            problem: "the key cannot be written as PKCS #8".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_born_once_and_readable_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("identity");
        let key = DeviceKey::load_or_make(&inside).unwrap();
        assert_eq!(
            DeviceKey::load_or_make(&inside).unwrap().public_key(),
            key.public_key()
        );
        let mode = fs::metadata(inside.join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::metadata(&inside).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert!(!key.certificate_request().unwrap().is_empty());
    }

    #[test]
    fn a_broken_key_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "not a key").unwrap();
        assert!(matches!(
            DeviceKey::load_or_make(folder.path()),
            Err(UplinkError::BadFile { .. })
        ));
    }
}
