//! One worker's detector: a packet with its flow goes in, alerts come out.

use std::sync::Arc;

use lapwing_rules::{
    model::{FrameSet, RuleKind},
    pack::{Pack, TransportClass},
};

use super::{
    Alert, DetectorCounters,
    alert_queue::{self, Matched},
    flow_state::{FlowDetection, ListPool},
    frame_rules, indicators,
    judge::{Judge, RuleCase},
    limits::{REGEX_CACHE_BYTES, TRANSACTIONS_PER_PACKET_MAX},
    packet_facts::PacketFacts,
    packet_rules::header_bytes,
    prefilter::Prefilter,
    renumbering::Renumbering,
    restriction::Restriction,
    round::Round,
    rule_index::RuleIndex,
    shared_state::SharedState,
    thresholds::Thresholds,
    transaction_rules::{Standing, TransactionSide, add_candidate, gather_candidates},
};
use crate::{
    app_layer::{DigestSet, Inspected, Parser, ParserSet},
    decode::{Packet, PacketOrigin},
    direction::Direction,
    flow::{Flow, FlowProgress, StreamWindow},
};

/// IP protocol number of UDP, whose frames end with their datagram.
const UDP: u8 = 17;

/// Holds the rules of one pack against packets. One worker owns one; nothing in it is shared but the pack.
#[derive(Debug)]
pub struct Detector {
    pack: Arc<Pack>,
    index: RuleIndex,
    prefilter: Prefilter,
    /// By transport: the rules that ask for no bytes, with what they ask of a packet.
    header_rules: [Vec<(PacketFacts, u32)>; 4],
    /// Of these, the ones that ask for nothing but a protocol.
    protocol_rules: [Vec<u32>; 4],
    wanted_frames: FrameSet,
    judge: Judge,
    shared: SharedState,
    thresholds: Thresholds,
    candidates: Candidates,
    matched: Vec<Matched>,
    lowered: Vec<u8>,
    list_pool: ListPool,
}

/// Rules to judge in this round, each once.
#[derive(Debug, Default)]
struct Candidates {
    /// Rank and rule.
    on_packet: Vec<(u32, u32)>,
    in_transactions: Vec<u32>,
    /// Rank and rule, for the frame in hand.
    in_frame: Vec<(u32, u32)>,
    /// By rule: the round in which it became a candidate.
    seen: Vec<u32>,
    round: u32,
    /// Of the packet in hand.
    facts: PacketFacts,
}

impl Candidates {
    fn begin(&mut self, rules: usize, facts: PacketFacts) {
        self.facts = facts;
        self.on_packet.clear();
        self.in_transactions.clear();
        self.seen.resize(rules, 0);
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.seen.fill(0);
            self.round = 1;
        }
    }

    fn add(&mut self, rule: u32, index: &RuleIndex) {
        let Some(seen) = usize::try_from(rule)
            .ok()
            .and_then(|at| self.seen.get_mut(at))
        else {
            return;
        };
        if std::mem::replace(seen, self.round) == self.round {
            return;
        }
        match index.get(rule) {
            Some(traits) if traits.kind == RuleKind::Transaction => self.in_transactions.push(rule),
            Some(traits) if self.facts.satisfy(traits.asked) => {
                self.on_packet.push((traits.rank, rule));
            }
            _ => {}
        }
    }
}

impl Detector {
    /// Makes what a pack needs beyond its own bytes: a compact table of its rules.
    #[must_use]
    pub fn new(pack: Arc<Pack>) -> Self {
        Self::sharing(pack, REGEX_CACHE_BYTES, &SharedState::default())
    }

    /// As [`Detector::new`], with a cap for compiled regular expressions in bytes.
    #[must_use]
    pub fn with_regex_cache(pack: Arc<Pack>, regex_cache_bytes: usize) -> Self {
        Self::sharing(pack, regex_cache_bytes, &SharedState::default())
    }

    /// The detector of one of several workers, which know together what is known of hosts.
    #[must_use]
    pub fn sharing(pack: Arc<Pack>, regex_cache_bytes: usize, shared: &SharedState) -> Self {
        let prefilter = Prefilter::new(&pack);
        let index = RuleIndex::new(&pack);
        let header_rules = TransportClass::ALL.map(|class| {
            let rules = prefilter.header(class).iter();
            rules
                .filter_map(|rule| Some((index.get(*rule)?.asked, *rule)))
                .collect()
        });
        let protocol_rules = TransportClass::ALL.map(|class| {
            let is_one = |rule: &&u32| {
                index
                    .get(**rule)
                    .is_some_and(|traits| traits.kind == RuleKind::AppLayer)
            };
            prefilter
                .header(class)
                .iter()
                .filter(is_one)
                .copied()
                .collect()
        });
        Self {
            index,
            header_rules,
            protocol_rules,
            wanted_frames: prefilter.wanted_frames(),
            prefilter,
            judge: Judge::new(Arc::clone(&pack), regex_cache_bytes, shared),
            thresholds: Thresholds::new(shared),
            shared: shared.clone(),
            candidates: Candidates::default(),
            matched: Vec::new(),
            lowered: Vec::new(),
            list_pool: ListPool::default(),
            pack,
        }
    }

