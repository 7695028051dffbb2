//! The server's direction: status lines, headers, bodies, with the games that browsers forgive.

use memchr::{memchr, memchr2};

use super::{
    chunked::{ChunkLine, chunk_line},
    decompress,
    request::Step,
    text::{self, Version},
    transaction::{Http1Transaction, Stage},
};
use crate::{app_layer::limits, direction::Direction};

/// Where in a response the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    #[default]
    Line,
    Headers,
    Body {
        left: u64,
    },
    /// A body that ends with the connection.
    BodyToEnd,
    ChunkLength,
    Chunk {
        left: u64,
    },
    ChunkEnd,
    /// Behind a response: a status line opens the next one, anything else still belongs to this one's body.
    Behind,
}

/// Reads responses, one after the other.
#[derive(Debug, Default)]
pub(super) struct ResponseReader {
    state: State,
    open_header: Option<Vec<u8>>,
    /// The line end before was a line feed with a carriage return behind it.
    mixed_line_end: bool,
}

/// A line within the bytes at hand.
struct Line {
    /// All that is done with when the line is taken.
    bytes: usize,
    /// The line with its line end.
    raw: usize,
    /// The line without its line end.
    content: usize,
    /// It ended with a line feed and a carriage return, in this order.
    mixed: bool,
}

/// What a look for the end of a line gave.
enum Found {
    Line(Line),
    NeedMore,
}

