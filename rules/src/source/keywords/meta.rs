//! Identity and notes of a rule.

use super::{super::keyword_table::Context, Done, once, value};
use crate::source::{
    draft::RuleDraft,
    problem::Problem,
    support,
    syntax::{RuleOption, Word},
    values::{list, plain_number, quoted, split_space, text},
};

pub(crate) fn message(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    once(rule, option, "msg")?;
    rule.message = text(quoted(value(option), false)?.inner.bytes);
    Ok(())
}

/// A number that identifies: below the largest of 32 bits, in plain digits.
fn identity_number(option: &RuleOption<'_>) -> Result<u32, Problem> {
    let number = plain_number(value(option), u64::from(u32::MAX - 1))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

pub(crate) fn signature(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    once(rule, option, "sid")?;
    rule.id.sid = identity_number(option)?;
    if rule.id.sid == 0 {
        return Err(Problem::value(
            value(option).span(),
            "a sid is greater than 0",
        ));
    }
    Ok(())
}

pub(crate) fn generator(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    // Where it stands twice the last one counts, as in the reference.
    rule.id.gid = identity_number(option)?;
    Ok(())
}

pub(crate) fn revision(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    once(rule, option, "rev")?;
    rule.id.rev = identity_number(option)?;
    if rule.id.rev == 0 {
        return Err(Problem::value(
            value(option).span(),
            "a rev is greater than 0",
        ));
    }
    Ok(())
}

pub(crate) fn class_type(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let word = value(option);
    let name = word.text();
    let is_name = |bytes: &[u8]| {
        bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    };
    if !word.bytes.first().is_some_and(u8::is_ascii_alphabetic) || !is_name(word.bytes) {
        return Err(Problem::value(
            word.span(),
            "a class type is one name of letters, digits, `-` and `_`, a letter first",
        ));
    }
    rule.class_type = name.to_owned();
    match context.catalogue.class(name) {
        Some(class) => {
            rule.class_description.clone_from(&class.description);
            let more_severe = rule
                .class_severity
                .is_none_or(|severity| class.severity < severity);
            if more_severe {
                rule.class_severity = Some(class.severity);
            }
        }
        None => rule.remarks.push(
            Problem::warning(
                "unknown-class-type",
                word.span(),
                format!("the class type `{name}` is unknown, so the priority is 3"),
            )
            .hint("add it to classification.config"),
        ),
    }
    Ok(())
}

pub(crate) fn priority(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    // Where it stands twice the last one counts, as in the reference.
    let priority = plain_number(value(option), u64::from(u32::MAX))?;
    // One byte in packs; everything beyond is equally unimportant.
    rule.severity = Some(u8::try_from(priority).unwrap_or(u8::MAX));
    Ok(())
}

pub(crate) fn reference(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let word = value(option);
    let Some(comma) = memchr::memchr(b',', word.bytes) else {
        return Err(Problem::value(
            word.span(),
            "a reference is `system,target`",
        ));
    };
    let (system, target) = (&word.bytes[..comma], &word.bytes[comma + 1..]);
    let system = text(system.trim_ascii()).to_lowercase();
    let target = text(target.trim_ascii());
    let is_name = system.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && system.starts_with(|first: char| first.is_ascii_alphabetic());
    if !is_name || target.is_empty() {
        return Err(Problem::value(
            word.span(),
            "a reference is `system,target`, the system a name of letters and digits",
        ));
    }
    if context.catalogue.reference_prefix(&system).is_none() {
        rule.remarks.push(Problem::warning(
            "unknown-reference",
            word.span(),
            format!("the reference system `{system}` is unknown"),
        ));
    }
    rule.references.push((system, target));
    Ok(())
}

pub(crate) fn metadata(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    for item in list(value(option)) {
        if item.bytes.is_empty() {
            continue;
        }
        let (key, note) = split_space(item);
        rule.metadata.push((text(key.bytes), text(note.bytes)));
    }
    Ok(())
}

pub(crate) fn target(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    match value(option).bytes {
        b"src_ip" => once_of(rule, option, "target:src_ip", "target:dest_ip"),
        b"dest_ip" => once_of(rule, option, "target:dest_ip", "target:src_ip"),
        _ => Err(Problem::value(
            value(option).span(),
            "a target is `src_ip` or `dest_ip`",
        )),
    }
}

/// Notes that this was said, and refuses it where the contrary was.
fn once_of(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    this: &'static str,
    contrary: &'static str,
) -> Done {
    if rule.seen.contains(&contrary) {
        return Err(Problem::value(
            value(option).span(),
            "the rule names another target already",
        ));
    }
    rule.seen.push(this);
    Ok(())
}

pub(crate) fn no_alert(rule: &mut RuleDraft, _: &RuleOption<'_>, _: &Context<'_>) -> Done {
    rule.no_alert = true;
    Ok(())
}

pub(crate) fn alert(rule: &mut RuleDraft, _: &RuleOption<'_>, _: &Context<'_>) -> Done {
    rule.no_alert = false;
    Ok(())
}

/// `tag:session|host|src…[,count,packets|seconds|bytes[,direction]]`: only checked.
pub(crate) fn tag(_: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let items = list(value(option));
    let words: Vec<&str> = items.iter().map(Word::text).collect();
    let is_kind = matches!(words.first(), Some(&("session" | "host")));
    let rest_fits = match words.get(1..) {
        Some([count, unit, side @ ..]) => {
            count.parse::<u32>().is_ok()
                && matches!(*unit, "packets" | "seconds" | "bytes")
                && matches!(side, [] | ["src" | "dst"])
        }
        Some([]) => true,
        _ => false,
    };
    if is_kind && rest_fits {
        Ok(())
    } else {
        Err(Problem::value(
            value(option).span(),
            "a tag is `session` or `host`, then a count and `packets`, `seconds` or `bytes`",
        ))
    }
}

/// `requires:version >= 7.0.3 < 8, feature geoip`: rules for another version or feature are not run.
pub(crate) fn requires(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let mut has_version = false;
    for item in list(value(option)) {
        let (kind, rest) = split_space(item);
        match kind.bytes {
            b"version" => {
                if std::mem::replace(&mut has_version, true) {
                    return Err(Problem::value(item.span(), "a version stands here already"));
                }
                if !version_fits(rest, context.language.version())? {
                    rule.unsupported(&item.span(), format!("it requires {}", item.text()));
                }
            }
            b"keyword" => {
                let known = super::super::keyword_table::find(rest.text())
                    .is_some_and(|keyword| keyword.is_of(context.language));
                if !known {
                    rule.unsupported(&item.span(), format!("it requires the {}", item.text()));
                }
            }
            b"feature" => {
                if let Err(reason) = support::feature(rest.text()) {
                    rule.unsupported(&item.span(), format!("`{}`: {reason}", item.text()));
                }
            }
            _ => rule.unsupported(&item.span(), format!("it requires `{}`", item.text())),
        }
    }
    Ok(())
}

/// Whether `>= 7.0.3 < 8 | >= 9` holds for a version: alternatives of conditions that all hold.
fn version_fits(word: Word<'_>, version_here: [u32; 3]) -> Result<bool, Problem> {
    let wrong = || Problem::value(word.span(), "a version condition is `>= 7.0.3`, `< 8` …");
    let text = word.text();
    let mut any = false;
    for alternative in text.split('|') {
        let mut all = true;
        let mut rest = alternative.trim();
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let operator_end = rest
                .find(|character: char| character.is_ascii_digit())
                .ok_or_else(wrong)?;
            let (operator, behind) = rest.split_at(operator_end);
            let version_end = behind
                .find(|character: char| !(character.is_ascii_digit() || character == '.'))
                .unwrap_or(behind.len());
            let (version, behind) = behind.split_at(version_end);
            // A suffix as `-dev` says nothing about order here.
            rest = behind
                .trim_start_matches(|character: char| !"<>=".contains(character))
                .trim_start();
            let mut parts = [0_u32; 3];
            for (slot, part) in parts.iter_mut().zip(version.split('.')) {
                *slot = part.parse().map_err(|_| wrong())?;
            }
            all &= match operator.trim() {
                ">=" => version_here >= parts,
                ">" => version_here > parts,
                "<=" => version_here <= parts,
                "<" => version_here < parts,
                _ => return Err(wrong()),
            };
        }
        any |= all;
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_part_by_part() {
        let fits = |text: &str| {
            let word = Word {
                bytes: text.as_bytes(),
                start: 0,
            };
            version_fits(word, [7, 0, 10])
        };
        assert_eq!(fits(">= 7.0.3"), Ok(true));
        assert_eq!(fits(">= 7.0.3 < 8"), Ok(true));
        assert_eq!(fits(">= 8.0.0"), Ok(false));
        assert_eq!(fits(">= 8 | < 7.1"), Ok(true));
        assert!(fits("latest").is_err());
    }
}
