//! Walks an ordered list of matches over one buffer, with Suricata 7.0's semantics.
//!
//! The *cursor* stands behind what the last match took. A relative match starts from it; when one fails, the content or
//! expression before it is tried again at its next occurrence. Three outcomes travel back through the list: matched, not
//! matched (an earlier occurrence may still lead on) and give up (no other occurrence can help).

use std::sync::Arc;

use lapwing_rules::{
    model::{Anchor, Base64Decode, Capture, Content, IsDataAt, Match, Operand, RegexUse},
    pack::Pack,
};

use super::{
    asn1, base64,
    byte_numbers::{ByteValues, NumberSource},
    content_search::{equals, find},
    data_sets::DataSets,
    limits::{INSPECTION_SEARCHED_BYTES_MAX, INSPECTION_STEPS_MAX},
};

/// Runs the expressions of the pack. `Err` when one cannot be run: a rule that needs it does not match, negated or not.
pub(crate) trait RegexSearch {
    /// Start and end of the leftmost match that begins at or behind `start`; `^` is the start of `haystack`.
    fn find(
        &mut self,
        regex: u32,
        haystack: &[u8],
        start: usize,
    ) -> Result<Option<(usize, usize)>, RegexUnavailable>;

    /// The groups that become variables, of the match that begins at `start`: each with its text.
    fn captures(
        &mut self,
        regex: u32,
        haystack: &[u8],
        start: usize,
        wanted: &[Capture],
        captured: &mut Vec<(Capture, Vec<u8>)>,
    );

    /// What a search of `haystack` counts towards the bytes that an inspection may search.
    fn search_cost(&self, regex: u32, haystack: &[u8]) -> u64;
}

/// The expression was not built because it is too large, or its search hit a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RegexUnavailable;

/// The bytes of one inspection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The bytes.
    pub(crate) bytes: &'a [u8],
    /// Position of the first of them in the stream or body they are a window of; `depth` counts from that beginning.
    pub(crate) stream_offset: u64,
    /// Whether these bytes reach the end of the buffer, so that its size is known.
    pub(crate) is_end: bool,
    /// Byte order that the DCERPC header announced.
    pub(crate) dce_little_endian: bool,
}

impl<'a> Subject<'a> {
    /// A whole buffer.
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            stream_offset: 0,
            is_end: true,
            dce_little_endian: true,
        }
    }
}

/// What inspections of one rule share and reuse.
#[derive(Debug)]
pub(crate) struct InspectionScratch {
    /// Byte variables of the rule.
    pub(crate) values: ByteValues,
    decoded: Vec<u8>,
    /// What expressions of the rule captured; of several texts of one variable the last holds.
    captured: Vec<(Capture, Vec<u8>)>,
    /// Lists of the pack.
    pub(crate) sets: DataSets,
}

impl InspectionScratch {
    pub(crate) fn new(pack: Arc<Pack>) -> Self {
        Self {
            values: ByteValues::new(),
            decoded: Vec::new(),
            captured: Vec::new(),
            sets: DataSets::new(pack),
        }
    }

    /// What a rule before read and captured is gone.
    pub(crate) fn begin_rule(&mut self, byte_variables: usize) {
        self.values.clear(byte_variables);
        self.captured.clear();
    }

    /// What expressions of the rule captured, oldest first.
    pub(crate) fn captured(&self) -> impl Iterator<Item = (Capture, &[u8])> {
        let captured = self.captured.iter();
        captured.map(|(capture, text)| (*capture, text.as_slice()))
    }
}

/// Whether all of `matches` hold in `subject`. `base64_matches` run over what `base64_decode` gives.
pub(crate) fn inspect<'m>(
    matches: &'m [Match<'m>],
    base64_matches: Option<&'m [Match<'m>]>,
    subject: Subject<'_>,
    scratch: &mut InspectionScratch,
    regexes: &mut dyn RegexSearch,
) -> bool {
    let InspectionScratch {
        values,
        decoded,
        captured,
        sets,
    } = scratch;
    let mut walk = Walk {
        subject,
        cursor: 0,
        follows_bounded: false,
        steps: 0,
        searched_bytes: 0,
        base64_matches,
        values,
        decoded,
        captured,
        sets,
        regexes,
    };
    walk.run(matches) == Outcome::Match
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Match,
    NoMatch,
    GiveUp,
}

impl From<bool> for Outcome {
    fn from(matched: bool) -> Self {
        if matched { Self::Match } else { Self::NoMatch }
    }
}

/// Where a content may stand: `start..end` of the buffer, before the retry position is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    start: u64,
    end: u64,
}

