//! `byte_test`, `byte_jump`, `byte_extract`, `byte_math`: numbers read from the traffic.

use super::{super::keyword_table::Context, Done, content::operand, value};
use crate::{
    limits,
    model::{
        ByteExtract, ByteJump, ByteMath, ByteTest, BytesSpec, Comparison, JumpOrigin, Match,
        NumberBase, Operand,
    },
    source::{
        draft::{MatchDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word, trimmed},
        values::{integer, list, number_within, split_space},
    },
};

/// Largest multiplier and furthest jump after one, in bytes.
const LARGEST_OFFSET: i64 = 65_535;
/// Most bytes of a binary number, and of a text one.
const BINARY_BYTES: i64 = 8;
const TEXT_BYTES: i64 = 23;
/// Most bytes of a number that `byte_math` shifts.
const SHIFTED_BYTES: i64 = 4;

fn too_few(option: &RuleOption<'_>, form: &str) -> Problem {
    Problem::value(
        value(option).span(),
        format!("`{}` takes {form}", option.name.text()),
    )
}

pub(super) fn push(rule: &mut RuleDraft, option: &RuleOption<'_>, item: Match<'static>) -> Done {
    let span = option.name.span();
    let item = MatchDraft::Other(item);
    let inspection = if item.is_relative() {
        rule.inspection_of_newest(&span)
    } else {
        rule.current_inspection(&span)
    };
    inspection.matches.push(item);
    Ok(())
}

/// Number and offset as written; flags are added one by one.
fn spec(rule: &RuleDraft, count: Word<'_>, offset: Word<'_>) -> Result<BytesSpec, Problem> {
    Ok(BytesSpec {
        count: operand(rule, count, 0, TEXT_BYTES)?,
        relative: false,
        offset: operand(rule, offset, i64::from(i32::MIN), i64::from(i32::MAX))?,
        little_endian: false,
        text: None,
        dce: false,
        bitmask: None,
    })
}

