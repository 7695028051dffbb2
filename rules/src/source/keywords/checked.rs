//! Values of keywords that nothing compares yet: a rule with one is named as not run, and a value that the reference refuses is
//! refused all the same.

use super::{super::keyword_table::Context, Done, content::new_content, value};
use crate::{
    model::AppProtocol,
    source::{
        draft::RuleDraft,
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{list, split_space},
    },
};

/// Notes that the rule asks for something of a protocol's transactions.
fn of(rule: &mut RuleDraft, option: &RuleOption<'_>, protocol: AppProtocol) -> Done {
    rule.imply(protocol, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    Ok(())
}

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

/// `ssl_state:client_hello|server_hello`, each perhaps behind `!`
pub(crate) fn tls_state(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let states = [
        "client_hello",
        "server_hello",
        "client_keyx",
        "server_keyx",
        "unknown",
    ];
    for state in word.bytes.split(|byte| b",|".contains(byte)) {
        let state = state.trim_ascii();
        let state = Word {
            bytes: state.strip_prefix(b"!").unwrap_or(state),
            start: word.start,
        };
        if !states.iter().any(|known| known.as_bytes() == state.bytes) {
            one_of(
                Word {
                    bytes: b"",
                    ..state
                },
                &states,
            )?;
        }
    }
    of(rule, option, AppProtocol::Tls)
}

/// `tls_cert_notbefore:1998-05-01<>2008-05-01`: dates with as many parts as are wanted, perhaps behind `<` or `>`
pub(crate) fn tls_date(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let text = word.text();
    let dates = match text.split_once("<>") {
        Some((first, last)) => vec![date(first.trim()), date(last.trim())],
        None => vec![date(text.trim_start_matches(['<', '>']).trim())],
    };
    if dates.contains(&None) || !dates.is_sorted() {
        return Err(Problem::value(
            word.span(),
            "a date is as 1998-05-01 or 1998-05-01T10:00:00, and a range goes upwards",
        ));
    }
    of(rule, option, AppProtocol::Tls)
}

/// Year, month, day, hour, minute and second, of which the last may be missing.
fn date(text: &str) -> Option<[u32; 6]> {
    const LARGEST: [u32; 6] = [u32::MAX, 12, 31, 23, 59, 59];
    let mut parts = [0, 1, 1, 0, 0, 0];
    let words = text
        .split(['-', 'T', ' ', ':'])
        .filter(|word| !word.is_empty());
    let mut count = 0;
    for word in words {
        let number = word
            .parse()
            .ok()
            .filter(|number| LARGEST.get(count).is_some_and(|largest| number <= largest))?;
        *parts.get_mut(count)? = number;
        count += 1;
    }
    (count > 0).then_some(parts)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_as_many_parts_as_are_wanted() {
        assert_eq!(date("1998"), Some([1998, 1, 1, 0, 0, 0]));
        assert_eq!(date("1998-05-01T10:30:00"), Some([1998, 5, 1, 10, 30, 0]));
        assert!(date("1998-05") < date("1998-05-02"));
        for wrong in ["", "foo", "1998-13-01", "=1998", "1-1-1-1-1-1-1"] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }
}
