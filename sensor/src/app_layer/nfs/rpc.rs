//! Calls and replies of ONC RPC (RFC 5531, sections 8 to 11), as far as the reference reads them.

use crate::{
    app_layer::{limits, reader::Reader},
    direction::Direction,
};

/// Bytes of the mark before each record of a stream.
pub(super) const MARK_BYTES: usize = 4;
/// Bytes of a message's header: its number and its type.
pub(super) const HEADER_BYTES: usize = 8;
/// Bytes of a call before its credentials.
const CALL_BYTES: usize = 24;
const CALL: u32 = 0;
const REPLY: u32 = 1;
const RPC_VERSION: u32 = 2;
const NFS_PROGRAM: u32 = 100_003;
const AUTH_UNIX: u32 = 1;
const AUTH_GSS: u32 = 6;
/// The largest flavour of credentials that a first call is believed with.
const KNOWN_FLAVOUR_MAX: u32 = 6;
/// Data wrapped in a checksum, and data that is encrypted (RFC 2203, section 5.3.1).
pub(super) const GSS_INTEGRITY: u32 = 2;
pub(super) const GSS_PRIVACY: u32 = 3;

/// Why bytes are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// More bytes may help.
    Short,
    /// They never will.
    Wrong,
}

fn needed<T>(read: Option<T>) -> Result<T, Fault> {
    read.ok_or(Fault::Short)
}

fn when(holds: bool) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::Wrong) }
}

/// The mark of a record and the header of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    /// Bytes of the fragment behind the mark. A record is taken for one fragment, as the reference does.
    pub(super) fragment_bytes: u32,
    pub(super) xid: u32,
    pub(super) kind: u32,
}

impl RecordHeader {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes);
        let fragment_bytes = needed(reader.u32())? & 0x7fff_ffff;
        let xid = needed(reader.u32())?;
        let kind = needed(reader.u32())?;
        when(kind <= REPLY)?;
        Ok(Self {
            fragment_bytes,
            xid,
            kind,
        })
    }

    /// Bytes of the record with its mark.
    pub(super) fn record_bytes(self) -> usize {
        usize::try_from(self.fragment_bytes)
            .map_or(usize::MAX, |bytes| bytes.saturating_add(MARK_BYTES))
    }
}

/// What credentials of GSS say of the data behind them (RFC 2203, section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gss {
    pub(super) procedure: u32,
    pub(super) service: u32,
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) xid: u32,
    rpc_version: u32,
    program: u32,
    pub(super) version: u32,
    pub(super) procedure: u32,
    flavour: u32,
    /// Bytes of the credentials with flavour and length; they begin at [`Call::CREDENTIALS_AT`].
    pub(super) credentials_bytes: usize,
    pub(super) gss: Gss,
    /// Arguments of the procedure.
    pub(super) data: &'a [u8],
}

impl<'a> Call<'a> {
    /// Where the credentials begin, from the message's first byte.
    pub(super) const CREDENTIALS_AT: usize = CALL_BYTES;

    /// Reads a message from its number on.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(message);
        let xid = needed(reader.u32())?;
        needed(reader.u32())?;
        let rpc_version = needed(reader.u32())?;
        let program = needed(reader.u32())?;
        let version = needed(reader.u32())?;
        let procedure = needed(reader.u32())?;
        let flavour = needed(reader.u32())?;
        let credentials = authenticator(&mut reader)?;
        let gss = match flavour {
            AUTH_UNIX => {
                unix(credentials).ok_or(Fault::Wrong)?;
                Gss::default()
            }
            AUTH_GSS => gss(credentials).ok_or(Fault::Wrong)?,
            _ => Gss::default(),
        };
        needed(reader.u32())?;
        authenticator(&mut reader)?;
        Ok(Self {
            xid,
            rpc_version,
            program,
            version,
            procedure,
            flavour,
            credentials_bytes: 8 + credentials.len(),
            gss,
            data: reader.rest(),
        })
    }
}

/// The body of credentials or of a verifier.
fn authenticator<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let length = needed(reader.u32())?;
    when(length <= limits::RPC_CREDENTIALS_BYTES_MAX)?;
    needed(reader.take(usize::try_from(length).unwrap_or(usize::MAX)))
}

