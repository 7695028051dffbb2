//! From an envelope that arrived to the answer for the sensor.

use jiff::Timestamp;
use lapwing_wire::{Ack, EnvelopeError, ErrorCode, ReceivedEnvelope};

use super::client_identity::{Client, ClientCertificate, identify};
use crate::store::{Enrolment, Store, StoreError, Way};

/// What to tell the sensor.
#[derive(Debug)]
pub(crate) enum Ingested {
    /// Durable.
    Acknowledge(Ack),
    /// Not taken, and the session ends: reason for programs, reason for people.
    Refuse(ErrorCode, String),
}

/// Checks who sends, checks the signature, and stores. Durable when this returns [`Ingested::Acknowledge`].
pub(super) fn ingest(
    store: &Store,
    certificate: Option<ClientCertificate>,
    renew_expired_days: u32,
    envelope: ReceivedEnvelope,
) -> Result<Ingested, StoreError> {
    let enrolment = match identify(store, certificate, renew_expired_days)? {
        Client::Sensor {
            enrolment,
            expired: false,
        } => enrolment,
        Client::Sensor { expired: true, .. } => {
            return Ok(Ingested::Refuse(
                ErrorCode::NotAllowed,
                "the certificate is not valid by the clock here: renew it".to_owned(),
            ));
        }
        Client::Forgotten { sensor } => {
            let reason =
                format!("the certificate of sensor {sensor} ended too long ago: enrol it anew");
            return Ok(Ingested::Refuse(ErrorCode::NotAllowed, reason));
        }
        Client::Barred { sensor, state } => {
            let reason = format!("sensor {sensor} is {} at the centre", state.as_str());
            return Ok(Ingested::Refuse(ErrorCode::Revoked, reason));
        }
        Client::Stranger => {
            return Ok(Ingested::Refuse(
                ErrorCode::NotAllowed,
                "not enrolled".to_owned(),
            ));
        }
    };
    ingest_from(store, &enrolment, envelope, Way::Link)
}

/// Stores what came for a sensor, by whichever way. Durable when this returns [`Ingested::Acknowledge`].
pub(crate) fn ingest_from(
    store: &Store,
    enrolment: &Enrolment,
    envelope: ReceivedEnvelope,
    way: Way,
) -> Result<Ingested, StoreError> {
    let header = *envelope.header();
    if header.identity.sensor.0 != enrolment.identity {
        let detail = format!(
            "an envelope in the name of {} came in this sensor's place",
            header.identity.sensor
        );
        store.raise_alarm(Some(enrolment.sensor), "forged batch", &detail)?;
        return Ok(Ingested::Refuse(
            ErrorCode::Forged,
            "the envelope names another sensor".to_owned(),
        ));
    }
    let envelope = match envelope.verify(&enrolment.public_key) {
        Ok(envelope) => envelope,
        Err(error) => {
            let detail = format!(
                "batch {}/{}: {error}",
                header.identity.epoch, header.identity.number
            );
            store.raise_alarm(Some(enrolment.sensor), "forged batch", &detail)?;
            let code = if matches!(error, EnvelopeError::Forged) {
                ErrorCode::Forged
            } else {
                ErrorCode::Malformed
            };
            return Ok(Ingested::Refuse(code, error.to_string()));
        }
    };
    if i64::try_from(header.identity.number.0).is_err() {
        return Ok(Ingested::Refuse(
            ErrorCode::Malformed,
            "batch number above 2^63".to_owned(),
        ));
    }
    let state = store.accept_batch_by(way, enrolment.sensor, &envelope, Timestamp::now())?;
    Ok(Ingested::Acknowledge(Ack {
        identity: header.identity,
        digest: envelope.digest(),
        state,
    }))
}
