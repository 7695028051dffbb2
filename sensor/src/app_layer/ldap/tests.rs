//! Messages by hand (RFC 4511, section 4).

use lapwing_rules::model::{AppProtocol, LdapResponses, LdapWhich, NumberRange, PacketCondition};
use proptest::prelude::*;

use super::is_ldap;
use crate::{
    app_layer::{
        Feed, Parser, Transport, limits,
        testing::{self, Turn, element},
    },
    direction::Direction::{ToClient, ToServer},
};

const OK: &[u8] = b"\x0a\x01\0\x04\0\x04\0";

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Ldap, Transport::Tcp)
}

fn message(number: u8, operation: &[u8]) -> Vec<u8> {
    element(0x30, &[&[2, 1, number], operation])
}

fn text(text: &[u8]) -> Vec<u8> {
    element(4, &[text])
}

fn bind(name: &[u8]) -> Vec<u8> {
    element(0x60, &[b"\x02\x01\x03", &text(name), b"\x80\x02pw"])
}

fn search(base: &[u8], attributes: &[&[u8]]) -> Vec<u8> {
    let attributes: Vec<Vec<u8>> = attributes.iter().map(|name| text(name)).collect();
    let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
    element(
        0x63,
        &[
            &text(base),
            b"\x0a\x01\x02\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0",
            &element(0x87, &[b"objectClass"]),
            &element(0x30, &attributes),
        ],
    )
}

fn entry(name: &[u8], attribute: &[u8]) -> Vec<u8> {
    let values = element(0x31, &[&text(b"value")]);
    let attribute = element(0x30, &[&text(attribute), &values]);
    element(0x64, &[&text(name), &element(0x30, &[&attribute])])
}

fn result(tag: u8, code: u8, name: &[u8], told: &[u8]) -> Vec<u8> {
    element(tag, &[&[0x0a, 1, code], &text(name), &text(told)])
}

fn conversation() -> Vec<(crate::direction::Direction, Vec<u8>)> {
    vec![
        (ToServer, message(1, &bind(b"cn=reader"))),
        (ToClient, message(1, &element(0x61, &[OK]))),
        (
            ToServer,
            message(2, &search(b"dc=example", &[b"cn", b"mail"])),
        ),
        (
            ToClient,
            [
                message(2, &entry(b"cn=one", b"mail")),
                message(2, &entry(b"cn=two", b"cn")),
                message(2, &result(0x65, 4, b"dc=example", b"too many")),
            ]
            .concat(),
        ),
        (ToServer, message(3, &element(0x42, &[]))),
    ]
}

fn turns(said: &[(crate::direction::Direction, Vec<u8>)]) -> Vec<Turn<'_>> {
    said.iter()
        .map(|(direction, bytes)| (*direction, bytes.as_slice()))
        .collect()
}

#[test]
fn requests_are_held_with_their_responses() {
    assert_eq!(
        testing::told_of(new(), &turns(&conversation())),
        [
            ">LdapRequestOperation=0 >ldap.request.dn=cn=reader <ldap.responses.dn= <ldap.responses.message=",
            ">LdapRequestOperation=3 >ldap.request.dn=dc=example >ldap.request.attribute_type=cn \
             >ldap.request.attribute_type=mail <ldap.responses.dn=cn=one <ldap.responses.dn=cn=two \
             <ldap.responses.dn=dc=example <ldap.responses.message= <ldap.responses.message= \
             <ldap.responses.message=too many <ldap.responses.attribute_type=mail <ldap.responses.attribute_type=cn",
            ">LdapRequestOperation=2",
        ]
    );
}

#[test]
fn responses_are_asked_together_or_one_by_one() {
    let said = conversation();
    let exactly = |number| NumberRange {
        min: number,
        max: number,
        negated: false,
    };
    let at_least = |min| NumberRange {
        min,
        max: u64::MAX,
        negated: false,
    };
    let holds = |parser: &dyn Parser, wanted| {
        let condition = PacketCondition::LdapResponses(wanted);
        parser.transaction(1).unwrap().holds(&condition, ToClient)
    };
    let mut parser = new();
    testing::converse(parser.as_mut(), &turns(&said), &[usize::MAX]);
    let operation = LdapResponses::Operation;
    for (wanted, expected) in [
        (operation(LdapWhich::Any, exactly(5)), true),
        (operation(LdapWhich::Any, exactly(7)), false),
        (operation(LdapWhich::All, exactly(4)), false),
        (operation(LdapWhich::All, at_least(4)), true),
        (operation(LdapWhich::FromFirst(1), exactly(4)), true),
        (operation(LdapWhich::FromFirst(3), exactly(4)), false),
        (operation(LdapWhich::FromLast(1), exactly(5)), true),
        (operation(LdapWhich::FromLast(4), exactly(4)), false),
        (LdapResponses::ResultCode(LdapWhich::Any, exactly(4)), true),
        (LdapResponses::ResultCode(LdapWhich::All, exactly(4)), true),
        (
            LdapResponses::ResultCode(LdapWhich::FromFirst(0), exactly(4)),
            false,
        ),
        (LdapResponses::Count(exactly(3)), true),
        (LdapResponses::Count(at_least(4)), false),
    ] {
        assert_eq!(holds(parser.as_ref(), wanted), expected, "{wanted:?}");
    }
    // What hangs on the last response is open before there is one; what more responses cannot change is not.
    let mut parser = new();
    testing::converse(parser.as_mut(), &turns(&said[..3]), &[usize::MAX]);
    parser.feed(ToClient, &message(2, &entry(b"cn=one", b"mail")));
    for (wanted, expected) in [
        (operation(LdapWhich::Any, exactly(4)), true),
        (operation(LdapWhich::All, exactly(4)), false),
        (operation(LdapWhich::FromLast(1), exactly(4)), false),
        (LdapResponses::Count(exactly(1)), false),
        (LdapResponses::Count(at_least(1)), true),
    ] {
        assert_eq!(holds(parser.as_ref(), wanted), expected, "{wanted:?}");
    }
}

