//! Records by hand (RFC 5531, RFC 1813, RFC 7530).

use lapwing_rules::model::{AppProtocol, Frame, FrameSet};
use proptest::prelude::*;

use super::{identify_datagram, identify_record};
use crate::{
    app_layer::{
        Feed, FrameLog, Parser, Transport,
        testing::{self, Turn},
    },
    direction::Direction::{self, ToClient, ToServer},
};

const FILE: &[u8] = b"\x01\0\x06\x01file";
const DIRECTORY: &[u8] = b"\x01\0\x06\x01directory...";

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn opaque(bytes: &[u8]) -> Vec<u8> {
    let mut padded = words(&[u32::try_from(bytes.len()).unwrap()]);
    padded.extend(bytes);
    padded.resize(4 + bytes.len().next_multiple_of(4), 0);
    padded
}

fn call_as(xid: u32, version: u32, procedure: u32, credentials: &[u8], data: &[&[u8]]) -> Vec<u8> {
    [
        &words(&[xid, 0, 2, 100_003, version, procedure])[..],
        credentials,
        &[0; 8],
        &data.concat(),
    ]
    .concat()
}

fn call(xid: u32, version: u32, procedure: u32, data: &[&[u8]]) -> Vec<u8> {
    let unix = [&words(&[7])[..], &opaque(b"host"), &words(&[1, 2, 0])].concat();
    let credentials = [&words(&[1])[..], &opaque(&unix)].concat();
    call_as(xid, version, procedure, &credentials, data)
}

fn reply(xid: u32, data: &[&[u8]]) -> Vec<u8> {
    [&words(&[xid, 1, 0, 0, 0, 0])[..], &data.concat()].concat()
}

fn record(message: &[u8]) -> Vec<u8> {
    let mark = 0x8000_0000 | u32::try_from(message.len()).unwrap();
    [&words(&[mark])[..], message].concat()
}

fn lookup(xid: u32, name: &[u8]) -> Vec<u8> {
    record(&call(xid, 3, 3, &[&opaque(DIRECTORY), &opaque(name)]))
}

fn looked_up(xid: u32) -> Vec<u8> {
    record(&reply(xid, &[&words(&[0]), &opaque(FILE), &[0; 8]]))
}

fn read(xid: u32, offset: u32) -> Vec<u8> {
    record(&call(
        xid,
        3,
        6,
        &[&opaque(FILE), &words(&[0, offset, 4_096])],
    ))
}

fn was_read(xid: u32, bytes: &[u8], is_end: u32) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    let head = [&words(&[0, 1])[..], &[0; 84], &words(&[length, is_end])].concat();
    record(&reply(xid, &[&head, &opaque(bytes)]))
}

fn write(xid: u32, offset: u32, stable: u32, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    let head = words(&[0, offset, length, stable]);
    record(&call(xid, 3, 7, &[&opaque(FILE), &head, &opaque(bytes)]))
}

fn commit(xid: u32) -> Vec<u8> {
    record(&call(xid, 3, 21, &[&opaque(FILE), &[0; 12]]))
}

fn compound(xid: u32, operations: &[&[u8]]) -> Vec<u8> {
    let head = words(&[0, 0, u32::try_from(operations.len()).unwrap()]);
    record(&call(xid, 4, 1, &[&head, &operations.concat()]))
}

fn put_handle() -> Vec<u8> {
    [&words(&[22])[..], &opaque(FILE)].concat()
}

fn remove(name: &[u8]) -> Vec<u8> {
    [&words(&[28])[..], &opaque(name)].concat()
}

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Nfs, Transport::Tcp)
}

