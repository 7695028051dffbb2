//! Keys that sign metadata: private ones as PKCS#8 in PEM (RFC 5958, RFC 8410), mode 0600; public ones as 64 hexadecimal
//! digits.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use lapwing_trust::PublicKey;
use rand::RngExt as _;

use super::RuleRepositoryError as Error;
use crate::limits::RULE_KEY_FILE_BYTES;

/// Makes a key: the private half into `path`, the public half beside it with the ending `.pub`. Neither may exist.
///
/// # Errors
/// [`Error::Write`].
pub fn generate_key(path: &Path) -> Result<PublicKey, Error> {
    let key = SigningKey::from_bytes(&rand::rng().random());
    let text = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| Error::NotAPrivateKey(path.to_owned()))?;
    let public = PublicKey::of(&key).map_err(|_| Error::NotAPrivateKey(path.to_owned()))?;
    let public_path = path.with_extension("pub");
    let public_text = format!("{public}\n");
    for (path, bytes, mode) in [
        (path, text.as_bytes(), 0o600),
        (&public_path, public_text.as_bytes(), 0o644),
    ] {
        create(path, bytes, mode).map_err(|error| Error::Write(path.to_owned(), error))?;
    }
    Ok(public)
}

fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a private key.
///
/// # Errors
/// [`Error::Read`], [`Error::NotAPrivateKey`].
pub fn read_private_key(path: &Path) -> Result<SigningKey, Error> {
    SigningKey::from_pkcs8_pem(&read_text(path)?)
        .map_err(|_| Error::NotAPrivateKey(path.to_owned()))
}

/// Reads a public key.
///
/// # Errors
/// [`Error::Read`], [`Error::NotAPublicKey`].
pub fn read_public_key(path: &Path) -> Result<PublicKey, Error> {
    let text = read_text(path)?;
    text.parse()
        .map_err(|_| Error::NotAPublicKey(path.to_owned()))
}

fn read_text(path: &Path) -> Result<String, Error> {
    let failed = |error| Error::Read(path.to_owned(), error);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(RULE_KEY_FILE_BYTES).read_to_end(&mut bytes))
        .map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
