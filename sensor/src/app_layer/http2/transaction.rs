//! One stream with its request and its response, or one frame that concerns the connection.

use lapwing_rules::model::{Buffer, HeaderField};

use super::{frame::FrameHeader, headers, headers::HeaderList, hpack::Field};
use crate::{
    app_layer::{
        BufferView, FactKind, Transaction, TransactionField,
        http1::{Body, Codings, Format, Stage},
        limits,
        transactions::Events,
    },
    direction::Direction,
};

/// How far a stream has come (RFC 9113, section 5.1), in the reference's order: a rule on the request waits for
/// [`Progress::RequestData`], one on the response for [`Progress::ResponseData`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    Open,
    /// Promised by the server.
    Reserved,
    RequestData,
    RequestComplete,
    ResponseData,
    ResponseComplete,
    Closed,
}

/// What one side sent on a stream.
#[derive(Debug, Default)]
struct Side {
    headers: HeaderList,
    /// A header block is not complete.
    is_in_headers: bool,
    /// The request or status line that HTTP/1 would have.
    line: Vec<u8>,
    host: Option<Vec<u8>>,
    body: Body,
    /// A DATA frame came, and it decoded.
    has_data: bool,
    /// Numbers of frames that rules compare, each once.
    numbers: Vec<(HeaderField, u64)>,
    /// Nothing more comes.
    is_ended: bool,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Http2Transaction {
    /// 0 for a frame that concerns the connection.
    pub(super) stream: u32,
    pub(super) progress: Progress,
    sides: [Side; 2],
    pub(super) events: Events,
    steps: u32,
}

impl Http2Transaction {
    pub(super) fn new(stream: u32) -> Self {
        let progress = match stream {
            0 => Progress::Closed,
            _ => Progress::Open,
        };
        let mut transaction = Self {
            stream,
            progress,
            sides: Default::default(),
            events: Events::default(),
            steps: 0,
        };
        for direction in Direction::BOTH {
            transaction.build_line(direction);
        }
        transaction
    }

    fn side_mut(&mut self, direction: Direction) -> &mut Side {
        &mut self.sides[direction.index()]
    }

    fn side(&self, direction: Direction) -> &Side {
        &self.sides[direction.index()]
    }

    /// Notes that something may have become known.
    pub(super) fn step(&mut self) {
        self.steps = self.steps.wrapping_add(1);
    }

    pub(super) fn note(&mut self, direction: Direction, field: HeaderField, value: u64) {
        let numbers = &mut self.side_mut(direction).numbers;
        if numbers.len() < limits::HTTP2_NUMBERS_MAX && !numbers.contains(&(field, value)) {
            numbers.push((field, value));
        }
    }

    /// A header block begins.
    pub(super) fn begin_headers(&mut self, direction: Direction) {
        self.side_mut(direction).is_in_headers = true;
    }

    /// A whole header block came.
    pub(super) fn add_headers(&mut self, direction: Direction, fields: &[Field]) {
        self.judge_authority(direction, fields);
        let side = self.side_mut(direction);
        side.is_in_headers = false;
        if side.body.received_bytes == 0
            && let Some(coding) = fields
                .iter()
                .find(|field| field.name == b"content-encoding")
        {
            side.body.decode(&coding_of(&coding.value));
        }
        side.headers.extend(fields, direction);
        side.host = side.headers.value(b":authority").map(headers::normal_host);
        self.build_line(direction);
        self.step();
    }

