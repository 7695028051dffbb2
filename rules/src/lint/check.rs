//! Checks rule files: everything the compiler says, and the lints.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    LINTS, Report, Selection, Test,
    subject::{Subject, Subjects},
};
use crate::{
    compile::{self, Counts, Plan, Settings},
    diagnostic::Diagnostic,
    source::{self, ParsedRule, Source, syntax::RuleSyntax},
};

/// What there is to say about rule files.
#[derive(Debug, Default)]
pub struct Checked {
    /// What the selection shows, in the order of the files and their lines.
    pub diagnostics: Vec<Diagnostic>,
    /// Rules that are not run, each with its reasons.
    pub unsupported: Vec<Diagnostic>,
    /// How many rules of each kind there are.
    pub counts: Counts,
    /// How many remarks the selection does not show.
    pub hidden: usize,
}

/// Checks rule files. Lints see all of them together.
#[must_use]
pub fn check(sources: &[Source], settings: &Settings, selection: &Selection) -> Checked {
    let (rules, read) = compile::read(sources, settings);
    let mut counts = read.counts;
    let mut unsupported = Vec::new();
    for rule in &rules {
        if rule.unsupported.is_empty() {
            counts.compiled += 1;
        } else {
            counts.unsupported += 1;
            unsupported.extend(rule.unsupported.iter().cloned());
        }
    }
    let mut diagnostics = read.diagnostics;
    diagnostics.extend(run_lints(&rules, sources));
    let total = diagnostics.len();
    let mut diagnostics: Vec<Diagnostic> = diagnostics
        .into_iter()
        .filter_map(|diagnostic| selection.apply(diagnostic))
        .collect();
    let hidden = total - diagnostics.len();
    let places: BTreeMap<Arc<str>, usize> = sources
        .iter()
        .enumerate()
        .rev()
        .map(|(index, source)| (Arc::clone(&source.name), index))
        .collect();
    diagnostics.sort_by_key(|diagnostic| {
        (
            // Files that go with the rules come behind them.
            places.get(&diagnostic.file).copied().unwrap_or(usize::MAX),
            diagnostic.line,
            diagnostic.column,
        )
    });
    Checked {
        diagnostics,
        unsupported,
        counts,
        hidden,
    }
}

/// Runs every lint.
fn run_lints(rules: &[ParsedRule], sources: &[Source]) -> Vec<Diagnostic> {
    // A rule that was understood was split before; the splitting is repeated because the words borrow from the line.
    let understood: Vec<(&ParsedRule, Subject<'_>)> = rules
        .iter()
        .filter_map(|rule| {
            let syntax = RuleSyntax::parse(&rule.line.bytes, 0).ok()?;
            let subject = Subject {
                rule: &rule.draft,
                syntax,
                is_run: rule.unsupported.is_empty(),
                plan: Plan::of(&rule.draft),
            };
            Some((rule, subject))
        })
        .collect();
    let (rules, subjects): (Vec<&ParsedRule>, Vec<Subject<'_>>) = understood.into_iter().unzip();
    let subjects = Subjects {
        rules: subjects,
        set_by_disabled: source::bits_set_by_disabled_rules(sources),
    };
    let mut diagnostics = Vec::new();
    for lint in LINTS {
        let mut report = Report {
            lint,
            found: Vec::new(),
            rule: 0,
        };
        match lint.test {
            Test::Rule(test) => {
                for (index, subject) in subjects.rules.iter().enumerate() {
                    report.rule = index;
                    test(subject, &mut report);
                }
            }
            Test::Rules(test) => test(&subjects, &mut report),
        }
        for (index, problem) in report.found {
            if let Some(rule) = rules.get(index) {
                diagnostics.push(rule.diagnostic(problem));
            }
        }
    }
    diagnostics
}
