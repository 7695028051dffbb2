//! Fields of IP, TCP and ICMP headers.

use super::{super::keyword_table::Context, Done, once, value};
use crate::{
    model::{HeaderField, HeaderProtocol, NumberRange, PacketCondition, TcpFlagsMode},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word, trimmed},
        values::{number_range, plain_number, unquoted},
    },
};

fn push(rule: &mut RuleDraft, condition: PacketCondition<'static>) -> Done {
    rule.conditions.push(ConditionDraft::Plain(condition));
    rule.traits.needs_packet = true;
    rule.traits.beyond_addresses = true;
    Ok(())
}

/// `keyword:range`, compared with a field of the packet or flow.
pub(crate) fn compare(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    field: HeaderField,
    max: u64,
) -> Done {
    let range = number_range(value(option), max)?;
    push(rule, PacketCondition::Field(field, range))?;
    Ok(())
}

pub(crate) fn payload_size(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    once(rule, option, "dsize")?;
    compare(rule, option, HeaderField::PayloadSize, 65535)
}

pub(crate) fn ip_id(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    number_field(rule, option, HeaderField::IpId)
}

pub(crate) fn icmp_id(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    number_field(rule, option, HeaderField::IcmpId)
}

pub(crate) fn icmp_sequence(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    number_field(rule, option, HeaderField::IcmpSequence)
}

/// One number of 16 bits, not a range.
fn number_field(rule: &mut RuleDraft, option: &RuleOption<'_>, field: HeaderField) -> Done {
    exactly(rule, option, field, 65535)
}

/// One number, not a range.
pub(crate) fn exactly(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    field: HeaderField,
    max: u64,
) -> Done {
    let number = plain_number(value(option), max)?;
    push(rule, PacketCondition::Field(field, equal_to(number, false)))
}

fn equal_to(number: u64, negated: bool) -> NumberRange {
    NumberRange {
        min: number,
        max: number,
        negated,
    }
}