struct Walk<'w, 'm> {
    subject: Subject<'w>,
    cursor: usize,
    /// The content matched last has a depth.
    follows_bounded: bool,
    steps: u32,
    searched_bytes: u64,
    base64_matches: Option<&'m [Match<'m>]>,
    values: &'w mut ByteValues,
    decoded: &'w mut Vec<u8>,
    captured: &'w mut Vec<(Capture, Vec<u8>)>,
    sets: &'w mut DataSets,
    regexes: &'w mut dyn RegexSearch,
}

impl<'m> Walk<'_, 'm> {
    fn run(&mut self, matches: &'m [Match<'m>]) -> Outcome {
        let mut rest = matches;
        while let Some((first, behind)) = rest.split_first() {
            self.steps += 1;
            if self.steps >= INSPECTION_STEPS_MAX
                || self.searched_bytes > INSPECTION_SEARCHED_BYTES_MAX
            {
                return Outcome::GiveUp;
            }
            let outcome = match first {
                Match::Content(content) if content.negated => self.negated_content(content),
                Match::Content(content) => return self.content(content, behind),
                Match::Regex(regex) if regex.negated => self.negated_regex(regex),
                Match::Regex(regex) => return self.regex(regex, behind),
                Match::ByteTest(test) => self.numbers().test(test, self.values).into(),
                Match::ByteJump(jump) => match self.numbers().jump(jump, self.values) {
                    Some(target) => {
                        self.cursor = target;
                        Outcome::Match
                    }
                    None => Outcome::NoMatch,
                },
                Match::ByteExtract(extract) => {
                    let read = self.numbers().extract(extract, self.values);
                    self.store(extract.variable, read)
                }
                Match::ByteMath(math) => {
                    let read = self.numbers().math(math, self.values);
                    self.store(math.variable, read)
                }
                Match::IsDataAt(at) => self.is_data_at(at),
                Match::BufferSize(range) => self.buffer_size(range),
                Match::Base64Decode(decode) => return self.base64(decode),
                // Only a whole buffer is in a list or not.
                Match::InList { .. } | Match::Reputation { .. } if !self.subject.is_end => {
                    Outcome::GiveUp
                }
                Match::InList { list, action } => {
                    self.sets.apply(*list, *action, self.subject.bytes).into()
                }
                Match::Reputation { list, range } => {
                    self.sets.is_rated(*list, *range, self.subject.bytes).into()
                }
                Match::Asn1(asn1) => {
                    if asn1::holds(asn1, self.subject.bytes, self.cursor) {
                        Outcome::Match
                    } else {
                        Outcome::GiveUp
                    }
                }
            };
            if outcome != Outcome::Match {
                return outcome;
            }
            rest = behind;
        }
        Outcome::Match
    }

    fn numbers(&self) -> NumberSource<'_> {
        NumberSource {
            bytes: self.subject.bytes,
            cursor: self.cursor,
            dce_little_endian: self.subject.dce_little_endian,
        }
    }

    fn store(&mut self, variable: u8, read: Option<(u64, usize)>) -> Outcome {
        let Some((value, cursor)) = read else {
            return Outcome::NoMatch;
        };
        self.values.set(variable, value);
        self.cursor = cursor;
        Outcome::Match
    }

    /// Tries each occurrence until the rest of the list holds.
    fn content(&mut self, content: &Content<'_>, behind: &'m [Match<'m>]) -> Outcome {
        let Some(window) = self.window(content) else {
            return Outcome::NoMatch;
        };
        let pattern = content.pattern;
        let mut retry_from = 0_u64;
        loop {
            let start = if retry_from == 0 {
                window.start
            } else {
                retry_from
            };
            let Some((start, end)) = self.clip(start, window.end) else {
                return Outcome::NoMatch;
            };
            let Some(at) = self.search(content, start, end) else {
                return if is_relative(content) {
                    Outcome::NoMatch
                } else {
                    // Nothing before it can change where it may stand.
                    Outcome::GiveUp
                };
            };
            self.cursor = at + pattern.len();
            self.follows_bounded = has_depth(content);
            match self.run(behind) {
                Outcome::NoMatch if content.followed_by_relative => {}
                Outcome::NoMatch => return Outcome::GiveUp,
                outcome => return outcome,
            }
            retry_from = u64::try_from(at + 1).unwrap_or(u64::MAX);
        }
    }

    /// A negated content holds where its pattern is not found; the cursor stays.
    fn negated_content(&mut self, content: &Content<'_>) -> Outcome {
        let Some(window) = self.window(content) else {
            return Outcome::NoMatch;
        };
        let Some((start, end)) = self.clip(window.start, window.end) else {
            return Outcome::Match;
        };
        if content.ends_with && end < self.subject.bytes.len() {
            return Outcome::Match;
        }
        let anywhere = Content {
            ends_with: false,
            ..*content
        };
        match self.search(&anywhere, start, end) {
            None => Outcome::Match,
            // The reference looks at the first occurrence only: one that does not end the buffer is none.
            Some(at) if content.ends_with && at + content.pattern.len() != end - start => {
                Outcome::Match
            }
            Some(_) if is_single(content) => Outcome::GiveUp,
            Some(_) => Outcome::NoMatch,
        }
    }

    /// `None` where nothing can be searched: the window ends before it begins.
    fn clip(&self, start: u64, end: u64) -> Option<(usize, usize)> {
        let length = self.subject.bytes.len();
        let end = usize::try_from(end).unwrap_or(length).min(length);
        let start = usize::try_from(start).ok()?;
        (start <= end && end > 0).then_some((start, end))
    }

    fn search(&mut self, content: &Content<'_>, start: usize, end: usize) -> Option<usize> {
        let bytes = self.subject.bytes;
        let pattern = content.pattern;
        if content.ends_with {
            // Only an occurrence that ends the buffer counts, so there is one place to look at.
            let at = end.checked_sub(pattern.len())?;
            return (end == bytes.len()
                && at >= start
                && equals(&bytes[at..end], pattern, content.nocase))
            .then_some(at);
        }
        self.searched_bytes += u64::try_from(end - start).unwrap_or(u64::MAX);
        find(&bytes[start..end], pattern, content.nocase).map(|at| start + at)
    }

    /// Where the content may stand; `None` when the window lies before the bytes at hand and it cannot match at all.
    fn window(&self, content: &Content<'_>) -> Option<Window> {
        let length = u64::try_from(self.subject.bytes.len()).unwrap_or(u64::MAX);
        match content.anchor {
            Anchor::Absolute { offset, depth } => {
                let start = self.low_half(offset);
                let pattern = u64::try_from(content.pattern.len()).unwrap_or(u64::MAX);
                let depth = if content.starts_with {
                    Some(pattern)
                } else {
                    depth.map(|depth| self.low_half(depth))
                };
                let end = match depth {
                    None => length,
                    Some(depth) => self.shift_to_window(start.saturating_add(depth), length)?,
                };
                Some(Window { start, end })
            }
            Anchor::Relative { distance, within } => {
                let cursor = i64::try_from(self.cursor).unwrap_or(i64::MAX);
                let is_variable_distance = matches!(distance, Operand::Variable(_));
                let distance = self.low_half_signed(distance);
                let start = u64::try_from(cursor.saturating_add(distance)).unwrap_or(0);
                let mut end = length;
                if let Some(within) = within {
                    let limit = cursor
                        .saturating_add(self.low_half_signed(within))
                        .saturating_add(distance);
                    // A limit before the buffer's start is no limit: the reference's unsigned arithmetic.
                    if let Ok(limit) = u64::try_from(limit) {
                        end = end.min(limit);
                    }
                    if self.cursor == 0 {
                        end = self.shift_to_window(end, length)?;
                    }
                }
                if is_variable_distance && !self.follows_bounded {
                    // The reference adds the start once more where the distance was read from the traffic, unless the
                    // content before has a depth, which then bounds this one as well.
                    end = end.saturating_add(start);
                }
                Some(Window { start, end })
            }
        }
    }

    /// Turns an end counted from the stream's start into one of the bytes at hand.
    fn shift_to_window(&self, end: u64, length: u64) -> Option<u64> {
        let offset = self.subject.stream_offset;
        if offset == 0 || end >= offset.saturating_add(length) {
            return Some(end);
        }
        (end > offset).then(|| end - offset)
    }

    fn low_half(&self, operand: Operand) -> u64 {
        self.values.resolve(operand) & u64::from(u32::MAX)
    }

    fn low_half_signed(&self, operand: Operand) -> i64 {
        match operand {
            Operand::Number(number) => number,
            Operand::Variable(_) => {
                let half = u32::try_from(self.low_half(operand)).unwrap_or(0);
                i64::from(half.cast_signed())
            }
        }
    }

    fn regex(&mut self, regex: &RegexUse, behind: &'m [Match<'m>]) -> Outcome {
        let cursor_before = self.cursor;
        let from = if regex.relative { cursor_before } else { 0 };
        let Some(haystack) = self.subject.bytes.get(from..) else {
            return Outcome::NoMatch;
        };
        let mut search_from = 0;
        loop {
            if search_from > haystack.len() {
                return Outcome::NoMatch;
            }
            self.searched_bytes = self
                .searched_bytes
                .saturating_add(self.regexes.search_cost(regex.regex, haystack));
            let (start, end) = match self.regexes.find(regex.regex, haystack, search_from) {
                Ok(Some(found)) => found,
                Ok(None) => return Outcome::NoMatch,
                Err(RegexUnavailable) => return Outcome::GiveUp,
            };
            self.cursor = from + end;
            if !regex.captures.is_empty() {
                self.regexes
                    .captures(regex.regex, haystack, start, &regex.captures, self.captured);
            }
            match self.run(behind) {
                Outcome::NoMatch if regex.followed_by_relative => {}
                outcome => return outcome,
            }
            self.cursor = cursor_before;
            search_from = start + 1;
        }
    }

    fn negated_regex(&mut self, regex: &RegexUse) -> Outcome {
        let from = if regex.relative { self.cursor } else { 0 };
        let haystack = self.subject.bytes.get(from..).unwrap_or_default();
        self.searched_bytes = self
            .searched_bytes
            .saturating_add(self.regexes.search_cost(regex.regex, haystack));
        match self.regexes.find(regex.regex, haystack, 0) {
            Ok(found) => found.is_none().into(),
            Err(RegexUnavailable) => Outcome::GiveUp,
        }
    }

    fn is_data_at(&self, at: &IsDataAt) -> Outcome {
        let length = u64::try_from(self.subject.bytes.len()).unwrap_or(u64::MAX);
        let offset = self.values.resolve(at.offset);
        let there = if at.relative {
            // As in the reference, one byte more generous than the absolute form.
            let cursor = u64::try_from(self.cursor).unwrap_or(u64::MAX);
            cursor.saturating_add(offset) <= length
        } else {
            offset < length
        };
        (there != at.negated).into()
    }

    fn buffer_size(&self, range: &lapwing_rules::model::NumberRange) -> Outcome {
        let length = u64::try_from(self.subject.bytes.len()).unwrap_or(u64::MAX);
        let size = length.saturating_add(self.subject.stream_offset);
        let settled = self.subject.is_end || size > range.max;
        if settled && range.contains(size) || (!settled && at_least(range, size)) {
            Outcome::Match
        } else {
            Outcome::GiveUp
        }
    }

    /// A terminal match: the list of the decoded bytes decides.
    fn base64(&mut self, decode: &Base64Decode) -> Outcome {
        let base = if decode.relative { self.cursor } else { 0 };
        let offset = usize::try_from(decode.offset).unwrap_or(usize::MAX);
        let encoded = self
            .subject
            .bytes
            .get(base.saturating_add(offset)..)
            .unwrap_or_default();
        let limit = match decode.bytes {
            0 => encoded.len(),
            bytes => usize::try_from(bytes).map_or(encoded.len(), |n| n.min(encoded.len())),
        };
        let mut decoded = std::mem::take(self.decoded);
        base64::decode_prefix(&encoded[..limit], &mut decoded);
        let outcome = match self.base64_matches {
            Some(matches) if !decoded.is_empty() => {
                let mut nothing = Vec::new();
                let mut walk = Walk {
                    subject: Subject::whole(&decoded),
                    // The cursor of the outer list goes on, as in the reference.
                    cursor: self.cursor,
                    follows_bounded: false,
                    steps: self.steps,
                    searched_bytes: self.searched_bytes,
                    base64_matches: None,
                    values: self.values,
                    decoded: &mut nothing,
                    captured: self.captured,
                    sets: self.sets,
                    regexes: self.regexes,
                };
                let outcome = walk.run(matches);
                (self.steps, self.searched_bytes) = (walk.steps, walk.searched_bytes);
                outcome
            }
            _ => Outcome::NoMatch,
        };
        *self.decoded = decoded;
        outcome
    }
}

/// Whether a size that may still grow is sure to be in the range: only "larger than" can be told early.
fn at_least(range: &lapwing_rules::model::NumberRange, size: u64) -> bool {
    !range.negated && range.max == u64::MAX && size >= range.min
}

fn has_depth(content: &Content<'_>) -> bool {
    matches!(content.anchor, Anchor::Absolute { depth: Some(_), .. })
}

fn is_relative(content: &Content<'_>) -> bool {
    matches!(content.anchor, Anchor::Relative { .. })
}

/// Nothing about where it stands depends on anything else.
fn is_single(content: &Content<'_>) -> bool {
    !content.followed_by_relative
        && !content.starts_with
        && content.anchor
            == Anchor::Absolute {
                offset: Operand::Number(0),
                depth: None,
            }
}

#[cfg(test)]
mod tests;
