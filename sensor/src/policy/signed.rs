//! The ISP's signature over its policy.
//!
//! A signed policy is a document of the trust package, kind [`KIND`], whose content is the text of the policy file as
//! the ISP wrote it, comments and all. Exactly one key counts: the ISP's, named in the sensor's own settings. The
//! centre's keys are other keys, and what they sign (packs, approvals, acknowledgements) are documents of other kinds
//! or no documents at all, so nothing that the centre signs can pass for a policy.

use ed25519_dalek::SigningKey;
use lapwing_rules::trust::{Check, Document, Draft, PublicKey, Role, TrustError};
use lapwing_wire::PolicyDigest;

use super::{Policy, file};
use crate::settings::document::Mistakes;

/// The kind of document that a signed policy is.
pub const KIND: &str = "isp-policy";
/// The role that must sign it, as it is called in messages.
const ROLE: &str = "the ISP";

/// A policy with a valid signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPolicy {
    /// What it says.
    pub policy: Policy,
    /// Its identity, carried by every record that it allowed.
    pub digest: PolicyDigest,
}

/// Why a policy does not count.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The document or its signature is wrong.
    #[error("the policy is not validly signed by the ISP's key")]
    Signature(#[source] TrustError),
    /// The signed text has mistakes.
    #[error("the policy has mistakes: {0}")]
    Mistakes(Mistakes),
    /// The document says another serial than the text in it.
    #[error("the policy's serial is {text}, but {document} was signed")]
    Serial {
        /// In the text.
        text: u64,
        /// In the document around it.
        document: u64,
    },
}

/// Signs the text of a policy file.
///
/// # Errors
/// [`PolicyError::Mistakes`] for a text that is no policy; [`PolicyError::Signature`] when no document can be made of it.
pub fn sign(text: &str, key: &SigningKey, now_seconds: u64) -> Result<Vec<u8>, PolicyError> {
    let policy = file::parse(text).map_err(PolicyError::Mistakes)?;
    let draft = Draft {
        kind: KIND,
        version: policy.serial,
        issued_seconds: now_seconds,
        expires_seconds: policy.valid_until_seconds.unwrap_or(NEVER_SECONDS),
        content: text,
    };
    let signed = draft.into_document().and_then(|mut document| {
        document.sign(key)?;
        document.to_bytes()
    });
    signed.map_err(PolicyError::Signature)
}

/// In place of the end of a policy that has none: the year 9999.
const NEVER_SECONDS: u64 = 253_402_300_799;

/// Checks a signed policy and reads it.
///
/// `serial_floor` is the highest serial accepted before: an older policy, validly signed, may be a wider one that
/// somebody kept.
///
/// # Errors
/// [`PolicyError`]; then nothing but heartbeats may leave.
pub fn open(
    bytes: &[u8],
    isp_key: PublicKey,
    serial_floor: u64,
    now_seconds: u64,
) -> Result<SignedPolicy, PolicyError> {
    let role = Role::new(ROLE, [isp_key], 1).map_err(PolicyError::Signature)?;
    let check = Check {
        kind: KIND,
        role: &role,
        version_floor: serial_floor,
        now_seconds,
        tolerance_seconds: 0,
    };
    let verified = Document::parse(bytes)
        .and_then(|document| document.verify(&check))
        .map_err(PolicyError::Signature)?;
    let text: String = verified.content().map_err(PolicyError::Signature)?;
    let policy = file::parse(&text).map_err(PolicyError::Mistakes)?;
    if policy.serial != verified.version {
        return Err(PolicyError::Serial {
            text: policy.serial,
            document: verified.version,
        });
    }
    Ok(SignedPolicy {
        policy,
        digest: PolicyDigest(verified.digest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::TEMPLATE;

    const NOW: u64 = 1_800_000_000;

    fn key(seed: u8) -> (SigningKey, PublicKey) {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = PublicKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
        (key, public)
    }

    #[test]
    fn a_signed_policy_opens_with_the_isp_key_only() {
        let (isp, isp_public) = key(1);
        let (centre, _) = key(2);
        let signed = sign(TEMPLATE, &isp, NOW).unwrap();
        let opened = open(&signed, isp_public, 0, NOW).unwrap();
        assert_eq!(opened.policy, file::parse(TEMPLATE).unwrap());
        let by_centre = sign(TEMPLATE, &centre, NOW).unwrap();
        assert!(matches!(
            open(&by_centre, isp_public, 0, NOW),
            Err(PolicyError::Signature(_))
        ));
    }

    /// The centre signs documents of other kinds. Even if its key were the ISP's, they would not be policies.
    #[test]
    fn a_document_of_another_kind_is_no_policy() {
        let (isp, isp_public) = key(1);
        let mut document = Draft {
            kind: "rule-pack",
            version: 1,
            issued_seconds: NOW,
            expires_seconds: NEVER_SECONDS,
            content: TEMPLATE,
        }
        .into_document()
        .unwrap();
        document.sign(&isp).unwrap();
        let opened = open(&document.to_bytes().unwrap(), isp_public, 0, NOW);
        assert!(matches!(
            opened,
            Err(PolicyError::Signature(TrustError::WrongKind { .. }))
        ));
    }

    #[test]
    fn an_edited_policy_is_refused() {
        let (isp, isp_public) = key(1);
        let signed = String::from_utf8(sign(TEMPLATE, &isp, NOW).unwrap()).unwrap();
        let widened = signed.replace("home = \\\"withhold\\\"", "home = \\\"clear\\\"");
        assert_ne!(signed, widened);
        let opened = open(widened.as_bytes(), isp_public, 0, NOW);
        assert!(matches!(
            opened,
            Err(PolicyError::Signature(TrustError::BadSignature { .. }))
        ));
    }

    #[test]
    fn an_older_serial_does_not_come_back() {
        let (isp, isp_public) = key(1);
        let signed = sign(TEMPLATE, &isp, NOW).unwrap();
        assert!(open(&signed, isp_public, 1, NOW).is_ok());
        let opened = open(&signed, isp_public, 2, NOW);
        assert!(matches!(
            opened,
            Err(PolicyError::Signature(TrustError::Rollback { .. }))
        ));
    }

    #[test]
    fn a_policy_ends_when_it_says() {
        let (isp, isp_public) = key(1);
        let text = TEMPLATE.replace("serial = 1 ", "serial = 1\nvalid_until = \"2027-01-31\" ");
        let signed = sign(&text, &isp, NOW).unwrap();
        // 2027-02-01T00:00:00Z
        assert!(open(&signed, isp_public, 0, 1_801_439_999).is_ok());
        assert!(open(&signed, isp_public, 0, 1_801_440_001).is_err());
    }

    #[test]
    fn a_policy_with_mistakes_is_not_signed() {
        let (isp, _) = key(1);
        assert!(matches!(
            sign("format = 1", &isp, NOW),
            Err(PolicyError::Mistakes(_))
        ));
    }
}
