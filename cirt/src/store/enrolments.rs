//! Enrolments: which device key may speak for which sensor.
//!
//! A voucher turns a device's public key into an enrolment, *active* at once when the voucher was pre-approved and
//! *pending* otherwise. At most one enrolment of a sensor is active; approving another *replaces* it, so that the
//! key of a dead or stolen card is worth nothing afterwards.

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;

use super::audit::record;
use super::time::to_milliseconds;
use super::vouchers::{self, VoucherRefusal};
use super::{SensorKey, Store, StoreError};

/// What became of a request to enrol, or of an enrolment since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentState {
    Pending,
    Active,
    Replaced,
    Revoked,
}

impl EnrolmentState {
    /// The word in the database and on the pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
        }
    }

    pub(super) fn from_text(text: &str) -> Self {
        match text {
            "pending" => Self::Pending,
            "active" => Self::Active,
            "replaced" => Self::Replaced,
            _ => Self::Revoked,
        }
    }
}

/// An enrolment as the collector needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    pub key: i64,
    pub sensor: SensorKey,
    /// The sensor's identity on the wire.
    pub identity: [u8; 16],
    pub sensor_name: String,
    pub public_key: [u8; 32],
    pub state: EnrolmentState,
}

const SELECT: &str = "SELECT enrolment.key, sensor.key, sensor.identity, sensor.name, enrolment.public_key, enrolment.state
     FROM enrolment JOIN sensor ON sensor.key = enrolment.sensor_key";

fn enrolment_from_row(row: &super::database::Row<'_>) -> super::database::Result<Enrolment> {
    let state: String = row.get(5)?;
    Ok(Enrolment {
        key: row.get(0)?,
        sensor: SensorKey(row.get(1)?),
        identity: row.get(2)?,
        sensor_name: row.get(3)?,
        public_key: row.get(4)?,
        state: EnrolmentState::from_text(&state),
    })
}

impl Store {
    /// Uses a voucher for a device key. Asking again with the same voucher and key gives the same enrolment, so a
    /// lost answer costs nothing.
    ///
    /// # Errors
    /// When the database fails. A voucher that is not accepted is an inner error.
    pub fn redeem_voucher(
        &self,
        secret_hash: &[u8; 32],
        public_key: &[u8; 32],
        new_identity: &[u8; 16],
        machine: &str,
        now: Timestamp,
    ) -> Result<Result<Enrolment, VoucherRefusal>, StoreError> {
        self.write(|transaction| {
            let Some(voucher) = vouchers::find(transaction, secret_hash)? else {
                return Ok(Err(VoucherRefusal::Unknown));
            };
            if let Some(key) = voucher.enrolment {
                let same = by_key(transaction, key)?
                    .filter(|enrolment| &enrolment.public_key == public_key);
                return Ok(same.ok_or(VoucherRefusal::Used));
            }
            if voucher.expires < now {
                return Ok(Err(VoucherRefusal::Expired));
            }
            if by_public_key(transaction, public_key)?.is_some() {
                return Ok(Err(VoucherRefusal::Used));
            }
            let sensor = sensor_named(transaction, &voucher.sensor, new_identity, now)?;
            let key = transaction.query_row(
                "INSERT INTO enrolment (sensor_key, public_key, state, machine, requested_ms)
                 VALUES (?1, ?2, 'pending', ?3, ?4) RETURNING key",
                params![sensor, public_key, machine, to_milliseconds(now)],
                |row| row.get(0),
            )?;
            vouchers::mark_used(transaction, secret_hash, key, now)?;
            record(
                transaction,
                now,
                "centre",
                "enrolment.request",
                &voucher.sensor,
            )?;
            if voucher.pre_approved {
                activate(transaction, key, "voucher", now)?;
            }
            let enrolment = by_key(transaction, key)?.ok_or(StoreError::Unreadable("enrolment"))?;
            Ok(Ok(enrolment))
        })
    }

    /// The enrolment of a device key, whatever its state.
    ///
    /// # Errors
    /// When the database fails.
    pub fn enrolment(&self, public_key: &[u8; 32]) -> Result<Option<Enrolment>, StoreError> {
        self.read(|transaction| by_public_key(transaction, public_key))
    }

