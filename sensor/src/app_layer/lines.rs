//! Bounded lines out of a stream that comes in any cuts.

/// What the next bytes of a stream are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end, and how many bytes its end had (1 or 2).
    Whole(Vec<u8>, usize),
    /// The kept beginning of a line that is longer than the cap.
    Cut(Vec<u8>),
}

/// What becomes of the rest of a line that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It is passed over.
    Discarded,
    /// It is the next line.
    NextLine,
}

/// Splits a stream at line feeds. A line that is too long is cut, and told once.
#[derive(Debug)]
pub(super) struct Lines {
    held: Vec<u8>,
    line_bytes_max: usize,
    /// Passing over the rest of a line, up to its end.
    discards: bool,
}

impl Lines {
    pub(super) fn new(line_bytes_max: usize) -> Self {
        Self {
            held: Vec::new(),
            line_bytes_max,
            discards: false,
        }
    }

    /// Takes bytes off the front of `input` and gives the line they complete.
    pub(super) fn next(&mut self, input: &mut &[u8], rest_of_long: Rest) -> Option<Line> {
        while !input.is_empty() {
            let end = memchr::memchr(b'\n', input);
            let (piece, rest) = input.split_at(end.map_or(input.len(), |end| end + 1));
            if self.discards {
                *input = rest;
                self.discards = end.is_none();
                continue;
            }
            let room = self.line_bytes_max - self.held.len();
            if piece.len() >= room {
                self.held.extend_from_slice(&piece[..room]);
                *input = &input[room..];
                self.discards = rest_of_long == Rest::Discarded && !self.held.ends_with(b"\n");
                return Some(Line::Cut(std::mem::take(&mut self.held)));
            }
            self.held.extend_from_slice(piece);
            *input = rest;
            if end.is_some() {
                let mut line = std::mem::take(&mut self.held);
                let ending_bytes = if line.ends_with(b"\r\n") { 2 } else { 1 };
                line.truncate(line.len() - ending_bytes);
                return Some(Line::Whole(line, ending_bytes));
            }
        }
        None
    }

    /// What is held of a line that will not be completed.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Bytes were lost: what is held is no line any more, and the next line feed ends an unknown one.
    pub(super) fn gap(&mut self) {
        self.held.clear();
        self.discards = true;
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], step: usize, rest: Rest) -> Vec<Line> {
        let mut lines = Lines::new(8);
        let mut found = Vec::new();
        for mut piece in bytes.chunks(step) {
            while let Some(line) = lines.next(&mut piece, rest) {
                found.push(line);
            }
        }
        found
    }

    #[test]
    fn cuts_change_no_line() {
        let bytes = b"one\r\ntwo\n\r\nmuch too long\r\nafter\r\nrest";
        let wanted = vec![
            Line::Whole(b"one".to_vec(), 2),
            Line::Whole(b"two".to_vec(), 1),
            Line::Whole(Vec::new(), 2),
            Line::Cut(b"much too".to_vec()),
            Line::Whole(b"after".to_vec(), 2),
        ];
        for step in 1..=bytes.len() {
            assert_eq!(lines(bytes, step, Rest::Discarded), wanted);
        }
    }

    #[test]
    fn the_rest_of_a_long_line_may_be_kept() {
        let bytes = b"0123456789\r\nnext\r\n";
        for step in 1..=bytes.len() {
            assert_eq!(
                lines(bytes, step, Rest::NextLine),
                [
                    Line::Cut(b"01234567".to_vec()),
                    Line::Whole(b"89".to_vec(), 2),
                    Line::Whole(b"next".to_vec(), 2),
                ]
            );
        }
    }
}
