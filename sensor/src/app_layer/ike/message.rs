//! The header of both versions (RFC 7296, section 3.1), and what rules ask of one message.

use lapwing_rules::model::{Buffer, HeaderField, SaAttribute};

use crate::app_layer::{TransactionField, limits, messages, reader::Reader};

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IkeHeader {
    initiator: u64,
    responder: u64,
    pub(super) next_payload: u8,
    pub(super) major_version: u8,
    exchange: u8,
    flags: u8,
}

impl IkeHeader {
    /// Reads it, and gives the payloads behind it.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::new(bytes);
        let spi = |reader: &mut Reader<'_>| {
            Some(u64::from(reader.u32()?) << 32 | u64::from(reader.u32()?))
        };
        let initiator = spi(&mut reader)?;
        let responder = spi(&mut reader)?;
        let next_payload = reader.u8()?;
        let major_version = reader.u8()? >> 4;
        let exchange = reader.u8()?;
        let flags = reader.u8()?;
        // Message number and length.
        reader.take(8)?;
        let header = Self {
            initiator,
            responder,
            next_payload,
            major_version,
            exchange,
            flags,
        };
        Some((header, reader.rest()))
    }

    /// Version 1: the payloads are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// What is kept of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app_layer) struct IkeMessage {
    initiator: String,
    responder: String,
    exchange: u8,
    pub(super) key_exchange: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    /// In hexadecimal digits.
    pub(super) vendors: Vec<String>,
    /// What the responder chose: the first value of each attribute counts.
    chosen: Vec<(SaAttribute, u32)>,
}

impl IkeMessage {
    pub(super) fn new(header: &IkeHeader) -> Self {
        Self {
            initiator: format!("{:016x}", header.initiator),
            responder: format!("{:016x}", header.responder),
            exchange: header.exchange,
            key_exchange: Vec::new(),
            nonce: Vec::new(),
            vendors: Vec::new(),
            chosen: Vec::new(),
        }
    }

    /// Adds a chosen attribute unless one of its kind is there.
    pub(super) fn choose(&mut self, attribute: SaAttribute, value: u32) {
        let is_new = self.chosen.iter().all(|(known, _)| *known != attribute);
        if is_new && self.chosen.len() < limits::IKE_ATTRIBUTES_MAX {
            self.chosen.push((attribute, value));
        }
    }
}

impl messages::Message for IkeMessage {
    fn buffer(&self, buffer: Buffer, index: usize) -> Option<&[u8]> {
        let unless_empty = |bytes: &'_ [u8]| !bytes.is_empty();
        match buffer {
            Buffer::IkeVendor => self.vendors.get(index).map(String::as_bytes),
            _ if index > 0 => None,
            Buffer::IkeInitiatorSpi => Some(self.initiator.as_bytes()),
            Buffer::IkeResponderSpi => Some(self.responder.as_bytes()),
            Buffer::IkeNonce => Some(&self.nonce[..]).filter(|bytes| unless_empty(bytes)),
            Buffer::IkeKeyExchange => {
                Some(&self.key_exchange[..]).filter(|bytes| unless_empty(bytes))
            }
            _ => None,
        }
    }

    fn field(&self, field: TransactionField, index: usize) -> Option<u64> {
        let length = |bytes: &[u8]| {
            let length = u64::try_from(bytes.len()).ok()?;
            (index == 0 && length > 0).then_some(length)
        };
        match field {
            HeaderField::IkeExchangeType if index == 0 => Some(u64::from(self.exchange)),
            HeaderField::IkeKeyExchangeLength => length(&self.key_exchange),
            HeaderField::IkeNonceLength => length(&self.nonce),
            HeaderField::IkeChosenAttribute => self
                .chosen
                .get(index)
                .map(|(attribute, value)| attribute.with_value(*value)),
            _ => None,
        }
    }

    fn held_bytes(&self) -> usize {
        self.initiator.capacity()
            + self.responder.capacity()
            + self.key_exchange.capacity()
            + self.nonce.capacity()
            + self.chosen.capacity() * size_of::<(SaAttribute, u32)>()
            + self
                .vendors
                .iter()
                .map(|vendor| vendor.capacity() + size_of::<String>())
                .sum::<usize>()
    }
}
