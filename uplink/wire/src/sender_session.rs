//! The edge's side of one connection, without sockets or clocks.
//!
//! Bytes that arrive go in by [`SenderSession::receive`], bytes to send come out of
//! [`SenderSession::take_output`], and what happened is told as [`SenderEvent`]s. Times are
//! milliseconds of any clock that never goes back.
//!
//! A session promises nothing beyond its connection: whoever drives it keeps each envelope
//! until [`SenderEvent::Acknowledged`] and offers it again on the next connection otherwise.

use std::collections::VecDeque;

use crate::control::{ControlAnswer, ControlRequest, FileAbsent, FilePart, FileRequest};
use crate::enrolment::{
    EnrolApproval, EnrolPending, EnrolRefused, EnrolRequest, RenewApproval, RenewRefused,
    RenewRequest,
};
use crate::envelope::SealedEnvelope;
use crate::error::DecodeError;
use crate::frame::FrameDecoder;
use crate::ids::{BatchDigest, BatchIdentity};
use crate::limits::{HELLO_TIMEOUT_MILLISECONDS, MAX_ENVELOPES_IN_FLIGHT, MAX_UNKNOWN_FRAMES};
use crate::message::{
    Ack, Busy, Hello, HelloAnswer, Message, NEWEST_VERSION, OLDEST_VERSION, SessionError,
};

/// What happened on a connection, as the edge sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderEvent {
    /// Both sides agree on a version; envelopes may be offered.
    Ready(HelloAnswer),
    /// An envelope in flight is durable at the centre. The digest is the envelope's own.
    Acknowledged(Ack),
    /// An ack names a batch that is not in flight, or another digest: nothing may be
    /// forgotten because of it.
    UnexpectedAck(Ack),
    /// An envelope in flight was not taken; nothing may be offered for a while.
    Busy(Busy),
    /// A person at the centre has not decided yet; ask again later, on a new connection.
    EnrolPending(EnrolPending),
    /// The device is enrolled.
    EnrolApproved(EnrolApproval),
    /// The device is not enrolled.
    EnrolRefused(EnrolRefused),
    /// A new certificate.
    Renewed(RenewApproval),
    /// No new certificate.
    RenewRefused(RenewRefused),
    /// Bytes of a file that was asked for.
    FilePart(FilePart),
    /// The centre does not have the file that was asked for.
    FileAbsent(FileAbsent),
    /// The newest control, to be checked.
    Control(ControlAnswer),
    /// The session is over; the connection should be closed.
    Closed(CloseReason),
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The other side ended it.
    #[error("the other side ended the session: {}", .0.text)]
    Peer(SessionError),
    /// The other side sent something that cannot be read.
    #[error("the other side sent something that cannot be read")]
    Malformed(#[from] DecodeError),
    /// The other side said something out of place.
    #[error("the other side sent {what} out of place")]
    OutOfPlace {
        /// What it said.
        what: &'static str,
    },
    /// The other side speaks no version that this one speaks.
    #[error("the other side speaks no session version of this program")]
    NoCommonVersion,
    /// The other side did not answer in time.
    #[error("the other side did not answer within {after_milliseconds} ms")]
    Timeout {
        /// How long this side waited.
        after_milliseconds: u64,
    },
}

/// Why an envelope cannot be offered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// The other side has not answered the hello, or the session is over.
    #[error("the session is not ready")]
    NotReady,
    /// As many envelopes as the centre allows wait for an answer.
    #[error("the window is full")]
    WindowFull,
    /// The centre asked to wait.
    #[error("the centre asked to wait until {until_milliseconds}")]
    Waiting {
        /// When the wait is over, by the clock of the session.
        until_milliseconds: u64,
    },
    /// This batch is already in flight on this connection.
    #[error("the batch is already in flight")]
    InFlight,
}

#[derive(Debug)]
enum State {
    AwaitingHello { since: u64 },
    Ready { window: usize },
    Closed,
}

#[derive(Debug)]
struct InFlight {
    identity: BatchIdentity,
    digest: BatchDigest,
}

/// The edge's side of one connection.
#[derive(Debug)]
pub struct SenderSession {
    state: State,
    decoder: FrameDecoder,
    output: Vec<u8>,
    in_flight: VecDeque<InFlight>,
    answer_timeout_milliseconds: u64,
    /// Requests that are no envelopes and wait for their answer.
    requests: usize,
    /// When the wait for the current answer began: reset by every answer.
    waiting_since: u64,
    busy_until: u64,
    unknown_frames: u64,
}

impl SenderSession {
    /// Begins a session: the hello is in the output.
    pub fn new(software: &str, answer_timeout_milliseconds: u64, now_milliseconds: u64) -> Self {
        let mut session = Self {
            state: State::AwaitingHello {
                since: now_milliseconds,
            },
            decoder: FrameDecoder::default(),
            output: Vec::new(),
            in_flight: VecDeque::new(),
            requests: 0,
            answer_timeout_milliseconds,
            waiting_since: now_milliseconds,
            busy_until: 0,
            unknown_frames: 0,
        };
        session.send(&Message::Hello(Hello {
            oldest_version: OLDEST_VERSION,
            newest_version: NEWEST_VERSION,
            software: software.to_owned(),
        }));
        session
    }

