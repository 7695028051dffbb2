//! Messages by hand (Modbus application protocol 1.1b3, section 6).

use lapwing_rules::model::{
    AppProtocol, ModbusCall, ModbusRange, ModbusRequest, ModbusTable, PacketCondition,
};
use proptest::prelude::*;

use crate::{
    app_layer::{
        Parser, Transport, limits,
        testing::{self, Turn},
    },
    direction::Direction::{self, ToClient, ToServer},
};

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Modbus, Transport::Tcp)
}

/// A message of unit 17.
fn message(transaction: u8, function_and_data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(function_and_data.len() + 1).unwrap();
    [&[0, transaction, 0, 0, 0, length, 17], function_and_data].concat()
}

fn parsed(turns: &[Turn<'_>]) -> Box<dyn Parser> {
    let mut parser = new();
    testing::converse(parser.as_mut(), turns, &[usize::MAX]);
    parser
}

fn events(turns: &[Turn<'_>]) -> Vec<&'static str> {
    let parser = parsed(turns);
    parser
        .transactions()
        .flat_map(|number| parser.transaction(number).unwrap().events().to_vec())
        .collect()
}

fn exactly(number: u16) -> Option<ModbusRange> {
    Some(ModbusRange {
        low: number,
        high: number,
    })
}

/// Whether a request is what a rule asks for.
fn is(request: &[u8], call: ModbusCall) -> bool {
    let request = message(1, request);
    let parser = parsed(&[(ToServer, &request)]);
    let condition = PacketCondition::Modbus(ModbusRequest {
        unit: exactly(17),
        call,
    });
    let transaction = parser.transaction(0).unwrap();
    assert!(!transaction.holds(&condition, ToClient));
    transaction.holds(&condition, ToServer)
}

#[test]
fn functions_are_told_by_code_and_category() {
    let code = |code, subfunction| ModbusCall::Function { code, subfunction };
    assert!(is(b"\x03\0\x63\0\x02", code(3, None)));
    assert!(!is(b"\x03\0\x63\0\x02", code(4, None)));
    assert!(is(b"\x08\0\x04\0\0", code(8, Some(4))));
    assert!(!is(b"\x08\0\x04\0\0", code(8, Some(5))));
    assert!(!is(b"\x2b\x0e\x01\0", code(43, Some(14))));
    for (request, category) in [
        (&b"\x03\0\x63\0\x02"[..], 1),
        (b"\x1a", 2),
        (b"\x41\x01", 4),
        (b"\x08\0\x64\0\0", 8),
    ] {
        for bit in [1, 2, 4, 8] {
            let is_meant = is(request, ModbusCall::Category(bit));
            assert_eq!(is_meant, bit == category, "{request:?} {bit}");
        }
    }
}

#[test]
fn access_is_told_by_table_address_and_value() {
    let writes = |table, address, value| ModbusCall::Access {
        writes: true,
        table: Some(table),
        address: exactly(address),
        value: exactly(value),
    };
    let reads = |table, address| ModbusCall::Access {
        writes: false,
        table: Some(table),
        address: exactly(address),
        value: None,
    };
    let coils = ModbusTable::Coils;
    let holding = ModbusTable::HoldingRegisters;
    // Addresses 10 to 17 on the wire are the coils 11 to 18.
    for (address, is_read) in [(10, false), (11, true), (18, true), (19, false)] {
        assert_eq!(is(b"\x01\0\x0a\0\x08", reads(coils, address)), is_read);
    }
    assert!(!is(b"\x02\0\x0a\0\x08", reads(coils, 11)));
    assert!(is(b"\x05\0\x07\xff\0", writes(coils, 8, 1)));
    assert!(is(b"\x05\0\x07\0\0", writes(coils, 8, 0)));
    assert!(is(b"\x06\0\x08\x12\x34", writes(holding, 9, 0x1234)));
    assert!(!is(b"\x06\0\x08\x12\x34", writes(holding, 10, 0x1234)));
    let registers = b"\x10\0\x01\0\x02\x04\0\x0a\x01\x02";
    assert!(is(registers, writes(holding, 2, 10)));
    assert!(is(registers, writes(holding, 3, 0x102)));
    let coils_3_to_12 = b"\x0f\0\x03\0\x0a\x02\xcd\x01";
    assert!(is(coils_3_to_12, writes(coils, 4, 1)));
    assert!(is(coils_3_to_12, writes(coils, 5, 0)));
    let both = b"\x17\0\x03\0\x06\0\x0e\0\x03\x06\0\xff\0\xff\0\xff";
    assert!(is(both, writes(holding, 15, 255)));
    assert!(
        !is(both, reads(holding, 4)),
        "the addresses are those written"
    );
    // The greatest address runs over.
    assert!(is(b"\x06\xff\xff\0\x01", writes(holding, 0, 1)));
}

#[test]
fn what_is_wrong_is_an_event() {
    let request = message(1, b"\x06\0\x08\0\x01");
    let answer = |transaction, data: &[u8]| message(transaction, data);
    let cases: [(Vec<u8>, &[&str]); 5] = [
        (answer(1, b"\x06\0\x08\0\x01"), &[]),
        (answer(1, b"\x06\0\x08\0\x02"), &["value_mismatch"]),
        (answer(2, b"\x06\0\x08\0\x01"), &["unsolicited_response"]),
        (answer(1, b"\x86\x0c"), &["invalid_exception_code"]),
        (answer(1, b"\x86\x02"), &[]),
    ];
    for (answer, expected) in cases {
        assert_eq!(
            events(&[(ToServer, &request), (ToClient, &answer)]),
            expected
        );
    }
    let alone: [(&[u8], &[&str]); 5] = [
        (
            b"\0\x01\0\x05\0\x06\x11\x03\0\x63\0\x02",
            &["invalid_protocol_id"],
        ),
        (b"\0\x01\0\0\0\x06\x11\x03\0\x63\0\0", &["invalid_value"]),
        (
            b"\0\x01\0\0\0\x08\x11\x03\0\x63\0\x02xx",
            &["invalid_length"],
        ),
        (b"\0\x01\0\0\0\x01\x11", &["invalid_length"]),
        (
            b"\0\x01\0\0\0\x06\x11\x83\0\x63\0\x02",
            &["invalid_function_code"],
        ),
    ];
    for (request, expected) in alone {
        assert_eq!(events(&[(ToServer, request)]), expected);
    }
}

#[test]
fn requests_that_nobody_answers_are_a_flood() {
    let request = message(1, b"\x06\0\x08\0\x01");
    let mut turns = vec![(ToServer, &request[..]); limits::MODBUS_OPEN_REQUESTS_MAX];
    assert_eq!(events(&turns), [""; 0]);
    turns.extend([(ToServer, &request[..]); 10]);
    assert_eq!(events(&turns), ["flooded"]);
}

proptest! {
    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        let client = [
            message(1, b"\x03\0\x63\0\x02"),
            message(2, b"\x10\0\x01\0\x02\x04\0\x0a\x01\x02"),
            message(3, b"\x08\0\x04\0\0"),
        ]
        .concat();
        let server = [message(1, b"\x03\x04\0\x01\0\x02"), message(2, b"\x90\x02")].concat();
        let turns: [(Direction, &[u8]); 2] = [(ToServer, &client), (ToClient, &server)];
        testing::cuts_change_nothing(new, &turns, &mutations, &sizes)?;
    }
}
