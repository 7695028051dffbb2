//! Keywords of LDAP that compare numbers: the request's operation, and operations, results and number of its responses.

use super::{
    super::keyword_table::Context,
    Done,
    enumeration::named_range,
    ldap_names::{OPERATIONS, RESULTS},
    transaction_fields::push_field,
    value,
};
use crate::{
    model::{AppProtocol, HeaderField, LdapResponses, LdapWhich, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{integer, list, number_range},
    },
};

const OPERATION_MAX: u64 = u8::MAX as u64;
const RESULT_MAX: u64 = u32::MAX as u64;

/// `ldap.request.operation:search_request`
pub(crate) fn request_operation(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let range = named_range(value(option), OPERATIONS, OPERATION_MAX)?;
    let field = HeaderField::LdapRequestOperation;
    push_field(rule, option, AppProtocol::Ldap, field, range)
}

/// `ldap.responses.operation:search_result_done,-1`
pub(crate) fn responses_operation(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let (word, which) = with_place(value(option))?;
    let range = named_range(word, OPERATIONS, OPERATION_MAX)?;
    push(rule, option, LdapResponses::Operation(which, range))
}

/// `ldap.responses.result_code:success,all`
pub(crate) fn result_code(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let (word, which) = with_place(value(option))?;
    let range = named_range(word, RESULTS, RESULT_MAX)?;
    push(rule, option, LdapResponses::ResultCode(which, range))
}

/// `ldap.responses.count:>2`
pub(crate) fn count(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let range = number_range(value(option), u64::from(u32::MAX))?;
    push(rule, option, LdapResponses::Count(range))
}

fn push(rule: &mut RuleDraft, option: &RuleOption<'_>, wanted: LdapResponses) -> Done {
    rule.imply(AppProtocol::Ldap, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    let condition = PacketCondition::LdapResponses(wanted);
    rule.conditions.push(ConditionDraft::Plain(condition));
    Ok(())
}

/// What is compared, and which responses are asked: `any`, `all`, or a place from the first (0) or last (-1).
fn with_place(word: Word<'_>) -> Result<(Word<'_>, LdapWhich), Problem> {
    let (compared, place) = match list(word)[..] {
        [compared] => return Ok((compared, LdapWhich::Any)),
        [compared, place] => (compared, place),
        _ => {
            return Err(Problem::value(
                word.span(),
                "a value and a place are wanted, at most",
            ));
        }
    };
    let number = integer(place).and_then(|number| i32::try_from(number).ok());
    let which = match (place.bytes, number) {
        (b"any", _) => LdapWhich::Any,
        (b"all", _) => LdapWhich::All,
        (_, Some(place)) if place < 0 => LdapWhich::FromLast(place.unsigned_abs()),
        (_, Some(place)) => LdapWhich::FromFirst(place.unsigned_abs()),
        (_, None) => {
            return Err(Problem::value(
                place.span(),
                format!("`{}` is no place of a response", place.text()),
            )
            .hint("write any, all, or a number: 0 is the first, -1 the last"));
        }
    };
    Ok((compared, which))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_from_either_end() {
        let which = |text: &str| {
            let word = Word {
                bytes: text.as_bytes(),
                start: 0,
            };
            with_place(word).ok().map(|(_, which)| which)
        };
        assert_eq!(which("5"), Some(LdapWhich::Any));
        assert_eq!(which("5,any"), Some(LdapWhich::Any));
        assert_eq!(which("5, all"), Some(LdapWhich::All));
        assert_eq!(which("5,0"), Some(LdapWhich::FromFirst(0)));
        assert_eq!(which("5,-2"), Some(LdapWhich::FromLast(2)));
        assert_eq!(which("5,first"), None);
        assert_eq!(which("5,1,2"), None);
    }
}