    /// Puts an envelope in flight.
    ///
    /// # Errors
    /// [`OfferError`] when it cannot be sent now.
    pub fn offer(
        &mut self,
        envelope: &SealedEnvelope,
        now_milliseconds: u64,
    ) -> Result<(), OfferError> {
        let State::Ready { window } = self.state else {
            return Err(OfferError::NotReady);
        };
        if now_milliseconds < self.busy_until {
            return Err(OfferError::Waiting {
                until_milliseconds: self.busy_until,
            });
        }
        if self.in_flight.len() >= window {
            return Err(OfferError::WindowFull);
        }
        if self
            .in_flight
            .iter()
            .any(|waiting| waiting.identity == envelope.identity)
        {
            return Err(OfferError::InFlight);
        }
        if !self.is_waiting() {
            self.waiting_since = now_milliseconds;
        }
        self.in_flight.push_back(InFlight {
            identity: envelope.identity,
            digest: envelope.digest,
        });
        self.send(&Message::Envelope(envelope.bytes.clone()));
        Ok(())
    }

    /// Asks to be enrolled. Only on a session that is ready.
    ///
    /// # Errors
    /// [`OfferError::NotReady`] when it is not.
    pub fn request_enrolment(&mut self, request: EnrolRequest) -> Result<(), OfferError> {
        self.request(&Message::EnrolRequest(request))
    }

    /// Asks for a new certificate. Only on a session that is ready.
    ///
    /// # Errors
    /// [`OfferError::NotReady`] when it is not.
    pub fn request_renewal(&mut self, request: RenewRequest) -> Result<(), OfferError> {
        self.request(&Message::RenewRequest(request))
    }

    /// Asks for bytes of a file of the rule repository. Only on a session that is ready, of
    /// [`VERSION_WITH_CONTROL`](crate::message::VERSION_WITH_CONTROL) or later.
    ///
    /// # Errors
    /// [`OfferError::NotReady`] when it is not.
    pub fn request_file(
        &mut self,
        request: FileRequest,
        now_milliseconds: u64,
    ) -> Result<(), OfferError> {
        self.request(&Message::FileRequest(request))?;
        self.requested(now_milliseconds);
        Ok(())
    }

    /// Asks for control newer than what is known here, as [`SenderSession::request_file`].
    ///
    /// # Errors
    /// [`OfferError::NotReady`] when it is not.
    pub fn request_control(
        &mut self,
        request: ControlRequest,
        now_milliseconds: u64,
    ) -> Result<(), OfferError> {
        self.request(&Message::ControlRequest(request))?;
        self.requested(now_milliseconds);
        Ok(())
    }

    fn requested(&mut self, now_milliseconds: u64) {
        if !self.is_waiting() {
            self.waiting_since = now_milliseconds;
        }
        self.requests += 1;
    }

    fn answered_request(&mut self, now: u64, event: SenderEvent) -> SenderEvent {
        if self.requests == 0 {
            return self.close(CloseReason::OutOfPlace {
                what: "an answer that was not asked for",
            });
        }
        self.requests -= 1;
        self.waiting_since = now;
        event
    }

    /// Whether anything waits for an answer.
    pub fn is_waiting(&self) -> bool {
        !self.in_flight.is_empty() || self.requests > 0
    }

    fn request(&mut self, message: &Message) -> Result<(), OfferError> {
        if !matches!(self.state, State::Ready { .. }) {
            return Err(OfferError::NotReady);
        }
        self.send(message);
        Ok(())
    }

    /// Takes in bytes that arrived.
    pub fn receive(&mut self, bytes: &[u8], now_milliseconds: u64) -> Vec<SenderEvent> {
        let mut events = Vec::new();
        if matches!(self.state, State::Closed) {
            return events;
        }
        self.decoder.push(bytes);
        loop {
            let message = match self
                .decoder
                .next_frame()
                .and_then(|frame| frame.map(Message::read).transpose())
            {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(error) => {
                    events.push(self.close(CloseReason::Malformed(error)));
                    break;
                }
            };
            if let Some(event) = self.handle(message, now_milliseconds) {
                events.push(event);
            }
            if matches!(self.state, State::Closed) {
                break;
            }
        }
        events
    }

    /// Looks at the time: a peer that does not answer ends the session.
    pub fn tick(&mut self, now_milliseconds: u64) -> Option<SenderEvent> {
        let (since, timeout) = match self.state {
            State::AwaitingHello { since } => (since, HELLO_TIMEOUT_MILLISECONDS),
            State::Ready { .. } if self.is_waiting() => {
                (self.waiting_since, self.answer_timeout_milliseconds)
            }
            State::Ready { .. } | State::Closed => return None,
        };
        (now_milliseconds.saturating_sub(since) >= timeout).then(|| {
            self.close(CloseReason::Timeout {
                after_milliseconds: timeout,
            })
        })
    }

