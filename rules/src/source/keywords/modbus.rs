//! `modbus`: unit, function or access of a request.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{AppProtocol, ModbusCall, ModbusRange, ModbusRequest, ModbusTable, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::RuleOption,
    },
};

const ASSIGNED: u8 = 1;
const UNASSIGNED: u8 = 2;
const USER: u8 = 4;
const RESERVED: u8 = 8;
const ALL: u8 = ASSIGNED | UNASSIGNED | USER | RESERVED;

/// Categories of functions.
const CATEGORIES: [(&str, u8); 6] = [
    ("assigned", ASSIGNED),
    ("unassigned", UNASSIGNED),
    ("public", ASSIGNED | UNASSIGNED),
    ("user", USER),
    ("reserved", RESERVED),
    ("all", ALL),
];

/// `modbus:[unit RANGE[, ]][function … | access …]`
pub(crate) fn modbus(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let wanted = request(word.text()).ok_or_else(|| {
        Problem::value(
            word.span(),
            format!("`{}` is nothing that a request of Modbus can be asked for", word.text()),
        )
        .hint("write as `unit 1, function 8, subfunction 4`, `function !reserved`, or `access write holding, address 500, value >200`")
    })?;
    rule.imply(AppProtocol::Modbus, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::Modbus(wanted)));
    Ok(())
}

/// What follows a word and white space.
fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(word)?;
    rest.starts_with(|first: char| first.is_ascii_whitespace())
        .then(|| rest.trim_ascii_start())
}

/// The part before the first comma, and what follows that with the white space behind it.
fn split_comma(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((first, rest)) => (first, Some(rest.trim_ascii_start())),
        None => (text, None),
    }
}

fn request(text: &str) -> Option<ModbusRequest> {
    let text = text.trim_ascii();
    let Some(rest) = behind(text, "unit") else {
        return Some(ModbusRequest {
            unit: None,
            call: call(text)?,
        });
    };
    let (unit, rest) = split_comma(rest);
    Some(ModbusRequest {
        unit: Some(range(unit)?),
        call: match rest {
            Some(rest) => call(rest)?,
            None => ModbusCall::Any,
        },
    })
}

fn call(text: &str) -> Option<ModbusCall> {
    if let Some(rest) = behind(text, "function") {
        return function(rest);
    }
    access(behind(text, "access")?)
}

fn function(text: &str) -> Option<ModbusCall> {
    let (code, rest) = split_comma(text);
    let subfunction = match rest {
        Some(rest) => Some(number(behind(rest, "subfunction")?)?),
        None => None,
    };
    if code.starts_with(|first: char| first.is_ascii_digit()) {
        let code = u8::try_from(number(code)?).ok().filter(|code| *code > 0)?;
        return Some(ModbusCall::Function { code, subfunction });
    }
    let (name, is_negated) = match code.strip_prefix('!') {
        Some(name) => (name, true),
        None => (code, false),
    };
    let (_, bits) = CATEGORIES.iter().find(|(known, _)| *known == name)?;
    Some(ModbusCall::Category(if is_negated {
        ALL & !bits
    } else {
        *bits
    }))
}

fn access(text: &str) -> Option<ModbusCall> {
    let (what, rest) = split_comma(text);
    let mut words = what.split_ascii_whitespace();
    let writes = match words.next()? {
        "read" => false,
        "write" => true,
        _ => return None,
    };
    let table = match words.next() {
        None => None,
        Some("coils") => Some(ModbusTable::Coils),
        Some("holding") => Some(ModbusTable::HoldingRegisters),
        Some("discretes") if !writes => Some(ModbusTable::DiscreteInputs),
        Some("input") if !writes => Some(ModbusTable::InputRegisters),
        Some(_) => return None,
    };
    if words.next().is_some() {
        return None;
    }
    let (mut address, mut value) = (None, None);
    if let Some(rest) = rest {
        let (addresses, rest) = split_comma(behind(rest, "address")?);
        let addresses = range(addresses)?;
        address = Some(addresses);
        if let Some(rest) = rest {
            // Only what is written to one address is compared.
            value = (addresses.low == addresses.high)
                .then(|| range(behind(rest, "value")?))
                .flatten();
            value?;
        }
    }
    Some(ModbusCall::Access {
        writes,
        table,
        address,
        value,
    })
}

fn number(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// `N`, `>N`, `<N` or `N<>M`
fn range(text: &str) -> Option<ModbusRange> {
    let (low, high) = if let Some(low) = text.strip_prefix('>') {
        (number(low)?, u16::MAX)
    } else if let Some(high) = text.strip_prefix('<') {
        (0, number(high)?)
    } else if let Some((low, high)) = text.split_once("<>") {
        (number(low)?, number(high)?)
    } else {
        let number = number(text)?;
        (number, number)
    };
    Some(ModbusRange { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_reference_takes_is_taken_and_nothing_else() {
        for taken in [
            "function 1",
            "function 8,subfunction 65535",
            "function !assigned",
            "function assigned, subfunction 4",
            "function  03",
            "access read",
            "access read  coils",
            "access read , address 1",
            "access read coils, address 10<>1",
            "access write holding, address  1,  value  2",
            "access write, address 1, value >1",
            "unit 256",
            "unit >1",
            "unit 1,function 3",
            "unit 1, access write coils, address 3, value 4",
        ] {
            assert!(request(taken).is_some(), "{taken}");
        }
        for refused in [
            "",
            "function",
            "function 0",
            "function 256",
            "function !3",
            "function >3",
            "function ! assigned",
            "function 3 foo",
            "function 3,",
            "function 3 ,subfunction 4",
            "function 8, subfunction 65536",
            "access",
            "access foo",
            "access write discretes",
            "access write input",
            "access read,",
            "access read, value 3",
            "access read coils, address > 1",
            "access write holding, address >1, value 5",
            "access write holding, address 1 , value 2",
            "access write holding address 1",
            "unit !1",
            "unit 1,",
            "unit 1 , function 3",
            "unit 1, unit 2",
            "unit 65536",
        ] {
            assert!(request(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn parts_are_told_apart() {
        let range = |low, high| Some(ModbusRange { low, high });
        assert_eq!(
            request("unit 1, access write holding, address 9, value >2"),
            Some(ModbusRequest {
                unit: range(1, 1),
                call: ModbusCall::Access {
                    writes: true,
                    table: Some(ModbusTable::HoldingRegisters),
                    address: range(9, 9),
                    value: range(2, u16::MAX),
                },
            })
        );
        assert_eq!(
            request("function !public").map(|request| request.call),
            Some(ModbusCall::Category(USER | RESERVED))
        );
    }
}
