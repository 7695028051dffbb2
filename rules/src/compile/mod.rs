//! From rule files to a pack: same rules in, same bytes out.
//!
//! A rule is refused (one diagnostic), unsupported (named in the pack with its reasons, not run), or compiled in full.

mod fast_pattern;
mod lists;
mod lower;
mod requirements;

use std::collections::{BTreeSet, HashMap};

use crate::{
    diagnostic::{Diagnostic, Level},
    indicator::IndicatorLists,
    limits,
    model::RuleKind,
    pack::{CanonicalWriter, PackWriter},
    source::{
        self, Catalogue, Language, ListFiles, ParsedRule, Reputations, Source, Variables,
        draft::RuleDraft,
    },
};

/// How many rules of each kind the sources hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Rules that run.
    pub compiled: usize,
    /// Valid rules that this version does not run.
    pub unsupported: usize,
    /// Rules with mistakes.
    pub refused: usize,
    /// Rules that are commented out.
    pub disabled: usize,
    /// Rules that a newer revision in the same sources replaced.
    pub replaced: usize,
    /// Indicators, each value once.
    pub indicators: usize,
    /// Lines of lists whose value stands in another line too.
    pub repeated_indicators: usize,
}

/// What came of a compilation.
#[derive(Debug)]
pub struct Compiled {
    /// The pack that a sensor maps; also where some rules were refused.
    pub pack: Vec<u8>,
    /// The canonical pack that it is derived from: what is signed and sent.
    pub canonical: Vec<u8>,
    /// Mistakes and remarks, in the order of the sources.
    pub diagnostics: Vec<Diagnostic>,
    /// Rules that are not run, each with its reasons.
    pub unsupported: Vec<Diagnostic>,
    /// How many rules of each kind there are.
    pub counts: Counts,
}

/// What a compilation is given beside the rules.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The version of the language that the rules are written in.
    pub language: Language,
    /// Values of the variables.
    pub variables: Variables,
    /// Class types and reference systems.
    pub catalogue: Catalogue,
    /// Limits of alerts that are kept apart from the rules: files in the form of `threshold.config`.
    pub thresholds: Vec<Source>,
    /// Where the files of lists are that rules name.
    pub list_files: ListFiles,
    /// What is known of addresses, for `iprep`.
    pub reputations: Reputations,
    /// Lists of indicators, CSV files as [`crate::indicator::IndicatorLists`] reads them.
    pub indicators: Vec<Source>,
    /// Whether the pack keeps the text of each rule.
    pub keep_texts: bool,
}

/// Compiles rule files into a pack.
#[must_use]
pub fn compile(sources: &[Source], settings: &Settings) -> Compiled {
    let (rules, mut compiled) = read(sources, settings);
    write(&rules, settings, &mut compiled);
    compiled
}

/// The rules that stay, with the limits of their alerts, and all that is said about the others.
pub(crate) fn read(sources: &[Source], settings: &Settings) -> (Vec<ParsedRule>, Compiled) {
    let mut compiled = Compiled {
        pack: Vec::new(),
        canonical: Vec::new(),
        diagnostics: Vec::new(),
        unsupported: Vec::new(),
        counts: Counts::default(),
    };
    compiled
        .diagnostics
        .extend_from_slice(settings.reputations.diagnostics());
    let mut rules = Vec::new();
    for source in sources {
        let parsed = source::parse(source, settings);
        compiled.diagnostics.extend(parsed.diagnostics);
        compiled.counts.disabled += parsed.disabled;
        compiled.counts.refused += parsed.refused;
        rules.extend(parsed.rules);
    }
    let rules = newest_revisions(rules, &mut compiled);
    let mut rules = lists::settle(rules, &mut compiled);
    for file in &settings.thresholds {
        let remarks = source::threshold_config::apply(file, &settings.variables, &mut rules);
        compiled.diagnostics.extend(remarks);
    }
    (rules, compiled)
}

