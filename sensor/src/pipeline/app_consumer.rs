//! From the bytes of a flow to its application layer.

use lapwing_rules::model::{AppProtocol, FrameSet};

use crate::{
    app_layer::{AppLayer, DigestSet, Feed, FeedContext, ParserSet, Transport as Carrier},
    direction::Direction,
    flow::Flow,
    stream::StreamConsumer,
    time::Timestamp,
};

/// Hands a flow's bytes to its application layer, and notes when something became complete by them.
pub(super) struct AppConsumer<'a> {
    app: &'a mut AppLayer,
    context: FeedContext,
    triggered: [bool; 2],
    /// The bytes before showed that client and server have to change places.
    is_reversed: bool,
    /// It was told something.
    pub(super) was_fed: bool,
}

impl<'a> AppConsumer<'a> {
    pub(super) fn new(
        flow: &'a mut Flow,
        time: Timestamp,
        (frames, parsers, digests): (FrameSet, ParserSet, DigestSet),
    ) -> Self {
        Self {
            context: FeedContext {
                client_address: flow.client,
                server_address: flow.server,
                may_be_reversed: false,
                client_port: flow.client_port,
                server_port: flow.server_port,
                transport: if flow.protocol == 17 {
                    Carrier::Udp
                } else {
                    Carrier::Tcp
                },
                time,
                frames,
                parsers,
                digests,
            },
            app: &mut flow.app,
            triggered: [false; 2],
            is_reversed: false,
            was_fed: false,
        }
    }

    /// Says whether who is the client was guessed: then what is said may tell otherwise.
    pub(super) fn set_may_be_reversed(&mut self, may_be_reversed: bool) {
        self.context.may_be_reversed = may_be_reversed;
    }

    /// A datagram that carried nothing.
    pub(super) fn empty_datagram(&mut self, direction: Direction) {
        self.app.empty_datagram(direction);
    }

    /// Directions in which a transaction became complete: their streams are inspected without waiting for a chunk.
    pub(super) fn triggered(&self) -> impl Iterator<Item = Direction> {
        let triggered = self.triggered;
        Direction::BOTH
            .into_iter()
            .filter(move |direction| triggered[direction.index()])
    }

    /// Whether the bytes so far are worth a raw inspection of their own, as the reference's parsers have it.
    fn is_raw_due(&self, direction: Direction) -> bool {
        match self.app.protocol() {
            Some(AppProtocol::Tls | AppProtocol::Pgsql) => true,
            Some(AppProtocol::Http1 | AppProtocol::Dns | AppProtocol::Dcerpc) => {
                self.newest_is_complete(direction)
            }
            _ => false,
        }
    }

    fn newest_is_complete(&self, direction: Direction) -> bool {
        self.app.parser().is_some_and(|parser| {
            let newest = parser.transactions().end.checked_sub(1);
            newest
                .and_then(|number| parser.transaction(number))
                .is_some_and(|transaction| transaction.is_complete(direction))
        })
    }
}

impl StreamConsumer for AppConsumer<'_> {
    fn bytes(&mut self, direction: Direction, bytes: &[u8]) -> bool {
        self.was_fed = true;
        let goes_on = self.app.feed(&self.context, direction, bytes) != Feed::Stop;
        let mut direction = direction;
        if self.app.take_reversal() {
            self.context = self.context.reversed();
            self.is_reversed = true;
            direction = direction.opposite();
        }
        self.triggered[direction.index()] |= self.is_raw_due(direction);
        goes_on
    }

    fn gap(&mut self, direction: Direction, missing_bytes: u64) -> bool {
        self.was_fed = true;
        self.app.gap(direction, missing_bytes) != Feed::Stop
    }

    fn awaits_more(&self, direction: Direction) -> bool {
        self.app.awaits_more(direction)
    }

    fn take_reversal(&mut self) -> bool {
        std::mem::take(&mut self.is_reversed)
    }

    fn end(&mut self, direction: Direction) {
        self.was_fed = true;
        self.app.end(direction);
    }
}
