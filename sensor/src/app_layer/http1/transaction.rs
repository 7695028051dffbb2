//! One request with its response, and the buffers rules see of them.

use lapwing_rules::model::Buffer;

use super::{
    body::Body,
    disposition,
    headers::{HeaderBuffers, Headers},
    multipart::Part,
    text::{self, Version},
    uri,
};
use crate::{
    app_layer::{
        BufferView, FactKind, Transaction, TransactionField, UpgradedRequest, limits,
        transactions::Events,
    },
    direction::Direction,
};

/// The target of a request that was never seen.
pub(super) const TARGET_NOT_SEEN: &[u8] = b"/libhtp::request_uri_not_seen";

/// How far one message has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::app_layer) enum Stage {
    /// Waiting for its first line.
    #[default]
    Line,
    Headers,
    Body,
    Trailer,
    Complete,
}

/// What requests and responses have in common.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) stage: Stage,
    steps: u32,
    pub(super) line: Vec<u8>,
    pub(super) version: Option<Version>,
    pub(super) protocol: Option<Vec<u8>>,
    pub(super) headers: Headers,
    pub(super) raw_headers: Vec<u8>,
    buffers: HeaderBuffers,
    pub(super) body: Body,
}

impl Message {
    /// Goes on to `stage`.
    pub(super) fn advance(&mut self, stage: Stage) {
        self.stage = stage;
        self.step();
        if stage == Stage::Complete {
            self.body.finish();
        }
    }

    /// Notes that a buffer may have changed.
    pub(super) fn step(&mut self) {
        self.steps = self.steps.wrapping_add(1);
    }

    /// All headers are known: builds what rules see of them.
    pub(super) fn finish_headers(&mut self, cookie_name: &[u8]) {
        self.buffers = HeaderBuffers::build(&self.line, &self.headers, cookie_name);
    }

    /// The headers cannot be right: as in the reference their blocks are not looked at.
    pub(super) fn hide_header_blocks(&mut self) {
        self.raw_headers.clear();
        self.buffers.hide_blocks();
    }

    fn held_bytes(&self) -> usize {
        self.line.capacity()
            + self.protocol.as_ref().map_or(0, Vec::capacity)
            + self.headers.held_bytes()
            + self.raw_headers.capacity()
            + self.buffers.held_bytes()
            + self.body.held_bytes()
    }

    /// A field's value: there once its line is, though more of that name may still come.
    fn header(&self, name: &[u8]) -> BufferView<'_> {
        let value = self.headers.value(name);
        match (self.stage, value) {
            (Stage::Headers, Some(value)) => BufferView::Growing(value),
            _ => self.once(Stage::Headers, value),
        }
    }

    /// A value that is known behind `stage`.
    fn once<'a>(&self, stage: Stage, value: Option<&'a [u8]>) -> BufferView<'a> {
        if self.stage <= stage {
            return BufferView::Pending;
        }
        value.map_or(BufferView::Absent, BufferView::Complete)
    }

    fn block<'a>(&self, bytes: &'a [u8]) -> BufferView<'a> {
        self.once(Stage::Headers, (!bytes.is_empty()).then_some(bytes))
    }

    /// Buffers that both kinds of message have.
    fn common(&self, buffer: Buffer, index: usize) -> BufferView<'_> {
        match buffer {
            Buffer::HttpHeader => self.block(&self.buffers.normal),
            Buffer::HttpHeaderRaw => self.block(&self.raw_headers),
            Buffer::HttpHeaderNames if self.headers.at(0).is_some() => {
                self.block(&self.buffers.names)
            }
            Buffer::HttpHeaderNames => self.once(Stage::Headers, None),
            Buffer::HttpStart => self.block(&self.buffers.start),
            Buffer::HttpProtocol => self.once(Stage::Line, self.protocol.as_deref()),
            Buffer::HttpConnection => self.header(b"connection"),
            Buffer::HttpContentLength => self.header(b"content-length"),
            Buffer::HttpContentType => self.header(b"content-type"),
            Buffer::HttpRequestHeader | Buffer::HttpResponseHeader => self.once(
                Stage::Headers,
                self.buffers.single.get(index).map(Vec::as_slice),
            ),
            _ => BufferView::Absent,
        }
    }
}

/// One request with its response.
#[derive(Debug, Default)]
pub(super) struct Http1Transaction {
    pub(super) request: Message,
    pub(super) response: Message,
    pub(super) method: Vec<u8>,
    pub(super) target: Option<Vec<u8>>,
    pub(super) normal_uri: Option<Vec<u8>>,
    pub(super) host: Option<Vec<u8>>,
    /// The port that the target names.
    pub(super) target_port: Option<u16>,
    pub(super) host_raw: Option<Vec<u8>>,
    pub(super) status: Option<Vec<u8>>,
    pub(super) status_message: Option<Vec<u8>>,
    pub(super) continue_seen: bool,
    /// Files of a multipart request body.
    pub(super) parts: Vec<Part>,
    pub(super) events: Events,
}