/// How a rule is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// When it is evaluated.
    pub(crate) kind: RuleKind,
    /// What must be seen first, in lower case; `None` where nothing can be looked for.
    pub(crate) pattern: Option<Vec<u8>>,
}

impl Plan {
    pub(crate) fn of(rule: &RuleDraft) -> Self {
        let requirements = requirements::derive(rule);
        Self {
            kind: requirements.kind,
            pattern: fast_pattern::choose(rule, &requirements).pattern,
        }
    }
}

/// Of rules with the same number the newest revision stays; the same revision again is a mistake.
fn newest_revisions(rules: Vec<ParsedRule>, compiled: &mut Compiled) -> Vec<ParsedRule> {
    let mut kept: Vec<Option<ParsedRule>> = Vec::with_capacity(rules.len());
    let mut places: HashMap<(u32, u32), usize> = HashMap::with_capacity(rules.len());
    for rule in rules {
        let id = rule.draft.id;
        let is_over = places.len() >= limits::RULES;
        let before = places.get(&(id.gid, id.sid)).copied();
        let problem = match before.and_then(|place| kept.get(place)?.as_ref()) {
            Some(other) if other.draft.id.rev >= id.rev => Some((
                "duplicate-rule",
                format!(
                    "sid {} stands in line {} of {} already",
                    id.sid, other.place.line, other.place.file
                ),
                "give it its own sid, or a higher rev to replace the other",
            )),
            None if is_over => Some((
                "too-many-rules",
                format!("there are more than {} rules", limits::RULES),
                "leave files out",
            )),
            _ => None,
        };
        if let Some((code, message, hint)) = problem {
            compiled.counts.refused += 1;
            compiled.diagnostics.push(Diagnostic {
                level: Level::Error,
                code,
                message,
                hint: Some(hint.to_owned()),
                ..rule.place
            });
            continue;
        }
        if let Some(older) = before.and_then(|place| kept.get_mut(place)) {
            compiled.counts.replaced += 1;
            *older = None;
        }
        places.insert((id.gid, id.sid), kept.len());
        kept.push(Some(rule));
    }
    kept.into_iter().flatten().collect()
}

fn write(rules: &[ParsedRule], settings: &Settings, compiled: &mut Compiled) {
    let mut canonical = CanonicalWriter::default();
    let mut written_lists = BTreeSet::new();
    for rule in rules {
        if rule.unsupported.is_empty() {
            let requirements = requirements::derive(&rule.draft);
            let text = settings.keep_texts.then(|| rule.text());
            let mut writer = PackWriter::new();
            lower::Shared::default().write(
                &rule.draft,
                &requirements,
                &settings.catalogue,
                text.as_deref(),
                &mut writer,
            );
            lists::write_new(&rule.draft, &mut written_lists, &mut canonical);
            let trigger = fast_pattern::choose(&rule.draft, &requirements);
            canonical.rule(rule.draft.id, writer, &trigger);
            compiled.counts.compiled += 1;
        } else {
            let reasons: Vec<&str> = rule
                .unsupported
                .iter()
                .map(|reason| reason.message.as_str())
                .collect();
            canonical.unsupported(rule.draft.id, &rule.draft.message, &reasons.join("; "));
            compiled.counts.unsupported += 1;
            compiled
                .unsupported
                .extend(rule.unsupported.iter().cloned());
        }
    }
    let lists = IndicatorLists::read(&settings.indicators);
    compiled.diagnostics.extend(lists.diagnostics);
    compiled.counts.indicators = lists.indicators.len();
    compiled.counts.repeated_indicators = lists.repeated;
    canonical.indicators(lists.indicators, lists.names);
    match canonical.finish() {
        Ok(written) => {
            compiled.pack = written.pack;
            compiled.canonical = written.canonical;
        }
        Err(problem) => compiled.diagnostics.push(Diagnostic {
            level: Level::Error,
            code: "pack",
            file: "-".into(),
            line: 0,
            column: 0,
            width: 0,
            message: problem,
            hint: None,
            sid: None,
            source_line: "".into(),
        }),
    }
}
