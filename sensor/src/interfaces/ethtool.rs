//! What a network card does to frames before anybody sees them, asked over the kernel's `ethtool` netlink family.

use std::io;

use serde::Serialize;

use super::netlink::{Family, attributes, find, put_nested, put_text, text};

const FEATURES_GET: u8 = 11;
const FEATURES_SET: u8 = 12;
const HEADER: u16 = 1;
const HEADER_DEVICE_NAME: u16 = 2;
const FEATURES_WANTED: u16 = 3;
const FEATURES_ACTIVE: u16 = 4;
const BITSET_BITS: u16 = 3;
const BITSET_BIT: u16 = 1;
const BIT_NAME: u16 = 2;

/// Something that joins frames, so that what is captured is not what was on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Offload {
    /// Large receive offload, by the card.
    Lro,
    /// Generic receive offload, by the kernel.
    Gro,
    /// Generic receive offload, by the card.
    HardwareGro,
}

impl Offload {
    const ALL: [Self; 3] = [Self::Lro, Self::Gro, Self::HardwareGro];

    /// Its name in the kernel.
    fn feature(self) -> &'static str {
        match self {
            Self::Lro => "rx-lro",
            Self::Gro => "rx-gro",
            Self::HardwareGro => "rx-gro-hw",
        }
    }

    /// Its name for the program `ethtool`.
    #[must_use]
    pub fn ethtool_name(self) -> &'static str {
        match self {
            Self::Lro => "lro",
            Self::Gro => "gro",
            Self::HardwareGro => "rx-gro-hw",
        }
    }
}

/// The offloads of an interface that join frames and are on.
///
/// # Errors
/// When the kernel does not say.
pub(super) fn active(interface: &str) -> io::Result<Vec<Offload>> {
    let mut request = Vec::new();
    put_device(&mut request, interface);
    let answer = Family::open("ethtool")?.request(FEATURES_GET, &request)?;
    let bits = find(&answer, FEATURES_ACTIVE)
        .and_then(|bitset| find(bitset, BITSET_BITS))
        .unwrap_or_default();
    // The set comes without a mask: what is listed is on.
    let names: Vec<&str> = attributes(bits)
        .filter(|(kind, _)| *kind == BITSET_BIT)
        .filter_map(|(_, bit)| text(find(bit, BIT_NAME)?))
        .collect();
    Ok(Offload::ALL
        .into_iter()
        .filter(|offload| names.contains(&offload.feature()))
        .collect())
}

/// Turns offloads off.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn turn_off(interface: &str, offloads: &[Offload]) -> io::Result<()> {
    let mut request = Vec::new();
    put_device(&mut request, interface);
    put_nested(&mut request, FEATURES_WANTED, |bitset| {
        put_nested(bitset, BITSET_BITS, |bits| {
            for offload in offloads {
                // A bit that is named without a value is to be off.
                put_nested(bits, BITSET_BIT, |bit| {
                    put_text(bit, BIT_NAME, offload.feature());
                });
            }
        });
    });
    Family::open("ethtool")?.order(FEATURES_SET, &request)
}

fn put_device(request: &mut Vec<u8>, interface: &str) {
    put_nested(request, HEADER, |header| {
        put_text(header, HEADER_DEVICE_NAME, interface);
    });
}