fn told(turns: &[Turn<'_>]) -> Vec<String> {
    testing::told_of(new(), turns)
}

/// Everything one side says.
fn told_of_client(records: &[Vec<u8>]) -> Vec<String> {
    told(&[(ToServer, &records.concat())])
}

#[test]
fn calls_are_transactions_with_procedure_and_version() {
    assert_eq!(
        told_of_client(&[
            lookup(1, b"file.txt"),
            record(&call(2, 3, 0, &[])),
            record(&call(3, 2, 8, &[])),
            record(&call(4, 5, 1, &[])),
        ]),
        [
            ">NfsProcedure=3 >NfsVersion=3",
            ">NfsProcedure=0 >NfsVersion=3",
            ">NfsProcedure=8 >NfsVersion=2",
        ]
    );
}

#[test]
fn a_file_is_put_together_from_replies_and_named_by_its_lookup() {
    let turns = [
        (ToServer, &[lookup(1, b"file.txt"), read(2, 0)].concat()[..]),
        (ToClient, &looked_up(1)),
        (ToServer, &read(3, 4)),
        (ToClient, &was_read(3, b"efgh", 1)),
        (ToClient, &was_read(2, b"abcd", 0)),
    ];
    let told = told(&turns);
    assert_eq!(told[0], ">NfsProcedure=3 >NfsVersion=3");
    // The end came before the beginning: as in the reference the file is over.
    assert_eq!(told[1], ">NfsProcedure=6 >NfsVersion=3 <FilePresent=1");
    let turns = [
        (ToServer, &lookup(1, b"file.txt")[..]),
        (ToClient, &looked_up(1)),
        (ToServer, &[read(2, 0), read(3, 4)].concat()),
        (ToClient, &was_read(2, b"abcd", 0)),
        (ToClient, &was_read(3, b"efgh", 1)),
    ];
    assert_eq!(
        self::told(&turns)[1],
        ">NfsProcedure=6 >NfsVersion=3 <FileSize=8 <FilePresent=1 <file.data=abcdefgh <file.name=file.txt"
    );
}

#[test]
fn writes_make_a_file_until_it_is_committed() {
    assert_eq!(
        told_of_client(&[
            write(1, 4, 0, b"efgh"),
            write(2, 0, 0, b"abcd"),
            commit(3),
            write(4, 8, 0, b"ijkl"),
        ]),
        [
            ">FileSize=8 >FilePresent=1 >NfsProcedure=7,21 >NfsVersion=3 >file.data=abcdefgh",
            ">FilePresent=1 >NfsProcedure=7 >NfsVersion=3",
        ]
    );
    assert_eq!(
        told_of_client(&[write(1, 0, 2, b"abcd"), write(2, 0, 2, b"efgh")]),
        [
            ">FileSize=4 >FilePresent=1 >NfsProcedure=7 >NfsVersion=3 >file.data=abcd",
            ">FileSize=4 >FilePresent=1 >NfsProcedure=7 >NfsVersion=3 >file.data=efgh",
        ]
    );
}

#[test]
fn large_writes_and_replies_are_followed_before_they_are_whole() {
    let bytes = vec![b'x'; 5_001];
    let records = [write(1, 0, 0, &bytes), commit(2)].concat();
    let mut parser = new();
    testing::converse(parser.as_mut(), &[(ToServer, &records)], &[400]);
    assert!(testing::told(parser.as_ref())[0].contains(">FileSize=5001 "));
    let mut parser = new();
    let answer = was_read(1, &bytes, 1);
    let turns = [(ToServer, &read(1, 0)[..]), (ToClient, &answer)];
    testing::converse(parser.as_mut(), &turns, &[400]);
    assert!(testing::told(parser.as_ref())[0].contains("<FileSize=5001 "));
}

#[test]
fn a_last_write_in_parts_is_malformed_as_in_the_reference() {
    let records = [lookup(1, b"a"), write(2, 0, 2, &[b'x'; 2_000])].concat();
    let mut parser = new();
    assert_eq!(parser.feed(ToServer, &records[..1_000]), Feed::More);
    assert_eq!(parser.feed(ToServer, &records[1_000..]), Feed::Fail);
    assert_eq!(
        testing::told(parser.as_ref())[1],
        "!malformed_data >FilePresent=1 >NfsProcedure=7 >NfsVersion=3"
    );
}

#[test]
fn what_is_lost_of_a_file_is_zeros_and_records_are_found_again() {
    let bytes = [&b"begin"[..], &[b'x'; 1_990], b"end.."].concat();
    let whole = write(1, 0, 0, &bytes);
    let mut parser = new();
    parser.feed(ToServer, &whole[..800]);
    parser.gap(ToServer, 600);
    parser.feed(ToServer, &whole[1_400..]);
    parser.feed(ToServer, &commit(2));
    let told = testing::told(parser.as_ref());
    assert!(told[0].contains("begin") && told[0].contains("\\x00") && told[0].contains("end.."));
    assert!(!told[0].contains("FileSize"));
    parser.feed(ToServer, &lookup(3, b"first")[..50]);
    parser.gap(ToServer, 20);
    let rest = [&lookup(3, b"first")[70..], &lookup(4, b"second")].concat();
    parser.feed(ToServer, &rest[..90]);
    parser.feed(ToServer, &rest[90..]);
    assert_eq!(
        testing::told(parser.as_ref())[1..],
        [">NfsProcedure=3 >NfsVersion=3"]
    );
}

#[test]
fn compounds_are_what_they_create_or_remove_and_carry_files() {
    let mut written = words(&[38, 1, 2, 3, 4, 0, 0, 0]);
    written.extend(opaque(b"abcd"));
    assert_eq!(
        told_of_client(&[
            compound(1, &[&put_handle(), &remove(b"old")]),
            compound(2, &[&put_handle(), &written]),
            compound(3, &[&put_handle(), &words(&[5, 0, 0, 0])]),
            // An operation that is not known.
            compound(4, &[&remove(b"old"), &words(&[99])]),
        ]),
        [
            ">NfsProcedure=28 >NfsVersion=4",
            "!malformed_data >FileSize=4 >FilePresent=1 >NfsProcedure=38 >NfsVersion=4 >file.data=abcd",
        ]
    );
}

#[test]
fn a_read_of_a_compound_is_a_file() {
    let asked = compound(1, &[&put_handle(), &words(&[25, 1, 2, 3, 4, 0, 0, 100])]);
    let results = [&words(&[0, 0, 2, 22, 0, 25, 0, 1])[..], &opaque(b"abcd")].concat();
    assert_eq!(
        told(&[
            (ToServer, &asked),
            (ToClient, &record(&reply(1, &[&results])))
        ]),
        [">NfsProcedure=25 >NfsVersion=0 <FileSize=4 <FilePresent=1 <file.data=abcd"]
    );
}

#[test]
fn data_in_a_checksum_is_unwrapped_and_what_is_encrypted_is_passed_over() {
    let gss = |service| {
        let credentials = [&words(&[1, 0, 7, service])[..], &opaque(b"ctx1")].concat();
        [&words(&[6])[..], &opaque(&credentials)].concat()
    };
    let body = [&words(&[7, 0, 0, 1])[..], &remove(b"old")].concat();
    let wrapped = [&opaque(&body)[..], &opaque(b"checksum")].concat();
    let of = |service| record(&call_as(1, 4, 1, &gss(service), &[&wrapped]));
    assert_eq!(
        told_of_client(&[of(2), of(3)]),
        [">NfsProcedure=28 >NfsVersion=4"]
    );
}

#[test]
fn flaws_are_told_and_only_the_record_is_lost_where_a_call_is_malformed() {
    let no_name = record(&call(2, 3, 3, &[&opaque(DIRECTORY)]));
    let bad_credentials = record(&call_as(3, 3, 1, &words(&[1, 4, 7]), &[]));
    assert_eq!(
        told_of_client(&[lookup(1, b"a"), no_name, bad_credentials, lookup(4, b"b")]),
        [
            "!malformed_data >NfsProcedure=3 >NfsVersion=3",
            "!malformed_data >NfsProcedure=3 >NfsVersion=3",
            ">NfsProcedure=3 >NfsVersion=3",
        ]
    );
    let mut parser = new();
    parser.feed(ToServer, &lookup(1, b"a"));
    // A server calls back over the same connection.
    assert_eq!(
        parser.feed(ToClient, &record(&call(9, 1, 0, &[]))),
        Feed::More
    );
    assert_eq!(parser.feed(ToClient, &looked_up(1)), Feed::More);
    assert_eq!(parser.feed(ToServer, &words(&[8, 1, 7, 7])), Feed::Fail);
    assert_eq!(
        new().feed(ToClient, &record(&words(&[1, 1, 1, 1, 1]))),
        Feed::Fail,
        "a reply that is too short"
    );
}

#[test]
fn calls_without_replies_are_told_when_there_are_too_many() {
    let calls: Vec<u8> = (0..1_030).flat_map(|xid| lookup(xid, b"a")).collect();
    let told = told(&[(ToServer, &calls)]);
    assert!(
        told.iter()
            .any(|told| told.starts_with("!too_many_transactions"))
    );
}

#[test]
fn version_2_over_datagrams() {
    let mut parser = testing::parser(AppProtocol::Nfs, Transport::Udp);
    let mut handle = FILE.to_vec();
    handle.resize(32, 0);
    let asked = call(1, 2, 6, &[&handle, &words(&[0, 100, 100])]);
    let attributes = words(&[1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let answer = reply(1, &[&words(&[0]), &attributes, &opaque(b"abc")]);
    testing::converse(
        parser.as_mut(),
        &[(ToServer, &asked), (ToClient, &answer), (ToServer, b"?")],
        &[usize::MAX],
    );
    assert_eq!(
        testing::told(parser.as_ref()),
        [">NfsProcedure=6 >NfsVersion=0 <FileSize=3 <FilePresent=1 <file.data=abc"]
    );
}

#[test]
fn it_is_told_by_its_calls_and_replies() {
    let asked = lookup(1, b"a");
    assert_eq!(identify_record(ToServer, &asked), Some(true));
    assert_eq!(identify_record(ToServer, &asked[..30]), None);
    assert_eq!(identify_record(ToClient, &looked_up(1)), Some(true));
    assert_eq!(identify_record(ToClient, &asked), Some(false));
    let mount = [&asked[..16], &words(&[100_005]), &asked[20..]].concat();
    assert_eq!(identify_record(ToServer, &mount), Some(false));
    assert!(identify_datagram(ToServer, &asked[4..]));
    assert!(!identify_datagram(ToServer, &mount[4..]));
    assert!(identify_datagram(ToClient, &looked_up(1)[4..]));
}

#[test]
fn units_are_frames() {
    let asked = lookup(1, b"name");
    let answer = looked_up(1);
    let mut wanted = FrameSet::default();
    for frame in Frame::ALL {
        wanted.insert(*frame);
    }
    let mut parser = new();
    let mut seen = Vec::new();
    parser.frames_mut().unwrap().want(wanted);
    for (direction, bytes) in [(ToServer, &asked), (ToClient, &answer)] {
        parser.frames_mut().unwrap().fed(direction, bytes);
        parser.feed(direction, bytes);
        let log: &FrameLog = parser.frames().unwrap();
        seen.extend(
            log.pieces(direction, false)
                .map(|piece| (piece.frame, piece.offset, piece.bytes.len())),
        );
    }
    assert_eq!(
        seen,
        [
            (Frame::NfsRpcPdu, 0, asked.len()),
            (Frame::NfsRpcCredentials, 0, 32),
            (Frame::NfsPdu, 0, 4 + 16 + 8),
            (Frame::NfsRpcPdu, 0, answer.len()),
            (Frame::NfsRpcHeader, 0, 12),
            (Frame::NfsRpcData, 0, answer.len() - 12),
            (Frame::NfsPdu, 0, 24),
            (Frame::NfsStatus, 0, 4),
        ]
    );
}

/// A conversation with files in both directions, all of it well formed: what the reference makes of malformed records
/// depends on how they are cut.
fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, [lookup(1, b"file.txt"), read(2, 0)].concat()),
        (
            ToClient,
            [looked_up(1), was_read(2, &[b'a'; 700], 0)].concat(),
        ),
        (ToServer, write(3, 0, 0, &[b'b'; 1_203])),
        (ToServer, [commit(4), read(5, 700)].concat()),
        (ToClient, was_read(5, b"end", 1)),
    ]
}

proptest! {
    #[test]
    fn cuts_change_nothing(sizes in testing::sizes()) {
        let conversation = conversation();
        let turns: Vec<Turn<'_>> = conversation
            .iter()
            .map(|(direction, bytes)| (*direction, &bytes[..]))
            .collect();
        testing::cuts_change_nothing(new, &turns, &[], &sizes)?;
    }

    #[test]
    fn hostile_records_are_survived(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        sizes in testing::sizes(),
        missing_bytes in 0_u64..3_000,
    ) {
        let mut parser = new();
        for (at, (direction, mut bytes)) in conversation().into_iter().enumerate() {
            for (index, value) in &mutations {
                let place = index.index(bytes.len());
                bytes[place] = *value;
            }
            testing::converse(parser.as_mut(), &[(direction, &bytes)], &sizes);
            if at == 2 {
                parser.gap(direction, missing_bytes);
            }
        }
        for direction in Direction::BOTH {
            parser.end(direction);
        }
        testing::told(parser.as_ref());
        prop_assert!(parser.held_bytes() < 4 * 1024 * 1024);
    }
}