impl ResponseReader {
    /// Whether the next bytes open a response.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Line)
    }

    /// Whether the response before is whole, but may still get bytes.
    pub(super) fn is_behind(&self) -> bool {
        self.state == State::Behind
    }

    /// The next bytes belong to a new response.
    pub(super) fn begin_next(&mut self) {
        self.state = State::Line;
    }

    /// Takes the next bytes of the response to `transaction`.
    pub(super) fn step(
        &mut self,
        transaction: &mut Http1Transaction,
        bytes: &[u8],
        at_end: bool,
    ) -> Step {
        match self.state {
            State::Line => self.line(transaction, bytes, at_end),
            State::Headers => self.headers(transaction, bytes, at_end),
            State::Body { left } => self.body(transaction, bytes, left),
            State::BodyToEnd => {
                if bytes.is_empty() {
                    return Step::NeedMore;
                }
                push_body(transaction, bytes);
                Step::Took(bytes.len())
            }
            State::ChunkLength => self.chunk_length(transaction, bytes, at_end),
            State::Chunk { left } => self.chunk(transaction, bytes, left),
            State::ChunkEnd => match memchr(b'\n', bytes) {
                Some(end) => {
                    self.state = State::ChunkLength;
                    Step::Took(end + 1)
                }
                None if bytes.is_empty() => Step::NeedMore,
                None => Step::Took(bytes.len()),
            },
            State::Behind => Step::NeedMore,
        }
    }

    /// `missing` bytes were lost; whether they fit into a body.
    pub(super) fn gap(&mut self, transaction: &mut Http1Transaction, missing: u64) -> bool {
        transaction.response.body.has_gap = true;
        match &mut self.state {
            State::BodyToEnd => true,
            State::Body { left } | State::Chunk { left } if *left > missing => {
                *left -= missing;
                true
            }
            State::Body { left } if *left == missing => {
                self.finish(transaction);
                true
            }
            State::Chunk { left } if *left == missing => {
                self.state = State::ChunkEnd;
                true
            }
            _ => false,
        }
    }

    /// Whether its headers are not complete.
    pub(super) fn is_in_headers(&self) -> bool {
        self.state == State::Headers
    }

    /// The response is whole.
    pub(super) fn finish(&mut self, transaction: &mut Http1Transaction) {
        self.finish_before(transaction, &[]);
    }

    /// The response is whole as far as its own framing tells. As in the reference, what was fed behind it is looked at first, as it
    /// still belongs to the body unless it opens the next response.
    fn finish_before(&mut self, transaction: &mut Http1Transaction, behind: &[u8]) {
        self.close_header(transaction);
        // Fields behind a body in chunks belong to the others.
        if matches!(transaction.response.stage, Stage::Headers | Stage::Trailer) {
            transaction.response.finish_headers(b"set-cookie");
        }
        if behind.is_empty() {
            transaction.response.advance(Stage::Complete);
        }
        self.state = State::Behind;
    }

    fn line(&mut self, transaction: &mut Http1Transaction, bytes: &[u8], at_end: bool) -> Step {
        let Some(line_bytes) = status_line(bytes, at_end) else {
            return Step::NeedMore;
        };
        let content = text::chomp(&bytes[..line_bytes]);
        if content.iter().all(|&byte| text::is_space(byte)) {
            return Step::Took(line_bytes);
        }
        if !text::looks_like_status_line(content) {
            let rest = &bytes[line_bytes..];
            if rest.len() < 2 && !at_end {
                return Step::NeedMore;
            }
            if rest.len() >= 2 && (rest[0] == b'H' || content.len() <= 2) {
                // A stray line in front of a status line.
                return Step::Took(line_bytes);
            }
            // Not a response: browsers show it as content.
            transaction.response.advance(Stage::Body);
            self.state = State::BodyToEnd;
            return Step::Took(0);
        }
        read_status_line(content, transaction);
        self.state = State::Headers;
        transaction.response.advance(Stage::Headers);
        Step::Took(line_bytes)
    }

    fn headers(&mut self, transaction: &mut Http1Transaction, bytes: &[u8], at_end: bool) -> Step {
        let Found::Line(line) = header_line(bytes, at_end, self.mixed_line_end) else {
            return Step::NeedMore;
        };
        let raw = &bytes[..line.raw];
        let next = bytes.get(line.bytes);
        let blank = matches!(raw, [b' ' | b'\t', b'\n']);
        if blank && next.is_none() && !at_end {
            return Step::NeedMore;
        }
        if transaction.response.raw_headers.len() + raw.len() > limits::HTTP_HEADER_BLOCK_BYTES_MAX
        {
            transaction.events.add("response_field_too_long");
            return Step::Failed;
        }
        self.mixed_line_end = line.mixed;
        transaction.response.raw_headers.extend_from_slice(raw);
        if text::is_empty_line(raw) || (blank && next.is_some_and(|&next| next != b'\n')) {
            self.close_header(transaction);
            if transaction.response.stage == Stage::Trailer {
                self.finish_before(transaction, &bytes[line.bytes..]);
                return Step::Completed(line.bytes);
            }
            return self.headers_end(transaction, bytes, line.bytes);
        }
        if line.content > 0 {
            self.header(transaction, &bytes[..line.content]);
        } else {
            // Only line ends, but not an empty line: a field without name and value.
            self.close_header(transaction);
            transaction.events.add("invalid_response_field_folding");
            self.open_header = Some(Vec::new());
        }
        Step::Took(line.bytes)
    }

    fn header(&mut self, transaction: &mut Http1Transaction, content: &[u8]) {
        if !content.first().copied().is_some_and(text::is_folding) {
            self.close_header(transaction);
            self.open_header = Some(content.to_vec());
            return;
        }
        let splits = content.contains(&b':')
            && transaction.response.version == Some(Version::Http11)
            && self
                .open_header
                .as_ref()
                .is_some_and(|header| header.contains(&b':'));
        match self.open_header.as_mut() {
            Some(_) if splits => {
                // A continuation that is a field by itself: browsers read it as one.
                transaction.events.add("invalid_response_field_folding");
                self.close_header(transaction);
                self.open_header = Some(content[1..].to_vec());
            }
            Some(header) => {
                if header.len() + content.len() <= limits::HTTP_LINE_BYTES_MAX {
                    header.extend_from_slice(content);
                }
            }
            None => {
                transaction.events.add("invalid_response_field_folding");
                let start = content
                    .iter()
                    .take_while(|&&byte| text::is_folding(byte))
                    .count();
                self.open_header = Some(content[start..].to_vec());
            }
        }
    }

    fn close_header(&mut self, transaction: &mut Http1Transaction) {
        let Some(line) = self.open_header.take() else {
            return;
        };
        let odd = transaction.response.headers.add(&line, Direction::ToClient);
        let events = &mut transaction.events;
        if odd.missing_colon {
            events.add("response_field_missing_colon");
        }
        if odd.invalid_name {
            events.add("response_header_invalid");
        }
        if odd.ambiguous_content_length {
            events.add("duplicate_content_length_field_in_response");
        }
        if odd.too_many {
            events.add("response_too_many_headers");
        }
    }

    fn headers_end(
        &mut self,
        transaction: &mut Http1Transaction,
        bytes: &[u8],
        line_bytes: usize,
    ) -> Step {
        let headers = &transaction.response.headers;
        let chunked = headers.value(b"transfer-encoding").map(<[u8]>::to_vec);
        let length_value = headers.value(b"content-length").map(<[u8]>::to_vec);
        let length = length_value.as_deref().and_then(text::content_length);
        let status = transaction.status_number().unwrap_or(0);
        if status == 100 && chunked.is_none() && length.is_none_or(|length| length.bytes == 0) {
            return self.interim(transaction, line_bytes);
        }
        transaction.response.finish_headers(b"set-cookie");
        if let Some(value) = transaction.response.headers.value(b"content-encoding") {
            let codings = decompress::codings(value);
            if codings.too_many {
                transaction.events.add("too_many_encoding_layers");
            }
            if codings.abnormal {
                transaction.events.add("abnormal_ce_header");
            }
            transaction.response.body.decode(&codings);
        }
        let framed = chunked.is_some() || length_value.is_some();
        let tunnel = (transaction.method == b"CONNECT" && (200..300).contains(&status))
            || (status == 101 && !framed);
        let bodiless = transaction.method == b"HEAD"
            || (((100..200).contains(&status) || matches!(status, 204 | 304)) && !framed);
        if tunnel {
            self.finish(transaction);
            return Step::Completed(line_bytes);
        }
        if bodiless {
            self.finish_before(transaction, &bytes[line_bytes..]);
            return Step::Completed(line_bytes);
        }
        transaction.response.advance(Stage::Body);
        if let Some(value) = chunked.filter(|value| text::holds_word(value, b"chunked")) {
            if !value.eq_ignore_ascii_case(b"chunked") {
                transaction
                    .events
                    .add("response_abnormal_transfer_encoding");
            }
            if transaction.response.version < Some(Version::Http11) {
                transaction.events.add("response_chunked_old_proto");
            }
            self.state = State::ChunkLength;
            return Step::Took(line_bytes);
        }
        match (length_value, length) {
            (Some(_), Some(length)) if length.bytes == 0 => {
                self.finish_before(transaction, &bytes[line_bytes..]);
                Step::Completed(line_bytes)
            }
            (Some(_), Some(length)) => {
                self.state = State::Body { left: length.bytes };
                Step::Took(line_bytes)
            }
            (Some(_), None) => {
                transaction
                    .events
                    .add("invalid_content_length_field_in_response");
                transaction.response.hide_header_blocks();
                Step::Failed
            }
            (None, _) if is_of_byte_ranges(transaction) => {
                transaction.events.add("response_multipart_byteranges");
                Step::Failed
            }
            (None, _) => {
                self.state = State::BodyToEnd;
                Step::Took(line_bytes)
            }
        }
    }

    /// `100 Continue`: the real response follows.
    fn interim(&mut self, transaction: &mut Http1Transaction, line_bytes: usize) -> Step {
        if transaction.continue_seen {
            transaction.events.add("100_continue_already_seen");
            return Step::Failed;
        }
        transaction.continue_seen = true;
        transaction.response.headers.clear();
        transaction.response.raw_headers.clear();
        transaction.response.stage = Stage::Line;
        self.state = State::Line;
        Step::Took(line_bytes)
    }

    fn body(&mut self, transaction: &mut Http1Transaction, bytes: &[u8], left: u64) -> Step {
        let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        if taken == 0 {
            return Step::NeedMore;
        }
        push_body(transaction, &bytes[..taken]);
        let left = left - u64::try_from(taken).unwrap_or(left);
        if left == 0 {
            self.finish_before(transaction, &bytes[taken..]);
            return Step::Completed(taken);
        }
        self.state = State::Body { left };
        Step::Took(taken)
    }

    fn chunk_length(
        &mut self,
        transaction: &mut Http1Transaction,
        bytes: &[u8],
        at_end: bool,
    ) -> Step {
        match chunk_line(bytes) {
            ChunkLine::Incomplete if at_end && !bytes.is_empty() => {
                // No length any more: it was content.
                push_body(transaction, bytes);
                Step::Took(bytes.len())
            }
            ChunkLine::Incomplete => Step::NeedMore,
            ChunkLine::Blank { line_bytes } => Step::Took(line_bytes),
            ChunkLine::Length {
                line_bytes,
                length,
                extension,
            } => {
                if extension {
                    // The reference has one name for both directions.
                    transaction.events.add("request_chunk_extension");
                }
                if length == 0 {
                    transaction.response.advance(Stage::Trailer);
                    self.state = State::Headers;
                } else {
                    self.state = State::Chunk { left: length };
                }
                Step::Took(line_bytes)
            }
            ChunkLine::Invalid { .. } => {
                // Not chunked after all: the rest of the connection is the body.
                transaction.events.add("invalid_response_chunk_len");
                self.state = State::BodyToEnd;
                Step::Took(0)
            }
        }
    }

    fn chunk(&mut self, transaction: &mut Http1Transaction, bytes: &[u8], left: u64) -> Step {
        let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        if taken == 0 {
            return Step::NeedMore;
        }
        push_body(transaction, &bytes[..taken]);
        let left = left - u64::try_from(taken).unwrap_or(left);
        self.state = if left == 0 {
            State::ChunkEnd
        } else {
            State::Chunk { left }
        };
        Step::Took(taken)
    }
}

