//! Pseudonyms of addresses: ipcrypt (draft-denis-ipcrypt) under a key that never leaves the ISP.
//!
//! Two ways, as the policy says. `ipcrypt-pfx` keeps prefixes: two addresses that share their first n bits get pseudonyms that share
//! theirs, so that the CIRT sees that ten victims are neighbours. That is also what it gives away: who knows the pseudonym of one
//! address knows the beginning of the pseudonyms of its neighbours, and who can make traffic appear from an address he knows learns
//! the pair. `ipcrypt-deterministic` gives pseudonyms that say nothing but "the same address as before"; they are always written
//! as IPv6, so that not even the family is told. In both, equal addresses have equal pseudonyms as long as the key epoch lasts.
//!
//! Before they become pseudonyms, IPv4 addresses mapped into IPv6 are written as IPv4. A pseudonym in text is written as
//! `p1~192.0.2.1~`, 1 being the key epoch, so that nobody takes it for an address.

use std::fmt;
use std::net::IpAddr;

use ipcrypt_rs::{Ipcrypt, IpcryptPfx};
use ipnet::IpNet;
use zeroize::Zeroizing;

/// How pseudonyms are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PseudonymMode {
    /// Neighbours have pseudonyms that are neighbours.
    KeepPrefixes,
    /// Nothing of the address can be seen.
    WithoutPrefixes,
}

/// The key of one epoch.
#[derive(Clone, PartialEq, Eq)]
pub struct EpochKey {
    /// Number of the epoch, from 1.
    pub epoch: u32,
    prefix_key: Zeroizing<[u8; 32]>,
    block_key: Zeroizing<[u8; 16]>,
}

/// Networks that are private everywhere. A key under which pseudonyms of one lie in another would make people take pseudonyms for addresses.
const PRIVATE: [&str; 5] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
];

impl EpochKey {
    /// A key from its bytes; `None` where they are no key: both halves of the first are equal.
    #[must_use]
    pub fn from_bytes(epoch: u32, prefix_key: [u8; 32], block_key: [u8; 16]) -> Option<Self> {
        let (left, right) = prefix_key.split_at(16);
        (left != right).then(|| Self {
            epoch,
            prefix_key: Zeroizing::new(prefix_key),
            block_key: Zeroizing::new(block_key),
        })
    }

    /// A new key, made of what `fill` writes into the bytes it is given.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn generate<E>(
        epoch: u32,
        mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        loop {
            let mut bytes = Zeroizing::new([0; 48]);
            fill(bytes.as_mut_slice())?;
            let (prefix_key, block_key) = bytes.split_at(32);
            let (Ok(prefix_key), Ok(block_key)) = (prefix_key.try_into(), block_key.try_into())
            else {
                continue;
            };
            let key = Self::from_bytes(epoch, prefix_key, block_key);
            if let Some(key) = key.filter(|key| !key.mistakes_private_networks()) {
                return Ok(key);
            }
        }
    }

    /// The bytes, to be stored where only the ISP can read them: that of the first way, and that of the second.
    #[must_use]
    pub fn to_bytes(&self) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 16]>) {
        (self.prefix_key.clone(), self.block_key.clone())
    }

    /// The pseudonym of an address.
    #[must_use]
    pub fn pseudonym(&self, address: IpAddr, mode: PseudonymMode) -> IpAddr {
        let address = address.to_canonical();
        match mode {
            PseudonymMode::KeepPrefixes => {
                IpcryptPfx::new(*self.prefix_key).encrypt_ipaddr(address)
            }
            PseudonymMode::WithoutPrefixes => {
                let mut bytes = sixteen_bytes(address);
                Ipcrypt::new(*self.block_key).encrypt_ip16(&mut bytes);
                IpAddr::from(bytes)
            }
        }
    }

    /// The address behind a pseudonym. Any address gives some address: whether it is one of the ISP's shows whether it was a pseudonym.
    #[must_use]
    pub fn resolve(&self, pseudonym: IpAddr, mode: PseudonymMode) -> IpAddr {
        match mode {
            PseudonymMode::KeepPrefixes => {
                IpcryptPfx::new(*self.prefix_key).decrypt_ipaddr(pseudonym)
            }
            PseudonymMode::WithoutPrefixes => {
                let mut bytes = sixteen_bytes(pseudonym);
                Ipcrypt::new(*self.block_key).decrypt_ip16(&mut bytes);
                IpAddr::from(bytes).to_canonical()
            }
        }
    }

    fn mistakes_private_networks(&self) -> bool {
        let networks = PRIVATE.iter().filter_map(|text| text.parse::<IpNet>().ok());
        let networks = networks.collect::<Vec<_>>();
        networks.iter().any(|network| {
            let first = self.pseudonym(network.network(), PseudonymMode::KeepPrefixes);
            let told = IpNet::new(first, network.prefix_len()).map(|told| told.trunc());
            told.is_ok_and(|told| {
                networks
                    .iter()
                    .any(|other| other.contains(&told) || told.contains(other))
            })
        })
    }
}

