//! The application layer of one flow: identifies each direction, then hands its bytes to the protocol's parser.

use std::net::IpAddr;

use lapwing_rules::model::{AppProtocol, Frame, FrameSet};

use super::{
    DigestSet, ExpectedTransfer, Feed, FrameId, FrameLog, Parser, ParserSet, UpgradedRequest,
    ftp::FtpDataParser,
    identify::{self, Verdict},
    limits, registry,
};
use crate::{direction::Direction, time::Timestamp};

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A stream per direction.
    Tcp,
    /// Datagrams: each feed is one.
    Udp,
}

/// What is known of the flow when bytes are fed.
#[derive(Clone, Copy, Debug)]
pub struct FeedContext {
    /// Who opened the flow: some protocols name addresses in what they say.
    pub client_address: IpAddr,
    /// Whom it was opened to.
    pub server_address: IpAddr,
    /// Who is the client was guessed: what is said may tell otherwise.
    pub may_be_reversed: bool,
    /// The client's port: a hint for identification.
    pub client_port: u16,
    /// The server's port: a hint for identification.
    pub server_port: u16,
    /// What carries the bytes.
    pub transport: Transport,
    /// Time of the packet that completed them.
    pub time: Timestamp,
    /// The frames that rules ask for.
    pub frames: FrameSet,
    /// The parsers that may start.
    pub parsers: ParserSet,
    /// The digests of files that rules ask for.
    pub digests: DigestSet,
}

impl FeedContext {
    /// The same with client and server exchanged, which is known for certain then.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            client_address: self.server_address,
            server_address: self.client_address,
            client_port: self.server_port,
            server_port: self.client_port,
            may_be_reversed: false,
            ..*self
        }
    }
}

/// How far the identification of one direction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Identification {
    /// No bytes yet, or too few to tell.
    #[default]
    Undecided,
    /// By its own content.
    Identified(AppProtocol),
    /// Not by its own content; what it is parsed as, if at all, is what the other direction was identified as.
    Failed,
}

#[derive(Debug, Default)]
struct Side {
    identification: Identification,
    /// Bytes that no parser has seen yet.
    held: Vec<u8>,
    /// No pattern and no probe can take the held bytes.
    exhausted: bool,
    /// The parser wants no more of this direction.
    stopped: bool,
    /// It began with a gap, or went on with one before it was identified: its content will not be looked at.
    has_gap: bool,
    /// Bytes missing behind the held ones.
    missing_bytes: u64,
    /// Identified or given up, and no packet of this direction came since.
    decision_due: bool,
    /// The packet in hand is the first of this direction since it was identified or given up.
    decided_before: bool,
}

/// The frame that every protocol on TCP has: all that a direction's parser was given.
#[derive(Debug, Default)]
struct StreamFrames {
    log: FrameLog,
    ids: [Option<FrameId>; 2],
}

/// What the application layer keeps of one flow.
#[derive(Debug, Default)]
pub struct AppLayer {
    sides: [Side; 2],
    protocol: Option<AppProtocol>,
    /// The protocol spoken before an upgrade, told again if what follows is not understood.
    before_upgrade: Option<AppProtocol>,
    parser: Option<Box<dyn Parser>>,
    stream_frames: Option<Box<StreamFrames>>,
    /// What must follow an upgrade, until it is seen.
    expected: Option<AppProtocol>,
    upgrade_due: bool,
    /// The request that asked for an upgrade, until the parser behind it is made.
    upgraded_request: Option<Box<UpgradedRequest>>,
    failed: bool,
    /// The parser failed with the packet in hand: its frames go with the next one.
    parser_failed: bool,
    first_bytes_from: Option<Direction>,
    parser_fed: bool,
    /// Client and server changed places with the bytes fed last.
    is_reversed: bool,
    /// At most [`limits::FLOW_EVENTS_MAX`]; nearly no flow has any.
    events: Vec<&'static str>,
}

impl AppLayer {
    /// The parser, once the protocol is known.
    #[must_use]
    pub fn parser(&self) -> Option<&dyn Parser> {
        self.parser.as_deref()
    }

    /// The parser, once the protocol is known.
    pub fn parser_mut(&mut self) -> Option<&mut Box<dyn Parser>> {
        self.parser.as_mut()
    }