/// Appends to the body and tells what decoding ran into.
pub(super) fn push_body(transaction: &mut Http1Transaction, bytes: &[u8]) {
    let response = &mut transaction.response;
    let is_first = response.body.received_bytes == 0;
    if is_first
        && let Some(range) = response.headers.value(b"content-range")
        && !text::is_content_range(range)
    {
        transaction.events.add("range_invalid");
    }
    response.body.push(bytes);
    transaction.response.step();
    let trouble = transaction.response.body.trouble;
    if trouble.failed {
        transaction.events.add("gzip_decompression_failed");
    }
    if trouble.bomb {
        transaction.events.add("compression_bomb");
    }
}

/// The length of the first line with its end: a line feed, a carriage return, or the pair.
fn status_line(bytes: &[u8], at_end: bool) -> Option<usize> {
    let rest = (at_end && !bytes.is_empty()).then_some(bytes.len());
    let Some(at) = memchr2(b'\r', b'\n', bytes) else {
        return rest;
    };
    match (bytes[at], bytes.get(at + 1)) {
        (b'\n', _) => Some(at + 1),
        (_, Some(b'\n')) => Some(at + 2),
        (_, Some(_)) => Some(at + 1),
        (_, None) => rest,
    }
}

/// The first header line. A lone carriage return ends one too; a line feed takes a carriage return behind it along;
/// and where lines end in such pairs, a pair the right way round may stand twice for one line end.
fn header_line(bytes: &[u8], at_end: bool, after_mixed: bool) -> Found {
    let mut from = 0;
    loop {
        let Some(at) = memchr2(b'\r', b'\n', &bytes[from..]).map(|at| at + from) else {
            return Found::NeedMore;
        };
        let next = bytes.get(at + 1).copied();
        if next.is_none() && !(at_end && bytes[at] == b'\n') {
            return Found::NeedMore;
        }
        let end = if bytes[at] == b'\n' {
            at + 1 + usize::from(next == Some(b'\r'))
        } else if next == Some(b'\n') {
            at + 2
        } else if next == Some(b'\r') || at == 0 {
            from = at + 1;
            continue;
        } else {
            at + 1
        };
        let mut line = Line {
            bytes: end,
            raw: end,
            content: text::chomp(&bytes[..end]).len(),
            mixed: bytes[at] == b'\n' && next == Some(b'\r'),
        };
        if after_mixed && line.content == 0 && bytes[at] == b'\r' {
            match (bytes.get(end), bytes.get(end + 1)) {
                (None, _) | (Some(b'\r'), None) if !at_end => return Found::NeedMore,
                (Some(b'\r'), Some(b'\n')) => line.bytes += 2,
                (Some(b'\r'), _) => line.bytes += 1,
                _ => {}
            }
        }
        return Found::Line(line);
    }
}

