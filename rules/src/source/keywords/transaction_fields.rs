//! Numbers of transactions: versions of TLS, and every keyword of the table that compares one number.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{AppProtocol, HeaderField, NumberRange, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word, trimmed},
        values::{list, number_range, plain_number},
    },
};

/// `keyword:range`, compared with a number of the transaction.
pub(crate) fn compare(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    field: HeaderField,
    protocol: AppProtocol,
    max: u64,
) -> Done {
    let range = number_range(value(option), max)?;
    push_field(rule, option, protocol, field, range)
}

/// Asks for a number of a transaction within a range.
pub(super) fn push_field(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    protocol: AppProtocol,
    field: HeaderField,
    range: NumberRange,
) -> Done {
    rule.imply(protocol, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::Field(field, range)));
    Ok(())
}

/// `keyword:number`, compared with a number of the transaction.
pub(crate) fn equal(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    field: HeaderField,
    protocol: AppProtocol,
    max: u64,
) -> Done {
    let number = plain_number(value(option), max)?;
    rule.imply(protocol, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::Field(
            field,
            NumberRange {
                min: number,
                max: number,
                negated: false,
            },
        )));
    Ok(())
}

/// `dns.opcode:[!]4`
pub(crate) fn dns_opcode(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let negated = word.bytes.first() == Some(&b'!');
    let rest = trimmed(word.bytes, usize::from(negated)..word.bytes.len());
    let start = word.start + rest.start;
    let number = plain_number(Word { start, ..rest }, 255)?;
    let range = NumberRange {
        min: number,
        max: number,
        negated,
    };
    push_field(
        rule,
        option,
        AppProtocol::Dns,
        HeaderField::DnsOpcode,
        range,
    )
}

/// `ftpbounce`
pub(crate) fn ftp_bounce(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    rule.imply(AppProtocol::Ftp, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    let range = NumberRange {
        min: 1,
        max: 1,
        negated: false,
    };
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::Field(
            HeaderField::FtpBounce,
            range,
        )));
    Ok(())
}

/// `ftpdata_command:retr`, or `stor`
pub(crate) fn ftp_data_command(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = value(option);
    let number = match word.bytes {
        b"retr" => 1,
        b"stor" => 2,
        _ => {
            return Err(Problem::value(
                word.span(),
                "a command of a data connection is retr or stor",
            ));
        }
    };
    rule.imply(
        AppProtocol::FtpData,
        option.name.text(),
        &option.name.span(),
    )?;
    rule.traits.transaction = true;
    let range = NumberRange {
        min: number,
        max: number,
        negated: false,
    };
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::Field(
            HeaderField::FtpDataCommand,
            range,
        )));
    Ok(())
}

fn version_number(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"sslv2" => 0x0002,
        b"sslv3" => 0x0300,
        b"tls1.0" | b"1.0" => 0x0301,
        b"tls1.1" | b"1.1" => 0x0302,
        b"tls1.2" | b"1.2" => 0x0303,
        b"tls1.3" | b"1.3" => 0x0304,
        _ => return None,
    })
}

fn push_version(rule: &mut RuleDraft, option: &RuleOption<'_>, range: NumberRange) -> Done {
    rule.imply(AppProtocol::Tls, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::Field(
            HeaderField::TlsVersion,
            range,
        )));
    Ok(())
}

/// `tls.version:1.2`
pub(crate) fn tls_version(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    // In 7.0 a number of two hexadecimal bytes is a version as well, whether or not there is one.
    let hexadecimal = || {
        let digits = word
            .bytes
            .strip_prefix(b"0x")
            .filter(|digits| digits.len() == 4)?;
        let digits = std::str::from_utf8(digits).ok()?;
        u64::from_str_radix(digits, 16).ok()
    };
    let named = word
        .bytes
        .first()
        .is_some_and(u8::is_ascii_digit)
        .then(|| version_number(word.bytes))
        .flatten();
    let number = named.or_else(hexadecimal).ok_or_else(|| {
        Problem::value(word.span(), "a version is 1.0, 1.1, 1.2, 1.3 or as 0x0303")
    })?;
    push_version(
        rule,
        option,
        NumberRange {
            min: number,
            max: number,
            negated: false,
        },
    )
}

/// `ssl_version:tls1.0,tls1.1`, or each of them negated.
pub(crate) fn ssl_version(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let mut versions = Vec::new();
    let mut negations = Vec::new();
    for item in list(word) {
        let negated = item.bytes.first() == Some(&b'!');
        let name = Word {
            bytes: &item.bytes[usize::from(negated)..],
            start: item.start,
        };
        let lower = name.bytes.to_ascii_lowercase();
        let number = version_number(&lower)
            .filter(|_| lower.starts_with(b"ssl") || lower.starts_with(b"tls"));
        let Some(number) = number else {
            return Err(Problem::value(
                item.span(),
                "a version is sslv2, sslv3, tls1.0, tls1.1, tls1.2 or tls1.3",
            ));
        };
        negations.push(negated);
        versions.push(number);
    }
    versions.sort_unstable();
    if versions.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Problem::value(word.span(), "a version stands here twice"));
    }
    if negations.contains(&true) && negations.contains(&false) {
        return Err(Problem::value(
            word.span(),
            "all of the versions are negated, or none",
        ));
    }
    let negated = negations.first().copied().unwrap_or_default();
    if negated {
        rule.remarks.push(
            Problem::warning(
                "never-matches",
                word.span(),
                "a negated version never matches in the reference",
            )
            .hint("name the versions that are meant"),
        );
        return push_version(rule, option, NumberRange::NONE);
    }
    // From the first to the last, without what lies between two that do not follow one another.
    if let (Some(&min), Some(&max)) = (versions.first(), versions.last()) {
        let negated = false;
        push_version(rule, option, NumberRange { min, max, negated })?;
    }
    for pair in versions.windows(2) {
        if let [one, next] = pair
            && next - one > 1
        {
            let (min, max) = (one + 1, next - 1);
            let negated = true;
            push_version(rule, option, NumberRange { min, max, negated })?;
        }
    }
    Ok(())
}
