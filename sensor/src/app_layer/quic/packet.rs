//! What rules may ask of one packet.

use lapwing_rules::model::Buffer;

use super::{google::ClientMessage, header::Header, hello::QuicHello, version::Version};
use crate::{
    app_layer::{FactKind, messages::Message, tls::fingerprint},
    direction::Direction,
};

/// One packet that says its version, with what it made complete.
#[derive(Debug)]
pub(in crate::app_layer) struct QuicPacket {
    /// Of a long header.
    version: Option<[u8; 4]>,
    server_name: Option<Vec<u8>>,
    user_agent: Option<Vec<u8>>,
    hello: Option<QuicHello>,
    /// Hash and string of CYU, for each message.
    cyu: Vec<(Vec<u8>, Vec<u8>)>,
    direction: Direction,
}

impl QuicPacket {
    pub(super) fn new(direction: Direction, header: &Header<'_>) -> Self {
        Self {
            version: header.is_long.then(|| header.version.0.to_be_bytes()),
            server_name: None,
            user_agent: None,
            hello: None,
            cyu: Vec::new(),
            direction,
        }
    }

    /// It made the hello of its direction complete.
    pub(super) fn set_hello(&mut self, mut hello: QuicHello) {
        if let Some(name) = hello.server_name.take() {
            self.server_name = Some(name);
        }
        self.hello = Some(hello);
    }

    /// It holds a message of Google's handshake.
    pub(super) fn add_client_message(&mut self, version: Version, message: ClientMessage) {
        if let Some(name) = version.cyu_name() {
            let text = format!("{name},{}", message.tags).into_bytes();
            self.cyu.push((fingerprint::md5_hex(&text), text));
        }
        if message.server_name.is_some() {
            self.server_name = message.server_name;
        }
        if message.user_agent.is_some() {
            self.user_agent = message.user_agent;
        }
    }

    fn ja4(&self) -> Option<&[u8]> {
        self.hello.as_ref()?.ja4.as_deref()
    }
}

impl Message for QuicPacket {
    fn buffer(&self, buffer: Buffer, index: usize) -> Option<&[u8]> {
        if let Some((hash, text)) = self.cyu.get(index) {
            match buffer {
                Buffer::QuicCyuHash => return Some(hash),
                Buffer::QuicCyuString => return Some(text),
                _ => {}
            }
        }
        if index > 0 {
            return None;
        }
        let from_client = self.direction == Direction::ToServer;
        let ja3 = self.hello.as_ref().map(|hello| &hello.ja3);
        match buffer {
            Buffer::QuicVersion => self.version.as_ref().map(|version| &version[..]),
            Buffer::QuicSni => self.server_name.as_deref(),
            Buffer::QuicUserAgent => self.user_agent.as_deref(),
            Buffer::Ja3Hash if from_client => ja3.map(|(hash, _)| &hash[..]),
            Buffer::Ja3String if from_client => ja3.map(|(_, text)| &text[..]),
            Buffer::Ja3sHash if !from_client => ja3.map(|(hash, _)| &hash[..]),
            Buffer::Ja3sString if !from_client => ja3.map(|(_, text)| &text[..]),
            Buffer::Ja4Hash if from_client => self.ja4(),
            _ => None,
        }
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        let from_client = self.direction == Direction::ToServer;
        let ja3 = self.hello.as_ref().map(|hello| &hello.ja3.0[..]);
        let values = [
            (FactKind::TlsSni, self.server_name.as_deref()),
            (FactKind::Ja3, ja3.filter(|_| from_client)),
            (FactKind::Ja3s, ja3.filter(|_| !from_client)),
            (FactKind::Ja4, self.ja4()),
        ];
        for (kind, value) in values {
            if let Some(value) = value {
                facts.push((kind, value.to_vec()));
            }
        }
    }

    fn held_bytes(&self) -> usize {
        let texts = self
            .cyu
            .iter()
            .map(|(hash, text)| hash.capacity() + text.capacity());
        texts.sum::<usize>()
            + self.server_name.as_ref().map_or(0, Vec::capacity)
            + self.user_agent.as_ref().map_or(0, Vec::capacity)
            + self.hello.as_ref().map_or(0, QuicHello::held_bytes)
    }
}
