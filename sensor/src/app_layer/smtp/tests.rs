//! Sessions by hand: commands and replies, mails with files, and what is odd about them.

use lapwing_rules::model::Buffer;
use proptest::prelude::*;

use super::SmtpParser;
use crate::{
    app_layer::{BufferView, Feed, Parser},
    direction::Direction::{self, ToClient, ToServer},
};

type Turn<'a> = (Direction, &'a [u8]);

const GREETING: [Turn<'_>; 3] = [
    (ToClient, b"220 mail.example SMTP\r\n"),
    (ToServer, b"EHLO me\r\n"),
    (ToClient, b"250-mail.example\r\n250 SIZE\r\n"),
];

/// What rules could see of a session that is cut into pieces of these sizes.
fn picture(turns: &[Turn<'_>], sizes: &[usize]) -> Vec<String> {
    let mut parser = SmtpParser::default();
    let mut sizes = sizes.iter().copied().cycle();
    let mut is_over = false;
    for (direction, bytes) in turns {
        let mut rest = *bytes;
        while !rest.is_empty() && !is_over {
            let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
            is_over = parser.feed(*direction, &rest[..size]) != Feed::More;
            rest = &rest[size..];
        }
    }
    for direction in Direction::BOTH {
        parser.end(direction);
    }
    parser
        .transactions()
        .map(|number| {
            let transaction = parser.transaction(number).unwrap();
            let mut seen = transaction.events().join(" ");
            for index in 0..4 {
                for buffer in [Buffer::FileName, Buffer::FileData] {
                    if let BufferView::Complete(bytes) = transaction.buffer(buffer, ToServer, index)
                    {
                        seen += &format!("|{}", bytes.escape_ascii());
                    }
                }
            }
            seen
        })
        .collect()
}

fn session<'a>(turns: &[Turn<'a>]) -> Vec<Turn<'a>> {
    GREETING.iter().chain(turns).copied().collect()
}

fn mail(text: &[u8]) -> Vec<String> {
    picture(
        &session(&[
            (ToServer, b"DATA\r\n"),
            (ToClient, b"354 go\r\n"),
            (ToServer, text),
            (ToServer, b"\r\n.\r\n"),
            (ToClient, b"250 ok\r\n"),
        ]),
        &[usize::MAX],
    )
}

const MULTIPART: &[u8] = b"Subject: two files\r\nContent-Type: multipart/mixed;\r\n boundary=\"B\"\r\n\r\n\
    preamble\r\n--B\r\nContent-Type: text/plain\r\n\r\nno file\r\n\
    --B\r\nContent-Disposition: attachment; filename=\"a.exe\"\r\nContent-Transfer-Encoding: base64\r\n\r\nTVqQ\r\nAAM=\r\n\
    --B\r\nContent-Type: text/html; name=b.html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p=3Eq=\r\np\r\n--B--\r\nepilogue";

#[test]
fn files_of_a_mail_are_decoded() {
    assert_eq!(mail(MULTIPART), [r"|a.exe|MZ\x90\x00\x03|b.html|<p>qp\r\n"]);
    assert_eq!(
        mail(b"Content-Disposition: x; filename=f\r\n\r\none\r\n..two"),
        [r"|f|one\r\n..two"]
    );
    assert_eq!(
        mail(
            b"Content-Type: message/rfc822\r\n\r\nContent-Disposition: x; filename=f\r\n\r\ninner"
        ),
        ["|f|inner"]
    );
}

#[test]
fn odd_mails_are_told() {
    let name = [b"X".repeat(80), b": y\r\n\r\n".to_vec()].concat();
    assert_eq!(mail(&name), ["mime_long_header_name"]);
    let value = [b"X: ".to_vec(), b"y".repeat(2_001), b"\r\n\r\n".to_vec()].concat();
    assert_eq!(mail(&value), ["mime_long_line mime_long_header_value"]);
    let boundary = [b"Content-Type: a; boundary=".to_vec(), b"y".repeat(300)].concat();
    assert_eq!(
        mail(&[&boundary[..], b"\r\n\r\n"].concat()),
        ["mime_long_boundary mime_parse_failed"]
    );
    let file = [
        b"Content-Type: a; name=".to_vec(),
        b"y".repeat(256),
        b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=xx".to_vec(),
        b" ".repeat(80),
    ];
    assert!(
        mail(&file.concat())[0]
            .starts_with("mime_long_filename mime_long_enc_line mime_invalid_qp|")
    );
}

