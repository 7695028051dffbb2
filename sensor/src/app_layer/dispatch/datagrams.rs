//! Identification of datagrams: each stands for itself.

use super::{AppLayer, FeedContext, Identification};
use crate::{
    app_layer::{
        Feed,
        identify::{self, Verdict},
    },
    direction::Direction,
};

impl AppLayer {
    /// A datagram without bytes: identification comes to nothing with it, as in the reference. There that is the end of it; here
    /// bytes that follow are looked at all the same, so that an empty datagram hides nothing.
    pub fn empty_datagram(&mut self, direction: Direction) {
        if self.sides[direction.index()].identification != Identification::Undecided {
            return;
        }
        let opposite = direction.opposite();
        let identification = self
            .identified(opposite)
            .map_or(Identification::Failed, Identification::Identified);
        self.sides[opposite.index()].decision_due = true;
        self.decide(direction, identification);
        self.sides[direction.index()].was_empty = true;
    }

    pub(super) fn feed_datagram(
        &mut self,
        context: &FeedContext,
        direction: Direction,
        bytes: &[u8],
    ) -> Feed {
        let mut direction = direction;
        if std::mem::take(&mut self.sides[direction.index()].was_empty) {
            self.sides[direction.index()].identification = Identification::Undecided;
        }
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
}
