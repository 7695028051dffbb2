//! Address and port sets: sorted ranges that are searched where they lie in the file.

use std::net::IpAddr;

use super::{
    bytes::{field_u16, field_u32, field_u128, to_usize},
    format::{
        ADDRESS_SET_BYTES, IPV4_RANGE_BYTES, IPV6_RANGE_BYTES, PORT_RANGE_BYTES, PORT_SET_BYTES,
    },
};

/// A set of addresses.
#[derive(Clone, Copy, Debug)]
pub struct AddressSetView<'a> {
    pub(super) ipv4: &'a [u8],
    pub(super) ipv6: &'a [u8],
}

/// Whether `value` lies in one of `count` ascending ranges.
fn ranges_contain<T: Ord + Copy>(value: T, count: usize, range: impl Fn(usize) -> (T, T)) -> bool {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        let (first, last) = range(middle);
        if value < first {
            high = middle;
        } else if value > last {
            low = middle + 1;
        } else {
            return true;
        }
    }
    false
}

impl AddressSetView<'_> {
    /// Whether an address is in it. IPv4 addresses mapped into IPv6 count as IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => ranges_contain(
                u32::from(address),
                self.ipv4.len() / IPV4_RANGE_BYTES,
                |index| ipv4_range(self.ipv4, index),
            ),
            IpAddr::V6(address) => ranges_contain(
                u128::from(address),
                self.ipv6.len() / IPV6_RANGE_BYTES,
                |index| ipv6_range(self.ipv6, index),
            ),
        }
    }

    /// Its IPv4 ranges: first and last address.
    pub fn ipv4_ranges(&self) -> impl Iterator<Item = (u32, u32)> {
        let ranges = self.ipv4;
        (0..ranges.len() / IPV4_RANGE_BYTES).map(move |index| ipv4_range(ranges, index))
    }

    /// Its IPv6 ranges: first and last address.
    pub fn ipv6_ranges(&self) -> impl Iterator<Item = (u128, u128)> {
        let ranges = self.ipv6;
        (0..ranges.len() / IPV6_RANGE_BYTES).map(move |index| ipv6_range(ranges, index))
    }

    /// Whether it holds every address.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.ipv4_ranges().eq([(0, u32::MAX)]) && self.ipv6_ranges().eq([(0, u128::MAX)])
    }
}

fn ipv4_range(ranges: &[u8], index: usize) -> (u32, u32) {
    let start = index * IPV4_RANGE_BYTES;
    (field_u32(ranges, start), field_u32(ranges, start + 4))
}

fn ipv6_range(ranges: &[u8], index: usize) -> (u128, u128) {
    let start = index * IPV6_RANGE_BYTES;
    (field_u128(ranges, start), field_u128(ranges, start + 16))
}

/// A set of ports.
#[derive(Clone, Copy, Debug)]
pub struct PortSetView<'a> {
    pub(super) ranges: &'a [u8],
}

impl PortSetView<'_> {
    /// Whether a port is in it.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        ranges_contain(port, self.ranges.len() / PORT_RANGE_BYTES, |index| {
            port_range(self.ranges, index)
        })
    }

    /// Its ranges: first and last port.
    pub fn ranges(&self) -> impl Iterator<Item = (u16, u16)> {
        let ranges = self.ranges;
        (0..ranges.len() / PORT_RANGE_BYTES).map(move |index| port_range(ranges, index))
    }

    /// Whether it holds every port.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.ranges().eq([(0, u16::MAX)])
    }
}

fn port_range(ranges: &[u8], index: usize) -> (u16, u16) {
    let start = index * PORT_RANGE_BYTES;
    (field_u16(ranges, start), field_u16(ranges, start + 2))
}

/// `count` records of `size` bytes from record `first` on.
fn records(table: &[u8], first: u32, count: u32, size: usize) -> Option<&[u8]> {
    let start = to_usize(first).checked_mul(size)?;
    let length = to_usize(count).checked_mul(size)?;
    table.get(start..start.checked_add(length)?)
}

/// The address set with this number, if it exists and lies within the tables.
pub(super) fn address_set<'a>(
    sets: &'a [u8],
    ipv4: &'a [u8],
    ipv6: &'a [u8],
    id: u32,
) -> Option<AddressSetView<'a>> {
    let record = records(sets, id, 1, ADDRESS_SET_BYTES)?;
    Some(AddressSetView {
        ipv4: records(
            ipv4,
            field_u32(record, 0),
            field_u32(record, 4),
            IPV4_RANGE_BYTES,
        )?,
        ipv6: records(
            ipv6,
            field_u32(record, 8),
            field_u32(record, 12),
            IPV6_RANGE_BYTES,
        )?,
    })
}

/// The port set with this number, if it exists and lies within the table.
pub(super) fn port_set<'a>(sets: &'a [u8], ranges: &'a [u8], id: u32) -> Option<PortSetView<'a>> {
    let record = records(sets, id, 1, PORT_SET_BYTES)?;
    Some(PortSetView {
        ranges: records(
            ranges,
            field_u32(record, 0),
            field_u32(record, 4),
            PORT_RANGE_BYTES,
        )?,
    })
}

/// Whether ranges ascend and neither overlap nor touch.
pub(super) fn are_canonical<T: Ord + Copy>(
    ranges: impl Iterator<Item = (T, T)>,
    next: impl Fn(T) -> Option<T>,
) -> bool {
    let mut smallest_allowed: Option<Option<T>> = None;
    for (first, last) in ranges {
        let follows = match smallest_allowed {
            None => true,
            // A gap of at least one: the range before ends at `last`, this one may start at `last + 2`.
            Some(allowed) => allowed.is_some_and(|allowed| first >= allowed),
        };
        if first > last || !follows {
            return false;
        }
        smallest_allowed = Some(next(last).and_then(&next));
    }
    true
}
