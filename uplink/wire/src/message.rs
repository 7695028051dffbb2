//! The messages of a session. All but the envelope are rows of tagged fields, so that a newer
//! peer can say more and an older one passes over it.

use crate::bytes::Reader;
use crate::control::{
    AskForLess, ControlAnswer, ControlRequest, FileAbsent, FilePart, FileRequest, Revocation,
};
use crate::enrolment::{
    EnrolApproval, EnrolPending, EnrolRefused, EnrolRequest, RenewApproval, RenewRefused,
    RenewRequest,
};
use crate::error::DecodeError;
use crate::frame::Frame;
use crate::ids::{BatchDigest, BatchIdentity};
use crate::limits::{MAX_ENVELOPE_BYTES, MAX_RETRY_AFTER_SECONDS, MAX_TEXT_BYTES};
use crate::rows::{FieldWriter, Fields};

/// The oldest version of the session that this program speaks.
pub const OLDEST_VERSION: u8 = 1;
/// The newest version of the session that this program speaks.
pub const NEWEST_VERSION: u8 = 2;
/// The version from which files and control may be asked for.
pub const VERSION_WITH_CONTROL: u8 = 2;

/// Everything that one side can say to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// First message of the edge.
    Hello(Hello),
    /// First message of the centre.
    HelloAnswer(HelloAnswer),
    /// The bytes of one envelope.
    Envelope(Vec<u8>),
    /// A batch is durable at the centre.
    Ack(Ack),
    /// A batch was not taken; try again later.
    Busy(Busy),
    /// The session ends.
    Error(SessionError),
    /// A device asks to be enrolled.
    EnrolRequest(EnrolRequest),
    /// A person has not decided yet.
    EnrolPending(EnrolPending),
    /// The device is enrolled.
    EnrolApproval(EnrolApproval),
    /// The device is not enrolled.
    EnrolRefused(EnrolRefused),
    /// A sensor asks for a new certificate.
    RenewRequest(RenewRequest),
    /// The new certificate.
    RenewApproval(RenewApproval),
    /// No new certificate.
    RenewRefused(RenewRefused),
    /// The edge asks for bytes of a file of the rule repository.
    FileRequest(FileRequest),
    /// Bytes of a file.
    FilePart(FilePart),
    /// There is no such file.
    FileAbsent(FileAbsent),
    /// The edge asks for control.
    ControlRequest(ControlRequest),
    /// The newest control.
    ControlAnswer(ControlAnswer),
    /// The centre asks for less; in signed answers only.
    AskForLess(AskForLess),
    /// The sensor was revoked; in signed answers only.
    Revocation(Revocation),
    /// A type that this program does not know.
    Unknown(u8),
}

/// What the edge speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Oldest session version it speaks.
    pub oldest_version: u8,
    /// Newest session version it speaks.
    pub newest_version: u8,
    /// Program and version, for people.
    pub software: String,
}

/// What the centre decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloAnswer {
    /// The session version both speak from here on.
    pub version: u8,
    /// Program and version, for people.
    pub software: String,
    /// The centre's wall clock, milliseconds since 1970: a hint for a board without a clock.
    pub wall_milliseconds: u64,
    /// How many envelopes may wait for an answer at a time.
    pub window: u32,
}

/// A batch is durable; the edge may forget it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Which batch.
    pub identity: BatchIdentity,
    /// SHA-256 of the envelope that is durable. The edge forgets its batch only when this is
    /// its own digest too.
    pub digest: BatchDigest,
    /// What became of it.
    pub state: AckState,
}

/// What became of a batch at the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckState {
    /// Stored now.
    Stored,
    /// Stored before, by the same identity and digest; nothing was done.
    AlreadyStored,
    /// Kept as bytes: signed by the device, but not to be read as it is.
    Quarantined,
}

impl AckState {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Stored => 1,
            Self::AlreadyStored => 2,
            Self::Quarantined => 3,
        }
    }

    const fn from_code(code: u64) -> Option<Self> {
        match code {
            1 => Some(Self::Stored),
            2 => Some(Self::AlreadyStored),
            3 => Some(Self::Quarantined),
            _ => None,
        }
    }
}

/// A batch was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// Which batch.
    pub identity: BatchIdentity,
    /// How long to wait before anything is sent again, seconds.
    pub retry_after_seconds: u32,
}

/// Why a session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionError {
    /// The reason, for programs.
    pub code: ErrorCode,
    /// The reason, for people.
    pub text: String,
}

