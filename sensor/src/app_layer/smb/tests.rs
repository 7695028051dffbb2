//! Messages written by hand.

use lapwing_rules::model::{AppProtocol, Buffer};
use proptest::prelude::*;

use super::parser::SmbParser;
use crate::{
    app_layer::{
        BufferView, Feed, Parser, Transport, limits,
        testing::{self, Turn},
    },
    direction::Direction::{self, ToClient, ToServer},
};

const PENDING_GUID: [u8; 16] = [7; 16];

fn nbss(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&length[..], message].concat()
}

/// One SMB 2 message of tree 5 and session 9.
fn smb2(command: u16, message: u64, is_response: bool, body: &[u8]) -> Vec<u8> {
    let mut header = [b"\xfeSMB\x40\0\0\0", &[0; 4][..], &command.to_le_bytes()].concat();
    header.extend([0, 0, u8::from(is_response), 0, 0, 0]);
    header.extend([0; 4]);
    header.extend(message.to_le_bytes());
    header.extend([0; 4]);
    header.extend(5_u32.to_le_bytes());
    header.extend(9_u64.to_le_bytes());
    header.extend([0; 16]);
    nbss(&[&header, body].concat())
}

fn wide(text: &str) -> Vec<u8> {
    text.bytes().flat_map(|byte| [byte, 0]).collect()
}

fn tree_connect(share: &str) -> Vec<u8> {
    let share = wide(share);
    let length = u16::try_from(share.len()).unwrap().to_le_bytes();
    let body = [&[9, 0, 0, 0, 72, 0][..], &length, &share].concat();
    smb2(3, 1, false, &body)
}

fn tree_opened(kind: u8) -> Vec<u8> {
    let body = [&[16, 0, kind, 0][..], &[0; 12]].concat();
    smb2(3, 1, true, &body)
}

fn create(name: &str) -> Vec<u8> {
    let name = wide(name);
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    let body = [
        &[0; 44][..],
        &120_u16.to_le_bytes(),
        &length,
        &[0; 8],
        &name,
    ]
    .concat();
    smb2(5, 2, false, &body)
}

fn created() -> Vec<u8> {
    let body = [&[0; 64][..], &PENDING_GUID, &[0; 8]].concat();
    smb2(5, 2, true, &body)
}

fn write(message: u64, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let head = [49, 0, 112, 0];
    let body = [
        &head[..],
        &length,
        &offset.to_le_bytes(),
        &PENDING_GUID,
        &[0; 16],
        bytes,
    ]
    .concat();
    smb2(9, message, false, &body)
}

fn read(message: u64, length: u32, offset: u64) -> Vec<u8> {
    let body = [
        &[49, 0, 0, 0][..],
        &length.to_le_bytes(),
        &offset.to_le_bytes(),
        &PENDING_GUID,
        &[0; 16],
    ]
    .concat();
    smb2(8, message, false, &body)
}

fn read_answer(message: u64, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let body = [&[17, 0, 80, 0][..], &length, &[0; 8], bytes].concat();
    smb2(8, message, true, &body)
}

fn close() -> Vec<u8> {
    smb2(6, 90, false, &[&[0; 8][..], &PENDING_GUID].concat())
}