    /// User information does not belong into `:authority`, and `host` must not contradict it (RFC 9113, section 8.3.1).
    fn judge_authority(&mut self, direction: Direction, fields: &[Field]) {
        let value = |name: &[u8]| {
            fields
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name))
                .map(|field| field.value.as_slice())
        };
        let Some(authority) = value(b":authority").filter(|_| direction == Direction::ToServer)
        else {
            return;
        };
        if authority.contains(&b'@') {
            self.events.add("userinfo_in_uri");
        }
        if value(b"host").is_some_and(|host| !host.eq_ignore_ascii_case(authority)) {
            self.events.add("authority_host_mismatch");
        }
    }

    fn build_line(&mut self, direction: Direction) {
        let side = self.side_mut(direction);
        let value = |name: &[u8]| side.headers.value(name).unwrap_or_default();
        side.line = match direction {
            Direction::ToServer => {
                [value(b":method"), b" ", value(b":path"), b" HTTP/2\r\n"].concat()
            }
            Direction::ToClient => [&b"HTTP/2 "[..], value(b":status"), b"\r\n"].concat(),
        };
    }

    /// Moves the stream on as the frame says.
    pub(super) fn advance(&mut self, direction: Direction, frame: &FrameHeader, is_data: bool) {
        use Direction::{ToClient, ToServer};
        use Progress::{Closed, RequestComplete, RequestData, ResponseComplete, ResponseData};
        let now = self.progress;
        self.progress = if frame.ends_stream() {
            match (now, direction) {
                (RequestComplete | ResponseData, ToClient) | (ResponseComplete, ToServer) => Closed,
                (RequestComplete | ResponseData | ResponseComplete | Closed, _) => now,
                (_, ToServer) => RequestComplete,
                (_, ToClient) => ResponseComplete,
            }
        } else {
            match direction {
                ToServer if is_data => now.max(RequestData),
                ToClient if is_data => now.max(ResponseData),
                _ => now,
            }
        };
        self.step();
    }

    /// Payload of a DATA frame.
    pub(super) fn push_body(&mut self, direction: Direction, bytes: &[u8]) {
        let side = self.side_mut(direction);
        side.has_data = true;
        let is_first = side.body.received_bytes == 0;
        side.body.push(bytes);
        if side.body.trouble.failed {
            // Unlike in HTTP/1, what does not decode is not shown as it is.
            side.body = Body::default();
            side.has_data = false;
            self.events.add("failed_decompression");
        } else if is_first
            && direction == Direction::ToClient
            && side
                .headers
                .value(b"content-range")
                .is_some_and(|range| !is_content_range(range))
        {
            self.events.add("invalid_range");
        }
        self.step();
    }

    /// The side sends no more on this stream.
    pub(super) fn end(&mut self, direction: Direction) {
        let side = self.side_mut(direction);
        side.is_ended = true;
        side.body.finish();
        self.step();
    }

    pub(super) fn held_bytes(&self) -> usize {
        let sides: usize = self
            .sides
            .iter()
            .map(|side| {
                side.headers.held_bytes()
                    + side.line.capacity()
                    + side.host.as_ref().map_or(0, Vec::capacity)
                    + side.body.held_bytes()
                    + side.numbers.capacity() * size_of::<(HeaderField, u64)>()
            })
            .sum();
        size_of::<Self>() + sides
    }

    /// From when on rules see what a side sent.
    fn visible_from(direction: Direction) -> Progress {
        match direction {
            Direction::ToServer => Progress::RequestData,
            Direction::ToClient => Progress::ResponseData,
        }
    }

    fn is_visible(&self, direction: Direction) -> bool {
        let side = self.side(direction);
        side.is_ended
            || (self.progress >= Self::visible_from(direction) && !side.is_in_headers)
                && !(side.headers.is_empty() && self.progress < Progress::Closed)
    }

    /// Whether nothing more comes of a side: until then trailers may add to its header.
    fn is_over(&self, direction: Direction) -> bool {
        self.side(direction).is_ended
            || match direction {
                Direction::ToServer => {
                    matches!(self.progress, Progress::RequestComplete | Progress::Closed)
                }
                Direction::ToClient => self.progress >= Progress::ResponseComplete,
            }
    }

    fn once<'a>(&self, direction: Direction, value: Option<&'a [u8]>) -> BufferView<'a> {
        match value {
            _ if !self.is_visible(direction) => BufferView::Pending,
            Some(value) => BufferView::Complete(value),
            None if self.is_over(direction) => BufferView::Absent,
            None => BufferView::Pending,
        }
    }

    fn header(&self, direction: Direction, name: &[u8]) -> BufferView<'_> {
        self.once(direction, self.side(direction).headers.value(name))
    }

    /// A block of all fields: `growing` until nothing more comes, and `whole` then.
    fn block<'a>(
        &self,
        direction: Direction,
        growing: &'a [u8],
        whole: &'a [u8],
    ) -> BufferView<'a> {
        match self.once(direction, (!growing.is_empty()).then_some(whole)) {
            BufferView::Complete(_) if !self.is_over(direction) => BufferView::Growing(growing),
            view => view,
        }
    }

    fn single<'a>(&self, direction: Direction, value: Option<&'a [u8]>) -> BufferView<'a> {
        match value {
            Some(value) => BufferView::Complete(value),
            None if self.is_complete(direction) => BufferView::Absent,
            None => BufferView::Pending,
        }
    }

    fn body(&self, direction: Direction) -> BufferView<'_> {
        let side = self.side(direction);
        let stage = if self.is_over(direction) {
            Stage::Complete
        } else {
            Stage::Body
        };
        side.body.view(stage, limits::HTTP2_BODY_INSPECT_BYTES_MIN)
    }

    fn request_buffer(&self, buffer: Buffer, index: usize) -> BufferView<'_> {
        let direction = Direction::ToServer;
        let side = self.side(direction);
        match buffer {
            Buffer::HttpUri | Buffer::HttpUriRaw => self.header(direction, b":path"),
            Buffer::HttpMethod => self.header(direction, b":method"),
            Buffer::HttpRequestLine => self.once(direction, Some(&side.line)),
            Buffer::HttpRequestBody => self.body(direction),
            Buffer::FileData if index == 0 => self.body(direction),
            Buffer::HttpHost => self.once(direction, side.host.as_deref()),
            Buffer::HttpHostRaw => self.header(direction, b":authority"),
            Buffer::HttpCookie => self.header(direction, b"cookie"),
            Buffer::HttpUserAgent => self.header(direction, b"user-agent"),
            Buffer::HttpAccept => self.header(direction, b"accept"),
            Buffer::HttpAcceptEncoding => self.header(direction, b"accept-encoding"),
            Buffer::HttpAcceptLanguage => self.header(direction, b"accept-language"),
            Buffer::HttpReferer => self.header(direction, b"referer"),
            Buffer::HttpRequestHeader => {
                self.single(direction, side.headers.lines.get(index).map(Vec::as_slice))
            }
            other => self.common(other, direction, index),
        }
    }

    fn response_buffer(&self, buffer: Buffer, index: usize) -> BufferView<'_> {
        let direction = Direction::ToClient;
        let side = self.side(direction);
        match buffer {
            Buffer::HttpStatusCode => self.header(direction, b":status"),
            // HTTP/2 has no reason phrase; the reference's buffer is there, and empty.
            Buffer::HttpStatusMessage => self.once(direction, Some(b"")),
            Buffer::HttpResponseLine => self.once(direction, Some(&side.line)),
            Buffer::HttpResponseBody => self.body(direction),
            Buffer::FileData if index == 0 => self.body(direction),
            Buffer::HttpCookie => self.header(direction, b"set-cookie"),
            Buffer::HttpServer => self.header(direction, b"server"),
            Buffer::HttpLocation => self.header(direction, b"location"),
            Buffer::HttpResponseHeader => {
                self.single(direction, side.headers.lines.get(index).map(Vec::as_slice))
            }
            other => self.common(other, direction, index),
        }
    }

    /// Buffers that both sides have.
    fn common(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        let headers = &self.side(direction).headers;
        match buffer {
            Buffer::HttpHeader => self.block(direction, &headers.normal, &headers.normal),
            Buffer::HttpHeaderRaw => self.block(direction, &headers.raw, &headers.raw),
            Buffer::HttpHeaderNames => self.block(direction, &headers.names, &headers.names_closed),
            Buffer::HttpProtocol => self.once(direction, Some(b"HTTP/2")),
            Buffer::HttpConnection => self.header(direction, b"connection"),
            Buffer::HttpContentLength => self.header(direction, b"content-length"),
            Buffer::HttpContentType => self.header(direction, b"content-type"),
            Buffer::Http2HeaderName => self.single(direction, headers.name(index)),
            _ => BufferView::Absent,
        }
    }
}