/// A time, a machine's name, a user and a group (RFC 5531, appendix A); further groups are not looked at.
fn unix(credentials: &[u8]) -> Option<()> {
    let mut reader = Reader::new(credentials);
    reader.u32()?;
    let name_bytes = reader.u32()?;
    if name_bytes > limits::RPC_MACHINE_BYTES_MAX {
        return None;
    }
    let name_bytes = usize::try_from(name_bytes).ok()?;
    reader.take(name_bytes.next_multiple_of(4))?;
    reader.take(8)?;
    Some(())
}

fn gss(credentials: &[u8]) -> Option<Gss> {
    let mut reader = Reader::new(credentials);
    reader.u32()?;
    let procedure = reader.u32()?;
    reader.u32()?;
    let service = reader.u32()?;
    Some(Gss { procedure, service })
}

/// A reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply<'a> {
    pub(super) xid: u32,
    state: u32,
    accepted: u32,
    /// Results of the procedure.
    pub(super) data: &'a [u8],
}

impl<'a> Reply<'a> {
    /// Reads a message from its number on. A reply that was denied is read like the others, as the reference does.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(message);
        let xid = needed(reader.u32())?;
        needed(reader.u32())?;
        let state = needed(reader.u32())?;
        when(state <= 1)?;
        needed(reader.u32())?;
        authenticator(&mut reader)?;
        let accepted = needed(reader.u32())?;
        Ok(Self {
            xid,
            state,
            accepted,
            data: reader.rest(),
        })
    }

    fn is_success(&self) -> bool {
        self.state == 0 && self.accepted == 0
    }
}

/// Whether a stream begins with a record of NFS, as far as can be told.
pub(in crate::app_layer) fn identify_record(direction: Direction, bytes: &[u8]) -> Option<bool> {
    const FRAGMENT_BYTES: std::ops::RangeInclusive<u32> = 24..=35_000;
    const CALL_FRAGMENT_BYTES_MIN: u32 = 40;
    const PROCEDURE_MAX: u32 = 21;
    let known = |fault| (fault == Fault::Wrong).then_some(false);
    let header = match RecordHeader::parse(bytes) {
        Ok(header) => header,
        Err(fault) => return known(fault),
    };
    let message = bytes.get(MARK_BYTES..).unwrap_or_default();
    match direction {
        Direction::ToServer => match Call::parse(message) {
            Ok(call) => Some(
                header.kind == CALL
                    && header.fragment_bytes >= CALL_FRAGMENT_BYTES_MIN
                    && call.rpc_version == RPC_VERSION
                    && matches!(call.version, 3 | 4)
                    && call.program == NFS_PROGRAM
                    && call.procedure <= PROCEDURE_MAX
                    && call.flavour <= KNOWN_FLAVOUR_MAX,
            ),
            Err(fault) => known(fault),
        },
        Direction::ToClient => {
            let is_reply = header.kind == REPLY && FRAGMENT_BYTES.contains(&header.fragment_bytes);
            match Reply::parse(message) {
                Ok(reply) => Some(is_reply && reply.is_success()),
                Err(Fault::Short) => Some(is_reply && header.xid != 0),
                Err(Fault::Wrong) => Some(false),
            }
        }
    }
}

/// Whether a record begins here, where a stream is looked through behind a gap. What is too short to tell must be a call of
/// NFS as far as it goes.
pub(super) fn find_record(direction: Direction, bytes: &[u8]) -> Option<bool> {
    let is_record = identify_record(direction, bytes);
    let is_possible = || {
        let word = |at| Reader::at(bytes, at).u32();
        direction == Direction::ToClient
            || word(12).is_none_or(|version| version == RPC_VERSION)
                && word(16).is_none_or(|program| program == NFS_PROGRAM)
    };
    is_record.or_else(|| (!is_possible()).then_some(false))
}

/// Whether a datagram is a call or a reply of NFS.
pub(in crate::app_layer) fn identify_datagram(direction: Direction, bytes: &[u8]) -> bool {
    const CALL_BYTES_MIN: usize = 48;
    const REPLY_BYTES_MIN: usize = 32;
    let kind = bytes
        .get(4..8)
        .and_then(|word| word.try_into().ok())
        .map(u32::from_be_bytes);
    match direction {
        Direction::ToServer => {
            kind == Some(CALL)
                && bytes.len() >= CALL_BYTES_MIN
                && Call::parse(bytes)
                    .is_ok_and(|call| matches!(call.version, 2 | 3) && call.program == NFS_PROGRAM)
        }
        Direction::ToClient => {
            kind == Some(REPLY)
                && bytes.len() >= REPLY_BYTES_MIN
                && Reply::parse(bytes).is_ok_and(|reply| reply.is_success())
        }
    }
}
