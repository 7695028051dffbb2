//! Reads rule files: gives rules and diagnostics, and never stops at a bad line.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use super::{
    draft::RuleDraft,
    file_line::FileLine,
    groups,
    keyword_table::{self, Argument, Context, Keyword, Role},
    keywords::{buffers, header_fields, transaction_fields},
    language::Language,
    logical_lines::{LogicalLine, LogicalLines},
    prefilter_option,
    problem::Problem,
    protocols, support,
    syntax::{RuleOption, RuleSyntax},
    validate, values,
    variables::Variables,
};
use crate::{
    compile::Settings,
    diagnostic::{Diagnostic, Level},
    model::{Action, FlowRequirement, HeaderProtocol, RuleDirection, RuleId},
};

/// A rule file's name and bytes.
#[derive(Clone, Debug)]
pub struct Source {
    /// As diagnostics name it.
    pub name: Arc<str>,
    /// Its bytes, UTF-8 or not.
    pub bytes: Vec<u8>,
}

/// A rule that was understood, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct ParsedRule {
    pub(crate) draft: RuleDraft,
    /// Why it is not run; empty for a rule that is.
    pub(crate) unsupported: Vec<Diagnostic>,
    /// Place of the rule, for remarks about it as a whole.
    pub(crate) place: Diagnostic,
    /// As it is written.
    pub(crate) line: LogicalLine,
}

impl ParsedRule {
    /// Its text without the white space around it.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.line.bytes.trim_ascii())
    }

    /// A remark about a place in it.
    pub(crate) fn diagnostic(&self, problem: Problem) -> Diagnostic {
        let file = FileLine {
            name: &self.place.file,
            line: &self.line,
        };
        file.diagnostic(problem, Some(self.draft.id.sid))
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) rules: Vec<ParsedRule>,
    /// Rules that are commented out.
    pub(crate) disabled: usize,
    /// Rules that were refused.
    pub(crate) refused: usize,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads a rule file.
pub(crate) fn parse(source: &Source, settings: &Settings) -> Parsed {
    let mut parsed = Parsed::default();
    for line in LogicalLines::new(&source.bytes) {
        let bytes = line.bytes.trim_ascii();
        if bytes.is_empty() {
            continue;
        }
        if let Some(comment) = bytes.strip_prefix(b"#") {
            parsed.disabled += usize::from(disabled_rule(comment).is_some());
            continue;
        }
        let file = FileLine {
            name: &source.name,
            line: &line,
        };
        if line.bytes.starts_with(b" ") {
            parsed.diagnostics.push(
                file.diagnostic(
                    Problem::warning(
                        "ignored-line",
                        0..1,
                        "a line that begins with a space is ignored",
                    )
                    .hint("remove the space"),
                    None,
                ),
            );
            continue;
        }
        if !is_read(&line.bytes) {
            continue;
        }
        match parse_rule(&line, &source.name, settings) {
            Ok(draft) => parsed.add(draft, &file),
            Err((problem, sid)) => {
                parsed.refused += 1;
                parsed.diagnostics.push(file.diagnostic(*problem, sid));
            }
        }
    }
    parsed
}

impl Parsed {
    fn add(&mut self, mut draft: RuleDraft, file: &FileLine<'_>) {
        let sid = Some(draft.id.sid);
        let (mut unsupported, mut others) = (Vec::new(), Vec::new());
        for remark in std::mem::take(&mut draft.remarks) {
            let level = remark.level;
            let diagnostic = file.diagnostic(remark, sid);
            match level {
                Level::Unsupported => unsupported.push(diagnostic),
                Level::Error | Level::Warning | Level::Note => others.push(diagnostic),
            }
        }
        self.diagnostics.append(&mut others);
        let end = file.line.bytes.len().min(1);
        self.rules.push(ParsedRule {
            draft,
            unsupported,
            place: file.diagnostic(Problem::warning("rule", 0..end, ""), sid),
            line: file.line.clone(),
        });
    }
}

/// Whether a line that is neither empty nor a comment is read at all: the reference passes over what begins with a space or `;`.
pub(crate) fn is_read(line: &[u8]) -> bool {
    !line.starts_with(b" ") && line.trim_ascii_start().first() != Some(&b';')
}

/// The rule in a comment (what stands behind the `#`), if it is one that was switched off.
pub(crate) fn disabled_rule(comment: &[u8]) -> Option<RuleSyntax<'_>> {
    let comment = comment.trim_ascii_start();
    let word_end = comment.iter().position(u8::is_ascii_whitespace)?;
    action(comment.get(..word_end)?)?;
    RuleSyntax::parse(comment, 0).ok()
}

