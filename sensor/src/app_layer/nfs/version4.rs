//! Compounds of version 4 (RFC 7530, section 16; RFC 8881, section 18): their operations and the results, as far as the
//! reference reads them. An operation that it does not read makes the whole compound malformed.

use super::version3::{FILE_SYNC, Piece, Write, opaque, u64_of};
use crate::app_layer::{limits, reader::Reader};

pub(super) const COMPOUND: u32 = 1;
pub(super) const CREATE: u32 = 6;
pub(super) const REMOVE: u32 = 28;
pub(super) const READ: u32 = 25;
pub(super) const WRITE: u32 = 38;

const STATE_BYTES: usize = 16;
const SESSION_BYTES: usize = 16;
const CHANGE_BYTES: usize = 20;
const VERIFIER_BYTES: usize = 8;
const DEVICE_BYTES: usize = 16;
const CHANNEL_BYTES: usize = 28;

/// What an operation asks, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    PutHandle(&'a [u8]),
    /// OPEN or LOOKUP: the name whose handle may be asked for next.
    Name(&'a [u8]),
    Create(&'a [u8]),
    Remove(&'a [u8]),
    Read {
        offset: u64,
    },
    Write(Write<'a>),
    Commit,
    Close,
    Other,
}

/// What an operation gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    Handle(&'a [u8]),
    Read(Piece<'a>),
    Other,
}

/// The operations of a compound; nothing where it is malformed.
pub(super) fn request(data: &[u8]) -> Option<Vec<Operation<'_>>> {
    let mut reader = Reader::new(data);
    // The reference does not know of padding here.
    unpadded(&mut reader)?;
    reader.u32()?;
    let count = count(&mut reader)?;
    (0..count).map(|_| operation(&mut reader)).collect()
}

/// The results of a compound; nothing where it is malformed.
pub(super) fn results(data: &[u8]) -> Option<Vec<Outcome<'_>>> {
    let mut reader = Reader::at(data, 4);
    data.get(..4)?;
    opaque(&mut reader)?;
    let count = count(&mut reader)?;
    (0..count).map(|_| outcome(&mut reader)).collect()
}

fn count(reader: &mut Reader<'_>) -> Option<u32> {
    reader
        .u32()
        .filter(|count| *count <= limits::NFS_OPERATIONS_MAX)
}

fn unpadded<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(reader.u32()?).ok()?;
    reader.take(length)
}

/// A mask of one to three words that says which attributes follow.
fn bitmap(reader: &mut Reader<'_>) -> Option<()> {
    let words = reader.u32().filter(|words| (1..=3).contains(words))?;
    reader.take(4 * usize::try_from(words).ok()?)?;
    Some(())
}

fn attributes(reader: &mut Reader<'_>) -> Option<()> {
    bitmap(reader)?;
    unpadded(reader)?;
    Some(())
}

fn operation<'a>(reader: &mut Reader<'a>) -> Option<Operation<'a>> {
    let code = reader.u32()?;
    match code {
        5 => {
            reader.take(12)?;
            return Some(Operation::Commit);
        }
        4 => {
            reader.take(4 + STATE_BYTES)?;
            return Some(Operation::Close);
        }
        CREATE => {
            const LINK: u32 = 5;
            if reader.u32()? == LINK {
                opaque(reader)?;
            }
            let name = opaque(reader)?;
            attributes(reader)?;
            return Some(Operation::Create(name));
        }
        15 => return opaque(reader).map(Operation::Name),
        18 => return open(reader),
        22 => return unpadded(reader).map(Operation::PutHandle),
        READ => {
            reader.take(STATE_BYTES)?;
            let offset = u64_of(reader)?;
            reader.u32()?;
            return Some(Operation::Read { offset });
        }
        REMOVE => return opaque(reader).map(Operation::Remove),
        WRITE => return write(reader).map(Operation::Write),
        _ => {}
    }
    skip_arguments(code, reader)?;
    Some(Operation::Other)
}

