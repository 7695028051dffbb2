//! The condition of responses of LDAP within a program.
//!
//! A byte for what is asked: 1 operation, 2 result code, 3 count. Before the range of the first two stands which responses are asked:
//! 0 any, 1 all, 2 and 3 that at a place from the first or last, with the place.

use super::{
    super::bytes::{Cursor, Decoded, Malformed, put_number},
    operand::{put_range, range},
};
use crate::model::{LdapResponses, LdapWhich};

pub(super) fn encode(wanted: &LdapResponses, out: &mut Vec<u8>) {
    let range = match wanted {
        LdapResponses::Operation(which, range) => {
            out.push(1);
            put_which(out, *which);
            range
        }
        LdapResponses::ResultCode(which, range) => {
            out.push(2);
            put_which(out, *which);
            range
        }
        LdapResponses::Count(range) => {
            out.push(3);
            range
        }
    };
    put_range(out, *range);
}

fn put_which(out: &mut Vec<u8>, which: LdapWhich) {
    match which {
        LdapWhich::Any => out.push(0),
        LdapWhich::All => out.push(1),
        LdapWhich::FromFirst(place) => {
            out.push(2);
            put_number(out, u64::from(place));
        }
        LdapWhich::FromLast(place) => {
            out.push(3);
            put_number(out, u64::from(place));
        }
    }
}

pub(super) fn decode(cursor: &mut Cursor<'_>) -> Decoded<LdapResponses> {
    Ok(match cursor.byte()? {
        1 => LdapResponses::Operation(which(cursor)?, range(cursor)?),
        2 => LdapResponses::ResultCode(which(cursor)?, range(cursor)?),
        3 => LdapResponses::Count(range(cursor)?),
        _ => return Err(Malformed("a program asks an unknown thing of LDAP")),
    })
}

fn which(cursor: &mut Cursor<'_>) -> Decoded<LdapWhich> {
    Ok(match cursor.byte()? {
        0 => LdapWhich::Any,
        1 => LdapWhich::All,
        2 => LdapWhich::FromFirst(cursor.number_u32()?),
        3 => LdapWhich::FromLast(cursor.number_u32()?),
        _ => return Err(Malformed("a program asks unknown responses of LDAP")),
    })
}