#[test]
fn odd_sessions_are_told() {
    let told = |turns: &[Turn<'_>]| picture(&session(turns), &[usize::MAX]);
    assert_eq!(
        picture(&[(ToServer, b"NOOP\r\n")], &[9]),
        ["no_server_welcome_message"]
    );
    assert_eq!(told(&[(ToServer, b"HELO again\r\n")]), ["duplicate_fields"]);
    assert_eq!(
        told(&[(ToServer, b"MAIL FROM:<a>\r\nMAIL FROM:<b>\r\n")]),
        ["duplicate_fields"]
    );
    assert_eq!(
        told(&[(ToServer, b"DATA\r\n"), (ToClient, b"550 no\r\n")]),
        ["data_command_rejected"]
    );
    assert_eq!(
        told(&[(ToServer, b"STARTTLS\r\n"), (ToClient, b"502 no\r\n")]),
        ["tls_rejected"]
    );
    assert_eq!(
        told(&[(ToServer, b"DATA\r\nNOOP\r\n")]),
        ["invalid_pipelined_sequence"]
    );
    assert_eq!(
        told(&[(ToServer, b"DATA\r\nDATA\r\n")]),
        ["unparsable_content"]
    );
    assert_eq!(
        told(&[(ToServer, b"NOOP\r\n"), (ToClient, b"999 x\r\n")]),
        ["invalid_reply"]
    );
    assert_eq!(
        told(&[(ToServer, b"BDAT 3\r\nabcd\r\n")]),
        ["bdat_chunk_len_exceeded"]
    );
    let long = [b"NOOP ".to_vec(), b"x".repeat(5_000), b"\r\n".to_vec()].concat();
    assert_eq!(told(&[(ToServer, &long)]), ["truncated_line"]);
}

#[test]
fn a_granted_starttls_hands_over() {
    let mut parser = SmtpParser::default();
    for (direction, bytes) in session(&[(ToServer, b"STARTTLS\r\n")]) {
        assert_eq!(parser.feed(direction, bytes), Feed::More);
    }
    assert_eq!(parser.feed(ToClient, b"220 go\r\n"), Feed::Upgrade);
    assert!(parser.transaction(0).unwrap().is_complete(ToServer));
}

#[test]
fn each_mail_is_a_transaction() {
    let seen = picture(
        &session(&[
            (ToServer, b"MAIL FROM:<a>\r\nDATA\r\n"),
            (ToClient, b"250 ok\r\n354 go\r\n"),
            (ToServer, b"\r\nx\r\n.\r\n"),
            (ToClient, b"250 ok\r\n"),
            (ToServer, b"MAIL FROM:<a>\r\n"),
            (ToClient, b"250 ok\r\n"),
            (ToServer, b"QUIT\r\n"),
        ]),
        &[usize::MAX],
    );
    assert_eq!(seen, ["", ""]);
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        sizes in prop::collection::vec(1usize..60, 1..6),
    ) {
        let mut text = [MULTIPART, b"\r\n.\r\nMAIL FROM:<b>\r\nRSET\r\nBDAT 4\r\nab\r\nQUIT\r\n"].concat();
        for (index, value) in mutations {
            let at = index.index(text.len());
            text[at] = value;
        }
        let turns = session(&[
            (ToServer, b"DATA\r\n"),
            (ToClient, b"354 go\r\n"),
            (ToServer, &text),
            (ToClient, b"250 ok\r\n250 ok\r\n"),
        ]);
        let whole = picture(&turns, &[usize::MAX]);
        prop_assert_eq!(&picture(&turns, &[1]), &whole);
        prop_assert_eq!(&picture(&turns, &sizes), &whole);
    }
}
