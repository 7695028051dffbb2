//! Hosts and ports as they are written in `Host` and in targets, and whether they can be some.

use std::net::Ipv6Addr;

use super::text;

/// Longest host, in bytes, and longest part of one between dots.
const HOST_BYTES_MAX: usize = 255;
const LABEL_BYTES_MAX: usize = 63;

/// What a `Host` field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HostField<'a> {
    pub(super) host: &'a [u8],
    pub(super) port: Option<u16>,
    /// Nothing stands behind the host.
    is_alone: bool,
    /// Both can be what they are meant to be.
    pub(super) is_valid: bool,
}

impl HostField<'_> {
    /// The host as rules see it: in lower case, but where a port or brackets stand with it, as in the reference.
    pub(super) fn shown(&self) -> Vec<u8> {
        if self.is_alone && !self.host.starts_with(b"[") {
            self.host.to_ascii_lowercase()
        } else {
            self.host.to_vec()
        }
    }
}

/// Takes a `Host` field apart.
pub(super) fn split_field(value: &[u8]) -> HostField<'_> {
    let value = text::trim(value);
    let host_end = match value.first() {
        Some(b'[') => value.iter().position(|&byte| byte == b']').map(|at| at + 1),
        _ => value.iter().position(|&byte| byte == b':'),
    };
    let (host, behind) = value.split_at(host_end.unwrap_or(value.len()));
    let port = behind.strip_prefix(b":").map(text::trim);
    let host = text::trim(host);
    let number = port.and_then(port_number);
    let is_port_valid = port.is_none_or(|_| number.is_some());
    HostField {
        host,
        port: number,
        is_alone: behind.is_empty(),
        is_valid: is_valid(host) && is_port_valid && (behind.is_empty() || port.is_some()),
    }
}

/// A port that can be one.
pub(super) fn port_number(digits: &[u8]) -> Option<u16> {
    let number = u16::try_from(text::decimal(text::trim(digits))?).ok()?;
    (number > 0).then_some(number)
}

/// Whether this can be a host: labels of letters, digits, `-` and `_` between single dots, or an IPv6 address in brackets.
pub(super) fn is_valid(host: &[u8]) -> bool {
    if host.is_empty() || host.len() > HOST_BYTES_MAX {
        return false;
    }
    if let [b'[', address @ .., b']'] = host {
        return std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
    }
    let labels = host.strip_suffix(b".").unwrap_or(host);
    labels.split(|&byte| byte == b'.').all(|label| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_can_be_some() {
        for host in [
            "a.example",
            "-a.b",
            "a_b.c",
            "1.2.3.4",
            "a.",
            "[::1]",
            "[::ffff:1.2.3.4]",
        ] {
            assert!(is_valid(host.as_bytes()), "{host}");
        }
        let long = "x".repeat(64) + ".b";
        for host in [
            "",
            ".a",
            "a..b",
            "a b",
            "a/b",
            "*.b",
            "u@a",
            "[zz]",
            "[::1",
            "[1.2.3.4]",
            &long,
        ] {
            assert!(!is_valid(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn fields_have_a_host_and_perhaps_a_port() {
        let field = split_field(b"a.b :080 ");
        assert_eq!(
            (field.host, field.port, field.is_valid),
            (&b"a.b"[..], Some(80), true)
        );
        assert_eq!(split_field(b"[::1]:80").port, Some(80));
        for wrong in [
            "a.b:",
            "a.b:0",
            "a.b:+80",
            "a.b:65536",
            "a:b:c",
            ":80",
            "[::1]x",
            "",
        ] {
            assert!(!split_field(wrong.as_bytes()).is_valid, "{wrong}");
        }
    }
}
