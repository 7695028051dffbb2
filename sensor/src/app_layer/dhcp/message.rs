//! One message: its times, and whether its options can be read to their end (RFC 2132).

use lapwing_rules::model::HeaderField;

use crate::app_layer::{TransactionField, messages, reader::Reader};

/// Bytes before the options: the BOOTP header and the cookie.
const HEADER_BYTES: usize = 240;

mod option {
    pub(super) const LEASE_TIME: u8 = 51;
    pub(super) const RENEWAL_TIME: u8 = 58;
    pub(super) const REBINDING_TIME: u8 = 59;
    pub(super) const CLIENT_IDENTIFIER: u8 = 61;
    pub(super) const END: u8 = 255;
}

/// What is kept of a message: the first of each time, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app_layer) struct DhcpMessage {
    lease: Option<u32>,
    renewal: Option<u32>,
    rebinding: Option<u32>,
    /// The options end before their end.
    pub(super) is_truncated: bool,
}

/// Reads a message that has a whole header.
pub(super) fn read(bytes: &[u8]) -> Option<DhcpMessage> {
    let mut reader = Reader::new(bytes.get(HEADER_BYTES..)?);
    let mut message = DhcpMessage::default();
    loop {
        match next(&mut reader, &mut message) {
            Some(option::END) => break,
            Some(_) => {}
            None => {
                message.is_truncated = true;
                break;
            }
        }
    }
    Some(message)
}

/// Reads an option and gives its code.
fn next(reader: &mut Reader<'_>, message: &mut DhcpMessage) -> Option<u8> {
    let code = reader.u8()?;
    let time = match code {
        option::END => return Some(code),
        option::LEASE_TIME => &mut message.lease,
        option::RENEWAL_TIME => &mut message.renewal,
        option::REBINDING_TIME => &mut message.rebinding,
        // As in the reference, padding is an option as the others are.
        _ => {
            let content = reader.prefixed_u8()?;
            // A client identifier is a type of hardware and at least one byte behind it.
            let is_whole = code != option::CLIENT_IDENTIFIER || content.len() >= 2;
            return is_whole.then_some(code);
        }
    };
    // As in the reference, a time takes four bytes whatever its length says.
    reader.u8()?;
    time.get_or_insert(reader.u32()?);
    Some(code)
}

impl messages::Message for DhcpMessage {
    fn field(&self, field: TransactionField, index: usize) -> Option<u64> {
        let seconds = match field {
            _ if index > 0 => None,
            HeaderField::DhcpLeaseTime => self.lease,
            HeaderField::DhcpRenewalTime => self.renewal,
            HeaderField::DhcpRebindingTime => self.rebinding,
            _ => None,
        };
        seconds.map(u64::from)
    }
}
