//! Whether a buffer can match an expression and hold a content at once.
//!
//! The expression's automaton and one that looks for the content are walked together over every possible buffer. The answer
//! "no" is proven; "yes" is also given where the walk would take too long or something about the expression is not known here.

use std::collections::HashSet;

use regex_automata::{
    nfa::thompson::{self, NFA, State},
    util::{look::Look, primitives::StateID, syntax},
};

use crate::{limits, source::draft::ContentDraft};

/// Most pairs of states that are walked.
const WALKED_PAIRS: usize = 30_000;

/// The automaton of an expression as the sensor runs it; `None` for one that needs backtracking.
fn automaton(expression: &str) -> Option<NFA> {
    let config = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(limits::REGEX_PROGRAM_BYTES))
        .which_captures(thompson::WhichCaptures::None);
    thompson::Compiler::new()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(config)
        .build(expression)
        .ok()
}

/// Length in bytes of the shortest match.
pub(super) fn shortest_match(expression: &str) -> Option<usize> {
    let config = syntax::Config::new().unicode(false).utf8(false);
    syntax::parse_with(expression, &config)
        .ok()?
        .properties()
        .minimum_len()
}

/// How far a content has been found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Progress {
    /// So many of its bytes just passed.
    Within(usize),
    /// It was found, and may stand anywhere.
    Found,
    /// It should have stood at the start and did not.
    Failed,
}

/// Looks for a content byte by byte.
struct Finder {
    /// Folded where case does not count.
    pattern: Vec<u8>,
    nocase: bool,
    /// How far a shorter match reaches where the next byte does not fit.
    fallback: Vec<usize>,
    starts: bool,
    ends: bool,
}

impl Finder {
    fn new(content: &ContentDraft) -> Self {
        let mut pattern = content.pattern.clone();
        if content.nocase {
            pattern.make_ascii_lowercase();
        }
        let mut fallback = vec![0; pattern.len()];
        let mut length = 0;
        for index in 1..pattern.len() {
            while length > 0 && pattern[index] != pattern[length] {
                length = fallback[length - 1];
            }
            length += usize::from(pattern[index] == pattern[length]);
            fallback[index] = length;
        }
        Self {
            pattern,
            nocase: content.nocase,
            fallback,
            starts: content.starts_with,
            ends: content.ends_with,
        }
    }

    fn next(&self, progress: Progress, byte: u8) -> Progress {
        let byte = if self.nocase {
            byte.to_ascii_lowercase()
        } else {
            byte
        };
        let Progress::Within(mut length) = progress else {
            return progress;
        };
        if self.starts {
            return match self.pattern.get(length) {
                Some(expected) if *expected == byte => self.reached(length + 1),
                // Behind a content that is start and end of the buffer there is nothing.
                _ => Progress::Failed,
            };
        }
        while length > 0 && self.pattern.get(length) != Some(&byte) {
            length = self.fallback[length - 1];
        }
        self.reached(length + usize::from(self.pattern.get(length) == Some(&byte)))
    }

    fn reached(&self, length: usize) -> Progress {
        if length == self.pattern.len() && !self.ends {
            Progress::Found
        } else {
            Progress::Within(length)
        }
    }

    /// Whether the content stands where it must if the buffer ends here.
    fn holds_at_end(&self, progress: Progress) -> bool {
        progress == Progress::Found || progress == Progress::Within(self.pattern.len())
    }
}

/// Where the walk is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    /// `None` before the expression begins.
    state: Option<StateID>,
    progress: Progress,
    /// Nothing of the buffer has passed.
    at_start: bool,
    /// The expression asked for the end of the buffer: nothing more may pass.
    at_end: bool,
}

/// Whether some buffer matches the expression and holds the content.
pub(super) fn can_hold(expression: &str, content: &ContentDraft) -> bool {
    let Some(automaton) = automaton(expression) else {
        return true;
    };
    let finder = Finder::new(content);
    let mut walked = HashSet::new();
    let mut waiting = vec![Place {
        state: None,
        progress: Progress::Within(0),
        at_start: true,
        at_end: false,
    }];
    while let Some(place) = waiting.pop() {
        if place.progress == Progress::Failed || !walked.insert(place) {
            continue;
        }
        if walked.len() > WALKED_PAIRS || follow(&automaton, &finder, place, &mut waiting) {
            return true;
        }
    }
    false
}

