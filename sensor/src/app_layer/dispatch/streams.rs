//! Identification of streams: what each direction says first is held until it is known, or known to be nothing.

use lapwing_rules::model::AppProtocol;

use super::{AppLayer, FeedContext, Identification};
use crate::{
    app_layer::{
        Feed,
        identify::{self, Verdict},
        limits, registry,
    },
    direction::Direction,
};

impl AppLayer {
    pub(super) fn feed_stream(
        &mut self,
        context: &FeedContext,
        direction: Direction,
        bytes: &[u8],
    ) -> Feed {
        let side = &mut self.sides[direction.index()];
        let is_decided = side.identification != Identification::Undecided;
        if self.protocol.is_some() && (is_decided || side.has_gap && side.held.bytes().is_empty()) {
            if side.held.missing_bytes() > 0 && self.deliver_held(direction) == Feed::Stop {
                return Feed::Stop;
            }
            return self.deliver(direction, bytes);
        }
        if side.has_gap {
            side.held
                .miss(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            return Feed::More;
        }
        let held_bytes = side.held.bytes().len();
        if held_bytes + bytes.len() > limits::IDENTIFY_HELD_BYTES_MAX
            && (side.exhausted || held_bytes >= limits::IDENTIFY_HELD_BYTES_MAX)
        {
            self.give_up();
            return Feed::Stop;
        }
        side.held.append(bytes);
        self.identify_stream(context, direction)
    }

    fn identify_stream(&mut self, context: &FeedContext, direction: Direction) -> Feed {
        let side = &self.sides[direction.index()];
        let other = self.identified(direction.opposite());
        let verdict = if side.exhausted {
            identify::identify_by_other(direction, other, side.held.bytes())
        } else {
            identify::identify(context, direction, other, side.held.bytes())
        };
        let is_identified = matches!(verdict, Verdict::Identified(_));
        if context.may_be_reversed && !is_identified && other.is_none() {
            let context = context.reversed();
            let direction = direction.opposite();
            if let Verdict::Identified(protocol) =
                identify::identify(&context, direction, None, side.held.bytes())
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
                let feed = self.deliver_held(direction);
                if self.failed {
                    // The whole flow was given up with it: nobody is told anything.
                    let side = &mut self.sides[direction.index()];
                    side.identification = Identification::Identified(protocol);
                    side.decision_due = false;
                    return feed;
                }
                self.event("applayer_detect_protocol_only_one_direction");
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
}
