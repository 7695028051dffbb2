//! Sessions by hand: what is told of them, whole or cut.

use std::net::{IpAddr, Ipv4Addr};

use lapwing_rules::model::HeaderField;
use proptest::prelude::*;

use super::FtpParser;
use crate::{
    app_layer::{Feed, Parser},
    direction::Direction::{self, ToClient, ToServer},
};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Events, bounce, and how the last feed ended, for a session cut into pieces of these sizes.
fn picture(turns: &[(Direction, &[u8])], sizes: &[usize]) -> (Vec<String>, Feed) {
    let mut parser = FtpParser::new(CLIENT);
    let mut sizes = sizes.iter().copied().cycle();
    let mut feed = Feed::More;
    for (direction, bytes) in turns {
        let mut rest = *bytes;
        while !rest.is_empty() && feed == Feed::More {
            let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
            feed = parser.feed(*direction, &rest[..size]);
            rest = &rest[size..];
        }
    }
    let seen = parser.transactions().map(|number| {
        let transaction = parser.transaction(number).unwrap();
        let bounce = transaction.field(HeaderField::FtpBounce, ToServer, 0);
        let state = if transaction.is_complete(ToServer) {
            "done"
        } else {
            "open"
        };
        format!("{state} {bounce:?} {}", transaction.events().join(" "))
    });
    (seen.collect(), feed)
}

#[test]
fn a_port_of_another_host_is_a_bounce() {
    let (seen, feed) = picture(
        &[
            (ToServer, b"PORT 192,0,2,1,4,1\r\nPORT 192,0,2,9,4,1\r\n"),
            (ToClient, b"200 ok\r\n"),
        ],
        &[usize::MAX],
    );
    assert_eq!(seen, ["done Some(0) ", "open Some(1) "]);
    assert_eq!(feed, Feed::More);
}

#[test]
fn long_lines_are_told() {
    let long = [b"CWD ".to_vec(), b"x".repeat(5_000), b"\r\n".to_vec()].concat();
    let reply = [b"250 ".to_vec(), b"x".repeat(5_000), b"\r\n".to_vec()].concat();
    let (seen, _) = picture(
        &[(ToServer, &long), (ToClient, &reply), (ToClient, &reply)],
        &[1_000],
    );
    assert_eq!(
        seen,
        [
            "done Some(0) request_command_too_long response_command_too_long",
            "done Some(0) response_command_too_long"
        ]
    );
}

#[test]
fn replies_settle_what_comes_next() {
    let transfer = |turns: [(Direction, &'static [u8]); 2]| {
        let [asked, answered] = turns;
        picture(&[asked, answered, (ToServer, b"RETR a\r\n")], &[3]).1
    };
    assert_eq!(
        transfer([
            (ToServer, b"PASV\r\n"),
            (ToClient, b"227 x (192,0,2,7,4,1)\r\n")
        ]),
        Feed::More
    );
    assert_eq!(
        transfer([(ToServer, b"EPSV\r\n"), (ToClient, b"229 x (|||900|)\r\n")]),
        Feed::More
    );
    assert_eq!(
        transfer([
            (ToServer, b"PORT 192,0,2,1,4,1\r\n"),
            (ToClient, b"200 ok\r\n")
        ]),
        Feed::More
    );
    assert_eq!(
        transfer([
            (ToServer, b"EPRT |1|192.0.2.1|900|\r\n"),
            (ToClient, b"200 ok\r\n")
        ]),
        Feed::More
    );
    assert_eq!(
        transfer([(ToServer, b"PASV\r\n"), (ToClient, b"500 no\r\n")]),
        Feed::Stop
    );
    assert_eq!(
        transfer([(ToServer, b"AUTH TLS\r\n"), (ToClient, b"234 go\r\n")]),
        Feed::Upgrade
    );
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        sizes in prop::collection::vec(1usize..40, 1..6),
    ) {
        let mut text = b"USER a\r\nPORT 192,0,2,9,4,1\r\nRETR a\r\nXYZZ\r\nQUIT\r\n".to_vec();
        for (index, value) in mutations {
            let at = index.index(text.len());
            text[at] = value;
        }
        let turns: [(Direction, &[u8]); 4] = [
            (ToClient, b"220 hi\r\n"),
            (ToServer, &text[..29]),
            (ToClient, b"331 who\r\n200 ok\r\n150 soon\r\n"),
            (ToServer, &text[29..]),
        ];
        let whole = picture(&turns, &[usize::MAX]);
        prop_assert_eq!(&picture(&turns, &[1]), &whole);
        prop_assert_eq!(&picture(&turns, &sizes), &whole);
    }
}
