//! The digest of a slot's root, which stands on the kernel's command line beside the slot: what a worn card or an
//! interrupted update has changed is found before anything of it runs.

use std::{fs::File, io::Read};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Holds the first `length_bytes` of a device against a digest in hex.
pub(crate) fn check(device: &str, length_bytes: u64, digest: &str) -> anyhow::Result<()> {
    let mut file = File::open(device)
        .with_context(|| format!("cannot read {device}"))?
        .take(length_bytes);
    let mut sha = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut seen_bytes = 0;
    loop {
        let count = file
            .read(&mut chunk)
            .with_context(|| format!("cannot read {device}"))?;
        if count == 0 {
            break;
        }
        sha.update(chunk.get(..count).unwrap_or_default());
        seen_bytes += u64::try_from(count)?;
    }
    if seen_bytes != length_bytes {
        bail!("{device} is shorter than its root");
    }
    let found = sha.finalize();
    let found = found
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    if found != digest {
        bail!("{device} is damaged: its digest is {found}, it should be {digest}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn one_changed_bit_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root");
        let device = path.to_str().unwrap();
        fs::write(&path, b"abc and what follows the root").unwrap();
        // Of "abc", as the standard gives it.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        check(device, 3, digest).unwrap();
        assert!(check(device, 4, digest).is_err());
        assert!(check(device, 400, digest).is_err());
        fs::write(&path, b"abb").unwrap();
        assert!(check(device, 3, digest).is_err());
    }
}
