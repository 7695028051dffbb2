//! One worker's pipeline: frames in, alerts out.
//!
//! A frame is decoded into packets; each goes to its flow, through the stream stage to the application layer, and is
//! inspected with what became known through it. Everything the pipeline holds is bounded by one memory budget; what a
//! bound costs is counted in [`EngineCounters`]. Flows, streams and parsers share the most of it: each has a bound of its own,
//! and when their sum reaches what they share, the least valuable flow goes with all it holds.
//!
//! **A panic costs one flow.** Whatever goes wrong while a frame is handled is caught here; the flow it happened in is dropped
//! and counted, and the next frame is handled as if nothing had been.

mod app_consumer;
mod end_packet;
mod settings;

use std::panic::{AssertUnwindSafe, catch_unwind};

use lapwing_rules::model::{AppProtocol, FrameSet};

use crate::{
    app_layer::{DigestSet, Inspected, ParserSet, limits as app_limits},
    capture::{CapturedFrame, LinkType},
    counters::EngineCounters,
    decode::{Decoder, Packet, PacketOrigin, Transport},
    detect::{Alert, Detector, Renumbering},
    direction::Direction,
    flow::{
        Bypass, Expectations, Flow, FlowEntry, FlowProgress, FlowTable, Found, Slot, StreamWindow,
    },
    shedding,
    stream::{
        Beginning, Connection, ReassemblyBudget, Reuse, StreamConsumer, StreamSettings, TcpState,
        Tools,
    },
    time::Timestamp,
};

use app_consumer::AppConsumer;
use end_packet::{end_packet, hand_over};
pub use settings::PipelineSettings;
use settings::{CONNECTION_BYTES, FLOW_BYTES, PIECES_SLACK_DIVISOR};

/// Judges packets; [`Detector`] does it by rules.
pub trait Inspector {
    /// Judges a packet with its flow and what became known of its direction's stream; appends what fired.
    fn inspect(
        &mut self,
        packet: &Packet<'_>,
        flow: Option<&mut Flow>,
        window: Option<StreamWindow<'_>>,
        alerts: &mut Vec<Alert>,
    );

    /// The frames it asks for; parsers report no others.
    fn wanted_frames(&self) -> FrameSet {
        FrameSet::default()
    }

    /// The parsers that may start.
    fn parsers(&self) -> ParserSet {
        ParserSet::default()
    }

    /// The digests of files that it asks for; parsers make no others.
    fn wanted_digests(&self) -> DigestSet {
        DigestSet::default()
    }

    /// All that parsers have to know of it.
    fn wanted(&self) -> (FrameSet, ParserSet, DigestSet) {
        (self.wanted_frames(), self.parsers(), self.wanted_digests())
    }

    /// Whether a packet is looked at; others belong to no flow.
    fn looks_at(&self, _packet: &Packet<'_>) -> bool {
        true
    }

    /// Forgets everything: the next packet belongs to another world.
    fn forget(&mut self);
}

impl Inspector for Detector {
    fn inspect(
        &mut self,
        packet: &Packet<'_>,
        flow: Option<&mut Flow>,
        window: Option<StreamWindow<'_>>,
        alerts: &mut Vec<Alert>,
    ) {
        Self::inspect(self, packet, flow, window, alerts);
    }

    fn wanted_frames(&self) -> FrameSet {
        Self::wanted_frames(self)
    }

    fn parsers(&self) -> ParserSet {
        Self::parsers(self)
    }

    fn wanted_digests(&self) -> DigestSet {
        Self::wanted_digests(self)
    }

    fn looks_at(&self, packet: &Packet<'_>) -> bool {
        Self::looks_at(self, packet)
    }

    fn forget(&mut self) {
        Self::forget(self);
    }
}

/// Takes the alerts of a pipeline.
pub trait AlertSink {
    /// One rule that fired once.
    fn alert(&mut self, alert: &Alert);
}

/// One worker's pipeline.
#[derive(Debug)]
pub struct Pipeline<I> {
    settings: PipelineSettings,
    decoder: Decoder,
    engine: Engine<I>,
}

