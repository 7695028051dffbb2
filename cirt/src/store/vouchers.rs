//! Vouchers: one-use invitations for a sensor. Only the hash of the secret is stored.

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;

use super::audit::record;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::settings::Name;

/// A voucher that has been written.
#[derive(Clone, Debug)]
pub struct Voucher {
    /// Name of the sensor it is for.
    pub sensor: String,
    /// The enrolment needs no further approval.
    pub pre_approved: bool,
    pub expires: Timestamp,
    pub used: Option<Timestamp>,
    /// The enrolment that used it.
    pub(super) enrolment: Option<i64>,
}

/// Why a voucher is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoucherRefusal {
    #[error("the voucher is not known here")]
    Unknown,
    #[error("the voucher has been used by another device")]
    Used,
    #[error("the voucher has expired")]
    Expired,
}

impl Store {
    /// Stores a new voucher.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_voucher(
        &self,
        actor: &str,
        secret_hash: &[u8; 32],
        sensor: &Name,
        pre_approved: bool,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            transaction.execute(
                "INSERT INTO voucher (secret_hash, sensor_name, pre_approved, created_ms, expires_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![secret_hash, sensor.as_str(), pre_approved, to_milliseconds(now), to_milliseconds(expires)],
            )?;
            let approval = if pre_approved { "pre-approved" } else { "needs approval" };
            record(transaction, now, actor, "voucher.write", &format!("{sensor}, {approval}, until {expires:.0}"))
        })
    }
}

impl Store {
    /// What is kept of the secrets of all vouchers, newest first: to find the one that a proof is of.
    ///
    /// # Errors
    /// When the database fails.
    pub fn voucher_keys(&self) -> Result<Vec<[u8; 32]>, StoreError> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare("SELECT secret_hash FROM voucher ORDER BY created_ms DESC")?;
            let rows = statement.query_map((), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Looks a voucher up.
pub(super) fn find(
    transaction: &Transaction<'_>,
    secret_hash: &[u8; 32],
) -> Result<Option<Voucher>, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT sensor_name, pre_approved, expires_ms, used_ms, enrolment_key FROM voucher WHERE secret_hash = ?1",
    )?;
    let voucher = statement.query_row([secret_hash], |row| {
        Ok(Voucher {
            sensor: row.get(0)?,
            pre_approved: row.get(1)?,
            expires: from_milliseconds(row.get(2)?),
            used: row.get::<Option<i64>>(3)?.map(from_milliseconds),
            enrolment: row.get(4)?,
        })
    });
    Ok(voucher.optional()?)
}

/// Marks a voucher as used by an enrolment.
pub(super) fn mark_used(
    transaction: &Transaction<'_>,
    secret_hash: &[u8; 32],
    enrolment: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE voucher SET used_ms = ?2, enrolment_key = ?3 WHERE secret_hash = ?1",
        params![secret_hash, to_milliseconds(now), enrolment],
    )?;
    Ok(())
}
