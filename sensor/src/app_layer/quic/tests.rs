//! Packets of the RFCs, and packets by hand: a version whose keys nobody knows shows its frames in the clear.

use lapwing_rules::model::AppProtocol;
use proptest::prelude::*;

use super::{
    crypto_stream::CryptoStream, frames, header::Header, is_quic, keys::InitialKeys,
    version::Version,
};
use crate::{
    app_layer::{
        Transport, limits,
        testing::{self, Turn},
    },
    direction::Direction::{self, ToClient, ToServer},
};

/// The identifier that the examples of RFC 9001 and RFC 9369 choose.
const DESTINATION_ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
/// RFC 9001, appendix A.3, and RFC 9369, appendix A.3: the server's first packet.
const SERVER_PACKET: &str = "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee";
const SERVER_PACKET_2: &str = "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140";
const SERVER_FRAMES: &str = "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304";
/// A client hello for `quic.example` in one packet, and in two, made by an implementation of AES-GCM other than ours.
const CLIENT_PACKET: &str = "cc00000001088394c8f03e5157080000407ea51c442a46b451bc9b7ca345c0a51dc794da2591704242acf9024549e324ed3cc87452e65e27b63c1659250b2e4527fb15e5e566eb0368d704e3ba76b5dddf8b31656546c333759d8162e3cd02248d76da38be43aca932e39df888526114df5421a50401808a16fa471852203f98dd38d20e1ef7082564045e93f9b00997";
const CLIENT_HALVES: [&str; 2] = [
    "c200000001088394c8f03e515708000040539970dc9b46b42ddb9a7cc124c0f41dc794da2591704242acf9024549e324ed3cc87452e65e27b63c1659250b2e1727ff02f7f777e80268e231e3ba67a4d2d08b3d186175df1b239511c0dd1a9aec43a0125ea9",
    "c900000001088394c8f03e51570800004041614dc06e46883bb3f952c65fa2cb3ff9a3887dc3261012feb6501a1bb576bd6a992610b40975e76c2c3877727c1425f8150b621ca9975327197a742c2bdce2ac4d",
];

fn bytes(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal).unwrap()
}

fn told(turns: &[Turn<'_>]) -> Vec<String> {
    let parser = testing::parser(AppProtocol::Quic, Transport::Udp);
    testing::told_of(parser, turns)
}

/// An Initial packet of a version that nobody knows, with its frames in the clear.
fn open_packet(frames: &[u8]) -> Vec<u8> {
    let length = u16::try_from(frames.len()).unwrap() | 0x4000;
    let header = b"\xc0\0\0\0\x02\x02id\0\0";
    [&header[..], &length.to_be_bytes(), frames].concat()
}

fn crypto(offset: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap() | 0x4000;
    [&[6, offset][..], &length.to_be_bytes(), data].concat()
}

fn prefixed(width: usize, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[4 - width..], content].concat()
}

fn client_hello(extensions: &[u8]) -> Vec<u8> {
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[0],
        &prefixed(2, &[0x13, 0x01]),
        &prefixed(1, &[0]),
        &prefixed(2, extensions),
    ]
    .concat();
    [&[1][..], &prefixed(3, &body)].concat()
}

fn server_name(name: &[u8]) -> Vec<u8> {
    let list = prefixed(2, &[&[0][..], &prefixed(2, name)].concat());
    [&[0, 0][..], &prefixed(2, &list)].concat()
}

#[test]
fn initial_packets_of_the_rfcs_open() {
    for (version, packet) in [(1, SERVER_PACKET), (0x6b33_43cf, SERVER_PACKET_2)] {
        let packet = bytes(packet);
        let header = Header::parse(&packet).unwrap();
        let keys = InitialKeys::new(Version(version), &DESTINATION_ID).unwrap();
        let frames = keys.open(ToClient, header.bytes, header.payload).unwrap();
        assert_eq!(hex::encode(frames), SERVER_FRAMES);
        assert_eq!(keys.open(ToServer, header.bytes, header.payload), None);
    }
    assert!(InitialKeys::new(Version(2), &DESTINATION_ID).is_none());
}

