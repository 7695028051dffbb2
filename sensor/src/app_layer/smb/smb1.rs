//! What commands of SMB 1 ask and answer (MS-CIFS 2.2.4, MS-SMB 2.2.4). Offsets within a message count from its header.

use super::{
    ntlmssp::Login,
    record::{Ids, SMB1_HEADER_BYTES, STATUS_BUFFER_OVERFLOW, STATUS_SUCCESS, Smb1, narrow},
    session::{FilePiece, Handle, Rest, SMB1_NEGOTIATE, Session},
    transaction::{Command, Subject},
};
use crate::{
    app_layer::{limits, reader::Reader},
    direction::Direction,
};

const CLOSE: u8 = 0x04;
const WRITE: u8 = 0x0b;
const LOCKING_ANDX: u8 = 0x24;
const TRANSACTION: u8 = 0x25;
const WRITE_AND_CLOSE: u8 = 0x2c;
const OPEN_ANDX: u8 = 0x2d;
const READ_ANDX: u8 = 0x2e;
const WRITE_ANDX: u8 = 0x2f;
const TRANSACTION2: u8 = 0x32;
const TRANSACTION2_SECONDARY: u8 = 0x33;
const TREE_DISCONNECT: u8 = 0x71;
const NEGOTIATE: u8 = 0x72;
const SESSION_SETUP_ANDX: u8 = 0x73;
const LOGOFF_ANDX: u8 = 0x74;
const TREE_CONNECT_ANDX: u8 = 0x75;
const NT_CREATE_ANDX: u8 = 0xa2;
const NT_CANCEL: u8 = 0xa4;
const NONE: u8 = 0xff;
const MALFORMED: &str = "malformed_data";

/// Whether a record of this command can be followed while it is still coming.
pub(super) fn is_followed(session: &Session, record: &Smb1<'_>, direction: Direction) -> bool {
    let wanted = match direction {
        Direction::ToServer => WRITE_ANDX,
        Direction::ToClient => READ_ANDX,
    };
    record.command == wanted && !session.tree(record.ids).is_some_and(|tree| tree.is_pipe)
}

/// Whether another command may be chained behind this one (MS-CIFS 2.2.3.4).
fn is_andx(command: u8) -> bool {
    matches!(
        command,
        LOCKING_ANDX
            | OPEN_ANDX
            | READ_ANDX
            | WRITE_ANDX
            | SESSION_SETUP_ANDX
            | LOGOFF_ANDX
            | TREE_CONNECT_ANDX
            | NT_CREATE_ANDX
    )
}

/// One command of a message: where its parameters begin.
#[derive(Clone, Copy)]
struct Part<'a> {
    record: &'a Smb1<'a>,
    command: u8,
    at: usize,
}

impl<'a> Part<'a> {
    fn reader(self) -> Reader<'a> {
        Reader::at(self.record.message, self.at)
    }

    fn ids(self) -> Ids {
        self.record.ids
    }

    fn key(self) -> Command {
        Command::Smb1(self.command)
    }

    /// The next command of the chain.
    fn next(self) -> Option<Self> {
        if !is_andx(self.command) {
            return None;
        }
        let mut reader = self.reader();
        reader.take(1)?;
        let command = reader.u8()?;
        reader.take(1)?;
        let at = usize::from(reader.le_u16()?);
        let goes_on = command != NONE && at > self.at && at < self.record.message.len();
        goes_on.then_some(Self {
            command,
            at,
            ..self
        })
    }
}

/// Calls `handle` for each command of a message; gives what the last one left over.
fn each_part(record: &Smb1<'_>, mut handle: impl FnMut(Part<'_>) -> Rest) -> Rest {
    let mut rest = Rest::Passed;
    let mut part = Some(Part {
        record,
        command: record.command,
        at: SMB1_HEADER_BYTES,
    });
    for _ in 0..limits::SMB_CHAIN_MAX {
        let Some(now) = part else { break };
        rest = handle(now);
        part = now.next();
    }
    rest
}

/// What the client says. Gives what the rest of a record that is still coming belongs to.
pub(super) fn request(session: &mut Session, record: &Smb1<'_>) -> Rest {
    each_part(record, |part| request_part(session, part))
}

