//! Numbers, ranges and ways of reading numbers from traffic: what several items have in common.
//!
//! Operand: 0 and a signed number, or 1 and the index of a byte variable.
//! Optional operand: 2 for none, else as above.
//! Range: 0 or 1 (negated), smallest, largest.

use super::super::bytes::{Cursor, Decoded, Malformed, put_number, put_signed};
use crate::{
    limits,
    model::{BytesSpec, NumberBase, NumberRange, Operand},
};

pub(super) fn put_operand(out: &mut Vec<u8>, operand: Operand) {
    match operand {
        Operand::Number(number) => {
            out.push(0);
            put_signed(out, number);
        }
        Operand::Variable(index) => out.extend_from_slice(&[1, index]),
    }
}

pub(super) fn put_optional_operand(out: &mut Vec<u8>, operand: Option<Operand>) {
    match operand {
        Some(operand) => put_operand(out, operand),
        None => out.push(2),
    }
}

pub(super) fn optional_operand(cursor: &mut Cursor<'_>) -> Decoded<Option<Operand>> {
    Ok(match cursor.byte()? {
        0 => Some(Operand::Number(cursor.signed()?)),
        1 => Some(Operand::Variable(variable(cursor)?)),
        2 => None,
        _ => return Err(Malformed("a program has an operand of unknown kind")),
    })
}

pub(super) fn operand(cursor: &mut Cursor<'_>) -> Decoded<Operand> {
    optional_operand(cursor)?.ok_or(Malformed("a program lacks an operand"))
}

/// The index of a byte variable.
pub(super) fn variable(cursor: &mut Cursor<'_>) -> Decoded<u8> {
    let index = cursor.byte()?;
    if index < limits::BYTE_VARIABLES {
        Ok(index)
    } else {
        Err(Malformed("a program has a byte variable too many"))
    }
}

pub(super) fn flag(cursor: &mut Cursor<'_>) -> Decoded<bool> {
    match cursor.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed("a program has a flag that is neither 0 nor 1")),
    }
}

pub(super) fn put_range(out: &mut Vec<u8>, range: NumberRange) {
    out.push(u8::from(range.negated));
    put_number(out, range.min);
    put_number(out, range.max);
}

pub(super) fn range(cursor: &mut Cursor<'_>) -> Decoded<NumberRange> {
    let negated = flag(cursor)?;
    let (min, max) = (cursor.number()?, cursor.number()?);
    if min > max {
        return Err(Malformed("a program has a range that is upside down"));
    }
    Ok(NumberRange { min, max, negated })
}

const RELATIVE: u8 = 1;
const LITTLE_ENDIAN: u8 = 2;
const DCE: u8 = 4;
const BITMASK: u8 = 8;
const BASE_SHIFT: u8 = 4;

/// Flags (1 relative, 2 little-endian, 4 dce, 8 bitmask follows; 16, 32, 48: text in base 16, 10, 8), count, offset, bitmask.
pub(super) fn put_bytes_spec(out: &mut Vec<u8>, spec: &BytesSpec) {
    let base = match spec.text {
        None => 0,
        Some(NumberBase::Hexadecimal) => 1,
        Some(NumberBase::Decimal) => 2,
        Some(NumberBase::Octal) => 3,
    };
    let mut flags = base << BASE_SHIFT;
    for (set, bit) in [
        (spec.relative, RELATIVE),
        (spec.little_endian, LITTLE_ENDIAN),
        (spec.dce, DCE),
        (spec.bitmask.is_some(), BITMASK),
    ] {
        if set {
            flags |= bit;
        }
    }
    out.push(flags);
    put_operand(out, spec.count);
    put_operand(out, spec.offset);
    if let Some(mask) = spec.bitmask {
        put_number(out, u64::from(mask));
    }
}

pub(super) fn bytes_spec(cursor: &mut Cursor<'_>) -> Decoded<BytesSpec> {
    let flags = cursor.byte()?;
    let text = match flags >> BASE_SHIFT {
        0 => None,
        1 => Some(NumberBase::Hexadecimal),
        2 => Some(NumberBase::Decimal),
        3 => Some(NumberBase::Octal),
        _ => return Err(Malformed("a program has a number base that is unknown")),
    };
    let count = operand(cursor)?;
    let offset = operand(cursor)?;
    let bitmask = if flags & BITMASK == 0 {
        None
    } else {
        Some(cursor.number_u32()?)
    };
    Ok(BytesSpec {
        count,
        relative: flags & RELATIVE != 0,
        offset,
        little_endian: flags & LITTLE_ENDIAN != 0,
        text,
        dce: flags & DCE != 0,
        bitmask,
    })
}
