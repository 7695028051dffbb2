//! Looks at the headers of binary protocols.

use lapwing_rules::model::AppProtocol as P;

use super::Verdict;
use crate::{app_layer::quic::is_quic, direction::Direction};

fn big_u16(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some(two) => u16::from_be_bytes([two[0], two[1]]),
        None => 0,
    }
}

fn big_u32(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(four) => u32::from_be_bytes([four[0], four[1], four[2], four[3]]),
        None => 0,
    }
}

fn when(holds: bool, protocol: P) -> Verdict {
    if holds {
        Verdict::Identified(protocol)
    } else {
        Verdict::Unknown
    }
}

/// DNS message header with a plausible question (RFC 1035, section 4.1).
fn dns_message(bytes: &[u8]) -> bool {
    if bytes.len() < 12 {
        return false;
    }
    // Each entry takes at least two bytes; what the header promises must be able to follow.
    let promised: usize = [4, 6, 8, 10]
        .map(|at| usize::from(big_u16(bytes, at)))
        .iter()
        .sum();
    2 * promised <= bytes.len() && first_name(bytes)
}

/// Whether the first name is made of labels of legal length.
fn first_name(bytes: &[u8]) -> bool {
    let mut at = 12;
    loop {
        match bytes.get(at) {
            None | Some(0) => return true,
            Some(&length) if length & 0xc0 == 0xc0 => return true,
            Some(&length) if length < 64 => at += usize::from(length) + 1,
            Some(_) => return false,
        }
    }
}

/// The SETTINGS frame that a server begins with (RFC 9113, section 3.4): nothing but its acknowledgment flag set.
/// The client's preface is a pattern.
pub(super) fn http2(direction: Direction, bytes: &[u8]) -> Verdict {
    const PREFACE_BYTES: usize = 24;
    const FRAME_BYTES_MAX: u32 = 16_384;
    if direction == Direction::ToServer {
        return if bytes.len() > PREFACE_BYTES {
            Verdict::Unknown
        } else {
            Verdict::Undecided
        };
    }
    let [high, middle, low, kind, flags, reserved, _, _, _, ..] = *bytes else {
        return Verdict::Undecided;
    };
    let is_settings = u32::from_be_bytes([0, high, middle, low]) <= FRAME_BYTES_MAX
        && kind == 4
        && flags & 0xfe == 0
        && reserved & 0x80 == 0;
    when(is_settings, P::Http2)
}

pub(super) fn dns_udp(_: Direction, bytes: &[u8]) -> Verdict {
    when(dns_message(bytes), P::Dns)
}

pub(super) fn dns_tcp(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 14 {
        return Verdict::Undecided;
    }
    when(
        usize::from(big_u16(bytes, 0)) >= 12 && dns_message(&bytes[2..]),
        P::Dns,
    )
}

/// Three-byte SSLv2 header with a client hello.
pub(super) fn ssl_v2(direction: Direction, bytes: &[u8]) -> Verdict {
    if direction == Direction::ToClient {
        return Verdict::Unknown;
    }
    if bytes.len() < 3 {
        return Verdict::Undecided;
    }
    when(bytes[0] & 0x80 != 0 && bytes[2] == 1, P::Tls)
}

/// NetBIOS session service: session request, positive response, keep-alive, or a message with an SMB header.
pub(super) fn smb(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 8 {
        return Verdict::Undecided;
    }
    let is_smb = |at: usize| {
        bytes
            .get(at..at + 4)
            .is_some_and(|magic| &magic[1..] == b"SMB" && magic[0] >= 0xfd)
    };
    match bytes[0] {
        0x00 => when(is_smb(4), P::Smb),
        0x81 | 0x82 | 0x85 => {
            let behind =
                4 + usize::try_from(big_u32(bytes, 0) & 0x00ff_ffff).unwrap_or(usize::MAX - 4);
            if bytes.len() < behind.saturating_add(8) {
                // Only a session request of the usual length is believed without what follows.
                return when(
                    bytes[0] == 0x81 && behind == 72 || bytes[0] == 0x82 && behind == 4,
                    P::Smb,
                );
            }
            when(is_smb(behind + 4), P::Smb)
        }
        _ => Verdict::Unknown,
    }
}

/// Connection-oriented DCE/RPC (C706, chapter 12): version 5.0, a known type, a length that holds the header.
pub(super) fn dcerpc_tcp(bytes: &[u8]) -> Verdict {
    if bytes.len() < 16 {
        return Verdict::Undecided;
    }
    let little = bytes[4] & 0x10 != 0;
    let length = if little {
        u16::from_le_bytes([bytes[8], bytes[9]])
    } else {
        big_u16(bytes, 8)
    };
    when(
        bytes[1] <= 1 && bytes[2] <= 19 && bytes[4] & 0xee == 0 && bytes[5] <= 3 && length >= 16,
        P::Dcerpc,
    )
}

/// Connectionless DCE/RPC: version 4, a known type, a data representation that exists.
pub(super) fn dcerpc_udp(bytes: &[u8]) -> Verdict {
    when(
        bytes.len() >= 80
            && bytes[0] == 4
            && bytes[1] <= 10
            && bytes[3] & 0xfc == 0
            && bytes[4] & 0xee == 0
            && bytes[5] <= 3,
        P::Dcerpc,
    )
}

