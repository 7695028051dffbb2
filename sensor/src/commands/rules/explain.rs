//! `lapwing rules explain`: how one rule is understood.

use std::{io::Write, process::ExitCode};

use anyhow::bail;
use lapwing_rules::{
    Compiled,
    model::{AddressSetId, Content, Inspection, Match, PortSetId},
    pack::{Pack, PrefilterScope, RuleView},
};

pub(super) fn run(out: &mut impl Write, compiled: Compiled, sid: u32) -> anyhow::Result<ExitCode> {
    let remarks = compiled.diagnostics.iter().chain(&compiled.unsupported);
    let mut is_known = false;
    for remark in remarks.filter(|remark| remark.sid == Some(sid)) {
        writeln!(out, "{}\n", remark.with_source())?;
        is_known = true;
    }
    let pack = Pack::from_bytes(compiled.pack)?;
    for rule in pack.rules().filter(|rule| rule.id().sid == sid) {
        explain(out, &pack, &rule)?;
        is_known = true;
    }
    if !is_known {
        bail!("no rule has sid {sid}");
    }
    Ok(ExitCode::SUCCESS)
}

fn explain(out: &mut impl Write, pack: &Pack, rule: &RuleView<'_>) -> anyhow::Result<()> {
    let (id, header) = (rule.id(), rule.header());
    writeln!(out, "{}:{}:{}  {}", id.gid, id.sid, id.rev, rule.message())?;
    if let Some(text) = pack.rule_text(rule.index()) {
        writeln!(out, "rule         {text}")?;
    }
    writeln!(
        out,
        "class        {} ({}), priority {}",
        rule.class_type(),
        rule.class_description(),
        rule.severity().0
    )?;
    writeln!(out, "action       {:?}", rule.action())?;
    writeln!(out, "protocol     {:?}", header.protocol)?;
    writeln!(
        out,
        "from         {} ports {}",
        addresses(pack, header.source),
        ports(pack, header.source_port)
    )?;
    writeln!(
        out,
        "to           {} ports {} ({:?})",
        addresses(pack, header.destination),
        ports(pack, header.destination_port),
        header.direction
    )?;
    writeln!(
        out,
        "evaluated    {:?}, direction {:?}, packets {}, stream {}",
        rule.kind(),
        rule.sides(),
        rule.inspects_packet(),
        rule.inspects_stream()
    )?;
    for (scope, pattern) in triggers(pack, rule.index()) {
        match pattern {
            Some(pattern) => writeln!(out, "candidate    {scope:?}: {}", shown(pattern))?,
            None => writeln!(out, "candidate    {scope:?}: always")?,
        }
    }
    for condition in rule.packet_conditions() {
        writeln!(out, "condition    {condition:?}")?;
    }
    for inspection in rule.inspections() {
        explain_inspection(out, pack, &inspection)?;
    }
    for limit in rule.limits() {
        writeln!(out, "limit        {limit:?}")?;
    }
    for effect in rule.effects() {
        writeln!(out, "effect       {effect:?}")?;
    }
    for (prefix, target) in rule.references() {
        writeln!(out, "reference    {prefix}{target}")?;
    }
    Ok(())
}

fn explain_inspection(
    out: &mut impl Write,
    pack: &Pack,
    inspection: &Inspection<'_>,
) -> anyhow::Result<()> {
    writeln!(out, "in           {}", inspection.buffer.info().name)?;
    for transform in &inspection.transforms {
        writeln!(out, "             after {transform:?}")?;
    }
    for item in &inspection.matches {
        match item {
            Match::Content(content) => writeln!(out, "             {}", describe(content))?,
            Match::Regex(used) => {
                let original = pack.regex(used.regex).map_or("", |regex| regex.original());
                let not = if used.negated { "not " } else { "" };
                writeln!(out, "             {not}pcre {original}")?;
            }
            other => writeln!(out, "             {other:?}")?,
        }
    }
    Ok(())
}

fn describe(content: &Content<'_>) -> String {
    let mut text = String::new();
    if content.negated {
        text.push_str("not ");
    }
    text.push_str(&shown(content.pattern));
    for (set, word) in [
        (content.nocase, ", any case"),
        (content.starts_with, ", at the start"),
        (content.ends_with, ", at the end"),
    ] {
        if set {
            text.push_str(word);
        }
    }
    format!("{text}, {:?}", content.anchor)
}

/// A pattern as rules write it.
fn shown(pattern: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in pattern {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'|' | b';' | b'\\') || *byte == b' ' {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("|{byte:02X}|"));
        }
    }
    text.push('"');
    text.replace("||", " ")
}

/// Every scope and pattern that makes a rule a candidate.
fn triggers(pack: &Pack, rule: u32) -> Vec<(PrefilterScope, Option<&[u8]>)> {
    let mut triggers = Vec::new();
    for group in pack.prefilter_groups() {
        if group.always().any(|candidate| candidate == rule) {
            triggers.push((group.scope(), None));
        }
        for (number, pattern) in group.patterns().enumerate() {
            if group.rules_of(number).any(|candidate| candidate == rule) {
                triggers.push((group.scope(), Some(pattern)));
            }
        }
    }
    triggers
}

/// Most ranges of a set that are shown.
const SHOWN_RANGES: usize = 8;

fn ranges<T: PartialEq + ToString>(ranges: impl Iterator<Item = (T, T)>) -> String {
    let mut texts: Vec<String> = ranges
        .take(SHOWN_RANGES + 1)
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{}-{}", first.to_string(), last.to_string())
            }
        })
        .collect();
    if texts.len() > SHOWN_RANGES {
        texts.truncate(SHOWN_RANGES);
        texts.push("…".to_owned());
    }
    texts.join(",")
}

fn addresses(pack: &Pack, id: AddressSetId) -> String {
    let set = pack.address_set(id);
    if set.is_any() {
        return "any".to_owned();
    }
    let ipv4 = ranges(set.ipv4_ranges().map(|(first, last)| {
        (
            std::net::Ipv4Addr::from(first),
            std::net::Ipv4Addr::from(last),
        )
    }));
    let ipv6 = ranges(set.ipv6_ranges().map(|(first, last)| {
        (
            std::net::Ipv6Addr::from(first),
            std::net::Ipv6Addr::from(last),
        )
    }));
    [ipv4, ipv6]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(",")
}

fn ports(pack: &Pack, id: PortSetId) -> String {
    let set = pack.port_set(id);
    if set.is_any() {
        "any".to_owned()
    } else {
        ranges(set.ranges())
    }
}
