//! Lints about what rules remember: flow bits, host bits, counters of the flow.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Report, lint,
    subject::{Subject, Subjects, whole},
};
use crate::{
    model::{BitAction, BitScope},
    source::{
        draft::{ConditionDraft, EffectDraft},
        syntax::{RuleOption, Span},
        values,
    },
};

/// What a rule does with one bit or counter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Sets,
    Unsets,
    TestsSet,
    TestsUnset,
}

/// The same bit under the name that all rules know it by.
fn key(scope: BitScope, name: &str) -> String {
    match scope {
        BitScope::Flow => format!("flow bit `{name}`"),
        // Set by one end and tested at the other: the bit is the host's, whichever end the host is.
        BitScope::SourceHost | BitScope::DestinationHost => format!("host bit `{name}`"),
        BitScope::HostPair => format!("bit of host pairs `{name}`"),
        BitScope::Transaction => format!("transaction bit `{name}`"),
    }
}

/// Every bit and counter that a rule uses; a test of several is one use with several names.
fn uses(subject: &Subject<'_>) -> Vec<(Vec<String>, Use)> {
    let mut uses = Vec::new();
    for condition in &subject.rule.conditions {
        match condition {
            ConditionDraft::Bits {
                scope,
                action,
                names,
            } => {
                let keys = names.iter().map(|name| key(*scope, name)).collect();
                let how = match action {
                    BitAction::IsNotSet => Use::TestsUnset,
                    _ => Use::TestsSet,
                };
                uses.push((keys, how));
            }
            ConditionDraft::FlowInt { name, operator, .. } => {
                let how = match operator {
                    b'n' => Use::TestsUnset,
                    _ => Use::TestsSet,
                };
                uses.push((vec![format!("flow counter `{name}`")], how));
            }
            _ => {}
        }
    }
    for effect in &subject.rule.effects {
        match effect {
            EffectDraft::Bit {
                scope,
                action,
                name,
                ..
            } => {
                let how = match action {
                    BitAction::Unset => Use::Unsets,
                    _ => Use::Sets,
                };
                uses.push((vec![key(*scope, name)], how));
            }
            EffectDraft::FlowInt { name, .. } => {
                uses.push((vec![format!("flow counter `{name}`")], Use::Sets));
            }
        }
    }
    uses
}

const KEYWORDS: [&str; 4] = ["flowbits", "xbits", "hostbits", "flowint"];

/// The option that speaks of a bit; the first of several.
fn span_of(subject: &Subject<'_>, key: &str) -> Span {
    let name = key.split('`').nth(1).unwrap_or_default();
    let mentions = |option: &&RuleOption<'_>| {
        option.value.is_some_and(|value| {
            values::list(value)
                .iter()
                .any(|item| item.text().split('|').any(|word| word.trim() == name))
        })
    };
    KEYWORDS
        .iter()
        .flat_map(|keyword| subject.options(keyword))
        .find(mentions)
        .map_or_else(|| subject.syntax.header_span(), whole)
}

/// The keys that any rule uses in one of these ways.
fn used(subjects: &Subjects<'_>, ways: &[Use]) -> BTreeSet<String> {
    subjects
        .rules
        .iter()
        .flat_map(uses)
        .filter(|(_, how)| ways.contains(how))
        .flat_map(|(keys, _)| keys)
        .collect()
}

lint! {
    /// A bit or counter is tested, and no rule of the run sets it.
    ///
    /// `isset` never holds then, so the rule never matches; `isnotset` always holds, so it says nothing. Often the name is
    /// misspelt, the rule that sets the bit is switched off or in a file that was not given, or it was renamed upstream.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"second stage"; flow:established; content:"stage2"; flowbits:isset,bot.stage1; sid:1;)
    /// ```
    ///
    /// Set the bit in a rule of the same run:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"first stage"; flow:established; content:"stage1"; flowbits:set,bot.stage1; flowbits:noalert; sid:1;)
    /// alert tcp any any -> any any (msg:"second stage"; flow:established; content:"stage2"; flowbits:isset,bot.stage1; sid:2;)
    /// ```
    FLOWBIT_NEVER_SET = "flowbit-never-set", Correctness, Warning, Rules(flowbit_never_set)
}

