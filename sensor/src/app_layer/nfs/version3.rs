//! Arguments and results of version 3 (RFC 1813, section 3.3), and of version 2 what is read of it (RFC 1094).
//!
//! What is checked and how far is the reference's: where it does not read the arguments of a procedure, they may be
//! anything.

use super::rpc::Fault;
use crate::app_layer::{limits, reader::Reader};

pub(super) const GETATTR: u32 = 1;
pub(super) const LOOKUP: u32 = 3;
const ACCESS: u32 = 4;
pub(super) const READ: u32 = 6;
pub(super) const WRITE: u32 = 7;
pub(super) const CREATE: u32 = 8;
const MKDIR: u32 = 9;
const REMOVE: u32 = 12;
const RMDIR: u32 = 13;
const RENAME: u32 = 14;
pub(super) const READDIRPLUS: u32 = 17;
pub(super) const COMMIT: u32 = 21;

/// A write is in the server's stable store when it is answered: no COMMIT will follow.
pub(super) const FILE_SYNC: u32 = 2;
const ATTRIBUTES_BYTES: usize = 84;
const VERSION2_HANDLE_BYTES: usize = 32;
const VERSION2_ATTRIBUTES_BYTES: usize = 68;

/// Bytes behind their length, padded to words (RFC 4506, section 4.10).
pub(super) fn opaque<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(reader.u32()?).ok()?;
    let padded = reader.take(length.checked_next_multiple_of(4)?)?;
    padded.get(..length)
}

pub(super) fn u64_of(reader: &mut Reader<'_>) -> Option<u64> {
    let high = reader.u32()?;
    let low = reader.u32()?;
    Some(u64::from(high) << 32 | u64::from(low))
}

/// A piece of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Write<'a> {
    pub(super) offset: u64,
    pub(super) is_last: bool,
    /// Bytes of the piece.
    pub(super) length: u32,
    /// As many of them as are there.
    pub(super) bytes: &'a [u8],
}

impl Write<'_> {
    pub(super) fn is_whole(&self) -> bool {
        usize::try_from(self.length).is_ok_and(|length| length <= self.bytes.len())
    }
}

/// A piece of a file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) is_last: bool,
    pub(super) length: u32,
    pub(super) bytes: &'a [u8],
    /// The padding behind it is there too.
    pub(super) is_padded: bool,
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// A name whose handle will come with the reply.
    Named(&'a [u8]),
    /// A handle.
    Of(&'a [u8]),
    Read {
        handle: &'a [u8],
        offset: u64,
    },
    Write {
        handle: &'a [u8],
        write: Write<'a>,
    },
    Commit(&'a [u8]),
    Other,
}

/// Reads the arguments of a procedure; nothing where they are malformed.
pub(super) fn request(procedure: u32, data: &[u8]) -> Option<Request<'_>> {
    let mut reader = Reader::new(data);
    if !is_read(procedure) {
        return Some(Request::Other);
    }
    let handle = opaque(&mut reader)?;
    Some(match procedure {
        LOOKUP => Request::Named(opaque(&mut reader)?),
        CREATE => {
            let name = opaque(&mut reader)?;
            reader.u32()?;
            Request::Named(name)
        }
        ACCESS => {
            reader.u32()?;
            Request::Of(handle)
        }
        MKDIR | REMOVE | RMDIR => {
            opaque(&mut reader)?;
            Request::Other
        }
        RENAME => {
            opaque(&mut reader)?;
            opaque(&mut reader)?;
            opaque(&mut reader)?;
            Request::Other
        }
        READ => {
            let offset = u64_of(&mut reader)?;
            reader.u32()?;
            Request::Read { handle, offset }
        }
        READDIRPLUS => {
            reader.take(24)?;
            Request::Of(handle)
        }
        COMMIT => {
            reader.take(12)?;
            Request::Commit(handle)
        }
        WRITE => {
            let (handle, write) = write(data).ok()?;
            write
                .is_whole()
                .then_some(Request::Write { handle, write })?
        }
        _ => Request::Of(handle),
    })
}

/// Whether the reference reads the arguments.
fn is_read(procedure: u32) -> bool {
    matches!(
        procedure,
        GETATTR
            | LOOKUP
            | ACCESS
            | READ
            | WRITE
            | CREATE
            | MKDIR
            | REMOVE
            | RMDIR
            | RENAME
            | READDIRPLUS
            | COMMIT
    )
}

/// Reads a WRITE of which perhaps only the beginning is there.
pub(super) fn write(data: &[u8]) -> Result<(&[u8], Write<'_>), Fault> {
    let mut reader = Reader::new(data);
    let arguments = |reader: &mut Reader<'_>| {
        let offset = u64_of(reader)?;
        reader.u32()?;
        Some((offset, reader.u32()?))
    };
    let handle = opaque(&mut reader).ok_or(Fault::Short)?;
    let (offset, stable) = arguments(&mut reader).ok_or(Fault::Short)?;
    if stable > FILE_SYNC {
        return Err(Fault::Wrong);
    }
    let length = reader.u32().ok_or(Fault::Short)?;
    let write = Write {
        offset,
        is_last: stable == FILE_SYNC,
        length,
        bytes: up_to(reader.rest(), length),
    };
    Ok((handle, write))
}

