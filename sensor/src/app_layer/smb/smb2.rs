//! What commands of SMB 2 and 3 ask and answer (MS-SMB2 2.2).

use super::{
    ntlmssp::Login,
    pipe::looks_like_call,
    record::{
        Ids, STATUS_BUFFER_OVERFLOW, STATUS_END_OF_FILE, STATUS_PENDING, STATUS_SUCCESS, Smb2,
        narrow,
    },
    session::{FilePiece, Handle, Rest, Session, Tree},
    transaction::{Command, Subject},
};
use crate::{
    app_layer::{limits, reader::Reader},
    direction::Direction,
};

const NEGOTIATE: u16 = 0;
const SESSION_SETUP: u16 = 1;
const TREE_CONNECT: u16 = 3;
const TREE_DISCONNECT: u16 = 4;
const CREATE: u16 = 5;
const CLOSE: u16 = 6;
const READ: u16 = 8;
const WRITE: u16 = 9;
const IOCTL: u16 = 11;
const GET_INFO: u16 = 16;
const SET_INFO: u16 = 17;

/// `FSCTL_PIPE_TRANSCEIVE` (MS-FSCC 2.3): a write to a pipe and the read of its answer in one.
const PIPE_TRANSCEIVE: u32 = 0x0011_c017;
/// The share type of named pipes (MS-SMB2 2.2.10).
const SHARE_OF_PIPES: u8 = 2;
const MALFORMED: &str = "malformed_data";

/// Whether a record of this command can be followed while it is still coming.
pub(super) fn is_followed(command: u16, direction: Direction) -> bool {
    match direction {
        Direction::ToServer => command == WRITE,
        Direction::ToClient => command == READ,
    }
}

/// What the client says. Gives what the rest of a record that is still coming belongs to.
pub(super) fn request(session: &mut Session, record: &Smb2<'_>) -> Rest {
    let (command, ids) = (Command::Smb2(record.command), record.ids);
    let mut reader = Reader::new(record.body);
    let understood = match record.command {
        NEGOTIATE => negotiate_request(session, record),
        SESSION_SETUP => session_setup(session, record),
        TREE_CONNECT => tree_connect(session, record),
        CREATE => create(session, record),
        CLOSE => {
            let closed = reader
                .take(8)
                .and_then(|_| Handle::from_smb2(reader.take(16)?));
            if let Some(handle) = closed {
                session.close_file(handle);
            }
            plain(session, record, closed.is_some());
            return Rest::Passed;
        }
        TREE_DISCONNECT => {
            session.trees.remove(&ids.tree_key());
            plain(session, record, true);
            return Rest::Passed;
        }
        READ => read_request(session, record),
        WRITE => match Write::parse(record) {
            Some(write) => return write_request(session, record, &write),
            None => None,
        },
        IOCTL => ioctl_request(session, record),
        GET_INFO | SET_INFO => Some(()),
        _ => {
            plain(session, record, true);
            Some(())
        }
    };
    if understood.is_none() {
        match record.command {
            READ | WRITE => session.event(MALFORMED),
            _ => session
                .request(command, ids, Subject::Plain)
                .event(MALFORMED),
        }
    }
    Rest::Passed
}

/// A command that rules ask nothing of.
fn plain(session: &mut Session, record: &Smb2<'_>, is_sound: bool) {
    let transaction = session.request(Command::Smb2(record.command), record.ids, Subject::Plain);
    if !is_sound {
        transaction.event(MALFORMED);
    }
}

fn negotiate_request(session: &mut Session, record: &Smb2<'_>) -> Option<()> {
    let mut reader = Reader::new(record.body);
    reader.take(2)?;
    let dialects = usize::from(reader.le_u16()?);
    reader.take(32)?;
    reader.take(dialects.checked_mul(2)?)?;
    session.request(Command::Smb2(NEGOTIATE), record.ids, Subject::Plain);
    Some(())
}

fn session_setup(session: &mut Session, record: &Smb2<'_>) -> Option<()> {
    let mut reader = Reader::at(record.body, 12);
    let offset = usize::from(reader.le_u16()?);
    let length = usize::from(reader.le_u16()?);
    let blob = record.message.get(offset..)?;
    let blob = blob.get(..length).unwrap_or(blob);
    let subject = Subject::SessionSetup(Login::find(blob));
    session.request(Command::Smb2(SESSION_SETUP), record.ids, subject);
    Some(())
}

fn tree_connect(session: &mut Session, record: &Smb2<'_>) -> Option<()> {
    let mut reader = Reader::at(record.body, 4);
    let offset = usize::from(reader.le_u16()?);
    let length = usize::from(reader.le_u16()?);
    let share = narrow(record.message.get(offset..)?.get(..length)?);
    session.tree_requested(Command::Smb2(TREE_CONNECT), record.ids, share);
    Some(())
}

