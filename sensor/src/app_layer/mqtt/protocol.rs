//! Which message belongs to which transaction, and the frames of messages.

use lapwing_rules::model::{AppProtocol, Frame};

use super::{
    header::{self, FixedHeader, Parsed},
    message::{self, Content, MqttMessage, kind},
    transaction::{Awaited, MqttTransaction},
};
use crate::{
    app_layer::{
        Feed, limits,
        messages::{Cut, MessageFrames, MessageProtocol},
        transactions::Transactions,
    },
    direction::Direction,
};

/// MQTT of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct MqttProtocol {
    /// The version that the newest CONNECT asked for.
    version: u8,
    /// The server has answered a CONNECT.
    is_connected: bool,
    /// Transactions that were never closed, those among them that are held no longer.
    open: usize,
}

/// What becomes of a message.
enum Place {
    /// It is a transaction by itself, which is open while something is awaited.
    New(Option<Awaited>),
    /// It answers the open transaction that awaits it, and perhaps is the last answer.
    Answer {
        awaited: Awaited,
        is_last: bool,
        /// What is told where there is no such transaction.
        event_if_missing: &'static str,
    },
}

fn place(message: &MqttMessage) -> Place {
    let kind = message.header.kind;
    match &message.content {
        Content::Connect(_) => Place::New(Some(Awaited::Connection)),
        Content::ConnectAcknowledgment { .. } => Place::Answer {
            awaited: Awaited::Connection,
            is_last: true,
            event_if_missing: "missing_connect",
        },
        Content::Publish { message_id, .. } => {
            Place::New(match (message.header.quality, message_id) {
                (1 | 2, Some(id)) => Some(Awaited::Message(*id)),
                (3, _) => Some(Awaited::Nothing),
                _ => None,
            })
        }
        Content::Topics { message_id, .. } => Place::New(match message.header.quality {
            0 => None,
            3 => Some(Awaited::Nothing),
            _ => Some(Awaited::Message(*message_id)),
        }),
        Content::Acknowledgment { message_id, .. } => Place::Answer {
            awaited: Awaited::Message(*message_id),
            is_last: !matches!(kind, kind::PUBREC | kind::PUBREL),
            event_if_missing: match kind {
                kind::SUBACK => "missing_subscribe",
                kind::UNSUBACK => "missing_unsubscribe",
                _ => "missing_publish",
            },
        },
        Content::Reason(_) | Content::Nothing => Place::New(None),
    }
}

impl MqttProtocol {
    fn take(
        &mut self,
        direction: Direction,
        message: MqttMessage,
        transactions: &mut Transactions<MqttTransaction>,
    ) {
        let kind = message.header.kind;
        let was_connected = self.is_connected;
        if let Content::Connect(connect) = &message.content {
            self.version = connect.version;
            for transaction in transactions.iter_mut() {
                transaction.version = connect.version;
            }
        }
        let place = if message.header.is_long() {
            Place::New(None)
        } else {
            place(&message)
        };
        // Of a message that is too long to be kept the reference does not know who sent it.
        let told_in = if message.header.is_long() {
            Direction::ToClient
        } else {
            direction
        };
        let mut new = MqttTransaction::new(told_in, self.version);
        match place {
            Place::Answer {
                awaited,
                is_last,
                event_if_missing,
            } => {
                let open = transactions
                    .iter_mut()
                    .find(|transaction| transaction.awaited == Some(awaited));
                if kind == kind::CONNACK && open.is_some() {
                    self.is_connected = true;
                }
                match open {
                    Some(transaction) => {
                        transaction.messages.push(message);
                        if is_last {
                            transaction.awaited = None;
                            self.open = self.open.saturating_sub(1);
                        }
                        return;
                    }
                    None => new.events.add(event_if_missing),
                }
            }
            Place::New(awaited) => new.awaited = awaited,
        }
        match kind {
            _ if message.header.is_long() => {}
            kind::CONNECT if was_connected => new.events.add("double_connect"),
            kind::CONNECT | kind::CONNACK => {}
            _ if !was_connected => new.events.add("unintroduced_message"),
            _ => {}
        }
        if kind == 0 {
            new.events.add("unassigned_msg_type");
        }
        if new.awaited == Some(Awaited::Nothing) {
            new.events.add("invalid_qos_level");
        }
        new.messages.push(message);
        self.open += usize::from(new.awaited.is_some());
        transactions.push(new);
        if self.open > limits::MQTT_OPEN_TRANSACTIONS_MAX {
            self.close_oldest(transactions);
        }
    }

    /// With more open transactions than a connection may have, the oldest of them is open no longer.
    fn close_oldest(&mut self, transactions: &mut Transactions<MqttTransaction>) {
        let oldest = transactions
            .iter_mut()
            .find(|transaction| transaction.awaited.is_some());
        if let Some(oldest) = oldest {
            oldest.awaited = None;
            oldest.events.add("too_many_transactions");
            self.open -= 1;
        }
    }
}

impl MessageProtocol for MqttProtocol {
    type Transaction = MqttTransaction;

    const HAS_FRAMES: bool = true;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Mqtt
    }

    fn cut(&mut self, _: Direction, bytes: &[u8]) -> Cut {
        match header::parse(bytes) {
            Parsed::More => Cut::More,
            Parsed::Header(header) if header.is_long() => Cut::Long(header.message_bytes()),
            Parsed::Header(header) => Cut::Message(header.message_bytes()),
            // Malformed, which is told with what there is of it.
            Parsed::Invalid => Cut::Message(bytes.len()),
        }
    }

    fn message(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let parsed = match header::parse(bytes) {
            Parsed::Header(header) => read(header, bytes, self.version),
            Parsed::More | Parsed::Invalid => None,
        };
        let Some(message) = parsed else {
            let mut transaction = MqttTransaction::new(direction, self.version);
            transaction.events.add("malformed_traffic");
            transactions.push(transaction);
            return Feed::Stop;
        };
        self.take(direction, message, transactions);
        Feed::More
    }

    fn frames(&self, message: &[u8]) -> MessageFrames {
        let mut frames = MessageFrames::new();
        if let Parsed::Header(header) = header::parse(message) {
            let (middle, end) = (header.header_bytes, header.message_bytes());
            for (frame, place) in [
                (Frame::MqttPdu, 0..end),
                (Frame::MqttHeader, 0..middle),
                (Frame::MqttData, middle..end),
            ] {
                if !place.is_empty() {
                    frames.push((frame, place)).ok();
                }
            }
        }
        frames
    }
}

fn read(header: FixedHeader, bytes: &[u8], version: u8) -> Option<MqttMessage> {
    let content = if header.is_long() {
        Content::Nothing
    } else {
        let rest = bytes.get(header.header_bytes..header.message_bytes())?;
        message::content(&header, rest, version)?
    };
    Some(MqttMessage { header, content })
}
