//! Keywords of MQTT whose values are names (MQTT 5.0, sections 2.1.2, 2.1.3 and 3.1.2).

use super::{super::keyword_table::Context, Done, transaction_fields::push_field, value};
use crate::{
    model::{AppProtocol, HeaderField, NumberRange, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word, trimmed},
        values::list,
    },
};

/// Types of messages, from number 1 on.
const TYPES: [&str; 15] = [
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",
];

/// Flags of every message, as the numbers of [`HeaderField::MqttFlags`].
const FLAGS: [(&str, u8); 2] = [("retain", 1), ("dup", 2)];

/// Flags of CONNECT.
const CONNECT_FLAGS: [(&str, u8); 5] = [
    ("username", 0x80),
    ("password", 0x40),
    ("will_retain", 0x20),
    ("will", 0x04),
    ("clean_session", 0x02),
];

fn exactly(number: u64) -> NumberRange {
    NumberRange {
        min: number,
        max: number,
        negated: false,
    }
}

/// `mqtt.type:PUBLISH`, in any case.
pub(crate) fn message_type(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let number = (1..)
        .zip(TYPES)
        .find(|(_, name)| name.as_bytes().eq_ignore_ascii_case(word.bytes))
        .map(|(number, _)| number)
        .ok_or_else(|| {
            Problem::value(
                word.span(),
                format!("`{}` is no type of a message", word.text()),
            )
            .hint(format!("the types are {}", TYPES.join(", ")))
        })?;
    let range = exactly(number);
    push_field(
        rule,
        option,
        AppProtocol::Mqtt,
        HeaderField::MqttType,
        range,
    )
}

/// `mqtt.connack.session_present:yes`
pub(crate) fn session_present(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = value(option);
    let number = match word.bytes {
        b"yes" | b"true" => 1,
        b"no" | b"false" => 0,
        _ => {
            return Err(Problem::value(
                word.span(),
                format!("`{}` is neither yes nor no", word.text()),
            )
            .hint("write yes, true, no or false"));
        }
    };
    let field = HeaderField::MqttSessionPresent;
    push_field(rule, option, AppProtocol::Mqtt, field, exactly(number))
}

/// `mqtt.flags:dup,!retain`
pub(crate) fn flags(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    push_flags(rule, option, HeaderField::MqttFlags, &FLAGS)
}

/// `mqtt.connect.flags:username,!password`
pub(crate) fn connect_flags(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    push_flags(rule, option, HeaderField::MqttConnectFlags, &CONNECT_FLAGS)
}

fn push_flags(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    field: HeaderField,
    names: &[(&str, u8)],
) -> Done {
    let values = with_flags(value(option), names)?;
    rule.imply(AppProtocol::Mqtt, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    let condition = PacketCondition::FieldAnyOf(field, values);
    rule.conditions.push(ConditionDraft::Plain(condition));
    Ok(())
}

/// The bytes in which each named flag is set, or not set behind a `!`, as ranges.
pub(super) fn with_flags(word: Word<'_>, names: &[(&str, u8)]) -> Result<Vec<(u64, u64)>, Problem> {
    let (mut set, mut unset) = (0, 0);
    for item in list(word) {
        let is_negated = item.bytes.first() == Some(&b'!');
        let name = trimmed(item.bytes, usize::from(is_negated)..item.bytes.len());
        let flag = names
            .iter()
            .find(|(known, _)| known.as_bytes() == name.bytes)
            .map(|(_, flag)| *flag)
            .ok_or_else(|| {
                let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
                Problem::value(item.span(), format!("`{}` is no flag here", item.text()))
                    .hint(format!("the flags are {}", known.join(", ")))
            })?;
        if (set | unset) & flag != 0 {
            return Err(Problem::value(item.span(), "a flag stands here twice"));
        }
        if is_negated {
            unset |= flag;
        } else {
            set |= flag;
        }
    }
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for byte in 0..=u8::MAX {
        if byte & (set | unset) != set {
            continue;
        }
        let byte = u64::from(byte);
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == byte => *last = byte,
            _ => ranges.push((byte, byte)),
        }
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Option<Vec<(u64, u64)>> {
        let word = Word {
            bytes: text.as_bytes(),
            start: 0,
        };
        with_flags(word, &CONNECT_FLAGS).ok()
    }

    #[test]
    fn flags_are_the_bytes_that_have_them() {
        let has = |text: &str, byte: u64| {
            let ranges = ranges(text).unwrap();
            ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&byte))
        };
        assert!(has("username,password", 0xc2) && !has("username,password", 0x82));
        assert!(has("username,!password", 0x82) && !has("username,!password", 0xc2));
        assert!(has("will", 0x2e) && !has("will", 0x22));
    }

    #[test]
    fn a_flag_stands_once() {
        for wrong in ["", "will,will", "will,!will", "qos", "WILL"] {
            assert_eq!(ranges(wrong), None, "{wrong}");
        }
    }
}
