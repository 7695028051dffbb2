//! The ways in which a flow ends: its time is over, there is no room for it, its ends begin anew, nothing more comes, or handling
//! it panicked.

use crate::{
    decode::{Packet, PacketOrigin},
    direction::Direction,
    flow::{FlowEntry, Slot},
    stream::{StreamConsumer, TcpState, Tools},
};

use super::{
    AlertSink, Inspector,
    app_consumer::AppConsumer,
    end_packet::end_packet,
    engine::Engine,
    flow_packet::turned_round,
    settings::{CONNECTION_BYTES, FLOW_BYTES, PIECES_SLACK_DIVISOR},
};

impl<I: Inspector> Engine<I> {
    /// What flows, streams and parsers take now.
    pub(super) fn shared_bytes(&self) -> usize {
        let in_pieces = self.budget.used_bytes() + self.app_layer_bytes;
        self.flows.len() * FLOW_BYTES
            + self.connections * CONNECTION_BYTES
            + in_pieces
            + in_pieces / PIECES_SLACK_DIVISOR
    }

    /// The flow that has to go, as long as memory is short.
    pub(super) fn flow_to_give_up(&self) -> Option<Slot> {
        if self.app_layer_bytes > self.app_layer_bytes_max {
            self.flows.least_valuable_with_parser()
        } else if self.flows.is_full() || self.shared_bytes() > self.shared_bytes_max {
            self.flows.least_valuable()
        } else {
            None
        }
    }

    pub(super) fn end_what_timed_out(&mut self, sink: &mut impl AlertSink) {
        while let Some(slot) = self.flows.timed_out(self.now) {
            self.counters.flow.timed_out += 1;
            self.end_flow(slot, sink);
        }
    }

    /// Ends a flow: what is left in its streams and transactions is inspected, one pass a direction.
    pub(super) fn end_flow(&mut self, slot: Slot, sink: &mut impl AlertSink) {
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
        let is_due = Direction::BOTH.map(|direction| is_judged_at_end(&entry, direction));
        let transactions_before = transactions_end(&entry);
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
            let has_more =
                entry.connection.is_some() && transactions_end(&entry) > transactions_before;
            let mut is_pending = is_due[direction.index()] || has_more;
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

    /// Handling a packet panicked: its flow goes, with everything it holds.
    pub(super) fn drop_flow_in_hand(&mut self) {
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

/// Whether rules are judged once more in a direction at the end of a flow, as in the reference: not of datagrams; of a connection
/// that was not closed; and of one that was where a transaction is not done.
fn is_judged_at_end(entry: &FlowEntry, direction: Direction) -> bool {
    let Some((connection, parser)) = entry.connection.as_ref().zip(entry.flow.app.parser()) else {
        return false;
    };
    connection.state() != TcpState::Closed
        || parser.transactions().any(|number| {
            parser.transaction(number).is_some() && !entry.flow.detection.is_done(number, direction)
        })
}

fn transactions_end(entry: &FlowEntry) -> u64 {
    let parser = entry.flow.app.parser();
    parser.map_or(0, |parser| parser.transactions().end)
}
