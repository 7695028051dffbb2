//! TFTP (RFC 1350): a transaction for each request to read or write a file, with the file's name.
//!
//! The file itself goes between other ports and is not read.

#[cfg(test)]
mod tests;

use lapwing_rules::model::AppProtocol;

use super::{
    FactKind, Feed, limits,
    messages::{Message, MessageProtocol, OneMessage},
    transactions::Transactions,
};
use crate::direction::Direction;

const READ_REQUEST: [u8; 2] = [0, 1];
const WRITE_REQUEST: [u8; 2] = [0, 2];
const MODES: [&[u8]; 3] = [b"netascii", b"octet", b"mail"];

/// TFTP of one flow.
#[derive(Debug, Default)]
pub(super) struct TftpProtocol;

/// A request. Rules have no keyword for what stands in it.
#[derive(Debug)]
pub(super) struct TftpRequest {
    file_name: Vec<u8>,
}

/// Reads a request (section 5): its kind, a name and a mode, each behind the other with a zero byte at its end. Options (RFC 2347)
/// may follow.
fn request(message: &[u8]) -> Option<TftpRequest> {
    let (kind, rest) = message.split_first_chunk()?;
    if *kind != READ_REQUEST && *kind != WRITE_REQUEST {
        return None;
    }
    let (name, rest) = text(rest)?;
    let (mode, _) = text(rest)?;
    let is_mode = MODES.iter().any(|known| mode.eq_ignore_ascii_case(known));
    is_mode.then(|| TftpRequest {
        file_name: name[..name.len().min(limits::TFTP_FILE_NAME_BYTES_MAX)].to_vec(),
    })
}

/// Bytes before the next zero byte, and those behind it.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

impl MessageProtocol for TftpProtocol {
    type Transaction = OneMessage<TftpRequest>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Tftp
    }

    fn message(
        &mut self,
        _: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        if let Some(request) = request(message) {
            transactions.push(OneMessage::of_both(request));
        }
        Feed::More
    }
}

impl Message for TftpRequest {
    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        facts.push((FactKind::FileName, self.file_name.clone()));
    }

    fn held_bytes(&self) -> usize {
        self.file_name.capacity()
    }
}
