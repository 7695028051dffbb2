//! `threshold.config`: limits of alerts that are kept apart from the rules.
//!
//! ```text
//! suppress gen_id 1, sig_id 2000328
//! suppress gen_id 1, sig_id 2000328, track by_src, ip [10.0.0.0/8, $SCANNERS]
//! event_filter gen_id 1, sig_id 0, type limit, track by_rule, count 10, seconds 3600
//! rate_filter gen_id 1, sig_id 2000328, track by_src, count 5, seconds 60, new_action drop, timeout 600
//! ```
//!
//! Whom an entry is about: one rule; with `sig_id 0` every rule of that `gen_id`; with both 0 every rule. An `event_filter`
//! (`threshold` is the same word) for one rule takes the place of the limit in the rule; any other entry leaves a rule's
//! own limit as it is. Lines may go on behind a backslash; a line that begins with `#` is a comment. Items may stand in
//! any order and addresses may be negated, other than in the reference.

use std::collections::HashMap;

use super::{
    draft::{LimitDraft, RuleDraft},
    file_line::FileLine,
    groups,
    logical_lines::LogicalLines,
    parser::{ParsedRule, Source},
    problem::Problem,
    syntax::Word,
    values::{number_u32, split_space},
    variables::Variables,
};
use crate::{
    diagnostic::Diagnostic,
    limits,
    model::{Action, RateFilter, SuppressBy, Threshold, ThresholdKind, TrackBy},
};

/// What one line asks for.
struct Entry {
    gid: u32,
    sid: u32,
    limit: EntryLimit,
}

enum EntryLimit {
    /// No alerts at all.
    Mute,
    Limit(LimitDraft),
}

/// Reads a file and puts its limits on the rules. Lines with mistakes are told and left out.
pub(crate) fn apply(
    source: &Source,
    variables: &Variables,
    rules: &mut [ParsedRule],
) -> Vec<Diagnostic> {
    let places: HashMap<(u32, u32), usize> = rules
        .iter()
        .enumerate()
        .map(|(place, rule)| ((rule.draft.id.gid, rule.draft.id.sid), place))
        .collect();
    let mut diagnostics = Vec::new();
    for line in LogicalLines::new(&source.bytes) {
        let text = line.bytes.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        let file = FileLine {
            name: &source.name,
            line: &line,
        };
        let word = Word {
            bytes: text,
            start: line.bytes.len() - line.bytes.trim_ascii_start().len(),
        };
        let remark = if line.is_too_long() {
            Err(Problem::error("too-long", 0..1, "the line is too long"))
        } else {
            entry(word, variables).and_then(|entry| put(&entry, &places, rules, word))
        };
        match remark {
            Ok(None) => {}
            Ok(Some(problem)) | Err(problem) => diagnostics.push(file.diagnostic(problem, None)),
        }
    }
    diagnostics
}

/// Puts an entry on the rules it is about; a remark where it does nothing.
fn put(
    entry: &Entry,
    places: &HashMap<(u32, u32), usize>,
    rules: &mut [ParsedRule],
    line: Word<'_>,
) -> Result<Option<Problem>, Problem> {
    if entry.sid > 0 {
        if entry.gid == 0 {
            return Err(Problem::value(
                line.span(),
                "with a sig_id, the gen_id is not 0",
            ));
        }
        let outcome = match places
            .get(&(entry.gid, entry.sid))
            .and_then(|place| rules.get_mut(*place))
        {
            Some(rule) => limit_rule(&mut rule.draft, &entry.limit, true),
            None => Err("no rule has this gen_id and sig_id"),
        };
        let remark = |reason| Problem::warning("limit-without-effect", line.span(), reason);
        return Ok(outcome.err().map(remark));
    }
    let unlimited = rules
        .iter_mut()
        .filter(|rule| entry.gid == 0 || rule.draft.id.gid == entry.gid)
        .filter_map(|rule| limit_rule(&mut rule.draft, &entry.limit, false).err())
        .count();
    Ok((unlimited > 0).then(|| {
        Problem::warning(
            "limit-without-effect",
            line.span(),
            format!("{unlimited} rules keep the limit they have"),
        )
    }))
}

