//! Everything behind the decoder: a packet finds its flow, goes through its stream to its parser, and is judged with what became
//! known.

use crate::{
    app_layer::Inspected,
    counters::EngineCounters,
    decode::{Packet, Transport},
    detect::Alert,
    direction::Direction,
    flow::{Bypass, Expectations, FlowProgress, FlowTable, Found, Slot},
    shedding,
    stream::{Connection, ReassemblyBudget, Reuse, StreamConsumer, StreamSettings, Tools},
    time::Timestamp,
};

use super::{
    AlertSink, Inspector, PipelineSettings,
    app_consumer::AppConsumer,
    end_packet::hand_over,
    flow_packet::{
        announce, begin_connection, follow, meet_expectation, note_packet, note_stream_bytes,
        progress_of, turned_round,
    },
};

/// Everything behind the decoder.
#[derive(Debug)]
pub(super) struct Engine<I> {
    pub(super) stream: StreamSettings,
    pub(super) flows: FlowTable,
    pub(super) expectations: Expectations,
    pub(super) budget: ReassemblyBudget,
    pub(super) scratch: Vec<u8>,
    pub(super) counters: EngineCounters,
    pub(super) inspector: I,
    pub(super) alerts: Vec<Alert>,
    /// Time of the packet in hand.
    pub(super) now: Timestamp,
    /// Bytes that parsers and detection hold of all flows.
    pub(super) app_layer_bytes: usize,
    pub(super) app_layer_bytes_max: usize,
    /// Flows that have a connection.
    pub(super) connections: usize,
    /// What flows, streams and parsers may take together.
    pub(super) shared_bytes_max: usize,
    /// The flow that is being handled, to be dropped if that panics.
    pub(super) in_hand: Option<Slot>,
    /// Large flows are to be let pass, see [`shedding`].
    pub(super) is_behind: bool,
}

impl<I: Inspector> Engine<I> {
    pub(super) fn new(inspector: I, settings: &PipelineSettings) -> Self {
        Self {
            stream: settings.engine.stream,
            flows: settings.flow_table(),
            expectations: Expectations::default(),
            budget: ReassemblyBudget::new(settings.reassembly_bytes()),
            scratch: Vec::new(),
            counters: EngineCounters::default(),
            inspector,
            alerts: Vec::new(),
            now: Timestamp::default(),
            app_layer_bytes: 0,
            app_layer_bytes_max: settings.app_layer_bytes(),
            connections: 0,
            shared_bytes_max: settings.shared_bytes(),
            in_hand: None,
            is_behind: false,
        }
    }

    /// Forgets all but the counters.
    pub(super) fn forget(&mut self, settings: &PipelineSettings) {
        self.flows.clear();
        self.expectations.clear();
        self.budget = ReassemblyBudget::new(settings.reassembly_bytes());
        self.app_layer_bytes = 0;
        self.connections = 0;
        self.now = Timestamp::default();
        self.in_hand = None;
        self.inspector.forget();
    }

    pub(super) fn packet(&mut self, packet: &mut Packet<'_>, sink: &mut impl AlertSink) {
        if !self.inspector.looks_at(packet) {
            self.counters.flow.out_of_scope += 1;
            return;
        }
        let found = self.flow_of(packet, sink);
        match found {
            Some(found) => self.packet_of_flow(packet, found, sink),
            None => {
                self.inspector.inspect(packet, None, None, &mut self.alerts);
                self.tell(sink);
            }
        }
    }

    /// The packet's flow; a new one where the same ends begin anew.
    fn flow_of(&mut self, packet: &Packet<'_>, sink: &mut impl AlertSink) -> Option<Found> {
        // An error about a packet begins no flow.
        if let Transport::Icmpv4(icmp) = &packet.transport
            && icmp.error.is_some()
        {
            return self.flows.find_quoted(packet);
        }
        while let Some(slot) = self.flow_to_give_up() {
            let counters = &mut self.counters.flow;
            match self.flows.get(slot)?.flow.progress {
                FlowProgress::Closed => counters.evicted_closed += 1,
                FlowProgress::New => counters.evicted_new += 1,
                FlowProgress::Established => counters.evicted_established += 1,
            }
            self.end_flow(slot, sink);
        }
        let found = self.flows.find_or_create(packet, &mut self.counters.flow)?;
        let entry = self.flows.get(found.slot)?;
        let is_reused = match &entry.connection {
            Some(connection) => {
                connection.reuse(packet, entry.direction_from(found.sender)) == Reuse::Yes
            }
            // What went before had no beginning that was seen.
            None => !found.is_new && Connection::begins_with(packet),
        };
        if !is_reused {
            return Some(found);
        }
        self.counters.flow.reused += 1;
        self.end_flow(found.slot, sink);
        self.flows.find_or_create(packet, &mut self.counters.flow)
    }

