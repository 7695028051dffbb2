//! User and domain of a login (MS-NLMP 2.2.1.3), from a security blob with or without SPNEGO (RFC 4178) around it.
//!
//! The message is found by its signature: what is around it (tokens of GSS-API, a list of mechanisms) has no part that rules
//! ask for.

use memchr::memmem;

use crate::app_layer::{limits, reader::Reader};

const SIGNATURE: &[u8] = b"NTLMSSP\0";
const AUTHENTICATE: u32 = 3;

/// Who logs in, as rules see it: the names without their zero bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Vec<u8>,
    pub(super) domain: Vec<u8>,
}

impl Login {
    /// Reads the message that carries the names; the two before it carry none.
    pub(super) fn find(blob: &[u8]) -> Option<Self> {
        let at = memmem::find(blob, SIGNATURE)?;
        let message = blob.get(at..)?;
        let mut reader = Reader::at(message, SIGNATURE.len());
        if reader.le_u32()? != AUTHENTICATE {
            return None;
        }
        // Two challenge responses stand before the names.
        reader.take(16)?;
        let domain = field(&mut reader, message)?;
        let user = field(&mut reader, message)?;
        Some(Self { user, domain })
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.user.capacity() + self.domain.capacity()
    }
}

/// A field is a length, a maximum length and an offset into the message.
fn field(reader: &mut Reader<'_>, message: &[u8]) -> Option<Vec<u8>> {
    let length = usize::from(reader.le_u16()?);
    reader.take(2)?;
    let offset = usize::try_from(reader.le_u32()?).ok()?;
    let bytes = message.get(offset..)?.get(..length)?;
    Some(
        bytes
            .iter()
            .copied()
            .filter(|byte| *byte != 0)
            .take(limits::NTLMSSP_NAME_BYTES_MAX)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authenticate(domain: &[u8], user: &[u8]) -> Vec<u8> {
        let mut message = [SIGNATURE, &3_u32.to_le_bytes(), &[0; 16]].concat();
        let mut offset = 44_usize;
        for name in [domain, user] {
            let length = u16::try_from(name.len()).unwrap().to_le_bytes();
            message.extend([length, length].concat());
            message.extend(u32::try_from(offset).unwrap().to_le_bytes());
            offset += name.len();
        }
        [&message, domain, user].concat()
    }

    #[test]
    fn names_are_found_in_the_third_message_only() {
        let message = authenticate(b"W\0G\0", b"a\0d\0a\0");
        let login = Login::find(&[b"\xa1\x10".as_slice(), &message].concat()).unwrap();
        assert_eq!(
            (&login.user[..], &login.domain[..]),
            (&b"ada"[..], &b"WG"[..])
        );
        let mut second = message.clone();
        second[8] = 2;
        assert_eq!(Login::find(&second), None);
        for end in 0..message.len() {
            assert_eq!(Login::find(&message[..end]), None, "{end}");
        }
    }
}
