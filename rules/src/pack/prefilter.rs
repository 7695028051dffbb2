//! Prefilter groups: which patterns to look for where, and which rules each of them leads to.
//!
//! | tag | scope | detail |
//! |---|---|---|
//! | 0 | packet payload | transport class, 0 |
//! | 1 | stream | side, 0 |
//! | 2 | buffer | buffer, side |
//! | 3 | packet header | transport class, 0 |
//! | 4 | addresses only | 0 for every packet or 6 for those of IPv6, 0 |
//! | 5 | transaction | application protocol (0: HTTP/1 and HTTP/2), side |
//! | 6 | frame | frame, side |
//! | 7 | packet payload with a port | transport class, port (u16) |
//! | 8 | stream with a port | side, port (u16) |
//!
//! Short patterns stand everywhere in traffic, so those of rules that name few ports have groups of their own, one a port: they apply to a
//! packet that has this port at either end. `canonical/groups.rs` chooses them.

use std::ops::Range;

use super::{
    bytes::{to_usize, u32_at},
    filter::{Filter, GramSearch, Patterns, SeenPatterns},
};
use crate::model::{AppProtocol, Buffer, Frame, Side};

/// What a packet carries above IP, as far as the prefilter tells packets apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TransportClass {
    /// TCP
    Tcp = 0,
    /// UDP
    Udp = 1,
    /// ICMP and ICMPv6
    Icmp = 2,
    /// Everything else, packets that could not be decoded among them.
    Other = 3,
}

impl TransportClass {
    /// Every class.
    pub const ALL: [TransportClass; 4] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Other];
}

/// When the rules of a group are candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrefilterScope {
    /// The payload of one packet.
    PacketPayload(TransportClass),
    /// Reassembled bytes of one direction.
    Stream(Side),
    /// One buffer of a transaction, or a packet's header buffer.
    Buffer(Buffer, Side),
    /// Every packet of this class: there are no bytes to look for.
    PacketHeader(TransportClass),
    /// Rules that ask for addresses and protocol only; the first packet of each direction of a flow decides them, or each packet without a flow.
    AddressOnly,
    /// Of those, the ones that the address index has for IPv4 and that name IPv6 addresses as well.
    AddressOnlyIpv6,
    /// Rules that ask for an event or number of a transaction and for no bytes; `None` is HTTP/1 and HTTP/2.
    Transaction(Option<AppProtocol>, Side),
    /// One kind of frame.
    Frame(Frame, Side),
    /// The payload of one packet that has this port at either end.
    PacketPayloadAtPort(TransportClass, u16),
    /// Reassembled bytes of one direction, of a connection with this port at either end.
    StreamAtPort(Side, u16),
}

impl PrefilterScope {
    /// The first four bytes of a group's record.
    pub(super) fn code(self) -> [u8; 4] {
        let at_port = |tag: u8, detail: u8, port: u16| {
            let [low, high] = port.to_le_bytes();
            [tag, detail, low, high]
        };
        match self {
            Self::PacketPayload(class) => [0, class as u8, 0, 0],
            Self::Stream(side) => [1, side as u8, 0, 0],
            Self::Buffer(buffer, side) => [2, buffer as u8, side as u8, 0],
            Self::PacketHeader(class) => [3, class as u8, 0, 0],
            Self::AddressOnly => [4, 0, 0, 0],
            Self::AddressOnlyIpv6 => [4, 6, 0, 0],
            Self::Transaction(protocol, side) => {
                [5, protocol.map_or(0, |p| p as u8), side as u8, 0]
            }
            Self::Frame(frame, side) => [6, frame as u8, side as u8, 0],
            Self::PacketPayloadAtPort(class, port) => at_port(7, class as u8, port),
            Self::StreamAtPort(side, port) => at_port(8, side as u8, port),
        }
    }

    pub(super) fn from_code(code: [u8; 4]) -> Option<Self> {
        let class = |number: u8| TransportClass::ALL.get(usize::from(number)).copied();
        let side = |number: u8| match number {
            0 => Some(Side::ToServer),
            1 => Some(Side::ToClient),
            _ => None,
        };
        Some(match code {
            [0, number, 0, 0] => Self::PacketPayload(class(number)?),
            [1, number, 0, 0] => Self::Stream(side(number)?),
            [2, buffer, number, 0] => Self::Buffer(Buffer::from_number(buffer)?, side(number)?),
            [3, number, 0, 0] => Self::PacketHeader(class(number)?),
            [4, 0, 0, 0] => Self::AddressOnly,
            [4, 6, 0, 0] => Self::AddressOnlyIpv6,
            [5, 0, number, 0] => Self::Transaction(None, side(number)?),
            [5, protocol, number, 0] => {
                Self::Transaction(Some(AppProtocol::from_number(protocol)?), side(number)?)
            }
            [6, frame, number, 0] => Self::Frame(Frame::from_number(frame)?, side(number)?),
            [7, number, low, high] => {
                Self::PacketPayloadAtPort(class(number)?, u16::from_le_bytes([low, high]))
            }
            [8, number, low, high] => {
                Self::StreamAtPort(side(number)?, u16::from_le_bytes([low, high]))
            }
            _ => return None,
        })
    }

