//! Lints about where contents stand.

use super::{
    Report, lint,
    subject::{Subject, contents_of, shown},
};
use crate::{
    model::{Match, Operand},
    source::draft::{ContentDraft, InspectionDraft, MatchDraft},
};

/// The bytes that a content fixes: where it begins, and what stands there, if its place is one and known.
fn fixed(content: &ContentDraft) -> Option<i64> {
    if content.negated || content.is_relative() {
        return None;
    }
    if content.starts_with {
        return Some(0);
    }
    let offset = match content.offset {
        None => 0,
        Some(Operand::Number(offset)) => offset,
        Some(Operand::Variable(_)) => return None,
    };
    let length = i64::try_from(content.pattern.len()).ok()?;
    // The depth counts from the offset.
    matches!(content.depth, Some(Operand::Number(depth)) if depth == length).then_some(offset)
}

/// Whether two bytes can be the same byte of the traffic.
fn agree(one: (u8, bool), other: (u8, bool)) -> bool {
    let ((a, a_nocase), (b, b_nocase)) = (one, other);
    a == b || ((a_nocase || b_nocase) && a.eq_ignore_ascii_case(&b))
}

lint! {
    /// Two contents ask for different bytes at the same place.
    ///
    /// Each has one place where it can stand (`startswith`, or a `depth` as long as the content), the places overlap, and the
    /// bytes there differ: the rule never matches.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/admin"; startswith; content:"/login"; startswith; sid:1;)
    /// ```
    ///
    /// Let one of them float, or write two rules:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/admin"; startswith; content:"/login"; sid:1;)
    /// ```
    CONTRADICTORY_CONTENTS = "contradictory-contents", Correctness, Warning, Rule(contradictory_contents)
}

fn contradictory_contents(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        let placed: Vec<(i64, &ContentDraft)> = contents_of(inspection)
            .filter_map(|content| Some((fixed(content)?, content)))
            .collect();
        for (index, (start, content)) in placed.iter().enumerate() {
            let other = placed.iter().take(index).find(|(before, other)| {
                content.pattern.iter().zip(*start..).any(|(byte, place)| {
                    usize::try_from(place - before)
                        .ok()
                        .and_then(|within| other.pattern.get(within))
                        .is_some_and(|there| {
                            !agree((*byte, content.nocase), (*there, other.nocase))
                        })
                })
            });
            if let Some((_, other)) = other {
                report.say(
                    content.span.clone(),
                    format!(
                        "`{}` and `{}` cannot stand at the same place, so the rule never matches",
                        shown(&content.pattern),
                        shown(&other.pattern)
                    ),
                    "let one of them float, or write two rules",
                );
            }
        }
    }
}

lint! {
    /// A content is asked for, and its absence is asked for as well.
    ///
    /// A negated content without a position must not stand anywhere in the buffer. If it is a part of another content that must
    /// stand there, the rule never matches.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:established; content:"cmd.exe"; content:!"cmd"; sid:1;)
    /// ```
    ///
    /// Give the negated content the place where it must not stand:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:established; content:"cmd.exe"; content:!"cmd"; within:20; sid:1;)
    /// ```
    CONTENT_AND_NEGATION = "content-and-negation", Correctness, Warning, Rule(content_and_negation)
}

fn content_and_negation(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        let everywhere = contents_of(inspection).filter(|content| {
            content.negated
                && !content.is_relative()
                && !content.is_absolute()
                && !content.ends_with
        });
        for absent in everywhere {
            let present = contents_of(inspection).find(|content| {
                !content.negated
                    && content.pattern.windows(absent.pattern.len()).any(|window| {
                        window.iter().zip(&absent.pattern).all(|(there, not)| {
                            // Of a content in any case the traffic may hold the other case.
                            there == not && !(content.nocase && there.is_ascii_alphabetic())
                                || (absent.nocase && there.eq_ignore_ascii_case(not))
                        })
                    })
            });
            if let Some(present) = present {
                report.say(
                    absent.span.clone(),
                    format!(
                        "`{}` must not be there and is a part of `{}`, so the rule never matches",
                        shown(&absent.pattern),
                        shown(&present.pattern)
                    ),
                    "give the negated content a position",
                );
            }
        }
    }
}

