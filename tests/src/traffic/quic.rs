//! QUIC packets (RFC 9000, RFC 9369), with Initial packets really sealed (RFC 9001, section 5): their keys follow from the
//! connection identifier, so an observer opens them. What is behind the handshake is noise of the right shape.
//!
//! ```toml
//! { from = "client", quic = [                       # the packets of one datagram
//!   { frames = [ { client_hello = "www.example", begin = 80 }, { ping = 1 }, { client_hello = "www.example", end = 80 } ] },
//!   { type = "zero-rtt" },                          # initial, zero-rtt, handshake, retry, version-negotiation
//! ] }
//! ```

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use aes_gcm::{Aes128Gcm, aead::AeadInOut as _};
use hkdf::Hkdf;
use serde::Deserialize;
use sha2::Sha256;

use super::entropy::Entropy;
use super::scenario_file::{ScenarioError, hexadecimal};
use super::tcp::Side;
use super::{field_u16, tls};

const VERSION_2: u32 = 0x6b33_43cf;
const SALT_1: &str = "38762cf7f55934b34d179ae6a4c80cadccbb7f0a";
const SALT_2: &str = "0dede3def700a6db819381be6e269dcbf9bd2ed9";
const SALT_DRAFT_23: &str = "c3eef712c72ebb5a11a7d2432bb46365bef9f502";
const SALT_DRAFT_29: &str = "afbfec289993d24c9e9786f19c6111e04390a899";
const PACKET_NUMBER_BYTES: usize = 4;
const TAG_BYTES: usize = 16;
/// What a 0-RTT or handshake packet holds that nobody can read.
const NOISE_BYTES: usize = 120;

/// One packet of a datagram.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packet {
    #[serde(default)]
    r#type: PacketType,
    #[serde(default = "version_1")]
    version: u32,
    #[serde(default = "destination_id")]
    destination_id: String,
    #[serde(default)]
    source_id: String,
    /// The identifier that the keys follow from, where it is not the destination's.
    keys_from: Option<String>,
    #[serde(default)]
    token: String,
    #[serde(default)]
    packet_number: u32,
    #[serde(default)]
    frames: Vec<Frame>,
    /// Frames shorter than this are filled up with PADDING.
    #[serde(default)]
    pad_bytes: usize,
    /// Whether the seal is broken.
    #[serde(default)]
    broken: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PacketType {
    #[default]
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
    VersionNegotiation,
}

/// One frame of an Initial packet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    /// A CRYPTO frame with (a part of) a client hello for this name.
    client_hello: Option<String>,
    /// The same with a server hello; the number seeds its random bytes.
    server_hello: Option<u64>,
    /// Which part of it.
    #[serde(default)]
    begin: usize,
    end: Option<usize>,
    /// So many PING frames.
    #[serde(default)]
    ping: usize,
    /// Frames as they are.
    #[serde(default)]
    hex: String,
}

fn version_1() -> u32 {
    1
}

fn destination_id() -> String {
    "8394c8f03e515708".to_owned()
}

impl Frame {
    fn bytes(&self) -> Result<Vec<u8>, ScenarioError> {
        let mut bytes = vec![1; self.ping];
        bytes.extend(hexadecimal(&self.hex)?);
        let handshake = match (&self.client_hello, self.server_hello) {
            (Some(name), _) => tls::client_hello_message(name, b"\x02h3", &mut Entropy::new(7)),
            (None, Some(seed)) => tls::server_hello_message(&mut Entropy::new(seed)),
            (None, None) => return Ok(bytes),
        };
        let end = self.end.unwrap_or(handshake.len()).min(handshake.len());
        let part = &handshake[self.begin.min(end)..end];
        bytes.push(6);
        bytes.extend(two_bytes(self.begin));
        bytes.extend(two_bytes(part.len()));
        bytes.extend_from_slice(part);
        Ok(bytes)
    }
}

