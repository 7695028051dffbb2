//! How a device shows that it holds a voucher, and the centre that it wrote it.
//!
//! Over TLS whose authority the voucher names, the device says the voucher's secret. Where it has only the
//! eight words, or the request travels on a stick, it says a proof in its place: whoever reads or relays
//! that learns no secret, and cannot make another device or another centre of it.
//!
//! ```text
//! key      = SHA-256 of the secret                       what the centre keeps of a voucher
//! id       = SHA-256 ("lapwing voucher id\0", key), 8 bytes
//! request  = HMAC-SHA-256 (key, "lapwing enrol request\0", CA digest, device's public key)
//! approval = HMAC-SHA-256 (key, "lapwing enrol approval\0", CA digest, device's public key,
//!            sensor id, sealing key, SHA-256 of the certificate)
//! ```
//!
//! The CA digest is that of the authority that TLS showed; on a stick, where the device may not know it,
//! 32 zeros in the request and the true one in the approval. The secret has 112 random bits, so neither
//! proof can be tried out.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::enrolment::EnrolApproval;
use crate::voucher::VOUCHER_SECRET_BYTES;

/// A CA digest in a request by a device that has seen no CA.
pub const NO_AUTHORITY: [u8; 32] = [0; 32];

/// What of a voucher makes and checks proofs.
#[derive(Clone, PartialEq, Eq)]
pub struct VoucherKey([u8; 32]);

impl std::fmt::Debug for VoucherKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("VoucherKey")
    }
}

impl std::fmt::Debug for VoucherClaim {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("VoucherClaim")
    }
}

/// What a device shows of its voucher.
#[derive(Clone, PartialEq, Eq)]
pub enum VoucherClaim {
    /// The one-time secret itself.
    Secret([u8; VOUCHER_SECRET_BYTES]),
    /// A proof of it.
    Proof {
        /// Which voucher: [`VoucherKey::id`].
        id: [u8; 8],
        /// What [`VoucherKey::claim`] makes of the two keys.
        proof: [u8; 32],
    },
}

impl VoucherKey {
    /// The key of a voucher's secret.
    pub fn of(secret: &[u8; VOUCHER_SECRET_BYTES]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The key as a centre kept it.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Which voucher it is of.
    pub fn id(&self) -> [u8; 8] {
        let digest = Sha256::new()
            .chain_update(b"lapwing voucher id\0")
            .chain_update(self.0)
            .finalize();
        digest.first_chunk::<8>().copied().unwrap_or_default()
    }

    /// The claim of a device that saw this CA, or [`NO_AUTHORITY`].
    pub fn claim(&self, ca_digest: &[u8; 32], device_public_key: &[u8; 32]) -> VoucherClaim {
        VoucherClaim::Proof {
            id: self.id(),
            proof: self
                .request(ca_digest, device_public_key)
                .finalize()
                .into_bytes()
                .into(),
        }
    }

    /// Whether a device's proof is right.
    pub fn is_proven(
        &self,
        proof: &[u8; 32],
        ca_digest: &[u8; 32],
        device_public_key: &[u8; 32],
    ) -> bool {
        self.request(ca_digest, device_public_key)
            .verify_slice(proof)
            .is_ok()
    }

    /// The centre's proof of an approval.
    pub fn prove_approval(
        &self,
        ca_digest: &[u8; 32],
        device_public_key: &[u8; 32],
        approval: &EnrolApproval,
    ) -> [u8; 32] {
        self.approval(ca_digest, device_public_key, approval)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Whether an approval is by the centre that wrote the voucher.
    pub fn is_approved(
        &self,
        ca_digest: &[u8; 32],
        device_public_key: &[u8; 32],
        approval: &EnrolApproval,
    ) -> bool {
        approval.proof.is_some_and(|proof| {
            self.approval(ca_digest, device_public_key, approval)
                .verify_slice(&proof)
                .is_ok()
        })
    }

    fn request(&self, ca_digest: &[u8; 32], device_public_key: &[u8; 32]) -> Hmac<Sha256> {
        self.begin(b"lapwing enrol request\0")
            .chain_update(ca_digest)
            .chain_update(device_public_key)
    }

    fn approval(
        &self,
        ca_digest: &[u8; 32],
        device_public_key: &[u8; 32],
        approval: &EnrolApproval,
    ) -> Hmac<Sha256> {
        self.begin(b"lapwing enrol approval\0")
            .chain_update(ca_digest)
            .chain_update(device_public_key)
            .chain_update(approval.sensor.0)
            .chain_update(approval.sealing_key.as_bytes())
            .chain_update(Sha256::digest(&approval.certificate))
    }

    fn begin(&self, context: &[u8]) -> Hmac<Sha256> {
        // HMAC takes a key of any length.
        Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()))
            .chain_update(context)
    }
}
