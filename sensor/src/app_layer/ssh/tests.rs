//! Banners and key exchange offers, whole or cut.

use lapwing_rules::model::{Buffer, HeaderField};
use proptest::prelude::*;

use super::SshParser;
use crate::{
    app_layer::{BufferView, Parser},
    direction::Direction,
};

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 2).unwrap();
    [&length.to_be_bytes()[..], &[0, kind], body].concat()
}

fn offer() -> Vec<u8> {
    let mut body = vec![7; 16];
    for list in [
        "kex", "key", "enc-c", "enc-s", "mac-c", "mac-s", "none-c", "none-s", "", "",
    ] {
        body.extend_from_slice(&u32::try_from(list.len()).unwrap().to_be_bytes());
        body.extend_from_slice(list.as_bytes());
    }
    packet(20, &body)
}

fn client() -> Vec<u8> {
    [
        &b"SSH-2.0-Tool_1.0 some comment\r\n"[..],
        &offer(),
        &packet(21, b""),
    ]
    .concat()
}

fn picture(bytes: &[u8], sizes: &[usize]) -> Vec<String> {
    let mut parser = SshParser::default();
    let mut sizes = sizes.iter().copied().cycle();
    for direction in Direction::BOTH {
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
            parser.feed(direction, &rest[..size]);
            rest = &rest[size..];
        }
    }
    let transaction = parser.transaction(0).unwrap();
    let mut seen = vec![format!("{:?}", transaction.events())];
    for direction in Direction::BOTH {
        for buffer in [
            Buffer::SshProto,
            Buffer::SshSoftware,
            Buffer::SshHasshString,
            Buffer::SshHasshServerString,
        ] {
            seen.push(match transaction.buffer(buffer, direction, 0) {
                BufferView::Complete(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => format!("{other:?}"),
            });
        }
    }
    seen
}

#[test]
fn both_sides_are_read() {
    assert_eq!(
        picture(&client(), &[usize::MAX]),
        [
            "[]",
            "2.0",
            "Tool_1.0",
            "kex;enc-c;mac-c;none-c",
            "Absent",
            "2.0",
            "Tool_1.0",
            "Absent",
            "kex;enc-s;mac-s;none-s",
        ]
    );
}

#[test]
fn versions_that_can_speak_version_2_are_known() {
    for (version, can) in [("2.0", 1), ("2.00", 1), ("1.99", 1), ("1.5", 0), ("1", 0)] {
        let mut parser = SshParser::default();
        parser.feed(
            Direction::ToServer,
            format!("SSH-{version}-x\r\n").as_bytes(),
        );
        let transaction = parser.transaction(0).unwrap();
        let field = |direction| transaction.field(HeaderField::SshCompatibleWith2, direction, 0);
        assert_eq!(field(Direction::ToServer), Some(can), "{version}");
        assert_eq!(field(Direction::ToClient), None);
    }
}

#[test]
fn odd_banners_are_told() {
    assert_eq!(
        picture(b"SSH-2.0\r\n", &[usize::MAX])[0],
        r#"["invalid_banner"]"#
    );
    assert_eq!(
        picture(&[b'x'; 300], &[usize::MAX])[0],
        r#"["long_banner"]"#
    );
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        sizes in prop::collection::vec(1usize..60, 1..6),
    ) {
        let mut bytes = client();
        for (index, value) in mutations {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let whole = picture(&bytes, &[usize::MAX]);
        prop_assert_eq!(&picture(&bytes, &[1]), &whole);
        prop_assert_eq!(&picture(&bytes, &sizes), &whole);
    }
}
