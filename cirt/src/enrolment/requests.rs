//! Answering requests to enrol and to renew. No sockets here.

use std::sync::Arc;

use jiff::Timestamp;
use lapwing_wire::{
    EnrolApproval, EnrolPending, EnrolRequest, RenewApproval, RenewRequest, SealingPublicKey,
    SensorId, VoucherClaim, VoucherKey,
};
use rand::RngExt as _;
use rcgen::{CertificateSigningRequestParams, PublicKeyData as _};
use rustls_pki_types::CertificateSigningRequestDer;

use super::{AuthorityError, CertificateAuthority, secret_hash};
use crate::limits::{ENROLMENT_RETRY_SECONDS, SENSOR_CERTIFICATE_DAYS};
use crate::store::{Enrolment, EnrolmentState, Store, StoreError, VoucherRefusal};

/// Turns requests into answers.
pub struct EnrolmentDesk {
    authority: Arc<CertificateAuthority>,
    sealing_key: SealingPublicKey,
}

/// What to tell a device.
#[derive(Debug)]
pub enum Answer<Approval> {
    Approved(Box<Approval>),
    /// A person has not decided yet.
    Pending(EnrolPending),
    /// No, with a line for the technician.
    Refused(String),
}

/// Why a request cannot be answered at all.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot issue a certificate")]
    Issue(#[from] AuthorityError),
}

impl EnrolmentDesk {
    /// A desk that issues with this authority and hands out this sealing key.
    #[must_use]
    pub const fn new(authority: Arc<CertificateAuthority>, sealing_key: SealingPublicKey) -> Self {
        Self {
            authority,
            sealing_key,
        }
    }

    /// The authority that this desk issues with.
    #[must_use]
    pub fn authority(&self) -> &CertificateAuthority {
        &self.authority
    }

    /// Answers a device that has a voucher and no certificate. Repeating the request is harmless. `seen` are the CA
    /// digests that the device may have seen: on a link that of this centre, on a stick perhaps none.
    ///
    /// # Errors
    /// When the store or the authority fails.
    pub fn enrol(
        &self,
        store: &Store,
        request: &EnrolRequest,
        seen: &[[u8; 32]],
    ) -> Result<Answer<EnrolApproval>, EnrolmentError> {
        if proven_key(&request.certificate_request) != Some(request.device_public_key) {
            return Ok(Answer::Refused(
                "the certificate request is not signed by the device's Ed25519 key".to_owned(),
            ));
        }
        let mut machine = format!("name_on_device={}\n", one_line(&request.sensor_name));
        for fact in &request.machine_facts {
            machine.push_str(&format!(
                "{}={}\n",
                one_line(&fact.name),
                one_line(&fact.value)
            ));
        }
        let (secret_hash, proof_key) = match &request.claim {
            VoucherClaim::Secret(secret) => (secret_hash(secret), None),
            VoucherClaim::Proof { id, proof } => {
                let keys = store.voucher_keys()?;
                let known = keys
                    .into_iter()
                    .find(|key| VoucherKey::from_bytes(*key).id() == *id);
                let Some(known) = known else {
                    return Ok(Answer::Refused(VoucherRefusal::Unknown.to_string()));
                };
                let key = VoucherKey::from_bytes(known);
                let is_proven =
                    |ca: &[u8; 32]| key.is_proven(proof, ca, &request.device_public_key);
                if !seen.iter().any(is_proven) {
                    return Ok(Answer::Refused(
                        "the device saw another centre than this one: somebody may stand between"
                            .to_owned(),
                    ));
                }
                (known, Some(key))
            }
        };
        let redeemed = store.redeem_voucher(
            &secret_hash,
            &request.device_public_key,
            &rand::rng().random(),
            &machine,
            Timestamp::now(),
        )?;
        let enrolment = match redeemed {
            Ok(enrolment) => enrolment,
            Err(refusal) => return Ok(Answer::Refused(refusal.to_string())),
        };
        match enrolment.state {
            EnrolmentState::Pending => Ok(Answer::Pending(EnrolPending {
                retry_after_seconds: ENROLMENT_RETRY_SECONDS,
            })),
            EnrolmentState::Replaced | EnrolmentState::Revoked => Ok(Answer::Refused(format!(
                "this device is {} at the centre",
                enrolment.state.as_str()
            ))),
            EnrolmentState::Active => {
                let issued = self.issue(store, &enrolment)?;
                let mut approval = EnrolApproval {
                    sensor: SensorId(enrolment.identity),
                    certificate: issued.certificate,
                    issuing_chain: issued.issuing_chain,
                    sealing_key: issued.sealing_key,
                    certificate_lifetime_seconds: issued.certificate_lifetime_seconds,
                    proof: None,
                };
                approval.proof = proof_key.map(|key| {
                    key.prove_approval(
                        &self.authority.root_fingerprint(),
                        &request.device_public_key,
                        &approval,
                    )
                });
                Ok(Answer::Approved(Box::new(approval)))
            }
        }
    }

    /// Answers a sensor that asks for its next certificate, for the key that it connected with.
    ///
    /// # Errors
    /// When the store or the authority fails.
    pub fn renew(
        &self,
        store: &Store,
        enrolment: &Enrolment,
        request: &RenewRequest,
    ) -> Result<Answer<RenewApproval>, EnrolmentError> {
        if proven_key(&request.certificate_request) != Some(enrolment.public_key) {
            return Ok(Answer::Refused(
                "the certificate request is not for the key of this connection".to_owned(),
            ));
        }
        Ok(Answer::Approved(Box::new(self.issue(store, enrolment)?)))
    }

    fn issue(&self, store: &Store, enrolment: &Enrolment) -> Result<RenewApproval, EnrolmentError> {
        let issued = self
            .authority
            .issue_sensor(&enrolment.identity, &enrolment.public_key)?;
        store.add_certificate(enrolment, &issued.serial, issued.expires)?;
        Ok(RenewApproval {
            certificate: issued.certificate.to_vec(),
            issuing_chain: vec![
                self.authority.issuing().to_vec(),
                self.authority.root().to_vec(),
            ],
            sealing_key: self.sealing_key,
            certificate_lifetime_seconds: u64::from(SENSOR_CERTIFICATE_DAYS) * 24 * 3600,
        })
    }
}

/// The Ed25519 key that signed a certificate request for itself.
pub(crate) fn proven_key(request: &[u8]) -> Option<[u8; 32]> {
    let request = CertificateSigningRequestDer::from(request);
    let parsed = CertificateSigningRequestParams::from_der(&request).ok()?;
    let is_ed25519 = parsed.public_key.algorithm() == &rcgen::PKCS_ED25519;
    parsed
        .public_key
        .der_bytes()
        .try_into()
        .ok()
        .filter(|_| is_ed25519)
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
