//! Looks at text protocols whose first word alone does not decide.

use lapwing_rules::model::AppProtocol as P;
use memchr::memmem;

use super::Verdict;

/// SIP request line: `METHOD uri SIP/2.0` (RFC 3261, section 7.1).
pub(super) fn sip_request(bytes: &[u8]) -> Verdict {
    let line = first_line(bytes);
    let mut words = line.split(|&byte| byte == b' ');
    let (method, uri, version) = (words.next(), words.next(), words.next());
    match (method, uri, version) {
        (Some(method), Some(uri), Some(version))
            if !method.is_empty() && !uri.is_empty() && version.starts_with(b"SIP/") =>
        {
            Verdict::Identified(P::Sip)
        }
        _ => Verdict::Unknown,
    }
}

/// SIP status line: `SIP/2.0 200 OK` (RFC 3261, section 7.2).
pub(super) fn sip_response(bytes: &[u8]) -> Verdict {
    let line = first_line(bytes);
    let code = line.get(8..11).unwrap_or_default();
    if bytes.starts_with(b"SIP/") && code.len() == 3 && code.iter().all(u8::is_ascii_digit) {
        Verdict::Identified(P::Sip)
    } else {
        Verdict::Unknown
    }
}

/// Greeting of a mail server: `220` with a domain, and either `SMTP` later in the line or a client that is not known.
pub(super) fn smtp_server(bytes: &[u8], client_is_smtp: bool) -> Verdict {
    if bytes.len() < 5 {
        return Verdict::Undecided;
    }
    if !bytes.starts_with(b"220") || !matches!(bytes[3], b' ' | b'-') {
        return Verdict::Unknown;
    }
    let greeting = &bytes[4..];
    if client_is_smtp {
        return if greeting.contains(&b'\n') {
            Verdict::Identified(P::Smtp)
        } else {
            Verdict::Undecided
        };
    }
    let domain = greeting
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        .count();
    if domain == 0 || !greeting[..domain].contains(&b'.') {
        return Verdict::Unknown;
    }
    if memmem::find(greeting, b"SMTP").is_some() {
        Verdict::Identified(P::Smtp)
    } else if greeting.contains(&b'\n') {
        Verdict::Unknown
    } else {
        Verdict::Undecided
    }
}

/// Greeting of an FTP server on its own port: `220` and a complete line.
pub(super) fn ftp_server(bytes: &[u8]) -> Verdict {
    if bytes.len() < 5 {
        return Verdict::Undecided;
    }
    if !bytes.starts_with(b"220") || !matches!(bytes[3], b' ' | b'-') {
        return Verdict::Unknown;
    }
    if bytes.contains(&b'\n') {
        Verdict::Identified(P::Ftp)
    } else {
        Verdict::Undecided
    }
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
    &bytes[..end]
}