fn request_part(session: &mut Session, part: Part<'_>) -> Rest {
    let ids = part.ids();
    let understood = match part.command {
        NEGOTIATE => negotiate_request(session, part),
        SESSION_SETUP_ANDX => session_setup(session, part),
        TREE_CONNECT_ANDX => tree_connect(session, part),
        NT_CREATE_ANDX => create(session, part),
        READ_ANDX => read_request(session, part),
        WRITE_ANDX | WRITE | WRITE_AND_CLOSE => match Write::parse(part) {
            Some(write) => return write_request(session, part, &write),
            None => None,
        },
        TRANSACTION => transaction_request(session, part),
        TRANSACTION2 => Some(()),
        CLOSE => {
            let closed = close_request(session, part);
            let transaction = session.request(part.key(), ids, Subject::Plain);
            if closed.is_none() {
                transaction.event(MALFORMED);
            }
            Some(())
        }
        command => {
            if command == TREE_DISCONNECT {
                session.trees.remove(&ids.tree_key());
            }
            let transaction = session.request(part.key(), ids, Subject::Plain);
            if matches!(command, NT_CANCEL | TRANSACTION2_SECONDARY | LOCKING_ANDX) {
                // The server does not answer these.
                transaction.finish(Direction::ToClient);
            }
            Some(())
        }
    };
    if understood.is_none() {
        match part.command {
            READ_ANDX => session.event(MALFORMED),
            _ => session
                .request(part.key(), ids, Subject::Plain)
                .event(MALFORMED),
        }
    }
    Rest::Passed
}

/// Dialects, each behind a byte for its format and closed by a zero byte.
fn negotiate_request(session: &mut Session, part: Part<'_>) -> Option<()> {
    let mut reader = part.reader();
    reader.take(3)?;
    let list = reader.rest();
    let is_known = session
        .transactions
        .iter()
        .any(|one| one.command == SMB1_NEGOTIATE);
    if is_known {
        session.event("duplicate_negotiate");
        return Some(());
    }
    let mut dialects = list.split(|byte| *byte == 0).rev();
    // What stands behind the last zero byte is none.
    dialects.next();
    let is_odd = dialects.any(|dialect| dialect.len() < 2);
    let transaction = session.request(SMB1_NEGOTIATE, part.ids(), Subject::Plain);
    if is_odd {
        transaction.event("negotiate_malformed_dialects");
    }
    (list.contains(&0)).then_some(())
}

fn session_setup(session: &mut Session, part: Part<'_>) -> Option<()> {
    let mut reader = part.reader();
    reader.take(15)?;
    let length = usize::from(reader.le_u16()?);
    reader.take(10)?;
    let blob = reader.rest();
    let blob = blob.get(..length).unwrap_or(blob);
    let subject = Subject::SessionSetup(Login::find(blob));
    session.request(part.key(), part.ids(), subject);
    Some(())
}

/// A name closed by zeros; UTF-16 begins at an even offset of the message.
fn name_at(record: &Smb1<'_>, at: usize) -> Option<(Vec<u8>, usize)> {
    if !record.is_unicode {
        let bytes = record.message.get(at..)?;
        let length = memchr::memchr(0, bytes)?;
        return Some((narrow(&bytes[..length]), at + length + 1));
    }
    let start = at.next_multiple_of(2);
    let units = record.message.get(start..)?;
    let length = units
        .chunks_exact(2)
        .position(|unit| unit == [0, 0])
        .map_or(units.len(), |unit| 2 * unit);
    Some((narrow(&units[..length]), start + length + 2))
}

fn tree_connect(session: &mut Session, part: Part<'_>) -> Option<()> {
    let mut reader = part.reader();
    reader.take(7)?;
    let password_bytes = usize::from(reader.le_u16()?);
    reader.take(2)?;
    reader.take(password_bytes)?;
    let (share, _) = name_at(part.record, reader.position())?;
    session.tree_requested(part.key(), part.ids(), share);
    Some(())
}

fn create(session: &mut Session, part: Part<'_>) -> Option<()> {
    let mut reader = part.reader();
    reader.take(6)?;
    let name_bytes = usize::from(reader.le_u16()?);
    reader.take(41)?;
    let count = usize::from(reader.le_u16()?);
    let at = reader.position() + usize::from(part.record.is_unicode && count > name_bytes);
    let start = if part.record.is_unicode {
        at.next_multiple_of(2)
    } else {
        at
    };
    let rest = part
        .record
        .message
        .get(start.min(part.record.message.len())..)?;
    let name = narrow(rest.get(..name_bytes).unwrap_or(rest));
    let ids = part.ids();
    session.opening.insert((ids.session, ids.message), name);
    session.request(part.key(), ids, Subject::Plain);
    Some(())
}