fn flowbit_never_set(subjects: &Subjects<'_>, report: &mut Report) {
    let set = used(subjects, &[Use::Sets]);
    for (index, subject) in subjects.rules.iter().enumerate() {
        for (keys, how) in uses(subject) {
            if !matches!(how, Use::TestsSet | Use::TestsUnset)
                || keys.iter().any(|key| set.contains(key))
            {
                continue;
            }
            let Some(first) = keys.first() else { continue };
            let consequence = if how == Use::TestsSet {
                "so the rule never matches"
            } else {
                "so this test always holds"
            };
            let what = keys.join(" or ");
            let disabled = keys
                .iter()
                .find_map(|key| subjects.set_by_disabled.get(key.split('`').nth(1)?));
            let hint = match disabled {
                Some(sid) => format!("sid {sid} sets it and is switched off"),
                None => "set it in a rule of the same run, or look for a misspelling".to_owned(),
            };
            report.say_of(
                index,
                span_of(subject, first),
                format!("no rule sets the {what}, {consequence}"),
                hint,
            );
        }
    }
}

lint! {
    /// A bit or counter is set, and no rule of the run tests it.
    ///
    /// Setting it costs a little and does nothing. Sets made of several files do this on purpose where the rules that test are
    /// switched off, so this is a note.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"first stage"; flow:established; content:"stage1"; flowbits:set,bot.stage1; sid:1;)
    /// ```
    ///
    /// Test the bit, or leave it out:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"first stage"; flow:established; content:"stage1"; sid:1;)
    /// ```
    FLOWBIT_NEVER_CHECKED = "flowbit-never-checked", Correctness, Note, Rules(flowbit_never_checked)
}

fn flowbit_never_checked(subjects: &Subjects<'_>, report: &mut Report) {
    let tested = used(subjects, &[Use::TestsSet, Use::TestsUnset]);
    for (index, subject) in subjects.rules.iter().enumerate() {
        for (keys, how) in uses(subject) {
            if let (Use::Sets, Some(key)) = (how, keys.first())
                && !tested.contains(key)
            {
                report.say_of(
                    index,
                    span_of(subject, key),
                    format!("no rule tests the {key}"),
                    "test it in another rule, or leave it out",
                );
            }
        }
    }
}

lint! {
    /// A rule asks that a bit is set and that it is not set.
    ///
    /// Both cannot hold, so the rule never matches.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:established; content:"abcd"; flowbits:isset,a; flowbits:isnotset,a; sid:1;)
    /// ```
    ///
    /// Keep one of the two tests:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:established; content:"abcd"; flowbits:isset,a; sid:1;)
    /// ```
    CONTRADICTORY_BITS = "contradictory-bits", Correctness, Warning, Rule(contradictory_bits)
}

fn contradictory_bits(subject: &Subject<'_>, report: &mut Report) {
    let mut tested: BTreeMap<String, Use> = BTreeMap::new();
    for (keys, how) in uses(subject) {
        let [key] = keys.as_slice() else { continue };
        if !matches!(how, Use::TestsSet | Use::TestsUnset) {
            continue;
        }
        if tested
            .insert(key.clone(), how)
            .is_some_and(|before| before != how)
        {
            report.say(
                span_of(subject, key),
                format!("the {key} cannot be set and not set at once, so the rule never matches"),
                "keep one of the two tests",
            );
        }
    }
}

lint! {
    /// A rule neither alerts nor does anything else.
    ///
    /// With `noalert` a rule is there for its effects, as a flow bit that it sets. Without an effect it is looked for in vain.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:established; content:"abcd"; noalert; sid:1;)
    /// ```
    ///
    /// Set a bit that another rule tests, or let the rule alert:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:established; content:"abcd"; flowbits:set,a; noalert; sid:1;)
    /// ```
    SILENT_RULE = "silent-rule", Correctness, Warning, Rule(silent_rule)
}

fn silent_rule(subject: &Subject<'_>, report: &mut Report) {
    let rule = subject.rule;
    if rule.no_alert && rule.effects.is_empty() && subject.is_run {
        let span = if subject.has("noalert") {
            subject.span("noalert")
        } else {
            subject.span("flowbits")
        };
        report.say(
            span,
            "the rule does not alert and sets nothing: it does nothing at all",
            "let it alert, or set a bit that another rule tests",
        );
    }
}
