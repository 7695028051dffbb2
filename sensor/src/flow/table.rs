//! The flow table of one worker: bounded, found by a keyed hash, ended by packet time.
//!
//! Flows lie in slots; each time-out class has a list of its flows by age, so that ending what timed out, and giving up
//! the least valuable when there is no room, costs nothing per packet. Value grows from closed to new to established;
//! within a state the flow that was silent longest goes first.

use std::num::NonZero;

use ahash::RandomState;
use hashbrown::hash_table::Entry;

use super::{
    Bypass, Flow, FlowId, FlowProgress,
    key::{self, End, FlowKey},
    timeouts::{FlowTimeouts, TimeoutClass},
};
use crate::{
    app_layer::{AppLayer, Inspected},
    counters::FlowCounters,
    decode::Packet,
    detect::FlowDetection,
    direction::Direction,
    steady_table::SteadyTable,
    stream::Connection,
    time::Timestamp,
};

/// Where a flow lies in the table; valid until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(NonZero<u32>);

impl Slot {
    /// The slot at an index of the table. Numbers begin with one, so that no slot takes no more room than one.
    fn new(index: usize) -> Option<Self> {
        let number = u32::try_from(index).ok()?.checked_add(1)?;
        NonZero::new(number).map(Self)
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A flow with what only the engine needs of it.
#[derive(Debug)]
pub struct FlowEntry {
    /// What detection sees.
    pub flow: Flow,
    /// TCP: the connection, once a SYN was seen.
    pub connection: Option<Box<Connection>>,
    key: FlowKey,
    /// Which end of the key is the client.
    client_is_lower: bool,
    hash: u64,
    class: TimeoutClass,
    older: Option<Slot>,
    newer: Option<Slot>,
    /// Which directions were seen.
    seen: [bool; 2],
    /// Bytes that parser and detection held when last asked.
    pub held_bytes: usize,
    /// What of it is no longer looked at.
    pub bypass: Bypass,
}

impl FlowEntry {
    /// The key, for what it says about protocol and VLANs.
    #[must_use]
    pub fn key(&self) -> &FlowKey {
        &self.key
    }

    /// Direction of a packet from this sender.
    #[must_use]
    pub fn direction_from(&self, sender: End) -> Direction {
        self.key.direction(self.client_is_lower, sender)
    }

    /// Exchanges client and server.
    pub fn swap_ends(&mut self) {
        if self.key.has_one_end() {
            return;
        }
        self.client_is_lower = !self.client_is_lower;
        std::mem::swap(&mut self.flow.client, &mut self.flow.server);
        std::mem::swap(&mut self.flow.client_port, &mut self.flow.server_port);
        self.flow.counters.swap(0, 1);
        self.seen.swap(0, 1);
    }

    /// Notes that a direction was seen; whether both were.
    pub fn see(&mut self, direction: Direction) -> bool {
        self.seen[direction.index()] = true;
        self.seen == [true, true]
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct AgeList {
    oldest: Option<Slot>,
    newest: Option<Slot>,
}

/// What a look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The flow.
    pub slot: Slot,
    /// Who sent the packet.
    pub sender: End,
    /// Whether the packet began the flow.
    pub is_new: bool,
}

/// All flows of one worker.
#[derive(Debug)]
pub struct FlowTable {
    slots: Vec<Option<Box<FlowEntry>>>,
    free: Vec<Slot>,
    index: SteadyTable<Slot>,
    hasher: RandomState,
    lists: [AgeList; TimeoutClass::COUNT],
    timeouts: FlowTimeouts,
    next_id: u64,
    flows_max: usize,
}

impl FlowTable {
    /// All flows, in no order.
    pub fn each_mut(&mut self) -> impl Iterator<Item = &mut FlowEntry> {
        self.slots.iter_mut().flatten().map(|entry| &mut **entry)
    }

    /// Flows get numbers from here on, so that those of several workers differ.
    pub fn number_from(&mut self, first: u64) {
        self.next_id = first;
    }

    /// A table for at most `flows_max` flows.
    #[must_use]
    pub fn new(flows_max: usize, timeouts: FlowTimeouts) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: SteadyTable::default(),
            hasher: RandomState::new(),
            lists: [AgeList::default(); TimeoutClass::COUNT],
            timeouts,
            next_id: 1,
            flows_max: flows_max.clamp(1, u32::MAX as usize),
        }
    }

    /// How many flows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether a new flow needs another one to go first; see [`Self::least_valuable`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.index.len() >= self.flows_max
    }