/// Everything behind the decoder.
#[derive(Debug)]
struct Engine<I> {
    stream: StreamSettings,
    flows: FlowTable,
    expectations: Expectations,
    budget: ReassemblyBudget,
    scratch: Vec<u8>,
    counters: EngineCounters,
    inspector: I,
    alerts: Vec<Alert>,
    /// Time of the packet in hand.
    now: Timestamp,
    /// Bytes that parsers and detection hold of all flows.
    app_layer_bytes: usize,
    app_layer_bytes_max: usize,
    /// Flows that have a connection.
    connections: usize,
    /// What flows, streams and parsers may take together.
    shared_bytes_max: usize,
    /// The flow that is being handled, to be dropped if that panics.
    in_hand: Option<Slot>,
    /// Large flows are to be let pass, see [`shedding`].
    is_behind: bool,
}

impl<I: Inspector> Pipeline<I> {
    /// A pipeline that has seen nothing yet.
    pub fn new(inspector: I, settings: PipelineSettings) -> Self {
        Self {
            settings,
            decoder: Decoder::new(settings.fragment_bytes(), settings.engine.decode),
            engine: Engine {
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
            },
        }
    }

    /// Handles one frame.
    pub fn frame(&mut self, frame: &CapturedFrame<'_>, sink: &mut impl AlertSink) {
        let Self {
            decoder, engine, ..
        } = self;
        // Not the newest time: captures that are replayed one after the other may come from any year.
        engine.now = frame.time;
        let mut decoded = std::mem::take(&mut engine.counters.decode);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            engine.end_what_timed_out(sink);
            decoder.decode(frame, &mut decoded, &mut |packet| {
                engine.packet(packet, sink);
            });
        }));
        engine.counters.decode = decoded;
        if outcome.is_err() {
            engine.drop_flow_in_hand();
        }
    }

    /// No frame came for a while: flows end by the given time.
    pub fn idle(&mut self, now: Timestamp, sink: &mut impl AlertSink) {
        let engine = &mut self.engine;
        engine.now = engine.now.max(now);
        let outcome = catch_unwind(AssertUnwindSafe(|| engine.end_what_timed_out(sink)));
        if outcome.is_err() {
            engine.drop_flow_in_hand();
        }
    }

    /// Nothing more comes: every flow ends, and what is left of it is inspected.
    pub fn finish(&mut self, sink: &mut impl AlertSink) {
        let engine = &mut self.engine;
        while let Some(slot) = engine.flows.any() {
            engine.counters.flow.ended_with_capture += 1;
            let outcome = catch_unwind(AssertUnwindSafe(|| engine.end_flow(slot, sink)));
            if outcome.is_err() {
                engine.drop_flow_in_hand();
            }
        }
    }

    /// Forgets flows, fragments, time, and all that the inspector remembers; the counters go on.
    pub fn forget(&mut self) {
        self.decoder = Decoder::new(self.settings.fragment_bytes(), self.settings.engine.decode);
        let engine = &mut self.engine;
        engine.flows.clear();
        engine.expectations.clear();
        engine.budget = ReassemblyBudget::new(self.settings.reassembly_bytes());
        engine.app_layer_bytes = 0;
        engine.connections = 0;
        engine.now = Timestamp::default();
        engine.in_hand = None;
        engine.inspector.forget();
    }

    /// Says whether the worker is behind: then large flows are let pass, see [`shedding`].
    pub fn set_behind(&mut self, is_behind: bool) {
        let engine = &mut self.engine;
        engine.counters.shed.times += u64::from(is_behind && !engine.is_behind);
        engine.is_behind = is_behind;
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &EngineCounters {
        &self.engine.counters
    }

    /// Who judges the packets.
    #[must_use]
    pub fn inspector(&self) -> &I {
        &self.engine.inspector
    }

    /// Who judges the packets.
    pub fn inspector_mut(&mut self) -> &mut I {
        &mut self.engine.inspector
    }

    /// Bytes held now in flows, streams, parsers and fragments.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.engine.shared_bytes() + self.decoder.held_bytes()
    }
}