/// `HTTP/1.1 200 OK`: protocol, status, and whatever follows.
/// Bodies of several ranges say themselves where they end, which the reference does not read.
fn is_of_byte_ranges(transaction: &Http1Transaction) -> bool {
    let kind = transaction.response.headers.value(b"content-type");
    kind.is_some_and(|kind| {
        let kind = kind.to_ascii_lowercase();
        memchr::memmem::find(&kind, b"multipart/byteranges").is_some()
    })
}

fn read_status_line(line: &[u8], transaction: &mut Http1Transaction) {
    transaction.response.line = line.to_vec();
    let mut rest = line;
    let mut word = || {
        let start = rest
            .iter()
            .take_while(|&&byte| text::is_space(byte))
            .count();
        let word_on = &rest[start..];
        let end = word_on
            .iter()
            .position(|&byte| text::is_space(byte))
            .unwrap_or(word_on.len());
        rest = &word_on[end..];
        (end > 0).then(|| word_on[..end].to_vec())
    };
    transaction.response.protocol = word();
    transaction.status = word();
    let start = rest
        .iter()
        .take_while(|&&byte| text::is_space(byte))
        .count();
    transaction.status_message = Some(rest[start..].to_vec()).filter(|message| !message.is_empty());
    let version = transaction
        .response
        .protocol
        .as_deref()
        .map_or(Version::Invalid, text::version);
    transaction.response.version = Some(version);
    if version == Version::Invalid {
        transaction.events.add("response_invalid_protocol");
    }
    if transaction.status_number().is_none() {
        transaction.events.add("response_invalid_status");
    }
}