/// `[!]number`, compared with a field.
fn perhaps_not(
    rule: &mut RuleDraft,
    field: HeaderField,
    word: Word<'_>,
    number: impl FnOnce(Word<'_>) -> Result<u64, Problem>,
) -> Done {
    let negated = word.bytes.first() == Some(&b'!');
    let rest = trimmed(word.bytes, usize::from(negated)..word.bytes.len());
    let start = word.start + rest.start;
    let number = number(Word { start, ..rest })?;
    push(
        rule,
        PacketCondition::Field(field, equal_to(number, negated)),
    )
}

/// `window:[!]N`
pub(crate) fn tcp_window(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    perhaps_not(rule, HeaderField::TcpWindow, value(option), |word| {
        plain_number(word, 65535)
    })
}

/// `tos:[!]N`, and in hexadecimal `tos:[!]xN`
pub(crate) fn type_of_service(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    perhaps_not(rule, HeaderField::Tos, unquoted(value(option)), |word| {
        let Some(digits) = word.bytes.strip_prefix(b"x") else {
            return plain_number(word, 255);
        };
        let is_hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
        std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .filter(|number| is_hexadecimal && *number <= 255)
            .ok_or_else(|| {
                Problem::value(word.span(), "a type of service is 0 to 255, or x0 to xff")
            })
    })
}

/// `fragoffset:[<|>]N`
pub(crate) fn fragment_offset(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = value(option);
    if !matches!(word.bytes.first(), Some(b'<' | b'>' | b'0'..=b'9')) || word.bytes.contains(&b'=')
    {
        return Err(Problem::value(
            word.span(),
            "a fragment offset is N, <N or >N",
        ));
    }
    compare(rule, option, HeaderField::FragmentOffset, 65535)
}

/// IANA protocol numbers by the names that rules use.
const PROTOCOL_NAMES: &[(&str, u64)] = &[
    ("ip", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ipip", 4),
    ("ipencap", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("pup", 12),
    ("udp", 17),
    ("idp", 22),
    ("tp", 29),
    ("ipv6", 41),
    ("routing", 43),
    ("fragment", 44),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("ipv6-icmp", 58),
    ("none", 59),
    ("dstopts", 60),
    ("eigrp", 88),
    ("ospf", 89),
    ("mtp", 92),
    ("encap", 98),
    ("pim", 103),
    ("comp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

/// `ip_proto:[!|<|>]name or number`
pub(crate) fn ip_protocol(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    if !matches!(
        rule.protocol,
        HeaderProtocol::Ip
            | HeaderProtocol::Ipv4
            | HeaderProtocol::Ipv6
            | HeaderProtocol::PacketHeader
    ) {
        return Err(Problem::error(
            "protocol-conflict",
            option.name.span(),
            "the rule's header names a protocol above IP already",
        )
        .hint("write `ip` in the header, or leave `ip_proto` out"));
    }
    let word = unquoted(value(option));
    let operator = usize::from(matches!(word.bytes.first(), Some(b'!' | b'<' | b'>')));
    let name = trimmed(word.bytes, operator..word.bytes.len())
        .text()
        .to_ascii_lowercase();
    let by_name = PROTOCOL_NAMES.iter().find(|(known, _)| *known == name);
    let range = match (by_name, word.bytes.first()) {
        (Some((_, number)), Some(b'<')) => NumberRange {
            min: 0,
            max: number.saturating_sub(1),
            negated: false,
        },
        (Some((_, number)), Some(b'>')) => NumberRange {
            min: number + 1,
            max: 255,
            negated: false,
        },
        (Some((_, number)), first) => NumberRange {
            min: *number,
            max: *number,
            negated: first == Some(&b'!'),
        },
        (None, Some(b'!' | b'<' | b'>' | b'0'..=b'9'))
            if !word.bytes.iter().any(|byte| b"=-".contains(byte))
                && memchr::memmem::find(word.bytes, b"<>").is_none() =>
        {
            number_range(word, 255)?
        }
        _ => {
            return Err(Problem::value(
                word.span(),
                "a protocol is a name or number, perhaps behind `!`, `<` or `>`",
            ));
        }
    };
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::Field(
            HeaderField::IpProtocol,
            range,
        )));
    Ok(())
}

/// IP options by name: number of the option, 0xff for any.
const IP_OPTIONS: &[(&str, u8)] = &[
    ("eol", 0),
    ("nop", 1),
    ("rr", 7),
    ("ts", 68),
    ("sec", 130),
    ("lsrr", 131),
    ("esec", 133),
    ("satid", 136),
    ("ssrr", 137),
    ("any", 0xff),
];

pub(crate) fn ip_options(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let found = IP_OPTIONS
        .iter()
        .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(word.bytes));
    match found {
        Some((_, number)) => push(
            rule,
            PacketCondition::IpOption {
                option: *number,
                negated: false,
            },
        ),
        None => Err(Problem::value(
            word.span(),
            "an IP option is eol, nop, rr, ts, sec, lsrr, esec, satid, ssrr or any",
        )),
    }
}

/// Splits `+MD` into mode and letters; the mode may stand before or behind the letters.
fn mode_and_letters(word: Word<'_>) -> (TcpFlagsMode, &[u8]) {
    let mode = |byte: Option<&u8>| match byte {
        Some(b'+') => Some(TcpFlagsMode::All),
        Some(b'*') => Some(TcpFlagsMode::Any),
        Some(b'!') => Some(TcpFlagsMode::None),
        _ => None,
    };
    if let Some(mode) = mode(word.bytes.first()) {
        return (mode, word.bytes[1..].trim_ascii());
    }
    if let Some(mode) = mode(word.bytes.last()) {
        return (mode, word.bytes[..word.bytes.len() - 1].trim_ascii());
    }
    (TcpFlagsMode::Exact, word.bytes)
}

pub(crate) fn fragment_bits(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = unquoted(value(option));
    let (mode, letters) = mode_and_letters(word);
    if letters.is_empty() {
        return Err(Problem::value(
            word.span(),
            "fragmentation bits are M, D and R",
        ));
    }
    let mut bits = 0;
    for letter in letters {
        bits |= match letter {
            b'M' => 1,
            b'D' => 2,
            b'R' => 4,
            b' ' => 0,
            _ => {
                return Err(Problem::value(
                    word.span(),
                    "fragmentation bits are M, D and R",
                ));
            }
        };
    }
    push(rule, PacketCondition::FragmentBits { bits, mode })
}

/// The TCP flag of a letter; `0` is none.
fn tcp_flag(letter: u8) -> Option<u8> {
    Some(match letter {
        b'F' => 0x01,
        b'S' => 0x02,
        b'R' => 0x04,
        b'P' => 0x08,
        b'A' => 0x10,
        b'U' => 0x20,
        b'E' | b'2' => 0x40,
        b'C' | b'1' => 0x80,
        b'0' => 0,
        _ => return None,
    })
}

/// `flags:[mode]letters[,ignored letters]`
pub(crate) fn tcp_flags(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = unquoted(value(option));
    let wrong = || Problem::value(word.span(), "TCP flags are letters of FSRPAUEC12, or 0");
    let comma = memchr::memchr(b',', word.bytes).unwrap_or(word.bytes.len());
    let (mode, letters) = mode_and_letters(trimmed(word.bytes, 0..comma));
    let of_letters = |letters: &[u8]| {
        letters
            .iter()
            .try_fold(0_u8, |flags, letter| Some(flags | tcp_flag(*letter)?))
    };
    if letters.is_empty() {
        return Err(wrong());
    }
    let flags = of_letters(letters).ok_or_else(wrong)?;
    let ignored = match word.bytes.get(comma + 1..).map(<[u8]>::trim_ascii) {
        None => 0,
        Some(letters) if letters.is_empty() || letters.contains(&b'0') => return Err(wrong()),
        Some(letters) => of_letters(letters).ok_or_else(wrong)?,
    };
    push(
        rule,
        PacketCondition::TcpFlags {
            flags,
            considered: !ignored,
            mode,
        },
    )
}

pub(crate) fn same_ip(rule: &mut RuleDraft, _: &RuleOption<'_>, _: &Context<'_>) -> Done {
    push(rule, PacketCondition::SameIp)
}

/// `tcpv4-csum:valid` and its like.
pub(crate) fn checksum(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let word = value(option);
    let is = |name: &[u8]| word.bytes.eq_ignore_ascii_case(name);
    let valid = match () {
        () if is(b"valid") => true,
        () if is(b"invalid") => false,
        () => {
            return Err(Problem::value(
                word.span(),
                "a checksum is valid or invalid",
            ));
        }
    };
    let layer = context
        .keyword
        .name
        .strip_suffix("-csum")
        .unwrap_or(context.keyword.name);
    push(rule, PacketCondition::Checksum { layer, valid })
}