impl Pipeline<Detector> {
    /// Exchanges the rules between two frames; flows and what is known of them stay. The detector before is given back, so that
    /// who asked can let it go without a pause here.
    pub fn exchange(
        &mut self,
        mut next: Box<Detector>,
        renumbering: &Renumbering,
    ) -> Box<Detector> {
        let engine = &mut self.engine;
        next.succeed(&engine.inspector);
        for entry in engine.flows.each_mut() {
            next.renumber(&mut entry.flow.detection, renumbering);
        }
        std::mem::swap(&mut engine.inspector, &mut *next);
        next
    }
}

impl<I: Inspector> Engine<I> {
    fn packet(&mut self, packet: &mut Packet<'_>, sink: &mut impl AlertSink) {
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

    /// What flows, streams and parsers take now.
    fn shared_bytes(&self) -> usize {
        let in_pieces = self.budget.used_bytes() + self.app_layer_bytes;
        self.flows.len() * FLOW_BYTES
            + self.connections * CONNECTION_BYTES
            + in_pieces
            + in_pieces / PIECES_SLACK_DIVISOR
    }

    /// The flow that has to go, as long as memory is short.
    fn flow_to_give_up(&self) -> Option<Slot> {
        if self.app_layer_bytes > self.app_layer_bytes_max {
            self.flows.least_valuable_with_parser()
        } else if self.flows.is_full() || self.shared_bytes() > self.shared_bytes_max {
            self.flows.least_valuable()
        } else {
            None
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
            (Transport::Udp { .. }, _) if !packet.payload.is_empty() => {
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

    fn end_what_timed_out(&mut self, sink: &mut impl AlertSink) {
        while let Some(slot) = self.flows.timed_out(self.now) {
            self.counters.flow.timed_out += 1;
            self.end_flow(slot, sink);
        }
    }

    /// Ends a flow: what is left in its streams and transactions is inspected, one pass a direction.
    fn end_flow(&mut self, slot: Slot, sink: &mut impl AlertSink) {
        let Some(mut entry) = self.flows.remove(slot, &mut self.counters.flow) else {
            return;
        };
        self.no_longer_held(&entry);
        let mut tools = Tools {
            budget: &mut self.budget,
            scratch: &mut self.scratch,
            counters: &mut self.counters.stream,
        };
        entry.flow.app.begin_packet(None);
        let time = entry.flow.last_seen;
        let mut last = Packet::undecoded(time, 0);
        let wanted = self.inspector.wanted();
        let mut consumer = AppConsumer::new(&mut entry.flow, time, wanted);
        match &mut entry.connection {
            Some(connection) => {
                consumer.set_may_be_reversed(connection.is_midstream());
                connection.finish(&mut last, &mut consumer, &mut tools);
            }
            None => {
                for direction in Direction::BOTH {
                    consumer.end(direction);
                }
            }
        }
        turned_round(&mut entry);
        for direction in Direction::BOTH {
            let mut packet = end_packet(&entry, direction, PacketOrigin::FlowEnd, time);
            packet.events.clone_from(&last.events);
            last.events.clear();
            let app = &entry.flow.app;
            // As in the reference, the end of datagrams is no packet in which rules are judged once more.
            let mut is_pending = entry.connection.is_some()
                && (app.frame_logs().any(|log| log.has_frames(direction))
                    || app
                        .parser()
                        .is_some_and(|parser| !parser.transactions().is_empty()));
            loop {
                let window = entry
                    .connection
                    .as_mut()
                    .and_then(|connection| connection.raw_window(direction, true));
                if window.is_none() && !is_pending {
                    break;
                }
                is_pending = false;
                let inspected_to = window.map(|window| window.end());
                self.inspector
                    .inspect(&packet, Some(&mut entry.flow), window, &mut self.alerts);
                if let (Some(connection), Some(position)) = (&mut entry.connection, inspected_to) {
                    connection.raw_inspected(direction, position, &mut tools);
                }
            }
        }
        if let Some(connection) = &mut entry.connection {
            connection.clear(&mut self.budget);
        }
        self.tell(sink);
    }

    /// A flow was taken out of the table, and will be gone.
    fn no_longer_held(&mut self, entry: &FlowEntry) {
        self.app_layer_bytes = self.app_layer_bytes.saturating_sub(entry.held_bytes);
        let connections = usize::from(entry.connection.is_some());
        self.connections = self.connections.saturating_sub(connections);
    }

    /// Hands out what fired.
    fn tell(&mut self, sink: &mut impl AlertSink) {
        for alert in self.alerts.drain(..) {
            self.counters.alerts += 1;
            sink.alert(&alert);
        }
    }

    /// Handling a packet panicked: its flow goes, with everything it holds.
    fn drop_flow_in_hand(&mut self) {
        self.counters.panics_caught += 1;
        self.alerts.clear();
        let Some(slot) = self.in_hand.take() else {
            return;
        };
        if let Some(mut entry) = self.flows.remove(slot, &mut self.counters.flow) {
            self.counters.flow.dropped_after_panic += 1;
            self.no_longer_held(&entry);
            if let Some(connection) = &mut entry.connection {
                connection.clear(&mut self.budget);
            }
        }
    }
}

/// Makes a connection of a flow's first packet that can begin one, and says whether it did. That packet tells who is the
/// client, whoever was seen first.
fn begin_connection(
    entry: &mut FlowEntry,
    packet: &Packet<'_>,
    found: Found,
    settings: StreamSettings,
) -> bool {
    if entry.connection.is_some() {
        return false;
    }
    let Some(beginning) = Beginning::of(packet, settings) else {
        return false;
    };
    let direction = match beginning {
        Beginning::Syn | Beginning::Middle => Direction::ToServer,
        Beginning::SynAck => Direction::ToClient,
    };
    if entry.direction_from(found.sender) != direction {
        entry.swap_ends();
    }
    let flow = &entry.flow;
    let connection = Connection::new(flow.client, flow.server, settings);
    entry.connection = Some(Box::new(connection));
    true
}

/// Exchanges client and server where the connection has just found out that they are the other way round. Whether it has.
fn turned_round(entry: &mut FlowEntry) -> bool {
    let is_reversed = entry
        .connection
        .as_ref()
        .is_some_and(|connection| connection.is_reversed());
    if is_reversed {
        entry.swap_ends();
    }
    is_reversed
}

fn note_stream_bytes(flow: &mut Flow, connection: &Connection) {
    for direction in Direction::BOTH {
        flow.counters[direction.index()].stream_bytes = connection.stream_bytes(direction);
    }
}

/// Counts a packet in its flow, and tells the packet where it stands. Whether it is the first that answers.
fn note_packet(entry: &mut FlowEntry, packet: &mut Packet<'_>, direction: Direction) -> bool {
    let was_one_sided = entry.flow.counters.iter().any(|one| one.packets == 0);
    let counters = &mut entry.flow.counters[direction.index()];
    counters.packets += 1;
    counters.bytes += u64::from(packet.wire_length_bytes);
    let is_own = packet
        .ip
        .is_some_and(|ip| ip.protocol == entry.flow.protocol);
    let is_tcp = matches!(packet.transport, Transport::Tcp(_));
    if is_own && entry.see(direction) && !is_tcp {
        entry.flow.progress = FlowProgress::Established;
    }
    packet.direction = Some(direction);
    packet.sees_stream = is_own;
    packet.is_established = is_established(entry);
    entry.flow.app.begin_packet(Some(direction));
    was_one_sided && entry.flow.counters.iter().all(|one| one.packets > 0)
}

/// Whether `flow:established` holds for the next packet of a flow.
fn is_established(entry: &FlowEntry) -> bool {
    entry.flow.progress == FlowProgress::Established
        || entry
            .connection
            .as_ref()
            .is_some_and(|connection| connection.state() >= TcpState::Established)
}

/// Tells a connection what its protocol asks of the stream.
fn follow(protocol: AppProtocol, connection: &mut Connection) {
    if has_no_depth(protocol) {
        connection.lift_depth();
    }
    if protocol == AppProtocol::Http1 {
        // The sizes from which on bodies are inspected: what is raw is held together as far.
        let [request, response] = [
            app_limits::HTTP_REQUEST_BODY_INSPECT_BYTES_MIN,
            app_limits::HTTP_RESPONSE_BODY_INSPECT_BYTES_MIN,
        ]
        .map(|bytes| u64::try_from(bytes).unwrap_or(u64::MAX));
        connection.look_back(Direction::ToServer, request);
        connection.look_back(Direction::ToClient, response);
    }
}

/// A connection may announce another one.
fn announce(flow: &mut Flow, expectations: &mut Expectations, now: Timestamp) {
    let announced = flow.app.parser_mut();
    if let Some(transfer) = announced.and_then(|parser| parser.take_expected()) {
        expectations.add(flow.server, flow.client, transfer, now);
    }
}

/// The first bytes of a connection: if another one announced it, it is what was announced.
fn meet_expectation(
    entry: &mut FlowEntry,
    packet: &Packet<'_>,
    expectations: &mut Expectations,
    digests: DigestSet,
) {
    if packet.payload.is_empty() || entry.connection.is_none() || !entry.flow.app.is_untouched() {
        return;
    }
    let flow = &mut entry.flow;
    let client = (flow.client, flow.client_port);
    let server = (flow.server, flow.server_port);
    if let Some((transfer, is_active)) = expectations.take(client, server, packet.time) {
        flow.app.expect_ftp_data(transfer, is_active, digests);
    }
}

/// Protocols whose streams the reference follows to their end (`stream-depth: 0`).
fn has_no_depth(protocol: AppProtocol) -> bool {
    matches!(
        protocol,
        AppProtocol::Smb | AppProtocol::Modbus | AppProtocol::Pgsql
    )
}

fn progress_of(state: TcpState) -> FlowProgress {
    match state {
        TcpState::SynSent | TcpState::SynReceived => FlowProgress::New,
        TcpState::Established
        | TcpState::FinWait1
        | TcpState::FinWait2
        | TcpState::CloseWait
        | TcpState::Closing => FlowProgress::Established,
        TcpState::TimeWait | TcpState::LastAck | TcpState::Closed => FlowProgress::Closed,
    }
}

/// The body of the fuzz target: frames with a two-byte length before each, as one capture through a whole pipeline.
#[doc(hidden)]
pub fn fuzz_entry(bytes: &[u8]) {
    struct Nothing;
    impl Inspector for Nothing {
        fn inspect(
            &mut self,
            _packet: &Packet<'_>,
            flow: Option<&mut Flow>,
            _window: Option<StreamWindow<'_>>,
            _alerts: &mut Vec<Alert>,
        ) {
            if let Some(parser) = flow.and_then(|flow| flow.app.parser_mut()) {
                let end = parser.transactions().end;
                parser.release(end.saturating_sub(1));
            }
        }
        fn forget(&mut self) {}
    }
    impl AlertSink for Nothing {
        fn alert(&mut self, _alert: &Alert) {}
    }
    let mut pipeline = Pipeline::new(Nothing, PipelineSettings::default());
    let mut rest = bytes;
    let mut time = Timestamp::default();
    while let Some((length, following)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(following.len());
        let (frame, following) = following.split_at(length);
        rest = following;
        // A second a frame: time-outs are part of what is tried.
        time.0 += Timestamp::NANOSECONDS_PER_SECOND;
        pipeline.frame(
            &CapturedFrame {
                time,
                link_type: LinkType::Ethernet,
                wire_length_bytes: u32::try_from(length).unwrap_or(u32::MAX),
                bytes: frame,
            },
            &mut Nothing,
        );
    }
    pipeline.finish(&mut Nothing);
    assert_eq!(
        pipeline.counters().panics_caught,
        0,
        "the pipeline panicked"
    );
    // Fragments may wait for others; streams and parsers end with their flows.
    let held = pipeline.engine.shared_bytes();
    assert_eq!(held, 0, "bytes were not given back");
}