    fn packet_of_flow(&mut self, packet: &mut Packet<'_>, found: Found, sink: &mut impl AlertSink) {
        self.in_hand = Some(found.slot);
        let Some(entry) = self.flows.get_mut(found.slot) else {
            return;
        };
        self.connections += usize::from(begin_connection(entry, packet, found, self.stream));
        let mut direction = entry.direction_from(found.sender);
        self.counters.flow.answered += u64::from(note_packet(entry, packet, direction));
        if entry.bypass == Bypass::Everything {
            shedding::let_pass(entry, packet, &mut self.counters.shed);
            self.flows.touch(found.slot, packet.time);
            self.in_hand = None;
            return;
        }
        packet.is_ciphertext = entry.flow.is_ciphertext();
        let wanted = self.inspector.wanted();
        meet_expectation(entry, packet, &mut self.expectations, wanted.2);
        let mut tools = Tools {
            budget: &mut self.budget,
            scratch: &mut self.scratch,
            counters: &mut self.counters.stream,
        };
        let mut consumer = AppConsumer::new(&mut entry.flow, packet.time, wanted);
        let mut is_turned = false;
        // What parsers and detection hold changes with what they are given.
        let mut was_fed = false;
        match (&packet.transport, &mut entry.connection) {
            (Transport::Tcp(_), Some(connection)) => {
                consumer.set_may_be_reversed(connection.is_midstream());
                connection.process(packet, direction, &mut consumer, &mut tools);
                for triggered in consumer.triggered() {
                    connection.trigger_raw(triggered);
                }
                was_fed = consumer.was_fed;
                announce(&mut entry.flow, &mut self.expectations, packet.time);
                if let Some(protocol) = entry.flow.app.protocol() {
                    follow(protocol, connection);
                }
                // A handshake that is taken up again leaves the flow what it was.
                let progress = progress_of(connection.state());
                if progress != FlowProgress::New {
                    entry.flow.progress = progress;
                }
            }
            (Transport::Tcp(_), None) => Connection::without_session(packet, tools.counters),
            (Transport::Udp { .. }, _) if packet.payload.is_empty() => {
                consumer.empty_datagram(direction);
            }
            (Transport::Udp { .. }, _) => {
                consumer.bytes(direction, packet.payload);
                is_turned = consumer.take_reversal();
                was_fed = true;
            }
            _ => {}
        }
        if is_turned {
            entry.swap_ends();
        }
        if is_turned || turned_round(entry) {
            direction = direction.opposite();
            packet.direction = Some(direction);
        }
        if let Some(connection) = &entry.connection {
            note_stream_bytes(&mut entry.flow, connection);
        }
        let before = entry.flow.inspected;
        if was_fed {
            entry.flow.note_inspected();
        }
        let is_given_up = before < Inspected::Headers && entry.flow.inspected == Inspected::Headers;
        if entry.flow.app.hands_over() || is_given_up {
            hand_over(
                entry,
                packet.time,
                &mut self.inspector,
                &mut tools,
                &mut self.alerts,
            );
        }
        if let (Some(connection), true) = (&mut entry.connection, is_given_up) {
            for direction in Direction::BOTH {
                connection.stop_raw(direction, &mut tools);
            }
        }
        let connection = entry.connection.as_mut().filter(|_| packet.sees_stream);
        let window = connection.and_then(|connection| {
            if entry.flow.is_ciphertext() && connection.has_raw(direction) {
                packet.has_last_bytes = true;
                connection.trigger_raw(direction);
            }
            connection.raw_window(direction, false)
        });
        let inspected_to = window.map(|window| window.end());
        if entry.bypass.spares(direction) && !packet.payload.is_empty() {
            shedding::count(packet, &mut self.counters.shed);
        } else {
            self.inspector
                .inspect(packet, Some(&mut entry.flow), window, &mut self.alerts);
        }
        if let (Some(connection), Some(position)) = (&mut entry.connection, inspected_to) {
            connection.raw_inspected(direction, position, &mut tools);
        }
        if let (Some(connection), true) = (&mut entry.connection, packet.has_last_bytes) {
            connection.stop_raw(direction, &mut tools);
        }
        if self.is_behind {
            let due = shedding::due(entry);
            self.counters.shed.flows +=
                u64::from(entry.bypass == Bypass::Nothing && due != Bypass::Nothing);
            entry.bypass = due;
        }
        if was_fed {
            let held = entry.flow.app.held_bytes() + entry.flow.detection.held_bytes();
            let before = std::mem::replace(&mut entry.held_bytes, held);
            self.app_layer_bytes = (self.app_layer_bytes + held).saturating_sub(before);
        }
        self.flows.touch(found.slot, packet.time);
        self.in_hand = None;
        self.tell(sink);
    }

    /// Hands out what fired.
    pub(super) fn tell(&mut self, sink: &mut impl AlertSink) {
        for alert in self.alerts.drain(..) {
            self.counters.alerts += 1;
            sink.alert(&alert);
        }
    }
}
