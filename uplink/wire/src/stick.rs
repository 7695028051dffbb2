//! What lies on a stick between edge and centre. A stick is a folder of small files, so that a torn one costs
//! no other; each is a run of the frames that a link would carry.
//!
//! ```text
//! lapwing/to-centre/<16 hex digits of the envelope's digest>.batch    one envelope
//! lapwing/to-centre/<key id>.enrol, <key id>.renew                    one request
//! lapwing/to-sensor/<sensor id>.answer                                one signed answer, not framed
//! lapwing/to-sensor/<key id>.answer                                   the same for a device that is new
//! lapwing/rules/                                                      the rule repository as it is
//! ```
//!
//! Envelopes are sealed, requests hold proofs and no secrets, names are digests: whoever finds a stick learns
//! that there is a sensor, and nothing of what it saw.

use crate::ids::{BatchDigest, KeyId, SensorId};

/// The folder on the stick.
pub const FOLDER: &str = "lapwing";
/// Files for the centre.
pub const TO_CENTRE: &str = "to-centre";
/// Files for sensors.
pub const TO_SENSOR: &str = "to-sensor";
/// The rule repository.
pub const RULES: &str = "rules";
/// Files of one folder that are read.
pub const MAX_FILES: usize = 65_536;

/// The name of an envelope's file.
pub fn batch_file(digest: &BatchDigest) -> String {
    let hex = digest.to_string();
    let short: String = hex.chars().take(16).collect();
    format!("{short}.batch")
}

/// The name of a request to enrol.
pub fn enrol_file(device_public_key: &[u8; 32]) -> String {
    format!("{}.enrol", KeyId::of(device_public_key))
}

/// The name of a request to renew.
pub fn renew_file(device_public_key: &[u8; 32]) -> String {
    format!("{}.renew", KeyId::of(device_public_key))
}

/// The name of the answer to a sensor.
pub fn answer_file(sensor: &SensorId) -> String {
    format!("{sensor}.answer")
}

/// The name of the answer to a device that asked to be enrolled.
pub fn enrol_answer_file(device_public_key: &[u8; 32]) -> String {
    format!("{}.answer", KeyId::of(device_public_key))
}
