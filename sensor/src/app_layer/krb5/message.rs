//! One message: its type, its names, how its ticket is encrypted (RFC 4120, section 5).
//!
//! Names are those of the server's messages; each part is looked at by itself. What a message holds beyond the caps is passed over.

use der_parser::asn1_rs::{Class, FromDer, Header};
use kerberos_parser::{
    krb5::{EncryptionType, KdcRep, KrbError, PrincipalName},
    krb5_parser,
};
use lapwing_rules::model::{Buffer, HeaderField};

use crate::app_layer::{TransactionField, limits, messages};

const AS_REQUEST: u32 = 10;
const AS_REPLY: u32 = 11;
const TGS_REQUEST: u32 = 12;
const TGS_REPLY: u32 = 13;
const ERROR: u32 = 30;

/// What is kept of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app_layer) struct KerberosMessage {
    kind: u32,
    client: Vec<String>,
    service: Vec<String>,
    error_code: Option<i32>,
    ticket_encryption: Option<i32>,
    /// A reply whose encrypted part uses an algorithm that is weak or outdated.
    pub(super) is_weakly_encrypted: bool,
}

/// What a record is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A message that rules may ask about.
    Message(KerberosMessage),
    /// Another kind of message, or one that cannot be read further.
    Passed,
    /// No ASN.1 element.
    Malformed,
}

/// Reads a message.
pub(super) fn read(bytes: &[u8]) -> Read {
    let Ok((_, header)) = Header::from_der(bytes) else {
        return Read::Malformed;
    };
    if header.class() != Class::Application {
        return Read::Passed;
    }
    let message = match header.tag().0 {
        AS_REQUEST => krb5_parser::parse_as_req(bytes)
            .ok()
            .map(|_| of_request(AS_REQUEST)),
        TGS_REQUEST => krb5_parser::parse_tgs_req(bytes)
            .ok()
            .map(|_| of_request(TGS_REQUEST)),
        AS_REPLY => krb5_parser::parse_as_rep(bytes)
            .ok()
            .map(|(_, reply)| of_reply(AS_REPLY, reply)),
        TGS_REPLY => krb5_parser::parse_tgs_rep(bytes)
            .ok()
            .map(|(_, reply)| of_reply(TGS_REPLY, reply)),
        ERROR => KrbError::from_der(bytes)
            .ok()
            .map(|(_, error)| KerberosMessage {
                kind: ERROR,
                client: parts(error.cname),
                service: parts(Some(error.sname)),
                error_code: Some(error.error_code.0),
                ..KerberosMessage::default()
            }),
        _ => None,
    };
    message.map_or(Read::Passed, Read::Message)
}

/// Rules ask for the type of a request only.
fn of_request(kind: u32) -> KerberosMessage {
    KerberosMessage {
        kind,
        ..KerberosMessage::default()
    }
}

fn of_reply(kind: u32, reply: KdcRep<'_>) -> KerberosMessage {
    KerberosMessage {
        kind,
        client: parts(Some(reply.cname)),
        service: parts(Some(reply.ticket.sname)),
        error_code: None,
        ticket_encryption: Some(reply.ticket.enc_part.etype.0),
        is_weakly_encrypted: is_weak(reply.enc_part.etype),
    }
}

fn parts(name: Option<PrincipalName>) -> Vec<String> {
    let mut parts = name.map(|name| name.name_string).unwrap_or_default();
    parts.truncate(limits::KERBEROS_NAME_PARTS_MAX);
    parts
}

/// All but AES and Camellia is weak or outdated (RFC 6649, RFC 8429).
fn is_weak(encryption: EncryptionType) -> bool {
    !matches!(
        encryption,
        EncryptionType::AES128_CTS_HMAC_SHA1_96
            | EncryptionType::AES256_CTS_HMAC_SHA1_96
            | EncryptionType::AES128_CTS_HMAC_SHA256_128
            | EncryptionType::AES256_CTS_HMAC_SHA384_192
            | EncryptionType::CAMELLIA128_CTS_CMAC
            | EncryptionType::CAMELLIA256_CTS_CMAC
    )
}

impl messages::Message for KerberosMessage {
    fn buffer(&self, buffer: Buffer, index: usize) -> Option<&[u8]> {
        let parts = match buffer {
            Buffer::Krb5Cname => &self.client,
            Buffer::Krb5Sname => &self.service,
            _ => return None,
        };
        parts.get(index).map(String::as_bytes)
    }

    fn field(&self, field: TransactionField, index: usize) -> Option<u64> {
        // Signed numbers stand as their 32 bits.
        let signed = |number: Option<i32>| number.map(|number| u64::from(number.cast_unsigned()));
        match field {
            _ if index > 0 => None,
            HeaderField::Krb5MessageType => Some(u64::from(self.kind)),
            HeaderField::Krb5ErrorCode => signed(self.error_code),
            HeaderField::Krb5TicketEncryption => signed(self.ticket_encryption),
            _ => None,
        }
    }

    fn held_bytes(&self) -> usize {
        let all = self.client.iter().chain(&self.service);
        all.map(|part| part.capacity() + size_of::<String>()).sum()
    }
}