/// The flags that all four have in common; `false` for one that is not among them.
fn common_flag(spec: &mut BytesSpec, item: Word<'_>) -> Result<bool, Problem> {
    let (name, rest) = split_space(item);
    match (name.bytes, rest.bytes) {
        (b"relative", b"") => spec.relative = true,
        (b"big", b"") | (b"endian", b"big") => spec.little_endian = false,
        (b"little", b"") | (b"endian", b"little") => spec.little_endian = true,
        (b"dce", b"") => spec.dce = true,
        (b"string", b"") => spec.text = spec.text.or(Some(NumberBase::Decimal)),
        (b"hex", b"") | (b"string", b"hex") => spec.text = Some(NumberBase::Hexadecimal),
        (b"dec", b"") | (b"string", b"dec") => spec.text = Some(NumberBase::Decimal),
        (b"oct", b"") | (b"string", b"oct") => spec.text = Some(NumberBase::Octal),
        (b"bitmask", _) => {
            let mask = number_within(rest, 1, i64::from(u32::MAX))?;
            spec.bitmask = Some(u32::try_from(mask).unwrap_or(u32::MAX));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn unknown_flag(item: Word<'_>) -> Problem {
    Problem::value(
        item.span(),
        format!("`{}` is not expected here", item.text()),
    )
}

/// Whether a binary number has at most eight bytes.
fn check_count(option: &RuleOption<'_>, spec: &BytesSpec, smallest: i64) -> Done {
    // Of a text number, 0 means as many digits as there are.
    let (smallest, largest) = if spec.text.is_some() {
        (0, TEXT_BYTES)
    } else {
        (smallest, BINARY_BYTES)
    };
    match spec.count {
        Operand::Number(count) if !(smallest..=largest).contains(&count) => Err(Problem::value(
            value(option).span(),
            format!("a number here has {smallest} to {largest} bytes, not {count}"),
        )),
        _ => Ok(()),
    }
}

/// The reference documents a mask for these, and its version 7.0.10 refuses it.
fn refuse_bitmask(option: &RuleOption<'_>, spec: &BytesSpec) -> Done {
    match spec.bitmask {
        None => Ok(()),
        Some(_) => Err(Problem::value(
            value(option).span(),
            format!("`{}` takes no bitmask", option.name.text()),
        )),
    }
}

/// `bytes, [!]operator, value, offset [, flags]`
pub(crate) fn byte_test(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let items = list(value(option));
    let [count, operator, number, offset, flags @ ..] = items.as_slice() else {
        return Err(too_few(option, "bytes, operator, value, offset"));
    };
    let negated = operator.bytes.first() == Some(&b'!');
    let sign = trimmed(operator.bytes, usize::from(negated)..operator.bytes.len());
    let comparison = match sign.bytes {
        b"<" => Comparison::Less,
        b"<=" => Comparison::LessOrEqual,
        b">" => Comparison::Greater,
        b">=" => Comparison::GreaterOrEqual,
        b"=" => Comparison::Equal,
        b"" if negated => Comparison::Equal,
        b"&" => Comparison::And,
        b"^" => Comparison::Xor,
        _ => {
            return Err(Problem::value(
                operator.span(),
                "an operator is <, <=, >, >=, =, & or ^, perhaps after `!`",
            ));
        }
    };
    let mut bytes = spec(rule, *count, *offset)?;
    let number = operand(rule, *number, i64::MIN + 1, i64::MAX)?;
    for item in flags {
        if !common_flag(&mut bytes, *item)? {
            return Err(unknown_flag(*item));
        }
    }
    check_count(option, &bytes, 1)?;
    push(
        rule,
        option,
        Match::ByteTest(ByteTest {
            bytes,
            negated,
            comparison,
            value: number,
        }),
    )
}

/// `bytes, offset [, flags]`
pub(crate) fn byte_jump(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let items = list(value(option));
    let [count, offset, flags @ ..] = items.as_slice() else {
        return Err(too_few(option, "bytes, offset"));
    };
    let mut jump = ByteJump {
        bytes: spec(rule, *count, *offset)?,
        multiplier: 1,
        align: false,
        origin: JumpOrigin::Cursor,
        post_offset: 0,
    };
    for item in flags {
        if common_flag(&mut jump.bytes, *item)? {
            continue;
        }
        let (name, rest) = split_space(*item);
        match (name.bytes, rest.bytes) {
            (b"align", b"") => jump.align = true,
            (b"from_beginning", b"") => jump.origin = JumpOrigin::Beginning,
            (b"from_end", b"") => jump.origin = JumpOrigin::End,
            (b"multiplier", _) => jump.multiplier = number_within(rest, 1, LARGEST_OFFSET)?,
            (b"post_offset", _) => {
                jump.post_offset = number_within(rest, -LARGEST_OFFSET, LARGEST_OFFSET)?;
            }
            _ => return Err(unknown_flag(*item)),
        }
    }
    check_count(option, &jump.bytes, 0)?;
    refuse_bitmask(option, &jump.bytes)?;
    push(rule, option, Match::ByteJump(jump))
}

/// The number of the variable that is set; a name that was set before keeps its number.
fn set_variable(rule: &mut RuleDraft, name: Word<'_>) -> Result<u8, Problem> {
    let text = name.text();
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts_well {
        return Err(Problem::value(
            name.span(),
            "the name of a variable begins with a letter",
        ));
    }
    if let Some(known) = rule.variables.iter().position(|known| known == text) {
        return Ok(u8::try_from(known).unwrap_or(u8::MAX));
    }
    let number = u8::try_from(rule.variables.len()).unwrap_or(u8::MAX);
    if number >= limits::BYTE_VARIABLES {
        return Err(Problem::value(
            name.span(),
            "the rule has too many variables",
        ));
    }
    rule.variables.push(text.to_owned());
    Ok(number)
}

/// `bytes, offset, name [, flags]`
pub(crate) fn byte_extract(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let items = list(value(option));
    let [count, offset, name, flags @ ..] = items.as_slice() else {
        return Err(too_few(option, "bytes, offset, name"));
    };
    let mut bytes = spec(rule, *count, *offset)?;
    let (mut multiplier, mut align) = (1, 0);
    for item in flags {
        if common_flag(&mut bytes, *item)? {
            continue;
        }
        let (flag, rest) = split_space(*item);
        match flag.bytes {
            b"multiplier" => multiplier = number_within(rest, 1, LARGEST_OFFSET)?,
            b"align" => {
                align = match integer(rest) {
                    Some(2) => 2,
                    Some(4) => 4,
                    _ => return Err(Problem::value(item.span(), "`align` is 2 or 4")),
                };
            }
            _ => return Err(unknown_flag(*item)),
        }
    }
    check_count(option, &bytes, 1)?;
    refuse_bitmask(option, &bytes)?;
    let variable = set_variable(rule, *name)?;
    push(
        rule,
        option,
        Match::ByteExtract(ByteExtract {
            bytes,
            variable,
            multiplier,
            align,
        }),
    )
}

/// `bytes N, offset N, oper +, rvalue N, result NAME [, flags]`
pub(crate) fn byte_math(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let form = "bytes N, offset N, oper +, rvalue N, result NAME";
    let items = list(value(option));
    let find = |key: &[u8]| {
        items
            .iter()
            .map(|item| split_space(*item))
            .find(|(name, _)| name.bytes == key)
            .map(|(_, rest)| rest)
            .ok_or_else(|| too_few(option, form))
    };
    let mut bytes = spec(rule, find(b"bytes")?, find(b"offset")?)?;
    let operator = match find(b"oper")?.bytes {
        [sign @ (b'+' | b'-' | b'*' | b'/')] => *sign,
        b"<<" => b'<',
        b">>" => b'>',
        _ => {
            return Err(Problem::value(
                find(b"oper")?.span(),
                "an operator is +, -, *, /, << or >>",
            ));
        }
    };
    let number = operand(rule, find(b"rvalue")?, 0, i64::from(u32::MAX))?;
    if operator == b'/' && number == Operand::Number(0) {
        return Err(Problem::value(find(b"rvalue")?.span(), "the divisor is 0"));
    }
    for item in &items {
        let (name, _) = split_space(*item);
        let is_named = matches!(
            name.bytes,
            b"bytes" | b"offset" | b"oper" | b"rvalue" | b"result"
        );
        if !is_named && !common_flag(&mut bytes, *item)? {
            return Err(unknown_flag(*item));
        }
    }
    check_count(option, &bytes, 1)?;
    if matches!(operator, b'<' | b'>')
        && matches!(bytes.count, Operand::Number(count) if count > SHIFTED_BYTES)
    {
        return Err(Problem::value(
            find(b"bytes")?.span(),
            format!("a number that is shifted has {SHIFTED_BYTES} bytes at most"),
        ));
    }
    let variable = set_variable(rule, find(b"result")?)?;
    push(
        rule,
        option,
        Match::ByteMath(ByteMath {
            bytes,
            operator,
            value: number,
            variable,
        }),
    )
}