lint! {
    /// A rule asks only that something is absent.
    ///
    /// Nearly all traffic lacks any given content, and there is nothing to look for first: the rule is evaluated on everything
    /// that its header lets through, and likely matches most of it.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"no known agent"; flow:to_server,established; http.user_agent; content:!"Mozilla"; sid:1;)
    /// ```
    ///
    /// Ask for something that is there as well:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"no known agent"; flow:to_server,established; http.uri; content:"/gate.php"; http.user_agent; content:!"Mozilla"; sid:1;)
    /// ```
    NEGATED_ONLY = "negated-only", Correctness, Warning, Rule(negated_only)
}

fn negated_only(subject: &Subject<'_>, report: &mut Report) {
    let rule = subject.rule;
    let mut matches = rule
        .inspections
        .iter()
        .flat_map(|inspection| &inspection.matches)
        .peekable();
    let has_matches = matches.peek().is_some();
    let all_negated = matches.all(|item| match item {
        MatchDraft::Content(content) => content.negated,
        MatchDraft::Regex { negated, .. } => *negated,
        MatchDraft::Other(Match::IsDataAt(at)) => at.negated,
        MatchDraft::List(_) | MatchDraft::Other(_) => false,
    });
    let first = subject.contents().next();
    if let (true, true, true, Some((_, content))) =
        (has_matches, all_negated, rule.conditions.is_empty(), first)
    {
        report.say(
            content.span.clone(),
            "the rule asks only for what is absent, so it is evaluated on everything and matches most of it",
            "ask for something that is there as well",
        );
    }
}

/// Whether anything before this match of a list moves the cursor.
fn has_cursor(inspection: &InspectionDraft, index: usize) -> bool {
    inspection
        .matches
        .iter()
        .take(index)
        .any(|item| match item {
            MatchDraft::Content(content) => !content.negated,
            MatchDraft::Regex { negated, .. } => !negated,
            MatchDraft::List(_) => false,
            MatchDraft::Other(other) => matches!(
                other,
                Match::ByteJump(_) | Match::ByteExtract(_) | Match::ByteMath(_)
            ),
        })
}

lint! {
    /// `distance` or `within` stands where nothing has matched before in the same buffer.
    ///
    /// Both count from the end of the match before. Without one they count from the start of the buffer, as `offset` and
    /// `depth` do; often the match that was meant stands in another buffer.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.method; content:"POST"; http.uri; content:"/gate.php"; distance:2; sid:1;)
    /// ```
    ///
    /// Say what it counts from:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.method; content:"POST"; http.uri; content:"/gate.php"; offset:2; sid:1;)
    /// ```
    RELATIVE_TO_NOTHING = "relative-to-nothing", Correctness, Note, Rule(relative_to_nothing)
}

fn relative_to_nothing(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        for (index, item) in inspection.matches.iter().enumerate() {
            if let MatchDraft::Content(content) = item
                && content.is_relative()
                && !has_cursor(inspection, index)
            {
                report.say(
                    content.span.clone(),
                    format!(
                        "nothing has matched before in `{}`, so `distance` and `within` count from its start",
                        inspection.buffer.info().name
                    ),
                    "write `offset` and `depth`, or put the content behind the match that it follows",
                );
            }
        }
    }
}

lint! {
    /// Something is looked for behind the end of the buffer.
    ///
    /// A content with `endswith` is the last thing in the buffer. A content with a `distance` of 0 or more behind it has no room,
    /// so the rule never matches.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:".php"; endswith; content:"?id="; distance:0; sid:1;)
    /// ```
    ///
    /// Put the end last:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:".php"; content:"?id="; distance:0; endswith; sid:1;)
    /// ```
    NOTHING_BEHIND_END = "nothing-behind-end", Correctness, Warning, Rule(nothing_behind_end)
}

fn nothing_behind_end(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        for pair in inspection.matches.windows(2) {
            let [MatchDraft::Content(last), behind] = pair else {
                continue;
            };
            let needs_room = match behind {
                MatchDraft::Content(content) => {
                    !content.negated
                        && content.is_relative()
                        && matches!(content.distance.unwrap_or(Operand::Number(0)), Operand::Number(distance) if distance >= 0)
                }
                MatchDraft::Other(Match::IsDataAt(at)) => {
                    at.relative
                        && !at.negated
                        && matches!(at.offset, Operand::Number(offset) if offset > 0)
                }
                _ => false,
            };
            if last.ends_with && !last.negated && needs_room {
                report.say(
                    last.span.clone(),
                    format!(
                        "`{}` is the end of the buffer and something is asked for behind it, so the rule never matches",
                        shown(&last.pattern)
                    ),
                    "leave `endswith` to the last match",
                );
            }
        }
    }
}