fn create(session: &mut Session, record: &Smb2<'_>) -> Option<()> {
    let mut reader = Reader::at(record.body, 44);
    let offset = usize::from(reader.le_u16()?);
    let length = usize::from(reader.le_u16()?);
    reader.take(8)?;
    let name = match length {
        0 => &[],
        length => record.message.get(offset..)?.get(..length)?,
    };
    let ids = record.ids;
    session
        .opening
        .insert((ids.session, ids.message), narrow(name));
    session.request(Command::Smb2(CREATE), ids, Subject::Plain);
    Some(())
}

fn read_request(session: &mut Session, record: &Smb2<'_>) -> Option<()> {
    let mut reader = Reader::at(record.body, 4);
    let length = reader.le_u32()?;
    let offset = reader.le_u64()?;
    let handle = Handle::from_smb2(reader.take(16)?)?;
    if session.max_read_bytes != 0 && length > session.max_read_bytes {
        session.event("read_request_too_large");
    } else {
        session
            .reading
            .insert(record.ids.key_of_any_tree(), (handle, offset));
    }
    Some(())
}

/// A write, perhaps only its beginning.
struct Write<'a> {
    length: u32,
    offset: u64,
    handle: Handle,
    bytes: &'a [u8],
}

impl<'a> Write<'a> {
    fn parse(record: &Smb2<'a>) -> Option<Self> {
        let mut reader = Reader::at(record.body, 2);
        let start = usize::from(reader.le_u16()?);
        let length = reader.le_u32()?;
        let offset = reader.le_u64()?;
        let handle = Handle::from_smb2(reader.take(16)?)?;
        reader.take(16)?;
        let bytes = record.message.get(start..).unwrap_or_default();
        let wanted = usize::try_from(length).ok()?;
        Some(Self {
            length,
            offset,
            handle,
            bytes: bytes.get(..wanted).unwrap_or(bytes),
        })
    }
}

fn write_request(session: &mut Session, record: &Smb2<'_>, write: &Write<'_>) -> Rest {
    if session.max_write_bytes != 0 && write.length > session.max_write_bytes {
        session.event("write_request_too_large");
        return Rest::Passed;
    }
    let command = Command::Smb2(WRITE);
    let from_client = Direction::ToServer;
    match carrier(
        session,
        record.ids,
        (write.handle, from_client),
        write.bytes,
    ) {
        Carrier::Calls => {
            session.pipe_request(command, record.ids, write.bytes);
            Rest::Passed
        }
        Carrier::OtherPipe => Rest::Passed,
        Carrier::File => {
            let piece = FilePiece {
                handle: write.handle,
                offset: write.offset,
                length: u64::from(write.length),
                bytes: write.bytes,
            };
            session.file_piece(command, record.ids, from_client, piece)
        }
    }
}

/// What reads and writes of a handle are about.
enum Carrier {
    Calls,
    OtherPipe,
    File,
}

fn carrier(
    session: &mut Session,
    ids: Ids,
    (handle, direction): (Handle, Direction),
    bytes: &[u8],
) -> Carrier {
    // What was taken for a file stays one. An answer that comes later does not name its tree.
    if session.has_file(handle, direction) {
        return Carrier::File;
    }
    match session.tree(ids).map(|tree| tree.is_pipe) {
        Some(true) if session.is_of_calls(handle) => Carrier::Calls,
        Some(true) => Carrier::OtherPipe,
        Some(false) => Carrier::File,
        // The opening of the tree was not seen: the bytes tell.
        None if looks_like_call(bytes) => {
            let tree = Tree {
                share: Vec::new(),
                is_pipe: true,
            };
            session.trees.insert(ids.tree_key(), tree);
            session.recognise_pipe(handle);
            Carrier::Calls
        }
        None => Carrier::File,
    }
}

fn ioctl_request(session: &mut Session, record: &Smb2<'_>) -> Option<()> {
    let mut reader = Reader::at(record.body, 4);
    let function = reader.le_u32()?;
    let handle = Handle::from_smb2(reader.take(16)?)?;
    let start = usize::try_from(reader.le_u32()?).ok()?;
    let length = usize::try_from(reader.le_u32()?).ok()?;
    reader.take(24)?;
    let command = Command::Smb2(IOCTL);
    if function == PIPE_TRANSCEIVE && session.is_of_calls(handle) {
        let bytes = record.message.get(start..)?.get(..length)?;
        session.pipe_request(command, record.ids, bytes);
    } else {
        session.request(command, record.ids, Subject::Plain);
    }
    Some(())
}