    /// The same without what the site's policy takes away.
    #[must_use]
    pub fn restricted(mut self, restriction: Arc<Restriction>) -> Self {
        self.index.refuse(restriction.rules.iter().copied());
        self.index.parsers = self.index.parsers.and(restriction.parsers());
        self.judge.restriction = restriction;
        self
    }

    /// The parsers that may start.
    #[must_use]
    pub fn parsers(&self) -> ParserSet {
        self.index.parsers
    }

    /// Whether the site's policy lets a packet be looked at.
    #[must_use]
    pub fn looks_at(&self, packet: &Packet<'_>) -> bool {
        let mode = &self.judge.restriction.mode;
        packet
            .ends()
            .is_none_or(|ends| mode.looks_at(ends.source, ends.destination))
    }

    /// The rules it runs.
    #[must_use]
    pub fn pack(&self) -> &Arc<Pack> {
        &self.pack
    }

    /// The frames that its rules ask for.
    #[must_use]
    pub fn wanted_frames(&self) -> FrameSet {
        self.wanted_frames
    }

    /// The digests of files that rules ask for.
    #[must_use]
    pub fn wanted_digests(&self) -> DigestSet {
        self.index.wanted_digests
    }

    /// What it did since it was made.
    #[must_use]
    pub fn counters(&self) -> DetectorCounters {
        self.judge.counters()
    }

    /// Forgets hosts' bits and rate limits: the next packet belongs to another world.
    pub fn forget(&mut self) {
        self.judge.forget();
        self.shared.clear();
    }

    /// Takes the place of the detector `before`, whose counters go on. What flows hold is to be renumbered.
    pub fn succeed(&mut self, before: &Self) {
        self.judge.take_counters(&before.judge);
    }

    /// Renumbers what a flow holds for the pack of this detector.
    pub fn renumber(&self, state: &mut FlowDetection, renumbering: &Renumbering) {
        state.renumber(renumbering, &self.index);
    }

    /// Judges a packet: its headers and payload, the stretch of stream that became known with it, and the transactions of
    /// its direction. Appends what fired to `alerts` and lets transactions go that were inspected to their end.
    pub fn inspect(
        &mut self,
        packet: &Packet<'_>,
        mut flow: Option<&mut Flow>,
        window: Option<StreamWindow<'_>>,
        alerts: &mut Vec<Alert>,
    ) {
        self.judge.counters.packets += 1;
        self.judge.begin_packet();
        let mut state = flow
            .as_deref_mut()
            .map(|flow| std::mem::take(&mut flow.detection))
            .unwrap_or_default();
        let round = Round::new(packet, flow.as_deref(), window);
        if state.is_settled {
            self.judge.counters.packets_of_settled_flows += 1;
        } else {
            let pack = Arc::clone(&self.pack);
            self.candidates
                .begin(self.index.len(), PacketFacts::of(&round));
            self.gather_packet_candidates(&round, &mut state);
            self.judge_packet_rules(&pack, &round, &mut state);
            self.judge_frames(&pack, &round, &mut state);
            self.judge_transactions(&pack, &round, &mut state);
            alert_queue::tell(
                &mut self.matched,
                (&pack, &self.index),
                &round,
                &mut state,
                &mut self.judge,
                &self.thresholds,
                alerts,
            );
        }
        if let Some(flow) = flow {
            if !self.wanted_frames.is_empty() {
                let direction = packet.direction.unwrap_or(Direction::ToServer);
                let is_end = is_end_of_frames(packet, flow);
                self.judge.counters.frames_over_cap += flow.app.frames_inspected(direction, is_end);
            }
            if let Some(parser) = flow.app.parser_mut() {
                let number = first_needed(parser.as_ref(), &state);
                parser.release(number);
                state.release_below(number, &mut self.list_pool);
            }
            flow.detection = state;
        }
    }

