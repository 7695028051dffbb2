//! From a list's value to its normal form and its key.

use std::{borrow::Cow, net::IpAddr};

use ipnet::IpNet;

use super::{IndicatorKind, Key, address_key, first_16, hashed_key, masked};
use crate::limits;

/// A value, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What is looked up.
    pub key: Key,
    /// Of an address the bits that count; else 0.
    pub prefix_bits: u8,
    /// The normal form, empty where the key says all of it.
    pub text: Box<str>,
}

impl Value {
    /// Reads a value of a kind.
    ///
    /// # Errors
    /// What is wrong with it, in one clause.
    pub fn parse(kind: IndicatorKind, text: &str) -> Result<Self, String> {
        let of_text = |text: &str| Self {
            key: hashed_key(text.as_bytes()),
            prefix_bits: 0,
            text: text.into(),
        };
        match kind {
            IndicatorKind::Address => address(text),
            IndicatorKind::Domain | IndicatorKind::Host => Ok(of_text(&name(text)?)),
            IndicatorKind::Url => Ok(of_text(&url(text)?)),
            IndicatorKind::Ja3 | IndicatorKind::Ja3s => Ok(Self {
                key: first_16(&digest(text, 16)?),
                prefix_bits: 0,
                text: "".into(),
            }),
            IndicatorKind::Ja4 => Ok(of_text(&ja4(text)?)),
            IndicatorKind::Sha1 | IndicatorKind::Sha256 => {
                let bytes = if kind == IndicatorKind::Sha1 { 20 } else { 32 };
                let digest = digest(text, bytes)?;
                Ok(Self {
                    key: first_16(&digest),
                    prefix_bits: 0,
                    text: hex::encode(digest).into(),
                })
            }
        }
    }
}

fn address(text: &str) -> Result<Value, String> {
    let (address, bits) = if let Ok(address) = text.parse::<IpAddr>() {
        (address, 128)
    } else {
        let net: IpNet = text
            .parse()
            .map_err(|_| "it is no address and no prefix, as 192.0.2.0/24".to_owned())?;
        if net.addr() != net.network() {
            return Err(format!(
                "it has bits behind its prefix; {} is meant, perhaps",
                net.trunc()
            ));
        }
        let family_bits = if net.addr().is_ipv4() { 96 } else { 0 };
        (net.addr(), family_bits + net.prefix_len())
    };
    let smallest = match address {
        IpAddr::V4(_) => 96 + limits::INDICATOR_PREFIX_IPV4_BITS,
        IpAddr::V6(_) => limits::INDICATOR_PREFIX_IPV6_BITS,
    };
    if bits < smallest {
        return Err(format!(
            "the prefix is wider than /{} or /{}, which would match everybody",
            limits::INDICATOR_PREFIX_IPV4_BITS,
            limits::INDICATOR_PREFIX_IPV6_BITS
        ));
    }
    Ok(Value {
        key: masked(address_key(address), bits),
        prefix_bits: bits,
        text: "".into(),
    })
}

/// Longest name in bytes, and longest label (RFC 1035, section 2.3.4, in text).
const NAME_BYTES: usize = 253;
const LABEL_BYTES: usize = 63;

fn name(text: &str) -> Result<String, String> {
    let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if !text.is_ascii() {
        return Err("a name is listed in its form of ASCII, as xn--bcher-kva.example".to_owned());
    }
    let is_label = |label: &str| {
        (1..=LABEL_BYTES).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if text.is_empty() || text.len() > NAME_BYTES || !text.split('.').all(is_label) {
        return Err("it is no name of a host, as www.example".to_owned());
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err("it is an address; its kind is `address`".to_owned());
    }
    Ok(text)
}

fn url(text: &str) -> Result<String, String> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => rest,
        Some(_) => return Err("it is no URL, as http://www.example/path".to_owned()),
        None => text,
    };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(host_end);
    let host = host_of(authority.as_bytes());
    if host.is_empty() || !host.iter().all(u8::is_ascii_graphic) {
        return Err("it names no host, as http://www.example/path".to_owned());
    }
    if text.len() > limits::INDICATOR_URL_BYTES {
        return Err(format!(
            "it is longer than {} bytes",
            limits::INDICATOR_URL_BYTES
        ));
    }
    let target = if target.starts_with('/') {
        Cow::Borrowed(target)
    } else {
        Cow::Owned(format!("/{target}"))
    };
    let normal = normalised_url(authority.as_bytes(), target.as_bytes());
    String::from_utf8(normal).map_err(|_| "its resolved form is no UTF-8".to_owned())
}

