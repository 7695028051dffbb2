//! `asn1`: objects in BER one after the other, each looked at with all that is in it.
//!
//! Decoding ends at the first bytes that are no object; objects before it count. Depth and number of objects have the
//! reference's limit ([`ASN1_OBJECTS_MAX`]): with more objects than that there is no match.

use der_parser::ber::{BerObject, BerObjectContent, Tag, parse_ber_recursive};
use lapwing_rules::model::{Asn1, Asn1Start};

use super::limits::{ASN1_BYTES_MAX, ASN1_OBJECTS_MAX};

/// A real number in text is too long from here on, in bytes.
const REAL_TEXT_BYTES: usize = 256;

/// Whether one of the odd things stands in `bytes`; `cursor` is behind the match before.
pub(crate) fn holds(asn1: &Asn1, bytes: &[u8], cursor: usize) -> bool {
    let start = match asn1.start {
        Asn1Start::Absolute(offset) => Some(usize::from(offset)),
        Asn1Start::Relative(offset) => {
            cursor.checked_add_signed(isize::try_from(offset).unwrap_or(isize::MAX))
        }
    };
    let bytes = &bytes[..bytes.len().min(ASN1_BYTES_MAX)];
    let Some(mut rest) = start.and_then(|start| bytes.get(start..)) else {
        return false;
    };
    let mut objects = Vec::new();
    while !rest.is_empty() {
        if objects.len() >= ASN1_OBJECTS_MAX {
            return false;
        }
        let Ok((behind, object)) = parse_ber_recursive(rest, ASN1_OBJECTS_MAX) else {
            break;
        };
        objects.push(object);
        rest = behind;
    }
    objects
        .iter()
        .find_map(|object| odd_within(asn1, object, ASN1_OBJECTS_MAX))
        .unwrap_or(false)
}

/// `Some(true)` where an odd thing is found, `Some(false)` where the objects are too deep to go on.
fn odd_within(asn1: &Asn1, object: &BerObject<'_>, depth_left: usize) -> Option<bool> {
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Some(false);
    };
    if is_odd(asn1, object) {
        return Some(true);
    }
    object
        .ref_iter()
        .find_map(|inner| odd_within(asn1, inner, depth_left))
}

fn is_odd(asn1: &Asn1, object: &BerObject<'_>) -> bool {
    let header = &object.header;
    let length = header.length().definite().unwrap_or(0);
    let content = object.content.as_slice().unwrap_or_default();
    let is_primitive = |tag| header.is_universal() && header.is_primitive() && header.tag() == tag;
    if let Some(limit) = asn1.oversize_length {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if length > limit || content.len() > limit {
            return true;
        }
    }
    if asn1.bit_string_overflow
        && is_primitive(Tag::BitString)
        && let BerObjectContent::BitString(unused_bits, _) = &object.content
        && length > 0
        && usize::from(*unused_bits) > length.saturating_mul(8)
    {
        return true;
    }
    // The first byte says how it is encoded; two zero bits are text.
    asn1.double_overflow
        && is_primitive(Tag::RealType)
        && content.first().is_some_and(|first| first & 0xc0 == 0)
        && length.max(content.len()) > REAL_TEXT_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Asn1 = Asn1 {
        start: Asn1Start::Absolute(0),
        bit_string_overflow: false,
        double_overflow: false,
        oversize_length: None,
    };

    fn longer_than(length: u32) -> Asn1 {
        Asn1 {
            oversize_length: Some(length),
            ..NOTHING
        }
    }

    #[test]
    fn lengths_are_seen_at_any_depth() {
        // A sequence of an octet string of three bytes.
        let nested = [0x30, 5, 4, 3, b'a', b'b', b'c'];
        assert!(holds(&longer_than(4), &nested, 0));
        assert!(!holds(&longer_than(5), &nested, 0));
        let inner = Asn1 {
            start: Asn1Start::Absolute(2),
            ..longer_than(2)
        };
        assert!(holds(&inner, &nested, 0));
        assert!(!holds(&longer_than(2), &nested[..4], 0), "it is cut");
    }

    #[test]
    fn a_later_object_counts_and_what_is_no_object_ends_the_search() {
        let two = [0x05, 0x00, 4, 3, b'a', b'b', b'c'];
        assert!(holds(&longer_than(2), &two, 0));
        let broken = [0x05, 0x00, 0x84, 4, 3];
        assert!(!holds(&longer_than(2), &broken, 0));
        let many = [[0x05, 0x00].repeat(30), vec![4, 3, 1, 2, 3]].concat();
        assert!(!holds(&longer_than(2), &many, 0), "one object too many");
        assert!(holds(&longer_than(2), &many[2..], 0));
    }

    #[test]
    fn the_place_may_be_relative_to_the_cursor() {
        let bytes = [9, 9, 9, 4, 3, b'a', b'b', b'c'];
        for (cursor, offset, expected) in [
            (1, 2, true),
            (5, -2, true),
            (3, 0, true),
            (0, -1, false),
            (7, 9, false),
        ] {
            let asn1 = Asn1 {
                start: Asn1Start::Relative(offset),
                ..longer_than(2)
            };
            assert_eq!(holds(&asn1, &bytes, cursor), expected, "{cursor} {offset}");
        }
    }

    #[test]
    fn a_bit_string_may_have_more_unused_bits_than_bits() {
        let asn1 = Asn1 {
            bit_string_overflow: true,
            ..NOTHING
        };
        assert!(holds(&asn1, &[3, 1, 0xff], 0));
        assert!(!holds(&asn1, &[3, 1, 7], 0));
        assert!(!holds(&NOTHING, &[3, 1, 0xff], 0));
    }

    #[test]
    fn a_real_number_in_text_may_be_too_long() {
        let asn1 = Asn1 {
            double_overflow: true,
            ..NOTHING
        };
        let real = |length: u16, first: u8| {
            let mut bytes = vec![9, 0x82];
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.push(first);
            bytes.resize(4 + usize::from(length), b'1');
            bytes
        };
        assert!(holds(&asn1, &real(257, 3), 0));
        assert!(!holds(&asn1, &real(256, 3), 0));
        assert!(!holds(&asn1, &real(257, 0x80), 0), "binary");
    }

    #[test]
    fn any_bytes_are_looked_at_in_bounded_depth() {
        let deep = [0x30, 0x80].repeat(40_000);
        let asn1 = Asn1 {
            double_overflow: true,
            bit_string_overflow: true,
            ..longer_than(100_000)
        };
        assert!(!holds(&asn1, &deep, 0));
        for length in 0..600_u32 {
            let bytes: Vec<u8> = (0..length)
                .map(|at| (at.wrapping_mul(length * 37 + 11) >> 3).to_le_bytes()[0])
                .collect();
            holds(&asn1, &bytes, 0);
        }
    }
}