fn read_request(session: &mut Session, part: Part<'_>) -> Option<()> {
    let mut reader = part.reader();
    let words = reader.u8()?;
    reader.take(4)?;
    let file = reader.le_u16()?;
    let low = u64::from(reader.le_u32()?);
    reader.take(10)?;
    let high = match words {
        12 => u64::from(reader.le_u32()?),
        _ => 0,
    };
    let ids = part.ids();
    let handle = Handle::from_smb1(file, ids.session);
    session
        .reading
        .insert(ids.key(), (handle, high << 32 | low));
    Some(())
}

/// A write in any of its forms, perhaps only its beginning.
struct Write<'a> {
    file: u16,
    offset: u64,
    length: u64,
    bytes: &'a [u8],
}

impl<'a> Write<'a> {
    fn parse(part: Part<'a>) -> Option<Self> {
        let mut reader = part.reader();
        let words = reader.u8()?;
        let message = part.record.message;
        let (file, offset, length, start) = match part.command {
            WRITE_ANDX => {
                reader.take(4)?;
                let file = reader.le_u16()?;
                let low = u64::from(reader.le_u32()?);
                reader.take(8)?;
                let length_high = u64::from(reader.le_u16()?);
                let length_low = u64::from(reader.le_u16()?);
                let start = usize::from(reader.le_u16()?);
                let high = match words {
                    14 => u64::from(reader.le_u32()?),
                    _ => 0,
                };
                (
                    file,
                    high << 32 | low,
                    length_high << 16 | length_low,
                    start,
                )
            }
            WRITE => {
                let file = reader.le_u16()?;
                reader.take(2)?;
                let offset = u64::from(reader.le_u32()?);
                reader.take(5)?;
                let length = u64::from(reader.le_u16()?);
                (file, offset, length, reader.position())
            }
            _ => {
                let file = reader.le_u16()?;
                let length = reader.le_u16()?;
                let offset = u64::from(reader.le_u32()?);
                reader.take(4)?;
                let padding = usize::from(reader.le_u16()?.saturating_sub(length));
                (file, offset, u64::from(length), reader.position() + padding)
            }
        };
        let bytes = message.get(start..).unwrap_or_default();
        let wanted = usize::try_from(length).ok()?;
        Some(Self {
            file,
            offset,
            length,
            bytes: bytes.get(..wanted).unwrap_or(bytes),
        })
    }
}

fn write_request(session: &mut Session, part: Part<'_>, write: &Write<'_>) -> Rest {
    let ids = part.ids();
    if session.tree(ids).is_some_and(|tree| tree.is_pipe) {
        session.pipe_request(part.key(), ids, write.bytes);
        return Rest::Passed;
    }
    let handle = Handle::from_smb1(write.file, ids.session);
    let piece = FilePiece {
        handle,
        offset: write.offset,
        length: write.length,
        bytes: write.bytes,
    };
    let rest = session.file_piece(part.key(), ids, Direction::ToServer, piece);
    if part.command == WRITE_AND_CLOSE {
        session.close_file(handle);
    }
    if matches!(part.command, WRITE | WRITE_AND_CLOSE) {
        session.request(part.key(), ids, Subject::Plain);
    }
    rest
}

fn close_request(session: &mut Session, part: Part<'_>) -> Option<()> {
    let mut reader = part.reader();
    reader.take(1)?;
    let handle = Handle::from_smb1(reader.le_u16()?, part.ids().session);
    session.close_file(handle);
    Some(())
}

/// A transaction on a pipe (MS-CIFS 2.2.5.6): function and pipe are its two setup words.
fn transaction_request(session: &mut Session, part: Part<'_>) -> Option<()> {
    let mut reader = part.reader();
    reader.take(23)?;
    let count = usize::from(reader.le_u16()?);
    let start = usize::from(reader.le_u16()?);
    let setup_words = reader.u8()?;
    reader.take(1)?;
    if setup_words != 2 || count == 0 {
        return Some(());
    }
    reader.take(2)?;
    let ids = part.ids();
    let handle = Handle::from_smb1(reader.le_u16()?, ids.session);
    session.pending_handles.insert(ids.key(), handle);
    if session.is_of_calls(handle) {
        let bytes = part.record.message.get(start..)?.get(..count)?;
        session.pipe_request(part.key(), ids, bytes);
    }
    Some(())
}

