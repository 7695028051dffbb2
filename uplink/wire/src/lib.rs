//! The one definition of what crosses the network, for both ends. No files, sockets or clocks.
//!
//! # The protocol in order
//!
//! 1. The sensor numbers [`Record`]s in lanes ([`Lane`]), without holes. A record is (sensor,
//!    epoch, lane, number): [`RecordId`].
//! 2. Records become a batch ([`Batch`]): in columns ([`encode_records`]), compressed, sealed
//!    to the centre's key and signed by the device's ([`Sealer`], module [`mod@envelope`]). A batch
//!    is (sensor, epoch, batch number): [`BatchIdentity`]. It is sealed once and stays the
//!    same bytes until it is acknowledged.
//! 3. Envelopes travel as frames over TLS 1.3 ([`Message`], module [`mod@frame`]), driven by
//!    [`SenderSession`] and [`ReceiverSession`].
//! 4. The centre verifies, opens and stores an envelope ([`ReceivedEnvelope`]), and then
//!    acknowledges it by identity and digest ([`Ack`]). The edge forgets a batch only for an
//!    ack of its own digest.
//! 5. A device gets its identity by a [`Voucher`] and a person's approval
//!    ([`EnrolRequest`], [`EnrolApproval`]), and keeps it by [`RenewRequest`].
//!
//! # Versions
//!
//! | what | version | what an older reader does |
//! |---|---|---|
//! | session | 1 and 2, negotiated by the hello; 2 adds files and control | passes over unknown messages and fields, counted |
//! | envelope | 1 | refuses; the centre quarantines what it verified and cannot open |
//! | batch | 1 | as above |
//! | record kinds, columns, fields | numbered | passes over unknown ones, counted ([`Skipped`]); the numbers of the records count |
//! | compression | 0 none, 1 zstd | as for a batch |
//!
//! Bytes from the other end are parsed once, into types that cannot be wrong. Every count and
//! length has a cap in [`limits`]. Nothing here panics on any input.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod account;
pub mod answer;
pub mod batch;
mod bytes;
pub mod claim;
mod columns;
mod compression;
pub mod content_key;
pub mod control;
pub mod enrolment;
pub mod envelope;
mod error;
pub mod eviction;
pub mod finding;
pub mod frame;
pub mod heartbeat;
pub mod ids;
pub mod limits;
pub mod message;
pub mod receiver_session;
pub mod record;
mod rows;
mod sealing;
pub mod sender_session;
pub mod stick;
pub mod summary;
pub mod voucher;
pub mod words;

pub use account::{Account, LaneAccount};
pub use answer::SignedAnswer;
pub use batch::{Batch, RecordRange};
pub use claim::{VoucherClaim, VoucherKey};
pub use columns::{DecodedRecords, Skipped, decode_records, encode_records};
pub use compression::CompressionLevel;
pub use content_key::{ContentKey, RecordFilter, SealWitness};
pub use control::{
    AskForLess, ControlAnswer, ControlRequest, FileAbsent, FilePart, FileRequest, RepositoryPath,
    Revocation,
};
pub use enrolment::{
    EnrolApproval, EnrolPending, EnrolRefused, EnrolRequest, MachineFact, RenewApproval,
    RenewRefused, RenewRequest,
};
pub use envelope::{EnvelopeHeader, ReceivedEnvelope, SealedEnvelope, Sealer, VerifiedEnvelope};
pub use error::{DecodeError, EncodeError, EnvelopeError};
pub use eviction::{Eviction, EvictionReason, WithdrawnBatch};
pub use finding::{
    Action, Direction, DisclosedAddress, Endpoint, Fact, FactKind, Facts, Finding, Severity,
    Traffic,
};
pub use heartbeat::{Heartbeat, Queue, SensorState};
pub use ids::{
    BatchDigest, BatchIdentity, BatchNumber, BootId, Epoch, KeyId, Lane, PackDigest, PolicyDigest,
    RecordId, RecordNumber, RuleId, SensorId,
};
pub use message::{Ack, AckState, Busy, ErrorCode, Hello, HelloAnswer, Message, SessionError};
pub use receiver_session::{Peer, ReceiverEvent, ReceiverSession};
pub use record::{ClockQuality, Record, RecordBody, RecordHeader, RecordKind, Stamp};
pub use sealing::{SealingPrivateKey, SealingPublicKey};
pub use sender_session::{CloseReason, OfferError, SenderEvent, SenderSession};
pub use summary::{Counter, Summary, TopEntry, TopList, TopSubject};
pub use voucher::{ALPN, CENTRE_SERVER_NAME, Voucher};

/// Reads bytes as everything that this package reads: what a fuzzer drives.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) {
    let mut decoder = frame::FrameDecoder::default();
    decoder.push(data);
    while let Ok(Some(frame)) = decoder.next_frame() {
        let _read = Message::read(frame);
    }
    if let Some((kind, body)) = data.split_first() {
        let _read = Message::read(frame::Frame {
            kind: *kind,
            body: body.to_vec(),
        });
    }
    if let Ok(decoded) = decode_records(data) {
        // What was read can be written and read again, the same.
        let again = decode_records(&encode_records(&decoded.records));
        assert!(again.is_ok_and(|again| again.records.len() == decoded.records.len()));
    }
    let identity = BatchIdentity {
        sensor: SensorId([0; 16]),
        epoch: Epoch(0),
        number: BatchNumber(0),
    };
    if let Ok(payload) = compression::unpack(data, limits::MAX_BATCH_BYTES) {
        let _read = batch::read_payload(&payload, identity, BatchDigest::NONE, BatchDigest::NONE);
    }
    let _read = ReceivedEnvelope::parse(data.to_vec());
    let _read = SignedAnswer::parse(data);
    let _read = Voucher::decode(&String::from_utf8_lossy(data));
}
