//! What is kept of one message (section 3).

use super::{
    header::FixedHeader,
    reader::{bytes, properties, text},
};
use crate::app_layer::{limits, reader::Reader};

/// Types of messages (section 2.1.2).
pub(super) mod kind {
    pub(in super::super) const CONNECT: u8 = 1;
    pub(in super::super) const CONNACK: u8 = 2;
    pub(in super::super) const PUBLISH: u8 = 3;
    pub(in super::super) const PUBACK: u8 = 4;
    pub(in super::super) const PUBREC: u8 = 5;
    pub(in super::super) const PUBREL: u8 = 6;
    pub(in super::super) const PUBCOMP: u8 = 7;
    pub(in super::super) const SUBSCRIBE: u8 = 8;
    pub(in super::super) const SUBACK: u8 = 9;
    pub(in super::super) const UNSUBSCRIBE: u8 = 10;
    pub(in super::super) const UNSUBACK: u8 = 11;
    pub(in super::super) const DISCONNECT: u8 = 14;
    pub(in super::super) const AUTH: u8 = 15;
}

/// Flags of CONNECT (section 3.1.2.3).
mod flag {
    pub(super) const USER_NAME: u8 = 0x80;
    pub(super) const PASSWORD: u8 = 0x40;
    pub(super) const WILL: u8 = 0x04;
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MqttMessage {
    pub(super) header: FixedHeader,
    pub(super) content: Content,
}

/// What follows the fixed header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Connect(Connect),
    ConnectAcknowledgment {
        has_session: bool,
        reason: u8,
    },
    Publish {
        message_id: Option<u16>,
        topic: Vec<u8>,
        message: Vec<u8>,
    },
    /// Of SUBSCRIBE and UNSUBSCRIBE.
    Topics {
        message_id: u16,
        topics: Vec<Vec<u8>>,
    },
    /// Of every acknowledgment of a message that has an identifier.
    Acknowledgment {
        message_id: u16,
        reasons: Vec<u8>,
    },
    /// Of DISCONNECT and AUTH.
    Reason(u8),
    /// Nothing, or more than is kept.
    Nothing,
}

/// What is kept of CONNECT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Connect {
    pub(super) version: u8,
    pub(super) flags: u8,
    pub(super) client_id: Vec<u8>,
    pub(super) will_topic: Option<Vec<u8>>,
    pub(super) will_message: Option<Vec<u8>>,
    pub(super) user_name: Option<Vec<u8>>,
    pub(super) password: Option<Vec<u8>>,
}

/// Reads what follows a fixed header, in a version of the protocol; `None` where it is malformed.
pub(super) fn content(header: &FixedHeader, rest: &[u8], version: u8) -> Option<Content> {
    let mut reader = Reader::new(rest);
    Some(match header.kind {
        kind::CONNECT => Content::Connect(connect(&mut reader)?),
        kind::CONNACK => {
            let has_session = reader.u8()? & 1 != 0;
            let reason = reader.u8()?;
            properties(&mut reader, version)?;
            Content::ConnectAcknowledgment {
                has_session,
                reason,
            }
        }
        kind::PUBLISH => publish(&mut reader, header.quality, version)?,
        kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP => {
            let message_id = reader.u16()?;
            // A reason of 0 and properties that are none may be left out.
            let reasons = match rest.len() {
                _ if version < 5 => Vec::new(),
                2 => vec![0],
                length => {
                    let reason = reader.u8()?;
                    if length > 3 {
                        properties(&mut reader, version)?;
                    }
                    vec![reason]
                }
            };
            Content::Acknowledgment {
                message_id,
                reasons,
            }
        }
        kind::SUBSCRIBE | kind::UNSUBSCRIBE => topics(&mut reader, header.kind, version)?,
        kind::SUBACK | kind::UNSUBACK => {
            let message_id = reader.u16()?;
            properties(&mut reader, version)?;
            Content::Acknowledgment {
                message_id,
                reasons: reader.rest().to_vec(),
            }
        }
        kind::DISCONNECT if version < 5 => Content::Nothing,
        // As in the reference, a reason without properties is not read.
        kind::DISCONNECT if rest.len() < 2 => Content::Reason(0),
        kind::DISCONNECT => {
            let reason = reader.u8()?;
            properties(&mut reader, version)?;
            Content::Reason(reason)
        }
        kind::AUTH => {
            let reason = reader.u8()?;
            // Only version 5 has this message.
            properties(&mut reader, 5)?;
            Content::Reason(reason)
        }
        _ => Content::Nothing,
    })
}

