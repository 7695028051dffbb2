//! Both sides of an SMTP session.

use lapwing_rules::model::AppProtocol;

use super::{
    commands::{Command, Waiting},
    replies,
    transaction::SmtpTransaction,
};
use crate::{
    app_layer::{
        DigestSet, Feed, Parser, TransactionStore, limits,
        lines::{Line, Lines, Rest},
        transactions::Transactions,
    },
    direction::Direction,
};

/// What the client's lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Commands,
    /// The mail, up to a line with a dot.
    Mail,
    /// A chunk of `BDAT`.
    Chunk,
    /// `STARTTLS` was granted: nothing of this is read any more.
    Encrypted,
}

/// SMTP of one connection.
#[derive(Debug)]
pub(in crate::app_layer) struct SmtpParser {
    lines: [Lines; 2],
    transactions: Transactions<SmtpTransaction>,
    digests: DigestSet,
    mode: Mode,
    waiting: Waiting,
    /// In the middle of a reply of several lines.
    in_reply: bool,
    greeted: bool,
    has_hello: bool,
    allows_pipelining: bool,
    /// Bytes of the announced chunk.
    chunk_bytes: u64,
    /// Bytes of chunks that came since the last `RSET`: as the reference counts, which does not start anew for a chunk.
    chunk_bytes_seen: u64,
    /// Something could not be understood: neither direction is read any more.
    is_broken: bool,
}

impl Default for SmtpParser {
    fn default() -> Self {
        Self {
            lines: [(); 2].map(|()| Lines::new(limits::SMTP_LINE_BYTES_MAX)),
            transactions: Transactions::default(),
            digests: DigestSet::default(),
            mode: Mode::default(),
            waiting: Waiting::default(),
            in_reply: false,
            greeted: false,
            has_hello: false,
            allows_pipelining: false,
            chunk_bytes: 0,
            chunk_bytes_seen: 0,
            is_broken: false,
        }
    }
}

/// A line broke the conversation.
struct Broken;

impl SmtpParser {
    /// The mail in hand, or the last one.
    fn newest(&mut self) -> Option<&mut SmtpTransaction> {
        self.transactions.newest_mut()
    }

    /// An event before any command belongs to nothing and is lost, as in the reference.
    fn event(&mut self, name: &'static str) {
        if let Some(newest) = self.newest() {
            newest.event(name);
        }
    }

    fn client_line(&mut self, line: &[u8], ending: &[u8]) -> Result<(), Broken> {
        let goes_on = self.mode == Mode::Commands && (is(line, b"rset") || is(line, b"quit"));
        if self
            .newest()
            .is_none_or(|newest| newest.is_done && !goes_on)
        {
            self.transactions.push(SmtpTransaction::new(self.digests));
        }
        if !self.greeted {
            self.event("no_server_welcome_message");
        }
        match self.mode {
            Mode::Commands => self.command(line),
            Mode::Mail => {
                self.mail_line(line, ending);
                Ok(())
            }
            Mode::Chunk => self.chunk_line(line.len() + ending.len()),
            Mode::Encrypted => Ok(()),
        }
    }

    fn command(&mut self, line: &[u8]) -> Result<(), Broken> {
        let command = if is(line, b"starttls") {
            Command::StartTls
        } else if is(line, b"data") {
            let has_data = self
                .newest()
                .is_some_and(|newest| std::mem::replace(&mut newest.has_data, true));
            if has_data {
                self.event("unparsable_content");
                return Ok(());
            }
            if self.allows_pipelining {
                // The mail may follow at once.
                self.mode = Mode::Mail;
            }
            Command::Data
        } else if is(line, b"bdat") {
            self.chunk_bytes = chunk_length(line).ok_or(Broken)?;
            self.mode = Mode::Chunk;
            Command::Chunk
        } else if is(line, b"helo") || is(line, b"ehlo") {
            if std::mem::replace(&mut self.has_hello, true) {
                self.event("duplicate_fields");
            }
            Command::Other
        } else if is(line, b"mail from") {
            let has_sender = self
                .newest()
                .is_some_and(|newest| std::mem::replace(&mut newest.has_sender, true));
            if has_sender {
                self.event("duplicate_fields");
            }
            Command::Other
        } else if is(line, b"rset") {
            self.chunk_bytes_seen = 0;
            if let Some(newest) = self.newest() {
                newest.finish();
            }
            Command::Reset
        } else {
            Command::Other
        };
        self.wait_for(command);
        Ok(())
    }

    fn wait_for(&mut self, command: Command) {
        if !self.waiting.add(command) {
            self.event("invalid_pipelined_sequence");
        }
    }

    fn mail_line(&mut self, line: &[u8], ending: &[u8]) {
        if line == b"." {
            self.mode = Mode::Commands;
            self.wait_for(Command::Mail);
            if let Some(newest) = self.newest() {
                newest.mail.end(&mut newest.events);
                newest.finish();
            }
        } else if let Some(newest) = self.newest() {
            newest.mail_line(line, ending);
        }
    }

