//! The centre's side of one connection, without sockets or clocks. See [`crate::sender_session`].
//!
//! The TLS layer knows who is at the other end; the session is told as a [`Peer`] and holds
//! it to what it may say: a stranger may only ask to be enrolled, a sensor whose certificate
//! has expired may only renew it.

use crate::control::{ControlAnswer, ControlRequest, FileAbsent, FilePart, FileRequest};
use crate::enrolment::{
    EnrolApproval, EnrolPending, EnrolRefused, EnrolRequest, RenewApproval, RenewRefused,
    RenewRequest,
};
use crate::envelope::ReceivedEnvelope;
use crate::frame::FrameDecoder;
use crate::ids::SensorId;
use crate::limits::{HELLO_TIMEOUT_MILLISECONDS, MAX_ENVELOPES_IN_FLIGHT, MAX_UNKNOWN_FRAMES};
use crate::message::{
    Ack, Busy, ErrorCode, Hello, HelloAnswer, Message, NEWEST_VERSION, OLDEST_VERSION, SessionError,
};
use crate::sender_session::CloseReason;

/// Who is at the other end, as TLS proved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Nobody known: may ask to be enrolled.
    Stranger,
    /// A sensor with a valid certificate.
    Sensor(SensorId),
    /// A sensor whose certificate has expired: may renew it.
    Expired(SensorId),
}

/// What happened on a connection, as the centre sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiverEvent {
    /// Both sides agree on a version.
    Ready(Hello),
    /// An envelope arrived. Verify it, store it, then call [`ReceiverSession::acknowledge`];
    /// or refuse it for now by [`ReceiverSession::busy`].
    Envelope(ReceivedEnvelope),
    /// A device asks to be enrolled; answer by one of the `enrol_*` functions.
    EnrolRequested(EnrolRequest),
    /// A sensor asks for a new certificate; answer by one of the `renew_*` functions.
    RenewRequested(RenewRequest),
    /// A sensor asks for a file; answer by [`ReceiverSession::file_part`] or
    /// [`ReceiverSession::file_absent`].
    FileRequested(FileRequest),
    /// A sensor asks for control; answer by [`ReceiverSession::control`].
    ControlRequested(ControlRequest),
    /// The session is over; send what is in the output and close the connection.
    Closed(CloseReason),
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    AwaitingHello { since: u64 },
    Ready,
    Closed,
}

/// The centre's side of one connection.
#[derive(Debug)]
pub struct ReceiverSession {
    peer: Peer,
    software: String,
    wall_milliseconds: u64,
    window: usize,
    state: State,
    decoder: FrameDecoder,
    output: Vec<u8>,
    unanswered: usize,
    unknown_frames: u64,
}

impl ReceiverSession {
    /// Begins a session with a peer that TLS has let in. `wall_milliseconds` is the centre's
    /// wall clock, sent as a hint; `window` is how many envelopes may wait for an answer, cut
    /// to 1..=[`MAX_ENVELOPES_IN_FLIGHT`].
    pub fn new(
        peer: Peer,
        software: &str,
        window: usize,
        wall_milliseconds: u64,
        now_milliseconds: u64,
    ) -> Self {
        Self {
            peer,
            software: software.to_owned(),
            wall_milliseconds,
            window: window.clamp(1, MAX_ENVELOPES_IN_FLIGHT),
            state: State::AwaitingHello {
                since: now_milliseconds,
            },
            decoder: FrameDecoder::default(),
            output: Vec::new(),
            unanswered: 0,
            unknown_frames: 0,
        }
    }