fn sixteen_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// How a pseudonym is written in text.
#[must_use]
pub fn written(pseudonym: IpAddr, key_epoch: u32) -> String {
    format!("p{key_epoch}~{pseudonym}~")
}

/// The pseudonym, and the key epoch where that is said, of what [`written`] made or of a bare address.
#[must_use]
pub fn read_written(text: &str) -> Option<(IpAddr, Option<u32>)> {
    let Some(rest) = text.strip_prefix('p') else {
        return Some((text.parse().ok()?, None));
    };
    let (epoch, address) = rest.trim_end_matches('~').split_once('~')?;
    Some((address.parse().ok()?, Some(epoch.parse().ok()?)))
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EpochKey({}, ..)", self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn key(prefix_key: &str, block_key: &str) -> EpochKey {
        let mut prefix = [0; 32];
        let mut block = [0; 16];
        hex::decode_to_slice(prefix_key, &mut prefix).unwrap();
        hex::decode_to_slice(block_key, &mut block).unwrap();
        EpochKey::from_bytes(1, prefix, block).unwrap()
    }

    fn check(key: &EpochKey, mode: PseudonymMode, pairs: &[(&str, &str)]) {
        for (address, pseudonym) in pairs {
            let (address, pseudonym) = (address.parse().unwrap(), pseudonym.parse().unwrap());
            assert_eq!(key.pseudonym(address, mode), pseudonym, "{address}");
            assert_eq!(key.resolve(pseudonym, mode), address, "{pseudonym}");
        }
    }

    /// The vectors of draft-denis-ipcrypt, appendix B.
    #[test]
    fn vectors_of_the_specification() {
        let block = "0123456789abcdeffedcba9876543210";
        check(
            &key(
                "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301",
                block,
            ),
            PseudonymMode::KeepPrefixes,
            &[
                ("0.0.0.0", "151.82.155.134"),
                ("255.255.255.255", "94.185.169.89"),
                ("192.0.2.1", "100.115.72.131"),
                ("2001:db8::1", "c180:5dd4:2587:3524:30ab:fa65:6ab6:f88"),
            ],
        );
        check(
            &key(
                "2b7e151628aed2a6abf7158809cf4f3ca9f5ba40db214c3798f2e1c23456789a",
                block,
            ),
            PseudonymMode::KeepPrefixes,
            &[
                ("10.0.0.47", "19.214.210.244"),
                ("10.0.0.129", "19.214.210.80"),
                ("10.0.0.234", "19.214.210.30"),
                ("172.16.5.193", "210.78.229.136"),
                ("172.16.97.42", "210.78.179.241"),
                ("172.16.248.177", "210.78.121.215"),
                (
                    "2001:db8::a5c9:4e2f:bb91:5a7d",
                    "7cec:702c:1243:f70:1956:125:b9bd:1aba",
                ),
                (
                    "2001:db8::7234:d8f1:3c6e:9a52",
                    "7cec:702c:1243:f70:a3ef:c8e:95c1:cd0d",
                ),
                (
                    "2001:db8:3a5c::e7d1:4b9f:2c8a:f673",
                    "7cec:702c:3503:bef:e616:96bd:be33:a9b9",
                ),
                (
                    "2001:db8:d8b4::193c:a5e7:8b2f:46d1",
                    "7cec:702c:f840:aa67:1b8:e84f:ac9d:77fb",
                ),
            ],
        );
        let prefix = "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301";
        for (block, address, pseudonym) in [
            (block, "0.0.0.0", "bde9:6789:d353:824c:d7c6:f58a:6bd2:26eb"),
            (
                "1032547698badcfeefcdab8967452301",
                "255.255.255.255",
                "aed2:92f6:ea23:58c3:48fd:8b8:74e8:45d8",
            ),
            (
                "2b7e151628aed2a6abf7158809cf4f3c",
                "192.0.2.1",
                "1dbd:c1b9:fff1:7586:7d0b:67b4:e76e:4777",
            ),
        ] {
            check(
                &key(prefix, block),
                PseudonymMode::WithoutPrefixes,
                &[(address, pseudonym)],
            );
        }
    }

    #[test]
    fn a_hundred_thousand_random_addresses_come_back() {
        let key = EpochKey::generate(3, getrandom::fill).unwrap();
        let mut random = vec![0; 20 * 50_000];
        getrandom::fill(&mut random).unwrap();
        for bytes in random.as_chunks::<20>().0 {
            let (four, sixteen) = bytes.split_first_chunk::<4>().unwrap();
            let sixteen = <[u8; 16]>::try_from(sixteen).unwrap();
            for address in [IpAddr::from(*four), IpAddr::from(sixteen)] {
                for mode in [PseudonymMode::KeepPrefixes, PseudonymMode::WithoutPrefixes] {
                    let pseudonym = key.pseudonym(address, mode);
                    assert_eq!(key.resolve(pseudonym, mode), address.to_canonical());
                }
            }
        }
    }

    #[test]
    fn prefixes_are_kept_and_families_hidden_as_the_way_says() {
        let key = EpochKey::generate(1, getrandom::fill).unwrap();
        let pseudonym = |text: &str, mode| key.pseudonym(text.parse().unwrap(), mode);
        let common = |mode| match (
            pseudonym("203.0.113.1", mode),
            pseudonym("203.0.113.200", mode),
        ) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                (u32::from(one) ^ u32::from(other)).leading_zeros()
            }
            _ => 0,
        };
        assert_eq!(common(PseudonymMode::KeepPrefixes), 24);
        assert!(pseudonym("203.0.113.1", PseudonymMode::WithoutPrefixes).is_ipv6());
        assert_eq!(
            pseudonym("::ffff:203.0.113.1", PseudonymMode::KeepPrefixes),
            pseudonym("203.0.113.1", PseudonymMode::KeepPrefixes)
        );
    }

    #[test]
    fn new_keys_do_not_make_private_addresses_of_private_addresses() {
        // The first draw has two equal halves, which is no key.
        let mut draws = 0u64;
        let key = EpochKey::generate(1, |bytes| {
            draws += 1;
            bytes.fill(0);
            if draws > 1 {
                getrandom::fill(bytes).unwrap();
            }
            Ok::<_, Infallible>(())
        });
        assert!(draws > 1);
        let told = key
            .unwrap()
            .pseudonym("10.1.2.3".parse().unwrap(), PseudonymMode::KeepPrefixes);
        assert!(!"10.0.0.0/8".parse::<IpNet>().unwrap().contains(&told));
    }

    #[test]
    fn what_is_written_is_read() {
        for text in ["192.0.2.1", "2001:db8::7"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(read_written(&written(address, 7)), Some((address, Some(7))));
            assert_eq!(read_written(text), Some((address, None)));
        }
        assert_eq!(read_written("p7"), None);
    }
}
