//! A sensor as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use super::SensorTotalsView;
use crate::store::{Sensor, SensorTotals};

/// All sensors.
#[derive(Debug, Serialize, ToSchema)]
pub struct SensorsView {
    pub sensors: Vec<SensorView>,
}

/// A sensor, its enrolment, and its books.
#[derive(Debug, Serialize, ToSchema)]
pub struct SensorView {
    pub name: String,
    pub identity: String,
    /// The provider or sector where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// `pending`, `active`, `replaced` or `revoked`.
    pub state: &'static str,
    /// First 8 bytes of the SHA-256 of the device's public key, in groups; the device shows the same.
    pub key_fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inspected: Option<InspectedView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<SensorTotalsView>,
}

/// What the newest summary says was seen, and what of it was let pass because the sensor was late.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectedView {
    pub until: String,
    pub bytes: u64,
    pub bytes_not_inspected: u64,
}

/// What the newest heartbeat says.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthView {
    pub made: String,
    pub state: String,
    pub clock_quality: String,
    pub software_version: String,
    pub pack_version: String,
    pub packets: u64,
    pub dropped_packets: u64,
    pub queued_records: u64,
    pub queued_bytes: u64,
}

impl SensorsView {
    /// Joins sensors with their books.
    #[must_use]
    pub fn of(sensors: &[Sensor], totals: &[SensorTotals]) -> Self {
        let view = |sensor: &Sensor| SensorView::of(sensor, totals);
        Self {
            sensors: sensors.iter().map(view).collect(),
        }
    }
}

impl SensorView {
    /// Joins a sensor with its books, which are among these.
    #[must_use]
    pub fn of(sensor: &Sensor, totals: &[SensorTotals]) -> Self {
        let books = totals.iter().find(|totals| totals.sensor == sensor.key);
        let health = books.and_then(|books| books.health.as_ref());
        Self {
            name: sensor.name.clone(),
            tenant: sensor.tenant.clone(),
            identity: sensor.identity.clone(),
            state: sensor.state.as_str(),
            key_fingerprint: key_fingerprint(&sensor.public_key),
            last_contact: sensor.last_contact.map(|time| time.to_string()),
            last_address: sensor.last_address.clone(),
            certificate_expires: sensor.certificate_expires.map(|time| time.to_string()),
            health: health.map(|health| HealthView {
                made: health.made.to_string(),
                state: health.state.clone(),
                clock_quality: health.clock_quality.clone(),
                software_version: health.software_version.clone(),
                pack_version: health.pack_version.clone(),
                packets: health.packets,
                dropped_packets: health.dropped_packets,
                queued_records: health.queued_records,
                queued_bytes: health.queued_bytes,
            }),
            inspected: books
                .and_then(|books| books.inspected)
                .map(|inspected| InspectedView {
                    until: inspected.until.to_string(),
                    bytes: inspected.bytes,
                    bytes_not_inspected: inspected.bytes_not_inspected,
                }),
            totals: books.map(SensorTotalsView::from),
        }
    }
}

/// What a person compares at the centre and on the device: the key's id in four groups of four digits.
#[must_use]
pub fn key_fingerprint(public_key: &[u8; 32]) -> String {
    lapwing_wire::KeyId::of(public_key).fingerprint()
}