#[test]
fn a_connection_shows_both_hellos() {
    let (client, server) = (bytes(CLIENT_PACKET), bytes(SERVER_PACKET));
    let seen = told(&[(ToServer, &client), (ToClient, &server)]);
    assert_eq!(seen.len(), 2);
    for word in [
        ">quic.sni=quic.example",
        ">quic.version=\\x00\\x00\\x00\\x01",
        ">ja3.string=771,4865-4866,0-10-13-16-43,29,",
        ">ja4.hash=q13d0205h3_",
    ] {
        assert!(seen[0].contains(word), "{word} in {}", seen[0]);
    }
    assert!(
        seen[1].contains("<ja3s.string=771,4865,51-43"),
        "{}",
        seen[1]
    );
    assert!(!seen[1].contains('>'), "{}", seen[1]);
}

#[test]
fn a_hello_comes_in_any_order_and_behind_it_all_is_encrypted() {
    let halves = CLIENT_HALVES.map(bytes);
    for order in [[0, 1], [1, 0]] {
        let seen = told(&[
            (ToServer, &halves[order[0]]),
            (ToServer, &halves[order[1]]),
            (ToServer, &halves[0]),
        ]);
        assert_eq!(seen.len(), 2);
        assert!(!seen[0].contains("quic.sni"));
        assert!(seen[1].contains("quic.sni=quic.example"));
    }
    let both = halves.concat();
    assert_eq!(told(&[(ToServer, &both)]).len(), 2);
}

#[test]
fn what_does_not_open_is_told_and_a_retry_makes_new_keys() {
    let client = bytes(CLIENT_PACKET);
    let mut broken = client.clone();
    *broken.last_mut().unwrap() ^= 1;
    let retry = b"\xf0\0\0\0\x01\0\x02idtoken, and what it is sealed with";
    let seen = told(&[(ToServer, &broken), (ToServer, &client)]);
    assert!(seen[0].starts_with("!failed_decrypt"), "{}", seen[0]);
    assert!(seen[1].contains("quic.sni"), "{}", seen[1]);
    let seen = told(&[(ToServer, &client), (ToClient, retry), (ToServer, &client)]);
    assert_eq!(seen.len(), 3);
    assert!(seen[2].contains("quic.sni"), "{}", seen[2]);
}

#[test]
fn odd_data_is_told() {
    let whole = client_hello(&server_name(b"a.example"));
    let unfinished = [1, 0xff, 0xff, 0xff, 1];
    let cases: [(&str, Vec<u8>); 7] = [
        ("", crypto(0, &whole)),
        (
            "",
            [
                vec![0, 1],
                b"\x02\x05\x01\0\x01".to_vec(),
                crypto(0, &whole),
            ]
            .concat(),
        ),
        ("", crypto(0, &unfinished)),
        ("!error_on_data", b"\x02\x05\x01\x3f".to_vec()),
        ("!error_on_data", crypto(0, b"\x08\0\0\x02\0\0")),
        ("!error_on_data", b"\x06\0\x20cut".to_vec()),
        ("!crypto_frag_too_long", b"\x06\x80\x01\0\0\x01x".to_vec()),
    ];
    for (event, frames) in cases {
        let seen = told(&[(ToServer, &open_packet(&frames))]).join("|");
        let begin = if event.is_empty() {
            ">quic.version"
        } else {
            event
        };
        assert!(
            seen.starts_with(begin) || event.is_empty() && seen.contains("quic.sni"),
            "{frames:02x?}: {seen}"
        );
    }
    // A frame that nobody knows hides what is behind it.
    let hidden = [vec![0x1f], crypto(0, &whole)].concat();
    let seen = told(&[(ToServer, &open_packet(&hidden))]).join("|");
    assert_eq!(seen, ">quic.version=\\x00\\x00\\x00\\x02");
}

#[test]
fn extensions_count_as_far_as_they_can_be_read() {
    let two = [server_name(b"a.example"), server_name(b"b.example")].concat();
    let seen = told(&[(ToServer, &open_packet(&crypto(0, &client_hello(&two))))]).join("|");
    assert!(seen.contains("quic.sni=b.example"), "{seen}");
    assert!(seen.contains("ja3.string=771,4865,0-0,,"), "{seen}");
    let cut = [server_name(b"a.example"), b"\0\0\0\x05ab".to_vec()].concat();
    let seen = told(&[(ToServer, &open_packet(&crypto(0, &client_hello(&cut))))]).join("|");
    assert!(seen.contains("quic.sni=a.example"), "{seen}");
    assert!(seen.contains("ja3.string=771,4865,0,,"), "{seen}");
}