impl Http1Transaction {
    /// For a response without a request.
    pub(super) fn without_request() -> Self {
        let mut transaction = Self {
            target: Some(TARGET_NOT_SEEN.to_vec()),
            ..Self::default()
        };
        transaction.request.advance(Stage::Complete);
        transaction
            .events
            .add("unable_to_match_response_to_request");
        transaction
    }

    /// Its target names the host: normal, whatever way it is asked for.
    pub(super) fn name_host(&mut self, host: &[u8]) {
        let host = uri::normal_host(&text::percent_decoded(host));
        self.host_raw = Some(host.clone());
        self.host = Some(host);
    }

    /// The status code, where it is one.
    pub(super) fn status_number(&self) -> Option<u16> {
        let number = text::decimal(text::trim(self.status.as_deref()?))?;
        u16::try_from(number)
            .ok()
            .filter(|number| (100..=999).contains(number))
    }

    /// What the parser of HTTP/2 has to know of a request that it answers.
    pub(super) fn as_upgraded_request(&self) -> UpgradedRequest {
        UpgradedRequest {
            method: self.method.clone(),
            target: self.target.clone().unwrap_or_default(),
            headers: self
                .request
                .headers
                .iter()
                .map(|field| (field.name.clone(), field.value.clone()))
                .collect(),
        }
    }

    pub(super) fn message(&mut self, direction: Direction) -> &mut Message {
        match direction {
            Direction::ToServer => &mut self.request,
            Direction::ToClient => &mut self.response,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        let texts = [
            Some(&self.method),
            self.target.as_ref(),
            self.normal_uri.as_ref(),
            self.host.as_ref(),
            self.host_raw.as_ref(),
            self.status.as_ref(),
            self.status_message.as_ref(),
        ];
        size_of::<Self>()
            + texts
                .into_iter()
                .flatten()
                .map(Vec::capacity)
                .sum::<usize>()
            + self
                .parts
                .iter()
                .map(|part| part.name.capacity() + size_of::<Part>())
                .sum::<usize>()
            + self.request.held_bytes()
            + self.response.held_bytes()
    }

    fn is_upload(&self) -> bool {
        matches!(&self.method[..], b"POST" | b"PUT")
    }

    fn request_file(&self, index: usize) -> BufferView<'_> {
        if !self.parts.is_empty() {
            return match self.parts.get(index) {
                Some(part) => BufferView::Complete(&self.request.body.bytes()[part.range.clone()]),
                None => BufferView::Absent,
            };
        }
        let multipart = self
            .request
            .headers
            .value(b"content-type")
            .and_then(super::multipart::boundary)
            .is_some();
        match self.request.stage {
            Stage::Complete if multipart => BufferView::Absent,
            Stage::Complete | Stage::Body | Stage::Trailer
                if self.is_upload() && !multipart && index == 0 =>
            {
                self.request_body()
            }
            Stage::Complete => BufferView::Absent,
            _ if index > 0 => BufferView::Absent,
            _ => BufferView::Pending,
        }
    }

