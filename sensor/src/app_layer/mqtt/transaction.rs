//! A message with those that answer it.

use lapwing_rules::model::{Buffer, HeaderField};

use super::message::{Connect, Content, MqttMessage};
use crate::{
    app_layer::{
        BufferView, FactKind, Transaction, TransactionField, messages::HeldTransaction,
        transactions::Events,
    },
    direction::Direction,
};

/// What an open transaction waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app_layer) enum Awaited {
    /// The answer to CONNECT.
    Connection,
    /// An acknowledgment of the message with this identifier.
    Message(u16),
    /// Nothing that could come.
    Nothing,
}

/// One exchange, told in the direction of its first message.
#[derive(Debug)]
pub(in crate::app_layer) struct MqttTransaction {
    direction: Direction,
    pub(super) messages: Vec<MqttMessage>,
    /// What it waits for, while it is open.
    pub(super) awaited: Option<Awaited>,
    /// The version that the connection speaks.
    pub(super) version: u8,
    is_ended: bool,
    pub(super) events: Events,
}

impl MqttTransaction {
    pub(super) fn new(direction: Direction, version: u8) -> Self {
        Self {
            direction,
            messages: Vec::new(),
            awaited: None,
            version,
            is_ended: false,
            events: Events::default(),
        }
    }

    fn contents(&self) -> impl Iterator<Item = &Content> {
        self.messages.iter().map(|message| &message.content)
    }

    fn connect(&self) -> Option<&Connect> {
        self.contents().find_map(|content| match content {
            Content::Connect(connect) => Some(connect),
            _ => None,
        })
    }

    fn topics(&self, of_kind: u8) -> impl Iterator<Item = &[u8]> {
        self.messages
            .iter()
            .filter(move |message| message.header.kind == of_kind)
            .flat_map(|message| match &message.content {
                Content::Topics { topics, .. } => topics.as_slice(),
                _ => &[],
            })
            .map(Vec::as_slice)
    }

    /// The topic and the message of PUBLISH.
    fn published(&self) -> Option<(&[u8], &[u8])> {
        self.contents().find_map(|content| match content {
            Content::Publish { topic, message, .. } => Some((&topic[..], &message[..])),
            _ => None,
        })
    }
}

impl Transaction for MqttTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if direction != self.direction {
            return BufferView::Absent;
        }
        let of_connect = |part: fn(&Connect) -> Option<&Vec<u8>>| {
            self.connect().and_then(part).map(Vec::as_slice)
        };
        let is_multiple = matches!(
            buffer,
            Buffer::MqttSubscribeTopic | Buffer::MqttUnsubscribeTopic
        );
        if is_multiple && self.awaited.is_some() && !self.is_ended {
            return BufferView::Pending;
        }
        let bytes = match buffer {
            Buffer::MqttSubscribeTopic if self.awaited.is_none() => {
                self.topics(super::message::kind::SUBSCRIBE).nth(index)
            }
            Buffer::MqttUnsubscribeTopic if self.awaited.is_none() => {
                self.topics(super::message::kind::UNSUBSCRIBE).nth(index)
            }
            _ if index > 0 => None,
            Buffer::MqttClientId => of_connect(|connect| Some(&connect.client_id)),
            Buffer::MqttUserName => of_connect(|connect| connect.user_name.as_ref()),
            Buffer::MqttPassword => of_connect(|connect| connect.password.as_ref()),
            Buffer::MqttWillTopic => of_connect(|connect| connect.will_topic.as_ref()),
            Buffer::MqttWillMessage => of_connect(|connect| connect.will_message.as_ref()),
            Buffer::MqttPublishTopic => self.published().map(|(topic, _)| topic),
            Buffer::MqttPublishMessage if direction == Direction::ToServer => {
                self.published().map(|(_, message)| message)
            }
            _ => None,
        };
        bytes
            .filter(|bytes| is_multiple || !bytes.is_empty())
            .map_or(BufferView::Absent, BufferView::Complete)
    }

    fn is_scan_due(&self, _: Buffer, _: Direction) -> bool {
        self.awaited.is_none()
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        if direction != self.direction || self.awaited.is_some() {
            return None;
        }
        let to_server = direction == Direction::ToServer;
        let message = self.messages.get(index);
        let number = match field {
            HeaderField::MqttType => message.map(|message| message.header.kind),
            HeaderField::MqttReasonCode => self
                .messages
                .iter()
                .flat_map(MqttMessage::reasons)
                .nth(index)
                .copied(),
            HeaderField::MqttSessionPresent if !to_server && index == 0 => {
                self.contents().find_map(|content| match content {
                    Content::ConnectAcknowledgment { has_session, .. } => {
                        Some(u8::from(*has_session))
                    }
                    _ => None,
                })
            }
            HeaderField::MqttFlags if to_server => message.map(|message| {
                u8::from(message.header.is_duplicate) << 1 | u8::from(message.header.is_retained)
            }),
            HeaderField::MqttQos if to_server => message.map(|message| message.header.quality),
            HeaderField::MqttProtocolVersion if to_server && index == 0 => Some(self.version),
            HeaderField::MqttConnectFlags if to_server && index == 0 => {
                self.connect().map(|connect| connect.flags)
            }
            _ => None,
        };
        number.map(u64::from)
    }

    fn only_direction(&self) -> Option<Direction> {
        Some(self.direction)
    }

    fn progress(&self, _: Direction) -> u32 {
        u32::from(self.awaited.is_none())
    }

    fn is_complete(&self, _: Direction) -> bool {
        self.awaited.is_none() || self.is_ended
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, _: &mut Vec<(FactKind, Vec<u8>)>) {}
}

impl HeldTransaction for MqttTransaction {
    fn finish(&mut self, direction: Direction) {
        self.is_ended |= direction == self.direction;
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self
                .messages
                .iter()
                .map(MqttMessage::held_bytes)
                .sum::<usize>()
    }
}
