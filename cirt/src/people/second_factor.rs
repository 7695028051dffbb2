//! One-time codes by time (RFC 6238): SHA-1, six digits, thirty seconds, as every authenticator app reads them.

use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::query::percent_encode;

/// Bytes of a secret: what RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Steps that a clock may be wrong by, either way.
const SKEW_STEPS: u16 = 1;

/// The secret that a person's device and the centre share.
pub struct SecondFactor(Totp);

impl SecondFactor {
    /// A new secret.
    #[must_use]
    pub fn new_secret() -> [u8; SECRET_BYTES] {
        rand::random()
    }

    /// Over a stored secret; none when it is too short to be one.
    #[must_use]
    pub fn of(secret: &[u8]) -> Option<Self> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(30)
            .with_skew(SKEW_STEPS)
            .with_secret(Secret::from(secret.to_vec()))
            .build()
            .ok()
            .map(Self)
    }

    /// The step a code belongs to, if it is right at this time and newer than the newest one used.
    #[must_use]
    pub fn check(&self, code: &str, unix_seconds: u64, newest_used_step: u64) -> Option<u64> {
        let code: String = code
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect();
        self.0
            .check(&code, unix_seconds)
            .filter(|step| *step > newest_used_step)
    }

    /// The secret as people type it.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let text = self.0.secret().to_base32();
        let groups: Vec<&str> = text
            .as_bytes()
            .chunks(4)
            .filter_map(|group| std::str::from_utf8(group).ok())
            .collect();
        groups.join(" ")
    }

    /// What the QR code says.
    #[must_use]
    pub fn address(&self, centre: &str, user: &str) -> String {
        format!(
            "otpauth://totp/Lapwing%20{centre}:{user}?secret={}&issuer=Lapwing%20{centre}&algorithm=SHA1&digits=6&period=30",
            self.0.secret().to_base32(),
            centre = percent_encode(centre),
            user = percent_encode(user),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the ASCII secret, at 59 seconds, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let factor = SecondFactor::of(b"12345678901234567890").unwrap();
        assert_eq!(factor.check("287082", 59, 0), Some(1));
        assert_eq!(factor.check("287 082", 59, 0), Some(1));
        assert_eq!(factor.check("287083", 59, 0), None);
        assert_eq!(factor.check("", 59, 0), None);
    }

    #[test]
    fn a_code_works_once() {
        let factor = SecondFactor::of(b"12345678901234567890").unwrap();
        let step = factor.check("287082", 59, 0).unwrap();
        assert_eq!(factor.check("287082", 59, step), None);
        assert_eq!(factor.check("287082", 59 + 600, 0), None, "too old");
    }

    #[test]
    fn a_secret_is_long_enough() {
        let secret = SecondFactor::new_secret();
        let factor = SecondFactor::of(&secret).unwrap();
        assert!(
            factor
                .address("a b", "ana")
                .starts_with("otpauth://totp/Lapwing%20a%20b:ana?secret=")
        );
        assert!(SecondFactor::of(b"short").is_none());
    }
}
