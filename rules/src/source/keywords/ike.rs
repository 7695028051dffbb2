//! `ike.chosen_sa_attribute`.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{AppProtocol, HeaderField, PacketCondition, SaAttribute},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::RuleOption,
    },
};

/// `ike.chosen_sa_attribute:alg_hash=2`
pub(crate) fn chosen_attribute(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = value(option);
    let text = word.text();
    let number = text
        .split_once('=')
        .and_then(|(name, number)| {
            let attribute = SaAttribute::from_name(name.trim())?;
            let number = number.trim();
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            Some(attribute.with_value(number.parse().ok().filter(|_| is_number)?))
        })
        .ok_or_else(|| {
            Problem::value(word.span(), "an attribute and its value are wanted")
                .hint("write it as alg_hash=2; attributes are alg_enc, alg_hash, alg_auth, alg_dh, alg_prf and some of sa_…")
        })?;
    rule.imply(AppProtocol::Ike, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    let condition =
        PacketCondition::FieldAnyOf(HeaderField::IkeChosenAttribute, vec![(number, number)]);
    rule.conditions.push(ConditionDraft::Plain(condition));
    Ok(())
}
