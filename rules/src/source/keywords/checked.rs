//! Values of keywords that nothing compares yet: a rule with one is named as not run, and a value that the reference refuses is
//! refused all the same.

use super::{super::keyword_table::Context, Done, content::new_content, value};
use crate::source::{
    draft::RuleDraft,
    problem::Problem,
    syntax::{RuleOption, Word},
    values::{list, split_space},
};

/// One of these words, in any case.
fn one_of(word: Word<'_>, known: &[&str]) -> Done {
    if known
        .iter()
        .any(|name| name.eq_ignore_ascii_case(word.text()))
    {
        return Ok(());
    }
    Err(Problem::value(
        word.span(),
        format!("`{}` is not expected here", word.text()),
    )
    .hint(format!("write {}", known.join(", "))))
}

/// `l3_proto:ipv4`
pub(crate) fn ip_version(_: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    one_of(value(option), &["ipv4", "ipv6", "ip4", "ip6"])
}

/// `config:logging disable, type tx, scope flow`
pub(crate) fn config(_: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let items = list(value(option));
    let pairs: Vec<_> = items.iter().map(|item| split_space(*item)).collect();
    let fits = matches!(pairs.as_slice(), [what, kind, scope]
        if (what.0.bytes, what.1.bytes) == (b"logging", b"disable")
            && kind.0.bytes == b"type" && matches!(kind.1.bytes, b"tx" | b"flow")
            && scope.0.bytes == b"scope" && matches!(scope.1.bytes, b"tx" | b"flow"));
    if fits {
        return Ok(());
    }
    Err(Problem::value(
        value(option).span(),
        "a setting is `logging disable, type tx | flow, scope tx | flow`",
    ))
}

/// `nfq_set_mark:0x10/0xff`
pub(crate) fn mark(_: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let number = |text: &str| {
        let lower = text.trim().to_ascii_lowercase();
        match lower.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).is_ok(),
            None => lower.parse::<u32>().is_ok(),
        }
    };
    match word.text().split_once('/') {
        Some((mark, mask)) if number(mark.trim_start_matches('!')) && number(mask) => Ok(()),
        _ => Err(Problem::value(
            word.span(),
            "a mark is number/mask, as 0x10/0xff",
        )),
    }
}

/// A text in double quotes: `filemagic`, `replace`
pub(crate) fn text(_: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    new_content(option).map(drop)
}
