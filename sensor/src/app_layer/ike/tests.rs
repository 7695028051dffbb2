//! Messages by hand (RFC 2408, section 3; RFC 7296, section 3).

use lapwing_rules::model::AppProtocol;

use crate::{
    app_layer::{Transport, testing},
    direction::Direction::{self, ToClient, ToServer},
};

const INITIATOR: u64 = 0x0123_4567_89ab_cdef;

fn message(next_payload: u8, version: u8, exchange: u8, flags: u8, payloads: &[u8]) -> Vec<u8> {
    let length = u32::try_from(28 + payloads.len()).unwrap();
    let fixed = [next_payload, version, exchange, flags, 0, 0, 0, 0];
    [
        &INITIATOR.to_be_bytes()[..],
        &1_u64.to_be_bytes(),
        &fixed,
        &length.to_be_bytes(),
        payloads,
    ]
    .concat()
}

/// A payload, a proposal or a transform behind its generic header.
fn payload(next: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(4 + content.len()).unwrap().to_be_bytes();
    [&[next, 0][..], &length, &content].concat()
}

fn told(direction: Direction, message: &[u8]) -> String {
    let parser = testing::parser(AppProtocol::Ike, Transport::Udp);
    testing::told_of(parser, &[(direction, message)]).join("|")
}

#[test]
fn version_1_shows_what_is_not_encrypted() {
    let transform = payload(
        0,
        &[b"\x01\x01\0\0\x80\x01\0\x07\x80\x02\0\x02\x80\x01\0\x05\0\x0c\0\x04\0\x01\x51\x80\0\x0b\0\x01z"],
    );
    let proposal = payload(0, &[b"\x01\x01\0\x01", &transform]);
    let association = payload(10, &[b"\0\0\0\x01\0\0\0\x01", &proposal]);
    let nonce = payload(13, &[b"nonce"]);
    let vendor = payload(0, &[b"\xaf\xca"]);
    let payloads = [association, nonce, vendor].concat();
    let plain = message(1, 0x10, 2, 0, &payloads);
    let chosen = [(1_u64 << 32) + 7, (2 << 32) + 2, (12 << 32) + 86_400]
        .map(|number| number.to_string())
        .join(",");
    assert_eq!(
        told(ToClient, &plain),
        format!(
            "<IkeExchangeType=2 <IkeChosenAttribute={chosen} <IkeNonceLength=5 <ike.init_spi=0123456789abcdef \
             <ike.resp_spi=0000000000000001 <ike.vendor=afca <ike.nonce_payload=nonce"
        )
    );
    assert!(!told(ToServer, &plain).contains("Chosen"));
    assert_eq!(
        told(ToServer, &message(1, 0x10, 2, 1, &payloads)),
        ">IkeExchangeType=2 >ike.init_spi=0123456789abcdef >ike.resp_spi=0000000000000001"
    );
}

/// A message of version 2 with one proposal: protocol and transforms as type and number.
fn proposing(protocol: u8, transforms: &[(u8, u8)]) -> Vec<u8> {
    let mut content = Vec::new();
    for (at, (kind, number)) in transforms.iter().enumerate() {
        let more = if at + 1 < transforms.len() { 3 } else { 0 };
        content.extend(payload(more, &[&[*kind, 0, 0, *number]]));
    }
    let count = u8::try_from(transforms.len()).unwrap();
    let proposal = payload(0, &[&[1, protocol, 0, count], &content]);
    message(33, 0x20, 34, 0x20, &payload(0, &[&proposal]))
}

#[test]
fn version_2_tells_what_is_weak() {
    let events = |protocol: u8, transforms: &[(u8, u8)]| {
        let told = told(ToServer, &proposing(protocol, transforms));
        let words = told.split(' ').filter(|word| word.starts_with('!'));
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(events(1, &[(1, 12), (2, 5), (3, 12), (4, 14)]), "");
    assert_eq!(events(1, &[(1, 20), (2, 5), (4, 19)]), "");
    assert_eq!(
        events(1, &[(1, 3), (2, 1), (3, 1), (4, 2)]),
        "!weak_crypto_enc !weak_crypto_prf !weak_crypto_auth !weak_crypto_dh"
    );
    assert_eq!(
        events(2, &[(1, 12), (2, 5), (9, 1)]),
        "!unknown_proposal !weak_crypto_no_dh !no_encryption !weak_crypto_no_auth"
    );
    assert_eq!(events(1, &[(1, 12), (3, 12), (4, 0)]), "!invalid_proposal");
}

#[test]
fn version_2_shows_what_the_responder_chooses() {
    let chosen = told(
        ToClient,
        &proposing(1, &[(1, 12), (2, 5), (3, 12), (4, 14)]),
    );
    let numbers = [
        (1_u64 << 32) + 12,
        (13 << 32) + 5,
        (3 << 32) + 12,
        (4 << 32) + 14,
    ]
    .map(|number| number.to_string())
    .join(",");
    assert!(
        chosen.contains(&format!("<IkeChosenAttribute={numbers} ")),
        "{chosen}"
    );
}

#[test]
fn other_versions_and_short_messages_are_none() {
    assert_eq!(told(ToServer, &message(1, 0x30, 2, 0, b"")), "");
    assert_eq!(told(ToServer, &message(1, 0x10, 2, 0, b"")[..27]), "");
}

#[test]
fn a_malformed_payload_of_version_1_takes_the_message_with_it() {
    let with = |payload: &[u8]| told(ToServer, &message(1, 0x10, 2, 0, payload));
    assert_ne!(with(b"\0\0\0\x0c\0\0\0\x01\0\0\0\x01"), "");
    assert_ne!(with(b"\0\0\0\xff\0\0\0\x01"), "", "it runs over the end");
    assert_eq!(with(b"\0\0\0\x03"), "");
    assert_eq!(with(b"\0\0\0\x08\0\0\0\x01"), "", "no situation");
}
