//! NetBIOS session records (RFC 1002, section 4.3.1) and the headers of SMB 1 (MS-CIFS 2.2.3.1), SMB 2 (MS-SMB2 2.2.1) and
//! encrypted SMB 3 messages (MS-SMB2 2.2.41).

use crate::app_layer::reader::Reader;

/// Bytes of a session record's header.
pub(super) const NBSS_HEADER_BYTES: usize = 4;
/// A session message: the only record that carries SMB.
pub(super) const SESSION_MESSAGE: u8 = 0x00;
/// Bytes of an SMB 1 header.
pub(super) const SMB1_HEADER_BYTES: usize = 32;
/// Bytes of the header before an encrypted message.
pub(super) const SMB3_HEADER_BYTES: usize = 52;

/// The header of a session record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nbss {
    pub(super) kind: u8,
    /// Bytes behind the header.
    pub(super) length: usize,
}

impl Nbss {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            kind: reader.u8()?,
            length: usize::try_from(reader.u24()?).ok()?,
        })
    }

    /// Whether it is a kind of record there is (RFC 1002, section 4.3.1).
    pub(super) fn is_known(self) -> bool {
        matches!(self.kind, SESSION_MESSAGE | 0x81..=0x85)
    }
}

/// The version a message is of, by its first four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Smb1,
    Smb2,
    /// Encrypted.
    Smb3,
}

impl Version {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(..4)? {
            [0xff, b'S', b'M', b'B'] => Some(Self::Smb1),
            [0xfe, b'S', b'M', b'B'] => Some(Self::Smb2),
            [0xfd, b'S', b'M', b'B'] => Some(Self::Smb3),
            _ => None,
        }
    }
}

/// What tells messages apart, in all versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) session: u64,
    pub(super) tree: u32,
    pub(super) message: u64,
}

/// `STATUS_SUCCESS` and those that say that more is to come (MS-ERREF 2.3).
pub(super) const STATUS_SUCCESS: u32 = 0;
pub(super) const STATUS_PENDING: u32 = 0x0000_0103;
pub(super) const STATUS_BUFFER_OVERFLOW: u32 = 0x8000_0005;
pub(super) const STATUS_END_OF_FILE: u32 = 0xc000_0011;

/// An SMB 1 message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Smb1<'a> {
    pub(super) command: u8,
    pub(super) status: u32,
    pub(super) is_response: bool,
    pub(super) is_unicode: bool,
    pub(super) ids: Ids,
    /// The whole message: offsets within it count from its header.
    pub(super) message: &'a [u8],
}

impl<'a> Smb1<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::at(message, 4);
        let command = reader.u8()?;
        let status = reader.le_u32()?;
        let flags = reader.u8()?;
        let flags2 = reader.le_u16()?;
        reader.take(12)?;
        let tree = u32::from(reader.le_u16()?);
        reader.take(2)?;
        let user = u64::from(reader.le_u16()?);
        let multiplex = u64::from(reader.le_u16()?);
        Some(Self {
            command,
            status,
            is_response: flags & 0x80 != 0,
            is_unicode: flags2 & 0x8000 != 0,
            ids: Ids {
                session: user,
                tree,
                message: multiplex,
            },
            message,
        })
    }
}

/// An SMB 2 message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Smb2<'a> {
    pub(super) command: u16,
    pub(super) status: u32,
    pub(super) is_response: bool,
    pub(super) ids: Ids,
    pub(super) header_bytes: usize,
    /// The message with its header, up to the next one of the chain.
    pub(super) message: &'a [u8],
    /// What stands behind the header.
    pub(super) body: &'a [u8],
    /// Those chained behind it.
    pub(super) next: &'a [u8],
}

impl<'a> Smb2<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::at(bytes, 4);
        let header_bytes = usize::from(reader.le_u16()?);
        reader.take(2)?;
        let status = reader.le_u32()?;
        let command = reader.le_u16()?;
        reader.take(2)?;
        let flags = reader.le_u32()?;
        let chained = usize::try_from(reader.le_u32()?).ok()?;
        let message = reader.le_u64()?;
        let is_asynchronous = flags & 2 != 0;
        reader.take(4)?;
        let tree = reader.le_u32()?;
        let session = reader.le_u64()?;
        reader.take(16)?;
        let end = if chained > header_bytes && chained < bytes.len() {
            chained
        } else {
            bytes.len()
        };
        let (whole, next) = bytes.split_at_checked(end)?;
        Some(Self {
            command,
            status,
            is_response: flags & 1 != 0,
            ids: Ids {
                session,
                tree: if is_asynchronous { 0 } else { tree },
                message,
            },
            header_bytes,
            message: whole,
            body: whole.get(header_bytes..)?,
            next,
        })
    }
}

/// UTF-16 of the wire as the reference shows it to rules: without its zero bytes.
pub(super) fn narrow(wide: &[u8]) -> Vec<u8> {
    let kept = wide.iter().copied().filter(|byte| *byte != 0);
    kept.take(crate::app_layer::limits::SMB_NAME_BYTES_MAX)
        .collect()
}
