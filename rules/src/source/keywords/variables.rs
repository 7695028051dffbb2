//! Variables that expressions fill: `flow:name` and `pkt:name` behind an expression, groups named `flow_…` and `pkt_…`, and
//! `flowvar` and `pktvar`, which ask for them.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    limits,
    model::VariableScope,
    source::{
        draft::{CaptureDraft, ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word, trimmed},
        values::{list, pattern, unquoted},
    },
};

/// `flowvar:name,"text"`
pub(crate) fn flow_variable(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    variable(rule, option, VariableScope::Flow)
}

/// `pktvar:name,"text"`
pub(crate) fn packet_variable(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    variable(rule, option, VariableScope::Packet)
}

fn variable(rule: &mut RuleDraft, option: &RuleOption<'_>, scope: VariableScope) -> Done {
    let word = value(option);
    let wrong = || Problem::value(word.span(), "a variable is asked for as name, \"text\"");
    let comma = memchr::memchr(b',', word.bytes).ok_or_else(wrong)?;
    let name = trimmed(word.bytes, 0..comma);
    let text = trimmed(word.bytes, comma + 1..word.bytes.len());
    let text = unquoted(Word {
        start: word.start + text.start,
        ..text
    });
    if name.bytes.is_empty() || text.bytes.first() == Some(&b'!') {
        return Err(wrong());
    }
    rule.traits.beyond_addresses = true;
    rule.conditions.push(ConditionDraft::TextVariable {
        scope,
        name: name.text().to_owned(),
        pattern: pattern(text)?,
    });
    Ok(())
}

/// The groups of an expression that become variables: those that `names` (what stands behind the flags) tells in order of group, or
/// those that are named so in the expression.
pub(super) fn captures(
    expression: Word<'_>,
    names: Option<Word<'_>>,
) -> Result<Vec<CaptureDraft>, Problem> {
    let groups = groups(expression.bytes);
    let is_beyond = |names: usize| names > usize::from(u8::MAX);
    let named_groups = groups
        .iter()
        .rposition(Option::is_some)
        .map_or(0, |last| last + 1);
    if is_beyond(names.map_or(named_groups, |names| list(names).len())) {
        return Err(Problem::value(
            expression.span(),
            "the variable is captured by a group beyond the 255th",
        ));
    }
    let captures: Vec<CaptureDraft> = match names {
        Some(names) => {
            let names = list(names);
            if names.len() > groups.len() {
                return Err(Problem::value(
                    expression.span(),
                    "there are more variables than groups in the expression",
                ));
            }
            (1..=u8::MAX)
                .zip(names)
                .map(|(group, name)| listed(group, name))
                .collect::<Result<_, _>>()?
        }
        None => (1..=u8::MAX)
            .zip(groups)
            .filter_map(|(group, name)| named(group, name?))
            .collect(),
    };
    if captures.len() as u64 > limits::REGEX_CAPTURES {
        return Err(Problem::value(
            expression.span(),
            format!(
                "more than {} groups become variables",
                limits::REGEX_CAPTURES
            ),
        ));
    }
    Ok(captures)
}

/// `flow:name` or `pkt:name`.
fn listed(group: u8, word: Word<'_>) -> Result<CaptureDraft, Problem> {
    let (scope, name) = match word.bytes {
        [b'f', b'l', b'o', b'w', b':', name @ ..] => (VariableScope::Flow, name),
        [b'p', b'k', b't', b':', name @ ..] => (VariableScope::Packet, name),
        _ => (VariableScope::Flow, &[][..]),
    };
    if name.is_empty() {
        return Err(Problem::value(
            word.span(),
            "a variable is written as `flow:name` or `pkt:name`",
        ));
    }
    Ok(CaptureDraft {
        group,
        scope,
        name: String::from_utf8_lossy(name).into_owned(),
    })
}

fn named(group: u8, name: &[u8]) -> Option<CaptureDraft> {
    let (scope, name) = match name.strip_prefix(b"flow_") {
        Some(name) => (VariableScope::Flow, name),
        None => (VariableScope::Packet, name.strip_prefix(b"pkt_")?),
    };
    Some(CaptureDraft {
        group,
        scope,
        name: String::from_utf8_lossy(name).into_owned(),
    })
}

/// The capturing groups of an expression in order, each with its name if it has one.
fn groups(expression: &[u8]) -> Vec<Option<&[u8]>> {
    let mut groups = Vec::new();
    let mut at = 0;
    let mut in_class = false;
    while let Some(byte) = expression.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'[' if !in_class => {
                in_class = true;
                // A bracket that closes at once is a member.
                at += usize::from(expression.get(at) == Some(&b'^'));
                at += usize::from(expression.get(at) == Some(&b']'));
            }
            b']' => in_class = false,
            b'(' if !in_class => groups.extend(capturing(expression.get(at..).unwrap_or_default())),
            _ => {}
        }
    }
    groups
}

/// The group that begins behind a parenthesis, if it captures.
fn capturing(behind: &[u8]) -> Option<Option<&[u8]>> {
    if !matches!(behind.first(), Some(b'?' | b'*')) {
        return Some(None);
    }
    let name = behind
        .strip_prefix(b"?P<")
        .or_else(|| behind.strip_prefix(b"?<"))
        .filter(|name| !matches!(name.first(), Some(b'=' | b'!')))?;
    let end = memchr::memchr(b'>', name)?;
    Some(name.get(..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counted_as_the_engine_counts_them() {
        let names = |text: &'static str| groups(text.as_bytes());
        assert_eq!(
            names(r"a(b)(?:c)\((?P<flow_x>d)[(](?<=e)"),
            [None, Some(&b"flow_x"[..])]
        );
        assert_eq!(names(r"[]()](f)"), [None]);
        assert_eq!(names("(?i)(?<pkt_n>a)(?=b)"), [Some(&b"pkt_n"[..])]);
    }

    #[test]
    fn variables_are_told_by_name_or_by_order() {
        let word = |text: &'static str| Word {
            bytes: text.as_bytes(),
            start: 0,
        };
        let named = captures(word("(a)(?P<flow_x>b)"), None).unwrap();
        assert_eq!(
            (named.len(), named[0].group, named[0].name.as_str()),
            (1, 2, "x")
        );
        let listed = captures(word("(a)(b)"), Some(word("flow:one, pkt:two"))).unwrap();
        assert_eq!(
            (listed[1].group, listed[1].scope),
            (2, VariableScope::Packet)
        );
        assert!(captures(word("(a)"), Some(word("flow:one,pkt:two"))).is_err());
        assert!(captures(word("(a)"), Some(word("alert:one"))).is_err());
    }
}
