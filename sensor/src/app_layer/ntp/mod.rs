//! NTP versions 3 and 4 over datagrams (RFC 1305, RFC 5905): a transaction for each message that asks.
//!
//! What is no message is not told: as in the reference, whose event for it is never shown.

#[cfg(test)]
mod tests;

use lapwing_rules::model::AppProtocol;
use ntp_parser::{NtpMode, NtpPacket, parse_ntp};

use super::{
    Feed,
    messages::{Message, MessageProtocol, OneMessage},
    transactions::Transactions,
};
use crate::direction::Direction;

/// Whether a datagram is a message of version 3 or 4.
pub(super) fn is_message(bytes: &[u8]) -> bool {
    parse_ntp(bytes).is_ok()
}

/// NTP of one flow.
#[derive(Debug, Default)]
pub(super) struct NtpProtocol;

/// A message that asks for the time. Rules have no keyword for what stands in it.
#[derive(Debug)]
pub(super) struct NtpRequest;

impl MessageProtocol for NtpProtocol {
    type Transaction = OneMessage<NtpRequest>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Ntp
    }

    fn message(
        &mut self,
        _: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let mode = match parse_ntp(message) {
            Ok((_, NtpPacket::V3(packet))) => packet.mode,
            Ok((_, NtpPacket::V4(packet))) => packet.mode,
            Err(_) => return Feed::Stop,
        };
        if mode == NtpMode::Client || mode == NtpMode::SymmetricActive {
            transactions.push(OneMessage::of_both(NtpRequest));
        }
        Feed::More
    }
}

impl Message for NtpRequest {}