/// Why a session ends, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The peer may not say this: not enrolled, or its certificate may only be renewed.
    NotAllowed,
    /// Something could not be read.
    Malformed,
    /// No session version in common.
    Version,
    /// The sensor was revoked.
    Revoked,
    /// The envelope is not signed by the sensor that it names.
    Forged,
    /// The other side failed.
    Internal,
    /// A reason that this program does not know.
    Other(u16),
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::NotAllowed => 1,
            Self::Malformed => 2,
            Self::Version => 3,
            Self::Revoked => 4,
            Self::Forged => 5,
            Self::Internal => 6,
            Self::Other(code) => code,
        }
    }

    const fn from_code(code: u16) -> Self {
        match code {
            1 => Self::NotAllowed,
            2 => Self::Malformed,
            3 => Self::Version,
            4 => Self::Revoked,
            5 => Self::Forged,
            6 => Self::Internal,
            other => Self::Other(other),
        }
    }
}

const HELLO: u8 = 1;
const HELLO_ANSWER: u8 = 2;
const ENVELOPE: u8 = 3;
const ACK: u8 = 4;
const BUSY: u8 = 5;
const ERROR: u8 = 6;
const ENROL_REQUEST: u8 = 16;
const ENROL_PENDING: u8 = 17;
const ENROL_APPROVAL: u8 = 18;
const ENROL_REFUSED: u8 = 19;
const RENEW_REQUEST: u8 = 20;
const RENEW_APPROVAL: u8 = 21;
const RENEW_REFUSED: u8 = 22;
const FILE_REQUEST: u8 = 24;
const FILE_PART: u8 = 25;
const FILE_ABSENT: u8 = 26;
const CONTROL_REQUEST: u8 = 28;
const CONTROL_ANSWER: u8 = 29;
const ASK_FOR_LESS: u8 = 30;
const REVOCATION: u8 = 31;
/// Reserved, for signed answers: the centre asks for evidence of a finding, or for a search in what
/// the sensor still remembers. Their answers are the record kinds of the same names.
pub const RESERVED_FOR_EVIDENCE: [u8; 2] = [32, 33];

