//! TCP options (RFC 9293, RFC 7323, RFC 2018, RFC 7413).

use super::{Packet, limits};

/// One option in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// Maximum segment size in bytes.
    MaximumSegmentSize(u16),
    /// Window scale: a shift count.
    WindowScale(u8),
    /// Selective acknowledgment permitted.
    SackPermitted,
    /// Selective acknowledgment blocks.
    Sack(&'a [u8]),
    /// Timestamps.
    Timestamp { value: u32, echo_reply: u32 },
    /// Fast-open cookie; empty in a request for one.
    FastOpen(&'a [u8]),
    /// MD5 signature (RFC 2385) or authentication option (RFC 5925).
    Authentication(&'a [u8]),
    /// Any other.
    Other { kind: u8, body: &'a [u8] },
}

/// Magic number of fast open while it was experimental (RFC 6994).
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// The options that are well formed, in order; ends at the first whose length makes no sense.
pub fn tcp_options(options: &[u8]) -> impl Iterator<Item = TcpOption<'_>> {
    RawOptions(options).map_while(|raw| match raw {
        Raw::Option { kind, body } => Some(typed(kind, body)),
        Raw::BadLength => None,
    })
}

/// What has a type and a length; `None` of [`typed`] where the length is not that of the type.
enum Raw<'a> {
    Option { kind: u8, body: &'a [u8] },
    BadLength,
}

struct RawOptions<'a>(&'a [u8]);

impl<'a> Iterator for RawOptions<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        loop {
            let (&kind, rest) = self.0.split_first()?;
            match kind {
                0 => return None,
                1 => self.0 = rest,
                _ => {
                    let length = usize::from(*rest.first()?);
                    if length < 2 {
                        self.0 = &[];
                        return Some(Raw::BadLength);
                    }
                    let Some((option, rest)) = self.0.split_at_checked(length) else {
                        self.0 = &[];
                        return Some(Raw::BadLength);
                    };
                    self.0 = rest;
                    let body = option.get(2..).unwrap_or_default();
                    return Some(Raw::Option { kind, body });
                }
            }
        }
    }
}

fn typed(kind: u8, body: &[u8]) -> TcpOption<'_> {
    match (kind, body) {
        (2, [high, low]) => TcpOption::MaximumSegmentSize(u16::from_be_bytes([*high, *low])),
        (3, [shift]) => TcpOption::WindowScale(*shift),
        (4, []) => TcpOption::SackPermitted,
        (5, blocks) if !blocks.is_empty() && blocks.len() % 8 == 0 => TcpOption::Sack(blocks),
        (8, [v0, v1, v2, v3, e0, e1, e2, e3]) => TcpOption::Timestamp {
            value: u32::from_be_bytes([*v0, *v1, *v2, *v3]),
            echo_reply: u32::from_be_bytes([*e0, *e1, *e2, *e3]),
        },
        (34, cookie) => TcpOption::FastOpen(cookie),
        (253 | 254, [first, second, cookie @ ..]) if [*first, *second] == FAST_OPEN_MAGIC => {
            TcpOption::FastOpen(cookie)
        }
        (19 | 29, body) => TcpOption::Authentication(body),
        (kind, body) => TcpOption::Other { kind, body },
    }
}

/// Notes what is wrong with the options of a header.
pub(super) fn check(packet: &mut Packet<'_>, options: &[u8]) {
    let mut seen: heapless::Vec<u8, { limits::HEADER_OPTIONS_MAX }> = heapless::Vec::new();
    for raw in RawOptions(options) {
        let Raw::Option { kind, body } = raw else {
            packet.event("tcp.opt_invalid_len");
            return;
        };
        let is_known = matches!(kind, 2 | 3 | 4 | 5 | 8 | 34);
        let length_fits = match kind {
            2 => body.len() == 2,
            3 => body.len() == 1,
            4 => body.is_empty(),
            5 => body.is_empty() || body.len() % 8 == 0,
            8 => body.len() == 8,
            34 => body.is_empty() || (4..=16).contains(&body.len()),
            19 => body.len() == 16,
            29 => body.len() >= 2,
            253 | 254 => match body.strip_prefix(&FAST_OPEN_MAGIC) {
                Some(cookie) => cookie.is_empty() || (4..=16).contains(&cookie.len()),
                None => true,
            },
            _ => true,
        };
        if !length_fits {
            packet.event("tcp.opt_invalid_len");
        } else if is_known {
            if seen.contains(&kind) {
                packet.event("tcp.opt_duplicate");
            }
            seen.push(kind).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_syn_are_read_in_order() {
        let options = [
            2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7, 0,
        ];
        let read: Vec<_> = tcp_options(&options).collect();
        assert_eq!(
            read,
            [
                TcpOption::MaximumSegmentSize(1460),
                TcpOption::SackPermitted,
                TcpOption::Timestamp {
                    value: 1,
                    echo_reply: 2
                },
                TcpOption::WindowScale(7),
            ]
        );
    }

    #[test]
    fn a_length_of_zero_ends_the_walk() {
        assert_eq!(tcp_options(&[3, 0, 1, 1]).count(), 0);
        assert_eq!(tcp_options(&[3, 9, 1, 1]).count(), 0);
    }
}