    fn gather_packet_candidates(&mut self, round: &Round<'_>, state: &mut FlowDetection) {
        let Self {
            prefilter,
            header_rules,
            protocol_rules,
            candidates,
            index,
            lowered,
            judge,
            pack,
            matched,
            ..
        } = self;
        let class = round.transport_class();
        if round.packet.origin == PacketOrigin::FlowEnd {
            for &rule in &protocol_rules[class as usize] {
                candidates.add(rule, index);
            }
        } else {
            for &(asked, rule) in &header_rules[class as usize] {
                if candidates.facts.satisfy(asked) {
                    candidates.add(rule, index);
                }
            }
        }
        if !round.is_made() {
            if round.flow.is_none() || !state.addresses_tried.contains(&true) {
                indicators::look_up_ends(pack, index, round, judge, matched);
            }
            let tried = &mut state.addresses_tried[round.direction().index()];
            if round.flow.is_none() || !std::mem::replace(tried, true) {
                let ends = (round.ends.source, round.ends.destination);
                prefilter.address_only(pack, ends, |rule| candidates.add(rule, index));
            }
            for group in prefilter.packet_buffers() {
                if let Some(bytes) = header_bytes(group.buffer, round) {
                    for &rule in group.group.always() {
                        candidates.add(rule, index);
                    }
                    group
                        .group
                        .scan(bytes, lowered, |rule| candidates.add(rule, index));
                }
            }
        }
        let ports = [round.ends.source_port, round.ends.destination_port];
        let mut scan = |groups: &mut super::prefilter::PortGroups, bytes: &[u8]| {
            // Rules without a pattern are asked all the same: ciphertext has none that means anything.
            let bytes = if round.packet.is_ciphertext {
                &[]
            } else {
                bytes
            };
            judge.counters.prefiltered_bytes += u64::try_from(bytes.len()).unwrap_or(0);
            groups.scan(bytes, ports, lowered, |rule| candidates.add(rule, index));
        };
        if round.has_bytes() {
            scan(prefilter.payload(class), round.payload());
        }
        if class == TransportClass::Tcp {
            if let Some(window) = &round.window {
                scan(prefilter.stream(window.direction), window.unseen());
            }
            if round.payload_stands_for_stream() {
                scan(prefilter.stream(round.direction()), round.payload());
                if round.packet.direction.is_none() {
                    scan(prefilter.stream(Direction::ToClient), round.payload());
                }
            }
        }
        judge.counters.candidates += u64::try_from(candidates.on_packet.len()).unwrap_or(0);
        candidates.on_packet.sort_unstable();
    }

    fn judge_packet_rules(&mut self, pack: &Pack, round: &Round<'_>, state: &mut FlowDetection) {
        for at in 0..self.candidates.on_packet.len() {
            let (rank, number) = self.candidates.on_packet[at];
            let Some(rule) = RuleCase::new(pack, &self.index, number) else {
                continue;
            };
            if let Some(found) = self.judge.judge_on_packet(&rule, round, state) {
                self.judge.counters.matches += 1;
                self.judge.apply_effects(&rule, round, state);
                self.matched.push(Matched {
                    rank,
                    transaction: None,
                    rule: number,
                    is_of_flow: found.in_stream,
                    sighting: None,
                });
            }
        }
    }

    fn judge_frames(&mut self, pack: &Pack, round: &Round<'_>, state: &mut FlowDetection) {
        let Some(flow) = round.flow.filter(|_| !self.wanted_frames.is_empty()) else {
            return;
        };
        if round.is_tcp() && !round.packet.is_established {
            return;
        }
        let is_end = is_end_of_frames(round.packet, flow);
        let Self {
            prefilter,
            candidates,
            index,
            lowered,
            judge,
            matched,
            ..
        } = self;
        for log in flow.app.frame_logs() {
            for piece in log.pieces(round.direction(), is_end) {
                let found = &mut candidates.in_frame;
                frame_rules::gather_candidates(&piece, round, prefilter, index, lowered, found);
                for &(rank, number) in found.iter() {
                    let Some(rule) = RuleCase::new(pack, index, number) else {
                        continue;
                    };
                    if judge.holds_in_frame(&rule, &piece, round, state) {
                        judge.counters.matches += 1;
                        judge.apply_effects(&rule, round, state);
                        matched.push(Matched {
                            rank,
                            transaction: None,
                            rule: number,
                            is_of_flow: true,
                            sighting: None,
                        });
                    }
                }
            }
        }
    }

