//! Payloads of version 1 (RFC 2408, section 3; RFC 2409, appendix A).

use lapwing_rules::model::SaAttribute;

use super::message::IkeMessage;
use crate::{
    app_layer::{limits, reader::Reader},
    direction::Direction,
};

/// Behind the last payload.
const NONE: u8 = 0;
const SECURITY_ASSOCIATION: u8 = 1;
const KEY_EXCHANGE: u8 = 4;
const NONCE: u8 = 10;
const VENDOR: u8 = 13;
/// The domain of interpretation of IPsec.
const DOMAIN_IPSEC: u32 = 1;

/// A payload behind its generic header, and the type of the next one.
fn next<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let mut ahead = *reader;
    let next = ahead.u8()?;
    ahead.u8()?;
    let length = usize::from(ahead.u16()?);
    let content = ahead.take(length.checked_sub(4)?)?;
    *reader = ahead;
    Some((next, content))
}

/// Whether a payload has room for what every one of its type begins with; one that runs over the end is the last.
fn is_sound(kind: u8, bytes: &[u8]) -> bool {
    let mut reader = Reader::at(bytes, 2);
    let Some(length) = reader.u16() else {
        return true;
    };
    let least = match (kind, reader.u32()) {
        // The situation stands behind the domain of IPsec.
        (SECURITY_ASSOCIATION, Some(DOMAIN_IPSEC)) => 12,
        (SECURITY_ASSOCIATION, _) => 8,
        _ => 4,
    };
    length >= least
}

/// Reads the payloads of a message that is not encrypted. What the responder's first transform says is chosen. `None`
/// where a payload is malformed: the reference knows nothing of such a message.
pub(super) fn read(
    direction: Direction,
    first: u8,
    bytes: &[u8],
    message: &mut IkeMessage,
) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let mut kind = first;
    let mut count = 0;
    while kind != NONE && count < limits::IKE_PAYLOADS_MAX {
        if !is_sound(kind, reader.rest()) {
            return None;
        }
        let Some((following, content)) = next(&mut reader) else {
            break;
        };
        count += 1;
        match kind {
            SECURITY_ASSOCIATION if direction == Direction::ToClient => {
                let transform = first_transform(content).unwrap_or_default();
                attributes(transform, message);
            }
            KEY_EXCHANGE => message.key_exchange = content.to_vec(),
            NONCE => message.nonce = content.to_vec(),
            VENDOR if message.vendors.len() < limits::IKE_VENDORS_MAX => {
                message.vendors.push(hex::encode(content));
            }
            _ => {}
        }
        kind = following;
    }
    Some(())
}

/// The attributes of an association's first transform: domain, situation, a proposal, the transform.
fn first_transform(bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    if reader.u32()? != DOMAIN_IPSEC {
        return None;
    }
    reader.u32()?;
    let (_, proposal) = next(&mut reader)?;
    let mut proposal = Reader::new(proposal);
    // Number, protocol, size of the SPI, number of transforms.
    let [_, _, spi_bytes, _] = *proposal.take(4)? else {
        return None;
    };
    proposal.take(usize::from(spi_bytes))?;
    let (_, transform) = next(&mut proposal)?;
    transform.get(4..)
}

/// Attributes in the short form, and in the long form where they are numbers of four bytes.
fn attributes(bytes: &[u8], message: &mut IkeMessage) {
    let mut reader = Reader::new(bytes);
    while let Some((kind, value)) = reader.u16().zip(reader.u16()) {
        let number = if kind & 0x8000 != 0 {
            Some(u32::from(value))
        } else {
            let Some(long) = reader.take(usize::from(value)) else {
                return;
            };
            long.try_into().ok().map(u32::from_be_bytes)
        };
        let attribute = SaAttribute::of_version_1(kind & 0x7fff);
        if let (Some(attribute), Some(number)) = (attribute, number) {
            message.choose(attribute, number);
        }
    }
}
