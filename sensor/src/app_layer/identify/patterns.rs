//! Patterns at fixed places of a direction's first bytes, on any port.

use lapwing_rules::model::AppProtocol as P;

use super::{Verdict, probe_binary};
use crate::{app_layer::Transport, direction::Direction};

/// One pattern: `bytes` at `offset`, and a further look where the pattern alone is weak.
struct Pattern {
    protocol: P,
    direction: Direction,
    bytes: &'static [u8],
    offset: usize,
    ignore_case: bool,
    check: Option<fn(&[u8]) -> Verdict>,
}

const fn text(protocol: P, direction: Direction, bytes: &'static [u8]) -> Pattern {
    Pattern {
        protocol,
        direction,
        bytes,
        offset: 0,
        ignore_case: true,
        check: None,
    }
}

const fn binary(protocol: P, direction: Direction, bytes: &'static [u8], offset: usize) -> Pattern {
    Pattern {
        protocol,
        direction,
        bytes,
        offset,
        ignore_case: false,
        check: None,
    }
}

const fn checked(
    protocol: P,
    direction: Direction,
    bytes: &'static [u8],
    check: fn(&[u8]) -> Verdict,
) -> Pattern {
    Pattern {
        protocol,
        direction,
        bytes,
        offset: 0,
        ignore_case: false,
        check: Some(check),
    }
}

use Direction::{ToClient, ToServer};

/// Methods that open an HTTP/1 request when a space or a tab follows.
const HTTP_METHODS: &[&[u8]] = &[
    b"GET",
    b"PUT",
    b"POST",
    b"HEAD",
    b"TRACE",
    b"OPTIONS",
    b"CONNECT",
    b"DELETE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"CHECKOUT",
    b"UNCHECKOUT",
    b"CHECKIN",
    b"UPDATE",
    b"LABEL",
    b"REPORT",
    b"MKWORKSPACE",
    b"MKACTIVITY",
    b"MERGE",
    b"INVALID",
    b"VERSION-CONTROL",
    b"BASELINE-CONTROL",
];

