//! Splits a rule file into logical lines: a line that ends in a backslash goes on in the next one.
//!
//! Bytes are kept as they are (UTF-8 or not, CRLF or LF); every position in a logical line leads back to the file.

use crate::limits;

/// A line with its continuations joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogicalLine {
    /// The bytes, without line ends and continuation backslashes.
    pub(crate) bytes: Vec<u8>,
    /// Where pieces begin: position in `bytes`, line number from 1, column (byte) from 0.
    pieces: Vec<(usize, u32)>,
}

impl LogicalLine {
    /// Line number (from 1) and byte column (from 0) of a position.
    pub(crate) fn locate(&self, position: usize) -> (u32, usize) {
        let index = self
            .pieces
            .partition_point(|(start, _)| *start <= position)
            .saturating_sub(1);
        let (start, line) = self.pieces.get(index).copied().unwrap_or((0, 1));
        (line, position - start.min(position))
    }

    /// The physical line that holds a position, without line end.
    pub(crate) fn physical(&self, position: usize) -> &[u8] {
        let index = self
            .pieces
            .partition_point(|(start, _)| *start <= position)
            .saturating_sub(1);
        let start = self.pieces.get(index).map_or(0, |piece| piece.0);
        let end = self
            .pieces
            .get(index + 1)
            .map_or(self.bytes.len(), |piece| piece.0);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Whether it goes over several lines of the file.
    pub(crate) fn is_continued(&self) -> bool {
        self.pieces.len() > 1
    }

    /// Whether it was cut because it is longer than a rule may be.
    pub(crate) fn is_too_long(&self) -> bool {
        self.bytes.len() > limits::RULE_BYTES
    }
}

/// The logical lines of a file, one by one.
pub(crate) struct LogicalLines<'a> {
    rest: &'a [u8],
    line: u32,
}

impl<'a> LogicalLines<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self {
            rest: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text),
            line: 0,
        }
    }

    /// What of the file has not been read.
    pub(crate) fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    fn physical(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.line = self.line.saturating_add(1);
        let end = memchr::memchr(b'\n', self.rest);
        let (line, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

impl Iterator for LogicalLines<'_> {
    type Item = LogicalLine;

    fn next(&mut self) -> Option<LogicalLine> {
        let mut line = LogicalLine {
            bytes: Vec::new(),
            pieces: Vec::new(),
        };
        while let Some(physical) = self.physical() {
            line.pieces.push((line.bytes.len(), self.line));
            let trimmed = physical.trim_ascii_end();
            // A comment does not go on, as in the reference.
            let is_comment = line.bytes.is_empty() && physical.starts_with(b"#");
            let continued = trimmed.strip_suffix(b"\\").filter(|_| !is_comment);
            let room = (limits::RULE_BYTES + 1).saturating_sub(line.bytes.len());
            let piece = continued.unwrap_or(physical);
            line.bytes
                .extend_from_slice(&piece[..piece.len().min(room)]);
            if continued.is_none() {
                return Some(line);
            }
        }
        (!line.pieces.is_empty()).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_lines_are_joined_and_positions_lead_back() {
        let lines: Vec<_> = LogicalLines::new(b"one\r\nal \\\r\n  ert\\ \nend\nlast\\").collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].bytes, b"al   ertend");
        assert_eq!(lines[1].locate(0), (2, 0));
        assert_eq!(lines[1].locate(5), (3, 2));
        assert_eq!(lines[1].locate(8), (4, 0));
        assert_eq!(lines[2].bytes, b"last");
    }

    #[test]
    fn a_commented_line_does_not_go_on() {
        let lines: Vec<_> = LogicalLines::new(b"# note \\\nalert").collect();
        assert_eq!(lines[1].bytes, b"alert");
    }
}
