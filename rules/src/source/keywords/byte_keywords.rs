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
fn spec(
    rule: &RuleDraft,
    count: Word<'_>,
    offset: Word<'_>,
    largest_offset: i64,
) -> Result<BytesSpec, Problem> {
    Ok(BytesSpec {
        count: operand(rule, count, 0, TEXT_BYTES)?,
        relative: false,
        offset: operand(rule, offset, -largest_offset, largest_offset)?,
        little_endian: false,
        text: None,
        dce: false,
        bitmask: None,
    })
}

/// The flags that all four have in common, and how often each kind of them stands in a rule.
#[derive(Default)]
struct CommonFlags {
    relative: u8,
    endian: u8,
    string: u8,
    base: u8,
    bitmask: u8,
    /// A base before `string`.
    base_came_first: bool,
}

impl CommonFlags {
    /// Takes a flag; `false` for one that is not among them.
    fn take(&mut self, spec: &mut BytesSpec, item: Word<'_>) -> Result<bool, Problem> {
        let (name, rest) = split_space(item);
        let base = |name: &[u8]| match name {
            b"hex" => Some(NumberBase::Hexadecimal),
            b"dec" => Some(NumberBase::Decimal),
            b"oct" => Some(NumberBase::Octal),
            _ => None,
        };
        match (name.bytes, rest.bytes) {
            (b"relative", b"") => {
                spec.relative = true;
                self.relative += 1;
            }
            (b"big" | b"little", b"") | (b"endian", b"big" | b"little") => {
                spec.little_endian = name.bytes == b"little" || rest.bytes == b"little";
                self.endian += 1;
            }
            (b"dce", b"") => spec.dce = true,
            (b"string", b"") => {
                spec.text = spec.text.or(Some(NumberBase::Decimal));
                self.string += 1;
            }
            (b"hex" | b"dec" | b"oct", b"") => {
                spec.text = base(name.bytes);
                self.base_came_first |= self.string == 0;
                self.base += 1;
            }
            (b"string", b"hex" | b"dec" | b"oct") => {
                spec.text = base(rest.bytes);
                self.string += 1;
                self.base += 1;
            }
            (b"bitmask", _) => {
                let mask = number_within(rest, 1, i64::from(u32::MAX))?;
                spec.bitmask = Some(u32::try_from(mask).unwrap_or(u32::MAX));
                self.bitmask += 1;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What `byte_test` and `byte_jump` refuse.
    fn check(&self, option: &RuleOption<'_>, spec: &BytesSpec) -> Done {
        if self.base > 0 && self.string == 0 {
            return Err(wrong(option, "a base stands beside `string` only"));
        }
        if spec.dce && (self.endian > 0 || self.string > 0) {
            return Err(wrong(
                option,
                "`dce` says how the number is written, so nothing else can",
            ));
        }
        Ok(())
    }

    /// What `byte_extract` refuses.
    fn check_extract(&self, option: &RuleOption<'_>, spec: &BytesSpec) -> Done {
        let largest = match spec.text {
            Some(NumberBase::Decimal) => 20,
            Some(NumberBase::Hexadecimal) => 14,
            Some(NumberBase::Octal) | None => TEXT_BYTES,
        };
        let is_too_long = matches!(spec.count, Operand::Number(count) if count > largest);
        let endian = self.endian + u8::from(spec.dce);
        Err(wrong(
            option,
            match () {
                () if self.base_came_first => "a base stands behind `string`",
                () if self.base > 1 || endian > 1 || self.relative > 1 => {
                    "a flag stands here twice"
                }
                () if self.string > 0 && endian > 0 => "a text has no order of bytes",
                () if self.bitmask > 0 => "a mask is not taken here",
                () if is_too_long => {
                    "a text number has 20 decimal or 14 hexadecimal digits at most"
                }
                () => return Ok(()),
            },
        ))
    }

    /// What `byte_math` refuses.
    fn check_math(&self, option: &RuleOption<'_>, spec: &BytesSpec) -> Done {
        Err(wrong(
            option,
            match () {
                () if self.base != self.string => {
                    "a text is `string hex`, `string dec` or `string oct`"
                }
                () if self.base > 1 || self.endian > 1 || self.relative > 1 || self.bitmask > 1 => {
                    "a flag stands here twice"
                }
                () if spec.dce => "`dce` is not taken here, as in the reference",
                () if matches!(spec.count, Operand::Number(count) if !(1..=10).contains(&count)) => {
                    "a number here has 1 to 10 bytes"
                }
                () => return Ok(()),
            },
        ))
    }
}

fn wrong(option: &RuleOption<'_>, message: &'static str) -> Problem {
    Problem::value(value(option).span(), message)
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
    let mut bytes = spec(rule, *count, *offset, i64::from(i32::MAX))?;
    let number = operand(rule, *number, i64::MIN + 1, i64::MAX)?;
    let mut common = CommonFlags::default();
    for item in flags {
        if !common.take(&mut bytes, *item)? {
            return Err(unknown_flag(*item));
        }
    }
    common.check(option, &bytes)?;
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
        bytes: spec(rule, *count, *offset, LARGEST_OFFSET)?,
        multiplier: 1,
        align: false,
        origin: JumpOrigin::Cursor,
        post_offset: 0,
    };
    let mut common = CommonFlags::default();
    let mut origins = 0;
    for item in flags {
        if common.take(&mut jump.bytes, *item)? {
            continue;
        }
        origins += u8::from(item.bytes.starts_with(b"from_"));
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
    common.check(option, &jump.bytes)?;
    if common.bitmask > 0 {
        return Err(wrong(
            option,
            "a mask is not taken here, as in the reference",
        ));
    }
    if origins > u8::from(!jump.bytes.dce) {
        return Err(wrong(
            option,
            "one of `from_beginning`, `from_end` and `dce` can be said",
        ));
    }
    check_count(option, &jump.bytes, 0)?;
    refuse_bitmask(option, &jump.bytes)?;
    push(rule, option, Match::ByteJump(jump))
}

/// The number of the variable that is set; a name that was set before keeps its number.
fn set_variable(rule: &mut RuleDraft, name: Word<'_>) -> Result<u8, Problem> {
    let text = name.text();
    let is_name = text
        .bytes()
        .any(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && !text.bytes().any(|byte| byte.is_ascii_whitespace());
    if !is_name {
        return Err(Problem::value(
            name.span(),
            "the name of a variable is one word with a letter in it",
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
    let mut bytes = spec(rule, *count, *offset, LARGEST_OFFSET)?;
    let (mut multiplier, mut align) = (1, 0);
    let mut common = CommonFlags::default();
    let mut seen: Vec<&[u8]> = Vec::new();
    for item in flags {
        if common.take(&mut bytes, *item)? {
            continue;
        }
        let (flag, rest) = split_space(*item);
        if seen.contains(&flag.bytes) {
            return Err(wrong(option, "a flag stands here twice"));
        }
        seen.push(flag.bytes);
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
    common.check_extract(option, &bytes)?;
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
    let mut bytes = spec(rule, find(b"bytes")?, find(b"offset")?, LARGEST_OFFSET)?;
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
    let value_word = find(b"rvalue")?;
    if value_word.bytes.starts_with(b"0x") {
        return Err(Problem::value(value_word.span(), "a value is decimal here"));
    }
    let number = operand(rule, value_word, 0, i64::from(u32::MAX))?;
    if operator == b'/' && number == Operand::Number(0) {
        return Err(Problem::value(find(b"rvalue")?.span(), "the divisor is 0"));
    }
    let mut common = CommonFlags::default();
    let mut named = 0;
    for item in &items {
        let (name, rest) = split_space(*item);
        let is_named = matches!(
            name.bytes,
            b"bytes" | b"offset" | b"oper" | b"rvalue" | b"result"
        );
        named += u8::from(is_named);
        // The order of bytes stands behind its word here, and a base behind `string`.
        let is_bare = rest.bytes.is_empty()
            && matches!(name.bytes, b"big" | b"little" | b"hex" | b"dec" | b"oct");
        if !is_named && (is_bare || !common.take(&mut bytes, *item)?) {
            return Err(unknown_flag(*item));
        }
    }
    if named > 5 {
        return Err(wrong(
            option,
            "bytes, offset, oper, rvalue and result stand once each",
        ));
    }
    common.check_math(option, &bytes)?;
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
