//! The application layer of one flow: identifies each direction, then hands its bytes to the protocol's parser.

mod context;
mod datagrams;
mod delivery;
mod held;
mod streams;

use lapwing_rules::model::AppProtocol;
use thin_vec::ThinVec;

use super::{
    DigestSet, ExpectedTransfer, Feed, FrameId, FrameLog, Parser, UpgradedRequest,
    ftp::FtpDataParser, limits,
};
use crate::direction::Direction;
use held::Held;

pub use context::{FeedContext, Identification, Transport};

#[derive(Debug, Default)]
struct Side {
    identification: Identification,
    /// What no parser has seen yet.
    held: Held,
    /// No pattern and no probe can take the held bytes.
    exhausted: bool,
    /// Its datagrams so far carried nothing.
    was_empty: bool,
    /// The parser wants no more of this direction.
    stopped: bool,
    /// It began with a gap, or went on with one before it was identified: its content will not be looked at.
    has_gap: bool,
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
    events: ThinVec<&'static str>,
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
            .map(|side| side.held.held_bytes())
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
            self.start_over(context);
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
            side.held.miss(missing_bytes);
            if self.protocol.is_none() || !side.held.bytes().is_empty() {
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
        side.identification == Identification::Undecided && !side.held.bytes().is_empty()
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

    /// Whether client and server changed places with the bytes fed last.
    pub fn take_reversal(&mut self) -> bool {
        std::mem::take(&mut self.is_reversed)
    }

    /// Who was taken for the client is the server.
    fn reverse(&mut self) {
        self.sides.swap(0, 1);
        self.first_bytes_from = self.first_bytes_from.map(Direction::opposite);
        self.is_reversed = true;
    }

    fn identified(&self, direction: Direction) -> Option<AppProtocol> {
        match self.sides[direction.index()].identification {
            Identification::Identified(protocol) => Some(protocol),
            Identification::Undecided | Identification::Failed => None,
        }
    }

    fn decide(&mut self, direction: Direction, identification: Identification) {
        let side = &mut self.sides[direction.index()];
        side.identification = identification;
        side.decision_due = true;
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
            self.sides[direction.index()].held.clear_bytes();
        }
    }

    fn event(&mut self, name: &'static str) {
        // A full list keeps the oldest: four events of one packet say enough.
        if self.events.len() < limits::FLOW_EVENTS_MAX && !self.events.contains(&name) {
            self.events.push(name);
        }
    }
}
