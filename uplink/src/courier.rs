//! The edge's side of a stick, for sites that no link reaches. See `lapwing_wire::stick` for what lies on it.
//!
//! Sealed batches go out as they would over the link, and stay in the outbox until an acknowledgement of the
//! centre comes back, whichever way. So a stick that is lost costs nothing, one that comes twice changes
//! nothing, and batches may go over a link and on a stick at the same time.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lapwing_outbox::{AckOutcome, OutboxError, OutboxSender, SealLimits};
use lapwing_wire::claim::NO_AUTHORITY;
use lapwing_wire::limits::MAX_ANSWER_BYTES;
use lapwing_wire::words::comparison_words;
use lapwing_wire::{EnrolRequest, Message, RenewRequest, SignedAnswer, VoucherKey, stick};

use crate::centre_signature::{claimed_authority, verified};
use crate::device_key::DeviceKey;
use crate::enrolment::{EnrolSettings, Invitation};
use crate::error::UplinkError;
use crate::identity::Identity;
use crate::ledger::{Ledger, Way};
use crate::orders::Orders;

use crate::settings::Settings;
use crate::time_floor::TimeFloor;

/// Batches that one export seals and takes along.
const BATCHES_MAX: usize = 4_096;
/// How long the uplink may be busy with the outbox before a courier gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What went onto a stick.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Batches on the stick now, new ones and those of an earlier export.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Whether a request for a new certificate went along.
    pub asks_for_certificate: bool,
}

/// What came off a stick.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Batches that the centre has; the outbox forgot them.
    pub acknowledged: u64,
    /// Acknowledgements of batches that were forgotten before.
    pub known: u64,
    /// Whether a newer certificate came.
    pub is_renewed: bool,
    /// Why the centre gives no new certificate, if it says so.
    pub refused: Option<String>,
    /// Why the centre has revoked this sensor, if it has.
    pub revoked: Option<String>,
    /// Whether new orders came.
    pub has_orders: bool,
    /// The rule repository on the stick, for `lapwing rules update`.
    pub rules: Option<PathBuf>,
    /// Files that were not used, each with the reason.
    pub unused: Vec<(String, String)>,
}

/// Puts what waits onto a stick.
///
/// # Errors
/// When the device is not enrolled, the outbox is in use for too long, or the stick cannot be written.
pub fn export(settings: &Settings, stick_folder: &Path) -> Result<Exported, UplinkError> {
    let identity = Identity::load(&settings.identity_folder)?;
    let key = DeviceKey::load(&settings.identity_folder)?;
    let time = TimeFloor::load(&settings.identity_folder)?;
    let mut outbox = open_outbox(settings)?;
    settings.withdraw_old(&mut outbox, time.now_seconds())?;
    let ledger = Ledger::open(&settings.ledger_folder, settings.ledger_key)?;
    let sealer = settings.sealer(&identity, &key, &ledger);
    let limits = SealLimits {
        max_outstanding: BATCHES_MAX,
        ..settings.seal
    };
    while outbox
        .seal_next(identity.sensor, &sealer, &limits, &mut rand::rng())?
        .is_some()
    {}
    let folder = to_centre(stick_folder)?;
    let mut exported = Exported::default();
    let is_closed = settings.is_closed();
    for sealed in outbox.sealed().collect::<Vec<_>>() {
        if is_closed && !sealed.is_of_the_books {
            continue;
        }
        let envelope = outbox.envelope(identity.sensor, sealed.number)?;
        let name = stick::batch_file(&envelope.digest);
        if !folder.join(&name).exists() {
            ledger.sent(&envelope, Way::Courier, None)?;
        }
        write_message(&folder.join(name), &Message::Envelope(envelope.bytes))?;
        exported.batches += 1;
        exported.records += sealed.records;
        exported.bytes += sealed.bytes;
    }
    let is_due = identity
        .validity()
        .is_none_or(|validity| validity.renewal_is_due(time.now_seconds()));
    if is_due {
        let request = Message::RenewRequest(RenewRequest {
            certificate_request: key.certificate_request()?,
        });
        write_message(&folder.join(stick::renew_file(&key.public_key())), &request)?;
        exported.asks_for_certificate = true;
    }
    Ok(exported)
}