/// Limits a rule; `is_named` where the entry is about this rule alone. Else why not.
fn limit_rule(
    rule: &mut RuleDraft,
    limit: &EntryLimit,
    is_named: bool,
) -> Result<(), &'static str> {
    let limit = match limit {
        EntryLimit::Mute => {
            rule.no_alert = true;
            return Ok(());
        }
        EntryLimit::Limit(limit) => limit,
    };
    if rule.limits.len() as u64 >= limits::PROGRAM_LIST_ITEMS {
        return Err("the rule has too many limits");
    }
    match limit {
        LimitDraft::Suppress { .. } => {
            // Suppressions are asked before the one rate limit.
            let place = rule.limits.len() - usize::from(rule.has_rate_limit());
            rule.limits.insert(place, limit.clone());
        }
        LimitDraft::Threshold(_) if is_named => {
            rule.limits
                .retain(|limit| matches!(limit, LimitDraft::Suppress { .. }));
            rule.limits.push(limit.clone());
        }
        LimitDraft::Threshold(_) | LimitDraft::RateFilter(_) => {
            if rule.has_rate_limit() {
                return Err("the rule keeps the limit it has");
            }
            rule.limits.push(limit.clone());
        }
    }
    Ok(())
}

/// The items of a line: commas in brackets do not separate.
fn items(word: Word<'_>) -> Vec<Word<'_>> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, byte) in word.bytes.iter().chain(b",").enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 || at == word.bytes.len() => {
                let item = word.bytes.get(start..at).unwrap_or_default();
                let lead = item.len() - item.trim_ascii_start().len();
                items.push(Word {
                    bytes: item.trim_ascii(),
                    start: word.start + start + lead,
                });
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

/// One item of a line: a word and its value.
struct Field<'l> {
    name: Word<'l>,
    value: Word<'l>,
    is_taken: bool,
}

/// The items of a line, each to be taken once.
struct Fields<'l>(Vec<Field<'l>>);

impl<'l> Fields<'l> {
    fn read(items: &[Word<'l>]) -> Result<Self, Problem> {
        let mut fields: Vec<Field<'l>> = Vec::with_capacity(items.len());
        for item in items {
            let (name, value) = split_space(*item);
            let is_known = matches!(
                name.bytes,
                b"gen_id"
                    | b"sig_id"
                    | b"type"
                    | b"track"
                    | b"ip"
                    | b"count"
                    | b"seconds"
                    | b"new_action"
                    | b"timeout"
            );
            if !is_known || value.bytes.is_empty() {
                return Err(Problem::value(
                    item.span(),
                    format!("`{}` is not expected here", item.text()),
                ));
            }
            if fields.iter().any(|field| field.name.bytes == name.bytes) {
                return Err(Problem::value(
                    item.span(),
                    format!("`{}` stands here twice", name.text()),
                ));
            }
            fields.push(Field {
                name,
                value,
                is_taken: false,
            });
        }
        Ok(Self(fields))
    }

    fn take(&mut self, key: &str) -> Option<Word<'l>> {
        let field = self
            .0
            .iter_mut()
            .find(|field| field.name.bytes == key.as_bytes())?;
        field.is_taken = true;
        Some(field.value)
    }

