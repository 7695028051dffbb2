//! A transaction for each packet that says its version.

use lapwing_rules::model::AppProtocol;

use super::{
    crypto_stream::CryptoStream,
    frames::{self, Frame},
    google::ClientMessage,
    header::{Header, PacketKind},
    hello::{Front, QuicHello},
    keys::InitialKeys,
    packet::QuicPacket,
};
use crate::{
    app_layer::{
        Feed, limits,
        messages::{MessageProtocol, OneMessage},
        transactions::Transactions,
    },
    direction::Direction,
};

/// QUIC of one flow.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct QuicProtocol {
    /// Made from the first Initial packet, and anew behind a Retry.
    keys: Option<Box<InitialKeys>>,
    crypto: [CryptoStream; 2],
    /// The hello of a direction was seen: what follows is encrypted.
    has_hello: [bool; 2],
}

type Packet = OneMessage<QuicPacket>;

impl MessageProtocol for QuicProtocol {
    type Transaction = Packet;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Quic
    }

    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Packet>,
    ) -> Feed {
        let mut rest = message;
        for _ in 0..limits::QUIC_PACKETS_MAX {
            if rest.is_empty() || self.has_hello[direction.index()] {
                break;
            }
            let Some(header) =
                Header::parse(rest).filter(|header| header.kind != PacketKind::Short)
            else {
                break;
            };
            rest = header.rest;
            let packet = QuicPacket::new(direction, &header);
            let mut packet = OneMessage::new(direction, packet);
            let is_readable = match header.kind {
                PacketKind::Initial => self.initial(direction, &header, &mut packet),
                PacketKind::Retry => {
                    self.keys = None;
                    self.has_hello = [false; 2];
                    true
                }
                PacketKind::Other | PacketKind::Short => true,
            };
            transactions.push(packet);
            if !is_readable {
                break;
            }
        }
        Feed::More
    }

    fn held_bytes(&self) -> usize {
        let keys = self.keys.as_ref().map_or(0, |_| size_of::<InitialKeys>());
        keys + self
            .crypto
            .iter()
            .map(CryptoStream::held_bytes)
            .sum::<usize>()
    }
}

impl QuicProtocol {
    /// Reads an Initial packet; whether it could be opened.
    fn initial(&mut self, direction: Direction, header: &Header<'_>, packet: &mut Packet) -> bool {
        if self.keys.is_none() {
            self.keys = InitialKeys::new(header.version, header.destination_id).map(Box::new);
        }
        let Some(keys) = &self.keys else {
            // Google's versions up to Q046, and those whose keys nobody told us.
            self.frames(direction, header, header.payload, packet);
            return true;
        };
        let Some(payload) = keys.open(direction, header.bytes, header.payload) else {
            packet.events.add("failed_decrypt");
            return false;
        };
        self.frames(direction, header, &payload, packet);
        true
    }

    fn frames(
        &mut self,
        direction: Direction,
        header: &Header<'_>,
        payload: &[u8],
        packet: &mut Packet,
    ) {
        let Ok(frames) = frames::read(payload) else {
            packet.events.add("error_on_data");
            return;
        };
        for frame in frames {
            match frame {
                Frame::Crypto { offset, data } => self.crypto(direction, offset, data, packet),
                Frame::Google { data } => {
                    if let Some(message) = ClientMessage::parse(data) {
                        packet.message.add_client_message(header.version, message);
                    }
                }
            }
        }
        let crypto = &mut self.crypto[direction.index()];
        if crypto.front().is_empty() {
            return;
        }
        match QuicHello::read(crypto.front()) {
            Front::Incomplete => {}
            Front::Odd => {
                crypto.clear();
                packet.events.add("error_on_data");
            }
            Front::Hello(hello) => {
                crypto.clear();
                packet.message.set_hello(hello);
                self.has_hello[direction.index()] = true;
            }
        }
    }

    fn crypto(&mut self, direction: Direction, offset: u64, data: &[u8], packet: &mut Packet) {
        if self.crypto[direction.index()].add(offset, data).is_err() {
            packet.events.add("crypto_frag_too_long");
        }
    }
}
