//! Looks at the headers of binary protocols.

use lapwing_rules::model::AppProtocol as P;

use sawp::probe::Status;

use super::Verdict;
use crate::{
    app_layer::{dns, modbus, mqtt, nfs, ntp, quic::is_quic},
    direction::Direction,
};

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

/// DNS in a datagram.
pub(super) fn dns_udp(_: Direction, bytes: &[u8]) -> Verdict {
    when(dns::may_be_message(bytes, bytes.len()), P::Dns)
}

/// DNS over a stream: the message's length, then the message, of which the header is enough.
pub(super) fn dns_tcp(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 14 {
        return Verdict::Undecided;
    }
    let length = usize::from(big_u16(bytes, 0));
    when(dns::may_be_message(&bytes[2..], length), P::Dns)
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
        0x81..=0x85 => {
            const DEPTH_BYTES: usize = 36;
            let length = usize::try_from(big_u32(bytes, 0) & 0x00ff_ffff).unwrap_or(usize::MAX / 2);
            if bytes.len() < 4 + length + 8 {
                // What stands before the first message with a header. Where more than this is not enough to tell, the reference
                // gives up.
                return if bytes.len() <= DEPTH_BYTES {
                    Verdict::Undecided
                } else {
                    Verdict::Unknown
                };
            }
            when(is_smb(4 + length + 4), P::Smb)
        }
        _ => Verdict::Unknown,
    }
}

/// Connection-oriented DCE/RPC (C706, chapter 12): version 5.0 and a data representation that exists. The reference looks at no
/// more, so that some answers of SOCKS servers count as well.
pub(super) fn dcerpc_tcp(bytes: &[u8]) -> Verdict {
    if bytes.len() < 16 {
        return Verdict::Undecided;
    }
    when(
        bytes[1] == 0 && bytes[4] & 0xee == 0 && bytes[5] <= 3,
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

/// TPKT of version 3 (T.123, section 8); the reference looks no further.
pub(super) fn rdp(_: Direction, bytes: &[u8]) -> Verdict {
    match bytes.first() {
        None => Verdict::Undecided,
        Some(version) => when(*version == 3, P::Rdp),
    }
}

/// MQTT: the fixed header of any message (MQTT 5.0, section 2.1).
pub(super) fn mqtt(_: Direction, bytes: &[u8]) -> Verdict {
    mqtt::is_header(bytes).map_or(Verdict::Undecided, |is_header| when(is_header, P::Mqtt))
}

/// Modbus over TCP, as its parser takes it. The reference does not wait for a message that has more than 16 bytes there.
pub(super) fn modbus(_: Direction, bytes: &[u8]) -> Verdict {
    const WAITED_FOR_BYTES_MAX: usize = 16;
    match modbus::probe(bytes) {
        Status::Recognized => Verdict::Identified(P::Modbus),
        Status::Incomplete if bytes.len() <= WAITED_FOR_BYTES_MAX => Verdict::Undecided,
        Status::Incomplete | Status::Unrecognized => Verdict::Unknown,
    }
}

/// DNP3 link header.
pub(super) fn dnp3(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 10 {
        return Verdict::Undecided;
    }
    when(bytes.starts_with(&[0x05, 0x64]) && bytes[2] >= 5, P::Dnp3)
}

/// EtherNet/IP: the encapsulation header (volume 2, section 2-3) with a status that exists, and what each command says of the rest.
pub(super) fn enip(_: Direction, bytes: &[u8]) -> Verdict {
    const STATUSES: [u32; 8] = [0, 1, 2, 3, 0x64, 0x65, 0x69, 0x6a];
    if bytes.len() < 24 {
        return Verdict::Undecided;
    }
    let little_u16 = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let little_u32 = |at: usize| big_u32(bytes, at).swap_bytes();
    let (command, length, status, options) =
        (little_u16(0), little_u16(2), little_u32(8), little_u32(20));
    let fits = match command {
        0x00 => options == 0,
        0x65 => length == 4,
        0x66 => matches!(length, 0 | 4),
        0x04 | 0x63 | 0x6f | 0x70 | 0x72 | 0x73 => true,
        _ => false,
    };
    when(fits && STATUSES.contains(&status), P::Enip)
}

/// Telnet: two bytes or more, and where a subnegotiation begins perhaps not its end. What else it could be is decided by
/// patterns before.
pub(super) fn telnet(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() < 2 {
        return Verdict::Undecided;
    }
    Verdict::Identified(P::Telnet)
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
                    && matches!(code, 0x0003_0000 | 80_877_102 | 80_877_103),
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

/// NFS in a datagram.
pub(super) fn nfs_udp(direction: Direction, bytes: &[u8]) -> Verdict {
    when(nfs::identify_datagram(direction, bytes), P::Nfs)
}

/// NFS over a stream. Where more than this is not enough to tell, the reference gives up.
pub(super) fn nfs_tcp(direction: Direction, bytes: &[u8]) -> Verdict {
    const DEPTH_BYTES: usize = 32;
    match nfs::identify_record(direction, bytes) {
        Some(is_nfs) => when(is_nfs, P::Nfs),
        None if bytes.len() <= DEPTH_BYTES => Verdict::Undecided,
        None => Verdict::Unknown,
    }
}

/// DHCP: a BOOTP header and four bytes for the cookie (RFC 2131, section 2). The reference does not look at them.
pub(super) fn dhcp(_: Direction, bytes: &[u8]) -> Verdict {
    when(bytes.len() >= 240, P::Dhcp)
}

/// TFTP: an opcode and two bytes more (RFC 1350, section 5). Only the opcode's upper byte is looked at, as in the reference.
pub(super) fn tftp(_: Direction, bytes: &[u8]) -> Verdict {
    when(bytes.len() >= 4 && bytes[0] == 0, P::Tftp)
}

/// NTP of version 3 or 4 (RFC 5905, section 7.3). The reference takes the length of an extension field for that of its value.
pub(super) fn ntp(_: Direction, bytes: &[u8]) -> Verdict {
    when(ntp::is_message(bytes), P::Ntp)
}

/// IKE header (RFC 2408, section 3.1; RFC 7296, section 3.1): anything of version 1; of version 2 a known exchange of the right
/// length. As in the reference not behind a non-ESP marker.
pub(super) fn ike(_: Direction, bytes: &[u8]) -> Verdict {
    let Some(&[major_minor, exchange]) = bytes.get(17..19).and_then(<[u8]>::first_chunk) else {
        return Verdict::Unknown;
    };
    let fits = match (major_minor >> 4, major_minor & 0x0f) {
        (1, _) => true,
        (2, 0) => {
            (34..=37).contains(&exchange) && usize::try_from(big_u32(bytes, 24)) == Ok(bytes.len())
        }
        _ => false,
    };
    when(fits && bytes.len() >= 28, P::Ike)
}

/// QUIC: anything that its headers allow.
pub(super) fn quic(_: Direction, bytes: &[u8]) -> Verdict {
    when(is_quic(bytes), P::Quic)
}