pub(super) fn up_to(bytes: &[u8], length: u32) -> &[u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    bytes.get(..length).unwrap_or(bytes)
}

/// The handle that a LOOKUP gives, read as the reference does whatever the status.
pub(super) fn lookup_result(data: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::at(data, 4);
    opaque(&mut reader)
}

/// The handle that a CREATE gives.
pub(super) fn create_result(data: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::at(data, 4);
    reader.u32()?;
    opaque(&mut reader)
}

/// The result of a READ of which perhaps only the beginning is there. As in the reference attributes must be there.
pub(super) fn read_result(data: &[u8]) -> Option<Piece<'_>> {
    let mut reader = Reader::at(data, 4);
    reader.u32()?;
    reader.take(ATTRIBUTES_BYTES)?;
    let length = reader.u32()?;
    let is_last = reader.u32()? != 0;
    let here = reader.u32()?;
    let padded = usize::try_from(here).ok()?.checked_next_multiple_of(4)?;
    Some(Piece {
        is_last,
        length,
        bytes: up_to(reader.rest(), here),
        is_padded: padded <= reader.rest().len(),
    })
}

/// Names and handles of a directory's listing; nothing where what stands before them is malformed.
pub(super) fn listing(data: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut reader = Reader::at(data, 4);
    if reader.u32()? != 0 {
        reader.take(ATTRIBUTES_BYTES)?;
    }
    reader.take(8)?;
    let mut entries = Vec::new();
    while entries.len() < limits::NFS_ENTRIES_MAX
        && let Some(entry) = entry(&mut reader)
    {
        entries.extend(entry);
    }
    Some(entries)
}

/// An entry of a listing, or nothing at its end; an entry may come without handle.
fn entry<'a>(reader: &mut Reader<'a>) -> Option<Option<(&'a [u8], &'a [u8])>> {
    if reader.u32()? != 1 {
        return None;
    }
    reader.take(8)?;
    let name = opaque(reader)?;
    reader.take(8)?;
    if reader.u32()? != 0 {
        reader.take(ATTRIBUTES_BYTES)?;
    }
    let has_handle = reader.u32()? != 0;
    let handle = if has_handle {
        Some(opaque(reader)?)
    } else {
        None
    };
    Some(handle.map(|handle| (name, handle)))
}

/// Version 2: the handle and the offset of a READ.
pub(super) fn read2(data: &[u8]) -> Option<(&[u8], u64)> {
    let mut reader = Reader::new(data);
    let handle = reader.take(VERSION2_HANDLE_BYTES)?;
    let offset = reader.u32()?;
    Some((handle, u64::from(offset)))
}

/// Version 2: the result of a READ. A piece is the last one where it is as long as the file. As the reference does, a
/// word of padding is asked for where none is needed.
pub(super) fn read2_result(data: &[u8]) -> Option<Piece<'_>> {
    const SIZE_AT: usize = 20;
    let mut reader = Reader::at(data, 4);
    let attributes = reader.take(VERSION2_ATTRIBUTES_BYTES)?;
    let size = Reader::at(attributes, SIZE_AT).u32()?;
    let length = reader.u32()?;
    let bytes = reader.take(usize::try_from(length).ok()?)?;
    reader.take(usize::try_from(4 - length % 4).ok()?)?;
    Some(Piece {
        is_last: length == size,
        length,
        bytes,
        is_padded: true,
    })
}
