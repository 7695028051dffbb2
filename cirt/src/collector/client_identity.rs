//! From a client certificate that TLS has checked to the sensor behind it.

use std::time::Duration;

use lapwing_wire::{Peer, SensorId};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::store::{Enrolment, EnrolmentState, Store, StoreError};

/// What matters of a sensor's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientCertificate {
    pub(super) public_key: [u8; 32],
    /// Seconds since 1970; 0 for anything before.
    not_before: u64,
    /// The same.
    not_after: u64,
}

impl ClientCertificate {
    /// Reads an Ed25519 certificate.
    pub(super) fn parse(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let public_key = parsed
            .public_key()
            .subject_public_key
            .data
            .as_ref()
            .try_into()
            .ok()?;
        // A centre whose clock was in 1970 begins certificates in 1969.
        let seconds = |timestamp: i64| u64::try_from(timestamp).unwrap_or(0);
        Some(Self {
            public_key,
            not_before: seconds(parsed.validity().not_before.timestamp()),
            not_after: seconds(parsed.validity().not_after.timestamp()),
        })
    }

    /// The moment nearest to now in which it is valid.
    pub(super) fn nearest_valid_moment(self) -> UnixTime {
        let now = UnixTime::now().as_secs();
        let nearest = now.max(self.not_before).min(self.not_after);
        UnixTime::since_unix_epoch(Duration::from_secs(nearest))
    }

    /// Whether it has ended or not yet begun.
    fn is_out_of_time(self) -> bool {
        let now = UnixTime::now().as_secs();
        now < self.not_before || now > self.not_after
    }

    fn has_expired_for_days(self, days: u32) -> bool {
        let since = UnixTime::now().as_secs().saturating_sub(self.not_after);
        since > u64::from(days) * 24 * 3600
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) enum Client {
    /// No certificate.
    Stranger,
    /// A certificate whose key speaks for a sensor.
    Sensor {
        enrolment: Enrolment,
        /// It has ended, or it was made while the centre's clock was ahead.
        expired: bool,
    },
    /// A certificate that ended so long ago that it is not even renewed.
    Forgotten { sensor: String },
    /// A certificate of ours whose key may not speak any more.
    Barred {
        sensor: String,
        state: EnrolmentState,
    },
}

impl Client {
    /// What the session is told.
    pub(super) const fn peer(&self) -> Peer {
        match self {
            Self::Sensor {
                enrolment,
                expired: false,
            } => Peer::Sensor(SensorId(enrolment.identity)),
            Self::Sensor {
                enrolment,
                expired: true,
            } => Peer::Expired(SensorId(enrolment.identity)),
            Self::Stranger | Self::Forgotten { .. } | Self::Barred { .. } => Peer::Stranger,
        }
    }
}

/// Looks the certificate's key up. An expired certificate may be renewed for `renew_expired_days`.
pub(super) fn identify(
    store: &Store,
    certificate: Option<ClientCertificate>,
    renew_expired_days: u32,
) -> Result<Client, StoreError> {
    let Some(certificate) = certificate else {
        return Ok(Client::Stranger);
    };
    Ok(match store.enrolment(&certificate.public_key)? {
        Some(enrolment)
            if enrolment.state == EnrolmentState::Active
                && certificate.has_expired_for_days(renew_expired_days) =>
        {
            Client::Forgotten {
                sensor: enrolment.sensor_name,
            }
        }
        Some(enrolment) if enrolment.state == EnrolmentState::Active => Client::Sensor {
            enrolment,
            expired: certificate.is_out_of_time(),
        },
        Some(enrolment) => Client::Barred {
            sensor: enrolment.sensor_name,
            state: enrolment.state,
        },
        // The authority signed it and the database does not know it: restored from an older backup.
        None => Client::Barred {
            sensor: "unknown".to_owned(),
            state: EnrolmentState::Revoked,
        },
    })
}
