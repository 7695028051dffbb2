//! TLS handshakes as an observer sees them (RFC 8446): a ClientHello with its server name, a ServerHello, and records
//! whose content nobody can read. No key is agreed; the encrypted part is noise of the right shape.

use super::entropy::Entropy;
use super::field_u16;
use super::tcp::{Conversation, Side};

const HANDSHAKE: u8 = 22;
const CHANGE_CIPHER_SPEC: u8 = 20;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// The largest plaintext of a record (section 5.1).
const RECORD_BYTES: usize = 16_384;
const CIPHER_SUITES: [u16; 5] = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f];

/// The ClientHello for a server name, as one record.
#[must_use]
pub fn client_hello(server_name: &str, entropy: &mut Entropy) -> Vec<u8> {
    record(
        HANDSHAKE,
        &client_hello_message(server_name, b"\x08http/1.1", entropy),
    )
}

/// The ClientHello for a server name and application protocols, each behind its length.
#[must_use]
pub fn client_hello_message(server_name: &str, protocols: &[u8], entropy: &mut Entropy) -> Vec<u8> {
    let name = server_name.as_bytes();
    let host_entry = [&[0][..], &field_u16(name.len()).to_be_bytes(), name].concat();
    let extensions = [
        extension(0, &with_length(&host_entry)),
        // Groups X25519 and secp256r1, one signature algorithm, ALPN, TLS 1.3 and 1.2, one key share.
        extension(10, &with_length(&[0, 0x1d, 0, 0x17])),
        extension(13, &with_length(&[0x04, 0x03, 0x08, 0x04])),
        extension(16, &with_length(protocols)),
        extension(43, &[4, 0x03, 0x04, 0x03, 0x03]),
        extension(
            51,
            &with_length(&[&[0, 0x1d, 0, 32][..], &entropy.bytes(32)].concat()),
        ),
    ]
    .concat();
    let suites: Vec<u8> = CIPHER_SUITES
        .iter()
        .flat_map(|suite| suite.to_be_bytes())
        .collect();
    let body = [
        &[0x03, 0x03][..],
        &entropy.bytes(32),
        &[32],
        &entropy.bytes(32),
        &with_length(&suites),
        &[1, 0],
        &with_length(&extensions),
    ]
    .concat();
    handshake(CLIENT_HELLO, &body)
}

/// The ServerHello that accepts TLS 1.3, as one record.
#[must_use]
pub fn server_hello(entropy: &mut Entropy) -> Vec<u8> {
    record(HANDSHAKE, &server_hello_message(entropy))
}

/// The ServerHello that accepts TLS 1.3.
#[must_use]
pub fn server_hello_message(entropy: &mut Entropy) -> Vec<u8> {
    let extensions = [
        extension(43, &[0x03, 0x04]),
        extension(51, &[&[0, 0x1d, 0, 32][..], &entropy.bytes(32)].concat()),
    ]
    .concat();
    let body = [
        &[0x03, 0x03][..],
        &entropy.bytes(32),
        &[32],
        &entropy.bytes(32),
        &CIPHER_SUITES[0].to_be_bytes(),
        &[0],
        &with_length(&extensions),
    ]
    .concat();
    handshake(SERVER_HELLO, &body)
}

/// Encrypted records over `bytes` bytes of content.
#[must_use]
pub fn application_data(bytes: usize, entropy: &mut Entropy) -> Vec<u8> {
    entropy
        .bytes(bytes)
        .chunks(RECORD_BYTES)
        .flat_map(|chunk| record(APPLICATION_DATA, chunk))
        .collect()
}

/// A whole visit to a server: handshake, a request, an answer of `answer_bytes`, orderly end.
pub fn visit(
    conversation: &mut Conversation<'_>,
    server_name: &str,
    answer_bytes: usize,
    entropy: &mut Entropy,
) {
    let change_cipher_spec = record(CHANGE_CIPHER_SPEC, &[1]);
    conversation.open();
    conversation.send(Side::Client, &client_hello(server_name, entropy));
    // Encrypted extensions, certificate, verification and finish are about 3 kB of noise to an observer.
    let flight = [
        server_hello(entropy),
        change_cipher_spec.clone(),
        application_data(3_000, entropy),
    ]
    .concat();
    conversation.send(Side::Server, &flight);
    conversation.send(
        Side::Client,
        &[change_cipher_spec, application_data(64, entropy)].concat(),
    );
    conversation.send(Side::Client, &application_data(420, entropy));
    conversation.send(Side::Server, &application_data(answer_bytes, entropy));
    conversation.close();
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [
        &[kind, 0x03, 0x03][..],
        &field_u16(content.len()).to_be_bytes(),
        content,
    ]
    .concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &field_u16(body.len()).to_be_bytes(), body].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &with_length(content)].concat()
}

fn with_length(content: &[u8]) -> Vec<u8> {
    [&field_u16(content.len()).to_be_bytes()[..], content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_a_client_hello_agree() {
        let bytes = client_hello("www.example", &mut Entropy::new(7));
        let record_length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let body_length = usize::from(u16::from_be_bytes([bytes[7], bytes[8]]));
        assert_eq!(record_length, bytes.len() - 5);
        assert_eq!(body_length, bytes.len() - 9);
        assert!(bytes.windows(11).any(|window| window == b"www.example"));
    }
}
