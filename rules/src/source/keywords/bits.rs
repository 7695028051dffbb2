//! `flowbits`, `xbits`, `hostbits`, `flowint`: what rules remember between packets.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{BitAction, BitScope},
    source::{
        draft::{ConditionDraft, EffectDraft, IntegerDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{integer, list, number_u32, split_space},
    },
};

fn action(word: Word<'_>) -> Result<BitAction, Problem> {
    Ok(match word.bytes {
        b"set" => BitAction::Set,
        b"unset" => BitAction::Unset,
        b"toggle" => BitAction::Toggle,
        b"isset" => BitAction::IsSet,
        b"isnotset" => BitAction::IsNotSet,
        _ => {
            return Err(Problem::value(
                word.span(),
                format!("`{}` is nothing that is done with a bit", word.text()),
            )
            .hint("write set, unset, toggle, isset or isnotset"));
        }
    })
}

/// The reference takes no space before the first comma.
fn check_joined(word: Word<'_>, verb: Word<'_>) -> Done {
    if word.bytes.get(verb.bytes.len()) == Some(&b',') {
        return Ok(());
    }
    Err(Problem::value(word.span(), "a space stands before the first comma").hint("remove it"))
}

fn name(word: Word<'_>) -> Result<String, Problem> {
    if word.bytes.is_empty() || word.bytes.iter().any(u8::is_ascii_whitespace) {
        return Err(Problem::value(
            word.span(),
            "the name of a bit is one word without white space",
        ));
    }
    Ok(word.text().to_owned())
}

/// Adds a condition or an effect for the names `a|b`.
fn add(
    rule: &mut RuleDraft,
    scope: BitScope,
    action: BitAction,
    names: Vec<String>,
    expire_seconds: u32,
) {
    if scope == BitScope::Flow && action != BitAction::Set {
        rule.traits.beyond_addresses = true;
    }
    if matches!(action, BitAction::IsSet | BitAction::IsNotSet) {
        rule.conditions.push(ConditionDraft::Bits {
            scope,
            action,
            names,
        });
        return;
    }
    for name in names {
        rule.effects.push(EffectDraft::Bit {
            scope,
            action,
            name,
            expire_seconds,
        });
    }
}

/// `flowbits:isset,a|b`, `flowbits:noalert`
pub(crate) fn flow_bits(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    if word.bytes == b"noalert" {
        rule.no_alert = true;
        return Ok(());
    }
    let items = list(word);
    let [verb, bit] = items.as_slice() else {
        return Err(Problem::value(word.span(), "a flow bit is action, name"));
    };
    check_joined(word, *verb)?;
    let action = action(*verb)?;
    let mut names = Vec::new();
    for part in bit.bytes.split(|byte| *byte == b'|') {
        let part = part.trim_ascii();
        names.push(name(Word {
            bytes: part,
            start: bit.start,
        })?);
    }
    add(rule, BitScope::Flow, action, names, 0);
    Ok(())
}

/// `xbits:set,name,track ip_src[,expire N]`
pub(crate) fn exchange_bits(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = value(option);
    let items = list(word);
    let [verb, bit, track, rest @ ..] = items.as_slice() else {
        return Err(Problem::value(
            word.span(),
            "an exchange bit is action, name, track ip_src, ip_dst or ip_pair",
        ));
    };
    check_joined(word, *verb)?;
    let action = action(*verb)?;
    let scope = match split_space(*track) {
        (key, what) if key.bytes == b"track" => match what.bytes {
            b"ip_src" => Some(BitScope::SourceHost),
            b"ip_dst" => Some(BitScope::DestinationHost),
            b"ip_pair" => Some(BitScope::HostPair),
            _ => None,
        },
        _ => None,
    };
    let scope = scope.ok_or_else(|| {
        Problem::value(
            track.span(),
            "`track ip_src`, `ip_dst` or `ip_pair` is expected",
        )
    })?;
    let expire_seconds = match rest {
        [] => DEFAULT_EXPIRY_SECONDS,
        [expire] => {
            let (key, seconds) = split_space(*expire);
            if key.bytes != b"expire" {
                return Err(Problem::value(expire.span(), "`expire N` is expected"));
            }
            let seconds = number_u32(seconds)?;
            if seconds == 0 {
                return Err(Problem::value(
                    expire.span(),
                    "a bit expires after at least a second",
                ));
            }
            seconds
        }
        _ => {
            return Err(Problem::value(
                word.span(),
                "an exchange bit has an item too many",
            ));
        }
    };
    let names = vec![name(*bit)?];
    add(rule, scope, action, names, expire_seconds);
    Ok(())
}

