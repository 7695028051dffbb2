//! The condition of `modbus` within a program.
//!
//! A range is a byte that says whether there is one, then its low and high end. The kinds of call: 0 any; 1 function, then code
//! and subfunction as a range is put (both ends the same); 2 categories as bits; 3 access, then whether it writes, the table
//! or 0, and two ranges, of addresses and values.

use super::{
    super::bytes::{Cursor, Decoded, Malformed, put_number},
    operand::flag,
};
use crate::model::{ModbusCall, ModbusRange, ModbusRequest, ModbusTable};

pub(super) fn encode(wanted: &ModbusRequest, out: &mut Vec<u8>) {
    put_range(out, wanted.unit);
    match wanted.call {
        ModbusCall::Any => out.push(0),
        ModbusCall::Function { code, subfunction } => {
            out.extend_from_slice(&[1, code]);
            let range = subfunction.map(|code| ModbusRange {
                low: code,
                high: code,
            });
            put_range(out, range);
        }
        ModbusCall::Category(bits) => out.extend_from_slice(&[2, bits]),
        ModbusCall::Access {
            writes,
            table,
            address,
            value,
        } => {
            let table = table.map_or(0, |table| table as u8);
            out.extend_from_slice(&[3, u8::from(writes), table]);
            put_range(out, address);
            put_range(out, value);
        }
    }
}

fn put_range(out: &mut Vec<u8>, range: Option<ModbusRange>) {
    out.push(u8::from(range.is_some()));
    if let Some(range) = range {
        put_number(out, u64::from(range.low));
        put_number(out, u64::from(range.high));
    }
}

pub(super) fn decode(cursor: &mut Cursor<'_>) -> Decoded<ModbusRequest> {
    Ok(ModbusRequest {
        unit: range(cursor)?,
        call: match cursor.byte()? {
            0 => ModbusCall::Any,
            1 => ModbusCall::Function {
                code: cursor.byte()?,
                subfunction: range(cursor)?.map(|range| range.low),
            },
            2 => ModbusCall::Category(cursor.byte()?),
            3 => ModbusCall::Access {
                writes: flag(cursor)?,
                table: table(cursor)?,
                address: range(cursor)?,
                value: range(cursor)?,
            },
            _ => return Err(Malformed("a program asks an unknown thing of Modbus")),
        },
    })
}

fn table(cursor: &mut Cursor<'_>) -> Decoded<Option<ModbusTable>> {
    Ok(Some(match cursor.byte()? {
        0 => return Ok(None),
        1 => ModbusTable::DiscreteInputs,
        2 => ModbusTable::Coils,
        3 => ModbusTable::InputRegisters,
        4 => ModbusTable::HoldingRegisters,
        _ => return Err(Malformed("a program names an unknown table of Modbus")),
    }))
}

fn range(cursor: &mut Cursor<'_>) -> Decoded<Option<ModbusRange>> {
    if !flag(cursor)? {
        return Ok(None);
    }
    let number = |cursor: &mut Cursor<'_>| {
        u16::try_from(cursor.number()?).map_err(|_| Malformed("a number in a program is too large"))
    };
    Ok(Some(ModbusRange {
        low: number(cursor)?,
        high: number(cursor)?,
    }))
}