    /// The flow of a packet, made if there is none; `None` where the packet belongs to no flow.
    pub fn find_or_create(
        &mut self,
        packet: &Packet<'_>,
        counters: &mut FlowCounters,
    ) -> Option<Found> {
        let (key, sender, receiver) = FlowKey::of(packet)?;
        let hash = self.hasher.hash_one(&key);
        let slots = &self.slots;
        let place = self.index.entry(
            hash,
            |slot| at(slots, *slot).is_some_and(|entry| entry.key == key),
            |slot| at(slots, *slot).map_or(0, |entry| entry.hash),
        );
        let vacant = match place {
            Entry::Occupied(occupied) => {
                return Some(Found {
                    slot: *occupied.get(),
                    sender,
                    is_new: false,
                });
            }
            Entry::Vacant(vacant) => vacant,
        };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => Slot::new(self.slots.len())?,
        };
        vacant.insert(slot);
        let class = TimeoutClass::of(key.protocol(), FlowProgress::New);
        let protocol = key.protocol();
        let has_ports = !matches!(protocol, key::protocol::ICMP | key::protocol::ICMPV6);
        let port = |end: End| if has_ports { end.port } else { 0 };
        let entry = Box::new(FlowEntry {
            flow: Flow {
                id: FlowId(self.next_id),
                client: sender.address,
                client_port: port(sender),
                server: receiver.address,
                server_port: port(receiver),
                protocol,
                progress: FlowProgress::New,
                first_seen: packet.time,
                inspected: Inspected::default(),
                last_seen: packet.time,
                counters: Default::default(),
                app: AppLayer::default(),
                detection: FlowDetection::default(),
            },
            connection: None,
            client_is_lower: key.is_lower(sender),
            key,
            hash,
            class,
            older: None,
            newer: None,
            seen: [false; 2],
            held_bytes: 0,
            bypass: Bypass::Nothing,
        });
        self.next_id += 1;
        match self.slots.get_mut(slot.index()) {
            Some(place) => *place = Some(entry),
            None => self.slots.push(Some(entry)),
        }
        self.link(slot);
        counters.created += 1;
        counters.active = self.index.len() as u64;
        Some(Found {
            slot,
            sender,
            is_new: true,
        })
    }

    /// The flow of the packet that an ICMP error quotes. The error is a packet of that flow, sent by its client where the
    /// client's address sent it.
    #[must_use]
    pub fn find_quoted(&self, packet: &Packet<'_>) -> Option<Found> {
        let key = FlowKey::of_quoted(packet)?;
        let hash = self.hasher.hash_one(&key);
        let slots = &self.slots;
        let slot = *self.index.find(hash, |slot| {
            at(slots, *slot).is_some_and(|entry| entry.key == key)
        })?;
        let entry = self.get(slot)?;
        let source = packet.ip.as_ref()?.source;
        let flow = &entry.flow;
        let (address, port) = if source == flow.client {
            (flow.client, flow.client_port)
        } else {
            (flow.server, flow.server_port)
        };
        Some(Found {
            slot,
            sender: End { address, port },
            is_new: false,
        })
    }

    /// The flow in a slot.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&FlowEntry> {
        at(&self.slots, slot)
    }

    /// The flow in a slot.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut FlowEntry> {
        self.slots.get_mut(slot.index())?.as_deref_mut()
    }

    /// A packet came, or the state changed: the flow is the youngest of its class now.
    pub fn touch(&mut self, slot: Slot, time: Timestamp) {
        let Some(entry) = self.get_mut(slot) else {
            return;
        };
        entry.flow.last_seen = entry.flow.last_seen.max(time);
        let class = TimeoutClass::of(entry.key.protocol(), entry.flow.progress);
        let is_youngest = entry.newer.is_none() && entry.class == class;
        if is_youngest {
            return;
        }
        self.unlink(slot);
        if let Some(entry) = self.get_mut(slot) {
            entry.class = class;
        }
        self.link(slot);
    }

    /// A flow whose time is over at `now`, if there is one. In each class only the oldest need be asked.
    #[must_use]
    pub fn timed_out(&self, now: Timestamp) -> Option<Slot> {
        TimeoutClass::all().find_map(|class| {
            let slot = self.lists[class.index()].oldest?;
            let silent = now.seconds_since(self.get(slot)?.flow.last_seen);
            (silent >= self.timeouts.seconds(class)).then_some(slot)
        })
    }

    /// The flow to give up when there is no room.
    #[must_use]
    pub fn least_valuable(&self) -> Option<Slot> {
        self.oldest_of([
            FlowProgress::Closed,
            FlowProgress::New,
            FlowProgress::Established,
        ])
    }

    /// The flow to give up when parsers hold too much: those of new flows hold nothing.
    #[must_use]
    pub fn least_valuable_with_parser(&self) -> Option<Slot> {
        self.oldest_of([
            FlowProgress::Closed,
            FlowProgress::Established,
            FlowProgress::New,
        ])
    }

    fn oldest_of(&self, order: [FlowProgress; 3]) -> Option<Slot> {
        order.into_iter().find_map(|progress| {
            TimeoutClass::with_progress(progress)
                .filter_map(|class| self.lists[class.index()].oldest)
                .min_by_key(|slot| self.get(*slot).map(|entry| entry.flow.last_seen))
        })
    }

    /// Any flow, the oldest of its class; for the end of the capture.
    #[must_use]
    pub fn any(&self) -> Option<Slot> {
        TimeoutClass::all()
            .filter_map(|class| self.lists[class.index()].oldest)
            .min_by_key(|slot| self.get(*slot).map(|entry| entry.flow.id.0))
    }

    /// Takes a flow out.
    pub fn remove(&mut self, slot: Slot, counters: &mut FlowCounters) -> Option<Box<FlowEntry>> {
        self.unlink(slot);
        let entry = self.slots.get_mut(slot.index())?.take()?;
        if let Ok(occupied) = self.index.find_entry(entry.hash, |held| *held == slot) {
            occupied.remove();
        }
        self.free.push(slot);
        counters.active = self.index.len() as u64;
        Some(entry)
    }

    /// Drops all flows as if they had never been; numbers are not given out again.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.free.clear();
        self.index.clear();
        self.lists = [AgeList::default(); TimeoutClass::COUNT];
    }

    fn link(&mut self, slot: Slot) {
        let Some(class) = self.get(slot).map(|entry| entry.class.index()) else {
            return;
        };
        let newest = self.lists[class].newest.replace(slot);
        if let Some(entry) = self.get_mut(slot) {
            entry.older = newest;
            entry.newer = None;
        }
        match newest.and_then(|newest| self.get_mut(newest)) {
            Some(before) => before.newer = Some(slot),
            None => self.lists[class].oldest = Some(slot),
        }
    }

    fn unlink(&mut self, slot: Slot) {
        let Some((class, older, newer)) = self
            .get_mut(slot)
            .map(|entry| (entry.class.index(), entry.older.take(), entry.newer.take()))
        else {
            return;
        };
        match older.and_then(|older| self.get_mut(older)) {
            Some(before) => before.newer = newer,
            None => self.lists[class].oldest = newer,
        }
        match newer.and_then(|newer| self.get_mut(newer)) {
            Some(behind) => behind.older = older,
            None => self.lists[class].newest = older,
        }
    }
}

fn at(slots: &[Option<Box<FlowEntry>>], slot: Slot) -> Option<&FlowEntry> {
    slots.get(slot.index())?.as_deref()
}
