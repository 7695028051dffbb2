//! Values as PostgreSQL sends and takes them, in its binary form.
//!
//! Which form a placeholder has is what the server found out from the statement; a number goes where it wants a number,
//! wide or narrow, or a truth. `sum` over 64-bit numbers comes as a decimal number of any length.

use std::error::Error as StdError;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::super::value::ValueRef;

type Outcome<T> = Result<T, Box<dyn StdError + Sync + Send>>;

/// What stands in a text for what PostgreSQL cannot hold there, U+0000.
const INSTEAD_OF_NUL: &str = "\u{fffd}";

impl ToSql for ValueRef<'_> {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
        match *self {
            ValueRef::Null => return Ok(IsNull::Yes),
            ValueRef::Integer(number) => match *wanted {
                Type::INT8 => out.put_i64(number),
                Type::INT4 => out.put_i32(i32::try_from(number)?),
                Type::INT2 => out.put_i16(i16::try_from(number)?),
                Type::BOOL => out.put_u8(u8::from(number != 0)),
                Type::TEXT => out.put_slice(number.to_string().as_bytes()),
                _ => return Err(format!("a number where {wanted} is wanted").into()),
            },
            ValueRef::Text(text) => match *wanted {
                Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => {
                    for (index, part) in text.split('\0').enumerate() {
                        if index > 0 {
                            out.put_slice(INSTEAD_OF_NUL.as_bytes());
                        }
                        out.put_slice(part.as_bytes());
                    }
                }
                _ => return Err(format!("a text where {wanted} is wanted").into()),
            },
            ValueRef::Blob(bytes) => match *wanted {
                Type::BYTEA => out.put_slice(bytes),
                _ => return Err(format!("bytes where {wanted} is wanted").into()),
            },
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What a column holds.
pub(super) struct Column<'a>(pub(super) ValueRef<'a>);

impl<'a> FromSql<'a> for Column<'a> {
    fn from_sql(is: &Type, raw: &'a [u8]) -> Outcome<Self> {
        Ok(Self(match *is {
            Type::INT8 => ValueRef::Integer(i64::from_be_bytes(raw.try_into()?)),
            Type::INT4 => ValueRef::Integer(i32::from_be_bytes(raw.try_into()?).into()),
            Type::INT2 => ValueRef::Integer(i16::from_be_bytes(raw.try_into()?).into()),
            Type::BOOL => {
                ValueRef::Integer(i64::from(raw.first().is_some_and(|truth| *truth != 0)))
            }
            Type::NUMERIC => {
                ValueRef::Integer(whole_number(raw).ok_or("no whole number of 64 bits")?)
            }
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => {
                ValueRef::Text(std::str::from_utf8(raw)?)
            }
            Type::BYTEA => ValueRef::Blob(raw),
            _ => return Err(format!("a column of type {is}").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Outcome<Self> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A decimal number: how many groups of four digits, the power of 10,000 of the first one, the sign, digits behind the
/// point, and the groups, each in 16 bits (PostgreSQL's `numeric_send`). None when it is not whole or has no room.
fn whole_number(raw: &[u8]) -> Option<i64> {
    const NEGATIVE: u16 = 0x4000;
    let mut fields = raw
        .chunks_exact(2)
        .filter_map(|field| field.try_into().ok())
        .map(u16::from_be_bytes);
    let groups = usize::from(fields.next()?);
    let power = i32::from(fields.next()?.cast_signed());
    let sign = fields.next()?;
    fields.next()?;
    if sign != 0 && sign != NEGATIVE {
        return None;
    }
    let mut number = 0i128;
    let mut power_left = power;
    for group in fields.take(groups) {
        if power_left < 0 {
            // Behind the point.
            if group != 0 {
                return None;
            }
        } else {
            number = number.checked_mul(10_000)?.checked_add(i128::from(group))?;
        }
        power_left -= 1;
    }
    for _ in 0..=power_left {
        number = number.checked_mul(10_000)?;
    }
    i64::try_from(if sign == NEGATIVE { -number } else { number }).ok()
}

#[cfg(test)]
mod tests {
    use super::whole_number;

    fn numeric(power: i16, sign: u16, groups: &[u16]) -> Vec<u8> {
        let count = u16::try_from(groups.len()).unwrap();
        [count, power.cast_unsigned(), sign, 0]
            .iter()
            .chain(groups)
            .flat_map(|field| field.to_be_bytes())
            .collect()
    }

    #[test]
    fn decimal_numbers_are_read_as_far_as_they_are_whole() {
        let cases: [(&[u8], Option<i64>); 8] = [
            (&numeric(0, 0, &[]), Some(0)),
            (&numeric(0, 0, &[7]), Some(7)),
            (&numeric(1, 0, &[12]), Some(120_000)),
            (&numeric(1, 0x4000, &[12, 34]), Some(-120_034)),
            (
                &numeric(4, 0, &[922, 3372, 368, 5477, 5807]),
                Some(i64::MAX),
            ),
            (&numeric(4, 0, &[922, 3372, 368, 5477, 5808]), None),
            (&numeric(0, 0, &[1, 5000]), None),
            (&numeric(0, 0xc000, &[]), None),
        ];
        for (raw, number) in cases {
            assert_eq!(whole_number(raw), number, "{raw:?}");
        }
        assert_eq!(whole_number(&[0, 1]), None);
    }
}
