//! Lists beside the rules: sets of strings, digests and addresses, and reputations.
//!
//! Whatever a list holds, it is asked by keys of 16 bytes: an MD5 or an IPv6 address as it is, an IPv4 address mapped into IPv6, the
//! first half of a SHA-256, the first 16 bytes of a SHA-1, and of a string the first half of its SHA-256. So a set has the same bounds and the
//! same look-up whatever is in it, and two different strings that are taken for each other would have to collide in 128 bits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

/// Index of a list in the pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListId(pub u32);

/// What a list is asked for.
pub type ListKey = [u8; 16];

/// What a list holds. Numbers are stable: they stand in packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ListKind {
    /// `string`
    String = 0,
    /// `md5`
    Md5 = 1,
    /// `sha256`
    Sha256 = 2,
    /// `ipv4`
    Ipv4 = 3,
    /// `ip`: of both versions.
    Ip = 4,
    /// The list of a `filesha1`.
    Sha1 = 5,
}

impl ListKind {
    const ALL: [Self; 6] = [
        Self::String,
        Self::Md5,
        Self::Sha256,
        Self::Ipv4,
        Self::Ip,
        Self::Sha1,
    ];

    /// The kind with this stable number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Bytes of what it holds, where all are of one length.
    #[must_use]
    pub fn item_bytes(self) -> Option<usize> {
        match self {
            Self::Md5 => Some(16),
            Self::Sha1 => Some(20),
            Self::Sha256 => Some(32),
            Self::String | Self::Ipv4 | Self::Ip => None,
        }
    }

    /// The key of a buffer; `None` for one that cannot be in a list of this kind.
    #[must_use]
    pub fn key(self, buffer: &[u8]) -> Option<ListKey> {
        match self {
            Self::String => {
                let digest = Sha256::digest(buffer);
                (!buffer.is_empty()).then(|| first_half(&digest)).flatten()
            }
            Self::Md5 => buffer.try_into().ok(),
            Self::Sha1 | Self::Sha256 => (Some(buffer.len()) == self.item_bytes())
                .then(|| first_half(buffer))
                .flatten(),
            Self::Ipv4 => {
                let octets: [u8; 4] = buffer.try_into().ok()?;
                Some(address_key(IpAddr::V4(octets.into())))
            }
            Self::Ip => match <[u8; 4]>::try_from(buffer) {
                Ok(octets) => Some(address_key(IpAddr::V4(Ipv4Addr::from(octets)))),
                Err(_) => {
                    let octets: [u8; 16] = buffer.try_into().ok()?;
                    Some(address_key(IpAddr::V6(Ipv6Addr::from(octets))))
                }
            },
        }
    }
}

fn first_half(digest: &[u8]) -> Option<ListKey> {
    digest.first_chunk().copied()
}

/// The key of an address: an IPv4 address is the same as when it is mapped into IPv6.
#[must_use]
pub fn address_key(address: IpAddr) -> ListKey {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// What `dataset` does with the buffer, or asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SetAction {
    /// `set`: holds where the buffer was not in the set yet.
    Set = 0,
    /// `unset`: holds where the buffer was in the set.
    Unset = 1,
    /// `isset`
    IsSet = 2,
    /// `isnotset`
    IsNotSet = 3,
}

impl SetAction {
    /// The action with this stable number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Set, Self::Unset, Self::IsSet, Self::IsNotSet]
            .into_iter()
            .find(|action| *action as u8 == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_of_one_length_and_what_does_not_fit_has_none() {
        assert_eq!(ListKind::String.key(b""), None);
        assert_ne!(ListKind::String.key(b"a"), ListKind::String.key(b"b"));
        assert_eq!(ListKind::Md5.key(&[7; 16]), Some([7; 16]));
        assert_eq!(ListKind::Md5.key(b"h.example"), None);
        assert_eq!(ListKind::Sha256.key(&[7; 32]), Some([7; 16]));
        assert_eq!(ListKind::Sha1.key(&[7; 16]), None);
        let mapped = ListKind::Ip.key(&[10, 0, 0, 1]);
        assert_eq!(ListKind::Ipv4.key(&[10, 0, 0, 1]), mapped);
        assert_eq!(ListKind::Ip.key(&mapped.unwrap()), mapped);
        assert_eq!(ListKind::Ipv4.key(&[0; 16]), None);
    }
}
