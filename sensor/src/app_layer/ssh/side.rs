//! One side of an SSH connection: its banner, then packets up to the new keys (RFC 4253).

use md5::{Digest as _, Md5};

use crate::{
    app_layer::{limits, reader::Reader},
    direction::Direction,
};

const KEY_EXCHANGE_INIT: u8 = 20;
const NEW_KEYS: u8 = 21;

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Banner,
    Packets,
    /// Behind the new keys.
    Encrypted,
    /// Not as expected.
    Unreadable,
}

/// What one side said.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) state: State,
    held: Vec<u8>,
    /// `2.0`
    pub(super) protocol: Option<Vec<u8>>,
    /// `OpenSSH_9.2p1`
    pub(super) software: Option<Vec<u8>>,
    /// Algorithms as HASSH joins them, and their MD5.
    pub(super) hassh: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) steps: u32,
}

impl Side {
    /// Takes the next bytes; gives an event's name where they are odd.
    pub(super) fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Option<&'static str> {
        if self.is_done() {
            return None;
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(bytes);
        let mut rest = &held[..];
        loop {
            let step = match self.state {
                State::Banner => self.banner(rest),
                State::Packets => self.packet(direction, rest),
                State::Encrypted | State::Unreadable => return None,
            };
            match step {
                Ok(Some(taken)) => rest = &rest[taken..],
                Ok(None) => break,
                Err(event) => {
                    self.state = State::Unreadable;
                    return Some(event);
                }
            }
        }
        self.held = rest.to_vec();
        None
    }

    /// Whether nothing more is read.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Encrypted | State::Unreadable)
    }

    pub(super) fn held_bytes(&self) -> usize {
        let texts = [&self.protocol, &self.software];
        self.held.capacity()
            + texts
                .into_iter()
                .flatten()
                .map(Vec::capacity)
                .sum::<usize>()
            + self
                .hassh
                .as_ref()
                .map_or(0, |(text, hash)| text.capacity() + hash.capacity())
    }

    /// `SSH-2.0-software comment`. Lines in front of it, which a server may send, are told and end the reading.
    fn banner(&mut self, bytes: &[u8]) -> Result<Option<usize>, &'static str> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return if bytes.len() > limits::SSH_BANNER_BYTES_MAX {
                Err("long_banner")
            } else {
                Ok(None)
            };
        };
        if end > limits::SSH_BANNER_BYTES_MAX {
            return Err("long_banner");
        }
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        let Some(behind) = line.strip_prefix(b"SSH-") else {
            return Err("invalid_banner");
        };
        let Some(dash) = behind.iter().position(|&byte| byte == b'-') else {
            return Err("invalid_banner");
        };
        let software = &behind[dash + 1..];
        let software_end = software
            .iter()
            .position(|&byte| byte == b' ')
            .unwrap_or(software.len());
        if dash == 0 || software_end == 0 {
            return Err("invalid_banner");
        }
        self.protocol = Some(behind[..dash].to_vec());
        self.software = Some(software[..software_end].to_vec());
        self.steps += 1;
        // Version 1 packets have another form.
        let is_version_2 = behind.starts_with(b"2.") || behind.starts_with(b"1.99-");
        self.state = if is_version_2 {
            State::Packets
        } else {
            State::Unreadable
        };
        Ok(Some(end + 1))
    }

    fn packet(
        &mut self,
        direction: Direction,
        bytes: &[u8],
    ) -> Result<Option<usize>, &'static str> {
        let mut reader = Reader::new(bytes);
        let Some(length) = reader.u32().and_then(|length| usize::try_from(length).ok()) else {
            return Ok(None);
        };
        if !(2..=limits::SSH_PACKET_BYTES_MAX).contains(&length) {
            return Err("invalid_record");
        }
        let Some(packet) = reader.take(length) else {
            return Ok(None);
        };
        match packet[1] {
            KEY_EXCHANGE_INIT => {
                let algorithms = hassh_text(direction, &packet[2..]).ok_or("invalid_record")?;
                let hash = hex::encode(Md5::digest(&algorithms)).into_bytes();
                self.hassh = Some((algorithms, hash));
                self.steps += 1;
            }
            NEW_KEYS => {
                self.state = State::Encrypted;
                self.steps += 1;
            }
            _ => {}
        }
        Ok(Some(4 + length))
    }
}

/// Key exchange, encryption, MAC and compression algorithms of the sender's direction.
fn hassh_text(direction: Direction, body: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(body);
    reader.take(16)?;
    let mut lists = [&[][..]; 8];
    for list in &mut lists {
        let length = usize::try_from(reader.u32()?).ok()?;
        *list = reader.take(length)?;
    }
    // Order in the packet: key exchange, host key, then pairs to the server and to the client.
    let own = direction.index();
    let chosen = [lists[0], lists[2 + own], lists[4 + own], lists[6 + own]];
    Some(chosen.join(&b";"[..]))
}
