//! The key that sensors seal their batches to (X25519, for HPKE). `keys/sealing.key`: 64 hexadecimal digits.
//!
//! Whoever has this key reads every batch; whoever loses it can read none. It belongs into the backup of `keys/`.

use lapwing_wire::SealingPrivateKey;

use super::AuthorityError;
use crate::settings::DataFolder;
use crate::settings::data_folder::write_private;

const FILE: &str = "sealing.key";

/// Makes the key of a new centre.
///
/// # Errors
/// When the file cannot be written.
pub fn create_sealing_key(folder: &DataFolder) -> Result<SealingPrivateKey, AuthorityError> {
    let key = SealingPrivateKey::generate(&mut rand::rng());
    let path = folder.key(FILE);
    let text = format!("{}\n", hex::encode(*key.to_bytes()));
    write_private(&path, text.as_bytes()).map_err(|error| AuthorityError::Write(path, error))?;
    Ok(key)
}

/// Reads the key of a centre.
///
/// # Errors
/// When the file is missing or holds something else.
pub fn load_sealing_key(folder: &DataFolder) -> Result<SealingPrivateKey, AuthorityError> {
    let path = folder.key(FILE);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| AuthorityError::Read(path.clone(), error))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| AuthorityError::Pem(path.clone()))?;
    SealingPrivateKey::from_bytes(bytes).map_err(|_| AuthorityError::Pem(path))
}
