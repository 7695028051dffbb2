//! From bytes to candidates: the filter of each scope, searched in the pack where it lies, over a lowered copy of the bytes.
//! `gram_scanner` chooses the instructions that the search is done with.

use std::{net::IpAddr, sync::Arc};

use lapwing_rules::{
    model::{AppProtocol, Buffer, Frame, FrameSet, Side},
    pack::{GroupPlace, Pack, PrefilterGroup, PrefilterScope, SeenPatterns, TransportClass},
};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod few_grams;
mod gram_scanner;

use gram_scanner::GramScanner;

use super::rule_index::protocol_serves;
use crate::direction::Direction;

/// The rules of one scope that have a pattern, and those that are always candidates there.
#[derive(Debug)]
pub(crate) struct Group {
    pack: Arc<Pack>,
    place: GroupPlace,
    always: Vec<u32>,
    longest_pattern: usize,
    /// Which patterns a scan found already, so that each adds its rules once.
    seen: SeenPatterns,
    scanner: GramScanner,
}

impl Group {
    fn new(pack: &Arc<Pack>, place: GroupPlace, group: &PrefilterGroup<'_>) -> Self {
        Self {
            pack: Arc::clone(pack),
            place,
            always: group.always().collect(),
            longest_pattern: group.longest_pattern(),
            seen: SeenPatterns::new(group.pattern_count()),
            scanner: GramScanner::detect(group),
        }
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
    pub(crate) fn scan(&mut self, bytes: &[u8], lowered: &mut Vec<u8>, candidate: impl FnMut(u32)) {
        if self.longest_pattern > 0 {
            lower(bytes, lowered);
            self.scan_lowered(lowered, candidate);
        }
    }

    /// The same for bytes that are in lower case already.
    fn scan_lowered(&mut self, lowered: &[u8], mut candidate: impl FnMut(u32)) {
        if lowered.is_empty() {
            return;
        }
        let Some(group) = self.pack.prefilter_group_at(&self.place) else {
            return;
        };
        group.scan(lowered, &mut self.seen, &self.scanner, |pattern| {
            group.rules_of(pattern).for_each(&mut candidate);
        });
    }
}

fn lower(bytes: &[u8], lowered: &mut Vec<u8>) {
    lowered.clear();
    lowered.extend(bytes.iter().map(u8::to_ascii_lowercase));
}

/// A group over one buffer of transactions.
#[derive(Debug)]
pub(crate) struct BufferGroup {
    pub(crate) buffer: Buffer,
    pub(crate) group: Group,
}

/// The groups over one kind of bytes: the one for every port, and those for one port each.
#[derive(Debug, Default)]
pub(crate) struct PortGroups {
    everywhere: Option<Group>,
    /// Ascending.
    ports: Vec<u16>,
    /// One for each of them.
    at_ports: Vec<Group>,
}

impl PortGroups {
    /// Groups come in ascending order of port.
    fn push(&mut self, port: u16, group: Group) {
        self.ports.push(port);
        self.at_ports.push(group);
    }

    /// Calls `candidate` with each rule that `bytes` between these ports may concern, the same rule perhaps more than once.
    pub(crate) fn scan(
        &mut self,
        bytes: &[u8],
        ports: [u16; 2],
        lowered: &mut Vec<u8>,
        mut candidate: impl FnMut(u32),
    ) {
        lower(bytes, lowered);
        self.of_ports(ports, |group| {
            group.always.iter().copied().for_each(&mut candidate);
            group.scan_lowered(lowered, &mut candidate);
        });
    }

    /// The groups for every port and for either of these.
    fn of_ports(&mut self, [source, destination]: [u16; 2], mut visit: impl FnMut(&mut Group)) {
        if let Some(group) = &mut self.everywhere {
            visit(group);
        }
        let mut at = |port: u16| {
            if let Ok(place) = self.ports.binary_search(&port)
                && let Some(group) = self.at_ports.get_mut(place)
            {
                visit(group);
            }
        };
        at(source);
        if destination != source {
            at(destination);
        }
    }
}

/// All groups of a pack by where they apply.
#[derive(Debug)]
pub(crate) struct Prefilter {
    payload: [PortGroups; 4],
    stream: [PortGroups; 2],
    header: [Vec<u32>; 4],
    /// Rules for addresses that the pack's address index does not have.
    address_only: Vec<u32>,
    /// Those that it has for IPv4 only.
    address_only_ipv6: Vec<u32>,
    packet_buffers: Vec<(Side, BufferGroup)>,
    /// Per side, in order of buffer.
    transaction_buffers: [Vec<BufferGroup>; 2],
    /// Per side.
    frames: [Vec<(Frame, Group)>; 2],
    /// Per side: rules that ask for no bytes of a transaction; `None` is any HTTP.
    transaction_rules: [Vec<(Option<AppProtocol>, Vec<u32>)>; 2],
}

impl Prefilter {
    pub(crate) fn new(pack: &Arc<Pack>) -> Self {
        let mut prefilter = Self {
            payload: Default::default(),
            stream: Default::default(),
            header: [const { Vec::new() }; 4],
            address_only: Vec::new(),
            address_only_ipv6: Vec::new(),
            packet_buffers: Vec::new(),
            transaction_buffers: [Vec::new(), Vec::new()],
            frames: [Vec::new(), Vec::new()],
            transaction_rules: [Vec::new(), Vec::new()],
        };
        for place in pack.group_places() {
            let Some(view) = pack.prefilter_group_at(&place) else {
                continue;
            };
            let group = Group::new(pack, place, &view);
            match view.scope() {
                PrefilterScope::PacketPayload(class) => {
                    prefilter.payload[class as usize].everywhere = Some(group);
                }
                PrefilterScope::PacketPayloadAtPort(class, port) => {
                    prefilter.payload[class as usize].push(port, group);
                }
                PrefilterScope::Stream(side) => {
                    prefilter.stream[side as usize].everywhere = Some(group);
                }
                PrefilterScope::StreamAtPort(side, port) => {
                    prefilter.stream[side as usize].push(port, group);
                }
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
                PrefilterScope::AddressOnlyIpv6 => prefilter.address_only_ipv6 = group.always,
                PrefilterScope::Frame(frame, side) => {
                    prefilter.frames[side as usize].push((frame, group));
                }
                PrefilterScope::Transaction(protocol, side) => {
                    prefilter.transaction_rules[side as usize].push((protocol, group.always));
                }
            }
        }
        prefilter
    }

    pub(crate) fn payload(&mut self, class: TransportClass) -> &mut PortGroups {
        &mut self.payload[class as usize]
    }

    pub(crate) fn stream(&mut self, direction: Direction) -> &mut PortGroups {
        &mut self.stream[direction.index()]
    }

    pub(crate) fn header(&self, class: TransportClass) -> &[u32] {
        &self.header[class as usize]
    }

    /// Calls `candidate` with the rules for addresses only that may concern a packet between these.
    pub(crate) fn address_only(
        &self,
        pack: &Pack,
        (source, destination): (IpAddr, IpAddr),
        mut candidate: impl FnMut(u32),
    ) {
        self.address_only.iter().copied().for_each(&mut candidate);
        if source.is_ipv6() {
            self.address_only_ipv6
                .iter()
                .copied()
                .for_each(&mut candidate);
        }
        pack.rules_of_addresses(source, destination, candidate);
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
