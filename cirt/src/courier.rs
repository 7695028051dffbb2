//! The centre's side of a stick: what sensors sent is taken as if it had come over the link, and what the centre has to
//! say to each of them is written, signed, beside it.
//!
//! A file that is torn, forged or not ours is named and left; the others are used. Bringing the same stick twice changes
//! nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lapwing_wire::answer::read_messages;
use lapwing_wire::claim::NO_AUTHORITY;
use lapwing_wire::limits::MAX_FRAME_BODY_BYTES;
use lapwing_wire::{
    Ack, EnrolRequest, Message, ReceivedEnvelope, RenewRefused, RenewRequest, Revocation, SensorId,
    stick,
};

use crate::collector::{Ingested, ingest_from};
use crate::control::{Control, ControlError};
use crate::enrolment::{Answer, AuthorityError, EnrolmentDesk, EnrolmentError};
use crate::rule_repository::RuleRepository;
use crate::settings::DataFolder;
use crate::settings::data_folder::write_public;
use crate::store::{Enrolment, EnrolmentState, Store, StoreError, Way};

/// Why a stick cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    #[error("{0} is no stick of a sensor: there is no folder lapwing/to-centre in it")]
    NoStick(PathBuf),
    #[error("cannot use {0}")]
    File(PathBuf, #[source] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    #[error("cannot sign")]
    Sign(#[from] AuthorityError),
}

/// What came of a stick.
#[derive(Debug, Default)]
pub struct CourierReport {
    /// Batches that are stored now, by the name of their sensor.
    pub stored: BTreeMap<String, u64>,
    /// Batches that were here already.
    pub known: u64,
    /// Requests of devices: name or key, and what was decided.
    pub requests: Vec<(String, String)>,
    /// Answers written.
    pub answers: u64,
    /// Files of the rule repository written.
    pub rule_files: u64,
    /// Files that were not used, each with the reason.
    pub unused: Vec<(String, String)>,
}

/// What is to be said to whom.
#[derive(Default)]
struct Answers {
    sensors: BTreeMap<[u8; 16], Vec<Message>>,
    devices: BTreeMap<String, Vec<Message>>,
}

/// A centre that reads and writes sticks.
pub struct Courier<'a> {
    pub folder: &'a DataFolder,
    pub store: &'a Store,
    pub desk: &'a EnrolmentDesk,
}

