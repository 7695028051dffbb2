//! One rule that fired once.

use lapwing_rules::model::{Action, AppProtocol, RuleId, Severity};

use crate::{
    app_layer::FactKind,
    decode::Ends,
    direction::Direction,
    flow::{DirectionCounters, FlowId},
    time::Timestamp,
};

/// One rule that fired once, with what a finding needs.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Packet time.
    pub time: Timestamp,
    /// Which rule.
    pub rule: RuleId,
    /// Index of the rule in the pack that was loaded, to look up its text.
    pub rule_index: u32,
    /// What the rule says to do.
    pub action: Action,
    /// Its severity.
    pub severity: Severity,
    /// The ends of the packet it fired on; both unspecified (`0.0.0.0`) where it has no IP layer.
    pub ends: Ends,
    /// IANA protocol number.
    pub protocol: u8,
    /// ICMP type and code, where it is about an ICMP message.
    pub icmp: Option<(u8, u8)>,
    /// The flow, if any.
    pub flow: Option<FlowId>,
    /// Time of the flow's first packet, if any.
    pub flow_start: Option<Timestamp>,
    /// What the flow had carried by then, by [`Direction::index`]; zero without a flow.
    pub counters: [DirectionCounters; 2],
    /// Direction of the packet within the flow, if any.
    pub direction: Option<Direction>,
    /// The application protocol, if known.
    pub app_protocol: Option<AppProtocol>,
    /// VLAN identifiers, outermost first.
    pub vlans: crate::decode::VlanTags,
    /// Facts of the transaction it fired in.
    pub facts: Vec<(FactKind, Vec<u8>)>,
}