/// The names of bits and counters that rules set which are switched off, each with the number of one such rule.
pub(crate) fn bits_set_by_disabled_rules(sources: &[Source]) -> BTreeMap<String, u32> {
    let mut set = BTreeMap::new();
    for source in sources {
        for line in LogicalLines::new(&source.bytes) {
            let comment = line.bytes.trim_ascii().strip_prefix(b"#");
            let Some(rule) = comment.and_then(disabled_rule) else {
                continue;
            };
            let Some(sid) = rule.number("sid") else {
                continue;
            };
            let bits = rule.options.iter().filter(|option| {
                matches!(
                    option.name.bytes,
                    b"flowbits" | b"xbits" | b"hostbits" | b"flowint"
                )
            });
            for items in bits.filter_map(|option| option.value.map(values::list)) {
                // `set,name` or `toggle,name`; a counter is `name,+,1`.
                let name = match items.as_slice() {
                    [verb, name, ..] if matches!(verb.bytes, b"set" | b"toggle") => name,
                    [name, operator, _] if matches!(operator.bytes, b"+" | b"-" | b"=") => name,
                    _ => continue,
                };
                set.entry(name.text().to_owned()).or_insert(sid);
            }
        }
    }
    set
}

fn action(word: &[u8]) -> Option<Option<Action>> {
    Some(match word {
        b"alert" => Some(Action::Alert),
        b"pass" => Some(Action::Pass),
        b"drop" => Some(Action::Drop),
        b"reject" | b"rejectsrc" | b"rejectdst" | b"rejectboth" => Some(Action::Reject),
        b"config" => None,
        _ => return None,
    })
}

/// A problem, and the rule's number if it was read before.
type Refusal = (Box<Problem>, Option<u32>);

fn parse_rule(
    line: &LogicalLine,
    rule_file: &str,
    settings: &Settings,
) -> Result<RuleDraft, Refusal> {
    let refuse = |problem| (Box::new(problem), None);
    if line.is_too_long() {
        return Err(refuse(Problem::error(
            "too-long",
            0..1,
            format!(
                "the rule is longer than {} bytes",
                crate::limits::RULE_BYTES
            ),
        )));
    }
    let syntax = RuleSyntax::parse(&line.bytes, 0).map_err(refuse)?;
    let sid = syntax.number("sid");
    let refuse = |problem| (Box::new(problem), sid);
    let mut draft = header(&syntax, &settings.variables, settings.language).map_err(refuse)?;
    let remarks_before = draft.remarks.len();
    let is_requirement = |option: &&RuleOption<'_>| option.name.bytes == b"requires";
    for option in syntax.options.iter().filter(is_requirement) {
        read_option(&mut draft, option, rule_file, settings).map_err(refuse)?;
    }
    if draft.remarks.len() > remarks_before {
        // For another version or feature: its other options may say what is unknown here.
        let notes = syntax.options.iter().filter(|option| is_identity(option));
        for option in notes {
            read_option(&mut draft, option, rule_file, settings).map_err(refuse)?;
        }
        return Ok(draft);
    }
    for option in syntax
        .options
        .iter()
        .filter(|option| !is_requirement(option))
    {
        read_option(&mut draft, option, rule_file, settings).map_err(refuse)?;
    }
    prefilter_option::check(&syntax, &mut draft).map_err(refuse)?;
    validate::finish(&mut draft, &syntax).map_err(refuse)?;
    Ok(draft)
}

fn is_identity(option: &RuleOption<'_>) -> bool {
    matches!(option.name.bytes, b"sid" | b"gid" | b"rev" | b"msg")
}

fn header(
    syntax: &RuleSyntax<'_>,
    variables: &Variables,
    language: Language,
) -> Result<RuleDraft, Problem> {
    let mut remarks = Vec::new();
    let action = match action(syntax.action.bytes) {
        Some(Some(action)) => action,
        Some(None) => {
            remarks.push(Problem::unsupported(
                syntax.action.span(),
                "a rule cannot change the sensor's settings",
            ));
            Action::Alert
        }
        None => {
            return Err(Problem::error(
                "unknown-action",
                syntax.action.span(),
                format!("`{}` is no action", syntax.action.text()),
            )
            .hint("a rule begins with alert, pass, drop or reject"));
        }
    };
    let protocol = match protocols::header_protocol(syntax.protocol.text(), language) {
        Some(protocol) => protocol,
        None => {
            return Err(Problem::error(
                "unknown-protocol",
                syntax.protocol.span(),
                format!("`{}` is no protocol", syntax.protocol.text()),
            )
            .hint("write ip, tcp, udp, icmp or an application protocol, as http"));
        }
    };
    if let HeaderProtocol::App(app) = protocol
        && let Err(reason) = support::app_protocol(app)
    {
        remarks.push(Problem::unsupported(
            syntax.protocol.span(),
            format!("{}: {reason}", app.name()),
        ));
    }
    let direction = match syntax.arrow.bytes {
        b"->" => RuleDirection::Forward,
        b"<>" => RuleDirection::Both,
        _ => {
            return Err(Problem::error(
                "unknown-arrow",
                syntax.arrow.span(),
                format!("`{}` is no direction", syntax.arrow.text()),
            )
            .hint("write `->` or `<>`, and exchange the two ends for `<-`"));
        }
    };
    Ok(RuleDraft {
        id: RuleId {
            gid: 1,
            sid: 0,
            rev: 0,
        },
        action,
        protocol,
        source: groups::addresses(&syntax.source, variables)?,
        source_port: groups::ports(&syntax.source_port, variables)?,
        direction,
        destination: groups::addresses(&syntax.destination, variables)?,
        destination_port: groups::ports(&syntax.destination_port, variables)?,
        message: String::new(),
        class_type: String::new(),
        class_description: String::new(),
        severity: None,
        class_severity: None,
        references: Vec::new(),
        metadata: Vec::new(),
        conditions: Vec::new(),
        effects: Vec::new(),
        // A `pass` tells nothing unless the rule says `alert`.
        no_alert: action == Action::Pass,
        limits: Vec::new(),
        flow: FlowRequirement::default(),
        inspections: Vec::new(),
        variables: Vec::new(),
        implied: None,
        traits: super::draft::Traits::default(),
        current: None,
        remarks,
        seen: Vec::new(),
    })
}