/// Whether the expression matches any bytes that hold no letter of the other case.
pub(super) fn can_match_in_case(expression: &str, is_lower: bool) -> bool {
    let Some(automaton) = automaton(expression) else {
        return true;
    };
    let is_other = |byte: &u8| {
        if is_lower {
            byte.is_ascii_uppercase()
        } else {
            byte.is_ascii_lowercase()
        }
    };
    let mut walked = HashSet::new();
    let mut waiting = vec![automaton.start_anchored()];
    while let Some(id) = waiting.pop() {
        if !walked.insert(id) {
            continue;
        }
        let mut step = |start: u8, end: u8, next: StateID| {
            if !(start..=end).all(|byte| is_other(&byte)) {
                waiting.push(next);
            }
        };
        match automaton.state(id) {
            State::ByteRange { trans } => step(trans.start, trans.end, trans.next),
            State::Sparse(sparse) => {
                for trans in &sparse.transitions {
                    step(trans.start, trans.end, trans.next);
                }
            }
            State::Dense(dense) => {
                for byte in 0..=255_u8 {
                    step(byte, byte, dense.transitions[usize::from(byte)]);
                }
            }
            State::Look { next, .. } | State::Capture { next, .. } => waiting.push(*next),
            State::Union { alternates } => waiting.extend(alternates.iter().copied()),
            State::BinaryUnion { alt1, alt2 } => waiting.extend([*alt1, *alt2]),
            State::Fail => {}
            State::Match { .. } => return true,
        }
    }
    false
}

/// Every place that is reached from one; true where the expression has matched and the content can stand.
fn follow(automaton: &NFA, finder: &Finder, place: Place, waiting: &mut Vec<Place>) -> bool {
    let mut step = |state: Option<StateID>, bytes: std::ops::RangeInclusive<u8>| {
        if place.at_end {
            return;
        }
        let mut before = None;
        for byte in bytes {
            let progress = finder.next(place.progress, byte);
            if before.replace(progress) != Some(progress) {
                waiting.push(Place {
                    state,
                    progress,
                    at_start: false,
                    at_end: false,
                });
            }
        }
    };
    let Some(id) = place.state else {
        step(None, 0..=255);
        waiting.push(Place {
            state: Some(automaton.start_anchored()),
            ..place
        });
        return false;
    };
    match automaton.state(id) {
        State::ByteRange { trans } => step(Some(trans.next), trans.start..=trans.end),
        State::Sparse(sparse) => {
            for trans in &sparse.transitions {
                step(Some(trans.next), trans.start..=trans.end);
            }
        }
        State::Dense(dense) => {
            for byte in 0..=255_u8 {
                let next = dense.transitions[usize::from(byte)];
                if next != StateID::ZERO {
                    step(Some(next), byte..=byte);
                }
            }
        }
        State::Look { look, next } => {
            let state = Some(*next);
            match look {
                Look::Start if !place.at_start => {}
                Look::End => waiting.push(Place {
                    state,
                    at_end: true,
                    ..place
                }),
                // Ends of lines and words are taken as they are needed.
                _ => waiting.push(Place { state, ..place }),
            }
        }
        State::Union { alternates } => {
            waiting.extend(alternates.iter().map(|next| Place {
                state: Some(*next),
                ..place
            }));
        }
        State::BinaryUnion { alt1, alt2 } => {
            waiting.extend([*alt1, *alt2].map(|next| Place {
                state: Some(next),
                ..place
            }));
        }
        State::Capture { next, .. } => waiting.push(Place {
            state: Some(*next),
            ..place
        }),
        State::Fail => {}
        State::Match { .. } => return !place.at_end || finder.holds_at_end(place.progress),
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(pattern: &str) -> ContentDraft {
        ContentDraft {
            pattern: pattern.as_bytes().to_vec(),
            span: 0..1,
            negated: false,
            nocase: false,
            offset: None,
            depth: None,
            distance: None,
            within: None,
            starts_with: false,
            ends_with: false,
            fast_pattern: None,
            raw_bytes: false,
        }
    }

    #[test]
    fn only_a_proven_contradiction_is_one() {
        for (expression, pattern, possible) in [
            (r"^/[a-z]+\.php\z", ".php", true),
            (r"^/[a-z]+\.php\z", ".asp", false),
            (r"^/[a-z]+\.php\z", "/1", false),
            // Before and behind an expression without anchors anything may stand.
            (r"/[a-z]+\.php", ".asp", true),
            (r"^/[a-z]+\.php", ".asp", true),
            (r"^(a|b)*\z", "ababab", true),
            (r"^(ab)*\z", "aab", false),
            (r"^[^\n]{3}\z", "abcd", false),
            (r"\z", "abcd", true),
            // Found again behind a shorter try.
            (r"^aaab\z", "aab", true),
        ] {
            assert_eq!(
                can_hold(expression, &content(pattern)),
                possible,
                "{expression} {pattern}"
            );
        }
    }

    #[test]
    fn starts_and_ends_count() {
        let starting = ContentDraft {
            starts_with: true,
            ..content("/login")
        };
        assert!(!can_hold("^/admin", &starting));
        assert!(can_hold("/admin", &starting));
        assert!(can_hold("^/(login|admin)", &starting));
        let ending = ContentDraft {
            ends_with: true,
            ..content("php")
        };
        assert!(!can_hold(r"\.asp\z", &ending));
        assert!(can_hold(r"\.(asp|php)\z", &ending));
        let any_case = ContentDraft {
            nocase: true,
            ..content("EVIL")
        };
        assert!(can_hold(r"^evil\z", &any_case));
    }
}
