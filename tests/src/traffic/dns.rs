//! DNS messages (RFC 1035): one question, and an answer to it.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::datagram;
use super::field_u16;
use super::network::Route;
use super::trace::Trace;

const LIFETIME_SECONDS: u32 = 300;

/// What the name server says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The name has this address.
    Address(IpAddr),
    /// The name has this text (a TXT record).
    Text(String),
    /// There is no such name.
    NoSuchName,
    /// The query is never answered.
    Silence,
}

impl Answer {
    fn record_type(&self) -> u16 {
        match self {
            Self::Address(IpAddr::V6(_)) => 28,
            Self::Text(_) => 16,
            Self::Address(IpAddr::V4(_)) | Self::NoSuchName | Self::Silence => 1,
        }
    }
}

/// The query for `name` that `answer` would satisfy.
///
/// # Panics
/// When a label of the name is empty or longer than 63 bytes.
#[must_use]
pub fn query(identifier: u16, name: &str, answer: &Answer) -> Vec<u8> {
    message(identifier, 0x0100, name, answer, 0)
}

/// The response, or nothing when the server stays silent.
///
/// # Panics
/// As [`query`].
#[must_use]
pub fn response(identifier: u16, name: &str, answer: &Answer) -> Option<Vec<u8>> {
    let data = match answer {
        Answer::Address(IpAddr::V4(address)) => address.octets().to_vec(),
        Answer::Address(IpAddr::V6(address)) => address.octets().to_vec(),
        Answer::Text(text) => {
            let length = u8::try_from(text.len())
                .expect("a text record of one string holds at most 255 bytes");
            [&[length], text.as_bytes()].concat()
        }
        Answer::NoSuchName => return Some(message(identifier, 0x8183, name, answer, 0)),
        Answer::Silence => return None,
    };
    let mut bytes = message(identifier, 0x8180, name, answer, 1);
    // The name as a pointer to the question (section 4.1.4), then type, class, lifetime, data.
    bytes.extend_from_slice(&[0xc0, 0x0c]);
    bytes.extend_from_slice(&answer.record_type().to_be_bytes());
    bytes.extend_from_slice(&1_u16.to_be_bytes());
    bytes.extend_from_slice(&LIFETIME_SECONDS.to_be_bytes());
    bytes.extend_from_slice(&field_u16(data.len()).to_be_bytes());
    bytes.extend_from_slice(&data);
    Some(bytes)
}

/// A message as it stands on a TCP connection: with its length in front (section 4.2.2).
#[must_use]
pub fn over_tcp(message: &[u8]) -> Vec<u8> {
    [&field_u16(message.len()).to_be_bytes(), message].concat()
}

/// Adds a lookup over UDP: the query and, if there is one, the response 12 ms later.
pub fn lookup(
    trace: &mut Trace,
    route: &Route,
    client: SocketAddr,
    server: SocketAddr,
    name: &str,
    answer: &Answer,
) {
    let identifier = client.port() ^ 0x5a5a;
    datagram::send_udp(
        trace,
        route,
        client,
        server,
        &query(identifier, name, answer),
    );
    trace.pause_nanoseconds(12_000_000);
    if let Some(message) = response(identifier, name, answer) {
        datagram::send_udp(trace, route, server, client, &message);
    }
}

fn message(identifier: u16, flags: u16, name: &str, answer: &Answer, answers: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [identifier, flags, 1, answers, 0, 0] {
        bytes.extend_from_slice(&field.to_be_bytes());
    }
    for label in name.split('.') {
        assert!(
            !label.is_empty() && label.len() <= 63,
            "{name:?} has a label of {} bytes",
            label.len()
        );
        bytes.push(u8::try_from(label.len()).expect("at most 63"));
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend_from_slice(&answer.record_type().to_be_bytes());
    bytes.extend_from_slice(&1_u16.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_bytes_of_the_rfc() {
        let answer = Answer::Address("192.0.2.7".parse().unwrap());
        let bytes = response(0x1234, "a.example", &answer).unwrap();
        let expected = [
            &[0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0][..],
            b"\x01a\x07example\x00\x00\x01\x00\x01",
            &[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 7],
        ]
        .concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn silence_has_no_response() {
        assert_eq!(response(1, "a.example", &Answer::Silence), None);
    }
}