fn connect(reader: &mut Reader<'_>) -> Option<Connect> {
    reader.prefixed_u16()?;
    let version = reader.u8()?;
    let flags = reader.u8()?;
    // Seconds after which the client is heard again.
    reader.u16()?;
    properties(reader, version)?;
    let client_id = text(reader)?;
    let has = |flag: u8| flags & flag != 0;
    let mut connect = Connect {
        version,
        flags,
        client_id,
        ..Connect::default()
    };
    if has(flag::WILL) {
        properties(reader, version)?;
        connect.will_topic = Some(text(reader)?);
        connect.will_message = Some(bytes(reader)?);
    }
    if has(flag::USER_NAME) {
        connect.user_name = Some(text(reader)?);
    }
    if has(flag::PASSWORD) {
        connect.password = Some(bytes(reader)?);
    }
    Some(connect)
}

fn publish(reader: &mut Reader<'_>, quality: u8, version: u8) -> Option<Content> {
    let topic = text(reader)?;
    let message_id = if quality > 0 {
        Some(reader.u16()?)
    } else {
        None
    };
    properties(reader, version)?;
    Some(Content::Publish {
        message_id,
        topic,
        message: reader.rest().to_vec(),
    })
}

fn topics(reader: &mut Reader<'_>, kind: u8, version: u8) -> Option<Content> {
    let message_id = reader.u16()?;
    properties(reader, version)?;
    let mut topics = Vec::new();
    // As in the reference, an empty one ends what rules see of them.
    let mut are_shown = true;
    let mut is_any = false;
    while let Some(topic) = text(reader) {
        // In SUBSCRIBE the quality of service that is asked for stands behind.
        if kind == kind::SUBSCRIBE && reader.u8().is_none() {
            break;
        }
        is_any = true;
        are_shown &= !topic.is_empty() && topics.len() < limits::MQTT_TOPICS_MAX;
        if are_shown {
            topics.push(topic);
        }
    }
    (kind == kind::UNSUBSCRIBE || is_any).then_some(Content::Topics { message_id, topics })
}

impl MqttMessage {
    /// Its reason codes.
    pub(super) fn reasons(&self) -> &[u8] {
        match &self.content {
            Content::ConnectAcknowledgment { reason, .. } | Content::Reason(reason) => {
                std::slice::from_ref(reason)
            }
            Content::Acknowledgment { reasons, .. } => reasons,
            _ => &[],
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        let further = match &self.content {
            Content::Connect(connect) => {
                let optional = [
                    &connect.will_topic,
                    &connect.will_message,
                    &connect.user_name,
                    &connect.password,
                ];
                connect.client_id.capacity()
                    + optional
                        .into_iter()
                        .flatten()
                        .map(Vec::capacity)
                        .sum::<usize>()
            }
            Content::Publish { topic, message, .. } => topic.capacity() + message.capacity(),
            Content::Topics { topics, .. } => topics
                .iter()
                .map(|topic| size_of::<Vec<u8>>() + topic.capacity())
                .sum(),
            Content::Acknowledgment { reasons, .. } => reasons.capacity(),
            Content::ConnectAcknowledgment { .. } | Content::Reason(_) | Content::Nothing => 0,
        };
        size_of::<Self>() + further
    }
}