const TCP: &[Pattern] = &[
    text(P::Http1, ToClient, b"HTTP/0.9"),
    text(P::Http1, ToClient, b"HTTP/1.0"),
    text(P::Http1, ToClient, b"HTTP/1.1"),
    // SSLv2 client hello behind its two length bytes, then every record version and type.
    binary(P::Tls, ToServer, b"\x01\x00\x02", 2),
    binary(P::Tls, ToServer, b"\x01\x03\x00", 0),
    binary(P::Tls, ToServer, b"\x01\x03\x01", 0),
    binary(P::Tls, ToServer, b"\x01\x03\x02", 0),
    binary(P::Tls, ToServer, b"\x01\x03\x03", 0),
    binary(P::Tls, ToServer, b"\x16\x03\x00", 0),
    binary(P::Tls, ToServer, b"\x16\x03\x01", 0),
    binary(P::Tls, ToServer, b"\x16\x03\x02", 0),
    binary(P::Tls, ToServer, b"\x16\x03\x03", 0),
    binary(P::Tls, ToClient, b"\x15\x03\x00", 0),
    binary(P::Tls, ToClient, b"\x15\x03\x01", 0),
    binary(P::Tls, ToClient, b"\x15\x03\x02", 0),
    binary(P::Tls, ToClient, b"\x15\x03\x03", 0),
    binary(P::Tls, ToClient, b"\x16\x03\x00", 0),
    binary(P::Tls, ToClient, b"\x16\x03\x01", 0),
    binary(P::Tls, ToClient, b"\x16\x03\x02", 0),
    binary(P::Tls, ToClient, b"\x16\x03\x03", 0),
    binary(P::Tls, ToClient, b"\x17\x03\x00", 0),
    binary(P::Tls, ToClient, b"\x17\x03\x01", 0),
    binary(P::Tls, ToClient, b"\x17\x03\x02", 0),
    binary(P::Tls, ToClient, b"\x17\x03\x03", 0),
    text(P::Ssh, ToServer, b"SSH-"),
    text(P::Ssh, ToClient, b"SSH-"),
    text(P::Smtp, ToServer, b"EHLO"),
    text(P::Smtp, ToServer, b"HELO"),
    text(P::Smtp, ToServer, b"QUIT"),
    text(P::Ftp, ToServer, b"USER "),
    text(P::Ftp, ToServer, b"PASS "),
    text(P::Ftp, ToServer, b"PORT "),
    text(P::Ftp, ToServer, b"FEAT"),
    text(P::Ftp, ToClient, b"220 ("),
    binary(P::Imap, ToServer, b"1 capability", 0),
    binary(P::Smb, ToServer, b"\xffSMB", 4),
    binary(P::Smb, ToServer, b"\xfeSMB", 4),
    binary(P::Smb, ToServer, b"\xfdSMB", 4),
    binary(P::Smb, ToClient, b"\xffSMB", 4),
    binary(P::Smb, ToClient, b"\xfeSMB", 4),
    binary(P::Smb, ToClient, b"\xfdSMB", 4),
    binary(P::Http2, ToServer, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    binary(P::Rfb, ToServer, b"RFB ", 0),
    binary(P::Rfb, ToClient, b"RFB ", 0),
    checked(P::Dcerpc, ToServer, b"\x05\x00", probe_binary::dcerpc_tcp),
    checked(P::Dcerpc, ToClient, b"\x05\x00", probe_binary::dcerpc_tcp),
];

const UDP: &[Pattern] = &[
    binary(P::BittorrentDht, ToServer, b"d1:ad2:id20:", 0),
    binary(P::BittorrentDht, ToClient, b"d1:ad2:id20:", 0),
    binary(P::BittorrentDht, ToClient, b"d1:rd2:id20:", 0),
    binary(P::BittorrentDht, ToClient, b"d2:ip6:", 0),
    checked(P::Dcerpc, ToServer, b"\x04\x00", probe_binary::dcerpc_udp),
    checked(P::Dcerpc, ToClient, b"\x04\x00", probe_binary::dcerpc_udp),
];

/// How one pattern stands to the bytes so far.
enum Standing {
    Hit,
    MayCome,
    Miss,
}

fn standing(pattern: &[u8], offset: usize, ignore_case: bool, bytes: &[u8]) -> Standing {
    let Some(seen) = bytes.get(offset..) else {
        return Standing::MayCome;
    };
    let compared = seen.len().min(pattern.len());
    let same = if ignore_case {
        seen[..compared].eq_ignore_ascii_case(&pattern[..compared])
    } else {
        seen[..compared] == pattern[..compared]
    };
    match (same, compared == pattern.len()) {
        (true, true) => Standing::Hit,
        (true, false) => Standing::MayCome,
        (false, _) => Standing::Miss,
    }
}

fn http_request(bytes: &[u8]) -> Verdict {
    let mut verdict = Verdict::Unknown;
    for method in HTTP_METHODS {
        match standing(method, 0, true, bytes) {
            Standing::Miss => {}
            Standing::MayCome => verdict = Verdict::Undecided,
            Standing::Hit => match bytes.get(method.len()) {
                Some(b' ' | b'\t') => return Verdict::Identified(P::Http1),
                Some(_) => {}
                None => verdict = Verdict::Undecided,
            },
        }
    }
    verdict
}

/// Bytes of a stream that the deepest pattern of its direction needs: with fewer the reference does not give up, whatever they are.
const TCP_DEPTH_BYTES: [usize; 2] = [17, 8];

/// Judges by patterns alone.
pub(super) fn identify(transport: Transport, direction: Direction, bytes: &[u8]) -> Verdict {
    let mut verdict = Verdict::Unknown;
    let table = match transport {
        Transport::Tcp => {
            if direction == ToServer {
                verdict = http_request(bytes);
                if let Verdict::Identified(_) = verdict {
                    return verdict;
                }
            }
            TCP
        }
        Transport::Udp => UDP,
    };
    for pattern in table
        .iter()
        .filter(|pattern| pattern.direction == direction)
    {
        match standing(pattern.bytes, pattern.offset, pattern.ignore_case, bytes) {
            Standing::Miss => {}
            Standing::MayCome => verdict = Verdict::Undecided,
            Standing::Hit => match pattern.check {
                None => return Verdict::Identified(pattern.protocol),
                Some(check) => match check(bytes) {
                    Verdict::Unknown => {}
                    Verdict::Undecided => verdict = Verdict::Undecided,
                    identified @ Verdict::Identified(_) => return identified,
                },
            },
        }
    }
    match (transport, verdict) {
        // A datagram does not go on.
        (Transport::Udp, Verdict::Undecided) => Verdict::Unknown,
        (Transport::Tcp, Verdict::Unknown) if bytes.len() < TCP_DEPTH_BYTES[direction.index()] => {
            Verdict::Undecided
        }
        _ => verdict,
    }
}
