//! What is read from certificates.

use x509_parser::prelude::{FromDer, X509Certificate};

/// When a certificate is valid, seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before_seconds: u64,
    pub(crate) not_after_seconds: u64,
}

impl Validity {
    /// Of a certificate (DER), if it can be read.
    pub(crate) fn of(certificate: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let validity = parsed.validity();
        Some(Self {
            not_before_seconds: u64::try_from(validity.not_before.timestamp()).ok()?,
            not_after_seconds: u64::try_from(validity.not_after.timestamp()).ok()?,
        })
    }

    /// Whether less than a third of its life is left.
    pub(crate) const fn renewal_is_due(&self, now_seconds: u64) -> bool {
        let life = self
            .not_after_seconds
            .saturating_sub(self.not_before_seconds);
        self.not_after_seconds.saturating_sub(now_seconds) < life / 3
    }

    pub(crate) const fn has_ended(&self, now_seconds: u64) -> bool {
        now_seconds > self.not_after_seconds
    }
}

/// The Ed25519 public key that a certificate (DER) is for, if it is for one.
pub(crate) fn ed25519_key(certificate: &[u8]) -> Option<[u8; 32]> {
    const ED25519: &str = "1.3.101.112";
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let key = parsed.public_key();
    if key.algorithm.algorithm.to_id_string() != ED25519 {
        return None;
    }
    key.subject_public_key.data.as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_is_due_in_the_last_third() {
        let validity = Validity {
            not_before_seconds: 1000,
            not_after_seconds: 1300,
        };
        assert!(!validity.renewal_is_due(1200));
        assert!(validity.renewal_is_due(1201));
        assert!(!validity.has_ended(1300));
        assert!(validity.has_ended(1301) && validity.renewal_is_due(2000));
    }
}
