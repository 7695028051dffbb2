//! `lapwing rules explain`: how one rule is understood, how it is looked for, and what is remarked about it.

mod words;

use std::{collections::BTreeSet, io::Write, process::ExitCode};

use anyhow::bail;
use lapwing_rules::{
    Level, compile,
    lint::{Selection, check},
    model::{Inspection, Match},
    pack::{Pack, PrefilterScope, RuleView},
};

use super::sources::RuleFiles;
use words::Names;

pub(super) fn run(out: &mut impl Write, files: &RuleFiles, sid: u32) -> anyhow::Result<ExitCode> {
    let (sources, settings) = files.read(true)?;
    let compiled = compile(&sources, &settings);
    let pack = Pack::from_bytes(compiled.pack)?;
    let mut is_known = false;
    for rule in pack.rules().filter(|rule| rule.id().sid == sid) {
        let id = rule.id();
        writeln!(out, "{}:{}:{}  {}", id.gid, id.sid, id.rev, rule.message())?;
        if let Some(text) = pack.rule_text(rule.index()) {
            writeln!(out, "\n  {text}\n")?;
        }
        let facts = facts(&pack, &rule, SHOWN_RANGES);
        let looked_for = looked_for(&pack, rule.index());
        print(out, facts.iter().chain(&looked_for))?;
        is_known = true;
    }
    let selection = Selection::default().from_level(Level::Note);
    let checked = check(&sources, &settings, &selection);
    let remarks: Vec<_> = checked
        .diagnostics
        .iter()
        .chain(&checked.unsupported)
        .filter(|remark| remark.sid == Some(sid))
        .collect();
    for remark in &remarks {
        writeln!(out, "\n{}", remark.with_source())?;
    }
    if !is_known && remarks.is_empty() {
        bail!("no rule has sid {sid}");
    }
    Ok(ExitCode::SUCCESS)
}

/// One thing to know about a rule: what it is about, and what there is to say. An empty label goes on with the one before.
pub(super) type Fact = (&'static str, String);

fn print<'f>(out: &mut impl Write, facts: impl Iterator<Item = &'f Fact>) -> anyhow::Result<()> {
    let mut before = "";
    for (label, text) in facts {
        let shown = if *label == before { "" } else { label };
        writeln!(out, "{shown:<13}{text}")?;
        before = label;
    }
    Ok(())
}

/// Most ranges of a set of addresses or ports that are shown to a person.
const SHOWN_RANGES: usize = 8;

/// What a rule does, as text, with so many ranges of each set. The same for the same rule whatever else is in the pack.
pub(super) fn facts(pack: &Pack, rule: &RuleView<'_>, shown_ranges: usize) -> Vec<Fact> {
    let names = Names { pack, shown_ranges };
    let header = rule.header();
    let mut facts = vec![
        ("action", words::action(rule.action()).to_owned()),
        (
            "class",
            format!(
                "{} ({}), priority {}",
                rule.class_type(),
                rule.class_description(),
                rule.severity().0
            ),
        ),
        ("protocol", words::protocol(header.protocol)),
        ("from", names.end(header.source, header.source_port)),
        (
            "to",
            format!(
                "{}{}",
                names.end(header.destination, header.destination_port),
                words::arrow(header.direction)
            ),
        ),
        ("evaluated", words::evaluated(rule)),
    ];
    for condition in rule.packet_conditions() {
        facts.push(("if", names.condition(&condition)));
    }
    for inspection in rule.inspections() {
        inspected(pack, &inspection, &mut facts);
    }
    for limit in rule.limits() {
        facts.push(("limit", names.limit(&limit)));
    }
    for effect in rule.effects() {
        facts.push(("then", names.effect(&effect)));
    }
    for (prefix, target) in rule.references() {
        facts.push(("reference", format!("{prefix}{target}")));
    }
    for (key, value) in rule.metadata() {
        facts.push(("metadata", format!("{key} {value}")));
    }
    facts
}

fn inspected(pack: &Pack, inspection: &Inspection<'_>, facts: &mut Vec<Fact>) {
    let mut place = match inspection.frame {
        Some(frame) => format!("the frame {}", frame.info().name),
        None => words::buffer(inspection.buffer),
    };
    for transform in &inspection.transforms {
        place.push_str(&format!(", after {}", words::transform(pack, transform)));
    }
    facts.push(("in", place));
    for item in &inspection.matches {
        let text = match item {
            Match::Regex(used) => {
                let original = pack.regex(used.regex).map_or("", |regex| regex.original());
                let not = if used.negated { "not " } else { "" };
                format!("{not}the expression {original}")
            }
            Match::InList { list, action } => words::listed(pack, *list, *action),
            Match::Reputation { list, range } => words::rated(pack, *list, *range),
            other => words::matched(other),
        };
        facts.push(("in", format!("  {text}")));
    }
}

/// What makes a rule a candidate: where, and which bytes.
fn looked_for(pack: &Pack, rule: u32) -> Vec<Fact> {
    let mut places: Vec<(PrefilterScope, Option<&[u8]>)> = Vec::new();
    for group in pack.prefilter_groups() {
        if group.always().any(|candidate| candidate == rule) {
            places.push((group.scope(), None));
        }
        for (number, pattern) in group.patterns().enumerate() {
            if group.rules_of(number).any(|candidate| candidate == rule) {
                places.push((group.scope(), Some(pattern)));
            }
        }
    }
    // One line for each pattern, however many places it is looked for in.
    let patterns: BTreeSet<Option<&[u8]>> = places.iter().map(|(_, pattern)| *pattern).collect();
    patterns
        .into_iter()
        .map(|pattern| {
            let scopes: Vec<String> = places
                .iter()
                .filter(|(_, other)| *other == pattern)
                .map(|(scope, _)| words::scope(*scope))
                .collect();
            let text = match pattern {
                Some(pattern) => format!(
                    "only where {} has {} in any case ({} bytes)",
                    scopes.join(" or "),
                    words::shown(pattern),
                    pattern.len()
                ),
                None => format!("always, for {}", scopes.join(" and ")),
            };
            ("looked at", text)
        })
        .collect()
}
