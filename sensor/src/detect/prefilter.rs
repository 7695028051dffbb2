//! From bytes to candidates: one automaton a scope, loaded once from the pack, run over a lowered copy of the bytes.

use std::fmt;

use daachorse::DoubleArrayAhoCorasick;
use lapwing_rules::{
    model::{AppProtocol, Buffer, Frame, FrameSet, Side},
    pack::{Pack, PrefilterGroup, PrefilterScope, TransportClass},
};

use super::rule_index::protocol_serves;
use crate::direction::Direction;

/// A pack whose automata do not load.
#[derive(Debug, thiserror::Error)]
#[error(
    "the rule pack's automaton for {scope} is damaged: compile the pack again with this program's version"
)]
pub struct DamagedAutomaton {
    scope: String,
}

/// The rules of one scope.
pub(crate) struct Group {
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
    /// Where in `rules` those of each pattern begin, and one more.
    offsets: Vec<u32>,
    rules: Vec<u32>,
    always: Vec<u32>,
    longest_pattern: usize,
    /// Round in which a pattern was last seen, so that it adds its rules once.
    seen: Vec<u32>,
    round: u32,
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("patterns", &self.seen.len())
            .field("rules", &self.rules.len())
            .field("always", &self.always.len())
            .finish_non_exhaustive()
    }
}

impl Group {
    fn load(group: &PrefilterGroup<'_>) -> Result<Self, DamagedAutomaton> {
        let automaton =
            match group.automaton() {
                [] => None,
                bytes => {
                    let (automaton, _) = DoubleArrayAhoCorasick::<u32>::deserialize(bytes)
                        .map_err(|_| DamagedAutomaton {
                            scope: format!("{:?}", group.scope()),
                        })?;
                    Some(automaton)
                }
            };
        let (mut offsets, mut rules) = (vec![0], Vec::new());
        for pattern in 0..group.pattern_count() {
            rules.extend(group.rules_of(pattern));
            offsets.push(u32::try_from(rules.len()).unwrap_or(u32::MAX));
        }
        Ok(Self {
            automaton,
            seen: vec![0; group.pattern_count()],
            offsets,
            rules,
            always: group.always().collect(),
            longest_pattern: group.patterns().map(<[u8]>::len).max().unwrap_or(0),
            round: 0,
        })
    }

    /// Rules that are candidates whenever the scope applies.
    pub(crate) fn always(&self) -> &[u32] {
        &self.always
    }

    /// Bytes before a growth that have to be looked at again, for patterns that reach into it.
    pub(crate) fn overlap(&self) -> usize {
        self.longest_pattern.saturating_sub(1)
    }

    /// Calls `candidate` with each rule whose pattern is in `bytes`, the same rule perhaps more than once.
    pub(crate) fn scan(
        &mut self,
        bytes: &[u8],
        lowered: &mut Vec<u8>,
        mut candidate: impl FnMut(u32),
    ) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        lowered.clear();
        lowered.extend_from_slice(bytes);
        lowered.make_ascii_lowercase();
        self.round = self.round.wrapping_add(1);
        for found in automaton.find_overlapping_iter(lowered.as_slice()) {
            let Ok(pattern) = usize::try_from(found.value()) else {
                continue;
            };
            let Some(seen) = self.seen.get_mut(pattern) else {
                continue;
            };
            if std::mem::replace(seen, self.round) == self.round {
                continue;
            }
            let range = |at: usize| usize::try_from(self.offsets[at]).unwrap_or(usize::MAX);
            if let Some(rules) = self.rules.get(range(pattern)..range(pattern + 1)) {
                rules.iter().copied().for_each(&mut candidate);
            }
        }
    }
}

/// A group over one buffer of transactions.
#[derive(Debug)]
pub(crate) struct BufferGroup {
    pub(crate) buffer: Buffer,
    pub(crate) group: Group,
}

/// All groups of a pack by where they apply.
#[derive(Debug)]
pub(crate) struct Prefilter {
    payload: [Option<Group>; 4],
    stream: [Option<Group>; 2],
    header: [Vec<u32>; 4],
    address_only: Vec<u32>,
    packet_buffers: Vec<(Side, BufferGroup)>,
    /// Per side, in order of buffer.
    transaction_buffers: [Vec<BufferGroup>; 2],
    /// Per side.
    frames: [Vec<(Frame, Group)>; 2],
    /// Per side: rules that ask for no bytes of a transaction; `None` is any HTTP.
    transaction_rules: [Vec<(Option<AppProtocol>, Vec<u32>)>; 2],
}