    /// The enrolment that speaks for a sensor, given by its identity on the wire: the active one, or the last.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest_enrolment(&self, identity: &[u8; 16]) -> Result<Option<Enrolment>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(&format!(
                "{SELECT} WHERE sensor.identity = ?1
                 ORDER BY CASE enrolment.state WHEN 'active' THEN 0 ELSE 1 END, enrolment.key DESC LIMIT 1"
            ))?;
            Ok(statement.query_row([identity], enrolment_from_row).optional()?)
        })
    }

    /// Writes down a certificate that is about to be handed out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_certificate(
        &self,
        enrolment: &Enrolment,
        serial: &[u8],
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            transaction.execute(
                "INSERT INTO certificate (serial, enrolment_key, issued_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)",
                params![serial, enrolment.key, to_milliseconds(now), to_milliseconds(expires)],
            )?;
            record(transaction, now, "centre", "certificate.issue", &enrolment.sensor_name)
        })
    }

    /// Approves the pending enrolment of a sensor, given by name or identity.
    ///
    /// # Errors
    /// When there is no such sensor or nothing to approve.
    pub fn approve_sensor(&self, actor: &str, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let sensor = super::sensors::key_of(transaction, name)?;
            let pending: Option<i64> = transaction
                .query_row(
                    "SELECT key FROM enrolment WHERE sensor_key = ?1 AND state = 'pending' ORDER BY key DESC LIMIT 1",
                    [sensor.0],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(key) = pending else {
                return Err(StoreError::Refused(format!("sensor {name:?} has no enrolment that waits for approval")));
            };
            activate(transaction, key, actor, Timestamp::now())
        })
    }

    /// Revokes every enrolment of a sensor, given by name or identity: its next request is refused.
    ///
    /// # Errors
    /// When there is no such sensor.
    pub fn revoke_sensor(&self, actor: &str, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let sensor = super::sensors::key_of(transaction, name)?;
            let now = Timestamp::now();
            transaction.execute(
                "UPDATE enrolment SET state = 'revoked', decided_ms = ?2, decided_by = ?3
                 WHERE sensor_key = ?1 AND state IN ('pending', 'active')",
                params![sensor.0, to_milliseconds(now), actor],
            )?;
            record(transaction, now, actor, "sensor.revoke", name)
        })
    }
}

fn activate(
    transaction: &Transaction<'_>,
    key: i64,
    actor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let decided = params![key, to_milliseconds(now), actor];
    transaction.execute(
        "UPDATE enrolment SET state = 'replaced', decided_ms = ?2, decided_by = ?3
         WHERE state = 'active' AND sensor_key = (SELECT sensor_key FROM enrolment WHERE key = ?1)",
        decided,
    )?;
    transaction.execute(
        "UPDATE enrolment SET state = 'active', decided_ms = ?2, decided_by = ?3 WHERE key = ?1",
        decided,
    )?;
    let name: String = transaction.query_row(
        "SELECT sensor.name FROM enrolment JOIN sensor ON sensor.key = sensor_key WHERE enrolment.key = ?1",
        [key],
        |row| row.get(0),
    )?;
    record(transaction, now, actor, "sensor.approve", &name)
}

/// The sensor of a name, made with a new identity when there is none yet.
fn sensor_named(
    transaction: &Transaction<'_>,
    name: &str,
    new_identity: &[u8; 16],
    now: Timestamp,
) -> Result<i64, StoreError> {
    transaction.execute(
        "INSERT INTO sensor (identity, name, created_ms) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
        params![new_identity, name, to_milliseconds(now)],
    )?;
    Ok(
        transaction.query_row("SELECT key FROM sensor WHERE name = ?1", [name], |row| {
            row.get(0)
        })?,
    )
}

fn by_key(transaction: &Transaction<'_>, key: i64) -> Result<Option<Enrolment>, StoreError> {
    let mut statement = transaction.prepare(&format!("{SELECT} WHERE enrolment.key = ?1"))?;
    Ok(statement.query_row([key], enrolment_from_row).optional()?)
}

fn by_public_key(
    transaction: &Transaction<'_>,
    public_key: &[u8; 32],
) -> Result<Option<Enrolment>, StoreError> {
    let mut statement =
        transaction.prepare(&format!("{SELECT} WHERE enrolment.public_key = ?1"))?;
    Ok(statement
        .query_row([public_key], enrolment_from_row)
        .optional()?)
}
