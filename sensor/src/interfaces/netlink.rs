//! Generic netlink, as far as asking the kernel for one thing needs it: messages, attributes, one request and its answer.
//!
//! A message is a header of 16 bytes (length, kind, flags, sequence, port), a second one of 4 (command, version) and attributes:
//! length and kind of two bytes each, then a value, filled up to a multiple of four. Numbers are the machine's own.

use std::io;

use rustix::{
    fd::OwnedFd,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, sendto,
        socket_with,
    },
};

const HEADERS_BYTES: usize = 20;
const ATTRIBUTE_HEADER_BYTES: usize = 4;
/// Set in the kind of an attribute that holds attributes.
const NESTED: u16 = 0x8000;
/// The kind of message that says that a request failed, or was done.
const ERROR: u16 = 2;
const FLAG_REQUEST: u16 = 1;
const FLAG_ACKNOWLEDGE: u16 = 4;
/// The family that knows the numbers of the others.
const CONTROL: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// Bytes of an answer; the kernel's are some thousands.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// A socket to one family of generic netlink.
pub(super) struct Family {
    socket: OwnedFd,
    kind: u16,
}

impl Family {
    /// Asks for a family by name.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(netlink::GENERIC),
        )?;
        let mut control = Self {
            socket,
            kind: CONTROL,
        };
        let mut attributes = Vec::new();
        put_text(&mut attributes, FAMILY_NAME, name);
        let answer = control.request(GET_FAMILY, &attributes)?;
        let id = find(&answer, FAMILY_ID).and_then(|value| value.first_chunk::<2>());
        control.kind = id
            .map(|id| u16::from_ne_bytes(*id))
            .ok_or_else(|| io::Error::other("the kernel does not say the number of a family"))?;
        Ok(control)
    }

    /// Sends a request. The attributes of the answer.
    pub(super) fn request(&self, command: u8, attributes: &[u8]) -> io::Result<Vec<u8>> {
        self.send(command, FLAG_REQUEST, attributes)?;
        self.answer()
    }

    /// Sends an order, and waits until it is done.
    pub(super) fn order(&self, command: u8, attributes: &[u8]) -> io::Result<()> {
        self.send(command, FLAG_REQUEST | FLAG_ACKNOWLEDGE, attributes)?;
        self.answer().map(drop)
    }

    fn send(&self, command: u8, flags: u16, attributes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(HEADERS_BYTES + attributes.len()).map_err(io::Error::other)?;
        let mut message = Vec::with_capacity(HEADERS_BYTES + attributes.len());
        message.extend(length.to_ne_bytes());
        message.extend(self.kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        // Sequence and port: one request is under way at a time, and the kernel fills in the port.
        message.extend([0; 8]);
        message.extend([command, 1, 0, 0]);
        message.extend(attributes);
        let kernel = netlink::SocketAddrNetlink::new(0, 0);
        sendto(&self.socket, &message, SendFlags::empty(), &kernel)?;
        Ok(())
    }

    fn answer(&self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; ANSWER_MAX_BYTES];
        let (length, _) = recv(&self.socket, buffer.as_mut_slice(), RecvFlags::empty())?;
        let message = buffer.get(..length).unwrap_or_default();
        let cut = || io::Error::other("the kernel's answer is cut");
        let kind = message.get(4..).and_then(|bytes| bytes.first_chunk::<2>());
        if kind.map(|kind| u16::from_ne_bytes(*kind)) == Some(ERROR) {
            let code = message.get(16..).and_then(|bytes| bytes.first_chunk::<4>());
            return match code.map(|code| i32::from_ne_bytes(*code)).ok_or_else(cut)? {
                0 => Ok(Vec::new()),
                code => Err(io::Error::from_raw_os_error(-code)),
            };
        }
        message
            .get(HEADERS_BYTES..)
            .map(<[u8]>::to_vec)
            .ok_or_else(cut)
    }
}

/// Appends an attribute.
pub(super) fn put(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(ATTRIBUTE_HEADER_BYTES + value.len()).unwrap_or(u16::MAX);
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// Appends a text, which ends with a zero byte.
pub(super) fn put_text(message: &mut Vec<u8>, kind: u16, text: &str) {
    put(message, kind, &[text.as_bytes(), &[0]].concat());
}

/// Appends an attribute that holds attributes.
pub(super) fn put_nested(message: &mut Vec<u8>, kind: u16, build: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    build(&mut inner);
    put(message, kind | NESTED, &inner);
}

/// The attributes in some bytes, by kind; what is cut ends the list.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let header = bytes.first_chunk::<ATTRIBUTE_HEADER_BYTES>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & !NESTED;
        let value = bytes.get(ATTRIBUTE_HEADER_BYTES..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The first attribute of a kind.
pub(super) fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes)
        .find(|(found, _)| *found == kind)
        .map(|(_, value)| value)
}

/// A text attribute, up to its zero byte.
pub(super) fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value.split(|byte| *byte == 0).next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_ends_the_list() {
        let mut message = Vec::new();
        put_text(&mut message, 2, "eth1");
        put_nested(&mut message, 3, |inner| {
            put(inner, 7, &[1]);
            put(inner, 8, &[]);
        });
        assert_eq!(find(&message, 2).and_then(text), Some("eth1"));
        let nested = find(&message, 3).unwrap();
        assert_eq!(
            attributes(nested).collect::<Vec<_>>(),
            [(7, &[1][..]), (8, &[])]
        );
        for length in 0..message.len() {
            assert!(attributes(&message[..length]).count() <= 2);
        }
        // Lengths below the header's own.
        assert_eq!(attributes(&[0; 16]).count(), 0);
    }
}
