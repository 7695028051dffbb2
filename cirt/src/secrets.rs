//! Random secrets and the hashing of passwords.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

use crate::limits::PASSWORD_BYTES;

/// Letters and digits that cannot be mistaken for each other.
const READABLE: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A password of 20 readable characters in groups of four, about 99 bits.
#[must_use]
pub fn readable_password() -> String {
    let mut random = rand::rng();
    let mut password = String::with_capacity(24);
    for position in 0..20 {
        if position > 0 && position % 4 == 0 {
            password.push('-');
        }
        let index = random.random_range(0..READABLE.len());
        password.push(char::from(READABLE.get(index).copied().unwrap_or(b'a')));
    }
    password
}

/// A random token of 256 bits as 64 hexadecimal digits: session cookies and form tokens.
#[must_use]
pub fn random_token() -> String {
    hex::encode(rand::rng().random::<[u8; 32]>())
}

/// A token of the API: recognisable when it is found where it should not be.
#[must_use]
pub fn api_token() -> String {
    format!("lapwing_{}", random_token())
}

/// SHA-256 of a token, which is what is stored: a copy of the database opens no session.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Argon2id with its default cost (19 MiB, two passes) and a random salt, as a PHC string.
///
/// # Errors
/// When the system has no randomness.
pub fn hash_password(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default()
        .hash_password(password.as_bytes())?
        .to_string())
}

/// Compares a password with a PHC string. Takes tens of milliseconds, also when the answer is no.
#[must_use]
pub fn verify_password(password: &str, hash: &str) -> bool {
    password.len() <= PASSWORD_BYTES
        && PasswordHash::new(hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_its_own_hash_only() {
        let password = readable_password();
        assert_eq!(password.len(), 24);
        let hash = hash_password(&password).unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify_password(&password, &hash));
        assert!(!verify_password("guess", &hash));
        assert!(!verify_password(&"x".repeat(PASSWORD_BYTES + 1), &hash));
        assert!(!verify_password(&password, "no hash"));
    }

    #[test]
    fn secrets_differ() {
        assert_ne!(readable_password(), readable_password());
        assert_ne!(random_token(), random_token());
    }
}
