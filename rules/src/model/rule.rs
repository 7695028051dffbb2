//! A rule's identity, action, effects and rate limits.

/// Identity of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId {
    /// Generator, 1 for rules.
    pub gid: u32,
    /// Signature.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
}

/// The first word of a rule. A sensor only watches: `drop` and `reject` alert and say so, `pass` silences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Action {
    /// `alert`
    Alert = 0,
    /// `pass`
    Pass = 1,
    /// `drop`
    Drop = 2,
    /// `reject`, `rejectsrc`, `rejectdst`, `rejectboth`
    Reject = 3,
}

/// Priority, 1 the most severe; from `priority`, else from the class type, else 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Severity(pub u8);

/// When a rule is evaluated: the reference's rule types, which decide how often it can fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RuleKind {
    /// Addresses, ports and protocol only: the first packet of each direction of a flow decides, or each packet without a flow.
    AddressOnly = 0,
    /// The same with a negated address: evaluated like [`RuleKind::Packet`], but fires once for each direction of a flow.
    LikeAddressOnly = 1,
    /// `app-layer-protocol` only: evaluated once the protocol of a direction is known.
    ProtocolDetectionOnly = 2,
    /// Decoder events only.
    DecoderEventOnly = 3,
    /// Each packet.
    Packet = 4,
    /// Packet payloads and the reassembled stream.
    PacketStream = 5,
    /// The reassembled stream (of protocols other than TCP: packet payloads).
    Stream = 6,
    /// An application protocol and nothing in its transactions: each packet once the protocol is known.
    AppLayer = 7,
    /// Transactions; payload matches are then tried on the stream while a transaction is inspected.
    Transaction = 8,
    /// Frames, each by itself.
    Frame = 9,
}

impl RuleKind {
    /// Every kind, in order of number.
    pub const ALL: [RuleKind; 10] = [
        Self::AddressOnly,
        Self::LikeAddressOnly,
        Self::ProtocolDetectionOnly,
        Self::DecoderEventOnly,
        Self::Packet,
        Self::PacketStream,
        Self::Stream,
        Self::AppLayer,
        Self::Transaction,
        Self::Frame,
    ];
}

/// What a rule does when it matched, beside alerting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// `flowbits`, `hostbits`, `xbits`: set, unset or toggle; expires after `expire_seconds` where the scope has it.
    Bit {
        scope: super::BitScope,
        action: super::BitAction,
        bit: u32,
        expire_seconds: u32,
    },
    /// `flowint` `+`, `-` or `=` (as that ASCII character).
    FlowInt {
        variable: u32,
        operator: u8,
        value: super::IntegerOperand,
    },
    /// `noalert`
    NoAlert,
}