fn read_option(
    draft: &mut RuleDraft,
    option: &RuleOption<'_>,
    rule_file: &str,
    settings: &Settings,
) -> Result<(), Problem> {
    let name = option.name.text();
    let keyword = known_keyword(name).ok_or_else(|| {
        let problem = Problem::error(
            "unknown-keyword",
            option.name.span(),
            format!("`{name}` is no keyword"),
        );
        match keyword_table::similar(name) {
            Some(similar) => problem.hint(format!("perhaps `{similar}` is meant")),
            None => problem,
        }
    })?;
    if !keyword.is_of(settings.language) {
        return Err(Problem::error(
            "newer-keyword",
            option.name.span(),
            format!(
                "`{name}` is of version {}, and rules here are of version {}",
                keyword.since,
                settings.language.name()
            ),
        ));
    }
    check_argument(keyword, option)?;
    if let Err(reason) = keyword.support() {
        draft.unsupported(&option.name.span(), format!("`{name}`: {reason}"));
    }
    if matches!(keyword.role, Role::Foreign(_))
        && let Some(open) = draft.current.and_then(|at| draft.inspections.get_mut(at))
    {
        open.asks_unrun = true;
    }
    let context = Context {
        keyword,
        catalogue: &settings.catalogue,
        language: settings.language,
        rule_file,
        list_files: settings.list_files,
        reputations: &settings.reputations,
    };
    match keyword.role {
        Role::Read(read) | Role::Checked(_, read) => read(draft, option, &context),
        Role::Sticky(buffer) => buffers::open(draft, option, buffer),
        Role::Modifier(buffer) => buffers::move_content(draft, option, buffer),
        Role::Transform(transform) => buffers::plain_transform(draft, option, transform),
        Role::PacketField(field, max) => header_fields::compare(draft, option, field, max),
        Role::PacketNumber(field, max) => header_fields::exactly(draft, option, field, max),
        Role::TransactionField(field, protocol, max) => {
            transaction_fields::compare(draft, option, field, protocol, max)
        }
        Role::TransactionNumber(field, protocol, max) => {
            transaction_fields::equal(draft, option, field, protocol, max)
        }
        Role::ForeignBuffer(_) => buffers::open_foreign(draft, option),
        Role::NoEffect | Role::Foreign(_) => Ok(()),
    }
}

/// Keywords are compared as written; the reference takes upper case as well.
fn known_keyword(name: &str) -> Option<&'static Keyword> {
    keyword_table::find(name).or_else(|| keyword_table::find(&name.to_ascii_lowercase()))
}

fn check_argument(keyword: &Keyword, option: &RuleOption<'_>) -> Result<(), Problem> {
    let name = option.name.text();
    let is_empty = option.value.is_none_or(|value| value.bytes.is_empty());
    match keyword.argument {
        Argument::Required if is_empty => Err(Problem::error(
            "missing-value",
            option.name.span(),
            format!("`{name}` needs a value"),
        )
        .hint(format!("write {name}:…;"))),
        Argument::None if !is_empty => Err(Problem::error(
            "unexpected-value",
            option
                .value
                .map_or(option.name.span(), |value| value.span()),
            format!("`{name}` takes no value"),
        )),
        _ => check_quotes(keyword, option),
    }
}

fn check_quotes(keyword: &Keyword, option: &RuleOption<'_>) -> Result<(), Problem> {
    match option.value {
        Some(value) if value.bytes.starts_with(b"\"") && !keyword.takes_quotes() => {
            Err(Problem::error(
                "unexpected-quotes",
                value.span(),
                format!(
                    "the value of `{}` stands without quotes",
                    option.name.text()
                ),
            )
            .hint("leave the quotes out"))
        }
        _ => Ok(()),
    }
}
