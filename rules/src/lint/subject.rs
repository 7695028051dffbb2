//! What lints look at: a rule as it is written and as it is understood.

use std::collections::BTreeMap;

use crate::{
    compile::Plan,
    model::{Buffer, HeaderProtocol},
    source::{
        draft::{ContentDraft, InspectionDraft, MatchDraft, RegexDraft, RuleDraft},
        keyword_table,
        syntax::{RuleOption, RuleSyntax, Span},
    },
};

/// A rule under inspection.
pub(crate) struct Subject<'r> {
    /// As it is understood.
    pub(crate) rule: &'r RuleDraft,
    /// As it is written.
    pub(crate) syntax: RuleSyntax<'r>,
    /// Whether it is run in full: one that is not may be understood in part only.
    pub(crate) is_run: bool,
    /// How it is looked for.
    pub(crate) plan: Plan,
}

/// All rules of a run.
pub(crate) struct Subjects<'r> {
    pub(crate) rules: Vec<Subject<'r>>,
    /// Bits that only rules set that are switched off: name, and the number of one such rule.
    pub(crate) set_by_disabled: BTreeMap<String, u32>,
}

/// An option from its name to the end of its value.
pub(crate) fn whole(option: &RuleOption<'_>) -> Span {
    option.name.start
        ..option
            .value
            .map_or(option.name.span().end, |value| value.span().end)
}

impl<'r> Subject<'r> {
    /// Every option of a keyword, by its present name or another spelling.
    pub(crate) fn options(&self, name: &'static str) -> impl Iterator<Item = &RuleOption<'r>> {
        self.syntax.options.iter().filter(move |option| {
            let written = option.name.text();
            written == name
                || keyword_table::find(written).is_some_and(|keyword| keyword.name == name)
        })
    }

    /// Whether a keyword stands in the rule.
    pub(crate) fn has(&self, name: &'static str) -> bool {
        self.options(name).next().is_some()
    }

    /// Where a keyword stands; the header for one that does not.
    pub(crate) fn span(&self, name: &'static str) -> Span {
        self.options(name)
            .next()
            .map_or_else(|| self.syntax.header_span(), whole)
    }

    /// Where an expression stands.
    pub(crate) fn expression_span(&self, regex: &RegexDraft) -> Span {
        self.options("pcre")
            .find(|option| {
                option.value.is_some_and(|value| {
                    String::from_utf8_lossy(value.bytes).contains(&regex.original)
                })
            })
            .map_or_else(|| self.span("pcre"), whole)
    }

    /// Every content with the list it stands in.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&'r InspectionDraft, &'r ContentDraft)> {
        self.rule.inspections.iter().flat_map(|inspection| {
            contents_of(inspection).map(move |content| (inspection, content))
        })
    }

    /// Every expression with the list it stands in: expression, whether it is relative, whether it is negated.
    pub(crate) fn expressions(
        &self,
    ) -> impl Iterator<Item = (&'r InspectionDraft, &'r RegexDraft, bool, bool)> {
        self.rule.inspections.iter().flat_map(|inspection| {
            inspection
                .matches
                .iter()
                .filter_map(move |item| match item {
                    MatchDraft::Regex {
                        regex,
                        relative,
                        negated,
                        ..
                    } => Some((inspection, regex, *relative, *negated)),
                    _ => None,
                })
        })
    }

    /// Whether the rule looks into the payload or the stream itself.
    pub(crate) fn inspects_payload(&self) -> bool {
        self.rule
            .inspections
            .iter()
            .any(|inspection| inspection.buffer == Buffer::Payload)
    }

    /// Whether TCP is all that its header lets through.
    pub(crate) fn is_tcp(&self) -> bool {
        matches!(
            self.rule.protocol,
            HeaderProtocol::Tcp | HeaderProtocol::TcpPacket | HeaderProtocol::TcpStream
        )
    }
}

/// The contents of a list.
pub(crate) fn contents_of(inspection: &InspectionDraft) -> impl Iterator<Item = &ContentDraft> {
    inspection.matches.iter().filter_map(|item| match item {
        MatchDraft::Content(content) => Some(content),
        _ => None,
    })
}

/// A pattern as rules write it, shortened for messages.
pub(crate) fn shown(pattern: &[u8]) -> String {
    const SHOWN_BYTES: usize = 40;
    let mut text = String::new();
    let mut in_hex = false;
    for byte in pattern.iter().take(SHOWN_BYTES) {
        let plain = (byte.is_ascii_graphic() || *byte == b' ') && !b"\"|;:\\".contains(byte);
        if plain == in_hex {
            text.push('|');
            in_hex = !in_hex;
        } else if in_hex {
            text.push(' ');
        }
        if plain {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("{byte:02X}"));
        }
    }
    if in_hex {
        text.push('|');
    }
    if pattern.len() > SHOWN_BYTES {
        text.push('…');
    }
    text
}