fn told(turns: &[Turn<'_>]) -> Vec<String> {
    let parser = testing::parser(AppProtocol::Smb, Transport::Tcp);
    testing::told_of(parser, turns)
}

fn lines_with(turns: &[Turn<'_>], word: &str) -> Vec<String> {
    let lines = told(turns).into_iter();
    lines.filter(|line| line.contains(word)).collect()
}

#[test]
fn a_share_is_one_of_files_or_of_pipes() {
    let share = tree_connect(r"\\server\docs");
    let turns = [(ToServer, &share[..]), (ToClient, &tree_opened(1))];
    assert_eq!(told(&turns), [r">smb.share=\\\\server\\docs"]);
    let turns = [(ToServer, &share[..]), (ToClient, &tree_opened(2))];
    assert_eq!(told(&turns), [r">smb.named_pipe=\\\\server\\docs"]);
}

#[test]
fn a_written_file_is_put_together_and_closed() {
    let turns = [
        (ToServer, tree_connect("share")),
        (ToClient, tree_opened(1)),
        (ToServer, create("a.txt")),
        (ToClient, created()),
        (ToServer, write(3, 0, b"hello ")),
        (ToServer, write(4, 6, b"world")),
        (ToServer, close()),
    ];
    let turns: Vec<Turn<'_>> = turns.iter().map(|(d, b)| (*d, &b[..])).collect();
    assert_eq!(
        lines_with(&turns, "file.data"),
        [">FileSize=11 >FilePresent=1 >file.data=hello world >file.name=a.txt"]
    );
}

#[test]
fn a_read_file_belongs_to_the_server() {
    let turns = [
        (ToServer, tree_connect("share")),
        (ToClient, tree_opened(1)),
        (ToServer, create("b.txt")),
        (ToClient, created()),
        (ToServer, read(3, 5, 5)),
        (ToServer, read(4, 5, 0)),
        (ToClient, read_answer(4, b"first")),
        (ToClient, read_answer(3, b"again")),
        (ToServer, close()),
    ];
    let turns: Vec<Turn<'_>> = turns.iter().map(|(d, b)| (*d, &b[..])).collect();
    assert_eq!(
        lines_with(&turns, "file.data"),
        ["<FileSize=10 <FilePresent=1 <file.data=firstagain <file.name=b.txt"]
    );
}

#[test]
fn writing_a_place_again_is_an_event() {
    let turns = [
        (ToServer, write(3, 0, b"hello ")),
        (ToServer, write(4, 2, b"again")),
    ];
    let turns: Vec<Turn<'_>> = turns.iter().map(|(d, b)| (*d, &b[..])).collect();
    assert_eq!(lines_with(&turns, "!file_overlap").len(), 1);
}

#[test]
fn a_server_that_agrees_to_too_much_is_told() {
    let request = smb2(0, 1, false, &[&[36, 0, 0, 0][..], &[0; 32]].concat());
    let answer = |read_bytes: u32, write_bytes: u32| {
        let sizes = [read_bytes.to_le_bytes(), write_bytes.to_le_bytes()].concat();
        smb2(0, 1, true, &[&[0; 32][..], &sizes, &[0; 24]].concat())
    };
    let most = limits::SMB_AGREED_BYTES_MAX;
    for (read_bytes, write_bytes, expected) in [
        (most, most, ""),
        (most + 1, most, "!negotiate_max_read_size_too_large"),
        (most, most + 1, "!negotiate_max_write_size_too_large"),
    ] {
        let answer = answer(read_bytes, write_bytes);
        let turns = [(ToServer, &request[..]), (ToClient, &answer)];
        assert_eq!(told(&turns), [expected]);
    }
}

/// An answer that comes later: it has a number of its own in the place of its tree.
fn later(mut answer: Vec<u8>) -> Vec<u8> {
    answer[4 + 16] |= 2;
    answer[4 + 36] = 9;
    answer
}

#[test]
fn a_read_that_is_answered_later_is_of_no_tree() {
    let turns = [
        (ToServer, tree_connect("share")),
        (ToClient, tree_opened(2)),
        (ToServer, create("output")),
        (ToClient, created()),
        (ToServer, read(3, 4, 0)),
        (ToClient, later(read_answer(3, b"what"))),
        (ToServer, read(4, 3, 0)),
        (ToClient, read_answer(4, b"pin")),
    ];
    let turns: Vec<Turn<'_>> = turns.iter().map(|(d, b)| (*d, &b[..])).collect();
    let told = lines_with(&turns, "file.name=output");
    assert_eq!(
        told.len(),
        1,
        "so it is taken for one of a file, as in the reference"
    );
    assert!(told[0].starts_with("!file_overlap"), "{told:?}");
    assert_eq!(lines_with(&turns[..6], "!file_overlap"), [""; 0]);
}

fn bind() -> Vec<u8> {
    let uuid: Vec<u8> = (1..=16).collect();
    let context = [&[0, 0, 1, 0][..], &uuid, &[2, 0, 0, 0], &[0; 20]].concat();
    let body = [
        &[0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0][..],
        &context,
    ]
    .concat();
    call_unit(11, 1, &body)
}

fn call_unit(kind: u8, number: u32, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(16 + body.len()).unwrap().to_le_bytes();
    [
        &[5, 0, kind, 3, 0x10, 0, 0, 0][..],
        &length,
        &[0, 0],
        &number.to_le_bytes(),
        body,
    ]
    .concat()
}

#[test]
fn a_named_pipe_carries_remote_calls() {
    let accepted = [
        &[0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &[1, 0, 0, 0],
        &[0; 24],
    ]
    .concat();
    let request = [&[0, 0, 0, 0, 0, 0, 15, 0][..], b"arguments"].concat();
    let answer = [&[0; 8][..], b"results"].concat();
    let turns = [
        (ToServer, tree_connect("IPC$")),
        (ToClient, tree_opened(2)),
        (ToServer, create("svcctl")),
        (ToClient, created()),
        (ToServer, write(3, 0, &bind())),
        (ToServer, read(4, 1000, 0)),
        (ToClient, read_answer(4, &call_unit(12, 1, &accepted))),
        (ToServer, write(5, 0, &call_unit(0, 2, &request))),
        (ToServer, read(6, 1000, 0)),
        (ToClient, read_answer(6, &call_unit(2, 2, &answer))),
    ];
    let mut parser = SmbParser::default();
    for (direction, bytes) in &turns {
        assert_eq!(parser.feed(*direction, bytes), Feed::More);
    }
    let newest = parser.transactions().end - 1;
    let transaction = parser.transaction(newest).unwrap();
    let stub = |direction| transaction.buffer(Buffer::DcerpcStubData, direction, 0);
    assert_eq!(stub(ToServer), BufferView::Complete(b"arguments"));
    assert_eq!(stub(ToClient), BufferView::Complete(b"results"));
    let call = transaction.dcerpc_call().unwrap();
    assert!(call.is_operation(&[(15, 15)]));
    let mut uuid: [u8; 16] = std::array::from_fn(|at| u8::try_from(at + 1).unwrap());
    uuid[..4].reverse();
    uuid[4..6].reverse();
    uuid[6..8].reverse();
    assert!(call.is_of(&lapwing_rules::model::DcerpcInterface {
        uuid,
        version: None,
        any_fragment: false,
    }));
}

#[test]
fn a_write_is_followed_while_its_record_comes() {
    let bytes = vec![b'x'; 40_000];
    let record = write(3, 0, &bytes);
    let mut parser = SmbParser::default();
    parser.feed(ToServer, &record[..600]);
    parser.feed(ToServer, &record[600..36_000]);
    let transaction = parser.transaction(0).unwrap();
    let BufferView::Growing(seen) = transaction.buffer(Buffer::FileData, ToServer, 0) else {
        panic!("not seen while it grows");
    };
    assert_eq!(seen.len(), 36_000 - 116);
    parser.feed(ToServer, &[&record[36_000..], &close()].concat());
    let transaction = parser.transaction(0).unwrap();
    assert_eq!(
        transaction.buffer(Buffer::FileData, ToServer, 0),
        BufferView::Complete(&bytes)
    );
}

#[test]
fn records_are_found_again_behind_a_gap() {
    let mut parser = SmbParser::default();
    parser.feed(ToServer, &tree_connect("lost")[..50]);
    parser.gap(ToServer, 30);
    parser.feed(ToServer, b"tail of something lost");
    parser.feed(ToServer, &tree_connect("found"));
    let newest = parser.transaction(parser.transactions().end - 1).unwrap();
    assert_eq!(
        newest.buffer(Buffer::SmbShare, ToServer, 0),
        BufferView::Complete(b"found")
    );
}

#[test]
fn what_is_no_smb_ends_it() {
    let mut parser = SmbParser::default();
    assert_eq!(parser.feed(ToServer, &tree_connect("a")), Feed::More);
    assert_eq!(parser.feed(ToServer, &nbss(b"GET / HTTP/1.1")), Feed::Stop);
    assert_eq!(parser.transaction(0).unwrap().events(), ["malformed_data"]);
    assert_eq!(parser.feed(ToClient, &tree_opened(1)), Feed::Stop);
}

/// A message of SMB 1, user 3, tree 4.
fn smb1(command: u8, multiplex: u16, is_response: bool, body: &[u8]) -> Vec<u8> {
    let flags = if is_response { 0x80 } else { 0 };
    let mut header = [
        b"\xffSMB",
        &[command, 0, 0, 0, 0, flags, 0, 0][..],
        &[0; 12],
    ]
    .concat();
    header.extend([4, 0, 0, 0, 3, 0]);
    header.extend(multiplex.to_le_bytes());
    nbss(&[&header, body].concat())
}

#[test]
fn version_one_shares_and_files() {
    let connect = [
        &[4, 0xff, 0, 0, 0, 0, 0, 0, 0, 20, 0][..],
        b"\\\\s\\docs\0?????\0",
    ]
    .concat();
    let connected = b"\x03\xff\0\0\0\0\0\x05\0A:\0NTFS\0";
    let write = [
        &[12, 0xff, 0, 0, 0, 8, 0][..],
        &[0; 4],
        &[0; 8],
        &[0, 0, 4, 0, 59, 0, 4, 0],
        b"data",
    ]
    .concat();
    let close = [3, 8, 0, 0, 0, 0, 0, 0, 0];
    let turns = [
        (ToServer, smb1(0x75, 1, false, &connect)),
        (ToClient, smb1(0x75, 1, true, connected)),
        (ToServer, smb1(0x2f, 2, false, &write)),
        (
            ToClient,
            smb1(
                0x2f,
                2,
                true,
                &[6, 0xff, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            ),
        ),
        (ToServer, smb1(0x04, 3, false, &close)),
    ];
    let turns: Vec<Turn<'_>> = turns.iter().map(|(d, b)| (*d, &b[..])).collect();
    assert_eq!(
        told(&turns)[..2],
        [
            r">smb.share=\\\\s\\docs",
            ">FileSize=4 >FilePresent=1 >file.data=data"
        ]
    );
}

#[test]
fn too_many_open_exchanges_are_told() {
    let mut parser = testing::parser(AppProtocol::Smb, Transport::Tcp);
    let told_of = |parser: &dyn Parser| {
        let lines = testing::told(parser);
        lines
            .iter()
            .filter(|line| line.contains("!too_many_transactions"))
            .count()
    };
    let echo = |message| smb2(13, message, false, &[4, 0, 0, 0]);
    for message in 1..=1_025 {
        parser.feed(ToServer, &echo(message));
    }
    assert_eq!(told_of(parser.as_ref()), 0);
    parser.feed(ToServer, &echo(1_026));
    assert_eq!(told_of(parser.as_ref()), 1);
}

proptest! {
    #[test]
    fn random_bytes_do_no_harm(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8),
        version in 0xfd_u8..=0xff,
    ) {
        let mut parser = SmbParser::default();
        for (from_client, bytes) in pieces {
            let direction = if from_client { ToServer } else { ToClient };
            let message = [&[version][..], b"SMB", &bytes].concat();
            parser.feed(direction, &nbss(&message));
            parser.feed(direction, &bytes);
        }
        for direction in Direction::BOTH {
            parser.gap(direction, 10);
            parser.end(direction);
        }
        let held = parser.held_bytes();
        prop_assert!(held < 4 * 1024 * 1024);
    }

    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        let turns = [
            (ToServer, tree_connect("share")),
            (ToClient, tree_opened(1)),
            (ToServer, create("a.txt")),
            (ToClient, created()),
            (ToServer, write(3, 0, b"hello ")),
            (ToServer, write(4, 6, b"world")),
            (ToServer, read(5, 5, 0)),
            (ToClient, read_answer(5, b"first")),
            (ToServer, close()),
        ];
        let turns: Vec<Turn<'_>> = turns.iter().map(|(d, b)| (*d, &b[..])).collect();
        testing::cuts_change_nothing(
            || testing::parser(AppProtocol::Smb, Transport::Tcp),
            &turns,
            &mutations,
            &sizes,
        )?;
    }
}