/// How long a host bit lasts unless the rule says so; the reference has the same.
const DEFAULT_EXPIRY_SECONDS: u32 = 30;

/// `hostbits:set,name[,src|dst|both]`
pub(crate) fn host_bits(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    if word.bytes == b"noalert" {
        rule.no_alert = true;
        return Ok(());
    }
    let items = list(word);
    let (verb, bit, side) = match items.as_slice() {
        [verb, bit] => (verb, bit, BitScope::SourceHost),
        [verb, bit, side] => {
            let scope = match side.bytes {
                b"src" => BitScope::SourceHost,
                b"dst" => BitScope::DestinationHost,
                b"both" => {
                    return Err(Problem::value(
                        side.span(),
                        "bits of both hosts at once are not kept, as in the reference",
                    )
                    .hint("write two options, one for src and one for dst"));
                }
                _ => return Err(Problem::value(side.span(), "a side is src or dst")),
            };
            (verb, bit, scope)
        }
        _ => {
            return Err(Problem::value(
                word.span(),
                "a host bit is action, name, side",
            ));
        }
    };
    let action = action(*verb)?;
    let mut names = Vec::new();
    for part in bit.bytes.split(|byte| *byte == b'|') {
        names.push(name(Word {
            bytes: part.trim_ascii(),
            start: bit.start,
        })?);
    }
    // Host bits do not expire by themselves, other than exchange bits.
    add(rule, side, action, names, u32::MAX);
    Ok(())
}

/// Letters, digits, `_`, `.` and `/`, two at least, a letter first.
fn integer_name(word: Word<'_>) -> Result<String, Problem> {
    let fits = word.bytes.len() >= 2
        && word.bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && word
            .bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_./".contains(byte));
    if !fits {
        return Err(Problem::value(
            word.span(),
            "the name of a flow integer begins with a letter and has at least two letters, digits, `_`, `.` or `/`",
        ));
    }
    Ok(word.text().to_owned())
}

/// `flowint:name,operator[,value]`
pub(crate) fn flow_integer(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let items = list(word);
    let (variable, verb, number) = match items.as_slice() {
        [variable, verb] => (variable, verb, None),
        [variable, verb, number] => (variable, verb, Some(*number)),
        _ => {
            return Err(Problem::value(
                word.span(),
                "a flow integer is name, operator, value",
            ));
        }
    };
    let variable_name = integer_name(*variable)?;
    rule.traits.beyond_addresses = true;
    let operator = match verb.bytes {
        b"isset" => b's',
        b"isnotset" | b"notset" => b'n',
        b"+" => b'+',
        b"-" => b'-',
        b"=" => b'=',
        b"==" => b'e',
        b"<" => b'<',
        b">" => b'>',
        b"<=" => b'l',
        b">=" => b'g',
        b"!=" => b'!',
        _ => {
            return Err(Problem::value(
                verb.span(),
                "an operator is +, -, =, ==, !=, <, <=, >, >=, isset or isnotset",
            ));
        }
    };
    let number = match number {
        Some(other) if integer(other).is_none() && !other.bytes.is_empty() => {
            IntegerDraft::Variable(name(other)?)
        }
        Some(number) => IntegerDraft::Number(number_u32(number)?),
        None if matches!(operator, b's' | b'n') => IntegerDraft::Number(0),
        None => return Err(Problem::value(word.span(), "the value is missing")),
    };
    match operator {
        b'+' | b'-' | b'=' => rule.effects.push(EffectDraft::FlowInt {
            name: variable_name,
            operator,
            value: number,
        }),
        _ => rule.conditions.push(ConditionDraft::FlowInt {
            name: variable_name,
            operator: if operator == b'e' { b'=' } else { operator },
            value: number,
        }),
    }
    Ok(())
}