    fn chunk_line(&mut self, bytes: usize) -> Result<(), Broken> {
        self.chunk_bytes_seen += u64::try_from(bytes).unwrap_or(u64::MAX);
        if self.chunk_bytes_seen > self.chunk_bytes {
            self.event("bdat_chunk_len_exceeded");
            return Err(Broken);
        }
        if self.chunk_bytes_seen == self.chunk_bytes {
            self.mode = Mode::Commands;
        }
        Ok(())
    }

    fn reply_line(&mut self, line: &[u8], ending: &[u8]) -> Result<Feed, Broken> {
        if line.is_empty() && ending.len() == 1 {
            return Ok(Feed::More);
        }
        let Some(code) = replies::code(line) else {
            self.event("invalid_reply");
            return Err(Broken);
        };
        self.in_reply = replies::goes_on(line);
        let mut feed = Feed::More;
        match self.waiting.next() {
            None if !self.greeted => {
                self.greeted = true;
                if code != 220 {
                    self.event("invalid_reply");
                }
                return Ok(Feed::More);
            }
            Some(Command::StartTls) if code == 220 => {
                self.mode = Mode::Encrypted;
                if let Some(newest) = self.newest() {
                    newest.finish();
                }
                feed = Feed::Upgrade;
            }
            Some(Command::StartTls) => self.event("tls_rejected"),
            Some(Command::Data) if code == 354 => self.mode = Mode::Mail,
            Some(Command::Data) => {
                if self.allows_pipelining {
                    self.mode = Mode::Commands;
                }
                self.event("data_command_rejected");
            }
            Some(Command::Reset) if code == 250 && !self.in_reply => {
                if let Some(newest) = self.newest() {
                    newest.finish();
                }
            }
            _ => {}
        }
        if !self.in_reply {
            self.waiting.answered();
        } else if self.greeted
            && code == 250
            && line.len() == 14
            && line[4..].eq_ignore_ascii_case(b"pipelining")
        {
            self.allows_pipelining = true;
        }
        Ok(feed)
    }

    fn line(&mut self, direction: Direction, line: &Line) -> Result<Feed, Broken> {
        let (line, ending) = match line {
            Line::Whole(line, 2) => (&line[..], &b"\r\n"[..]),
            Line::Whole(line, _) => (&line[..], &b"\n"[..]),
            Line::Cut(line) => (&line[..], &b""[..]),
        };
        let is_mail = self.mode == Mode::Mail && direction == Direction::ToServer;
        let fed = match direction {
            Direction::ToServer => self.client_line(line, ending).map(|()| Feed::More),
            Direction::ToClient => self.reply_line(line, ending),
        };
        if ending.is_empty() && !is_mail {
            self.event("truncated_line");
        }
        fed
    }
}

/// Whether a line begins with a command.
fn is(line: &[u8], command: &[u8]) -> bool {
    line.get(..command.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(command))
}

/// The length behind `BDAT` (RFC 3030, section 2).
fn chunk_length(line: &[u8]) -> Option<u64> {
    let digits = line.get(4..)?.strip_prefix(b" ")?.trim_ascii_start();
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    std::str::from_utf8(&digits[..count]).ok()?.parse().ok()
}

impl Parser for SmtpParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Smtp
    }

    fn feed(&mut self, direction: Direction, mut bytes: &[u8]) -> Feed {
        let mut feed = Feed::More;
        while !self.is_broken && feed == Feed::More {
            let rest = match (direction, self.mode) {
                (Direction::ToServer, Mode::Commands) => Rest::Discarded,
                _ => Rest::NextLine,
            };
            let Some(line) = self.lines[direction.index()].next(&mut bytes, rest) else {
                break;
            };
            match self.line(direction, &line) {
                Ok(next) => feed = next,
                Err(Broken) => self.is_broken = true,
            }
        }
        if self.is_broken { Feed::Stop } else { feed }
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        self.lines[direction.index()].gap();
        if direction == Direction::ToServer
            && let Some(newest) = self.newest()
        {
            // What is behind the gap cannot be put into its place in the mail.
            newest.mail.finish();
            newest.step();
        }
        Feed::More
    }

    fn end(&mut self, direction: Direction) {
        let rest = self.lines[direction.index()].take_rest();
        if direction == Direction::ToServer
            && self.mode == Mode::Mail
            && let Some(newest) = self.newest()
        {
            // The mail was cut off in the middle of a line.
            newest.mail_line(&rest, b"");
        }
        for transaction in self.transactions.iter_mut() {
            transaction.ended[direction.index()] = true;
            transaction.step();
        }
    }

    fn want_digests(&mut self, digests: DigestSet) {
        self.digests = digests;
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self.waiting.held_bytes()
            + self.lines.iter().map(Lines::held_bytes).sum::<usize>()
            + self
                .transactions
                .iter()
                .map(SmtpTransaction::held_bytes)
                .sum::<usize>()
    }
}
