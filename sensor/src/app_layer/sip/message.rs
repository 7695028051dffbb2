//! One SIP message: its first line, and whether what follows is a header block (RFC 3261, section 7).

use crate::{app_layer::limits, direction::Direction};

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FirstLine {
    /// `METHOD uri version`
    Request {
        method: Vec<u8>,
        uri: Vec<u8>,
        version: Vec<u8>,
    },
    /// `version code reason`
    Response {
        version: Vec<u8>,
        code: Vec<u8>,
        reason: Vec<u8>,
    },
}

/// A message whose first line and header block make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The first line as sent, without its line end.
    pub(super) line: Vec<u8>,
    /// Bytes of the header fields with their line ends, without the empty line behind them.
    pub(super) headers_bytes: usize,
    pub(super) first: FirstLine,
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// They end too early.
    Incomplete,
    /// They break the grammar.
    Invalid,
}

/// Whether a datagram is a message of its direction.
pub(in crate::app_layer) fn is_message(direction: Direction, datagram: &[u8]) -> bool {
    match direction {
        Direction::ToServer => request(datagram).is_ok(),
        Direction::ToClient => response(datagram).is_ok(),
    }
}

/// Reads a request.
pub(super) fn request(bytes: &[u8]) -> Result<Message, Flaw> {
    let (method, rest) = word(bytes, |byte| byte.is_ascii_alphabetic())?;
    let (uri, rest) = word(symbol(rest, b" ")?, is_uri_byte)?;
    let behind_uri = symbol(rest, b" ")?;
    symbol(behind_uri, b"SIP/")?;
    let (version, rest) = word(behind_uri, is_version_byte)?;
    let headers_bytes = header_block(symbol(rest, b"\r\n")?)?;
    let first = FirstLine::Request {
        method: method.to_vec(),
        uri: uri.to_vec(),
        version: version.to_vec(),
    };
    Ok(message(bytes, rest, headers_bytes, first))
}

/// Reads a response.
pub(super) fn response(bytes: &[u8]) -> Result<Message, Flaw> {
    let (version, rest) = word(bytes, is_version_byte)?;
    let rest = symbol(rest, b" ")?;
    let (code, rest) = rest.split_at_checked(3).ok_or(Flaw::Incomplete)?;
    let rest = symbol(rest, b" ")?;
    let (reason, rest) = rest.split_at(span(rest, is_reason_byte));
    let headers_bytes = header_block(symbol(rest, b"\r\n")?)?;
    let first = FirstLine::Response {
        version: version.to_vec(),
        code: code.to_vec(),
        reason: reason.to_vec(),
    };
    Ok(message(bytes, rest, headers_bytes, first))
}

fn message(bytes: &[u8], behind_line: &[u8], headers_bytes: usize, first: FirstLine) -> Message {
    Message {
        line: bytes[..bytes.len() - behind_line.len()].to_vec(),
        headers_bytes,
        first,
    }
}

/// Fields up to the empty line; how many bytes they are.
fn header_block(block: &[u8]) -> Result<usize, Flaw> {
    let mut bytes = block;
    for _ in 0..limits::SIP_HEADERS_MAX {
        if matches!(bytes, [] | b"\r") {
            return Err(Flaw::Incomplete);
        }
        if bytes.starts_with(b"\r\n") {
            return Ok(block.len() - bytes.len());
        }
        let (_, rest) = word(bytes, is_token_byte)?;
        let rest = &rest[span(rest, is_blank)..];
        bytes = field_value(symbol(rest, b":")?)?;
    }
    Err(Flaw::Invalid)
}

/// Passes over a value with its continuation lines, and over its line end.
fn field_value(bytes: &[u8]) -> Result<&[u8], Flaw> {
    let mut at = 0;
    loop {
        let end = memchr::memchr(b'\n', &bytes[at..]).ok_or(Flaw::Incomplete)?;
        at += end + 1;
        match bytes.get(at) {
            Some(&byte) if is_blank(byte) => {}
            Some(_) => return Ok(&bytes[at..]),
            None => return Err(Flaw::Incomplete),
        }
    }
}

fn word(bytes: &[u8], is_part: fn(u8) -> bool) -> Result<(&[u8], &[u8]), Flaw> {
    match span(bytes, is_part) {
        0 if bytes.is_empty() => Err(Flaw::Incomplete),
        0 => Err(Flaw::Invalid),
        length => Ok(bytes.split_at(length)),
    }
}

fn symbol<'a>(bytes: &'a [u8], symbol: &[u8]) -> Result<&'a [u8], Flaw> {
    match bytes.strip_prefix(symbol) {
        Some(rest) => Ok(rest),
        None if symbol.starts_with(bytes) => Err(Flaw::Incomplete),
        None => Err(Flaw::Invalid),
    }
}

fn span(bytes: &[u8], is_part: fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|&&byte| is_part(byte)).count()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!%'*+-._`~".contains(&byte)
}

fn is_uri_byte(byte: u8) -> bool {
    is_token_byte(byte) || b"#@:;=?&$,/()[]".contains(&byte)
}

fn is_version_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}

fn is_reason_byte(byte: u8) -> bool {
    is_token_byte(byte) || b"$&(),/:;=?@[\\]^ ".contains(&byte)
}
