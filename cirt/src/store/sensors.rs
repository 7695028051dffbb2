//! Sensors as people see them.

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;

use super::enrolments::EnrolmentState;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::query::Scope;

/// A sensor within this database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorKey(pub(super) i64);

/// A sensor.
#[derive(Clone, Debug)]
pub struct Sensor {
    pub key: SensorKey,
    /// 32 hexadecimal digits.
    pub identity: String,
    pub name: String,
    /// Name of the tenant where it stands.
    pub tenant: Option<String>,
    /// State of the enrolment that matters: the pending one, else the active one, else the last.
    pub state: EnrolmentState,
    /// Public key of that enrolment.
    pub public_key: [u8; 32],
    /// What the device said of itself, one `name=value` a line.
    pub machine: String,
    pub requested: Timestamp,
    pub decided: Option<Timestamp>,
    pub decided_by: Option<String>,
    pub last_contact: Option<Timestamp>,
    pub last_address: Option<String>,
    pub certificate_expires: Option<Timestamp>,
}

const SELECT: &str = "SELECT sensor.key, sensor.identity, sensor.name, enrolment.state, enrolment.public_key,
        enrolment.machine, enrolment.requested_ms, enrolment.decided_ms, enrolment.decided_by,
        sensor.contact_ms, sensor.contact_address,
        (SELECT max(expires_ms) FROM certificate WHERE enrolment_key = enrolment.key),
        (SELECT name FROM tenant WHERE tenant.key = sensor.tenant_key)
     FROM sensor JOIN enrolment ON enrolment.key = (
        SELECT key FROM enrolment WHERE sensor_key = sensor.key
        ORDER BY CASE state WHEN 'pending' THEN 0 WHEN 'active' THEN 1 ELSE 2 END, key DESC LIMIT 1)";

fn sensor_from_row(row: &super::database::Row<'_>) -> super::database::Result<Sensor> {
    let identity: [u8; 16] = row.get(1)?;
    let state: String = row.get(3)?;
    let time = |index: usize| {
        Ok::<_, super::database::Error>(row.get::<Option<i64>>(index)?.map(from_milliseconds))
    };
    Ok(Sensor {
        key: SensorKey(row.get(0)?),
        identity: hex::encode(identity),
        name: row.get(2)?,
        state: EnrolmentState::from_text(&state),
        public_key: row.get(4)?,
        machine: row.get(5)?,
        requested: from_milliseconds(row.get(6)?),
        decided: time(7)?,
        decided_by: row.get(8)?,
        last_contact: time(9)?,
        last_address: row.get(10)?,
        certificate_expires: time(11)?,
        tenant: row.get(12)?,
    })
}

impl Store {
    /// The sensors within a scope, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sensors(&self, scope: Scope) -> Result<Vec<Sensor>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(&format!(
                "{SELECT} WHERE {} ORDER BY sensor.name",
                scope.sensor_condition("sensor.key")
            ))?;
            let rows = statement.query_map((), sensor_from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One sensor within a scope, by name or identity.
    ///
    /// # Errors
    /// When there is none.
    pub fn sensor(&self, scope: Scope, name: &str) -> Result<Sensor, StoreError> {
        self.read(|transaction| {
            let key = key_of(transaction, name)?;
            let mut statement = transaction.prepare(&format!(
                "{SELECT} WHERE sensor.key = ?1 AND {}",
                scope.sensor_condition("sensor.key")
            ))?;
            statement
                .query_row([key.0], sensor_from_row)
                .optional()?
                .ok_or_else(|| StoreError::Absent {
                    what: "sensor",
                    name: name.to_owned(),
                })
        })
    }

    /// Notes that a sensor made an authenticated request.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_contact(
        &self,
        sensor: SensorKey,
        address: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let address = address.to_owned();
        self.write_shared(move |transaction| {
            transaction
                .prepare("UPDATE sensor SET contact_ms = ?2, contact_address = ?3 WHERE key = ?1")?
                .execute(params![sensor.0, to_milliseconds(now), address])?;
            Ok(())
        })
    }
}

/// The key of a sensor given by name or by the 32 digits of its identity.
pub(super) fn key_of(transaction: &Transaction<'_>, name: &str) -> Result<SensorKey, StoreError> {
    let identity = hex::decode(name).unwrap_or_default();
    transaction
        .prepare("SELECT key FROM sensor WHERE name = ?1 OR identity = ?2")?
        .query_row(params![name, identity], |row| Ok(SensorKey(row.get(0)?)))
        .optional()?
        .ok_or_else(|| StoreError::Absent {
            what: "sensor",
            name: name.to_owned(),
        })
}

#[cfg(test)]
impl SensorKey {
    pub(crate) const fn for_tests() -> [Self; 2] {
        [Self(1), Self(2)]
    }
}
