//! Messages by hand (RFC 1157, RFC 3416, RFC 3412).

use lapwing_rules::model::AppProtocol;

use crate::{
    app_layer::{
        Parser, Transport,
        testing::{self, element},
    },
    direction::Direction::{ToClient, ToServer},
};

fn pdu(kind: u8) -> Vec<u8> {
    element(
        0xa0 | kind,
        &[
            b"\x02\x01\x07",
            b"\x02\x01\x00",
            b"\x02\x01\x00",
            b"\x30\x00",
        ],
    )
}

fn with_community(version: u8, community: &[u8], kind: u8) -> Vec<u8> {
    let community = element(4, &[community]);
    element(0x30, &[&[2, 1, version], &community, &pdu(kind)])
}

/// Version 3, with a security model and flags.
fn with_user(user: &[u8], model: u8, flags: u8) -> Vec<u8> {
    let header = element(
        0x30,
        &[
            b"\x02\x01\x09\x02\x02\x40\x00\x04\x01",
            &[flags],
            &[2, 1, model],
        ],
    );
    let usm = element(
        0x30,
        &[
            b"\x04\x01e\x02\x01\x01\x02\x01\x01",
            &element(4, &[user]),
            b"\x04\x00\x04\x00",
        ],
    );
    let scoped = if flags & 2 != 0 {
        element(4, &[b"ciphertext"])
    } else {
        element(0x30, &[b"\x04\x01e\x04\x00", &pdu(0)])
    };
    element(
        0x30,
        &[b"\x02\x01\x03", &header, &element(4, &[&usm]), &scoped],
    )
}

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Snmp, Transport::Udp)
}

#[test]
fn versions_with_a_community() {
    let turns = [
        (ToServer, &with_community(1, b"public", 0)[..]),
        (ToClient, &with_community(1, b"public", 2)),
        (ToServer, &with_community(0, b"", 1)),
    ];
    assert_eq!(
        testing::told_of(new(), &turns),
        [
            ">SnmpVersion=2 >SnmpPduType=0 >snmp.community=public",
            "<SnmpVersion=2 <SnmpPduType=2 <snmp.community=public",
            "!version_mismatch >SnmpVersion=2 >SnmpPduType=1 >snmp.community=",
        ]
    );
}

#[test]
fn version_3_shows_its_user_and_a_plain_pdu() {
    let turns = [
        (ToServer, &with_user(b"admin", 3, 4)[..]),
        (ToServer, &with_user(b"admin", 3, 3)),
        (ToClient, &with_user(b"admin", 9, 0)),
    ];
    assert_eq!(
        testing::told_of(new(), &turns),
        [
            ">SnmpVersion=3 >SnmpPduType=0 >snmp.usm=admin",
            ">SnmpVersion=3 >snmp.usm=admin",
            "!unknown_security_model <SnmpVersion=3 <SnmpPduType=0",
        ]
    );
}

#[test]
fn what_cannot_be_read_is_told_with_the_message_before() {
    let message = with_community(1, b"public", 0);
    let turns = [
        (ToServer, &message[..]),
        (ToServer, &message[..message.len() - 1]),
        (ToServer, &message),
    ];
    let told = testing::told_of(new(), &turns);
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("!malformed_data"));
}
