//! `asn1`: odd ASN.1 structures in a payload.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{Asn1, Asn1Start, Buffer, Match},
    source::{
        draft::{MatchDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{list, number_within, split_space},
    },
};

/// `asn1:[bitstring_overflow][, double_overflow][, oversize_length N][, absolute_offset N | relative_offset N]`, separated
/// by commas or spaces.
pub(crate) fn asn1(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let mut asn1 = Asn1 {
        start: Asn1Start::Absolute(0),
        bit_string_overflow: false,
        double_overflow: false,
        oversize_length: None,
    };
    let (mut absolute, mut relative) = (None, None);
    for item in list(value(option)) {
        let mut rest = item;
        loop {
            let (name, behind) = split_space(rest);
            rest = behind;
            match name.bytes {
                b"bitstring_overflow" => asn1.bit_string_overflow = true,
                b"double_overflow" => asn1.double_overflow = true,
                b"oversize_length" => {
                    let length = number(&mut rest, 0, i64::from(u32::MAX))?;
                    asn1.oversize_length = u32::try_from(length).ok();
                }
                b"absolute_offset" => {
                    absolute = u16::try_from(number(&mut rest, 0, OFFSET_MAX)?).ok();
                }
                b"relative_offset" => {
                    relative = i32::try_from(number(&mut rest, -OFFSET_MAX, OFFSET_MAX)?).ok();
                }
                _ => {
                    return Err(Problem::value(
                        item.span(),
                        "`bitstring_overflow`, `double_overflow`, `oversize_length N`, `absolute_offset N` or `relative_offset N` is expected",
                    ));
                }
            }
            if rest.bytes.is_empty() {
                break;
            }
        }
    }
    // The absolute place wins, as in the reference.
    asn1.start = match (absolute, relative) {
        (Some(offset), _) => Asn1Start::Absolute(offset),
        (None, Some(offset)) => Asn1Start::Relative(offset),
        (None, None) => Asn1Start::Absolute(0),
    };
    let index = rule.inspection_of(Buffer::Payload, &option.name.span());
    rule.inspections[index]
        .matches
        .push(MatchDraft::Other(Match::Asn1(asn1)));
    Ok(())
}

const OFFSET_MAX: i64 = 65_535;

/// The number that stands next.
fn number(rest: &mut Word<'_>, min: i64, max: i64) -> Result<i64, Problem> {
    let (number, behind) = split_space(*rest);
    *rest = behind;
    number_within(number, min, max)
}