/// Arguments that nothing is kept of.
fn skip_arguments(code: u32, reader: &mut Reader<'_>) -> Option<()> {
    match code {
        // ACCESS, SECINFO_NO_NAME, RECLAIM_COMPLETE.
        3 | 52 | 58 => reader.take(4).map(|_| ()),
        // DELEGRETURN, DESTROY_SESSION.
        8 | 44 => reader.take(STATE_BYTES).map(|_| ()),
        // GETATTR.
        9 => bitmap(reader),
        // GETFH, PUTROOTFH, SAVEFH.
        10 | 24 | 32 => Some(()),
        // OPEN_CONFIRM.
        20 => reader.take(STATE_BYTES + 4).map(|_| ()),
        // READDIR.
        26 => {
            reader.take(8 + VERIFIER_BYTES + 8)?;
            bitmap(reader)
        }
        // RENAME.
        29 => {
            opaque(reader)?;
            opaque(reader).map(|_| ())
        }
        // RENEW, DESTROY_CLIENTID.
        30 | 57 => reader.take(8).map(|_| ()),
        // SETATTR.
        34 => {
            reader.take(STATE_BYTES)?;
            attributes(reader)
        }
        // SETCLIENTID.
        35 => {
            reader.take(VERIFIER_BYTES)?;
            opaque(reader)?;
            reader.take(4)?;
            opaque(reader)?;
            opaque(reader)?;
            reader.take(4).map(|_| ())
        }
        // SETCLIENTID_CONFIRM.
        36 => reader.take(16).map(|_| ()),
        // EXCHANGE_ID, with exactly one implementation.
        42 => {
            reader.take(VERIFIER_BYTES)?;
            opaque(reader)?;
            reader.take(12)?;
            opaque(reader)?;
            opaque(reader)?;
            reader.take(12).map(|_| ())
        }
        // GETDEVICEINFO, with one word of notifications.
        47 => reader.take(DEVICE_BYTES + 16).map(|_| ()),
        // LAYOUTGET.
        50 => reader.take(12 + 24 + STATE_BYTES + 4).map(|_| ()),
        // LAYOUTRETURN of a file.
        51 => {
            reader.take(16 + 16 + STATE_BYTES)?;
            opaque(reader).map(|_| ())
        }
        // SEQUENCE.
        53 => reader.take(SESSION_BYTES + 16).map(|_| ()),
        _ => None,
    }
}

fn open<'a>(reader: &mut Reader<'a>) -> Option<Operation<'a>> {
    const CREATE_ANEW: u32 = 1;
    reader.take(12 + 8)?;
    unpadded(reader)?;
    if reader.u32()? == CREATE_ANEW {
        match reader.u32()? {
            // Unchecked, guarded.
            0 | 1 => attributes(reader)?,
            // Exclusive.
            2 => {
                reader.take(VERIFIER_BYTES)?;
            }
            _ => return None,
        }
    }
    match reader.u32()? {
        // By name, or by the name of a delegated file.
        0 | 3 => opaque(reader).map(Operation::Name),
        // After the server lost its state.
        1 => {
            reader.u32()?;
            Some(Operation::Name(b""))
        }
        _ => None,
    }
}

fn write<'a>(reader: &mut Reader<'a>) -> Option<Write<'a>> {
    reader.take(STATE_BYTES)?;
    let offset = u64_of(reader)?;
    let stable = reader.u32()?;
    let bytes = opaque(reader)?;
    Some(Write {
        offset,
        is_last: stable == FILE_SYNC,
        length: u32::try_from(bytes.len()).ok()?,
        bytes,
    })
}

fn outcome<'a>(reader: &mut Reader<'a>) -> Option<Outcome<'a>> {
    let code = reader.u32()?;
    let status = reader.u32()?;
    match (code, status) {
        (10, 0) => return unpadded(reader).map(Outcome::Handle),
        (READ, 0) => {
            let is_last = reader.u32()? != 0;
            let length = reader.u32()?;
            // The reference does not know of padding here.
            let piece = Piece {
                is_last,
                length,
                bytes: reader.take(usize::try_from(length).ok()?)?,
                is_padded: true,
            };
            return Some(Outcome::Read(piece));
        }
        _ => {}
    }
    skip_results(code, status == 0, reader)?;
    Some(Outcome::Other)
}