    fn request_body(&self) -> BufferView<'_> {
        self.request.body.view(
            self.request.stage,
            limits::HTTP_REQUEST_BODY_INSPECT_BYTES_MIN,
        )
    }

    fn response_body(&self) -> BufferView<'_> {
        self.response.body.view(
            self.response.stage,
            limits::HTTP_RESPONSE_BODY_INSPECT_BYTES_MIN,
        )
    }

    fn file_name(&self, direction: Direction, index: usize) -> BufferView<'_> {
        let path = self
            .normal_uri
            .as_deref()
            .or(self.target.as_deref())
            .map(|uri| uri::split(uri).path.unwrap_or_default());
        match direction {
            Direction::ToServer => match self.parts.get(index) {
                Some(part) => BufferView::Complete(&part.name),
                None if self.request.stage != Stage::Complete => BufferView::Pending,
                None if self.is_upload() && index == 0 && !self.request.body.bytes().is_empty() => {
                    path.map_or(BufferView::Absent, BufferView::Complete)
                }
                None => BufferView::Absent,
            },
            Direction::ToClient if index == 0 && !self.response.body.bytes().is_empty() => {
                let disposition = self.response.headers.value(b"content-disposition");
                disposition
                    .and_then(disposition::file_name)
                    .or(path)
                    .map_or(BufferView::Absent, BufferView::Complete)
            }
            Direction::ToClient if self.response.stage == Stage::Complete || index > 0 => {
                BufferView::Absent
            }
            Direction::ToClient => BufferView::Pending,
        }
    }

    fn request_buffer(&self, buffer: Buffer, index: usize) -> BufferView<'_> {
        let request = &self.request;
        match buffer {
            Buffer::HttpUri => request.once(Stage::Line, self.normal_uri.as_deref()),
            Buffer::HttpUriRaw => request.once(Stage::Line, self.target.as_deref()),
            Buffer::HttpMethod => request.once(
                Stage::Line,
                Some(&self.method)
                    .filter(|method| !method.is_empty())
                    .map(Vec::as_slice),
            ),
            Buffer::HttpRequestLine => request.once(
                Stage::Line,
                Some(&request.line[..]).filter(|line| !line.is_empty()),
            ),
            Buffer::HttpRequestBody => self.request_body(),
            Buffer::FileData => self.request_file(index),
            Buffer::FileName => self.file_name(Direction::ToServer, index),
            Buffer::HttpHost => request.once(Stage::Headers, self.host.as_deref()),
            Buffer::HttpHostRaw => match self.host_raw.as_deref() {
                Some(host) => request.once(Stage::Headers, Some(host)),
                None => request.header(b"host"),
            },
            Buffer::HttpCookie => request.header(b"cookie"),
            Buffer::HttpUserAgent => request.header(b"user-agent"),
            Buffer::HttpAccept => request.header(b"accept"),
            Buffer::HttpAcceptEncoding => request.header(b"accept-encoding"),
            Buffer::HttpAcceptLanguage => request.header(b"accept-language"),
            Buffer::HttpReferer => request.header(b"referer"),
            Buffer::HttpResponseHeader => BufferView::Absent,
            other => request.common(other, index),
        }
    }

    fn response_buffer(&self, buffer: Buffer, index: usize) -> BufferView<'_> {
        let response = &self.response;
        match buffer {
            Buffer::HttpStatusCode => response.once(Stage::Line, self.status.as_deref()),
            Buffer::HttpStatusMessage => response.once(Stage::Line, self.status_message.as_deref()),
            Buffer::HttpResponseLine => response.once(
                Stage::Line,
                Some(&response.line[..]).filter(|line| !line.is_empty()),
            ),
            Buffer::HttpResponseBody => self.response_body(),
            Buffer::FileData if index == 0 => self.response_body(),
            Buffer::FileName => self.file_name(Direction::ToClient, index),
            Buffer::HttpCookie => response.header(b"set-cookie"),
            Buffer::HttpServer => response.header(b"server"),
            Buffer::HttpLocation => response.header(b"location"),
            Buffer::HttpRequestHeader => BufferView::Absent,
            other => response.common(other, index),
        }
    }
}

impl Transaction for Http1Transaction {
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
        let (data, name) = match direction {
            Direction::ToServer => (self.request_file(index), self.file_name(direction, index)),
            Direction::ToClient if index == 0 => {
                (self.response_body(), self.file_name(direction, index))
            }
            Direction::ToClient => return None,
        };
        if !matches!(name, BufferView::Complete(_)) {
            return None;
        }
        let body = match direction {
            Direction::ToServer => &self.request.body,
            Direction::ToClient => &self.response.body,
        };
        match (field, data) {
            (TransactionField::FilePresent, _) => Some(1),
            // A part of a body that was cut is whole all the same if something follows it.
            (TransactionField::FileSize, BufferView::Complete(bytes))
                if self.parts.len() > index + 1 =>
            {
                u64::try_from(bytes.len()).ok()
            }
            (TransactionField::FileSize, BufferView::Complete(bytes)) => {
                body.file_size(field).and(u64::try_from(bytes.len()).ok())
            }
            (field, BufferView::Complete(_)) => body.file_size(field),
            _ => None,
        }
    }

    fn progress(&self, direction: Direction) -> u32 {
        match direction {
            Direction::ToServer => self.request.steps,
            Direction::ToClient => self.response.steps,
        }
    }

    fn is_complete(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToServer => self.request.stage == Stage::Complete,
            Direction::ToClient => self.response.stage == Stage::Complete,
        }
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        let headers = &self.request.headers;
        let values = [
            (FactKind::HttpHost, self.host.as_deref()),
            (FactKind::HttpUri, self.target.as_deref()),
            (FactKind::HttpMethod, Some(&self.method[..])),
            (FactKind::HttpUserAgent, headers.value(b"user-agent")),
            (FactKind::HttpReferer, headers.value(b"referer")),
            (FactKind::HttpStatus, self.status.as_deref()),
            (
                FactKind::HttpContentType,
                self.response.headers.value(b"content-type"),
            ),
        ];
        for (kind, value) in values {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                facts.push((kind, value.to_vec()));
            }
        }
        for part in &self.parts {
            facts.push((FactKind::FileName, part.name.clone()));
        }
    }
}