/// Takes what the centre wrote onto a stick for this sensor. What is forged, torn, old or for others is named
/// and changes nothing.
///
/// # Errors
/// When the device is not enrolled, the outbox is in use for too long, or a folder cannot be used.
pub fn import(settings: &Settings, stick_folder: &Path) -> Result<Imported, UplinkError> {
    let mut identity = Identity::load(&settings.identity_folder)?;
    let key = DeviceKey::load(&settings.identity_folder)?;
    let time = TimeFloor::load(&settings.identity_folder)?;
    let mut orders = Orders::load(&settings.identity_folder)?;
    let mut imported = Imported::default();
    let ours = stick_folder.join(stick::FOLDER);
    let folder = ours.join(stick::TO_SENSOR);
    let answer = stick::answer_file(&identity.sensor);
    let kept_orders = format!("{}.orders", identity.sensor);
    let rules = ours.join(stick::RULES);
    imported.rules = Some(rules).filter(|rules| rules.is_dir());
    let mut outbox = open_outbox(settings)?;
    for name in [answer, kept_orders] {
        let Some(bytes) = read_capped(&folder.join(&name))? else {
            continue;
        };
        let answer = match verified(&bytes, &identity.ca_digest, time.now_seconds()) {
            Ok(answer) if answer.sensor == identity.sensor => answer,
            Ok(_) => {
                let reason = "it is for another sensor".to_owned();
                imported.unused.push((name, reason));
                continue;
            }
            Err(error) => {
                imported.unused.push((name, error.to_string()));
                continue;
            }
        };
        if name.ends_with(".orders") {
            imported.has_orders = orders.accept(&answer, &bytes, &identity)?;
            continue;
        }
        for message in &answer.messages {
            match message {
                Message::Ack(ack) => {
                    match outbox.acknowledge(ack, time.clock_milliseconds())? {
                        AckOutcome::Forgotten => {
                            imported.acknowledged += 1;
                            let file =
                                to_centre(stick_folder)?.join(stick::batch_file(&ack.digest));
                            // Carried there and back; the centre would only say that it knows it.
                            drop(fs::remove_file(file));
                        }
                        AckOutcome::NotOutstanding => imported.known += 1,
                        AckOutcome::OtherDigest => imported.unused.push((
                            name.clone(),
                            format!("batch {} is acknowledged with other bytes", ack.identity),
                        )),
                    }
                }
                Message::RenewApproval(approval) => {
                    let newer = identity.renewed(&key, approval.clone())?;
                    // An old stick brings an old certificate.
                    if newer.certificate_ends_seconds() > identity.certificate_ends_seconds() {
                        newer.store(&settings.identity_folder)?;
                        identity = newer;
                        imported.is_renewed = true;
                    }
                }
                Message::RenewRefused(refused) => imported.refused = Some(refused.reason.clone()),
                Message::Revocation(revoked) => imported.revoked = Some(revoked.reason.clone()),
                _ => {}
            }
        }
    }
    Ok(imported)
}

/// What an enrolment on a stick came to.
#[derive(Debug)]
pub enum StickEnrolment {
    /// The request is on the stick; the words are to be compared where the device knows its centre already.
    Asked {
        /// The four words that the centre shows too.
        words: Option<String>,
    },
    /// The approval was there: the device is enrolled.
    Enrolled(Box<Identity>),
}

