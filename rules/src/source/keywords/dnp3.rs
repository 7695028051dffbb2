//! Keywords of DNP3 (IEEE 1815): functions and indications by name or number, objects by group and variation.

use super::{super::keyword_table::Context, Done, transaction_fields::push_field, value};
use crate::{
    model::{AppProtocol, HeaderField, NumberRange, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{integer, list},
    },
};

/// Functions of requests by number, from 0 on.
const REQUESTS: [&str; 34] = [
    "confirm",
    "read",
    "write",
    "select",
    "operate",
    "direct_operate",
    "direct_operate_nr",
    "immed_freeze",
    "immed_freeze_nr",
    "freeze_clear",
    "freeze_clear_nr",
    "freeze_at_time",
    "freeze_at_time_nr",
    "cold_restart",
    "warm_restart",
    "initialize_data",
    "initialize_appl",
    "start_appl",
    "stop_appl",
    "save_config",
    "enable_unsolicited",
    "disable_unsolicited",
    "assign_class",
    "delay_measure",
    "record_current_time",
    "open_file",
    "close_file",
    "delete_file",
    "get_file_info",
    "authenticate_file",
    "abort_file",
    "activate_config",
    "authenticate_req",
    "authenticate_err",
];

/// Functions of responses by number, from 129 on.
const RESPONSES: [&str; 3] = ["response", "unsolicited_response", "authenticate_resp"];

/// Indications by the number of their bit, of both bytes as one number.
const INDICATIONS: [&str; 16] = [
    "no_func_code_support",
    "object_unknown",
    "parameter_error",
    "event_buffer_overflow",
    "already_executing",
    "config_corrupt",
    "reserved_2",
    "reserved_1",
    "all_stations",
    "class_1_events",
    "class_2_events",
    "class_3_events",
    "need_time",
    "local_control",
    "device_trouble",
    "device_restart",
];

fn exactly(number: u64) -> NumberRange {
    NumberRange {
        min: number,
        max: number,
        negated: false,
    }
}

fn named(word: Word<'_>, from: u64, names: &[&'static str]) -> Option<u64> {
    (from..)
        .zip(names)
        .find(|(_, name)| name.as_bytes().eq_ignore_ascii_case(word.bytes))
        .map(|(number, _)| number)
}

/// A decimal number up to `max`.
fn number(word: Word<'_>, max: u64) -> Option<u64> {
    let number = word.text().parse().ok()?;
    (number <= max).then_some(number)
}

/// `dnp3_func:write` or `:2`
pub(crate) fn function(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let number = number(word, 255)
        .or_else(|| named(word, 0, &REQUESTS))
        .or_else(|| named(word, 129, &RESPONSES))
        .ok_or_else(|| {
            Problem::value(
                word.span(),
                format!("`{}` is no function of DNP3", word.text()),
            )
            .hint("write a number up to 255, or a name as read, write or response")
        })?;
    let field = HeaderField::Dnp3Function;
    push_field(rule, option, AppProtocol::Dnp3, field, exactly(number))
}

/// `dnp3_ind:need_time,device_restart`, any of them, or a number with bits.
pub(crate) fn indications(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let bits = bits(word).ok_or_else(|| {
        Problem::value(
            word.span(),
            format!("`{}` is no list of indications", word.text()),
        )
        .hint(format!("the indications are {}", INDICATIONS.join(", ")))
    })?;
    rule.imply(AppProtocol::Dnp3, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    let numbers = (0..16)
        .filter(|number| bits >> number & 1 != 0)
        .map(|number| (number, number))
        .collect();
    let condition = PacketCondition::FieldAnyOf(HeaderField::Dnp3Indication, numbers);
    rule.conditions.push(ConditionDraft::Plain(condition));
    Ok(())
}

fn bits(word: Word<'_>) -> Option<u64> {
    if let Some(number) = integer(word).and_then(|number| u16::try_from(number).ok()) {
        return Some(u64::from(number));
    }
    list(word).into_iter().try_fold(0, |bits, item| {
        named(item, 0, &INDICATIONS).map(|number| bits | 1 << number)
    })
}

/// `dnp3_obj:60,1`: group and variation.
pub(crate) fn object(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let kind = match list(word)[..] {
        [group, variation] => number(group, 255).zip(number(variation, 255)),
        _ => None,
    };
    let (group, variation) = kind.ok_or_else(|| {
        Problem::value(
            word.span(),
            format!("`{}` is no group and variation", word.text()),
        )
        .hint("write two numbers up to 255, as 60,1")
    })?;
    let range = exactly(group << 8 | variation);
    push_field(
        rule,
        option,
        AppProtocol::Dnp3,
        HeaderField::Dnp3Object,
        range,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word<'_> {
        Word {
            bytes: text.as_bytes(),
            start: 0,
        }
    }

    #[test]
    fn functions_have_their_numbers() {
        assert_eq!(named(word("Write"), 0, &REQUESTS), Some(2));
        assert_eq!(named(word("authenticate_err"), 0, &REQUESTS), Some(33));
        assert_eq!(named(word("authenticate_resp"), 129, &RESPONSES), Some(131));
        assert_eq!(number(word("256"), 255), None);
    }

    #[test]
    fn indications_are_names_or_bits() {
        assert_eq!(bits(word("need_time")), Some(0x1000));
        assert_eq!(bits(word("ALL_STATIONS , reserved_1")), Some(0x0180));
        assert_eq!(bits(word("0x8001")), Some(0x8001));
        for wrong in ["", "foo", "need_time,foo", "65536", "!need_time"] {
            assert_eq!(bits(word(wrong)), None, "{wrong}");
        }
    }
}
