//! First contact: from a voucher to an identity.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lapwing_wire::voucher::VOUCHER_SECRET_BYTES;
use lapwing_wire::words::comparison_words;
use lapwing_wire::{
    EnrolApproval, EnrolRequest, KeyId, MachineFact, SenderEvent, Voucher, VoucherClaim, VoucherKey,
};
use tokio::time::sleep;

use crate::bill::Bill;
use crate::connection::{Connection, Way};
use crate::device_key::DeviceKey;
use crate::error::UplinkError;
use crate::identity::Identity;
use crate::ledger::{self, Ledger};
use crate::route::Proxy;
use crate::shutdown::Shutdown;
use crate::time_floor::TimeFloor;
use crate::tls;

/// How long the centre may take to answer a request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Between questions whether a person has decided, at least.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// What the centre gave: a whole voucher, or its eight words and where the centre is.
#[derive(Clone)]
pub struct Invitation {
    /// Where the centre is reached, `host:port`, in the order to try.
    pub addresses: Vec<String>,
    /// SHA-256 of the centre's CA certificate, where it is known.
    pub ca_digest: Option<[u8; 32]>,
    /// The voucher's secret.
    pub secret: [u8; VOUCHER_SECRET_BYTES],
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Invitation")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl From<Voucher> for Invitation {
    fn from(voucher: Voucher) -> Self {
        Self {
            addresses: voucher.addresses,
            ca_digest: Some(voucher.ca_digest),
            secret: voucher.secret,
        }
    }
}

impl Invitation {
    /// The claim of a device that saw this CA: the secret only where the voucher named that CA.
    fn claim(&self, ca_digest: &[u8; 32], key: &DeviceKey) -> VoucherClaim {
        if self.ca_digest == Some(*ca_digest) {
            VoucherClaim::Secret(self.secret)
        } else {
            VoucherKey::of(&self.secret).claim(ca_digest, &key.public_key())
        }
    }

    /// Whether an approval is by the centre that invited: by its CA, or by its proof.
    pub(crate) fn is_of(
        &self,
        ca_digest: &[u8; 32],
        key: &DeviceKey,
        approval: &EnrolApproval,
    ) -> bool {
        self.ca_digest == Some(*ca_digest)
            || (self.ca_digest.is_none()
                && VoucherKey::of(&self.secret).is_approved(ca_digest, &key.public_key(), approval))
    }
}

/// What a device needs to be enrolled.
#[derive(Debug, Clone)]
pub struct EnrolSettings {
    /// What the centre gave.
    pub invitation: Invitation,
    /// What stands between this site and the world.
    pub proxy: Option<Proxy>,
    /// What the technician calls the sensor.
    pub sensor_name: String,
    /// What helps a person at the centre to decide.
    pub machine_facts: Vec<MachineFact>,
    /// Where key, certificate and enrolment will be kept.
    pub identity_folder: PathBuf,
}

/// Enrols this device: makes its key if there is none, asks, and asks again until a person at
/// the centre has decided. `pending` is called each time there is no decision yet, with the id of the
/// key and the four words that the person at the centre sees too.
///
/// # Errors
/// [`UplinkError::AlreadyEnrolled`], [`UplinkError::Refused`] with the centre's reason,
/// [`UplinkError::Unreachable`], or [`UplinkError::Stopped`]. It can be called again after any
/// of them: the key stays the same, and with it the request.
pub fn enrol(
    settings: &EnrolSettings,
    mut shutdown: Shutdown,
    mut pending: impl FnMut(KeyId, &str),
) -> Result<Identity, UplinkError> {
    let folder = &settings.identity_folder;
    if let Some(path) = Identity::path_if_enrolled(folder) {
        return Err(UplinkError::AlreadyEnrolled {
            sensor: Identity::load(folder)?.sensor.to_string(),
            path,
        });
    }
    let key = DeviceKey::load_or_make(folder)?;
    let ledger = Ledger::open(&ledger::folder_beside(folder), None)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(UplinkError::Runtime)?;
    runtime.block_on(async {
        tokio::select! {
            result = ask_until_decided(settings, &key, &ledger, &mut pending) => result,
            () = shutdown.told() => Err(UplinkError::Stopped),
        }
    })
}

async fn ask_until_decided(
    settings: &EnrolSettings,
    key: &DeviceKey,
    ledger: &Ledger,
    pending: &mut impl FnMut(KeyId, &str),
) -> Result<Identity, UplinkError> {
    loop {
        match ask(settings, key, ledger).await? {
            Decision::Enrolled(identity) => {
                identity.store(&settings.identity_folder)?;
                return Ok(*identity);
            }
            Decision::Wait(time, words) => {
                pending(KeyId::of(&key.public_key()), &words);
                sleep(time.max(MIN_RETRY)).await;
            }
        }
    }
}

enum Decision {
    Enrolled(Box<Identity>),
    Wait(Duration, String),
}

/// Asks once.
async fn ask(
    settings: &EnrolSettings,
    key: &DeviceKey,
    ledger: &Ledger,
) -> Result<Decision, UplinkError> {
    let invitation = &settings.invitation;
    let time = TimeFloor::load(&settings.identity_folder)?;
    let config = tls::stranger(invitation.ca_digest, &time)?;
    let way = Way {
        addresses: &invitation.addresses,
        proxy: settings.proxy.as_ref(),
        bill: &Arc::<Bill>::default(),
        ledger,
    };
    let mut connection = Connection::open(&way, config, ANSWER_TIMEOUT, &time).await?;
    let ca_digest = invitation
        .ca_digest
        .or_else(|| connection.ca_digest())
        .ok_or_else(|| UplinkError::BadAnswer {
            problem: "the centre showed no authority".to_owned(),
        })?;
    let asked = connection.now_milliseconds();
    loop {
        for event in connection.turn(Duration::from_secs(1)).await? {
            let decision = match event {
                SenderEvent::Ready(_) => {
                    let request = EnrolRequest {
                        claim: invitation.claim(&ca_digest, key),
                        certificate_request: key.certificate_request()?,
                        device_public_key: key.public_key(),
                        sensor_name: settings.sensor_name.clone(),
                        machine_facts: settings.machine_facts.clone(),
                    };
                    // Ready was just said.
                    let _offered = connection.session.request_enrolment(request);
                    continue;
                }
                SenderEvent::EnrolApproved(approval) => Decision::Enrolled(Box::new(
                    Identity::approved(invitation, &ca_digest, key, approval)?,
                )),
                SenderEvent::EnrolPending(answer) => {
                    let wait = Duration::from_secs(u64::from(answer.retry_after_seconds));
                    Decision::Wait(wait, comparison_words(&ca_digest, &key.public_key()))
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
