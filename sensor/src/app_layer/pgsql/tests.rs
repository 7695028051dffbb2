//! Starts of connections by hand.

use super::PgsqlParser;
use crate::{
    app_layer::{Feed, Parser},
    direction::Direction::{ToClient, ToServer},
};

const TLS_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSSAPI_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";
const START_UP: &[u8] = b"\0\0\0\x13\0\x03\0\0user\0postgres\0\0";

#[test]
fn tls_that_is_granted_takes_over() {
    for cut in 0..TLS_REQUEST.len() {
        let mut parser = PgsqlParser::default();
        let (first, second) = TLS_REQUEST.split_at(cut);
        assert_eq!(parser.feed(ToServer, first), Feed::More);
        assert_eq!(parser.feed(ToServer, second), Feed::More);
        assert_eq!(parser.feed(ToClient, b"S\x16\x03"), Feed::Upgrade);
        assert_eq!(parser.take_unread(ToClient), b"\x16\x03");
    }
}

#[test]
fn what_is_not_granted_goes_on_in_the_clear() {
    let mut parser = PgsqlParser::default();
    assert_eq!(parser.feed(ToServer, GSSAPI_REQUEST), Feed::More);
    assert_eq!(parser.feed(ToClient, b"N"), Feed::More);
    assert_eq!(parser.feed(ToServer, TLS_REQUEST), Feed::More);
    assert_eq!(parser.feed(ToClient, b"N"), Feed::More);
    assert_eq!(parser.feed(ToServer, START_UP), Feed::Stop);
    assert_eq!(parser.feed(ToClient, b"R\0\0\0\x08\0\0\0\0"), Feed::Stop);
}

#[test]
fn nothing_is_expected_without_a_request() {
    let mut parser = PgsqlParser::default();
    assert_eq!(parser.feed(ToClient, b"S"), Feed::Stop);
    let mut parser = PgsqlParser::default();
    parser.feed(ToServer, TLS_REQUEST);
    assert_eq!(parser.gap(ToServer, 9), Feed::Stop);
    assert_eq!(parser.feed(ToClient, b"S"), Feed::Stop);
    let mut parser = PgsqlParser::default();
    parser.feed(ToServer, GSSAPI_REQUEST);
    assert_eq!(
        parser.feed(ToClient, b"S"),
        Feed::Stop,
        "not what was asked for"
    );
}
