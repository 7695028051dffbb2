//! Looks at text protocols whose first word alone does not decide.

use lapwing_rules::model::AppProtocol as P;

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

fn first_line(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
    &bytes[..end]
}