/// Enrols on a stick: takes the approval from it, or writes the request onto it.
///
/// # Errors
/// When the device is enrolled already, or the approval is not of the centre that wrote the voucher.
pub fn enrol_on_stick(
    settings: &EnrolSettings,
    stick_folder: &Path,
) -> Result<StickEnrolment, UplinkError> {
    let identity_folder = &settings.identity_folder;
    if let Some(path) = Identity::path_if_enrolled(identity_folder) {
        return Err(UplinkError::AlreadyEnrolled {
            sensor: Identity::load(identity_folder)?.sensor.to_string(),
            path,
        });
    }
    let key = DeviceKey::load_or_make(identity_folder)?;
    let time = TimeFloor::load(identity_folder)?;
    let ours = stick_folder.join(stick::FOLDER);
    let answer = ours
        .join(stick::TO_SENSOR)
        .join(stick::enrol_answer_file(&key.public_key()));
    if let Some(bytes) = read_capped(&answer)? {
        let identity = approved(&bytes, &settings.invitation, &key, time.now_seconds())?;
        identity.store(identity_folder)?;
        return Ok(StickEnrolment::Enrolled(Box::new(identity)));
    }
    let seen = settings.invitation.ca_digest;
    let claim = VoucherKey::of(&settings.invitation.secret)
        .claim(&seen.unwrap_or(NO_AUTHORITY), &key.public_key());
    // The voucher names the sensor at the centre; whoever finds the stick need not know more.
    let request = Message::EnrolRequest(EnrolRequest {
        claim,
        certificate_request: key.certificate_request()?,
        device_public_key: key.public_key(),
        sensor_name: String::new(),
        machine_facts: Vec::new(),
    });
    let folder = to_centre(stick_folder)?;
    write_message(&folder.join(stick::enrol_file(&key.public_key())), &request)?;
    Ok(StickEnrolment::Asked {
        words: seen.map(|ca| comparison_words(&ca, &key.public_key())),
    })
}

fn approved(
    bytes: &[u8],
    invitation: &Invitation,
    key: &DeviceKey,
    now_seconds: u64,
) -> Result<Identity, UplinkError> {
    let unusable = |problem: String| UplinkError::BadAnswer { problem };
    let claimed = SignedAnswer::parse(bytes).map_err(|error| unusable(error.to_string()))?;
    // With eight words alone the CA is the one that the answer comes with; its proof says whether it is right.
    let ca_digest = invitation
        .ca_digest
        .or_else(|| claimed_authority(&claimed))
        .ok_or_else(|| unusable("it has no certificate".to_owned()))?;
    let answer = verified(bytes, &ca_digest, now_seconds)?;
    let approval = answer
        .messages
        .into_iter()
        .find_map(|message| match message {
            Message::EnrolApproval(approval) => Some(approval),
            _ => None,
        });
    let approval = approval.ok_or_else(|| unusable("there is no approval in it".to_owned()))?;
    Identity::approved(invitation, &ca_digest, key, approval)
}

/// The outbox, once the uplink has let go of it: it holds it only while it is connected.
fn open_outbox(settings: &Settings) -> Result<OutboxSender, UplinkError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match OutboxSender::open(&settings.outbox_folder, settings.outbox.clone()) {
            Err(OutboxError::InUse { .. }) if Instant::now() < deadline => {
                sleep(Duration::from_millis(100));
            }
            result => return Ok(result?),
        }
    }
}

fn to_centre(stick_folder: &Path) -> Result<PathBuf, UplinkError> {
    let folder = stick_folder.join(stick::FOLDER).join(stick::TO_CENTRE);
    fs::create_dir_all(&folder).map_err(UplinkError::file("make the folder", &folder))?;
    Ok(folder)
}

/// Writes a file as a whole, so that a stick pulled out early has it or not.
fn write_message(path: &Path, message: &Message) -> Result<(), UplinkError> {
    let mut bytes = Vec::new();
    message
        .write(&mut bytes)
        .map_err(|error| UplinkError::BadFile {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
    if fs::read(path).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    // A stick has no owners; the private form would only be lost on it.
    let aside = path.with_added_extension("new");
    let write = || {
        let mut file = fs::File::create(&aside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(UplinkError::file("write", path))
}

fn read_capped(path: &Path) -> Result<Option<Vec<u8>>, UplinkError> {
    let mut bytes = Vec::new();
    let cap = MAX_ANSWER_BYTES as u64 + 1;
    match fs::File::open(path).and_then(|file| file.take(cap).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(UplinkError::file("read", path)(cause)),
    }
}
