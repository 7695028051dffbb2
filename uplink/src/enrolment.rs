//! First contact: from a voucher to an identity.

use std::path::PathBuf;
use std::time::Duration;

use lapwing_wire::{EnrolRequest, KeyId, MachineFact, SenderEvent, Voucher};
use tokio::time::sleep;

use crate::connection::Connection;
use crate::device_key::DeviceKey;
use crate::error::UplinkError;
use crate::identity::Identity;
use crate::shutdown::Shutdown;
use crate::time_floor::TimeFloor;
use crate::tls;

/// How long the centre may take to answer a request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Between questions whether a person has decided, at least.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// What a device needs to be enrolled.
#[derive(Debug, Clone)]
pub struct EnrolSettings {
    /// The voucher that the centre made.
    pub voucher: Voucher,
    /// What the technician calls the sensor.
    pub sensor_name: String,
    /// What helps a person at the centre to decide.
    pub machine_facts: Vec<MachineFact>,
    /// Where key, certificate and enrolment will be kept.
    pub identity_folder: PathBuf,
}

/// Enrols this device: makes its key if there is none, asks, and asks again until a person at
/// the centre has decided. `pending` is called each time there is no decision yet, with the id of
/// the key that the person at the centre sees.
///
/// # Errors
/// [`UplinkError::AlreadyEnrolled`], [`UplinkError::Refused`] with the centre's reason,
/// [`UplinkError::Unreachable`], or [`UplinkError::Stopped`]. It can be called again after any
/// of them: the key stays the same, and with it the request.
pub fn enrol(
    settings: &EnrolSettings,
    mut shutdown: Shutdown,
    mut pending: impl FnMut(KeyId),
) -> Result<Identity, UplinkError> {
    let folder = &settings.identity_folder;
    if let Some(path) = Identity::path_if_enrolled(folder) {
        return Err(UplinkError::AlreadyEnrolled {
            sensor: Identity::load(folder)?.sensor.to_string(),
            path,
        });
    }
    let key = DeviceKey::load_or_make(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(UplinkError::Runtime)?;
    runtime.block_on(async {
        tokio::select! {
            result = ask_until_decided(settings, &key, &mut pending) => result,
            () = shutdown.told() => Err(UplinkError::Stopped),
        }
    })
}

async fn ask_until_decided(
    settings: &EnrolSettings,
    key: &DeviceKey,
    pending: &mut impl FnMut(KeyId),
) -> Result<Identity, UplinkError> {
    loop {
        match ask(settings, key).await? {
            Decision::Enrolled(identity) => {
                identity.store(&settings.identity_folder)?;
                return Ok(*identity);
            }
            Decision::Wait(time) => {
                pending(KeyId::of(&key.public_key()));
                sleep(time.max(MIN_RETRY)).await;
            }
        }
    }
}

enum Decision {
    Enrolled(Box<Identity>),
    Wait(Duration),
}

/// Asks once.
async fn ask(settings: &EnrolSettings, key: &DeviceKey) -> Result<Decision, UplinkError> {
    let voucher = &settings.voucher;
    let time = TimeFloor::load(&settings.identity_folder)?;
    let config = tls::stranger(voucher.ca_digest, &time)?;
    let mut connection =
        Connection::open(&voucher.addresses, config, ANSWER_TIMEOUT, &time).await?;
    let asked = connection.now_milliseconds();
    loop {
        for event in connection.turn(Duration::from_secs(1)).await? {
            let decision = match event {
                SenderEvent::Ready(_) => {
                    let request = EnrolRequest {
                        voucher_secret: voucher.secret,
                        certificate_request: key.certificate_request()?,
                        device_public_key: key.public_key(),
                        sensor_name: settings.sensor_name.clone(),
                        machine_facts: settings.machine_facts.clone(),
                    };
                    // Ready was just said.
                    let _offered = connection.session.request_enrolment(request);
                    continue;
                }
                SenderEvent::EnrolApproved(approval) => {
                    Decision::Enrolled(Box::new(Identity::approved(voucher, key, approval)?))
                }
                SenderEvent::EnrolPending(answer) => {
                    Decision::Wait(Duration::from_secs(u64::from(answer.retry_after_seconds)))
                }
                SenderEvent::EnrolRefused(refused) => {
                    return Err(UplinkError::Refused {
                        reason: refused.reason,
                    });
                }
                SenderEvent::Closed(reason) => return Err(UplinkError::Session(reason)),
                other => {
                    tracing::warn!(event = ?other, "an answer that was not asked for");
                    continue;
                }
            };
            connection.close().await;
            return Ok(decision);
        }
        if connection.now_milliseconds().saturating_sub(asked) > 1000 * ANSWER_TIMEOUT.as_secs() {
            return Err(UplinkError::Broken(std::io::ErrorKind::TimedOut.into()));
        }
    }
}