    fn judge_transactions(&mut self, pack: &Pack, round: &Round<'_>, state: &mut FlowDetection) {
        let Some(flow) = round.flow else { return };
        if flow.inspected == Inspected::Headers {
            return;
        }
        // A message about a packet of the flow is none of its own.
        let is_own = (round.packet.ip).is_some_and(|ip| ip.protocol == flow.protocol);
        let (Some(parser), Some(protocol), true) = (flow.app.parser(), flow.app.protocol(), is_own)
        else {
            return;
        };
        // Transactions are judged with a packet that the connection refused, too; what else asks for the protocol is not.
        let round = &Round {
            app_protocol: Some(protocol),
            ..*round
        };
        let direction = round.direction();
        let mut done = 0;
        for number in parser.transactions().take(TRANSACTIONS_PER_PACKET_MAX) {
            if state.is_done_at(&mut done, number, direction) {
                continue;
            }
            let Some(transaction) = parser.transaction(number) else {
                continue;
            };
            let side = TransactionSide {
                transaction,
                direction,
                protocol,
                is_complete: transaction.is_complete(direction),
                now_seconds: round.packet.time.seconds(),
            };
            match transaction.only_direction() {
                Some(only) if only != direction => self.pass_over(number, direction, state),
                _ => self.judge_transaction(pack, number, &side, round, state),
            }
        }
    }

    /// A transaction that does not exist in a direction: nothing is to be judged there.
    fn pass_over(&mut self, number: u64, direction: Direction, state: &mut FlowDetection) {
        if let Some(notes) = state.notes_of(number) {
            notes.side(direction).finish(&mut self.list_pool);
        }
    }

    fn judge_transaction(
        &mut self,
        pack: &Pack,
        number: u64,
        side: &TransactionSide<'_>,
        round: &Round<'_>,
        state: &mut FlowDetection,
    ) {
        let Some(notes) = state.notes_of(number) else {
            self.judge.counters.transactions_over_cap += 1;
            return;
        };
        let notes = notes.side(side.direction);
        let progress = side.transaction.progress(side.direction);
        let is_growing = notes.scans.iter().any(|mark| mark.bytes > 0);
        let has_grown =
            !notes.is_started || progress != notes.progress || side.is_complete || is_growing;
        let is_due = has_grown
            || !self.candidates.in_transactions.is_empty()
            // Rules that wait may ask for raw bytes as well.
            || (round.window.is_some() && !notes.waiting.is_empty());
        if notes.is_done || !is_due {
            return;
        }
        notes.begin(&mut self.list_pool);
        for &rule in &self.candidates.in_transactions {
            add_candidate(rule, &mut notes.waiting, &self.index, &mut self.judge);
        }
        if has_grown {
            gather_candidates(
                side,
                notes,
                &mut self.prefilter,
                &self.index,
                &mut self.lowered,
                &mut self.judge,
            );
        }
        notes.waiting.sort_unstable_by_key(|waiting| waiting.rank);
        indicators::look_up_transaction(
            pack,
            &self.index,
            (number, side),
            notes,
            &mut self.judge,
            &mut self.matched,
        );
        notes.is_started = true;
        notes.progress = progress;
        let mut waiting = std::mem::take(&mut notes.waiting);
        waiting.retain_mut(|one| {
            if one.has_fired {
                return true;
            }
            let Some(rule) = RuleCase::new(pack, &self.index, one.rule) else {
                return false;
            };
            match self
                .judge
                .judge_in_transaction(&rule, side, one, round, state)
            {
                Standing::Waits => true,
                Standing::Fails => false,
                Standing::Matches => {
                    one.has_fired = true;
                    self.judge.counters.matches += 1;
                    self.judge.apply_effects(&rule, round, state);
                    self.matched.push(Matched {
                        rank: one.rank,
                        transaction: Some(number),
                        rule: one.rule,
                        is_of_flow: true,
                        sighting: None,
                    });
                    true
                }
            }
        });
        if let Some(notes) = state.notes_of(number) {
            let notes = notes.side(side.direction);
            notes.waiting = waiting;
            if side.is_complete {
                notes.finish(&mut self.list_pool);
            }
        }
    }
}

/// Whether frames that are not whole yet never will be.
fn is_end_of_frames(packet: &Packet<'_>, flow: &Flow) -> bool {
    matches!(
        packet.origin,
        PacketOrigin::FlowEnd | PacketOrigin::Handover
    ) || (flow.protocol == UDP)
        || flow.progress == FlowProgress::Closed
}

/// Number of the first transaction that is still to be inspected.
fn first_needed(parser: &dyn Parser, state: &FlowDetection) -> u64 {
    let mut transactions = parser.transactions();
    let end = transactions.end;
    if state.is_settled {
        return transactions
            .find(|number| {
                parser.transaction(*number).is_some_and(|transaction| {
                    !Direction::BOTH
                        .iter()
                        .all(|direction| transaction.is_complete(*direction))
                })
            })
            .unwrap_or(end);
    }
    let mut notes = state.transactions.iter();
    transactions
        .find(|number| {
            parser.transaction(*number).is_some()
                && !notes
                    .by_ref()
                    .find(|notes| notes.number() >= *number)
                    .is_some_and(|notes| notes.number() == *number && notes.is_done())
        })
        .unwrap_or(end)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod transaction_tests;
