//! The handshake of one connection, which is its one transaction.

use lapwing_rules::model::{AppProtocol, Buffer, Frame};

use super::handshake::{Expected, Length, SERVER_INIT_BYTES};
use crate::{
    app_layer::{
        BufferView, FactKind, Feed, FrameLog, Parser, Transaction, TransactionField,
        TransactionStore,
        transactions::{Events, Transactions},
    },
    direction::Direction,
};

const TYPE_INVALID: u32 = 0;
const TYPE_NONE: u32 = 1;
const TYPE_VNC: u32 = 2;
const RESULT_OK: u32 = 0;
const RESULT_FAILED: u32 = 1;

/// RFB of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct RfbParser {
    expected: Expected,
    /// Bytes of a message that is not complete, per direction.
    pending: [Vec<u8>; 2],
    /// Nothing of the connection is understood any more.
    is_lost: bool,
    has_gap: [bool; 2],
    transactions: Transactions<Handshake>,
    frames: FrameLog,
}

/// What rules ask of a handshake. As in the reference they ask once it is complete or was given up.
#[derive(Debug, Default)]
struct Handshake {
    security_type: u32,
    /// The one result that the reference notes is success.
    is_authenticated: bool,
    name: Vec<u8>,
    is_complete: bool,
    /// The flow is over.
    is_over: [bool; 2],
    events: Events,
    steps: u32,
}

impl RfbParser {
    fn messages(&mut self, direction: Direction, bytes: &[u8]) {
        let mut held = std::mem::take(&mut self.pending[direction.index()]);
        held.extend_from_slice(bytes);
        let mut at = 0;
        while at < held.len() && !self.is_lost {
            let fed = &held[at..];
            match self.expected.speaker() {
                None => return,
                Some(speaker) if speaker != direction => {
                    self.give_up("confused_state");
                    return;
                }
                Some(_) => {}
            }
            match self.expected.length(fed) {
                Length::Whole(length) => {
                    if self.expected != Expected::Reason {
                        self.frames
                            .open(direction, Frame::RfbPdu, fed, Some(length));
                    }
                    self.message(&fed[..length]);
                    at += length;
                }
                Length::More => break,
                Length::Invalid => {
                    self.lose();
                    return;
                }
            }
        }
        held.drain(..at);
        if Expected::may_be_kept(&held) {
            self.pending[direction.index()] = held;
        }
    }

    /// The message that was expected.
    fn message(&mut self, message: &[u8]) {
        let number = message.first_chunk().map(|word| u32::from_be_bytes(*word));
        self.expected = match self.expected {
            Expected::ServerVersion => {
                self.transactions.push(Handshake::default());
                Expected::ClientVersion
            }
            Expected::ClientVersion if message.get(8..11) == Some(b"003") => Expected::SecurityType,
            Expected::ClientVersion => Expected::SecurityTypes,
            Expected::SecurityType => self.decided(number.unwrap_or_default()),
            Expected::SecurityTypes if message.len() == 1 => Expected::Reason,
            Expected::SecurityTypes => Expected::Choice,
            Expected::Choice => self.chosen(message.first().copied().unwrap_or_default()),
            Expected::Challenge => Expected::Response,
            Expected::Response => Expected::SecurityResult,
            Expected::SecurityResult => match number.unwrap_or_default() {
                RESULT_OK => {
                    self.change(|handshake| handshake.is_authenticated = true);
                    Expected::ClientInit
                }
                RESULT_FAILED => Expected::Reason,
                _ => {
                    self.give_up("unknown_security_result");
                    Expected::Nothing
                }
            },
            Expected::ClientInit => Expected::ServerInit,
            Expected::ServerInit => {
                let name = message.get(SERVER_INIT_BYTES..).unwrap_or_default();
                self.change(|handshake| {
                    handshake.name = name.to_vec();
                    handshake.is_complete = true;
                });
                Expected::Nothing
            }
            Expected::Reason => Expected::Reason,
            Expected::Nothing => Expected::Nothing,
        };
    }

    /// The server decided on a type of security.
    fn decided(&mut self, security_type: u32) -> Expected {
        match security_type {
            TYPE_INVALID => Expected::Reason,
            TYPE_NONE | TYPE_VNC => self.chosen(if security_type == TYPE_NONE { 1 } else { 2 }),
            _ => {
                self.give_up("unimplemented_security_type");
                Expected::Nothing
            }
        }
    }

    /// The client chose a type of security.
    fn chosen(&mut self, security_type: u8) -> Expected {
        let security_type = u32::from(security_type);
        self.change(|handshake| handshake.security_type = security_type);
        match security_type {
            TYPE_NONE => Expected::ClientInit,
            TYPE_VNC => Expected::Challenge,
            _ => {
                // As in the reference this handshake is never complete: only its event is told.
                self.change(|handshake| handshake.events.add("unimplemented_security_type"));
                Expected::Nothing
            }
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Handshake)) {
        if let Some(handshake) = self.transactions.newest_mut() {
            change(handshake);
            handshake.steps = handshake.steps.wrapping_add(1);
        }
    }

    fn give_up(&mut self, event: &'static str) {
        self.change(|handshake| {
            handshake.events.add(event);
            handshake.is_complete = true;
        });
        self.expected = Expected::Nothing;
    }

    /// Of what cannot be read nobody is told: the reference inspects nothing of a flow whose parser failed so early.
    fn lose(&mut self) {
        self.is_lost = true;
        self.pending = Default::default();
        self.transactions = Transactions::default();
        for direction in Direction::BOTH {
            self.frames.clear(direction);
        }
    }
}

impl Parser for RfbParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Rfb
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if self.has_gap[direction.index()] {
            return Feed::Fail;
        }
        if !self.is_lost {
            self.messages(direction, bytes);
        }
        if self.is_lost { Feed::Fail } else { Feed::More }
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        // The other side is listened to until this one goes on.
        self.has_gap[direction.index()] = true;
        self.pending[direction.index()] = Vec::new();
        Feed::More
    }

    fn end(&mut self, direction: Direction) {
        self.change(|handshake| handshake.is_over[direction.index()] = true);
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn frames(&self) -> Option<&FrameLog> {
        Some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        Some(&mut self.frames)
    }

    fn held_bytes(&self) -> usize {
        let pending: usize = self.pending.iter().map(Vec::capacity).sum();
        let names: usize = self
            .transactions
            .iter()
            .map(|handshake| size_of::<Handshake>() + handshake.name.capacity())
            .sum();
        size_of::<Self>() + pending + names
    }
}

impl Transaction for Handshake {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        match (buffer, direction, index) {
            (Buffer::RfbName, Direction::ToClient, 0) if !self.is_complete => BufferView::Pending,
            (Buffer::RfbName, Direction::ToClient, 0) if !self.name.is_empty() => {
                BufferView::Complete(&self.name)
            }
            _ => BufferView::Absent,
        }
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        match (field, direction, index) {
            _ if !self.is_complete => None,
            (TransactionField::RfbSecurityType, Direction::ToServer, 0) => {
                Some(u64::from(self.security_type))
            }
            (TransactionField::RfbSecurityResult, Direction::ToClient, 0) => {
                self.is_authenticated.then_some(u64::from(RESULT_OK))
            }
            _ => None,
        }
    }

    fn progress(&self, _: Direction) -> u32 {
        self.steps
    }

    fn is_complete(&self, direction: Direction) -> bool {
        self.is_complete || self.is_over[direction.index()]
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, _: &mut Vec<(FactKind, Vec<u8>)>) {}
}