/// `bytes 0-3/10`, `bytes 0-3/*` or `bytes */10` (RFC 9110, section 14.4).
fn is_content_range(value: &[u8]) -> bool {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let Some((range, size)) = std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.strip_prefix("bytes"))
        .and_then(|rest| rest.trim_start_matches(' ').split_once('/'))
    else {
        return false;
    };
    let is_range = range
        .split_once('-')
        .is_some_and(|(first, last)| is_number(first) && is_number(last));
    match range {
        "*" => is_number(size),
        _ => is_range && (size == "*" || is_number(size)),
    }
}

/// `content-encoding` of HTTP/2 names one coding; anything else leaves the body as it is.
fn coding_of(value: &[u8]) -> Codings {
    let mut codings = Codings::default();
    let format = match value {
        b"gzip" => Some(Format::Gzip),
        b"deflate" => Some(Format::Deflate),
        b"br" => Some(Format::Brotli),
        _ => None,
    };
    if let Some(format) = format {
        codings.layers.push(format).ok();
    }
    codings
}

impl Transaction for Http2Transaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if index > 0 && !buffer.info().multiple {
            return BufferView::Absent;
        }
        match direction {
            Direction::ToServer => self.request_buffer(buffer, index),
            Direction::ToClient => self.response_buffer(buffer, index),
        }
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        let side = self.side(direction);
        match field {
            // A body is a file, and one without a name.
            TransactionField::FilePresent => {
                return (index == 0 && side.has_data).then_some(1);
            }
            TransactionField::FileSize | TransactionField::FileSizeAtLeast => {
                let is_whole = matches!(self.body(direction), BufferView::Complete(_));
                return (index == 0 && is_whole).then(|| side.body.file_size(field))?;
            }
            _ => {}
        }
        side.numbers
            .iter()
            .filter(|(held, _)| *held == field)
            .nth(index)
            .map(|(_, value)| *value)
    }

    fn fields_may_grow(&self) -> bool {
        true
    }

    /// The reference looks for patterns in single fields as long as a stream is open, and once more when it has gone on.
    fn is_scan_over(&self, buffer: Buffer, _: Direction) -> bool {
        matches!(
            buffer,
            Buffer::HttpRequestHeader | Buffer::HttpResponseHeader | Buffer::Http2HeaderName
        ) && self.progress > Progress::Open
    }

    fn progress(&self, _: Direction) -> u32 {
        self.steps
    }

    fn is_complete(&self, direction: Direction) -> bool {
        self.progress == Progress::Closed || self.side(direction).is_ended
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        let request = &self.side(Direction::ToServer).headers;
        let response = &self.side(Direction::ToClient).headers;
        let values = [
            (
                FactKind::HttpHost,
                self.side(Direction::ToServer).host.as_deref(),
            ),
            (FactKind::HttpUri, request.value(b":path")),
            (FactKind::HttpMethod, request.value(b":method")),
            (FactKind::HttpUserAgent, request.value(b"user-agent")),
            (FactKind::HttpReferer, request.value(b"referer")),
            (FactKind::HttpStatus, response.value(b":status")),
            (FactKind::HttpContentType, response.value(b"content-type")),
        ];
        for (kind, value) in values {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                facts.push((kind, value.to_vec()));
            }
        }
    }
}