/// What the server says. Gives what the rest of a record that is still coming belongs to.
pub(super) fn response(session: &mut Session, record: &Smb2<'_>) -> Rest {
    let (command, ids) = (Command::Smb2(record.command), record.ids);
    let is_success = record.status == STATUS_SUCCESS;
    let understood = match record.command {
        READ if is_success || record.status == STATUS_BUFFER_OVERFLOW => {
            return match Read::parse(record) {
                Some(read) => read_response(session, record, &read),
                None => {
                    session.event(MALFORMED);
                    Rest::Passed
                }
            };
        }
        READ if record.status == STATUS_PENDING => Some(()),
        READ => {
            let pending = session.reading.remove(&ids.key_of_any_tree());
            if let (Some((handle, _)), STATUS_END_OF_FILE) = (pending, record.status) {
                session.end_of_file(handle);
            }
            return Rest::Passed;
        }
        TREE_CONNECT => {
            let share_type = Reader::at(record.body, 2).u8();
            let opened = share_type.map(|kind| kind == SHARE_OF_PIPES);
            session.tree_answered(command, ids, opened.filter(|_| is_success));
            return Rest::Passed;
        }
        CREATE if is_success => create_response(session, record),
        NEGOTIATE if is_success => negotiate_response(session, record),
        IOCTL => {
            ioctl_response(session, record);
            return Rest::Passed;
        }
        TREE_DISCONNECT => {
            session.trees.remove(&ids.tree_key());
            Some(())
        }
        _ => Some(()),
    };
    if understood.is_none()
        && let Some(transaction) = session.waiting(command, ids)
    {
        transaction.event(MALFORMED);
    }
    if record.status != STATUS_PENDING {
        session.answered(command, ids);
    }
    Rest::Passed
}

/// The answer to a read, perhaps only its beginning.
struct Read<'a> {
    length: u32,
    bytes: &'a [u8],
}

impl<'a> Read<'a> {
    fn parse(record: &Smb2<'a>) -> Option<Self> {
        let mut reader = Reader::at(record.body, 2);
        let start = usize::from(reader.u8()?);
        reader.take(1)?;
        let length = reader.le_u32()?;
        reader.take(8)?;
        let bytes = record.message.get(start..).unwrap_or_default();
        let wanted = usize::try_from(length).ok()?;
        Some(Self {
            length,
            bytes: bytes.get(..wanted).unwrap_or(bytes),
        })
    }
}

fn read_response(session: &mut Session, record: &Smb2<'_>, read: &Read<'_>) -> Rest {
    if session.max_read_bytes != 0 && read.length > session.max_read_bytes {
        session.event("read_response_too_large");
        return Rest::Passed;
    }
    let Some((handle, offset)) = session.reading.remove(&record.ids.key_of_any_tree()) else {
        return Rest::Passed;
    };
    let command = Command::Smb2(READ);
    let from_server = Direction::ToClient;
    match carrier(session, record.ids, (handle, from_server), read.bytes) {
        Carrier::Calls => {
            session.pipe_answer(command, record.ids, handle, record.status, read.bytes);
            Rest::Passed
        }
        Carrier::OtherPipe => Rest::Passed,
        Carrier::File => {
            let piece = FilePiece {
                handle,
                offset,
                length: u64::from(read.length),
                bytes: read.bytes,
            };
            session.file_piece(command, record.ids, from_server, piece)
        }
    }
}

fn create_response(session: &mut Session, record: &Smb2<'_>) -> Option<()> {
    let mut reader = Reader::at(record.body, 64);
    let handle = Handle::from_smb2(reader.take(16)?)?;
    let ids = record.ids;
    if let Some(name) = session.opening.remove(&(ids.session, ids.message)) {
        session.names.insert(handle, name);
    }
    Some(())
}

fn negotiate_response(session: &mut Session, record: &Smb2<'_>) -> Option<()> {
    let mut reader = Reader::at(record.body, 32);
    session.max_read_bytes = reader.le_u32()?;
    session.max_write_bytes = reader.le_u32()?;
    for (agreed_bytes, event) in [
        (session.max_read_bytes, "negotiate_max_read_size_too_large"),
        (
            session.max_write_bytes,
            "negotiate_max_write_size_too_large",
        ),
    ] {
        if agreed_bytes > limits::SMB_AGREED_BYTES_MAX {
            session.event(event);
        }
    }
    // It may answer the negotiation of SMB 1 that offered this version.
    session.negotiation_answered();
    Some(())
}

fn ioctl_response(session: &mut Session, record: &Smb2<'_>) {
    let command = Command::Smb2(IOCTL);
    let parse = || {
        let mut reader = Reader::at(record.body, 4);
        let function = reader.le_u32()?;
        let handle = Handle::from_smb2(reader.take(16)?)?;
        reader.take(8)?;
        let start = usize::try_from(reader.le_u32()?).ok()?;
        let length = usize::try_from(reader.le_u32()?).ok()?;
        let bytes = record.message.get(start..)?.get(..length)?;
        Some((function, handle, bytes))
    };
    match parse() {
        Some((PIPE_TRANSCEIVE, handle, bytes)) if session.is_of_calls(handle) => {
            let none = Handle::default();
            session.pipe_answer(command, record.ids, none, record.status, bytes);
        }
        parsed => {
            if parsed.is_none()
                && record.status == STATUS_SUCCESS
                && let Some(transaction) = session.waiting(command, record.ids)
            {
                transaction.event(MALFORMED);
            }
            if record.status != STATUS_PENDING {
                session.answered(command, record.ids);
            }
        }
    }
}
