//! What rules ask of one message, read by `ldap-parser`.

use ldap_parser::{
    FromBer as _,
    ldap::{AuthenticationChoice, LdapMessage, ProtocolOp, ResultCode},
};

use super::framing;
use crate::app_layer::limits;

/// The request for TLS (RFC 4511, section 4.14.1).
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) number: u32,
    pub(super) body: Body,
}

/// What a message is.
#[derive(Debug)]
pub(super) enum Body {
    Request(Request),
    Response(Response),
}

/// A request.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The number of the operation's tag.
    pub(super) operation: u8,
    /// The distinguished name that it is about; those that can have none have `None`.
    pub(super) name: Option<Vec<u8>>,
    /// Attributes that it names.
    pub(super) attributes: Vec<Vec<u8>>,
    pub(super) asks_for_tls: bool,
    /// It binds by SASL, behind which the connection may be encrypted in a way of its own.
    pub(super) binds_by_sasl: bool,
}

/// A response.
#[derive(Debug, Default)]
pub(super) struct Response {
    /// The number of the operation's tag.
    pub(super) operation: u8,
    pub(super) result: Option<u32>,
    pub(super) name: Vec<u8>,
    pub(super) text: Vec<u8>,
    /// Attributes of an entry.
    pub(super) attributes: Vec<Vec<u8>>,
}

/// Numbers of operations that are asked about beside their names (RFC 4511, section 4.1.1).
pub(super) mod operation {
    pub(in super::super) const BIND_RESPONSE: u8 = 1;
    pub(in super::super) const UNBIND: u8 = 2;
    pub(in super::super) const SEARCH_ENTRY: u8 = 4;
    pub(in super::super) const ABANDON: u8 = 16;
    pub(in super::super) const SEARCH_REFERENCE: u8 = 19;
    pub(in super::super) const EXTENDED_RESPONSE: u8 = 24;
    pub(in super::super) const INTERMEDIATE: u8 = 25;
}

impl Request {
    /// Whether no response follows.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.operation, operation::UNBIND | operation::ABANDON)
    }
}

impl Response {
    /// Whether no further response to the same request follows.
    pub(super) fn is_last(&self) -> bool {
        !matches!(
            self.operation,
            operation::SEARCH_ENTRY | operation::SEARCH_REFERENCE | operation::INTERMEDIATE
        )
    }

    pub(super) fn is_success(&self) -> bool {
        self.result == Some(ResultCode::Success.0)
    }
}

/// Reads the first message of `bytes`; gives it with the bytes behind it.
pub(super) fn read(bytes: &[u8]) -> Option<(Message, &[u8])> {
    if !framing::begins_message(bytes) {
        return None;
    }
    let (rest, message) = LdapMessage::from_ber(bytes).ok()?;
    let operation = &message.protocol_op;
    let body = match request(operation) {
        Some(request) => Body::Request(request),
        None => Body::Response(response(operation)),
    };
    let number = message.message_id.0;
    Some((Message { number, body }, rest))
}

/// What is known of a message that is too long to be kept: its number and operation.
pub(super) fn of_beginning(bytes: &[u8]) -> Option<Message> {
    let (number, operation) = framing::identity(bytes)?;
    let is_request = matches!(operation, 0 | 2 | 3 | 6 | 8 | 10 | 12 | 14 | 16 | 23);
    let body = if is_request {
        Body::Request(Request {
            operation,
            ..Request::default()
        })
    } else {
        Body::Response(Response {
            operation,
            ..Response::default()
        })
    };
    Some(Message { number, body })
}

/// The request that an operation is; nothing where it is a response.
fn request(operation: &ProtocolOp<'_>) -> Option<Request> {
    let (name, attributes): (Option<&str>, Vec<&str>) = match operation {
        ProtocolOp::BindRequest(bind) => (Some(&bind.name.0), Vec::new()),
        ProtocolOp::SearchRequest(search) => (
            Some(&search.base_object.0),
            search.attributes.iter().map(|name| &*name.0).collect(),
        ),
        ProtocolOp::ModifyRequest(modify) => (
            Some(&modify.object.0),
            modify
                .changes
                .iter()
                .map(|change| &*change.modification.attr_type.0)
                .collect(),
        ),
        ProtocolOp::AddRequest(add) => (
            Some(&add.entry.0),
            add.attributes
                .iter()
                .map(|attribute| &*attribute.attr_type.0)
                .collect(),
        ),
        ProtocolOp::DelRequest(name) => (Some(&name.0), Vec::new()),
        ProtocolOp::ModDnRequest(rename) => (Some(&rename.entry.0), Vec::new()),
        ProtocolOp::CompareRequest(compare) => {
            (Some(&compare.entry.0), vec![&*compare.ava.attribute_desc.0])
        }
        ProtocolOp::UnbindRequest
        | ProtocolOp::AbandonRequest(_)
        | ProtocolOp::ExtendedRequest(_) => (None, Vec::new()),
        _ => return None,
    };
    Some(Request {
        operation: tag(operation),
        name: name.map(text),
        attributes: texts(attributes),
        asks_for_tls: matches!(operation, ProtocolOp::ExtendedRequest(extended) if extended.request_name.0 == START_TLS),
        binds_by_sasl: matches!(operation, ProtocolOp::BindRequest(bind) if matches!(bind.authentication, AuthenticationChoice::Sasl(_))),
    })
}

fn response(operation: &ProtocolOp<'_>) -> Response {
    let mut response = Response {
        operation: tag(operation),
        ..Response::default()
    };
    if let ProtocolOp::SearchResultEntry(entry) = operation {
        response.name = text(&entry.object_name.0);
        let names = entry
            .attributes
            .iter()
            .map(|attribute| &*attribute.attr_type.0);
        response.attributes = texts(names);
    }
    if let Some(result) = operation.result() {
        response.result = Some(result.result_code.0);
        response.name = text(&result.matched_dn.0);
        response.text = text(&result.diagnostic_message.0);
    }
    response
}

fn tag(operation: &ProtocolOp<'_>) -> u8 {
    u8::try_from(operation.tag().0).unwrap_or(u8::MAX)
}

fn text(text: &str) -> Vec<u8> {
    let kept = text.len().min(limits::LDAP_TEXT_BYTES_MAX);
    text.as_bytes()[..kept].to_vec()
}

fn texts<'t>(names: impl IntoIterator<Item = &'t str>) -> Vec<Vec<u8>> {
    let names = names.into_iter().take(limits::LDAP_TEXTS_MAX);
    names.map(text).collect()
}
