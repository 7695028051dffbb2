//! Keywords about remote calls: interface and operation.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{AppProtocol, DcerpcInterface, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{list, number_range},
    },
};

const ANY_FRAGMENT: &[u8] = b"any_frag";

fn push(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    condition: PacketCondition<'static>,
) -> Done {
    rule.imply(AppProtocol::Dcerpc, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions.push(ConditionDraft::Plain(condition));
    Ok(())
}

/// `dcerpc.iface:367abb81-9844-35f1-ad32-98f038001003,=2,any_frag`
pub(crate) fn interface(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let mut items = list(word).into_iter().peekable();
    let uuid = items.next().unwrap_or(word);
    let mut interface = DcerpcInterface {
        uuid: parse_uuid(uuid.text()).ok_or_else(|| {
            Problem::value(
                uuid.span(),
                "an interface is a UUID of 32 hexadecimal digits",
            )
            .hint("write it as 367abb81-9844-35f1-ad32-98f038001003")
        })?,
        version: None,
        any_fragment: false,
    };
    if let Some(version) = items.next_if(|item| item.bytes != ANY_FRAGMENT) {
        interface.version = Some(number_range(version, u64::from(u16::MAX))?);
    }
    interface.any_fragment = items.next_if(|item| item.bytes == ANY_FRAGMENT).is_some();
    if let Some(more) = items.next() {
        return Err(Problem::value(
            more.span(),
            "behind the UUID may stand a version, as `=1`, and then `any_frag`",
        ));
    }
    push(rule, option, PacketCondition::DcerpcInterface(interface))
}

/// Groups of 8, 4, 4, 4 and 12 digits.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let groups = text.split('-').map(str::len);
    if !groups.eq([8, 4, 4, 4, 12]) {
        return None;
    }
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, _) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

/// `dcerpc.opnum:12,14,20-22`
pub(crate) fn operation(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let ranges = list(value(option))
        .into_iter()
        .map(operation_range)
        .collect::<Result<_, _>>()?;
    push(rule, option, PacketCondition::DcerpcOperation(ranges))
}

fn operation_range(item: Word<'_>) -> Result<(u32, u32), Problem> {
    let number = |text: &str| text.parse::<u32>().ok();
    let text = item.text();
    let range = match text.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)),
        None => number(text).map(|number| (number, number)),
    };
    range.filter(|(first, last)| first <= last).ok_or_else(|| {
        Problem::value(
            item.span(),
            "an operation is a number, or a range as `20-22`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_dashes_in_the_usual_places() {
        let uuid = parse_uuid("367abb81-9844-35f1-ad32-98f038001003").unwrap();
        assert_eq!((uuid[0], uuid[6], uuid[15]), (0x36, 0x35, 0x03));
        for bad in [
            "367abb819844-35f1-ad32-98f038001003",
            "367abb81-9844-35f1-ad32-98f03800100",
            "367abb81-9844-35f1-ad32-98f03800100g",
            "",
        ] {
            assert_eq!(parse_uuid(bad), None, "{bad}");
        }
    }
}