impl Courier<'_> {
    /// Takes what is on a stick and writes the answers onto it.
    ///
    /// # Errors
    /// When there is nothing of ours on it, the database fails, or it cannot be written.
    pub fn exchange(&self, stick_folder: &Path) -> Result<CourierReport, CourierError> {
        let ours = stick_folder.join(stick::FOLDER);
        let inbox = ours.join(stick::TO_CENTRE);
        if !inbox.is_dir() {
            return Err(CourierError::NoStick(stick_folder.to_owned()));
        }
        let (mut report, mut answers) = (CourierReport::default(), Answers::default());
        for name in names(&inbox)? {
            let path = inbox.join(&name);
            let taken = read_whole(&path).and_then(|bytes| {
                read_messages(&bytes).map_err(|error| format!("it is torn or damaged: {error}"))
            });
            match taken {
                Ok(messages) => {
                    for message in messages {
                        if let Err(reason) = self.take(message, &mut report, &mut answers)? {
                            report.unused.push((name.clone(), reason));
                        }
                    }
                }
                Err(reason) => report.unused.push((name, reason)),
            }
        }
        self.write(&ours, answers, &mut report)?;
        Ok(report)
    }

    fn take(
        &self,
        message: Message,
        report: &mut CourierReport,
        answers: &mut Answers,
    ) -> Result<Result<(), String>, CourierError> {
        match message {
            Message::Envelope(bytes) => self.take_envelope(bytes, report, answers),
            Message::EnrolRequest(request) => self.enrol(&request, report, answers),
            Message::RenewRequest(request) => self.renew(&request, report, answers),
            _ => Ok(Err("it holds what no sensor sends on a stick".to_owned())),
        }
    }

    fn take_envelope(
        &self,
        bytes: Vec<u8>,
        report: &mut CourierReport,
        answers: &mut Answers,
    ) -> Result<Result<(), String>, CourierError> {
        let envelope = match ReceivedEnvelope::parse(bytes) {
            Ok(envelope) => envelope,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let sensor = envelope.header().identity.sensor;
        let Some(enrolment) = self.store.newest_enrolment(&sensor.0)? else {
            return Ok(Err(format!("no sensor {sensor} is enrolled here")));
        };
        if enrolment.state != EnrolmentState::Active {
            let reason = format!(
                "sensor {} is {}",
                enrolment.sensor_name,
                enrolment.state.as_str()
            );
            answers.sensors.insert(
                sensor.0,
                vec![Message::Revocation(Revocation {
                    reason: reason.clone(),
                })],
            );
            return Ok(Err(reason));
        }
        match ingest_from(self.store, &enrolment, envelope, Way::Courier)? {
            Ingested::Acknowledge(ack) => {
                self.count(&ack, &enrolment, report);
                let answer = answers.sensors.entry(sensor.0).or_default();
                answer.push(Message::Ack(ack));
                Ok(Ok(()))
            }
            Ingested::Refuse(_, reason) => Ok(Err(reason)),
        }
    }

    fn count(&self, ack: &Ack, enrolment: &Enrolment, report: &mut CourierReport) {
        if ack.state == lapwing_wire::AckState::Stored {
            *report
                .stored
                .entry(enrolment.sensor_name.clone())
                .or_default() += 1;
        } else {
            report.known += 1;
        }
    }

    fn enrol(
        &self,
        request: &EnrolRequest,
        report: &mut CourierReport,
        answers: &mut Answers,
    ) -> Result<Result<(), String>, CourierError> {
        let root = self.desk.authority().root_fingerprint();
        let device = stick::enrol_answer_file(&request.device_public_key);
        let words = lapwing_wire::words::comparison_words(&root, &request.device_public_key);
        let decided = match self
            .desk
            .enrol(self.store, request, &[root, NO_AUTHORITY])?
        {
            Answer::Approved(approval) => {
                let name = self.store.enrolment(&request.device_public_key)?;
                let messages = vec![Message::EnrolApproval(*approval)];
                answers.devices.insert(device, messages);
                let name = name.map_or_else(String::new, |enrolment| enrolment.sensor_name);
                format!("{name} is enrolled; the approval is on the stick")
            }
            Answer::Pending(_) => {
                "waits for approval; approve it and bring the stick to this command again"
                    .to_owned()
            }
            Answer::Refused(reason) => return Ok(Err(reason)),
        };
        report.requests.push((words, decided));
        Ok(Ok(()))
    }

    fn renew(
        &self,
        request: &RenewRequest,
        report: &mut CourierReport,
        answers: &mut Answers,
    ) -> Result<Result<(), String>, CourierError> {
        let Some(key) = crate::enrolment::proven_key(&request.certificate_request) else {
            return Ok(Err("the request is not signed by an Ed25519 key".to_owned()));
        };
        let Some(enrolment) = self.store.enrolment(&key)? else {
            return Ok(Err("no device with this key is enrolled here".to_owned()));
        };
        let message = if enrolment.state == EnrolmentState::Active {
            match self.desk.renew(self.store, &enrolment, request)? {
                Answer::Approved(approval) => Message::RenewApproval(*approval),
                Answer::Refused(reason) => Message::RenewRefused(RenewRefused { reason }),
                Answer::Pending(_) => return Ok(Err("nobody has decided yet".to_owned())),
            }
        } else {
            Message::Revocation(Revocation {
                reason: format!(
                    "sensor {} is {}",
                    enrolment.sensor_name,
                    enrolment.state.as_str()
                ),
            })
        };
        report.requests.push((
            enrolment.sensor_name.clone(),
            "a new certificate".to_owned(),
        ));
        answers
            .sensors
            .entry(enrolment.identity)
            .or_default()
            .push(message);
        Ok(Ok(()))
    }

    /// Writes the answers, each with the newest control of its sensor, and the rule repository.
    fn write(
        &self,
        ours: &Path,
        answers: Answers,
        report: &mut CourierReport,
    ) -> Result<(), CourierError> {
        let outbox = ours.join(stick::TO_SENSOR);
        fs::create_dir_all(&outbox).map_err(|error| CourierError::File(outbox.clone(), error))?;
        let made = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let authority = self.desk.authority();
        let mut write = |name: String, bytes: &[u8]| {
            report.answers += 1;
            let path = outbox.join(name);
            write_public(&path, bytes).map_err(|error| CourierError::File(path, error))
        };
        for (identity, messages) in answers.sensors {
            let sensor = SensorId(identity);
            let bytes = authority.sign_answer(sensor, made, &messages)?;
            write(stick::answer_file(&sensor), &bytes)?;
            let control = Control::answer(self.folder, authority, sensor, 0)?;
            if !control.is_empty() {
                write(format!("{sensor}.orders"), &control)?;
            }
        }
        for (name, messages) in answers.devices {
            let bytes = authority.sign_answer(SensorId([0; 16]), made, &messages)?;
            write(name, &bytes)?;
        }
        let repository = RuleRepository::new(self.folder, None);
        if repository.folder().is_dir() {
            report.rule_files = copy_tree(repository.folder(), &ours.join(stick::RULES))?;
        }
        Ok(())
    }
}

/// The names of the files of a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>, CourierError> {
    let failed = |error| CourierError::File(folder.to_owned(), error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)?.take(stick::MAX_FILES) {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn read_whole(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let cap = MAX_FRAME_BODY_BYTES as u64 + 64;
    let read = fs::File::open(path).and_then(|file| file.take(cap).read_to_end(&mut bytes));
    read.map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(bytes)
}

/// Copies what is not there yet, timestamp last, so that a stick that is pulled out early is an old one.
fn copy_tree(from: &Path, to: &Path) -> Result<u64, CourierError> {
    let mut files = Vec::new();
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| CourierError::File(folder.clone(), error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort_by_key(|path| (path.ends_with("timestamp.json"), path.clone()));
    let mut written = 0;
    for path in files {
        let Ok(below) = path.strip_prefix(from) else {
            continue;
        };
        let target = to.join(below);
        let copy = || {
            let bytes = fs::read(&path)?;
            if fs::read(&target).is_ok_and(|known| known == bytes) {
                return Ok(false);
            }
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            write_public(&target, &bytes)?;
            Ok(true)
        };
        written += u64::from(copy().map_err(|error| CourierError::File(path.clone(), error))?);
    }
    Ok(written)
}