#[test]
fn what_belongs_to_no_request_is_told() {
    let notice = message(
        0,
        &element(0x78, &[&[0x0a, 1, 52], &text(b""), &text(b"bye")]),
    );
    let said = [
        (ToClient, notice),
        (ToClient, message(9, &result(0x65, 0, b"", b""))),
        (ToServer, message(4, b"\x50\x01\x09")),
    ];
    assert_eq!(
        testing::told_of(new(), &turns(&said)),
        [
            "<ldap.responses.dn= <ldap.responses.message=bye",
            "!request_not_found <ldap.responses.dn= <ldap.responses.message=",
            ">LdapRequestOperation=16",
        ]
    );
    for wrong in [
        &b"\x31\x05"[..],
        b"\x30\x80",
        &message(1, b"\x61\x00"),
        &message(1, &bind(b"\xff")),
    ] {
        let mut parser = new();
        assert_eq!(parser.feed(ToServer, wrong), Feed::Stop, "{wrong:?}");
        assert_eq!(testing::told(parser.as_ref()), ["!invalid_data"]);
    }
}

#[test]
fn behind_a_granted_start_tls_it_is_another_protocol() {
    let oid = element(0x80, &[b"1.3.6.1.4.1.1466.20037"]);
    let request = message(1, &element(0x77, &[&oid]));
    let granted = message(1, &element(0x78, &[OK]));
    let mut parser = new();
    parser.feed(ToServer, &request);
    let answer = [&granted[..], b"\x16\x03"].concat();
    assert_eq!(parser.feed(ToClient, &answer), Feed::Upgrade);
    assert_eq!(parser.take_unread(ToClient), b"\x16\x03");
    let mut parser = new();
    parser.feed(ToServer, &request);
    let refused = message(1, &result(0x78, 2, b"", b"no"));
    assert_eq!(parser.feed(ToClient, &refused), Feed::More);
}

#[test]
fn what_is_wrapped_behind_a_bind_by_sasl_is_not_told() {
    let sasl = element(0xa3, &[&text(b"GSS-SPNEGO"), &text(b"token")]);
    let bind = message(1, &element(0x60, &[b"\x02\x01\x03\x04\0", &sasl]));
    let mut parser = new();
    parser.feed(ToServer, &bind);
    parser.feed(ToClient, &message(1, &element(0x61, &[OK])));
    assert_eq!(parser.feed(ToServer, b"\0\0\0\x20ciphertext"), Feed::Stop);
    assert!(parser.transaction(0).unwrap().events().is_empty());
}

#[test]
fn datagrams_carry_several_messages_and_long_messages_are_passed_over() {
    let parser = testing::parser(AppProtocol::Ldap, Transport::Udp);
    let found = [
        message(7, &entry(b"", b"Netlogon")),
        message(7, &result(0x65, 0, b"", b"")),
    ];
    let said = [
        (ToServer, message(7, &search(b"", &[b"Netlogon"]))),
        (ToClient, found.concat()),
    ];
    let told = testing::told_of(parser, &turns(&said));
    assert_eq!(told.len(), 1);
    assert!(
        told[0].ends_with("<ldap.responses.attribute_type=Netlogon"),
        "{told:?}"
    );

    let mut parser = new();
    parser.feed(ToServer, &message(2, &search(b"", &[])));
    let long = [
        &b"\x30\x84\0\x10\0\x01\x02\x01\x02\x64\x83\x0f\xff\xf9"[..],
        &[b'x'; 0x0f_fff9 - 1],
    ]
    .concat();
    for piece in long.chunks(1_400) {
        parser.feed(ToClient, piece);
        assert!(parser.held_bytes() < 4 * limits::LDAP_MESSAGE_BYTES_MAX);
    }
    parser.feed(ToClient, b"x");
    parser.feed(ToClient, &message(2, &result(0x65, 0, b"done", b"")));
    assert_eq!(
        testing::told(parser.as_ref()),
        [
            "!incomplete_data >LdapRequestOperation=3 >ldap.request.dn= <ldap.responses.dn= <ldap.responses.dn=done \
          <ldap.responses.message= <ldap.responses.message="
        ]
    );
}

#[test]
fn a_direction_is_told_by_its_operations() {
    let request = message(1, &bind(b""));
    assert_eq!(is_ldap(ToServer, &request), Some(true));
    assert_eq!(is_ldap(ToClient, &request), Some(false));
    assert_eq!(is_ldap(ToServer, &request[..3]), None);
    assert_eq!(
        is_ldap(ToServer, b"\x30\x84\0\0\0\x05\x02\x01\x03\x42\0"),
        Some(true)
    );
    assert_eq!(
        is_ldap(ToServer, b"\x30\x26\x02\x01\x01\x04\x06public"),
        Some(false)
    );
    assert_eq!(is_ldap(ToServer, b"\x16\x03"), Some(false));
}

#[test]
fn an_element_of_another_class_is_no_message() {
    let mut odd = message(1, &bind(b""));
    odd[0] = 0xf0;
    for sizes in [&[usize::MAX][..], &[1]] {
        let mut parser = new();
        testing::converse(parser.as_mut(), &[(ToServer, &odd)], sizes);
        assert_eq!(testing::told(parser.as_ref()), ["!invalid_data"]);
    }
}

proptest! {
    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        testing::cuts_change_nothing(new, &turns(&conversation()), &mutations, &sizes)?;
    }
}
