//! Lints about sizes, positions of data, and byte variables.

use super::{Report, lint, subject::Subject};
use crate::{
    model::{Buffer, HeaderField, Match, NumberRange, Operand, PacketCondition},
    source::{
        draft::{ConditionDraft, InspectionDraft, MatchDraft},
        syntax::Span,
    },
};

/// The sizes that a list asks of its buffer.
pub(super) fn sizes(inspection: &InspectionDraft) -> impl Iterator<Item = NumberRange> {
    inspection.matches.iter().filter_map(|item| match item {
        MatchDraft::Other(Match::BufferSize(range)) => Some(*range),
        _ => None,
    })
}

/// The payload size that a rule asks for.
pub(super) fn payload_size(subject: &Subject<'_>) -> Option<NumberRange> {
    subject
        .rule
        .conditions
        .iter()
        .find_map(|condition| match condition {
            ConditionDraft::Plain(PacketCondition::Field(HeaderField::PayloadSize, range)) => {
                Some(*range)
            }
            _ => None,
        })
}

/// The largest size that a list leaves its buffer, where there is one.
pub(super) fn largest(subject: &Subject<'_>, inspection: &InspectionDraft) -> Option<u64> {
    let payload = payload_size(subject).filter(|_| inspection.buffer == Buffer::Payload);
    sizes(inspection)
        .chain(payload)
        .filter(|range| !range.negated && range.max < u64::MAX)
        .map(|range| range.max)
        .min()
}

fn size_span(subject: &Subject<'_>) -> Span {
    ["bsize", "urilen", "dsize"]
        .into_iter()
        .find(|name| subject.has(name))
        .map_or_else(|| subject.syntax.header_span(), |name| subject.span(name))
}

lint! {
    /// Two sizes are asked of the same buffer, and no size is both.
    ///
    /// The rule never matches.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/a"; bsize:<10; bsize:>20; sid:1;)
    /// ```
    ///
    /// Write one range:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/a"; bsize:10<>20; sid:1;)
    /// ```
    CONTRADICTORY_SIZES = "contradictory-sizes", Correctness, Warning, Rule(contradictory_sizes)
}

fn contradictory_sizes(subject: &Subject<'_>, report: &mut Report) {
    for (index, inspection) in subject.rule.inspections.iter().enumerate() {
        let same = |other: &&InspectionDraft| {
            other.buffer == inspection.buffer
                && other.transforms == inspection.transforms
                && !other.buffer.info().multiple
        };
        let ranges: Vec<NumberRange> = subject
            .rule
            .inspections
            .iter()
            .take(index)
            .filter(same)
            .chain([inspection])
            .flat_map(sizes)
            .filter(|range| !range.negated)
            .collect();
        let least = ranges.iter().map(|range| range.min).max();
        let most = ranges.iter().map(|range| range.max).min();
        if let (Some(least), Some(most)) = (least, most)
            && least > most
            && sizes(inspection).next().is_some()
        {
            report.say(
                size_span(subject),
                format!(
                    "`{}` cannot be {least} bytes at least and {most} at most, so the rule never matches",
                    inspection.buffer.info().name
                ),
                "write one range, as bsize:10<>20;",
            );
        }
    }
}

lint! {
    /// `isdataat` asks for data where the size of the buffer leaves none, or for none where there must be some.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; dsize:<50; isdataat:100; sid:1;)
    /// ```
    ///
    /// Let both agree:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; content:"abcd"; dsize:<50; isdataat:20; sid:1;)
    /// ```
    IMPOSSIBLE_DATA_AT = "impossible-data-at", Correctness, Warning, Rule(impossible_data_at)
}

fn impossible_data_at(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        let largest = largest(subject, inspection);
        // The nearest place where there must be no data, and the furthest where there must be.
        let mut none_from: Option<i64> = None;
        let mut some_at: Option<i64> = None;
        for item in &inspection.matches {
            if let MatchDraft::Other(Match::IsDataAt(at)) = item
                && !at.relative
                && let Operand::Number(offset) = at.offset
            {
                if at.negated {
                    none_from = Some(none_from.map_or(offset, |before| before.min(offset)));
                } else {
                    some_at = Some(some_at.map_or(offset, |before| before.max(offset)));
                }
            }
        }
        let Some(some_at) = some_at else { continue };
        let beyond = largest.is_some_and(|most| u64::try_from(some_at).is_ok_and(|at| at > most));
        let contradicted = none_from.is_some_and(|none| none <= some_at);
        if beyond || contradicted {
            let why = match largest {
                Some(most) if beyond => {
                    format!("data is asked for at byte {some_at} of {most} at most")
                }
                _ => format!("data is asked for at byte {some_at}, and none before it"),
            };
            report.say(
                subject.span("isdataat"),
                format!("{why}, so the rule never matches"),
                "let the size and `isdataat` agree",
            );
        }
    }
}

lint! {
    /// A byte variable is read from the traffic and never used.
    ///
    /// `byte_extract` and `byte_math` still ask that the bytes are there, and move the cursor; where only that is meant,
    /// `isdataat` says so.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:established; content:"LEN|3a|"; byte_extract:2,0,length,relative; sid:1;)
    /// ```
    ///
    /// Use it, or leave it out:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:established; content:"LEN|3a|"; byte_extract:2,0,length,relative; isdataat:!length,relative; sid:1;)
    /// ```
    UNUSED_VARIABLE = "unused-variable", Correctness, Warning, Rule(unused_variable)
}

fn unused_variable(subject: &Subject<'_>, report: &mut Report) {
    if !subject.is_run {
        return;
    }
    for name in &subject.rule.variables {
        // Once where it is set; every other mention, of whichever keyword, is a use.
        let mentions = subject
            .syntax
            .options
            .iter()
            .filter_map(|option| option.value)
            .flat_map(|value| {
                value
                    .bytes
                    .split(|byte| *byte == b',' || byte.is_ascii_whitespace())
                    .filter(|word| word.strip_prefix(b"!").unwrap_or(word) == name.as_bytes())
            })
            .count();
        if mentions <= 1 {
            let setter = ["byte_extract", "byte_math"]
                .into_iter()
                .flat_map(|keyword| subject.options(keyword))
                .find(|option| {
                    option.value.is_some_and(|value| {
                        memchr::memmem::find(value.bytes, name.as_bytes()).is_some()
                    })
                });
            report.say(
                setter.map_or_else(|| subject.syntax.header_span(), super::subject::whole),
                format!("the variable `{name}` is never used"),
                "use it in another keyword, or leave it out",
            );
        }
    }
}
