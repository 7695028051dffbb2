//! The header of a rule: who talks to whom.

use super::HeaderProtocol;

/// Index of an address set of a pack. Sets are shared between rules; number 0 is `any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressSetId(pub u32);

/// Index of a port set of a pack. Number 0 is `any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortSetId(pub u32);

impl AddressSetId {
    /// `any`.
    pub const ANY: Self = Self(0);
}

impl PortSetId {
    /// `any`.
    pub const ANY: Self = Self(0);
}

/// The arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleDirection {
    /// `->`
    Forward,
    /// `<>`: the two ends may be exchanged.
    Both,
}

/// A rule's header with its groups resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The protocol word.
    pub protocol: HeaderProtocol,
    /// Left of the arrow.
    pub source: AddressSetId,
    /// Left of the arrow.
    pub source_port: PortSetId,
    /// The arrow.
    pub direction: RuleDirection,
    /// Right of the arrow.
    pub destination: AddressSetId,
    /// Right of the arrow.
    pub destination_port: PortSetId,
}
