//! The units of a connection: TPKT (T.123, section 8) with X.224 and T.125 inside, or records of TLS.

use crate::{
    app_layer::{limits, messages::Cut, reader::Reader, tls::Certificates},
    direction::Direction,
};

const TPKT_VERSION: u8 = 3;
const TPKT_HEADER_BYTES: usize = 4;
const RECORD_HEADER_BYTES: usize = 5;
const RECORD_HANDSHAKE: u8 = 22;
const HANDSHAKE_CERTIFICATE: u8 = 11;

/// A step of the beginning of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::app_layer) enum Step {
    /// X.224 connection request: what the client can do for security.
    Request,
    /// X.224 connection confirm: what the server chose.
    Confirm,
    /// MCS connect initial: what the client and its screen are.
    ConferenceRequest,
    /// MCS connect response; what follows is encrypted in RDP's own way.
    ConferenceResponse,
    /// The server's certificate in TLS; what follows is of no interest or encrypted.
    Certificate(Box<Certificates>),
}

/// Whether TLS begins where a TPKT was expected.
pub(super) fn begins_tls(bytes: &[u8]) -> bool {
    bytes.first() == Some(&RECORD_HANDSHAKE)
}

/// Where a TPKT ends.
pub(super) fn cut_tpkt(bytes: &[u8]) -> Cut {
    let mut header = Reader::new(bytes);
    let version = header.u8();
    header.u8();
    match (version, header.u16().map(usize::from)) {
        (Some(version), _) if version != TPKT_VERSION => Cut::Failed,
        (_, None) => Cut::More,
        (_, Some(length)) if length < TPKT_HEADER_BYTES => Cut::Failed,
        (_, Some(length)) if length > bytes.len() => Cut::More,
        (_, Some(length)) => Cut::Message(length),
    }
}

/// Where a record of TLS ends (RFC 5246, section 6.2.1).
pub(super) fn cut_record(bytes: &[u8]) -> Cut {
    let mut header = Reader::new(bytes);
    let kind = header.u8();
    let major = header.u8();
    header.u8();
    let length = header.u16().map(usize::from);
    let is_record = kind.is_none_or(|kind| (20..=24).contains(&kind))
        && major.is_none_or(|major| major == 3)
        && length.is_none_or(|length| length <= limits::TLS_RECORD_BYTES_MAX);
    match length {
        _ if !is_record => Cut::Failed,
        Some(length) if RECORD_HEADER_BYTES + length <= bytes.len() => {
            Cut::Message(RECORD_HEADER_BYTES + length)
        }
        _ => Cut::More,
    }
}

/// Which step a TPKT is, if any.
pub(super) fn step_of_tpkt(direction: Direction, unit: &[u8]) -> Option<Step> {
    let mut reader = Reader::at(unit, TPKT_HEADER_BYTES);
    let header_bytes = reader.u8()?;
    // The kind of a TPDU is the upper half of its first byte (X.224, section 13.2).
    let kind = reader.u8()? >> 4;
    match (direction, kind) {
        (Direction::ToServer, 0xe) => Some(Step::Request),
        (Direction::ToClient, 0xd) => Some(Step::Confirm),
        (_, 0xf) => {
            let rest = usize::from(header_bytes).checked_sub(1)?;
            reader.take(rest)?;
            // Application tags 101 and 102 (T.125, section 7).
            match (direction, reader.u16()?) {
                (Direction::ToServer, 0x7f65) => Some(Step::ConferenceRequest),
                (Direction::ToClient, 0x7f66) => Some(Step::ConferenceResponse),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The server's certificate, where a record holds the message whole.
pub(super) fn step_of_record(direction: Direction, record: &[u8]) -> Option<Step> {
    if direction == Direction::ToServer || !begins_tls(record) {
        return None;
    }
    let mut messages = Reader::at(record, RECORD_HEADER_BYTES);
    loop {
        let kind = messages.u8()?;
        let length = usize::try_from(messages.u24()?).ok()?;
        let body = messages.take(length)?;
        if kind == HANDSHAKE_CERTIFICATE {
            return Some(Step::Certificate(Box::new(Certificates::read(body))));
        }
    }
}