/// TPKT with an X.224 connection request or confirm (T.123, X.224).
pub(super) fn rdp(direction: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 7 {
        return Verdict::Undecided;
    }
    let wanted = match direction {
        Direction::ToServer => 0xe0,
        Direction::ToClient => 0xd0,
    };
    when(
        bytes[0] == 3 && bytes[1] == 0 && big_u16(bytes, 2) >= 11 && bytes[5] & 0xf0 == wanted,
        P::Rdp,
    )
}

/// MQTT CONNECT or CONNACK (MQTT 3.1.1, section 3.1).
pub(super) fn mqtt(direction: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 2 {
        return Verdict::Undecided;
    }
    let kind = bytes[0] >> 4;
    match direction {
        Direction::ToServer => when(kind == 1 && bytes[0] & 0x0f == 0, P::Mqtt),
        Direction::ToClient => when((1..=14).contains(&kind), P::Mqtt),
    }
}

/// Modbus/TCP header: protocol 0, a legal length.
pub(super) fn modbus(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 8 {
        return Verdict::Undecided;
    }
    when(
        big_u16(bytes, 2) == 0 && (2..=254).contains(&big_u16(bytes, 4)),
        P::Modbus,
    )
}

/// DNP3 link header.
pub(super) fn dnp3(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 10 {
        return Verdict::Undecided;
    }
    when(bytes.starts_with(&[0x05, 0x64]) && bytes[2] >= 5, P::Dnp3)
}

/// EtherNet/IP encapsulation header: a known command.
pub(super) fn enip(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 24 {
        return Verdict::Undecided;
    }
    let command = u16::from_le_bytes([bytes[0], bytes[1]]);
    when(
        matches!(
            command,
            0x00 | 0x04 | 0x63 | 0x64 | 0x65 | 0x66 | 0x6f | 0x70 | 0x72 | 0x73
        ),
        P::Enip,
    )
}

/// Telnet: begins with a command (RFC 854).
pub(super) fn telnet(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 3 {
        return Verdict::Undecided;
    }
    when(
        bytes[0] == 0xff && (0xf0..=0xfe).contains(&bytes[1]),
        P::Telnet,
    )
}

/// PostgreSQL start-up, SSL request or cancel request.
pub(super) fn pgsql(direction: Direction, bytes: &[u8]) -> Verdict {
    match direction {
        Direction::ToServer => {
            if bytes.len() < 8 {
                return Verdict::Undecided;
            }
            let length = big_u32(bytes, 0);
            let code = big_u32(bytes, 4);
            when(
                (8..=10_000).contains(&length)
                    && matches!(code, 0x0003_0000 | 80_877_102..=80_877_104),
                P::Pgsql,
            )
        }
        Direction::ToClient => match bytes.first() {
            None => Verdict::Undecided,
            Some(b'S' | b'N') if bytes.len() == 1 => Verdict::Identified(P::Pgsql),
            Some(b'R' | b'E') => when(
                bytes.len() < 5 || (8..=10_000).contains(&big_u32(bytes, 1)),
                P::Pgsql,
            ),
            Some(_) => Verdict::Unknown,
        },
    }
}

/// ONC RPC call or reply for program NFS (RFC 5531).
fn rpc_nfs(bytes: &[u8], direction: Direction) -> Verdict {
    if bytes.len() < 24 {
        return Verdict::Unknown;
    }
    match direction {
        Direction::ToServer => when(
            big_u32(bytes, 4) == 0 && big_u32(bytes, 8) == 2 && big_u32(bytes, 12) == 100_003,
            P::Nfs,
        ),
        Direction::ToClient => when(big_u32(bytes, 4) == 1 && big_u32(bytes, 8) <= 1, P::Nfs),
    }
}

pub(super) fn nfs_udp(direction: Direction, bytes: &[u8]) -> Verdict {
    rpc_nfs(bytes, direction)
}

pub(super) fn nfs_tcp(direction: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 28 {
        return Verdict::Undecided;
    }
    rpc_nfs(&bytes[4..], direction)
}

/// DHCP: a BOOTP header and four bytes for the cookie (RFC 2131, section 2). The reference does not look at them.
pub(super) fn dhcp(_: Direction, bytes: &[u8]) -> Verdict {
    when(bytes.len() >= 240, P::Dhcp)
}

/// TFTP read or write request (RFC 1350).
pub(super) fn tftp(_: Direction, bytes: &[u8]) -> Verdict {
    when(
        bytes.len() >= 4 && bytes[0] == 0 && matches!(bytes[1], 1..=5),
        P::Tftp,
    )
}

/// NTP header: version 1 to 4 and a mode, long enough for it (RFC 5905).
pub(super) fn ntp(_: Direction, bytes: &[u8]) -> Verdict {
    let version = bytes.first().map_or(0, |first| (first >> 3) & 7);
    let mode = bytes.first().map_or(0, |first| first & 7);
    let least = if mode >= 6 { 12 } else { 48 };
    when(
        bytes.len() >= least && (3..=4).contains(&version) && mode != 0,
        P::Ntp,
    )
}

/// IKE header behind the optional non-ESP marker (RFC 7296, section 3.1).
pub(super) fn ike(_: Direction, bytes: &[u8]) -> Verdict {
    let bytes = bytes.strip_prefix(&[0, 0, 0, 0]).unwrap_or(bytes);
    when(
        bytes.len() >= 28
            && matches!(bytes[17] >> 4, 1 | 2)
            && usize::try_from(big_u32(bytes, 24)) == Ok(bytes.len()),
        P::Ike,
    )
}

/// QUIC: anything that its headers allow.
pub(super) fn quic(_: Direction, bytes: &[u8]) -> Verdict {
    when(is_quic(bytes), P::Quic)
}