impl Packet {
    /// The packet as `from` sends it.
    pub(super) fn bytes(&self, from: Side) -> Result<Vec<u8>, ScenarioError> {
        let destination_id = hexadecimal(&self.destination_id)?;
        let version = match self.r#type {
            PacketType::VersionNegotiation => 0,
            _ => self.version,
        };
        let mut packet = vec![self.first_byte()];
        packet.extend(version.to_be_bytes());
        for identifier in [&destination_id, &hexadecimal(&self.source_id)?] {
            packet.push(u8::try_from(identifier.len()).unwrap_or(u8::MAX));
            packet.extend(identifier);
        }
        let token = hexadecimal(&self.token)?;
        let mut entropy = Entropy::new(u64::from(self.packet_number));
        match self.r#type {
            PacketType::VersionNegotiation => packet.extend(self.version.to_be_bytes()),
            PacketType::Retry => {
                packet.extend(token);
                packet.extend(entropy.bytes(TAG_BYTES));
            }
            PacketType::ZeroRtt | PacketType::Handshake => {
                packet.extend(two_bytes(NOISE_BYTES));
                packet.extend(entropy.bytes(NOISE_BYTES));
            }
            PacketType::Initial => {
                packet.extend(two_bytes(token.len()));
                packet.extend(token);
                let keys_from = self.keys_from.as_deref().map(hexadecimal).transpose()?;
                let keys = Keys::new(version, &keys_from.unwrap_or(destination_id), from);
                keys.seal(&mut packet, self.packet_number, self.payload()?);
                if self.broken
                    && let Some(last) = packet.last_mut()
                {
                    *last ^= 1;
                }
            }
        }
        Ok(packet)
    }

    fn payload(&self) -> Result<Vec<u8>, ScenarioError> {
        let mut payload = Vec::new();
        for frame in &self.frames {
            payload.extend(frame.bytes()?);
        }
        payload.resize(payload.len().max(self.pad_bytes).max(TAG_BYTES), 0);
        Ok(payload)
    }

    /// Long header, the fixed bit, type, and a packet number of four bytes.
    fn first_byte(&self) -> u8 {
        let of_version_1 = match self.r#type {
            PacketType::Initial => 0,
            PacketType::ZeroRtt => 1,
            PacketType::Handshake => 2,
            PacketType::Retry => 3,
            PacketType::VersionNegotiation => return 0x80,
        };
        let kind = if self.version == VERSION_2 {
            (of_version_1 + 1) % 4
        } else {
            of_version_1
        };
        0xc3 | (kind << 4)
    }
}

/// The Initial keys of one side.
struct Keys {
    seal: Aes128Gcm,
    iv: [u8; 12],
    header: Aes128,
}

impl Keys {
    fn new(version: u32, destination_id: &[u8], from: Side) -> Self {
        let salt = match version {
            VERSION_2 => SALT_2,
            0xff00_0017..=0xff00_001c => SALT_DRAFT_23,
            0xff00_001d..=0xff00_0020 => SALT_DRAFT_29,
            _ => SALT_1,
        };
        let salt = hex::decode(salt).expect("a salt is hexadecimal");
        let prefix = if version == VERSION_2 {
            "quicv2"
        } else {
            "quic"
        };
        let side = match from {
            Side::Client => "client in",
            Side::Server => "server in",
        };
        let (_, initial) = Hkdf::<Sha256>::extract(Some(&salt), destination_id);
        let secret = Hkdf::<Sha256>::from_prk(&expand::<32>(&initial, side))
            .expect("a secret is as long as a hash");
        Self {
            seal: Aes128Gcm::new(&expand::<16>(&secret, &format!("{prefix} key")).into()),
            iv: expand(&secret, &format!("{prefix} iv")),
            header: Aes128::new(&expand::<16>(&secret, &format!("{prefix} hp")).into()),
        }
    }

    /// Appends length, packet number and sealed frames to a header, and protects the header.
    fn seal(&self, packet: &mut Vec<u8>, number: u32, mut frames: Vec<u8>) {
        packet.extend(two_bytes(PACKET_NUMBER_BYTES + frames.len() + TAG_BYTES));
        let number_at = packet.len();
        packet.extend(number.to_be_bytes());
        let mut nonce = self.iv;
        for (byte, number) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *byte ^= number;
        }
        let tag = self
            .seal
            .encrypt_inout_detached(&nonce.into(), packet, frames.as_mut_slice().into())
            .expect("a packet is short");
        packet.extend(frames);
        packet.extend(tag);
        let sample_at = number_at + PACKET_NUMBER_BYTES;
        let sample = <[u8; 16]>::try_from(&packet[sample_at..sample_at + 16])
            .expect("sealed frames are as long as a sample");
        let mut mask = sample.into();
        self.header.encrypt_block(&mut mask);
        packet[0] ^= mask[0] & 0x0f;
        for (byte, mask) in packet[number_at..sample_at].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
    }
}

/// HKDF-Expand-Label (RFC 8446, section 7.1).
fn expand<const BYTES: usize>(secret: &Hkdf<Sha256>, label: &str) -> [u8; BYTES] {
    let label = format!("tls13 {label}");
    let length = field_u16(BYTES).to_be_bytes();
    let label_length = [u8::try_from(label.len()).expect("a label is short")];
    let mut output = [0; BYTES];
    secret
        .expand_multi_info(
            &[&length, &label_length, label.as_bytes(), &[0]],
            &mut output,
        )
        .expect("a key is shorter than HKDF allows");
    output
}

/// A number below 16384 as an integer of two bytes (RFC 9000, section 16).
fn two_bytes(number: usize) -> [u8; 2] {
    ((field_u16(number) & 0x3fff) | 0x4000).to_be_bytes()
}
