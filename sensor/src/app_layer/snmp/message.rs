//! One message: version, community or user, type of the PDU.

use lapwing_rules::model::{Buffer, HeaderField};
use snmp_parser::{
    ScopedPduData, SecurityParameters, SnmpGenericMessage, SnmpMessage, SnmpV3Message,
    asn1_rs::FromBer,
};

use crate::app_layer::{TransactionField, messages};

/// What is kept of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app_layer) struct SnmpMessageFacts {
    /// 1, 2 or 3.
    pub(super) version: u32,
    community: Option<String>,
    /// The user of the user-based security model.
    user: Option<String>,
    /// `None` where it is encrypted.
    pdu_type: Option<u32>,
    /// Version 3 with a security model other than the user-based one.
    pub(super) has_unknown_security_model: bool,
}

/// Reads a message.
pub(super) fn read(bytes: &[u8]) -> Option<SnmpMessageFacts> {
    let (_, message) = SnmpGenericMessage::from_ber(bytes).ok()?;
    Some(match message {
        SnmpGenericMessage::V1(message) | SnmpGenericMessage::V2(message) => community(message),
        SnmpGenericMessage::V3(message) => user(message),
    })
}

fn community(message: SnmpMessage<'_>) -> SnmpMessageFacts {
    SnmpMessageFacts {
        version: message.version.saturating_add(1),
        pdu_type: Some(message.pdu.pdu_type().0),
        community: Some(message.community),
        ..SnmpMessageFacts::default()
    }
}

fn user(message: SnmpV3Message<'_>) -> SnmpMessageFacts {
    let user = match message.security_params {
        SecurityParameters::USM(parameters) => Some(parameters.msg_user_name),
        SecurityParameters::Raw(_) => None,
    };
    SnmpMessageFacts {
        version: message.version,
        pdu_type: match message.data {
            ScopedPduData::Plaintext(scoped) => Some(scoped.data.pdu_type().0),
            ScopedPduData::Encrypted(_) => None,
        },
        has_unknown_security_model: user.is_none(),
        user,
        community: None,
    }
}

impl messages::Message for SnmpMessageFacts {
    fn buffer(&self, buffer: Buffer, index: usize) -> Option<&[u8]> {
        let text = match buffer {
            _ if index > 0 => None,
            Buffer::SnmpCommunity => self.community.as_deref(),
            Buffer::SnmpUsm => self.user.as_deref(),
            _ => None,
        };
        text.map(str::as_bytes)
    }

    fn field(&self, field: TransactionField, index: usize) -> Option<u64> {
        match field {
            _ if index > 0 => None,
            HeaderField::SnmpVersion => Some(u64::from(self.version)),
            HeaderField::SnmpPduType => self.pdu_type.map(u64::from),
            _ => None,
        }
    }

    fn held_bytes(&self) -> usize {
        let texts = [&self.community, &self.user];
        texts
            .into_iter()
            .flatten()
            .map(String::capacity)
            .sum::<usize>()
    }
}
