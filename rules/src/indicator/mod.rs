//! Indicators: addresses, names, URLs and hashes that lists name, each with a number under which sightings are returned.
//!
//! Large lists are no rules: a pack holds them in sorted tables of fixed-size entries that are searched where they lie (see
//! `pack/indicators.rs`). What is looked up is a *key* of 16 bytes. The same functions make it from a list's value and from what
//! the sensor saw, so that the two cannot disagree:
//!
//! | kind | what it matches | key |
//! |---|---|---|
//! | address | an address, or every address of a prefix | the address (IPv4 as `::ffff:a.b.c.d`) without the bits behind the prefix |
//! | domain | this name and every name beneath it | first 16 bytes of the SHA-256 of the name |
//! | host | this name only | as above |
//! | url | host, path and query; without a query any query | first 16 bytes of the SHA-256 of the normalised form |
//! | ja3, ja3s | the MD5 of the client's, of the server's hello | the MD5 |
//! | ja4 | the text of JA4 | first 16 bytes of its SHA-256 |
//! | sha1, sha256 | a certificate that a TLS server sends, as a whole (DER) | first 16 bytes of the hash |
//!
//! Names are compared in ASCII lower case without a dot at the end; other names are listed in their form of ASCII (`xn--…`). URLs are
//! compared without scheme, port, user and fragment, with the host in lower case and `%XX` resolved once.

mod list_file;
mod value;

use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest, Sha256};

pub use list_file::{IndicatorLists, LIST_COLUMNS, ListName};
pub use value::{Value, normalised_url};

/// The generator number (gid) of findings that come from indicators; their sid is the indicator's number.
pub const INDICATOR_GENERATOR: u32 = 2000;

macro_rules! kinds {
    ($($variant:ident = $number:literal, $name:literal;)*) => {
        /// What an indicator is compared with. Numbers are stable: they stand in packs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(rename_all = "lowercase")]
        #[repr(u8)]
        pub enum IndicatorKind { $(#[doc = $name] $variant = $number,)* }

        impl IndicatorKind {
            /// Every kind, in order of number.
            pub const ALL: &'static [IndicatorKind] = &[$(IndicatorKind::$variant,)*];

            /// The name that lists use.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(IndicatorKind::$variant => $name,)* } }
        }
    };
}

kinds! {
    Address = 1, "address";
    Domain = 2, "domain";
    Host = 3, "host";
    Url = 4, "url";
    Ja3 = 5, "ja3";
    Ja3s = 6, "ja3s";
    Ja4 = 7, "ja4";
    Sha1 = 8, "sha1";
    Sha256 = 9, "sha256";
}

impl IndicatorKind {
    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as u8 == number)
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// What is looked up.
pub type Key = [u8; 16];

/// One indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// What it is compared with.
    pub kind: IndicatorKind,
    /// What is looked up.
    pub key: Key,
    /// Of an address the bits that count, from the front of its 128; else 0.
    pub prefix_bits: u8,
    /// The number under which sightings are returned.
    pub id: u32,
    /// How grave a sighting is, 1 the gravest.
    pub severity: u8,
    /// The number of the list that names it.
    pub list: u16,
    /// Its value in normal form, empty where the key says all of it.
    pub value: Box<str>,
}

impl Indicator {
    /// What makes two indicators the same.
    pub(crate) fn identity(&self) -> (IndicatorKind, Key, u8) {
        (self.kind, self.key, self.prefix_bits)
    }

    /// Its value as people write it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.kind {
            IndicatorKind::Address => shown_prefix(self.key, self.prefix_bits),
            IndicatorKind::Ja3 | IndicatorKind::Ja3s => hex::encode(self.key),
            _ => self.value.to_string(),
        }
    }
}

/// A prefix as people write it; without the length where it is one address.
#[must_use]
pub fn shown_prefix(key: Key, prefix_bits: u8) -> String {
    let address = Ipv6Addr::from(key);
    match (address.to_ipv4_mapped(), prefix_bits) {
        (Some(address), 128) => address.to_string(),
        (Some(address), 96..) => format!("{address}/{}", prefix_bits - 96),
        (_, 128) => address.to_string(),
        (_, bits) => format!("{address}/{bits}"),
    }
}

/// The key of an address.
#[must_use]
pub fn address_key(address: IpAddr) -> Key {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The key without the bits behind the first `bits`.
#[must_use]
pub fn masked(key: Key, bits: u8) -> Key {
    let kept = u128::MAX
        .checked_shl(128_u32.saturating_sub(u32::from(bits)))
        .unwrap_or_default();
    (u128::from_be_bytes(key) & kept).to_be_bytes()
}

/// The key of a value that is compared by its bytes.
#[must_use]
pub fn hashed_key(bytes: &[u8]) -> Key {
    first_16(&Sha256::digest(bytes))
}

/// The key of a hash, which is its beginning.
#[must_use]
pub fn first_16(hash: &[u8]) -> Key {
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_shown_as_people_write_them() {
        let shown = |address: &str, bits| {
            shown_prefix(masked(address_key(address.parse().unwrap()), bits), bits)
        };
        assert_eq!(shown("192.0.2.7", 128), "192.0.2.7");
        assert_eq!(shown("192.0.2.7", 96 + 24), "192.0.2.0/24");
        assert_eq!(shown("2001:db8::7", 128), "2001:db8::7");
        assert_eq!(shown("2001:db8:ffff::7", 33), "2001:db8:8000::/33");
    }

    #[test]
    fn kinds_have_the_numbers_and_names_of_packs() {
        for kind in IndicatorKind::ALL {
            assert_eq!(IndicatorKind::from_number(*kind as u8), Some(*kind));
            assert_eq!(IndicatorKind::from_name(kind.name()), Some(*kind));
        }
        assert_eq!(IndicatorKind::from_number(0), None);
    }
}
