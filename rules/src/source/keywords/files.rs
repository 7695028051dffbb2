//! Names, sizes and keeping of files in transfer, whichever protocol carries them.

use super::{
    super::keyword_table::Context,
    Done,
    content::{content_of, new_content},
    value,
};
use crate::{
    model::{Buffer, HeaderField, NumberRange, PacketCondition},
    source::{
        draft::{ConditionDraft, ContentDraft, MatchDraft, RuleDraft},
        problem::Problem,
        syntax::RuleOption,
        values::{number_range, perhaps_quoted},
    },
};

/// Adds a content to the one list about names, so that all of them are asked of the same file.
fn of_name(rule: &mut RuleDraft, option: &RuleOption<'_>, content: ContentDraft) {
    let index = rule.inspection_of(Buffer::FileName, &option.name.span());
    rule.inspections[index]
        .matches
        .push(MatchDraft::Content(content));
}

/// `filename:"setup"`: anywhere in the name, in any case.
pub(crate) fn name(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let content = ContentDraft {
        nocase: true,
        ..name_content(option)?
    };
    of_name(rule, option, content);
    Ok(())
}

/// `fileext:"exe"`: the name ends with a dot and this, in any case.
pub(crate) fn extension(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let mut content = ContentDraft {
        nocase: true,
        ends_with: true,
        ..name_content(option)?
    };
    content.pattern.insert(0, b'.');
    of_name(rule, option, content);
    Ok(())
}

/// A content whose quotes may be left out, in any case.
fn name_content(option: &RuleOption<'_>) -> Result<ContentDraft, Problem> {
    let word = value(option);
    if word.bytes.first() == Some(&b'"') || word.bytes.starts_with(b"!\"") {
        return new_content(option);
    }
    content_of(option, perhaps_quoted(word))
}

fn asks(rule: &mut RuleDraft, field: HeaderField, range: NumberRange) {
    rule.traits.transaction = true;
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::Field(field, range)));
}

/// `filesize:>1000`: of a file that is whole.
pub(crate) fn size(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let range = number_range(value(option), u64::MAX)?;
    asks(rule, HeaderField::FileSize, range);
    Ok(())
}

/// `filestore`, perhaps with what to keep beside the file: nothing is kept here, and as in the reference the rule fires where
/// there is a file.
pub(crate) fn store(
    rule: &mut RuleDraft,
    _: &RuleOption<'_>,
    _: &Context<'_>,
) -> Result<(), Problem> {
    let present = NumberRange {
        min: 1,
        max: 1,
        negated: false,
    };
    asks(rule, HeaderField::FilePresent, present);
    Ok(())
}
