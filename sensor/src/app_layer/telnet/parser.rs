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
    /// Bytes of a command; of a subnegotiation up to its end, which is a command.
    Command(usize),
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
                .map_or(Unit::More, |end| Unit::Command(2 + end)),
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
            }
        }
        held.drain(..at);
        if held.len() > limits::TELNET_UNIT_BYTES_MAX {
            return self.lose();
        }
        self.sides[direction.index()].pending = held;
    }

    fn open(&mut self, direction: Direction, fed: &[u8], is_command: bool) -> [Option<FrameId>; 2] {
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
        if self.is_lost { Feed::Fail } else { Feed::More }
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        self.end(direction);
        Feed::More
    }

    fn end(&mut self, direction: Direction) {
        let side = &mut self.sides[direction.index()];
        side.pending = Vec::new();
        if let Some(open) = side.open.take() {
            self.close(direction, open, &[]);
        }
    }

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

#[cfg(test)]
mod tests {
    use lapwing_rules::model::FrameSet;
    use proptest::prelude::*;

    use super::*;
    use crate::direction::Direction::{ToClient, ToServer};

    const LOGIN: &[(Direction, &[u8])] = &[
        (ToClient, b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0"),
        (ToServer, b"\xff\xfb\x18"),
        (ToClient, b"Welcome\r\nlogin: "),
        (ToServer, b"root\r\n"),
        (ToClient, b"\r\nPassword: "),
        (ToServer, b"secret\r\n"),
        (ToClient, b"hello: you\r\n$ "),
        (ToServer, b"exit"),
    ];

    /// Every unit with its bytes, as rules would see them.
    fn units(turns: &[(Direction, &[u8])], sizes: &[usize]) -> Vec<(Frame, Vec<u8>)> {
        let mut wanted = FrameSet::default();
        for frame in [Frame::TelnetPdu, Frame::TelnetData, Frame::TelnetControl] {
            wanted.insert(frame);
        }
        let mut parser = TelnetParser::default();
        parser.frames.want(wanted);
        let mut seen = Vec::new();
        let mut sizes = sizes.iter().copied().cycle();
        let mut look = |parser: &mut TelnetParser, direction| {
            let pieces = parser.frames.pieces(direction, false);
            seen.extend(pieces.map(|piece| (piece.frame, piece.bytes.to_vec())));
            parser.frames.inspected(direction, false);
        };
        for (direction, bytes) in turns {
            let mut rest = *bytes;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
                parser.frames.fed(*direction, now);
                parser.feed(*direction, now);
                look(&mut parser, *direction);
                rest = later;
            }
        }
        for direction in Direction::BOTH {
            parser.end(direction);
            look(&mut parser, direction);
        }
        seen
    }

    #[test]
    fn commands_prompts_and_lines_are_units() {
        let seen: Vec<(Frame, Vec<u8>)> = units(LOGIN, &[usize::MAX])
            .into_iter()
            .filter(|(frame, _)| *frame != Frame::TelnetPdu)
            .collect();
        let expected: &[(Frame, &[u8])] = &[
            (Frame::TelnetControl, b"\xff\xfd\x18"),
            (Frame::TelnetControl, b"\xff\xfa\x18\x01"),
            (Frame::TelnetControl, b"\xff\xf0"),
            (Frame::TelnetControl, b"\xff\xfb\x18"),
            (Frame::TelnetData, b"Welcome\r\nlogin: "),
            (Frame::TelnetData, b"root\r\n"),
            (Frame::TelnetData, b"\r\nPassword: "),
            (Frame::TelnetData, b"secret\r\n"),
            (Frame::TelnetData, b"hello: you\r\n"),
            (Frame::TelnetData, b"exit"),
            (Frame::TelnetData, b"$ "),
        ];
        let expected: Vec<(Frame, Vec<u8>)> = expected
            .iter()
            .map(|(frame, bytes)| (*frame, bytes.to_vec()))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_command_cut_before_its_option_ends_it_as_in_the_reference() {
        let mut parser = TelnetParser::default();
        assert_eq!(parser.feed(ToClient, b"\xff"), Feed::More);
        assert_eq!(parser.feed(ToClient, b"\xfd\x18"), Feed::More);
        assert_eq!(parser.feed(ToClient, b"\xff\xfd"), Feed::Fail);
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut parser = TelnetParser::default();
        let fed = (0..100).map(|_| parser.feed(ToServer, &[b'x'; 1_000]));
        assert!(fed.collect::<Vec<_>>().contains(&Feed::Fail));
        assert!(parser.held_bytes() < 200 * 1024);
    }

    proptest! {
        #[test]
        fn cuts_of_text_change_nothing(sizes in prop::collection::vec(1usize..12, 1..10)) {
            prop_assert_eq!(units(&LOGIN[2..], &sizes), units(&LOGIN[2..], &[usize::MAX]));
        }
    }
}