    /// When [`SenderSession::tick`] should be called next, if ever.
    pub fn next_tick_milliseconds(&self) -> Option<u64> {
        match self.state {
            State::AwaitingHello { since } => {
                Some(since.saturating_add(HELLO_TIMEOUT_MILLISECONDS))
            }
            State::Ready { .. } if self.is_waiting() => Some(
                self.waiting_since
                    .saturating_add(self.answer_timeout_milliseconds),
            ),
            State::Ready { .. } | State::Closed => None,
        }
    }

    /// Bytes went out: the peer is not late while it still receives.
    pub fn progress(&mut self, now_milliseconds: u64) {
        if self.is_waiting() {
            self.waiting_since = now_milliseconds;
        }
    }

    /// Takes the bytes to send.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// How many bytes wait to be taken.
    pub fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// How many envelopes wait for an answer.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Frames of unknown types that were passed over.
    pub const fn unknown_frames(&self) -> u64 {
        self.unknown_frames
    }

    fn handle(&mut self, message: Message, now: u64) -> Option<SenderEvent> {
        match message {
            Message::Unknown(_) => {
                self.unknown_frames += 1;
                (self.unknown_frames > MAX_UNKNOWN_FRAMES).then(|| {
                    self.close(CloseReason::OutOfPlace {
                        what: "too many unknown messages",
                    })
                })
            }
            Message::Error(error) => Some(self.close(CloseReason::Peer(error))),
            Message::HelloAnswer(answer) => Some(self.answered(answer)),
            _ if matches!(self.state, State::AwaitingHello { .. }) => {
                Some(self.close(CloseReason::OutOfPlace {
                    what: "a message before the hello",
                }))
            }
            Message::Ack(ack) => Some(self.acknowledged(ack, now)),
            Message::Busy(busy) => {
                self.waiting_since = now;
                self.busy_until = now.saturating_add(u64::from(busy.retry_after_seconds) * 1000);
                self.in_flight
                    .retain(|waiting| waiting.identity != busy.identity);
                Some(SenderEvent::Busy(busy))
            }
            Message::EnrolPending(pending) => Some(SenderEvent::EnrolPending(pending)),
            Message::EnrolApproval(approval) => Some(SenderEvent::EnrolApproved(approval)),
            Message::EnrolRefused(refused) => Some(SenderEvent::EnrolRefused(refused)),
            Message::RenewApproval(approval) => Some(SenderEvent::Renewed(approval)),
            Message::RenewRefused(refused) => Some(SenderEvent::RenewRefused(refused)),
            Message::FilePart(part) => {
                Some(self.answered_request(now, SenderEvent::FilePart(part)))
            }
            Message::FileAbsent(absent) => {
                Some(self.answered_request(now, SenderEvent::FileAbsent(absent)))
            }
            Message::ControlAnswer(answer) => {
                Some(self.answered_request(now, SenderEvent::Control(answer)))
            }
            Message::AskForLess(_) | Message::Revocation(_) => {
                Some(self.close(CloseReason::OutOfPlace {
                    what: "control without a signature",
                }))
            }
            Message::Hello(_)
            | Message::Envelope(_)
            | Message::FileRequest(_)
            | Message::ControlRequest(_)
            | Message::EnrolRequest(_)
            | Message::RenewRequest(_) => Some(self.close(CloseReason::OutOfPlace {
                what: "a message of the edge",
            })),
        }
    }

    fn answered(&mut self, answer: HelloAnswer) -> SenderEvent {
        if !matches!(self.state, State::AwaitingHello { .. }) {
            return self.close(CloseReason::OutOfPlace {
                what: "a second hello",
            });
        }
        if !(OLDEST_VERSION..=NEWEST_VERSION).contains(&answer.version) {
            return self.close(CloseReason::NoCommonVersion);
        }
        let window = usize::try_from(answer.window)
            .unwrap_or(usize::MAX)
            .clamp(1, MAX_ENVELOPES_IN_FLIGHT);
        self.state = State::Ready { window };
        SenderEvent::Ready(answer)
    }

    fn acknowledged(&mut self, ack: Ack, now: u64) -> SenderEvent {
        let position = self
            .in_flight
            .iter()
            .position(|waiting| waiting.identity == ack.identity && waiting.digest == ack.digest);
        match position.and_then(|position| self.in_flight.remove(position)) {
            Some(_) => {
                self.waiting_since = now;
                SenderEvent::Acknowledged(ack)
            }
            None => SenderEvent::UnexpectedAck(ack),
        }
    }

    fn close(&mut self, reason: CloseReason) -> SenderEvent {
        self.state = State::Closed;
        SenderEvent::Closed(reason)
    }

    fn send(&mut self, message: &Message) {
        // An envelope is capped when it is sealed, and every other message is far below a
        // frame's cap, so writing cannot fail.
        let written = message.write(&mut self.output);
        debug_assert!(written.is_ok(), "{written:?}");
    }
}
