//! Checks that a signed answer is the centre's own: its certificates lead to the CA of the voucher, the
//! first is one of the centre's servers, and the signature is by that one's key. What TLS checks of a
//! connection is checked here of bytes, so that a stick is worth no more and no less.

use std::time::Duration;

use lapwing_wire::{CENTRE_SERVER_NAME, SignedAnswer};
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::error::UplinkError;

/// The answer in these bytes, if the centre with this CA signed it. `now_seconds` is the best time known.
///
/// # Errors
/// [`UplinkError::BadAnswer`] with what is wrong.
pub(crate) fn verified(
    bytes: &[u8],
    ca_digest: &[u8; 32],
    now_seconds: u64,
) -> Result<SignedAnswer, UplinkError> {
    let answer = SignedAnswer::parse(bytes).map_err(|error| bad(&error))?;
    verify(&answer, ca_digest, now_seconds)?;
    Ok(answer)
}

/// The CA that an answer says it comes from: the last of its certificates.
pub(crate) fn claimed_authority(answer: &SignedAnswer) -> Option<[u8; 32]> {
    answer
        .chain
        .last()
        .map(|certificate| Sha256::digest(certificate).into())
}

fn verify(
    answer: &SignedAnswer,
    ca_digest: &[u8; 32],
    now_seconds: u64,
) -> Result<(), UplinkError> {
    let chain: Vec<CertificateDer<'_>> = answer
        .chain
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let authority = chain
        .iter()
        .find(|certificate| Sha256::digest(certificate).as_slice() == ca_digest)
        .ok_or_else(|| bad(&"it is not of the centre that this device enrolled at"))?;
    let anchor = anchor_from_trusted_cert(authority).map_err(|error| bad(&error))?;
    let (signer, others) = chain
        .split_first()
        .ok_or_else(|| bad(&"it has no certificate"))?;
    let signer = EndEntityCert::try_from(signer).map_err(|error| bad(&error))?;
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    // A stick may be long on its way: the signer's certificate has to be good when it signed, and an answer
    // from the future of this board's clock is no reason to refuse it.
    let signed_at = answer.made_milliseconds / 1000;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(signed_at.max(now_seconds)));
    let usage = KeyUsage::server_auth();
    signer
        .verify_for_usage(algorithms.all, &[anchor], others, time, usage, None, None)
        .map_err(|error| bad(&error))?;
    let name = ServerName::try_from(CENTRE_SERVER_NAME).map_err(|error| bad(&error))?;
    signer
        .verify_is_valid_for_subject_name(&name)
        .map_err(|error| bad(&error))?;
    signer
        .verify_signature(
            webpki::aws_lc_rs::ECDSA_P256_SHA256,
            answer.signed(),
            answer.signature(),
        )
        .map_err(|error| bad(&error))
}

fn bad(problem: &dyn std::fmt::Display) -> UplinkError {
    UplinkError::BadAnswer {
        problem: problem.to_string(),
    }
}
