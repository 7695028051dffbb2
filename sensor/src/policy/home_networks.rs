//! The networks whose addresses must not leave, and finding addresses wherever they hide.
//!
//! An IPv4 address may travel inside an IPv6 one (mapped, compatible, 6to4, NAT64) and as text inside a header or a
//! name (`X-Forwarded-For: 10.1.2.3`, `3.2.1.10.in-addr.arpa`). Those forms are recognized here. Other encodings
//! (percent-encoding, base64, dashes in host names) are not: a strict policy allows no free-text facts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Bytes of an address as text; longer runs of address characters are looked at in windows of this size.
const ADDRESS_TEXT_MAX_BYTES: usize = 46;
/// Labels of an address in `ip6.arpa`.
const NIBBLES_IN_IPV6: usize = 32;

/// A set of networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeNetworks(Vec<IpNet>);

impl HomeNetworks {
    /// The set of these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(IpNet::aggregate(&networks))
    }

    /// Whether an address, or an IPv4 address carried inside it, belongs to the home networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let within = |address: IpAddr| self.0.iter().any(|network| network.contains(&address));
        within(address) || carried_ipv4(address).any(|address| within(IpAddr::V4(address)))
    }

    /// The networks, overlapping ones joined.
    pub fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }
}

/// IPv4 addresses that an IPv6 address carries (RFC 4291 2.5.5, RFC 3056, RFC 6052).
fn carried_ipv4(address: IpAddr) -> impl Iterator<Item = Ipv4Addr> {
    let carried = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => {
            let octets = address.octets();
            let at = |start: usize| {
                let four = octets.get(start..start + 4)?;
                <[u8; 4]>::try_from(four).ok().map(Ipv4Addr::from)
            };
            match address.segments() {
                [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => at(12),
                [0x2002, ..] => at(2),
                _ => None,
            }
        }
    };
    carried.into_iter()
}

/// Every address that stands in free text, written as an address or as a reverse name. A reverse name is read both ways.
pub(super) fn addresses_in_text(text: &[u8]) -> impl Iterator<Item = IpAddr> {
    let runs = text.split(|byte| !is_address_byte(*byte));
    runs.flat_map(addresses_in_run).chain(reverse_names(text))
}

fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')
}

/// Addresses in a run of hexadecimal digits, dots and colons. A port behind (`10.0.0.1:80`), a dot at the end of a
/// sentence or letters that happen to be digits (`a.10.0.0.1`, `a10.0.0.1`) must not hide one, so an address may begin
/// and end wherever the kind of character changes.
fn addresses_in_run(run: &[u8]) -> impl Iterator<Item = IpAddr> {
    let boundaries = (0..=run.len()).filter(|at| {
        let before = at.checked_sub(1).and_then(|before| run.get(before));
        match (before, run.get(*at)) {
            (Some(before), Some(after)) => {
                is_separator(*before)
                    || is_separator(*after)
                    || before.is_ascii_digit() != after.is_ascii_digit()
            }
            _ => true,
        }
    });
    let boundaries = boundaries.collect::<Vec<_>>();
    let mut found = Vec::new();
    for (index, start) in boundaries.iter().enumerate() {
        let ends = boundaries.iter().skip(index + 1);
        let ends = ends.take_while(|end| **end - start <= ADDRESS_TEXT_MAX_BYTES);
        let texts = ends.filter_map(|end| std::str::from_utf8(run.get(*start..*end)?).ok());
        found.extend(texts.filter_map(|text| text.parse::<IpAddr>().ok()));
    }
    found.into_iter()
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'.' | b':')
}

/// The address of each reverse name (`…in-addr.arpa`, `…ip6.arpa`) in the text.
fn reverse_names(text: &[u8]) -> impl Iterator<Item = IpAddr> {
    let lowered = text.to_ascii_lowercase();
    let ends = |suffix: &'static [u8]| {
        let places = lowered.windows(suffix.len()).enumerate();
        let places = places.filter(move |(_, window)| *window == suffix);
        places.map(|(place, _)| place).collect::<Vec<_>>()
    };
    let ipv4 = ends(b".in-addr.arpa").into_iter().filter_map(|end| {
        let mut labels = labels_before(&lowered, end);
        let mut octet = || std::str::from_utf8(labels.next()?).ok()?.parse::<u8>().ok();
        let (d, c, b, a) = (octet()?, octet()?, octet()?, octet()?);
        // Read from the right, the first label is the first octet.
        Some(IpAddr::from([d, c, b, a]))
    });
    let ipv6 = ends(b".ip6.arpa").into_iter().filter_map(|end| {
        let labels = labels_before(&lowered, end).take(NIBBLES_IN_IPV6);
        let nibbles = labels.filter_map(|label| match label {
            [digit] => char::from(*digit).to_digit(16),
            _ => None,
        });
        let nibbles = nibbles.collect::<Vec<_>>();
        let value = nibbles
            .iter()
            .fold(0u128, |value, nibble| value << 4 | u128::from(*nibble));
        (nibbles.len() == NIBBLES_IN_IPV6).then(|| IpAddr::V6(Ipv6Addr::from(value)))
    });
    ipv4.chain(ipv6).collect::<Vec<_>>().into_iter()
}

/// Labels of the name that ends before `end`, from the right.
fn labels_before(text: &[u8], end: usize) -> impl Iterator<Item = &[u8]> {
    let name = text.get(..end).unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let start = name
        .iter()
        .rposition(|byte| !is_name(byte))
        .map_or(0, |at| at + 1);
    name.get(start..)
        .unwrap_or_default()
        .rsplit(|byte| *byte == b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn home() -> HomeNetworks {
        HomeNetworks::new(vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8:1::/48".parse().unwrap(),
        ])
    }

    fn named(text: &str) -> bool {
        addresses_in_text(text.as_bytes()).any(|address| home().contains(address))
    }

    #[test]
    fn carried_addresses_are_recognized() {
        for inside in [
            "::ffff:10.1.2.3",
            "::10.1.2.3",
            "64:ff9b::10.1.2.3",
            "2002:0a01:0203::1",
            "2001:db8:1::5",
        ] {
            assert!(home().contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["::ffff:192.0.2.1", "2001:db8:2::5", "192.0.2.10"] {
            assert!(!home().contains(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn addresses_in_text_are_found() {
        for text in [
            "10.1.2.3",
            "http://10.1.2.3:8080/x",
            "for=\"[2001:db8:1::9]:80\"",
            "198.51.100.1, 10.9.8.7.",
            "ab.10.1.2.3",
            "1.10.1.2.3",
            "2001:DB8:1:0:0:0:0:1",
            "::ffff:10.0.0.1",
            "x 3.2.1.10.in-addr.arpa",
            "3.2.1.10.IN-ADDR.ARPA.",
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        ] {
            assert!(named(text), "{text}");
        }
        for text in ["", "example.com", "192.0.2.1", "10.1.2", "version 1.2.3"] {
            assert!(!named(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_home_address_hides_between_other_text(before in "[a-z0-9 .:/-]{0,9}[ /=\\[,]", host: [u8; 3], after in "[ /:,\\]][a-z0-9 .:/-]{0,9}") {
            let [b, c, d] = host;
            let text = format!("{before}10.{b}.{c}.{d}{after}");
            prop_assert!(named(&text), "{}", text);
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let _count = addresses_in_text(&bytes).count();
        }
    }
}
