//! The parser of a flow: made once the protocol is known, given the bytes in order, and replaced behind an upgrade.

use lapwing_rules::model::{AppProtocol, Frame};

use super::{
    AppLayer, FeedContext, Identification, StreamFrames, Transport,
    held::{Held, Waiting},
};
use crate::{
    app_layer::{Feed, registry},
    direction::Direction,
};

impl AppLayer {
    pub(super) fn adopt(&mut self, context: &FeedContext, protocol: AppProtocol) {
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

    pub(super) fn deliver(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
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

    /// Hands on what waited for the identification: the held bytes, then the gap behind them.
    pub(super) fn deliver_held(&mut self, direction: Direction) -> Feed {
        let side = &mut self.sides[direction.index()];
        let Waiting {
            bytes,
            missing_bytes,
        } = side.held.take();
        let mut feed = Feed::More;
        if !bytes.is_empty() || missing_bytes == 0 {
            feed = self.deliver(direction, &bytes);
        }
        if missing_bytes > 0 && feed == Feed::More {
            feed = self.gap_to_parser(direction, missing_bytes);
        }
        feed
    }

    pub(super) fn gap_to_parser(&mut self, direction: Direction, missing_bytes: u64) -> Feed {
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
    pub(super) fn start_over(&mut self, context: &FeedContext) {
        self.upgrade_due = false;
        self.before_upgrade = self.protocol;
        self.parser_fed = false;
        self.first_bytes_from = None;
        self.sides = Default::default();
        let mut successor = None;
        if let Some(mut parser) = self.parser.take() {
            successor = parser.successor();
            self.upgraded_request = parser.upgraded_request().map(Box::new);
            for direction in Direction::BOTH {
                self.sides[direction.index()].held = Held::of(parser.take_unread(direction));
            }
        }
        self.expected = match self.before_upgrade {
            Some(AppProtocol::Smtp | AppProtocol::Ftp | AppProtocol::Pgsql | AppProtocol::Ldap) => {
                Some(AppProtocol::Tls)
            }
            _ => self.upgraded_request.as_ref().map(|_| AppProtocol::Http2),
        };
        if let Some(protocol) = successor {
            self.adopt(context, protocol);
            for direction in Direction::BOTH {
                self.decide(direction, Identification::Identified(protocol));
                if !self.sides[direction.index()].held.bytes().is_empty() {
                    self.deliver_held(direction);
                }
            }
        }
    }
}
