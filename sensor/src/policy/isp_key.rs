//! The ISP's signing key: made here, kept by the ISP, never on the centre and not needed on the sensor.
//!
//! The private key is PKCS#8 in PEM (RFC 5958, RFC 8410), which `openssl pkey` reads as well; the public key is 64 hex
//! digits.

use std::path::{Path, PathBuf};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use zeroize::Zeroizing;

use crate::whole_file;

/// Bytes of a private key file.
const MAX_KEY_FILE_BYTES: usize = 16 * 1024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum IspKeyError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no Ed25519 private key.
    #[error("{} is not an Ed25519 private key in PEM, as `lapwing policy keygen` writes it", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
}

/// Makes a key: the private half into `path` (mode 0600), the public half into `public_path`. Neither may exist.
///
/// # Errors
/// [`IspKeyError`].
pub fn generate(path: &Path, public_path: &Path) -> Result<(), IspKeyError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(IspKeyError::Random)?;
    let key = SigningKey::from_bytes(&seed);
    let text = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| IspKeyError::NotAKey {
            path: path.to_owned(),
        })?;
    let public = format!("{}\n", hex::encode(key.verifying_key().as_bytes()));
    for (path, bytes, mode) in [
        (path, text.as_bytes(), 0o600),
        (public_path, public.as_bytes(), 0o644),
    ] {
        whole_file::create(path, bytes, mode).map_err(|source| IspKeyError::Write {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// Reads a private key.
///
/// # Errors
/// [`IspKeyError::Read`], [`IspKeyError::NotAKey`].
pub fn read(path: &Path) -> Result<SigningKey, IspKeyError> {
    let bytes = whole_file::read(path, MAX_KEY_FILE_BYTES).map_err(|source| IspKeyError::Read {
        path: path.to_owned(),
        source,
    })?;
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).ok();
    text.and_then(|text| SigningKey::from_pkcs8_pem(text).ok())
        .ok_or_else(|| IspKeyError::NotAKey {
            path: path.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::policy::read_isp_key;

    #[test]
    fn a_key_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = (folder.path().join("isp.key"), folder.path().join("isp.pub"));
        generate(&private, &public).unwrap();
        assert_eq!(
            fs::metadata(&private).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let key = read(&private).unwrap();
        assert_eq!(
            read_isp_key(&public).unwrap().to_bytes(),
            key.verifying_key().to_bytes()
        );
        assert!(matches!(
            generate(&private, &public),
            Err(IspKeyError::Write { .. })
        ));
        assert_eq!(read(&private).unwrap().to_bytes(), key.to_bytes());
        assert!(matches!(read(&public), Err(IspKeyError::NotAKey { .. })));
    }
}
