//! Frames by hand (IEEE 1815, parts 9 to 11).

use lapwing_rules::model::AppProtocol;
use proptest::prelude::*;

use super::link::{checksum, data};
use crate::{
    app_layer::{
        Parser, Transport,
        testing::{self, Turn},
    },
    direction::Direction::{self, ToClient, ToServer},
};

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Dnp3, Transport::Tcp)
}

/// A frame with these data, from 2 to 1 or back.
fn frame(direction: Direction, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(5 + data.len()).unwrap();
    let header: &[u8] = match direction {
        ToServer => &[0x05, 0x64, length, 0xc4, 1, 0, 2, 0],
        ToClient => &[0x05, 0x64, length, 0x44, 2, 0, 1, 0],
    };
    let mut frame = Vec::new();
    for block in std::iter::once(header).chain(data.chunks(16)) {
        frame.extend_from_slice(block);
        frame.extend(checksum(block).to_le_bytes());
    }
    frame
}

/// Class 0 and class 1 are read.
fn read() -> Vec<u8> {
    frame(ToServer, b"\xc0\xc0\x01\x3c\x01\x06\x3c\x02\x06")
}

/// Two analogue inputs, and the time is needed.
fn response() -> Vec<u8> {
    frame(ToClient, b"\xc0\xc0\x81\x10\0\x1e\x02\0\0\x01\x01ab\x01cd")
}

fn events(turns: &[Turn<'_>]) -> Vec<String> {
    let told = testing::told_of(new(), turns);
    told.iter()
        .flat_map(|line| line.split(' '))
        .filter_map(|word| word.strip_prefix('!'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    // The check value of CRC-16/DNP.
    assert_eq!(checksum(b"123456789"), 0xea82);
}

#[test]
fn data_stand_without_their_checksums() {
    let plain = b"0123456789abcdefghij";
    let blocks = frame(ToServer, plain).split_off(10);
    assert_eq!(data(&blocks).as_deref(), Some(&plain[..]));
    let mut wrong = blocks;
    wrong[20] ^= 1;
    assert_eq!(data(&wrong), None);
}

#[test]
fn requests_and_responses_are_messages_by_themselves() {
    assert_eq!(
        testing::told_of(new(), &[(ToServer, &read()), (ToClient, &response())]),
        [
            r">Dnp3Function=1 >Dnp3Object=15361,15362 >dnp3.data=\xc0\x01<\x01\x06<\x02\x06",
            r"<Dnp3Function=129 <Dnp3Indication=12 <Dnp3Object=7682 <dnp3.data=\xc0\x81\x10\x00\x1e\x02\x00\x00\x01\x01ab\x01cd",
        ]
    );
    let confirm = frame(ToServer, b"\xc0\xc0\0");
    assert_eq!(testing::told_of(new(), &[(ToServer, &confirm)]), [""; 0]);
    let link_status = b"\x05\x64\x05\xc9\x01\0\x02\0".to_vec();
    let link_status = [&link_status[..], &checksum(&link_status).to_le_bytes()].concat();
    let told = testing::told_of(new(), &[(ToServer, &link_status), (ToServer, &read())]);
    assert_eq!(told.len(), 1);
}

#[test]
fn a_message_is_put_together_from_its_frames() {
    let first = frame(ToServer, b"\x40\xc0\x02\x50\x01\0");
    let second = frame(ToServer, b"\x81\x07\x07\0");
    let whole = r">Dnp3Function=2 >Dnp3Object=20481 >dnp3.data=\xc0\x02P\x01\x00\x07\x07\x00";
    let told = |turns: &[Turn<'_>]| testing::told_of(new(), turns);
    assert_eq!(told(&[(ToServer, &first), (ToServer, &second)]), [whole]);
    let growing = r">Dnp3Function=2 >dnp3.data~\xc0\x02P\x01\x00";
    assert_eq!(told(&[(ToServer, &first)]), [growing]);
    let out_of_turn = frame(ToServer, b"\x82\x07\x07\0");
    assert_eq!(
        told(&[(ToServer, &first), (ToServer, &out_of_turn)]),
        [growing]
    );
}

#[test]
fn objects_are_passed_over_to_find_the_next_header() {
    let objects = |bytes: &[u8]| {
        let read = super::objects::read(bytes);
        (read.kinds, read.has_unknown)
    };
    // Ranges of one and two bytes, counts, indices and sizes as prefix, bits.
    for before in [
        &b"\x1e\x02\x00\x00\x01abcabc"[..],
        b"\x1e\x02\x01\x00\x00\x00\x00abc",
        b"\x1e\x02\x07\x02abcabc",
        b"\x1e\x02\x17\x02iabciabc",
        b"\x1e\x02\x28\x01\x00iiabc",
        b"\x1e\x00\x07\x09",
        b"\x1e\x02\x07\x00",
    ] {
        let (kinds, has_unknown) = objects(&[before, b"\x3c\x01\x06"].concat());
        assert_eq!((kinds.len(), has_unknown), (2, false), "{before:?}");
        assert_eq!(kinds[1], 0x3c01);
    }
    assert_eq!(objects(b"\x01\x01\x00\x00\x07ab\x3c\x01\x06").0.len(), 2);
    assert_eq!(
        objects(b"\x78\x09\x5b\x01\x03\x00abc\x3c\x01\x06").0.len(),
        2
    );
    assert_eq!(
        objects(b"\x46\x03\x5b\x01\x1c\x00\x1a\x00\x02\x000000000000000000000000xx\x3c\x01\x06")
            .0
            .len(),
        2
    );
    assert_eq!(objects(b"\x63\x09\x00\x00\x00x"), (vec![0x6309], true));
    assert_eq!(objects(b"\x1e\x02\x00\x05\x03abc"), (vec![0x1e02], true));
    assert_eq!(objects(b"\x1e\x02\x00\x00\x01abcab"), (vec![0x1e02], true));
    assert_eq!(objects(b"\x1e\x02\x0f\x3c\x01\x06"), (vec![0x1e02], false));
    assert_eq!(
        objects(b"\x78\x09\x09\xff\xff\xff\xff"),
        (vec![0x7809], false)
    );
}

#[test]
fn what_is_wrong_is_told_with_the_newest_message() {
    let response = response();
    let mut bad_header = read();
    bad_header[8] ^= 1;
    let mut bad_data = read();
    bad_data[11] ^= 1;
    let unknown = frame(ToServer, b"\xc0\xc0\x02\x63\x09\x07\x01x");
    let short = b"\x05\x64\x04\xc4\x01\0\x02\0";
    let short = [&short[..], &checksum(short).to_le_bytes()].concat();
    let cases: [(&[u8], &str); 5] = [
        (&bad_header, "bad_link_crc"),
        (&bad_data, "bad_transport_crc"),
        (&frame(ToServer, b"\xc0\xc0"), "len_too_small"),
        (&short, "len_too_small"),
        (&unknown, "unknown_object"),
    ];
    for (bytes, event) in cases {
        assert_eq!(events(&[(ToClient, &response), (ToServer, bytes)]), [event]);
    }
    assert_eq!(
        events(&[(ToServer, &bad_data)]),
        [""; 0],
        "no message came before"
    );
}

proptest! {
    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        let client = [
            read(),
            frame(ToServer, b"\x41\xc1\x02\x50\x01\0"),
            frame(ToServer, b"\x82\x07\x07\0"),
        ]
        .concat();
        let turns: [(Direction, &[u8]); 2] = [(ToServer, &client), (ToClient, &response())];
        testing::cuts_change_nothing(new, &turns, &mutations, &sizes)?;
    }
}
