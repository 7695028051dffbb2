//! A set of networks, as the home networks whose addresses must not leave.
//!
//! An IPv4 address may travel inside an IPv6 one (mapped, compatible, 6to4, NAT64): it counts as the address it carries.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// A set of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// The set of these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(IpNet::aggregate(&networks))
    }

    /// Whether an address, or an IPv4 address carried inside it, belongs to the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let within = |address: IpAddr| self.0.iter().any(|network| network.contains(&address));
        within(address) || carried_ipv4(address).any(|address| within(IpAddr::V4(address)))
    }

    /// Whether a network lies wholly within the networks.
    #[must_use]
    pub fn contains_network(&self, inner: &IpNet) -> bool {
        self.0.iter().any(|network| network.contains(inner))
    }

    /// Whether the addresses from `first` to `last`, both of one family, touch the networks.
    #[must_use]
    pub fn touch(&self, first: IpAddr, last: IpAddr) -> bool {
        let touches = |first: IpAddr, last: IpAddr| {
            self.0.iter().any(|network| {
                network.addr().is_ipv4() == first.is_ipv4()
                    && network.network() <= last
                    && first <= network.broadcast()
            })
        };
        touches(first, last)
            || match (first.to_canonical(), last.to_canonical()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => touches(first.into(), last.into()),
                _ => carried_ipv4(first)
                    .chain(carried_ipv4(last))
                    .any(|address| self.contains(address.into())),
            }
    }

    /// The networks, overlapping ones joined.
    pub fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Networks {
        Networks::new(vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8:1::/48".parse().unwrap(),
        ])
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
    fn ranges_touch_where_an_address_is_in_both() {
        let touch =
            |first: &str, last: &str| home().touch(first.parse().unwrap(), last.parse().unwrap());
        assert!(touch("10.1.2.3", "10.1.2.3"));
        assert!(touch("9.255.255.255", "10.0.0.0"));
        assert!(touch("10.255.255.255", "203.0.113.1"));
        assert!(touch("0.0.0.0", "255.255.255.255"));
        assert!(touch("::ffff:10.0.0.0", "::ffff:10.0.0.255"));
        assert!(touch("2001:db8::", "2001:db8:ffff:ffff::"));
        assert!(!touch("11.0.0.0", "203.0.113.1"));
        assert!(!touch("2001:db8:2::", "2001:db8:3::"));
    }
}