#[test]
fn google_messages_show_name_agent_and_fingerprint() {
    let message = b"CHLO\x03\0\0\0PAD\0\x02\0\0\0SNI\0\x0b\0\0\0UAID\x10\0\0\0--g.exampleAgent";
    let stream = [
        &b"\xa0\x01\0"[..],
        &[u8::try_from(message.len()).unwrap()],
        message,
    ]
    .concat();
    let packet =
        |version: &[u8]| [b"\x09identify", version, b"\x01", &[0x68; 12], &stream].concat();
    let seen = told(&[(ToServer, &packet(b"Q043"))]).join("|");
    for word in [
        "quic.sni=g.example",
        "quic.ua=Agent",
        "quic.cyu.string=43,PAD-SNI-UAID",
    ] {
        assert!(seen.contains(word), "{word} in {seen}");
    }
    let seen = told(&[(ToServer, &packet(b"Q039"))]).join("|");
    assert!(seen.contains("quic.sni") && !seen.contains("cyu"), "{seen}");
    let long = [&b"\xc3Q046\x50identify\0\0\0\x01"[..], &[0x68; 12], &stream].concat();
    let seen = told(&[(ToServer, &long)]).join("|");
    assert!(seen.contains("quic.cyu.string=46,PAD-SNI-UAID"), "{seen}");
    assert!(seen.contains("quic.version=Q046"), "{seen}");
}

#[test]
fn headers_tell_a_packet() {
    for good in [
        &b"\x40"[..],
        b"\x80\0\0\0\0\0\0",
        b"\xd0\0\0\0\x01\0\0\0",
        b"\xffQ043\0\0\0\0\x01hhhhhhhhhhhh",
    ] {
        assert!(is_quic(good), "{good:02x?}");
    }
    for bad in [
        &b""[..],
        b"\x80\0\0\0",
        b"\xc0\0\0\0\x01\0\0\0\x40",
        b"\xc0\0\0\0\x01\0\0\0\x02x",
        b"\xc3Q043\0\0\0\0\x01hhhhhhhhhhhh",
        b"\x09identifyQ043\x01hhhhhhhhhhh",
    ] {
        assert!(!is_quic(bad), "{bad:02x?}");
    }
}

#[test]
fn pieces_are_bounded() {
    let mut stream = CryptoStream::default();
    let last = u64::try_from(limits::QUIC_CRYPTO_BYTES_MAX).unwrap();
    assert!(stream.add(last - 1, b"x").is_ok());
    assert!(stream.add(last, b"x").is_err());
    assert!(stream.add(u64::MAX, b"x").is_err());
    let kept = (0..1_000)
        .filter(|at| stream.add(2 * at + 2, b"x").is_ok())
        .count();
    assert_eq!(kept, limits::QUIC_CRYPTO_PIECES_MAX - 1);
    assert!(stream.held_bytes() < 16 * 1024);
}

proptest! {
    #[test]
    fn pieces_in_any_order_give_the_whole(
        cuts in prop::collection::vec(1_usize..200, 0..12),
        order in any::<prop::sample::Index>(),
        again in any::<prop::sample::Index>(),
    ) {
        let whole: Vec<u8> = (0..=199).collect();
        let mut ends: Vec<usize> = cuts.into_iter().chain([0, 200]).collect();
        ends.sort_unstable();
        let mut pieces: Vec<(usize, usize)> =
            ends.windows(2).map(|pair| (pair[0], pair[1])).collect();
        pieces.push(*again.get(&pieces));
        let turn = order.index(pieces.len());
        pieces.rotate_left(turn);
        pieces.reverse();
        let mut stream = CryptoStream::default();
        for (begin, end) in pieces {
            let offset = u64::try_from(begin).unwrap();
            prop_assert!(stream.add(offset, &whole[begin..end]).is_ok());
        }
        prop_assert_eq!(stream.front(), &whole[..]);
    }

    #[test]
    fn rubbish_is_survived(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..6),
        is_long in any::<bool>(),
    ) {
        let turns: Vec<(Direction, Vec<u8>)> = parts
            .into_iter()
            .enumerate()
            .map(|(at, part)| {
                let packet = if is_long { open_packet(&part) } else { part };
                (Direction::BOTH[at % 2], packet)
            })
            .collect();
        let turns: Vec<Turn<'_>> =
            turns.iter().map(|(direction, part)| (*direction, &part[..])).collect();
        told(&turns);
        for (_, part) in turns {
            frames::read(part).ok();
        }
    }

    #[test]
    fn changed_packets_are_survived(
        index in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut packet = bytes(CLIENT_PACKET);
        let at = index.index(packet.len());
        packet[at] = value;
        told(&[(ToServer, &packet), (ToServer, &bytes(CLIENT_PACKET))]);
    }
}