    /// The flow's protocol, also where it is only named and not parsed.
    #[must_use]
    pub fn protocol(&self) -> Option<AppProtocol> {
        self.protocol
    }

    /// How far the identification of a direction has come.
    #[must_use]
    pub fn identification(&self, direction: Direction) -> Identification {
        self.sides[direction.index()].identification
    }

    /// Whether this packet is the first of its direction behind the end of that direction's identification.
    #[must_use]
    pub fn decided_before(&self, direction: Direction) -> bool {
        self.sides[direction.index()].decided_before
    }

    /// Whether the packet in hand, or one before it with none of its direction since, ended that direction's identification.
    #[must_use]
    pub fn is_newly_decided(&self, direction: Direction) -> bool {
        self.sides[direction.index()].decision_due
    }

    /// Whether identification was given up for the flow: nothing will be parsed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.failed
    }

    /// Events of identification during this packet, by the reference's full names (`app-layer-event`).
    #[must_use]
    pub fn events(&self) -> &[&'static str] {
        &self.events
    }

    /// Bytes held, for the memory budget.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.sides
            .iter()
            .map(|side| side.held.capacity())
            .sum::<usize>()
            + self.parser.as_ref().map_or(0, |parser| parser.held_bytes())
            + self.frame_logs().map(FrameLog::held_bytes).sum::<usize>()
    }

    /// The frames of the flow: those of its parser, and those of its streams.
    pub fn frame_logs(&self) -> impl Iterator<Item = &FrameLog> {
        let of_parser = self.parser.as_ref().and_then(|parser| parser.frames());
        let of_streams = self.stream_frames.as_ref().map(|frames| &frames.log);
        of_streams.into_iter().chain(of_parser)
    }

    fn frame_logs_mut(&mut self) -> impl Iterator<Item = &mut FrameLog> {
        let of_parser = self.parser.as_mut().and_then(|parser| parser.frames_mut());
        let of_streams = self.stream_frames.as_mut().map(|frames| &mut frames.log);
        of_streams.into_iter().chain(of_parser)
    }

    /// The frames that were due in a direction have been inspected. Gives how many were given up before, for want of room.
    pub fn frames_inspected(&mut self, direction: Direction, at_end: bool) -> u64 {
        self.frame_logs_mut()
            .map(|log| {
                log.inspected(direction, at_end);
                log.take_dropped()
            })
            .sum()
    }

    /// Whether the protocol handed the connection over and nothing of the next one was read yet: what is left is to be inspected
    /// now, as its parser goes with the next bytes.
    #[must_use]
    pub fn hands_over(&self) -> bool {
        self.upgrade_due
    }

    /// Whether nothing was said yet, so that what the flow carries may still be told by another one.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.first_bytes_from.is_none() && self.protocol.is_none() && !self.failed
    }

    /// Another connection announced this one: it is not identified by its content.
    pub fn expect_ftp_data(
        &mut self,
        transfer: ExpectedTransfer,
        is_active: bool,
        digests: DigestSet,
    ) {
        self.protocol = Some(AppProtocol::FtpData);
        self.parser = Some(Box::new(FtpDataParser::new(transfer, is_active, digests)));
        for direction in Direction::BOTH {
            self.decide(direction, Identification::Identified(AppProtocol::FtpData));
        }
    }

    /// Forgets what was news to the packet before. To be called once for each packet of the flow, with its direction; with
    /// none for what is left at the flow's end.
    pub fn begin_packet(&mut self, direction: Option<Direction>) {
        self.events.clear();
        if std::mem::take(&mut self.parser_failed) {
            self.stream_frames = None;
            if let Some(log) = self.parser.as_mut().and_then(|parser| parser.frames_mut()) {
                for direction in Direction::BOTH {
                    log.clear(direction);
                }
            }
        }
        for side in &mut self.sides {
            side.decided_before = false;
        }
        if let Some(direction) = direction {
            let side = &mut self.sides[direction.index()];
            side.decided_before = std::mem::take(&mut side.decision_due);
        }
    }

    /// Takes the next bytes of a direction, in order.
    pub fn feed(&mut self, context: &FeedContext, direction: Direction, bytes: &[u8]) -> Feed {
        if self.upgrade_due {
            self.start_over();
        }
        if self.failed || self.sides[direction.index()].stopped {
            return Feed::Stop;
        }
        if !bytes.is_empty() && self.first_bytes_from.is_none() {
            self.first_bytes_from = Some(direction);
        }
        match context.transport {
            Transport::Tcp => self.feed_stream(context, direction, bytes),
            Transport::Udp => self.feed_datagram(context, direction, bytes),
        }
    }

    /// `missing_bytes` of a direction were lost.
    pub fn gap(&mut self, direction: Direction, missing_bytes: u64) -> Feed {
        if self.failed || self.sides[direction.index()].stopped {
            return Feed::Stop;
        }
        let side = &mut self.sides[direction.index()];
        if side.identification == Identification::Undecided {
            // Without its beginning a direction is not identified; if the other one is, this one is parsed as that.
            side.has_gap = true;
            side.missing_bytes = side.missing_bytes.saturating_add(missing_bytes);
            if self.protocol.is_none() || !side.held.is_empty() {
                return Feed::More;
            }
            return self.deliver_held(direction);
        }
        self.gap_to_parser(direction, missing_bytes)
    }

    /// Whether a direction holds bytes that are too few to tell its protocol.
    #[must_use]
    pub fn awaits_more(&self, direction: Direction) -> bool {
        let side = &self.sides[direction.index()];
        side.identification == Identification::Undecided && !side.held.is_empty()
    }

    /// Nothing more comes in a direction.
    pub fn end(&mut self, direction: Direction) {
        if self.failed {
            return;
        }
        if let Some(parser) = self.parser.as_mut()
            && self.parser_fed
        {
            parser.end(direction);
        }
        if let Some(frames) = self.stream_frames.as_mut() {
            let id = frames.ids[direction.index()];
            frames.log.close(direction, id, &[]);
        }
    }

    fn feed_stream(&mut self, context: &FeedContext, direction: Direction, bytes: &[u8]) -> Feed {
        let side = &mut self.sides[direction.index()];
        let is_decided = side.identification != Identification::Undecided;
        if self.protocol.is_some() && (is_decided || side.has_gap && side.held.is_empty()) {
            if side.missing_bytes > 0 && self.deliver_held(direction) == Feed::Stop {
                return Feed::Stop;
            }
            return self.deliver(direction, bytes);
        }
        if side.has_gap {
            side.missing_bytes = side
                .missing_bytes
                .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            return Feed::More;
        }
        if side.held.len() + bytes.len() > limits::IDENTIFY_HELD_BYTES_MAX
            && (side.exhausted || side.held.len() >= limits::IDENTIFY_HELD_BYTES_MAX)
        {
            self.give_up();
            return Feed::Stop;
        }
        side.held.extend_from_slice(bytes);
        self.identify_stream(context, direction)
    }

    fn identify_stream(&mut self, context: &FeedContext, direction: Direction) -> Feed {
        let side = &self.sides[direction.index()];
        let other = self.identified(direction.opposite());
        let verdict = if side.exhausted {
            identify::identify_by_other(direction, other, &side.held)
        } else {
            identify::identify(context, direction, other, &side.held)
        };
        let is_identified = matches!(verdict, Verdict::Identified(_));
        if context.may_be_reversed && !is_identified && other.is_none() {
            let context = context.reversed();
            let direction = direction.opposite();
            if let Verdict::Identified(protocol) =
                identify::identify(&context, direction, None, &side.held)
            {
                self.reverse();
                return self.identified_stream(&context, direction, protocol);
            }
        }
        match verdict {
            Verdict::Identified(protocol) => self.identified_stream(context, direction, protocol),
            Verdict::Undecided => Feed::More,
            Verdict::Unknown => {
                self.tell_if_unexpected(None);
                self.sides[direction.index()].exhausted = true;
                self.unknown_stream(direction)
            }
        }
    }

    /// Who was taken for the client is the server.
    fn reverse(&mut self) {
        self.sides.swap(0, 1);
        self.first_bytes_from = self.first_bytes_from.map(Direction::opposite);
        self.is_reversed = true;
    }

    /// Whether client and server changed places with the bytes fed last.
    pub fn take_reversal(&mut self) -> bool {
        std::mem::take(&mut self.is_reversed)
    }

    fn identified_stream(
        &mut self,
        context: &FeedContext,
        direction: Direction,
        protocol: AppProtocol,
    ) -> Feed {
        self.tell_if_unexpected(Some(protocol));
        self.expected = None;
        let other = self.identified(direction.opposite());
        let mut chosen = protocol;
        if let Some(other) = other.filter(|&other| other != protocol) {
            self.event("applayer_mismatch_protocol_both_directions");
            if self.parser_fed {
                chosen = other;
            }
        }
        self.decide(direction, Identification::Identified(protocol));
        self.adopt(context, chosen);
        let opposite = direction.opposite();
        if self.first_bytes_from == Some(opposite) && !self.parser_fed {
            // What the other side said before goes to the parser first, if it may speak first at all.
            if registry::first_speaker(chosen).is_some_and(|first| first != opposite) {
                self.event("applayer_wrong_direction_first_data");
                self.give_up_keeping_protocol();
                return Feed::Stop;
            }
            if self.sides[opposite.index()].identification == Identification::Undecided {
                self.identify_stream(context, opposite);
            }
        }
        self.deliver_held(direction)
    }

    /// Something follows an upgrade; whether it is what must follow.
    fn tell_if_unexpected(&mut self, found: Option<AppProtocol>) {
        let Some(expected) = self.expected.filter(|expected| Some(*expected) != found) else {
            return;
        };
        self.event("applayer_unexpected_protocol");
        if expected == AppProtocol::Tls {
            self.event("applayer_no_tls_after_starttls");
        }
    }

    fn unknown_stream(&mut self, direction: Direction) -> Feed {
        let opposite = direction.opposite();
        match self.identified(opposite) {
            Some(protocol) => {
                if registry::first_speaker(protocol).is_some_and(|first| first != direction)
                    && !self.parser_fed
                {
                    self.give_up_keeping_protocol();
                    return Feed::Stop;
                }
                self.event("applayer_detect_protocol_only_one_direction");
                let feed = self.deliver_held(direction);
                if feed == Feed::Stop {
                    // The parser refused it: nobody is told of a decision, and the other direction's word stands.
                    self.sides[direction.index()].identification =
                        Identification::Identified(protocol);
                } else {
                    self.decide(direction, Identification::Failed);
                }
                feed
            }
            None if self.sides[opposite.index()].exhausted => {
                self.give_up();
                Feed::Stop
            }
            None => Feed::More,
        }
    }

    fn feed_datagram(&mut self, context: &FeedContext, direction: Direction, bytes: &[u8]) -> Feed {
        let mut direction = direction;
        let side = &self.sides[direction.index()];
        if side.identification == Identification::Undecided && !side.exhausted {
            let opposite = direction.opposite();
            let other = self.identified(opposite);
            // As in the reference the other direction's packets tell the protocol once more.
            self.sides[opposite.index()].decision_due = true;
            match identify::identify(context, direction, other, bytes) {
                Verdict::Identified(protocol) => {
                    if other.is_none() && identify::goes_the_other_way(protocol, direction, bytes) {
                        self.reverse();
                        direction = opposite;
                    }
                    self.decide(direction, Identification::Identified(protocol));
                    match other {
                        Some(other) if other != protocol => {
                            self.event("applayer_mismatch_protocol_both_directions");
                        }
                        Some(_) => {}
                        None => self.adopt(context, protocol),
                    }
                }
                Verdict::Undecided | Verdict::Unknown => {
                    // Of datagrams, what one direction was identified as holds for both.
                    let identification =
                        other.map_or(Identification::Failed, Identification::Identified);
                    self.decide(direction, identification);
                    self.sides[direction.index()].exhausted = true;
                    if other.is_none() && self.sides[opposite.index()].exhausted {
                        self.give_up();
                        return Feed::Stop;
                    }
                }
            }
        }
        if self.protocol.is_none() {
            return Feed::More;
        }
        self.deliver(direction, bytes)
    }

    fn identified(&self, direction: Direction) -> Option<AppProtocol> {
        match self.sides[direction.index()].identification {
            Identification::Identified(protocol) => Some(protocol),
            Identification::Undecided | Identification::Failed => None,
        }
    }

    fn adopt(&mut self, context: &FeedContext, protocol: AppProtocol) {
        if self.protocol != Some(protocol) || self.parser.is_none() {
            self.protocol = Some(protocol);
            self.parser = match self.upgraded_request.take() {
                _ if !context.parsers.contains(protocol) => None,
                Some(request) if protocol == AppProtocol::Http2 => {
                    Some(registry::parser_behind_upgrade(&request))
                }
                _ => registry::parser_for(protocol, context),
            };
            if let Some(parser) = &mut self.parser {
                parser.want_digests(context.digests);
                if let Some(log) = parser.frames_mut() {
                    log.want(context.frames);
                }
            }
            if context.transport == Transport::Tcp && context.frames.contains(Frame::Stream) {
                let mut frames = StreamFrames::default();
                frames.log.want(context.frames);
                self.stream_frames = Some(Box::new(frames));
            }
        }
    }

    fn decide(&mut self, direction: Direction, identification: Identification) {
        let side = &mut self.sides[direction.index()];
        side.identification = identification;
        side.decision_due = true;
    }

    /// Hands on what waited for the identification: the held bytes, then the gap behind them.
    fn deliver_held(&mut self, direction: Direction) -> Feed {
        let side = &mut self.sides[direction.index()];
        let held = std::mem::take(&mut side.held);
        let missing_bytes = std::mem::take(&mut side.missing_bytes);
        let mut feed = Feed::More;
        if !held.is_empty() || missing_bytes == 0 {
            feed = self.deliver(direction, &held);
        }
        if missing_bytes > 0 && feed == Feed::More {
            feed = self.gap_to_parser(direction, missing_bytes);
        }
        feed
    }

    fn gap_to_parser(&mut self, direction: Direction, missing_bytes: u64) -> Feed {
        for log in self.frame_logs_mut() {
            log.gap(direction, missing_bytes);
        }
        match self.parser.as_mut() {
            Some(parser) => {
                let feed = parser.gap(direction, missing_bytes);
                self.after_parser(direction, feed)
            }
            None => Feed::Stop,
        }
    }

    fn deliver(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        for log in self.frame_logs_mut() {
            log.fed(direction, bytes);
        }
        if let Some(frames) = self.stream_frames.as_mut()
            && !bytes.is_empty()
        {
            let StreamFrames { log, ids } = &mut **frames;
            let id = &mut ids[direction.index()];
            if id.is_none() {
                *id = log.open(direction, Frame::Stream, bytes, None);
            }
        }
        match self.parser.as_mut() {
            Some(parser) => {
                self.parser_fed = true;
                let feed = parser.feed(direction, bytes);
                self.after_parser(direction, feed)
            }
            None => {
                self.sides[direction.index()].stopped = true;
                Feed::Stop
            }
        }
    }

    fn after_parser(&mut self, direction: Direction, feed: Feed) -> Feed {
        match feed {
            Feed::More => {}
            Feed::Stop => self.sides[direction.index()].stopped = true,
            Feed::Fail => {
                self.give_up_keeping_protocol();
                self.parser_failed = true;
                return Feed::Stop;
            }
            Feed::Upgrade => {
                self.upgrade_due = true;
            }
        }
        feed
    }

    /// The protocol handed the connection over: identify what follows. The old parser stood until now, so that
    /// detection could see its last transactions.
    fn start_over(&mut self) {
        self.upgrade_due = false;
        self.before_upgrade = self.protocol;
        self.parser_fed = false;
        self.first_bytes_from = None;
        self.sides = Default::default();
        if let Some(mut parser) = self.parser.take() {
            self.upgraded_request = parser.upgraded_request().map(Box::new);
            for direction in Direction::BOTH {
                self.sides[direction.index()].held = parser.take_unread(direction);
            }
        }
        self.expected = match self.before_upgrade {
            Some(AppProtocol::Smtp | AppProtocol::Ftp | AppProtocol::Pgsql) => {
                Some(AppProtocol::Tls)
            }
            _ => self.upgraded_request.as_ref().map(|_| AppProtocol::Http2),
        };
    }

    fn give_up(&mut self) {
        self.protocol = self.before_upgrade;
        self.give_up_keeping_protocol();
    }

    fn give_up_keeping_protocol(&mut self) {
        self.failed = true;
        for direction in Direction::BOTH {
            if self.sides[direction.index()].identification == Identification::Undecided {
                self.decide(direction, Identification::Failed);
            }
            self.sides[direction.index()].held = Vec::new();
        }
    }

    fn event(&mut self, name: &'static str) {
        // A full list keeps the oldest: four events of one packet say enough.
        if self.events.len() < limits::FLOW_EVENTS_MAX && !self.events.contains(&name) {
            self.events.push(name);
        }
    }
}