/// What the server says. Gives what the rest of a record that is still coming belongs to.
pub(super) fn response(session: &mut Session, record: &Smb1<'_>) -> Rest {
    each_part(record, |part| response_part(session, part))
}

fn response_part(session: &mut Session, part: Part<'_>) -> Rest {
    let ids = part.ids();
    let is_success = part.record.status == STATUS_SUCCESS;
    let understood = match part.command {
        READ_ANDX if is_success || part.record.status == STATUS_BUFFER_OVERFLOW => {
            return match Read::parse(part) {
                Some(read) => read_response(session, part, &read),
                None => {
                    session.event(MALFORMED);
                    Rest::Passed
                }
            };
        }
        TREE_CONNECT_ANDX => {
            let opened = is_success.then(|| is_share_of_pipes(part)).flatten();
            session.tree_answered(part.key(), ids, opened);
            return Rest::Passed;
        }
        NT_CREATE_ANDX if is_success => create_response(session, part),
        TRANSACTION => {
            transaction_response(session, part);
            Some(())
        }
        SESSION_SETUP_ANDX => {
            // The first answer names the session that the request could not know.
            let unnamed = Ids { session: 0, ..ids };
            session.answered(part.key(), unnamed);
            Some(())
        }
        _ => Some(()),
    };
    if understood.is_none()
        && let Some(transaction) = session.waiting(part.key(), ids)
    {
        transaction.event(MALFORMED);
    }
    session.answered(part.key(), ids);
    Rest::Passed
}

/// Whether the service of an opened share is that of pipes.
fn is_share_of_pipes(part: Part<'_>) -> Option<bool> {
    let mut reader = part.reader();
    let words = usize::from(reader.u8()?);
    reader.take(2 * words)?;
    reader.take(2)?;
    Some(reader.rest().starts_with(b"IPC\0"))
}

fn create_response(session: &mut Session, part: Part<'_>) -> Option<()> {
    let mut reader = part.reader();
    reader.take(6)?;
    let ids = part.ids();
    let handle = Handle::from_smb1(reader.le_u16()?, ids.session);
    if let Some(name) = session.opening.remove(&(ids.session, ids.message)) {
        session.names.insert(handle, name);
    }
    Some(())
}

/// The answer to a read, perhaps only its beginning.
struct Read<'a> {
    length: u64,
    bytes: &'a [u8],
}

impl<'a> Read<'a> {
    fn parse(part: Part<'a>) -> Option<Self> {
        let mut reader = part.reader();
        reader.take(11)?;
        let low = u64::from(reader.le_u16()?);
        let start = usize::from(reader.le_u16()?);
        let high = u64::from(reader.le_u16()?);
        let length = high << 16 | low;
        let bytes = part.record.message.get(start..).unwrap_or_default();
        let wanted = usize::try_from(length).ok()?;
        Some(Self {
            length,
            bytes: bytes.get(..wanted).unwrap_or(bytes),
        })
    }
}

fn read_response(session: &mut Session, part: Part<'_>, read: &Read<'_>) -> Rest {
    let ids = part.ids();
    let Some((handle, offset)) = session.reading.remove(&ids.key()) else {
        return Rest::Passed;
    };
    if session.tree(ids).is_some_and(|tree| tree.is_pipe) {
        let status = part.record.status;
        session.pipe_answer(part.key(), ids, handle, status, read.bytes);
        return Rest::Passed;
    }
    let piece = FilePiece {
        handle,
        offset,
        length: read.length,
        bytes: read.bytes,
    };
    session.file_piece(part.key(), ids, Direction::ToClient, piece)
}

fn transaction_response(session: &mut Session, part: Part<'_>) {
    let ids = part.ids();
    let Some(handle) = session.pending_handles.remove(&ids.key()) else {
        return;
    };
    if !session.is_of_calls(handle) {
        return;
    }
    let parse = || {
        let mut reader = part.reader();
        reader.take(13)?;
        let count = usize::from(reader.le_u16()?);
        let start = usize::from(reader.le_u16()?);
        part.record.message.get(start..)?.get(..count)
    };
    match parse() {
        Some(bytes) => {
            session.pipe_answer(part.key(), ids, handle, part.record.status, bytes);
        }
        None if part.record.status == STATUS_SUCCESS => session.event(MALFORMED),
        None => {}
    }
}
