//! `rpc`.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{PacketCondition, RpcCall},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{list, number_u32},
    },
};

/// `rpc:100003,3,7`: program, then version and procedure, each perhaps `*` or left out.
pub(crate) fn call(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let (program, version, procedure) = match list(word)[..] {
        [program] => (program, None, None),
        [program, version] => (program, Some(version), None),
        [program, version, procedure] => (program, Some(version), Some(procedure)),
        _ => {
            return Err(Problem::value(
                word.span(),
                "a program, a version and a procedure are wanted, at most",
            ));
        }
    };
    let wanted = RpcCall {
        program: number(program)?,
        version: version.and_then(unless_any).map(number).transpose()?,
        procedure: procedure.and_then(unless_any).map(number).transpose()?,
    };
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::RpcCall(wanted)));
    rule.traits.needs_packet = true;
    rule.traits.beyond_addresses = true;
    Ok(())
}

fn unless_any(item: Word<'_>) -> Option<Word<'_>> {
    (item.bytes != b"*").then_some(item)
}

/// A number in digits alone.
fn number(item: Word<'_>) -> Result<u32, Problem> {
    if item.bytes.iter().all(u8::is_ascii_digit) {
        number_u32(item)
    } else {
        Err(Problem::value(
            item.span(),
            format!("`{}` is no number", item.text()),
        ))
    }
}
