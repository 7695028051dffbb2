//! What matched on one packet, until it is known what is told: `pass`, rate limits, `noalert` and the cap of a packet.

use lapwing_rules::{
    model::{Action, Effect, RuleId, RuleKind, Severity},
    pack::Pack,
};

use super::{
    Alert,
    flow_state::FlowDetection,
    judge::{Judge, RuleCase},
    limits::ALERTS_PER_PACKET_MAX,
    round::Round,
    rule_index::RuleIndex,
    thresholds::{Occasion, Thresholds, Verdict},
};
use crate::decode::Transport;

/// A rule that matched on the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Matched {
    pub(crate) rank: u32,
    /// The transaction it matched in.
    pub(crate) transaction: Option<u64>,
    pub(crate) rule: u32,
    /// It matched in reassembled bytes or a transaction, so what it says holds for the flow.
    pub(crate) is_of_flow: bool,
    /// What was seen, where the rule is that of a list of indicators.
    pub(crate) sighting: Option<Sighting>,
}

/// An indicator that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sighting {
    /// Its number, which stands in place of the rule's.
    pub(crate) indicator: u32,
    pub(crate) severity: u8,
}

/// Turns what matched into alerts, in the order of the rules.
pub(crate) fn tell(
    matched: &mut Vec<Matched>,
    (pack, index): (&Pack, &RuleIndex),
    round: &Round<'_>,
    state: &mut FlowDetection,
    judge: &mut Judge,
    thresholds: &Thresholds,
    alerts: &mut Vec<Alert>,
) {
    matched.sort_unstable();
    let mut told = 0;
    for (at, one) in matched.iter().enumerate() {
        let Some(RuleCase {
            view: rule, traits, ..
        }) = RuleCase::new(pack, index, one.rule)
        else {
            continue;
        };
        let occasion = Occasion {
            rule: one.rule,
            pack,
            ends: round.ends,
            flow: round.flow.map(|flow| flow.id),
            now: round.packet.time,
        };
        let verdict = match round.packet.ip {
            Some(_) => thresholds.judge(rule.limits(), &occasion, &mut judge.counters),
            None => Verdict::Tell(None),
        };
        let (action, is_silent) = match verdict {
            Verdict::Tell(new_action) => (new_action.unwrap_or(rule.action()), false),
            Verdict::ActSilently => (rule.action(), true),
            Verdict::Nothing => {
                judge.counters.thresholded += 1;
                continue;
            }
        };
        if action != Action::Alert {
            // What the reference passes or drops as a flow it does not inspect any further, also where it only watches.
            let applies_to_flow = one.is_of_flow
                || matches!(
                    traits.kind,
                    RuleKind::AddressOnly
                        | RuleKind::LikeAddressOnly
                        | RuleKind::ProtocolDetectionOnly
                        | RuleKind::AppLayer
                );
            state.is_settled |= applies_to_flow && round.flow.is_some();
        }
        if is_silent {
            judge.counters.thresholded += 1;
            continue;
        }
        let is_pass = action == Action::Pass;
        // A rule that a rate limit made pass says nothing, as one that was written so.
        let is_mute = rule.effects().any(|effect| effect == Effect::NoAlert)
            || (is_pass && rule.action() != Action::Pass);
        if is_pass {
            judge.counters.passed += u64::try_from(matched.len() - at - 1).unwrap_or(0);
            if is_mute {
                break;
            }
        } else if is_mute {
            continue;
        }
        if told >= ALERTS_PER_PACKET_MAX {
            judge.counters.alerts_over_cap += 1;
            if is_pass {
                break;
            }
            continue;
        }
        told += 1;
        judge.counters.alerts += 1;
        let mut alert = Alert {
            time: round.packet.time,
            rule: RuleId {
                sid: one.sighting.map_or(rule.id().sid, |seen| seen.indicator),
                ..rule.id()
            },
            rule_index: one.rule,
            action,
            severity: one
                .sighting
                .map_or(rule.severity(), |seen| Severity(seen.severity)),
            ends: round.ends,
            protocol: round.packet.ip.as_ref().map_or(0, |ip| ip.protocol),
            icmp: match &round.packet.transport {
                Transport::Icmpv4(icmp) | Transport::Icmpv6(icmp) => Some((icmp.kind, icmp.code)),
                _ => None,
            },
            flow: round.flow.map(|flow| flow.id),
            flow_start: round.flow.map(|flow| flow.first_seen),
            counters: round.flow.map(|flow| flow.counters).unwrap_or_default(),
            direction: round.packet.direction,
            app_protocol: round.app_protocol,
            vlans: round.packet.vlans.clone(),
            facts: Vec::new(),
        };
        if let Some(parser) = round.flow.and_then(|flow| flow.app.parser()) {
            // A packet rule tells the facts of the newest transaction: what the flow was about just then.
            let newest = parser.transactions().end.checked_sub(1);
            if let Some(transaction) = one
                .transaction
                .or(newest)
                .and_then(|number| parser.transaction(number))
            {
                transaction.facts(&mut alert.facts);
            }
        }
        alerts.push(alert);
        if is_pass {
            break;
        }
    }
    matched.clear();
}
