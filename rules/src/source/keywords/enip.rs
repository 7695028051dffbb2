//! `cip_service`.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{AppProtocol, CipService, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word, trimmed},
        values::list,
    },
};

/// `cip_service:3`, `cip_service:3,0x4,5` with class and attribute, `…,!5` without that attribute.
pub(crate) fn service(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let items = list(word);
    let (service, class, attribute) = match items[..] {
        [service] => (service, None, None),
        [service, class] => (service, Some(class), None),
        [service, class, attribute] => (service, Some(class), Some(attribute)),
        _ => {
            return Err(Problem::value(
                word.span(),
                "a service, a class and an attribute are wanted, at most",
            ));
        }
    };
    let wanted = CipService {
        service: service_code(service)?,
        class: class.map(|class| number(class, u16::MAX)).transpose()?,
        attribute: attribute.map(attribute_of).transpose()?,
    };
    rule.imply(AppProtocol::Enip, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::CipService(wanted)));
    Ok(())
}

fn service_code(item: Word<'_>) -> Result<u8, Problem> {
    Ok(u8::try_from(number(item, 0x7f)?).unwrap_or(u8::MAX))
}

fn attribute_of(item: Word<'_>) -> Result<(u16, bool), Problem> {
    let is_negated = item.bytes.first() == Some(&b'!');
    let rest = trimmed(item.bytes, usize::from(is_negated)..item.bytes.len());
    let rest = Word {
        start: item.start + rest.start,
        ..rest
    };
    Ok((number(rest, u16::MAX)?, !is_negated))
}

fn number(item: Word<'_>, max: u16) -> Result<u16, Problem> {
    let is_number = item.bytes.first().is_some_and(u8::is_ascii_digit);
    let number = item.text().parse().ok();
    number
        .filter(|number| is_number && *number <= max)
        .ok_or_else(|| {
            Problem::value(
                item.span(),
                format!("`{}` is no number up to {max}", item.text()),
            )
        })
}
