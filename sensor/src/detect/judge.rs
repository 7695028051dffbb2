//! What judging a rule needs, whether on a packet or in a transaction: conditions, byte inspections, effects.

use std::sync::Arc;

use lapwing_rules::{
    model::{BitScope, Buffer, Effect, Inspection, Match, VariableScope},
    pack::{Pack, RuleView},
};

use super::{
    content_inspection::{InspectionScratch, Subject, inspect},
    counters::DetectorCounters,
    flow_state::FlowDetection,
    header_check,
    host_bits::HostBits,
    packet_conditions,
    regex_cache::RegexCache,
    restriction::Restriction,
    round::Round,
    rule_index::{RuleIndex, RuleTraits},
    shared_state::SharedState,
    text_variables::TextVariables,
    transforms,
};

/// A rule under judgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleCase<'r> {
    pub(crate) pack: &'r Pack,
    pub(crate) view: RuleView<'r>,
    pub(crate) traits: &'r RuleTraits,
}

impl<'r> RuleCase<'r> {
    pub(crate) fn new(pack: &'r Pack, index: &'r RuleIndex, rule: u32) -> Option<Self> {
        Some(Self {
            pack,
            view: pack.rule(rule)?,
            traits: index.get(rule).filter(|traits| !traits.is_refused)?,
        })
    }
}

/// What judging one rule after another keeps and reuses.
#[derive(Debug)]
pub(crate) struct Judge {
    regexes: RegexCache,
    scratch: InspectionScratch,
    transformed: Vec<u8>,
    spare: Vec<u8>,
    pub(crate) hosts: HostBits,
    /// Of the packet in hand.
    texts_of_packet: TextVariables,
    pub(crate) counters: DetectorCounters,
    pub(crate) restriction: Arc<Restriction>,
}

impl Judge {
    pub(crate) fn new(pack: Arc<Pack>, regex_cache_bytes: usize, shared: &SharedState) -> Self {
        Self {
            hosts: HostBits::new(&pack, shared),
            scratch: InspectionScratch::new(Arc::clone(&pack)),
            regexes: RegexCache::new(pack, regex_cache_bytes),
            transformed: Vec::new(),
            spare: Vec::new(),
            texts_of_packet: TextVariables::default(),
            counters: DetectorCounters::default(),
            restriction: Arc::default(),
        }
    }

    /// Counts on from another one's counters.
    pub(crate) fn take_counters(&mut self, before: &Self) {
        self.counters = before.counters();
        self.regexes.count_on(&before.regexes);
    }

    /// The counters, those of the regex cache included.
    pub(crate) fn counters(&self) -> DetectorCounters {
        DetectorCounters {
            regex_builds: self.regexes.builds,
            regex_failures: self.regexes.failures,
            regex_limit_hits: self.regexes.limit_hits,
            regex_evictions: self.regexes.evictions,
            data_sets_over_cap: self.scratch.sets.over_cap,
            ..self.counters
        }
    }

    /// Begins a packet: what was captured from the one before is gone.
    pub(crate) fn begin_packet(&mut self) {
        self.texts_of_packet.clear();
    }

    /// Forgets what this worker's rules keep beyond a flow.
    pub(crate) fn forget(&mut self) {
        self.scratch.sets.clear();
    }

    /// Whether header and packet conditions hold. Those on transactions are left out.
    pub(crate) fn packet_part_holds(
        &self,
        rule: &RuleCase<'_>,
        round: &Round<'_>,
        state: &FlowDetection,
    ) -> bool {
        header_check::holds(rule.pack, &rule.traits.header, round)
            && rule.view.packet_conditions().all(|condition| {
                packet_conditions::holds(
                    rule.pack,
                    &condition,
                    round,
                    state,
                    &self.hosts,
                    &self.texts_of_packet,
                )
            })
    }

    /// Begins a rule: its byte variables are its own.
    pub(crate) fn begin_rule(&mut self, traits: &RuleTraits) {
        self.counters.inspections += 1;
        self.scratch.begin_rule(usize::from(traits.byte_variables));
    }

    /// Whether an inspection of `rule` holds in `subject`.
    pub(crate) fn bytes_hold(
        &mut self,
        rule: &RuleCase<'_>,
        inspection: &Inspection<'_>,
        subject: Subject<'_>,
    ) -> bool {
        let decodes = inspection
            .matches
            .iter()
            .any(|m| matches!(m, Match::Base64Decode(_)));
        let decoded_list = if decodes {
            rule.view
                .inspections()
                .find(|inspection| inspection.buffer == Buffer::Base64Data)
        } else {
            None
        };
        let decoded_matches = decoded_list.as_ref().map(|list| list.matches.as_slice());
        if inspection.transforms.is_empty() {
            return inspect(
                &inspection.matches,
                decoded_matches,
                subject,
                &mut self.scratch,
                &mut self.regexes,
            );
        }
        transforms::apply(
            &inspection.transforms,
            subject.bytes,
            &mut self.transformed,
            &mut self.spare,
            &mut self.regexes,
        );
        let subject = Subject {
            bytes: &self.transformed,
            ..subject
        };
        inspect(
            &inspection.matches,
            decoded_matches,
            subject,
            &mut self.scratch,
            &mut self.regexes,
        )
    }

    /// Whether an inspection of whole files holds for a file whose digest is known already.
    pub(crate) fn digest_holds(&mut self, inspection: &Inspection<'_>, digest: &[u8]) -> bool {
        inspect(
            &inspection.matches,
            None,
            Subject::whole(digest),
            &mut self.scratch,
            &mut self.regexes,
        )
    }

    /// Does what the rule does when all of it matched.
    pub(crate) fn apply_effects(
        &mut self,
        rule: &RuleCase<'_>,
        round: &Round<'_>,
        state: &mut FlowDetection,
    ) {
        for effect in rule.view.effects() {
            match effect {
                Effect::Bit {
                    scope: BitScope::Flow | BitScope::Transaction,
                    action,
                    bit,
                    ..
                } => {
                    if round.flow.is_some() {
                        state.change_bit(action, bit, &mut self.counters);
                    }
                }
                Effect::Bit {
                    scope,
                    action,
                    bit,
                    expire_seconds,
                } => self.hosts.apply(
                    scope,
                    action,
                    bit,
                    expire_seconds,
                    &round.ends,
                    round.packet.time,
                    &mut self.counters,
                ),
                Effect::FlowInt {
                    variable,
                    operator,
                    value,
                } => {
                    if round.flow.is_some() {
                        let value = state.operand(value);
                        state.change_integer(variable, operator, value, &mut self.counters);
                    }
                }
                Effect::NoAlert => {}
            }
        }
        for (capture, text) in self.scratch.captured() {
            let is_kept = match capture.scope {
                VariableScope::Packet => self.texts_of_packet.set(capture.variable, text),
                VariableScope::Flow if round.flow.is_none() => true,
                VariableScope::Flow => state.set_text(capture.variable, text),
            };
            self.counters.text_variables_over_cap += u64::from(!is_kept);
        }
    }
}
