//! A finding before the policy has seen it. It holds real addresses and never leaves this process.

use lapwing_rules::model::{Action, AppProtocol, RuleId, Severity};

use super::limits::{FACT_MAX_BYTES, FACTS_IN_FINDING_MAX};
use crate::{
    app_layer::FactKind,
    decode::Ends,
    detect::Alert,
    direction::Direction,
    flow::{DirectionCounters, FlowId},
    time::Timestamp,
};

/// The same rule between the same ends within a window. Source port, direction, flow start and counters are those of the
/// flow that it first fired in.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Time of the first alert.
    pub first: Timestamp,
    /// Time of the last alert.
    pub last: Timestamp,
    /// How many alerts.
    pub count: u64,
    /// The rule.
    pub rule: RuleId,
    /// The rule's severity.
    pub severity: Severity,
    /// What the rule says to do.
    pub action: Action,
    /// The two ends of the packet that fired first.
    pub ends: Ends,
    /// IANA protocol number.
    pub protocol: u8,
    /// The application protocol, if known.
    pub app_protocol: Option<AppProtocol>,
    /// Direction of the packet within the flow, if any.
    pub direction: Option<Direction>,
    /// Time of the flow's first packet, if any.
    pub flow_start: Option<Timestamp>,
    /// What the flow has carried, by [`Direction::index`].
    pub counters: [DirectionCounters; 2],
    /// Distinct facts of all its alerts, the oldest first, bounded in number and length.
    pub facts: Vec<(FactKind, Vec<u8>)>,
    /// Facts that had no room.
    pub facts_left_out: u64,
    flow: Option<FlowId>,
}

impl Candidate {
    /// A candidate of one alert.
    #[must_use]
    pub fn new(alert: &Alert) -> Self {
        let mut candidate = Self {
            first: alert.time,
            last: alert.time,
            count: 1,
            rule: alert.rule,
            severity: alert.severity,
            action: alert.action,
            ends: alert.ends,
            protocol: alert.protocol,
            app_protocol: alert.app_protocol,
            direction: alert.direction,
            flow_start: alert.flow_start,
            counters: alert.counters,
            facts: Vec::new(),
            facts_left_out: 0,
            flow: alert.flow,
        };
        candidate.keep_facts(alert);
        candidate
    }

    /// Takes in a further alert of the same rule between the same ends.
    pub fn absorb(&mut self, alert: &Alert) {
        // Captures with several interfaces may hold packets out of order.
        self.first = self.first.min(alert.time);
        self.last = self.last.max(alert.time);
        self.count = self.count.saturating_add(1);
        self.app_protocol = self.app_protocol.or(alert.app_protocol);
        if self.flow.is_some() && self.flow == alert.flow {
            self.counters = alert.counters;
        }
        self.keep_facts(alert);
    }

    fn keep_facts(&mut self, alert: &Alert) {
        for (kind, value) in &alert.facts {
            let value = value.get(..FACT_MAX_BYTES).unwrap_or(value);
            let known = |(other, kept): &(FactKind, Vec<u8>)| other == kind && kept == value;
            if self.facts.iter().any(known) {
                continue;
            }
            if self.facts.len() < FACTS_IN_FINDING_MAX {
                self.facts.push((*kind, value.to_vec()));
            } else {
                self.facts_left_out = self.facts_left_out.saturating_add(1);
            }
        }
    }
}
