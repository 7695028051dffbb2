//! Units by hand (ODVA, volume 2, chapter 2).

use lapwing_rules::model::{AppProtocol, CipService, PacketCondition};
use proptest::prelude::*;

use crate::{
    app_layer::{Parser, Transport, testing},
    direction::Direction::{ToClient, ToServer},
};

fn unit(command: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_le_bytes();
    [&command.to_le_bytes()[..], &length, &[0; 20], data].concat()
}

/// An unconnected request or answer.
fn unconnected(service: &[u8]) -> Vec<u8> {
    let length = u16::try_from(service.len()).unwrap().to_le_bytes();
    let packet = [b"\0\0\0\0\x0a\0\x02\0\0\0\0\0\xb2\0", &length[..], service];
    unit(0x6f, &packet.concat())
}

/// The same on a connection, with its sequence number.
fn connected(service: &[u8]) -> Vec<u8> {
    let length = u16::try_from(service.len() + 2).unwrap().to_le_bytes();
    let packet = [
        b"\0\0\0\0\0\0\x02\0\xa1\0\x04\0conn\xb1\0",
        &length[..],
        b"\x01\0",
        service,
    ];
    unit(0x70, &packet.concat())
}

fn over(transport: Transport) -> Box<dyn Parser> {
    testing::parser(AppProtocol::Enip, transport)
}

fn has(unit: &[u8], service: u8, class: Option<u16>, attribute: Option<(u16, bool)>) -> bool {
    let mut parser = over(Transport::Tcp);
    testing::converse(parser.as_mut(), &[(ToServer, unit)], &[7]);
    let wanted = CipService {
        service,
        class,
        attribute,
    };
    let number = parser.transactions().start;
    let transaction = parser.transaction(number).unwrap();
    transaction.holds(&PacketCondition::CipService(wanted), ToServer)
}

#[test]
fn each_unit_is_a_transaction() {
    let two = [unit(99, b""), unit(0x65, b"\x01\0\0\0")].concat();
    let expected = [">EnipCommand=99", ">EnipCommand=101", "<EnipCommand=99"];
    for transport in [Transport::Tcp, Transport::Udp] {
        let turns = [(ToServer, &two[..]), (ToClient, &unit(99, b"name"))];
        assert_eq!(testing::told_of(over(transport), &turns), expected);
    }
}

#[test]
fn a_service_is_known_by_class_and_attribute() {
    let single = unconnected(b"\x0e\x03\x20\x01\x24\x01\x30\x07");
    assert!(has(&single, 14, None, None));
    assert!(has(&single, 14, Some(1), None));
    assert!(has(&single, 14, Some(1), Some((7, true))));
    assert!(!has(&single, 14, Some(1), Some((7, false))));
    assert!(!has(&single, 14, Some(2), None));
    assert!(!has(&single, 3, None, None));
    // Answers, and classes of other services, are not asked for.
    assert!(!has(&unconnected(b"\x8e\0\0\0value"), 14, None, None));
    assert!(!has(&unconnected(b"\x4c\x01\x20\x04"), 76, Some(4), None));
}

#[test]
fn services_within_a_service_are_found() {
    let list = b"\x03\x03\x21\0\0\x04\x24\x01\x02\0\x04\0\x05\0";
    let several = [
        &b"\x0a\x02\x20\x02\x24\x01\x02\0\x06\0\x0a\0\x4c\x01\x20\x04"[..],
        list,
    ]
    .concat();
    let several = connected(&several);
    assert!(has(&several, 10, None, None));
    assert!(has(&several, 76, None, None));
    assert!(has(&several, 3, Some(0x400), Some((5, true))));
    assert!(!has(&several, 3, Some(0x400), Some((6, true))));
    // One that contains itself comes to an end.
    assert!(has(&connected(b"\x0a\0\x01\0\0\0"), 10, None, None));
}

proptest! {
    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        let asked = [unit(0x65, b"\x01\0\0\0"), unconnected(b"\x0e\x03\x20\x01\x24\x01\x30\x07")].concat();
        let answered = [unit(0x65, b"\x01\0\0\0"), connected(b"\x8e\0\0\0value")].concat();
        testing::cuts_change_nothing(
            || over(Transport::Tcp),
            &[(ToServer, &asked), (ToClient, &answered)],
            &mutations,
            &sizes,
        )?;
    }
}