/// Results that nothing is kept of. Where an operation failed, nothing follows its status.
fn skip_results(code: u32, succeeded: bool, reader: &mut Reader<'_>) -> Option<()> {
    let mut take = |bytes: usize| reader.take(bytes).map(|_| ());
    match (code, succeeded) {
        // Not where SETCLIENTID and SECINFO_NO_NAME fail.
        (
            3..=6
            | 8..=10
            | 15
            | 18
            | 20
            | 22
            | 24..=26
            | 28..=30
            | 32
            | 34
            | 36
            | 38
            | 42..=44
            | 47
            | 50
            | 51
            | 53
            | 57
            | 58,
            false,
        ) => Some(()),
        (_, false) => None,
        // ACCESS.
        (3, _) => take(8),
        // CLOSE, OPEN_CONFIRM.
        (4 | 20, _) => take(STATE_BYTES),
        // COMMIT.
        (5, _) => take(VERIFIER_BYTES),
        // CREATE.
        (CREATE, _) => {
            take(CHANGE_BYTES)?;
            bitmap(reader)
        }
        // DELEGRETURN, LOOKUP, PUTFH, PUTROOTFH, RENEW, SAVEFH, SETCLIENTID_CONFIRM, DESTROY_SESSION, DESTROY_CLIENTID,
        // RECLAIM_COMPLETE.
        (8 | 15 | 22 | 24 | 30 | 32 | 36 | 44 | 57 | 58, _) => Some(()),
        // GETATTR.
        (9, _) => attributes(reader),
        // OPEN.
        (18, _) => open_result(reader),
        // READDIR: the rest is its own matter.
        (26, _) => directory(reader),
        // REMOVE.
        (REMOVE, _) => take(CHANGE_BYTES),
        // RENAME: the reference does not read its results.
        (29, _) => Some(()),
        // SETCLIENTID.
        (35, _) => take(16),
        // SECINFO_NO_NAME.
        (52, _) => security(reader),
        // SETATTR.
        (34, _) => bitmap(reader),
        // WRITE.
        (WRITE, _) => take(8 + VERIFIER_BYTES),
        // EXCHANGE_ID.
        (42, _) => {
            take(8 + 12 + 8)?;
            opaque(reader)?;
            opaque(reader)?;
            reader.take(4)?;
            opaque(reader)?;
            opaque(reader)?;
            reader.take(12).map(|_| ())
        }
        // CREATE_SESSION.
        (43, _) => take(SESSION_BYTES + 8 + 2 * CHANNEL_BYTES),
        // GETDEVICEINFO.
        (47, _) => device(reader),
        // LAYOUTGET.
        (50, _) => layout(reader),
        // LAYOUTRETURN.
        (51, _) => take(4),
        // SEQUENCE.
        (53, _) => take(SESSION_BYTES + 20),
        _ => None,
    }
}

fn open_result(reader: &mut Reader<'_>) -> Option<()> {
    const ACE_BYTES: usize = 12;
    reader.take(STATE_BYTES + CHANGE_BYTES + 4)?;
    bitmap(reader)?;
    match reader.u32()? {
        0 => Some(()),
        // For reading.
        1 => {
            reader.take(STATE_BYTES + 4 + ACE_BYTES)?;
            unpadded(reader).map(|_| ())
        }
        // For writing.
        2 => {
            reader.take(STATE_BYTES + 4 + 4 + 8 + ACE_BYTES)?;
            unpadded(reader).map(|_| ())
        }
        _ => None,
    }
}

fn directory(reader: &mut Reader<'_>) -> Option<()> {
    reader.take(VERIFIER_BYTES)?;
    for _ in 0..limits::NFS_ENTRIES_MAX {
        if reader.u32()? == 0 {
            break;
        }
        reader.take(8)?;
        opaque(reader)?;
        attributes(reader)?;
    }
    reader.take(4).map(|_| ())
}

fn security(reader: &mut Reader<'_>) -> Option<()> {
    const AUTH_GSS: u32 = 6;
    let flavours = reader.u32()?;
    for _ in 0..flavours.min(limits::NFS_OPERATIONS_MAX) {
        if reader.u32()? == AUTH_GSS {
            opaque(reader)?;
            reader.take(8)?;
        }
    }
    Some(())
}

/// A device of the layout of files (RFC 8881, section 13.2).
fn device(reader: &mut Reader<'_>) -> Option<()> {
    reader.take(4)?;
    let mut inner = Reader::new(opaque(reader)?);
    let stripes = usize::try_from(inner.u32()?).ok()?;
    inner.take(stripes.checked_mul(4)?)?;
    inner.take(8)?;
    opaque(&mut inner)?;
    opaque(&mut inner)?;
    if reader.u32()? != 0 {
        reader.take(4)?;
    }
    Some(())
}

/// A layout of files (RFC 8881, section 13.3).
fn layout(reader: &mut Reader<'_>) -> Option<()> {
    reader.take(4 + STATE_BYTES + 4)?;
    reader.take(16 + 8)?;
    let mut inner = Reader::new(opaque(reader)?);
    inner.take(DEVICE_BYTES + 8 + 8 + 4)?;
    opaque(&mut inner).map(|_| ())
}
