//! `rfb.secresult`.

use super::{super::keyword_table::Context, Done, transaction_fields::push_field, value};
use crate::{
    model::{AppProtocol, HeaderField, NumberRange},
    source::{draft::RuleDraft, problem::Problem, syntax::RuleOption, values::unquoted},
};

/// The results by name, in the order of their numbers.
const RESULTS: [&str; 4] = ["ok", "fail", "toomany", "unknown"];

/// `rfb.secresult:ok`
pub(crate) fn security_result(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = unquoted(value(option));
    // In any case, as the reference takes it.
    let named = |name: &str| name.eq_ignore_ascii_case(word.text());
    let Some(number) = (0..).zip(RESULTS).find(|(_, name)| named(name)) else {
        return Err(Problem::value(
            word.span(),
            format!("`{}` is no result of authentication", word.text()),
        )
        .hint(format!("write one of {}", RESULTS.join(", "))));
    };
    let range = NumberRange {
        min: number.0,
        max: number.0,
        negated: false,
    };
    push_field(
        rule,
        option,
        AppProtocol::Rfb,
        HeaderField::RfbSecurityResult,
        range,
    )
}