impl Prefilter {
    pub(crate) fn load(pack: &Pack) -> Result<Self, DamagedAutomaton> {
        let mut prefilter = Self {
            payload: [const { None }; 4],
            stream: [const { None }; 2],
            header: [const { Vec::new() }; 4],
            address_only: Vec::new(),
            packet_buffers: Vec::new(),
            transaction_buffers: [Vec::new(), Vec::new()],
            frames: [Vec::new(), Vec::new()],
            transaction_rules: [Vec::new(), Vec::new()],
        };
        for view in pack.prefilter_groups() {
            let group = Group::load(&view)?;
            match view.scope() {
                PrefilterScope::PacketPayload(class) => {
                    prefilter.payload[class as usize] = Some(group);
                }
                PrefilterScope::Stream(side) => prefilter.stream[side as usize] = Some(group),
                PrefilterScope::Buffer(buffer, side) => {
                    let group = BufferGroup { buffer, group };
                    if buffer.is_of_transactions() {
                        prefilter.transaction_buffers[side as usize].push(group);
                    } else {
                        prefilter.packet_buffers.push((side, group));
                    }
                }
                PrefilterScope::PacketHeader(class) => {
                    prefilter.header[class as usize] = group.always;
                }
                PrefilterScope::AddressOnly => prefilter.address_only = group.always,
                PrefilterScope::Frame(frame, side) => {
                    prefilter.frames[side as usize].push((frame, group));
                }
                PrefilterScope::Transaction(protocol, side) => {
                    prefilter.transaction_rules[side as usize].push((protocol, group.always));
                }
            }
        }
        Ok(prefilter)
    }

    pub(crate) fn payload(&mut self, class: TransportClass) -> Option<&mut Group> {
        self.payload[class as usize].as_mut()
    }

    pub(crate) fn stream(&mut self, direction: Direction) -> Option<&mut Group> {
        self.stream[direction.index()].as_mut()
    }

    pub(crate) fn header(&self, class: TransportClass) -> &[u32] {
        &self.header[class as usize]
    }

    pub(crate) fn address_only(&self) -> &[u32] {
        &self.address_only
    }

    /// Groups over header buffers of packets; each rule stands in the groups of all its sides.
    pub(crate) fn packet_buffers(&mut self) -> impl Iterator<Item = &mut BufferGroup> {
        self.packet_buffers.iter_mut().map(|(_, group)| group)
    }

    /// Groups over buffers that transactions of this protocol may have.
    pub(crate) fn transaction_buffers(
        &mut self,
        protocol: AppProtocol,
        direction: Direction,
    ) -> impl Iterator<Item = &mut BufferGroup> {
        self.transaction_buffers[direction.index()]
            .iter_mut()
            .filter(move |group| {
                group
                    .buffer
                    .info()
                    .protocol
                    .is_none_or(|wanted| protocol_serves(wanted, protocol))
            })
    }

    /// The group over one kind of frame.
    pub(crate) fn frames(&mut self, frame: Frame, direction: Direction) -> Option<&mut Group> {
        self.frames[direction.index()]
            .iter_mut()
            .find(|(kind, _)| *kind == frame)
            .map(|(_, group)| group)
    }

    /// The frames that any rule asks for.
    pub(crate) fn wanted_frames(&self) -> FrameSet {
        let mut wanted = FrameSet::default();
        for (frame, _) in self.frames.iter().flatten() {
            wanted.insert(*frame);
        }
        wanted
    }

    /// Rules that are candidates in every transaction of this protocol.
    pub(crate) fn transaction_rules(
        &self,
        protocol: AppProtocol,
        direction: Direction,
    ) -> impl Iterator<Item = u32> {
        self.transaction_rules[direction.index()]
            .iter()
            .filter(move |(wanted, _)| match wanted {
                Some(wanted) => protocol_serves(*wanted, protocol),
                None => matches!(protocol, AppProtocol::Http1 | AppProtocol::Http2),
            })
            .flat_map(|(_, rules)| rules.iter().copied())
    }
}