/// The normal form of a request: host as sent or listed, and the request's target.
#[must_use]
pub fn normalised_url(host: &[u8], target: &[u8]) -> Vec<u8> {
    // A request to a proxy has the whole URL as its target.
    let target = match memchr::memmem::find(target, b"://") {
        Some(at) if !target.starts_with(b"/") => {
            let behind = target.get(at + 3..).unwrap_or_default();
            let path = memchr::memchr3(b'/', b'?', b'#', behind).unwrap_or(behind.len());
            behind.get(path..).unwrap_or_default()
        }
        _ => target,
    };
    let target = memchr::memchr(b'#', target)
        .and_then(|end| target.get(..end))
        .unwrap_or(target);
    let mut normal = host_of(host).to_ascii_lowercase();
    if !target.starts_with(b"/") {
        normal.push(b'/');
    }
    let mut rest = target;
    while let Some((byte, behind)) = rest.split_first() {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        let escaped = (*byte == b'%')
            .then(|| digit(0).zip(digit(1)))
            .flatten()
            .and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        match escaped {
            Some(escaped) => {
                normal.push(escaped);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                normal.push(*byte);
                rest = behind;
            }
        }
    }
    normal
}

/// Of `user@host:port` the host.
fn host_of(authority: &[u8]) -> &[u8] {
    let host = memchr::memrchr(b'@', authority)
        .and_then(|at| authority.get(at + 1..))
        .unwrap_or(authority);
    let port = match host.first() {
        // `[2001:db8::1]:80`
        Some(b'[') => memchr::memchr(b']', host).map(|end| end + 1),
        _ => memchr::memrchr(b':', host),
    };
    port.and_then(|port| host.get(..port)).unwrap_or(host)
}

fn digest(text: &str, bytes: usize) -> Result<Vec<u8>, String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    hex::decode(&digits)
        .ok()
        .filter(|digest| digest.len() == bytes)
        .ok_or_else(|| format!("it is no hash of {} hexadecimal digits", 2 * bytes))
}

fn ja4(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    let groups: Vec<usize> = text.split('_').map(str::len).collect();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if groups == [10, 12, 12] && text.bytes().all(is_word) {
        Ok(text)
    } else {
        Err("it is no JA4, as t13d1516h2_8daaf6152771_b186095e22b6".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: IndicatorKind, value: &str) -> Result<String, String> {
        Value::parse(kind, value).map(|value| value.text.into())
    }

    #[test]
    fn urls_have_one_form_however_they_are_written() {
        let of = |value: &str| text(IndicatorKind::Url, value).unwrap();
        assert_eq!(
            of("http://user@Bad.Example:8080/a%20b?q=%41#top"),
            "bad.example/a b?q=A"
        );
        assert_eq!(of("bad.example"), "bad.example/");
        assert_eq!(of("bad.example?x=1"), "bad.example/?x=1");
        assert_eq!(of("https://[2001:DB8::1]:443/x"), "[2001:db8::1]/x");
        let seen = |host: &str, target: &str| normalised_url(host.as_bytes(), target.as_bytes());
        assert_eq!(seen("BAD.example:80", "/a%20b?q=A"), b"bad.example/a b?q=A");
        assert_eq!(
            seen("bad.example", "http://bad.example/x?u=http://y/"),
            b"bad.example/x?u=http://y/"
        );
        assert_eq!(
            seen("bad.example", "/x?u=http://y/"),
            b"bad.example/x?u=http://y/"
        );
        assert_eq!(seen("", "%"), b"/%");
        assert!(text(IndicatorKind::Url, "http:///x").is_err());
    }

    #[test]
    fn names_are_in_lower_case_and_ascii() {
        assert_eq!(
            text(IndicatorKind::Domain, "Evil.Example.").unwrap(),
            "evil.example"
        );
        for wrong in [
            "",
            ".",
            "a..b",
            "bücher.example",
            "a b",
            "192.0.2.1",
            &"a.".repeat(130),
        ] {
            assert!(text(IndicatorKind::Domain, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn prefixes_have_no_bits_behind_and_are_not_the_world() {
        let of = |value: &str| Value::parse(IndicatorKind::Address, value);
        assert_eq!(of("192.0.2.0/24").unwrap().prefix_bits, 120);
        assert_eq!(of("2001:db8::/32").unwrap().prefix_bits, 32);
        assert_eq!(of("192.0.2.1").unwrap(), of("192.0.2.1/32").unwrap());
        for wrong in [
            "192.0.2.1/24",
            "0.0.0.0/0",
            "::/0",
            "8.0.0.0/5",
            "x",
            "192.0.2.0/33",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hashes_have_their_length() {
        let sha1 = "4a:a3:66:76:82:cb:6b:23:bb:c3:58:47:23:a4:63:a7:78:a4:a1:18";
        assert_eq!(
            text(IndicatorKind::Sha1, sha1).unwrap(),
            sha1.replace(':', "")
        );
        assert!(text(IndicatorKind::Sha256, sha1).is_err());
        assert!(
            text(IndicatorKind::Ja3, "e7d705a3286e19ea42f587b344ee6865")
                .unwrap()
                .is_empty()
        );
        assert!(text(IndicatorKind::Ja4, "t13d1516h2_8daaf6152771_b186095e22b6").is_ok());
        assert!(text(IndicatorKind::Ja4, "t13d1516h2_8daaf6152771").is_err());
    }
}
