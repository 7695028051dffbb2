//! Effects, as items of a program.
//!
//! | tag | effect | fields |
//! |---|---|---|
//! | 1 | bit | scope, action, bit number, expiry in seconds |
//! | 2, 4 | flow integer | variable, operator, value (4: another variable) |
//! | 3 | no alert | |

use super::{
    super::bytes::{Cursor, Decoded, Malformed, put_number},
    Encoder, Item, Tables,
    condition::{bit_action, bit_number, bit_scope, integer_number, integer_operand_code},
};
use crate::model::{Effect, IntegerOperand};

impl<'a> Item<'a> for Effect {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        let out = &mut encoder.out;
        match *self {
            Self::Bit {
                scope,
                action,
                bit,
                expire_seconds,
            } => {
                out.extend_from_slice(&[1, scope as u8, action as u8]);
                put_number(out, u64::from(bit));
                put_number(out, u64::from(expire_seconds));
            }
            Self::FlowInt {
                variable,
                operator,
                value,
            } => {
                let (tag, operand) = integer_operand_code(value, 2, 4);
                out.push(tag);
                put_number(out, u64::from(variable));
                out.push(operator);
                put_number(out, u64::from(operand));
            }
            Self::NoAlert => out.push(3),
        }
    }

    fn decode(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Self> {
        Ok(match cursor.byte()? {
            1 => Self::Bit {
                scope: bit_scope(cursor)?,
                action: bit_action(cursor)?,
                bit: bit_number(cursor, tables)?,
                expire_seconds: cursor.number_u32()?,
            },
            2 => Self::FlowInt {
                variable: integer_number(cursor, tables)?,
                operator: cursor.byte()?,
                value: IntegerOperand::Number(cursor.number_u32()?),
            },
            4 => Self::FlowInt {
                variable: integer_number(cursor, tables)?,
                operator: cursor.byte()?,
                value: IntegerOperand::Variable(integer_number(cursor, tables)?),
            },
            3 => Self::NoAlert,
            _ => return Err(Malformed("a program has an effect of unknown kind")),
        })
    }
}
