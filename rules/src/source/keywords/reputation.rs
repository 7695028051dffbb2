//! `iprep`: what is known of an address.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{NumberRange, ReputationSide},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{list, number_within},
    },
};

/// What is asked of a score.
enum Question {
    Within(NumberRange),
    Missing,
}

/// `iprep:src,CnC,>,30`, `iprep:dst,CnC,isset`
pub(crate) fn address_reputation(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let items = list(value(option));
    let [side, category, operator, rest @ ..] = items.as_slice() else {
        return Err(Problem::value(
            value(option).span(),
            "a reputation is side, category, operator, score",
        ));
    };
    let side = match side.bytes {
        b"any" => ReputationSide::Any,
        b"src" => ReputationSide::Source,
        b"dst" => ReputationSide::Destination,
        b"both" => ReputationSide::Both,
        _ => {
            return Err(Problem::value(
                side.span(),
                "a side is any, src, dst or both",
            ));
        }
    };
    let question = question(*operator, rest)?;
    let known = &context.reputations;
    if !known.are_given() {
        rule.unsupported(
            &option.name.span(),
            "`iprep`: no file of categories was given",
        );
        return Ok(());
    }
    let number = known.category_of(category.text()).ok_or_else(|| {
        Problem::value(
            category.span(),
            format!("there is no category `{}`", category.text()),
        )
        .hint("take one of the file of categories")
    })?;
    let addresses = match question {
        Question::Within(range) => {
            known.addresses(number, |score| range.contains(u64::from(score)))
        }
        // As in the reference, of one end that has none a score of 0 is none.
        Question::Missing => {
            let is_one = matches!(side, ReputationSide::Source | ReputationSide::Destination);
            known.addresses_without(number, is_one)
        }
    };
    rule.conditions
        .push(ConditionDraft::Reputation { side, addresses });
    Ok(())
}

fn question(operator: Word<'_>, rest: &[Word<'_>]) -> Result<Question, Problem> {
    let score = || match rest {
        [number] => number_within(*number, 0, i64::from(u8::MAX))
            .map(|score| u64::try_from(score).unwrap_or_default()),
        _ => Err(Problem::value(operator.span(), "a score stands behind it")),
    };
    let range = |min: u64, max: u64| NumberRange {
        min,
        max,
        negated: false,
    };
    Ok(Question::Within(match operator.bytes {
        b"isset" if rest.is_empty() => range(0, u64::MAX),
        b"isnotset" if rest.is_empty() => return Ok(Question::Missing),
        b"<" => match score()?.checked_sub(1) {
            Some(last) => range(0, last),
            None => return Err(Problem::value(operator.span(), "no score is below 0")),
        },
        b">" => range(score()? + 1, u64::MAX),
        b"<=" => range(0, score()?),
        b">=" => range(score()?, u64::MAX),
        b"=" => {
            let score = score()?;
            range(score, score)
        }
        b"!=" => {
            let score = score()?;
            NumberRange {
                negated: true,
                ..range(score, score)
            }
        }
        _ => {
            return Err(Problem::value(
                operator.span(),
                "an operator is <, >, <=, >=, =, !=, isset or isnotset",
            ));
        }
    }))
}