    /// The same for packets that have this port at either end; `None` where scopes are not told apart by ports.
    pub(super) fn at_port(self, port: u16) -> Option<Self> {
        match self {
            Self::PacketPayload(class) => Some(Self::PacketPayloadAtPort(class, port)),
            Self::Stream(side) => Some(Self::StreamAtPort(side, port)),
            _ => None,
        }
    }

    /// Whether it is for one port.
    pub(super) fn has_port(self) -> bool {
        matches!(self, Self::PacketPayloadAtPort(..) | Self::StreamAtPort(..))
    }
}

/// Where the parts of a group lie in a pack, for one who asks for the same group again and again.
#[derive(Clone, Debug, Default)]
pub struct GroupPlace {
    pub(super) record: Range<usize>,
    pub(super) patterns: Range<usize>,
    pub(super) rule_offsets: Range<usize>,
    pub(super) always: Range<usize>,
    pub(super) filter: Range<usize>,
}

/// The rules of one scope.
#[derive(Clone, Copy, Debug)]
pub struct PrefilterGroup<'a> {
    pub(super) scope: PrefilterScope,
    pub(super) longest_pattern: usize,
    pub(super) patterns: Patterns<'a>,
    /// One more offset than patterns.
    pub(super) rule_offsets: &'a [u8],
    pub(super) rules: &'a [u8],
    pub(super) always: &'a [u8],
    pub(super) filter: &'a [u8],
}

impl<'a> PrefilterGroup<'a> {
    /// When its rules are candidates.
    #[must_use]
    pub fn scope(&self) -> PrefilterScope {
        self.scope
    }

    /// How many patterns it has.
    #[must_use]
    pub fn pattern_count(&self) -> usize {
        self.patterns.count()
    }

    /// Bytes of its longest pattern, 0 without any.
    #[must_use]
    pub fn longest_pattern(&self) -> usize {
        self.longest_pattern
    }

    /// Its patterns in order of their number, in lower case.
    pub fn patterns(&self) -> impl Iterator<Item = &'a [u8]> {
        let patterns = self.patterns;
        (0..patterns.count()).map(move |pattern| patterns.get(pattern).unwrap_or_default())
    }

    /// Calls `hit` with the number of each pattern that stands in `bytes`, once each. `bytes` are in lower case, as the
    /// patterns are.
    pub fn scan(
        &self,
        bytes: &[u8],
        seen: &mut SeenPatterns,
        grams: &impl GramSearch,
        hit: impl FnMut(usize),
    ) {
        if let Some(filter) = Filter::split(self.filter) {
            filter.scan(self.patterns, bytes, seen, grams, hit);
        }
    }

    /// The grams of 2 or of 4 bytes by which its patterns are found, the same perhaps more than once.
    pub fn grams(&self, gram_bytes: usize) -> impl Iterator<Item = u32> + use<'a> {
        let filter = Filter::split(self.filter);
        filter
            .into_iter()
            .flat_map(move |filter| filter.grams(gram_bytes))
    }

    /// Whether its filter finds exactly its patterns.
    pub(super) fn has_sound_filter(&self) -> bool {
        if self.patterns.count() == 0 {
            return self.filter.is_empty();
        }
        Filter::split(self.filter).is_some_and(|filter| filter.is_sound(self.patterns))
    }

    /// Rules that a hit of this pattern makes candidates, ascending.
    pub fn rules_of(&self, pattern: usize) -> impl Iterator<Item = u32> + use<'a> {
        let start = to_usize(u32_at(self.rule_offsets, pattern)).saturating_mul(4);
        let end = to_usize(u32_at(self.rule_offsets, pattern.saturating_add(1))).saturating_mul(4);
        numbers(self.rules.get(start..end).unwrap_or_default())
    }

    /// Rules that are candidates whenever the scope applies, ascending.
    pub fn always(&self) -> impl Iterator<Item = u32> + use<'a> {
        numbers(self.always)
    }
}

/// The u32s of a table.
fn numbers(table: &[u8]) -> impl Iterator<Item = u32> {
    table
        .as_chunks::<4>()
        .0
        .iter()
        .map(|number| u32::from_le_bytes(*number))
}
