//! Writing vouchers. The secret leaves in the voucher and is kept here only as a hash.

use jiff::{SignedDuration, Timestamp};
use lapwing_wire::words::{secret_to_words, secret_with_check};
use lapwing_wire::{DecodeError, Voucher};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

use crate::limits::VOUCHER_HOURS_MAX;
use crate::settings::Name;
use crate::store::{Store, StoreError};

/// What a voucher is written for.
pub struct NewVoucher<'a> {
    /// Name of the sensor.
    pub sensor: &'a Name,
    /// Where the centre is reached, `host:port`.
    pub addresses: Vec<String>,
    /// SHA-256 of the root certificate.
    pub root_fingerprint: [u8; 32],
    pub valid_hours: u32,
    pub pre_approved: bool,
}

/// Why a voucher cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum VoucherError {
    #[error("a voucher is valid for 1 to {VOUCHER_HOURS_MAX} hours, not {0}")]
    Hours(u32),
    #[error("the voucher cannot be written as text")]
    Encode(#[source] DecodeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is stored of a voucher's secret.
#[must_use]
pub fn secret_hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// A voucher as it is given away.
pub struct WrittenVoucher {
    /// The whole voucher.
    pub text: String,
    /// Its secret as eight words, for where only a telephone reaches.
    pub words: String,
    pub expires: Timestamp,
}

/// Writes a voucher and gives its text, which is nowhere else, and the time it expires.
///
/// # Errors
/// When it cannot be stored or its address is too long.
pub fn write_voucher(
    store: &Store,
    actor: &str,
    new: NewVoucher<'_>,
) -> Result<WrittenVoucher, VoucherError> {
    if !(1..=VOUCHER_HOURS_MAX).contains(&new.valid_hours) {
        return Err(VoucherError::Hours(new.valid_hours));
    }
    let voucher = Voucher {
        addresses: new.addresses,
        ca_digest: new.root_fingerprint,
        secret: secret_with_check(rand::rng().random()),
    };
    let text = voucher.encode().map_err(VoucherError::Encode)?;
    let expires = Timestamp::now() + SignedDuration::from_hours(i64::from(new.valid_hours));
    store.add_voucher(
        actor,
        &secret_hash(&voucher.secret),
        new.sensor,
        new.pre_approved,
        expires,
    )?;
    Ok(WrittenVoucher {
        words: secret_to_words(&voucher.secret).unwrap_or_default(),
        text,
        expires,
    })
}