impl Message {
    /// Appends the message as a frame.
    ///
    /// # Errors
    /// [`DecodeError::OverCap`] when it does not fit a frame.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let mut fields = FieldWriter::default();
        let kind = match self {
            Self::Envelope(bytes) => return Frame::write(ENVELOPE, bytes, out),
            Self::Unknown(_) => return Ok(()),
            Self::Hello(hello) => {
                fields.number(1, u64::from(hello.oldest_version));
                fields.number(2, u64::from(hello.newest_version));
                fields.text(3, &hello.software, MAX_TEXT_BYTES);
                HELLO
            }
            Self::HelloAnswer(answer) => {
                fields.number(1, u64::from(answer.version));
                fields.text(2, &answer.software, MAX_TEXT_BYTES);
                fields.number(3, answer.wall_milliseconds);
                fields.number(4, u64::from(answer.window));
                HELLO_ANSWER
            }
            Self::Ack(ack) => {
                fields.bytes(1, &identity_bytes(&ack.identity));
                fields.bytes(2, &ack.digest.0);
                fields.number(3, u64::from(ack.state.code()));
                ACK
            }
            Self::Busy(busy) => {
                fields.bytes(1, &identity_bytes(&busy.identity));
                fields.number(2, u64::from(busy.retry_after_seconds));
                BUSY
            }
            Self::Error(error) => {
                fields.number(1, u64::from(error.code.code()));
                fields.text(2, &error.text, MAX_TEXT_BYTES);
                ERROR
            }
            Self::EnrolRequest(request) => {
                request.write(&mut fields);
                ENROL_REQUEST
            }
            Self::EnrolPending(pending) => {
                pending.write(&mut fields);
                ENROL_PENDING
            }
            Self::EnrolApproval(approval) => {
                approval.write(&mut fields);
                ENROL_APPROVAL
            }
            Self::EnrolRefused(refused) => {
                refused.write(&mut fields);
                ENROL_REFUSED
            }
            Self::RenewRequest(request) => {
                request.write(&mut fields);
                RENEW_REQUEST
            }
            Self::RenewApproval(approval) => {
                approval.write(&mut fields);
                RENEW_APPROVAL
            }
            Self::RenewRefused(refused) => {
                refused.write(&mut fields);
                RENEW_REFUSED
            }
            Self::FileRequest(request) => {
                request.write(&mut fields);
                FILE_REQUEST
            }
            Self::FilePart(part) => {
                part.write(&mut fields);
                FILE_PART
            }
            Self::FileAbsent(absent) => {
                absent.write(&mut fields);
                FILE_ABSENT
            }
            Self::ControlRequest(request) => {
                request.write(&mut fields);
                CONTROL_REQUEST
            }
            Self::ControlAnswer(answer) => {
                answer.write(&mut fields);
                CONTROL_ANSWER
            }
            Self::AskForLess(less) => {
                less.write(&mut fields);
                ASK_FOR_LESS
            }
            Self::Revocation(revocation) => {
                revocation.write(&mut fields);
                REVOCATION
            }
        };
        Frame::write(kind, &fields.into_bytes(), out)
    }

    /// Reads the message in a frame.
    ///
    /// # Errors
    /// [`DecodeError`] when a message of a known type is not well formed.
    pub fn read(frame: Frame) -> Result<Self, DecodeError> {
        if frame.kind == ENVELOPE {
            return if frame.body.len() <= MAX_ENVELOPE_BYTES {
                Ok(Self::Envelope(frame.body))
            } else {
                Err(DecodeError::OverCap {
                    what: "envelope",
                    value: frame.body.len() as u64,
                    cap: MAX_ENVELOPE_BYTES,
                })
            };
        }
        let fields = Fields::read(&frame.body)?;
        Ok(match frame.kind {
            HELLO => Self::Hello(Hello {
                oldest_version: version(fields.number(1)?),
                newest_version: version(fields.number(2)?),
                software: fields.text(3, MAX_TEXT_BYTES)?,
            }),
            HELLO_ANSWER => Self::HelloAnswer(HelloAnswer {
                version: version(fields.number(1)?),
                software: fields.text(2, MAX_TEXT_BYTES)?,
                wall_milliseconds: fields.number(3)?,
                window: u32::try_from(fields.number(4)?).unwrap_or(u32::MAX),
            }),
            ACK => Self::Ack(Ack {
                identity: read_identity(&fields)?,
                digest: fields
                    .digest(2)?
                    .map(BatchDigest)
                    .ok_or(DecodeError::Missing {
                        what: "digest of an ack",
                    })?,
                state: {
                    let code = fields.number(3)?;
                    AckState::from_code(code).ok_or(DecodeError::OutOfRange {
                        what: "state of an ack",
                        value: code,
                    })?
                },
            }),
            BUSY => Self::Busy(Busy {
                identity: read_identity(&fields)?,
                retry_after_seconds: seconds(fields.number(2)?),
            }),
            ERROR => Self::Error(SessionError {
                code: ErrorCode::from_code(u16::try_from(fields.number(1)?).unwrap_or(u16::MAX)),
                text: fields.text(2, MAX_TEXT_BYTES)?,
            }),
            ENROL_REQUEST => Self::EnrolRequest(EnrolRequest::read(&fields)?),
            ENROL_PENDING => Self::EnrolPending(EnrolPending::read(&fields)?),
            ENROL_APPROVAL => Self::EnrolApproval(EnrolApproval::read(&fields)?),
            ENROL_REFUSED => Self::EnrolRefused(EnrolRefused::read(&fields)?),
            RENEW_REQUEST => Self::RenewRequest(RenewRequest::read(&fields)?),
            RENEW_APPROVAL => Self::RenewApproval(RenewApproval::read(&fields)?),
            RENEW_REFUSED => Self::RenewRefused(RenewRefused::read(&fields)?),
            FILE_REQUEST => Self::FileRequest(FileRequest::read(&fields)?),
            FILE_PART => Self::FilePart(FilePart::read(&fields)?),
            FILE_ABSENT => Self::FileAbsent(FileAbsent::read(&fields)?),
            CONTROL_REQUEST => Self::ControlRequest(ControlRequest::read(&fields)?),
            CONTROL_ANSWER => Self::ControlAnswer(ControlAnswer::read(&fields)?),
            ASK_FOR_LESS => Self::AskForLess(AskForLess::read(&fields)?),
            REVOCATION => Self::Revocation(Revocation::read(&fields)?),
            unknown => Self::Unknown(unknown),
        })
    }
}

/// Seconds to wait, cut to what a peer may ask for.
pub(crate) fn seconds(value: u64) -> u32 {
    u32::try_from(value)
        .unwrap_or(u32::MAX)
        .min(MAX_RETRY_AFTER_SECONDS)
}

fn version(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn identity_bytes(identity: &BatchIdentity) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(34);
    identity.write(&mut bytes);
    bytes
}

fn read_identity(fields: &Fields<'_>) -> Result<BatchIdentity, DecodeError> {
    let mut reader = Reader::new(fields.all(1).last().copied().unwrap_or_default());
    let identity = BatchIdentity::read(&mut reader)?;
    reader.finish("batch identity")?;
    Ok(identity)
}
