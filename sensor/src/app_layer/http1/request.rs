//! The client's direction: request lines, headers, bodies.

use memchr::memchr;

use super::{
    chunked::{ChunkLine, chunk_line},
    decompress, host, multipart,
    request_line::{self, RequestLine},
    text::{self, Version},
    transaction::{Http1Transaction, Stage},
    uri,
};
use crate::{app_layer::limits, direction::Direction};

/// What the bytes at hand were good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many bytes are done with; 0 where only the state moved on.
    Took(usize),
    /// More bytes are needed.
    NeedMore,
    /// The message ended behind so many bytes.
    Completed(usize),
    /// This direction makes no sense any more.
    Failed,
}

/// Where in a request the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    #[default]
    Line,
    /// A line without a protocol: a request by itself, unless headers follow.
    OldLine,
    Headers,
    Body {
        left: u64,
    },
    ChunkLength,
    Chunk {
        left: u64,
    },
    ChunkEnd,
    /// `CONNECT`: what follows waits for the answer.
    Tunnel,
}

/// Reads requests, one after the other.
#[derive(Debug, Default)]
pub(super) struct RequestReader {
    state: State,
    /// A header line that may still be continued.
    open_header: Option<Vec<u8>>,
}

impl RequestReader {
    /// Whether the next bytes open a new request.
    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Line
    }

    /// Whether a `CONNECT` waits for its answer.
    pub(super) fn is_tunnel(&self) -> bool {
        self.state == State::Tunnel
    }

    /// The `CONNECT` was refused: requests go on.
    pub(super) fn leave_tunnel(&mut self) {
        self.state = State::Line;
    }

    /// The server answers: a request without protocol is all there is.
    pub(super) fn answer_begins(&mut self, transaction: &mut Http1Transaction) {
        if self.state == State::OldLine {
            self.finish(transaction);
        }
    }

    /// Begins a request with its line, without the line end.
    pub(super) fn begin(&mut self, line: &[u8], transaction: &mut Http1Transaction) {
        let parts = request_line::split(line);
        note_oddities(&parts, transaction);
        transaction.request.line = line.to_vec();
        transaction.method = parts.method.to_vec();
        transaction.request.version = Some(parts.version);
        transaction.request.protocol = parts.protocol.map(<[u8]>::to_vec);
        if let Some(target) = parts.target {
            transaction.target = Some(target.to_vec());
            if parts.method == b"CONNECT" {
                let (host, port) = uri::host_and_port(target);
                note_authority(Some(host), port, transaction);
                transaction.normal_uri = Some(Vec::new());
                transaction.name_host(host);
            } else {
                transaction.normal_uri = Some(uri::normalize(target));
                let authority = uri::split(target);
                if let Some(host) = authority.host.filter(|host| !host.is_empty()) {
                    transaction.name_host(host);
                }
                note_authority(authority.host, authority.port, transaction);
            }
        }
        transaction.request.advance(Stage::Headers);
        self.state = if parts.protocol.is_none() {
            State::OldLine
        } else {
            State::Headers
        };
    }

    /// Takes the next bytes of the request that has begun.
    pub(super) fn step(
        &mut self,
        transaction: &mut Http1Transaction,
        bytes: &[u8],
        at_end: bool,
    ) -> Step {
        match self.state {
            State::Line => Step::NeedMore,
            State::OldLine => self.old_line(transaction, bytes, at_end),
            State::Headers => self.headers(transaction, bytes),
            State::Body { left } => self.body(transaction, bytes, left),
            State::ChunkLength => self.chunk_length(transaction, bytes),
            State::Chunk { left } => self.chunk(transaction, bytes, left),
            State::ChunkEnd => match memchr(b'\n', bytes) {
                Some(end) => {
                    self.state = State::ChunkLength;
                    Step::Took(end + 1)
                }
                None if bytes.is_empty() => Step::NeedMore,
                None => Step::Took(bytes.len()),
            },
            State::Tunnel => Step::NeedMore,
        }
    }

    /// `missing` bytes of a body were lost; whether they fit into it.
    pub(super) fn gap(&mut self, transaction: &mut Http1Transaction, missing: u64) -> bool {
        transaction.request.body.has_gap = true;
        match &mut self.state {
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

    fn old_line(&mut self, transaction: &mut Http1Transaction, bytes: &[u8], at_end: bool) -> Step {
        match bytes.iter().position(|&byte| !text::is_space(byte)) {
            Some(_) => {
                self.state = State::Headers;
                Step::Took(0)
            }
            None if at_end => {
                self.finish(transaction);
                Step::Completed(bytes.len())
            }
            None => Step::NeedMore,
        }
    }

    fn headers(&mut self, transaction: &mut Http1Transaction, bytes: &[u8]) -> Step {
        let Some(end) = memchr(b'\n', bytes) else {
            // Whatever the line will be, it does not continue the one before.
            if bytes.first().is_some_and(|&byte| !text::is_folding(byte)) {
                self.close_header(transaction);
            }
            return Step::NeedMore;
        };
        let line_bytes = end + 1;
        let line = &bytes[..line_bytes];
        if transaction.request.raw_headers.len() + line_bytes > limits::HTTP_HEADER_BLOCK_BYTES_MAX
        {
            transaction.events.add("request_field_too_long");
            return Step::Failed;
        }
        transaction.request.raw_headers.extend_from_slice(line);
        let content = text::chomp(line);
        if text::is_empty_line(line) {
            self.close_header(transaction);
            if transaction.request.stage == Stage::Trailer {
                self.finish_before(transaction, &bytes[line_bytes..]);
                return Step::Completed(line_bytes);
            }
            return self.headers_end(transaction, bytes, line_bytes);
        }
        if content.is_empty() {
            // Only line ends, but not an empty line: a field without name and value.
            self.close_header(transaction);
            transaction.events.add("invalid_request_field_folding");
            self.open_header = Some(Vec::new());
        } else if line.first().copied().is_some_and(text::is_folding) {
            match self.open_header.as_mut() {
                Some(header) if header.len() + content.len() <= limits::HTTP_LINE_BYTES_MAX => {
                    header.extend_from_slice(content);
                }
                Some(_) => {}
                None => {
                    transaction.events.add("invalid_request_field_folding");
                    let start = content
                        .iter()
                        .take_while(|&&byte| text::is_folding(byte))
                        .count();
                    self.open_header = Some(content[start..].to_vec());
                }
            }
        } else {
            self.close_header(transaction);
            self.open_header = Some(content.to_vec());
        }
        Step::Took(line_bytes)
    }

    fn close_header(&mut self, transaction: &mut Http1Transaction) {
        let Some(line) = self.open_header.take() else {
            return;
        };
        let odd = transaction.request.headers.add(&line, Direction::ToServer);
        let events = &mut transaction.events;
        if odd.missing_colon {
            events.add("request_field_missing_colon");
        }
        if odd.invalid_name {
            events.add("request_header_invalid");
        }
        if odd.ambiguous_content_length {
            events.add("duplicate_content_length_field_in_request");
        }
        if odd.too_many {
            events.add("request_too_many_headers");
        }
    }

    fn headers_end(
        &mut self,
        transaction: &mut Http1Transaction,
        bytes: &[u8],
        line_bytes: usize,
    ) -> Step {
        read_host(transaction);
        check_authorization(transaction);
        transaction.request.finish_headers(b"cookie");
        let headers = &transaction.request.headers;
        let coding = headers.value(b"transfer-encoding").map(<[u8]>::to_vec);
        let length = headers.value(b"content-length").map(text::content_length);
        if let Some(value) = headers.value(b"content-encoding") {
            let codings = decompress::request_codings(value);
            transaction.request.body.decode(&codings);
        }
        transaction.request.advance(Stage::Body);
        if transaction.method == b"CONNECT" {
            self.finish(transaction);
            self.state = State::Tunnel;
            return Step::Completed(line_bytes);
        }
        if let Some(coding) = coding {
            if !text::has_token(&coding, b"chunked") {
                transaction
                    .events
                    .add("invalid_transfer_encoding_value_in_request");
                transaction.request.hide_header_blocks();
                return Step::Failed;
            }
            if transaction.request.version < Some(Version::Http11) {
                transaction
                    .events
                    .add("invalid_transfer_encoding_value_in_request");
            }
            self.state = State::ChunkLength;
            return Step::Took(line_bytes);
        }
        match length {
            Some(Some(length)) if length.bytes > 0 => {
                self.state = State::Body { left: length.bytes };
                Step::Took(line_bytes)
            }
            Some(None) => {
                transaction
                    .events
                    .add("invalid_content_length_field_in_request");
                transaction.request.hide_header_blocks();
                Step::Failed
            }
            _ => {
                self.finish_before(transaction, &bytes[line_bytes..]);
                Step::Completed(line_bytes)
            }
        }
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

    fn chunk_length(&mut self, transaction: &mut Http1Transaction, bytes: &[u8]) -> Step {
        match chunk_line(bytes) {
            ChunkLine::Incomplete => Step::NeedMore,
            ChunkLine::Blank { line_bytes } => Step::Took(line_bytes),
            ChunkLine::Length {
                line_bytes,
                length,
                extension,
            } => {
                if extension {
                    transaction.events.add("request_chunk_extension");
                }
                if length == 0 {
                    transaction.request.advance(Stage::Trailer);
                    self.state = State::Headers;
                } else {
                    self.state = State::Chunk { left: length };
                }
                Step::Took(line_bytes)
            }
            ChunkLine::Invalid { .. } => {
                transaction.events.add("invalid_request_chunk_len");
                Step::Failed
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

    /// The request is whole as far as its own framing tells. As in the reference, what was fed behind it is looked at first, as it
    /// still belongs to the body unless it opens the next request.
    fn finish_before(&mut self, transaction: &mut Http1Transaction, behind: &[u8]) {
        if behind.is_empty() {
            self.finish(transaction);
        } else {
            self.state = State::Line;
        }
    }

    /// The request is whole.
    pub(super) fn finish(&mut self, transaction: &mut Http1Transaction) {
        self.state = State::Line;
        // Nothing follows that would make a field of an odd line that is still open.
        self.open_header = self.open_header.take().filter(|line| !line.is_empty());
        self.close_header(transaction);
        if transaction.request.stage == Stage::Headers {
            // Which host it is for is decided at the end of the headers, and there was none.
            transaction.host = None;
        }
        // Fields behind a body in chunks belong to the others.
        if matches!(transaction.request.stage, Stage::Headers | Stage::Trailer) {
            transaction.request.finish_headers(b"cookie");
        }
        let request = &transaction.request;
        if transaction.method == b"POST"
            && let Some(boundary) = request
                .headers
                .value(b"content-type")
                .and_then(multipart::boundary)
        {
            let events = &mut transaction.events;
            transaction.parts =
                multipart::files(request.body.bytes(), boundary, |odd| events.add(odd));
        }
        transaction.request.advance(Stage::Complete);
    }
}

/// Appends to the body and tells what decoding ran into.
pub(super) fn push_body(transaction: &mut Http1Transaction, bytes: &[u8]) {
    transaction.request.body.push(bytes);
    transaction.request.step();
    let trouble = transaction.request.body.trouble;
    if trouble.failed {
        transaction.events.add("gzip_decompression_failed");
    }
    if trouble.bomb {
        transaction.events.add("compression_bomb");
    }
}

/// Notes the port that a target names, and whether its host and port can be some.
fn note_authority(host: Option<&[u8]>, port: Option<&[u8]>, transaction: &mut Http1Transaction) {
    transaction.target_port = port.and_then(host::port_number);
    let is_odd_port = port.is_some() && transaction.target_port.is_none();
    let is_odd_host = host.is_some_and(|host| {
        (port.is_some() || !host.is_empty()) && !host::is_valid(&text::percent_decoded(host))
    });
    if is_odd_port || is_odd_host {
        transaction.events.add("request_uri_host_invalid");
    }
}

fn note_oddities(parts: &RequestLine<'_>, transaction: &mut Http1Transaction) {
    let events = &mut transaction.events;
    if parts.leading_space {
        events.add("request_line_leading_whitespace");
    }
    if parts.odd_method_delimiter {
        events.add("method_delim_non_compliant");
    }
    if parts.odd_target_delimiter {
        events.add("uri_delim_non_compliant");
    }
    if parts.target.is_none() {
        events.add("request_line_incomplete");
    }
}

/// Schemes of `Authorization` whose credentials the reference reads; any other is an event.
const KNOWN_AUTHORIZATIONS: [&[u8]; 3] = [b"basic", b"digest", b"bearer"];

/// Only the start of the value is held against the known schemes, as in the reference: `BasicX` passes, nothing at all does not.
fn check_authorization(transaction: &mut Http1Transaction) {
    let Some(value) = transaction.request.headers.value(b"authorization") else {
        return;
    };
    let is_known = KNOWN_AUTHORIZATIONS.iter().any(|scheme| {
        value
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if !is_known {
        transaction.events.add("request_auth_unrecognized");
    }
}

/// The host of the target wins over the `Host` field.
fn read_host(transaction: &mut Http1Transaction) {
    let field = transaction
        .request
        .headers
        .value(b"host")
        .map(<[u8]>::to_vec);
    let of_field = field.as_deref().map(host::split_field);
    if of_field.as_ref().is_some_and(|field| !field.is_valid) {
        transaction.events.add("request_header_host_invalid");
    }
    match (&transaction.host, &field) {
        (None, Some(value)) => {
            transaction.host = of_field
                .map(|field| field.shown())
                .filter(|host| !host.is_empty());
            transaction.host_raw = Some(value.clone());
        }
        (None, None) => {
            if transaction.request.version == Some(Version::Http11) {
                transaction.events.add("missing_host_header");
            }
        }
        (Some(target_host), Some(_)) => {
            let differs = of_field.is_some_and(|field| {
                let ports = (transaction.target_port, field.port);
                !target_host.eq_ignore_ascii_case(field.host)
                    || matches!(ports, (Some(one), Some(other)) if one != other)
            });
            if differs && !target_host.is_empty() {
                transaction.events.add("host_header_ambiguous");
            }
        }
        (Some(_), None) => {
            if transaction.request.version == Some(Version::Http11) {
                transaction.events.add("missing_host_header");
            }
        }
    }
}
