//! Messages by hand (RFC 4120, section 5), whole and cut.

use lapwing_rules::model::AppProtocol;
use proptest::prelude::*;

use crate::{
    app_layer::{
        Parser, Transport, limits,
        testing::{self, element},
    },
    direction::Direction::{ToClient, ToServer},
};

const TIME: &[u8] = b"\x18\x0f20370913024805Z";

fn name(parts: &[&[u8]]) -> Vec<u8> {
    let strings: Vec<Vec<u8>> = parts.iter().map(|part| element(0x1b, &[part])).collect();
    let strings: Vec<&[u8]> = strings.iter().map(Vec::as_slice).collect();
    let strings = element(0xa1, &[&element(0x30, &strings)]);
    element(0x30, &[b"\xa0\x03\x02\x01\x01", &strings])
}

fn request(kind: u8) -> Vec<u8> {
    let body = element(
        0x30,
        &[
            b"\xa0\x07\x03\x05\x00\x40\x81\x00\x10",
            &element(0xa1, &[&name(&[b"alice"])]),
            b"\xa2\x07\x1b\x05REALM",
            &element(0xa3, &[&name(&[b"cifs", b"files.example"])]),
            &element(0xa5, &[TIME]),
            b"\xa7\x03\x02\x01\x2a",
            b"\xa8\x05\x30\x03\x02\x01\x12",
        ],
    );
    let message = element(
        0x30,
        &[
            b"\xa1\x03\x02\x01\x05",
            &[0xa2, 3, 2, 1, kind],
            &element(0xa4, &[&body]),
        ],
    );
    element(0x60 | kind, &[&message])
}

fn reply(kind: u8, ticket_encryption: u8, encryption: u8) -> Vec<u8> {
    let encrypted = |kind: u8| {
        let parts: [&[u8]; 2] = [&[0xa0, 3, 2, 1, kind], b"\xa2\x03\x04\x01\x5a"];
        element(0x30, &parts)
    };
    let ticket = element(
        0x30,
        &[
            b"\xa0\x03\x02\x01\x05",
            b"\xa1\x07\x1b\x05REALM",
            &element(0xa2, &[&name(&[b"krbtgt", b"REALM"])]),
            &element(0xa3, &[&encrypted(ticket_encryption)]),
        ],
    );
    let message = element(
        0x30,
        &[
            b"\xa0\x03\x02\x01\x05",
            &[0xa1, 3, 2, 1, kind],
            b"\xa3\x07\x1b\x05REALM",
            &element(0xa4, &[&name(&[b"alice"])]),
            &element(0xa5, &[&element(0x61, &[&ticket])]),
            &element(0xa6, &[&encrypted(encryption)]),
        ],
    );
    element(0x60 | kind, &[&message])
}

fn error(code: u8) -> Vec<u8> {
    let message = element(
        0x30,
        &[
            b"\xa0\x03\x02\x01\x05",
            b"\xa1\x03\x02\x01\x1e",
            &element(0xa4, &[TIME]),
            b"\xa5\x03\x02\x01\x01",
            &[0xa6, 3, 2, 1, code],
            b"\xa9\x07\x1b\x05REALM",
            &element(0xaa, &[&name(&[b"krbtgt", b"REALM"])]),
        ],
    );
    element(0x7e, &[&message])
}

fn record(message: &[u8]) -> Vec<u8> {
    let mark = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&mark[..], message].concat()
}

fn over(transport: Transport) -> Box<dyn Parser> {
    testing::parser(AppProtocol::Krb5, transport)
}

#[test]
fn each_message_is_a_transaction_of_its_direction() {
    let turns = [
        (ToServer, &request(10)[..]),
        (ToClient, &error(25)),
        (ToClient, &reply(11, 18, 18)),
        (ToServer, &request(12)),
        (ToClient, &reply(13, 23, 3)),
    ];
    assert_eq!(
        testing::told_of(over(Transport::Udp), &turns),
        [
            ">Krb5MessageType=10",
            "<Krb5MessageType=30 <Krb5ErrorCode=25 <krb5.sname=krbtgt <krb5.sname=REALM",
            "<Krb5MessageType=11 <Krb5TicketEncryption=18 <krb5.cname=alice <krb5.sname=krbtgt <krb5.sname=REALM",
            ">Krb5MessageType=12",
            "!weak_encryption <Krb5MessageType=13 <Krb5TicketEncryption=23 <krb5.cname=alice <krb5.sname=krbtgt <krb5.sname=REALM",
        ]
    );
}

#[test]
fn what_is_no_element_ends_a_stream() {
    let asked = [record(&request(10)), record(b"\x6a"), record(&request(12))].concat();
    let turns = [(ToServer, &asked[..]), (ToClient, &record(&error(25)))];
    let told = testing::told_of(over(Transport::Tcp), &turns);
    assert_eq!(told, ["!malformed_data >Krb5MessageType=10"]);
    // Another class, or a kind that is not looked into, is passed over.
    let turns = [(ToServer, &b"\x30\x00"[..]), (ToServer, b"\x6e\x00")];
    assert!(testing::told_of(over(Transport::Udp), &turns).is_empty());
}

#[test]
fn records_beyond_the_cap_are_not_waited_for() {
    let mut parser = over(Transport::Tcp);
    let mark = u32::try_from(limits::KERBEROS_RECORD_BYTES_MAX + 1).unwrap();
    testing::converse(parser.as_mut(), &[(ToServer, &mark.to_be_bytes())], &[1]);
    testing::converse(parser.as_mut(), &[(ToServer, &record(&request(10)))], &[9]);
    assert!(testing::told(parser.as_ref()).is_empty());
    assert!(parser.held_bytes() < 1_000);
}

proptest! {
    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        let asked = [record(&request(10)), record(&request(12))].concat();
        let answered = [record(&error(25)), record(&reply(13, 18, 23))].concat();
        testing::cuts_change_nothing(
            || over(Transport::Tcp),
            &[(ToServer, &asked), (ToClient, &answered)],
            &mutations,
            &sizes,
        )?;
    }
}