    fn need(&mut self, key: &str, line: Word<'_>) -> Result<Word<'l>, Problem> {
        self.take(key)
            .ok_or_else(|| Problem::value(line.span(), format!("`{key}` is missing")))
    }

    fn number(&mut self, key: &str, line: Word<'_>) -> Result<u32, Problem> {
        number_u32(self.need(key, line)?)
    }

    /// Refuses what was given and not asked for.
    fn finish(self) -> Result<(), Problem> {
        match self.0.iter().find(|field| !field.is_taken) {
            Some(field) => Err(Problem::value(
                field.name.span(),
                format!("`{}` has no meaning in this line", field.name.text()),
            )),
            None => Ok(()),
        }
    }
}

fn entry(line: Word<'_>, variables: &Variables) -> Result<Entry, Problem> {
    let (kind, rest) = split_space(line);
    let mut fields = Fields::read(&items(rest))?;
    let gid = fields.number("gen_id", line)?;
    let sid = fields.number("sig_id", line)?;
    let limit = match kind.bytes {
        b"suppress" => suppress(&mut fields, line, variables)?,
        b"event_filter" | b"threshold" => EntryLimit::Limit(event_filter(&mut fields, line)?),
        b"rate_filter" => EntryLimit::Limit(rate_filter(&mut fields, line)?),
        _ => {
            return Err(Problem::value(
                kind.span(),
                "a line begins with suppress, event_filter or rate_filter",
            ));
        }
    };
    fields.finish()?;
    Ok(Entry { gid, sid, limit })
}

fn suppress(
    fields: &mut Fields<'_>,
    line: Word<'_>,
    variables: &Variables,
) -> Result<EntryLimit, Problem> {
    let Some(track) = fields.take("track") else {
        return Ok(EntryLimit::Mute);
    };
    let track = match track.bytes {
        b"by_src" => SuppressBy::Source,
        b"by_dst" => SuppressBy::Destination,
        b"by_either" => SuppressBy::Either,
        _ => {
            return Err(Problem::value(
                track.span(),
                "what is suppressed is tracked by_src, by_dst or by_either",
            ));
        }
    };
    let addresses = groups::addresses(&fields.need("ip", line)?, variables)?;
    Ok(EntryLimit::Limit(LimitDraft::Suppress { track, addresses }))
}

fn track_by(fields: &mut Fields<'_>, line: Word<'_>) -> Result<TrackBy, Problem> {
    let track = fields.need("track", line)?;
    Ok(match track.bytes {
        b"by_src" => TrackBy::Source,
        b"by_dst" => TrackBy::Destination,
        b"by_both" => TrackBy::Both,
        b"by_rule" => TrackBy::Rule,
        _ => {
            return Err(Problem::value(
                track.span(),
                "it is counted by_src, by_dst, by_both or by_rule",
            ));
        }
    })
}

fn count(fields: &mut Fields<'_>, line: Word<'_>) -> Result<u32, Problem> {
    let word = fields.need("count", line)?;
    match number_u32(word)? {
        0 => Err(Problem::value(word.span(), "a count is greater than 0")),
        count => Ok(count),
    }
}

fn event_filter(fields: &mut Fields<'_>, line: Word<'_>) -> Result<LimitDraft, Problem> {
    let kind = fields.need("type", line)?;
    let kind = match kind.bytes {
        b"limit" => ThresholdKind::Limit,
        b"threshold" => ThresholdKind::Threshold,
        b"both" => ThresholdKind::Both,
        _ => {
            return Err(Problem::value(
                kind.span(),
                "a type is limit, threshold or both",
            ));
        }
    };
    Ok(LimitDraft::Threshold(Threshold {
        kind,
        track: track_by(fields, line)?,
        count: count(fields, line)?,
        seconds: fields.number("seconds", line)?,
    }))
}

fn rate_filter(fields: &mut Fields<'_>, line: Word<'_>) -> Result<LimitDraft, Problem> {
    let action = fields.need("new_action", line)?;
    let action = match action.bytes {
        b"alert" | b"log" => Action::Alert,
        b"drop" | b"sdrop" => Action::Drop,
        b"pass" => Action::Pass,
        b"reject" => Action::Reject,
        _ => {
            return Err(Problem::value(
                action.span(),
                "a new action is alert, drop, pass or reject",
            ));
        }
    };
    Ok(LimitDraft::RateFilter(RateFilter {
        track: track_by(fields, line)?,
        count: count(fields, line)?,
        seconds: fields.number("seconds", line)?,
        action,
        timeout_seconds: fields.number("timeout", line)?,
    }))
}
