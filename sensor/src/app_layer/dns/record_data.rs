//! Whether the data of a record are what its type says (RFC 1035, section 3.3; RFC 2782; RFC 4255), as far as the reference looks:
//! where they are not, all of the message is malformed to it. So are data of no bytes, of any type.

use std::ops::Range;

use super::message::Anomalies;
use crate::app_layer::{limits, reader::Reader};

/// Types whose data are looked at.
mod kind {
    pub(super) const NAME_SERVER: u16 = 2;
    pub(super) const CANONICAL_NAME: u16 = 5;
    pub(super) const AUTHORITY: u16 = 6;
    pub(super) const POINTER: u16 = 12;
    pub(super) const MAIL_EXCHANGE: u16 = 15;
    pub(super) const TEXT: u16 = 16;
    pub(super) const SERVICE: u16 = 33;
    pub(super) const SSH_FINGERPRINT: u16 = 44;
}

/// Numbers behind the two names of a start of authority.
const AUTHORITY_NUMBERS_BYTES: usize = 20;

/// Whether the data of a record of a type, which stand at `place` in the message, are sound; what is odd about names in them is noted.
pub(super) fn is_sound(
    message: &[u8],
    kind: u16,
    place: Range<usize>,
    anomalies: &mut Anomalies,
) -> bool {
    let Some(data) = message.get(..place.end) else {
        return false;
    };
    let mut reader = Reader::at(data, place.start);
    if reader.is_empty() {
        return false;
    }
    let is_sound = match kind {
        kind::NAME_SERVER | kind::CANONICAL_NAME | kind::POINTER => {
            pass_name(&mut reader, message, anomalies)
        }
        kind::MAIL_EXCHANGE => reader
            .u16()
            .and_then(|_| pass_name(&mut reader, message, anomalies)),
        kind::SERVICE => reader
            .take(6)
            .and_then(|_| pass_name(&mut reader, message, anomalies)),
        kind::AUTHORITY => pass_name(&mut reader, message, anomalies)
            .and_then(|()| pass_name(&mut reader, message, anomalies))
            .and_then(|()| reader.take(AUTHORITY_NUMBERS_BYTES))
            .map(drop),
        kind::TEXT => reader.prefixed_u8().map(drop),
        kind::SSH_FINGERPRINT => reader.u16().map(drop),
        _ => Some(()),
    };
    is_sound.is_some()
}

/// Moves `reader` behind a name, which may end where the data end.
fn pass_name<'a>(
    reader: &mut Reader<'a>,
    message: &'a [u8],
    anomalies: &mut Anomalies,
) -> Option<()> {
    let mut labels = *reader;
    let mut has_jumped = false;
    for _ in 0..=limits::DNS_NAME_HOPS_MAX {
        let at = labels.position();
        match labels.u8() {
            None | Some(0) => {
                if !has_jumped {
                    *reader = labels;
                }
                return Some(());
            }
            Some(length @ 1..=0x3f) => {
                labels.take(usize::from(length))?;
            }
            Some(high @ 0xc0..) => {
                let target = usize::from(u16::from_be_bytes([high & 0x3f, labels.u8()?]));
                if target > message.len() {
                    return None;
                }
                if target == at {
                    anomalies.pointer_loop = true;
                    return has_jumped.then_some(());
                }
                if !has_jumped {
                    *reader = labels;
                    has_jumped = true;
                }
                labels = Reader::at(message, target);
            }
            Some(_) => return None,
        }
    }
    anomalies.note_too_many_labels();
    has_jumped.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &[u8] = b"\x03abc\0";

    fn sound(kind: u16, data: &[u8]) -> bool {
        let message = [&[0; 12], NAME, data, b"behind"].concat();
        let place = 17..17 + data.len();
        is_sound(&message, kind, place, &mut Anomalies::default())
    }

    #[test]
    fn data_of_no_bytes_are_none_of_any_type() {
        assert!([1, 2, 16, 28, 255].iter().all(|kind| !sound(*kind, b"")));
        assert!(sound(1, b"\x05") && sound(255, b"x"));
    }

    #[test]
    fn names_are_whole_or_end_with_the_data() {
        for good in [
            &b"\0"[..],
            NAME,
            b"\x03abc",
            b"\xc0\x0c",
            b"\x01a\xc0\x0c",
            b"\x03abc\0x",
        ] {
            assert!(sound(5, good), "{good:?}");
        }
        for bad in [&b"\x05"[..], b"\x05ab", b"\xc0", b"\x80ab", b"\xff\xff"] {
            assert!(!sound(5, bad), "{bad:?}");
        }
    }

    #[test]
    fn what_stands_before_a_name_must_be_there() {
        assert!(sound(15, b"\0\x01") && sound(15, &[b"\0\x01", NAME].concat()));
        assert!(!sound(15, b"\0") && !sound(15, NAME));
        assert!(sound(33, &[b"\0\x01\0\x02\0\x03", NAME].concat()) && !sound(33, NAME));
        let authority = [NAME, NAME, &[0; 20]].concat();
        assert!(sound(6, &authority) && !sound(6, &authority[..29]) && !sound(6, NAME));
        assert!(sound(16, b"\x03abc\x05de") && sound(16, b"\0") && !sound(16, b"\x05de"));
        assert!(sound(44, b"\x01\x01") && !sound(44, b"\x01"));
    }
}
