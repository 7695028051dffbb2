//! Keys that sign updates: private ones as PKCS#8 in PEM (RFC 5958, RFC 8410), mode 0600; public ones as 64 hexadecimal digits.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use lapwing_trust::PublicKey;

/// Bytes of a key's file.
const KEY_FILE_BYTES: u64 = 4096;

/// Makes a key: the private half into `path`, the public half beside it with the ending `.pub`. Neither may exist.
pub(super) fn generate(path: &Path) -> anyhow::Result<PublicKey> {
    let mut seed = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    let key = SigningKey::from_bytes(&seed);
    let text = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|error| anyhow::anyhow!("the key cannot be written: {error}"))?;
    let public = PublicKey::of(&key)?;
    create(path, text.as_bytes(), 0o600)?;
    create(
        &path.with_extension("pub"),
        format!("{public}\n").as_bytes(),
        0o644,
    )?;
    Ok(public)
}

fn create(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a private key.
pub(super) fn read_private(path: &Path) -> anyhow::Result<SigningKey> {
    SigningKey::from_pkcs8_pem(&read(path)?).map_err(|_| {
        anyhow::anyhow!(
            "{} is no private key as `lapwing-image update keygen` makes it",
            path.display()
        )
    })
}

/// Reads a public key.
pub(super) fn read_public(path: &Path) -> anyhow::Result<PublicKey> {
    read(path)?.parse().with_context(|| {
        format!(
            "{} is no public key (the file that ends in .pub)",
            path.display()
        )
    })
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(KEY_FILE_BYTES).read_to_string(&mut text))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text)
}