    /// Takes in bytes that arrived.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<ReceiverEvent> {
        let mut events = Vec::new();
        if self.state == State::Closed {
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
                    events.push(self.end(ErrorCode::Malformed, CloseReason::Malformed(error)));
                    break;
                }
            };
            if let Some(event) = self.handle(message) {
                events.push(event);
            }
            if self.state == State::Closed {
                break;
            }
        }
        events
    }

    /// Looks at the time: a peer that sends no hello is turned away.
    pub fn tick(&mut self, now_milliseconds: u64) -> Option<ReceiverEvent> {
        let State::AwaitingHello { since } = self.state else {
            return None;
        };
        (now_milliseconds.saturating_sub(since) >= HELLO_TIMEOUT_MILLISECONDS).then(|| {
            self.end(
                ErrorCode::Malformed,
                CloseReason::Timeout {
                    after_milliseconds: HELLO_TIMEOUT_MILLISECONDS,
                },
            )
        })
    }

    /// Says that a batch is durable. Call it only once it is.
    pub fn acknowledge(&mut self, ack: Ack) {
        self.unanswered = self.unanswered.saturating_sub(1);
        self.send(&Message::Ack(ack));
    }

    /// Says that a batch was not taken and when to try again.
    pub fn busy(&mut self, busy: Busy) {
        self.unanswered = self.unanswered.saturating_sub(1);
        self.send(&Message::Busy(busy));
    }

    /// Says that a person has not decided yet.
    pub fn enrol_pending(&mut self, pending: EnrolPending) {
        self.send(&Message::EnrolPending(pending));
    }

    /// Enrols the device.
    pub fn enrol_approve(&mut self, approval: EnrolApproval) {
        self.send(&Message::EnrolApproval(approval));
    }

    /// Refuses the device, with a line for the technician.
    pub fn enrol_refuse(&mut self, reason: &str) {
        self.send(&Message::EnrolRefused(EnrolRefused {
            reason: reason.to_owned(),
        }));
    }

    /// Gives a sensor its new certificate.
    pub fn renew_approve(&mut self, approval: RenewApproval) {
        self.send(&Message::RenewApproval(approval));
    }

    /// Refuses a new certificate, with a line for the operator.
    pub fn renew_refuse(&mut self, reason: &str) {
        self.send(&Message::RenewRefused(RenewRefused {
            reason: reason.to_owned(),
        }));
    }

    /// Gives bytes of a file.
    pub fn file_part(&mut self, part: FilePart) {
        self.send(&Message::FilePart(part));
    }

    /// Says that there is no such file.
    pub fn file_absent(&mut self, absent: FileAbsent) {
        self.send(&Message::FileAbsent(absent));
    }

    /// Gives the newest control, or says that there is none newer.
    pub fn control(&mut self, answer: ControlAnswer) {
        self.send(&Message::ControlAnswer(answer));
    }

    /// Ends the session with a reason.
    pub fn fail(&mut self, code: ErrorCode, text: &str) {
        if self.state != State::Closed {
            self.send(&Message::Error(SessionError {
                code,
                text: text.to_owned(),
            }));
            self.state = State::Closed;
        }
    }

    /// Takes the bytes to send.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    fn handle(&mut self, message: Message) -> Option<ReceiverEvent> {
        match message {
            Message::Unknown(_) => {
                self.unknown_frames += 1;
                (self.unknown_frames > MAX_UNKNOWN_FRAMES)
                    .then(|| self.out_of_place("too many unknown messages"))
            }
            Message::Error(error) => {
                self.state = State::Closed;
                Some(ReceiverEvent::Closed(CloseReason::Peer(error)))
            }
            Message::Hello(hello) => Some(self.greeted(hello)),
            _ if self.state != State::Ready => {
                Some(self.out_of_place("a message before the hello"))
            }
            Message::Envelope(bytes) => Some(self.envelope(bytes)),
            Message::EnrolRequest(request) => Some(match self.peer {
                Peer::Stranger => ReceiverEvent::EnrolRequested(request),
                Peer::Sensor(_) | Peer::Expired(_) => self.not_allowed("a request to enrol"),
            }),
            Message::RenewRequest(request) => Some(match self.peer {
                Peer::Sensor(_) | Peer::Expired(_) => ReceiverEvent::RenewRequested(request),
                Peer::Stranger => self.not_allowed("a request to renew"),
            }),
            Message::FileRequest(request) => Some(match self.peer {
                Peer::Sensor(_) => ReceiverEvent::FileRequested(request),
                Peer::Stranger | Peer::Expired(_) => self.not_allowed("a request for a file"),
            }),
            Message::ControlRequest(request) => Some(match self.peer {
                Peer::Sensor(_) => ReceiverEvent::ControlRequested(request),
                Peer::Stranger | Peer::Expired(_) => self.not_allowed("a request for control"),
            }),
            Message::HelloAnswer(_)
            | Message::FilePart(_)
            | Message::FileAbsent(_)
            | Message::ControlAnswer(_)
            | Message::AskForLess(_)
            | Message::Revocation(_)
            | Message::Ack(_)
            | Message::Busy(_)
            | Message::EnrolPending(_)
            | Message::EnrolApproval(_)
            | Message::EnrolRefused(_)
            | Message::RenewApproval(_)
            | Message::RenewRefused(_) => Some(self.out_of_place("a message of the centre")),
        }
    }

    fn greeted(&mut self, hello: Hello) -> ReceiverEvent {
        if !matches!(self.state, State::AwaitingHello { .. }) {
            return self.out_of_place("a second hello");
        }
        let version = hello.newest_version.min(NEWEST_VERSION);
        if version < OLDEST_VERSION || version < hello.oldest_version {
            return self.end(ErrorCode::Version, CloseReason::NoCommonVersion);
        }
        self.state = State::Ready;
        self.send(&Message::HelloAnswer(HelloAnswer {
            version,
            software: self.software.clone(),
            wall_milliseconds: self.wall_milliseconds,
            window: u32::try_from(self.window).unwrap_or(1),
        }));
        ReceiverEvent::Ready(hello)
    }

    fn envelope(&mut self, bytes: Vec<u8>) -> ReceiverEvent {
        if !matches!(self.peer, Peer::Sensor(_)) {
            return self.not_allowed("an envelope");
        }
        if self.unanswered >= self.window {
            return self.out_of_place("more envelopes than the window allows");
        }
        match ReceivedEnvelope::parse(bytes) {
            Ok(envelope) => {
                self.unanswered += 1;
                ReceiverEvent::Envelope(envelope)
            }
            Err(error) => self.end(ErrorCode::Malformed, CloseReason::Malformed(error)),
        }
    }

    fn not_allowed(&mut self, what: &'static str) -> ReceiverEvent {
        self.end(ErrorCode::NotAllowed, CloseReason::OutOfPlace { what })
    }

    fn out_of_place(&mut self, what: &'static str) -> ReceiverEvent {
        self.end(ErrorCode::Malformed, CloseReason::OutOfPlace { what })
    }

    fn end(&mut self, code: ErrorCode, reason: CloseReason) -> ReceiverEvent {
        self.fail(code, &reason.to_string());
        ReceiverEvent::Closed(reason)
    }

    fn send(&mut self, message: &Message) {
        // Every answer is far below a frame's cap, so writing cannot fail.
        let written = message.write(&mut self.output);
        debug_assert!(written.is_ok(), "{written:?}");
    }
}
