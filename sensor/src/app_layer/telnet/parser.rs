//! Cuts both directions into commands and text, and follows a login.

use lapwing_rules::model::{AppProtocol, Frame};
use memchr::memmem;

use crate::{
    app_layer::{Feed, FrameId, FrameLog, Parser, limits},
    direction::Direction,
};

/// "Interpret as command" (RFC 854).
const COMMAND: u8 = 0xff;
const SUBNEGOTIATION: u8 = 0xfa;
const SUBNEGOTIATION_END: &[u8] = &[0xff, 0xf0];
const PROMPT_END: &[u8] = b": ";

/// How far a login has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Login {
    #[default]
    NotYet,
    NameAsked,
    NameGiven,
    PasswordAsked,
    Over,
}

/// The unit that bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    More,
    /// Bytes of text.
    Text(usize),
    /// Bytes of a command.
    Command(usize),
    /// Bytes of a subnegotiation, its command among them.
    Subnegotiation(usize),
    /// A command without its option: the reference fails over it.
    Cut,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    pending: Vec<u8>,
    /// The frames of a unit that is not complete: as a unit, and as text or command.
    open: Option<[Option<FrameId>; 2]>,
}

/// Telnet of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct TelnetParser {
    login: Login,
    sides: [Side; 2],
    is_lost: bool,
    frames: FrameLog,
}

impl TelnetParser {
    fn unit(&self, direction: Direction, bytes: &[u8]) -> Unit {
        match bytes {
            [] | [COMMAND] => Unit::More,
            [COMMAND, SUBNEGOTIATION, rest @ ..] => memmem::find(rest, SUBNEGOTIATION_END)
                .map_or(Unit::More, |end| {
                    Unit::Subnegotiation(2 + end + SUBNEGOTIATION_END.len())
                }),
            [COMMAND, 0xfb..=0xfe] => Unit::Cut,
            [COMMAND, 0xfb..=0xfe, ..] => Unit::Command(3),
            [COMMAND, ..] => Unit::Command(2),
            _ => self
                .text_bytes(direction, bytes)
                .map_or(Unit::More, Unit::Text),
        }
    }

    fn text_bytes(&self, direction: Direction, bytes: &[u8]) -> Option<usize> {
        if direction == Direction::ToClient
            && matches!(self.login, Login::NotYet | Login::NameGiven)
        {
            memmem::find(bytes, PROMPT_END).map(|at| at + PROMPT_END.len())
        } else {
            memchr::memchr(b'\n', bytes).map(|at| at + 1)
        }
    }

    fn units(&mut self, direction: Direction, bytes: &[u8]) {
        let mut held = std::mem::take(&mut self.sides[direction.index()].pending);
        held.extend_from_slice(bytes);
        let mut at = 0;
        while at < held.len() {
            let fed = &held[at..];
            let open = self.sides[direction.index()].open.take();
            let open = open.unwrap_or_else(|| {
                let is_command = fed.first() == Some(&COMMAND);
                self.open(direction, fed, is_command)
            });
            match self.unit(direction, fed) {
                Unit::More => {
                    self.sides[direction.index()].open = Some(open);
                    break;
                }
                Unit::Cut => return self.lose(),
                Unit::Text(length) => {
                    self.close(direction, open, &fed[length..]);
                    self.follow_login(direction);
                    at += length;
                }
                Unit::Command(length) => {
                    self.close(direction, open, &fed[length..]);
                    at += length;
                }
                Unit::Subnegotiation(length) => {
                    self.close(direction, open, &fed[2..]);
                    let inner = self.open(direction, &fed[2..], true);
                    self.close(direction, inner, &fed[length..]);
                    at += length;
                }
            }
        }
        held.drain(..at);
        if held.len() > limits::TELNET_UNIT_BYTES_MAX {
            return self.lose();
        }
        self.sides[direction.index()].pending = held;
    }

    fn open(
        &mut self,
        direction: Direction,
        fed: &[u8],
        is_command: bool,
    ) -> [Option<FrameId>; 2] {
        let kind = if is_command {
            Frame::TelnetControl
        } else {
            Frame::TelnetData
        };
        [Frame::TelnetPdu, kind].map(|frame| self.frames.open(direction, frame, fed, None))
    }

    fn close(&mut self, direction: Direction, open: [Option<FrameId>; 2], rest: &[u8]) {
        for id in open {
            self.frames.close(direction, id, rest);
        }
    }

    fn follow_login(&mut self, direction: Direction) {
        self.login = match (self.login, direction) {
            (Login::NotYet, Direction::ToClient) => Login::NameAsked,
            (Login::NameAsked, Direction::ToServer) => Login::NameGiven,
            (Login::NameGiven, Direction::ToClient) => Login::PasswordAsked,
            (Login::PasswordAsked, Direction::ToServer) => Login::Over,
            (login, _) => login,
        };
    }

    fn lose(&mut self) {
        self.is_lost = true;
        self.sides = Default::default();
        for direction in Direction::BOTH {
            self.frames.clear(direction);
        }
    }
}

impl Parser for TelnetParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Telnet
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if !self.is_lost && !bytes.is_empty() {
            self.units(direction, bytes);
        }
        if self.is_lost { Feed::Stop } else { Feed::More }
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        let side = &mut self.sides[direction.index()];
        side.pending = Vec::new();
        if let Some(open) = side.open.take() {
            self.close(direction, open, &[]);
        }
        Feed::More
    }

    fn end(&mut self, _: Direction) {}

    fn frames(&self) -> Option<&FrameLog> {
        Some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        Some(&mut self.frames)
    }

    fn held_bytes(&self) -> usize {
        let pending: usize = self.sides.iter().map(|side| side.pending.capacity()).sum();
        size_of::<Self>() + pending
    }
}
