//! Frames of both directions to streams.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use lapwing_rules::model::{AppProtocol, HeaderField};

use super::{
    frame::{self, FRAME_HEADER_BYTES, FrameHeader, PREFACE, kind},
    hpack::{Block, Field, HpackDecoder},
    transaction::{Http2Transaction, Progress},
};
use crate::{
    app_layer::{
        Feed, Parser, TransactionStore, UpgradedRequest, limits, transactions::Transactions,
    },
    direction::Direction,
};

/// SETTINGS_HEADER_TABLE_SIZE (RFC 9113, section 6.5.2).
const SETTING_HEADER_TABLE_SIZE: u16 = 1;
/// Bytes of an error code, of a window increment, of a promised stream's number.
const NUMBER_BYTES: usize = 4;

/// HTTP/2 of one connection.
#[derive(Debug)]
pub(in crate::app_layer) struct Http2Parser {
    transactions: Transactions<Http2Transaction>,
    sides: [Side; 2],
    /// The client's preface has not come yet.
    is_preface_due: bool,
    is_ended: bool,
}

impl Default for Http2Parser {
    fn default() -> Self {
        Self {
            transactions: Transactions::default(),
            sides: Default::default(),
            is_preface_due: true,
            is_ended: false,
        }
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    /// Bytes of a frame that is not complete.
    pending: Vec<u8>,
    /// Payload bytes of a too long frame that are still to be passed over.
    passing_over: usize,
    headers: HpackDecoder,
    open_block: Option<OpenBlock>,
}

/// A header block whose CONTINUATION is still to come.
#[derive(Debug)]
struct OpenBlock {
    /// The stream that its frames name.
    frame_stream: u32,
    /// The transaction whose fields they are: another one where they are of a promise.
    number: u64,
    bytes: Vec<u8>,
}

impl Http2Parser {
    /// Behind an upgrade (RFC 7540, section 3.2): the request that asked for it is stream 1, and its client is done.
    pub(in crate::app_layer) fn after_upgrade(request: &UpgradedRequest) -> Self {
        let mut parser = Self::default();
        let mut fields = vec![
            field(b":method", &request.method),
            field(b":path", &request.target),
        ];
        fields.extend(request.headers.iter().map(|(name, value)| {
            match name.eq_ignore_ascii_case(b"host") {
                true => field(b":authority", value),
                false => field(name, value),
            }
        }));
        let number = parser.transactions.push(Http2Transaction::new(1));
        if let Some(transaction) = parser.transactions.get_mut(number) {
            transaction.add_headers(Direction::ToServer, &fields);
            transaction.progress = Progress::RequestComplete;
        }
        let settings = request
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(b"http2-settings"));
        if let Some((_, settings)) = settings {
            parser.settings_of_upgrade(settings);
        }
        parser
    }

    /// `HTTP2-Settings` holds what the payload of a SETTINGS frame would, in the alphabet of URLs or the usual one.
    fn settings_of_upgrade(&mut self, value: &[u8]) {
        let decoded = URL_SAFE_NO_PAD
            .decode(value)
            .or_else(|_| STANDARD_NO_PAD.decode(value));
        match decoded {
            Ok(payload) if payload.len().is_multiple_of(frame::SETTING_BYTES) => {
                let number = self.transactions.push(Http2Transaction::new(0));
                let direction = Direction::ToServer;
                self.note(
                    direction,
                    number,
                    HeaderField::Http2FrameType,
                    kind::SETTINGS.into(),
                );
                self.settings(direction, number, &payload);
            }
            _ => self.connection_event("invalid_http1_settings"),
        }
    }

    /// Runs over `bytes` as far as whole frames go; gives how many were taken.
    fn run(&mut self, direction: Direction, bytes: &[u8]) -> usize {
        let mut taken = 0;
        if direction == Direction::ToServer && self.is_preface_due {
            let Some(first) = bytes.get(..PREFACE.len()) else {
                return 0;
            };
            self.is_preface_due = false;
            if first == PREFACE {
                taken = PREFACE.len();
            } else {
                self.connection_event("invalid_client_magic");
            }
        }
        loop {
            let rest = &bytes[taken..];
            let passing_over = &mut self.sides[direction.index()].passing_over;
            let passed = (*passing_over).min(rest.len());
            *passing_over -= passed;
            taken += passed;
            let rest = &rest[passed..];
            let Some(header) = FrameHeader::parse(rest) else {
                return taken;
            };
            let payload = &rest[FRAME_HEADER_BYTES..];
            let is_too_long = header.payload_bytes > limits::HTTP2_FRAME_BYTES_MAX;
            let wanted = if is_too_long {
                limits::HTTP2_LONG_FRAME_READ_BYTES
            } else {
                header.payload_bytes
            };
            let Some(payload) = payload.get(..wanted) else {
                return taken;
            };
            if is_too_long {
                self.sides[direction.index()].passing_over = header.payload_bytes - wanted;
                self.connection_event("long_frame_data");
            }
            taken += FRAME_HEADER_BYTES + wanted;
            self.frame(direction, &header, payload);
        }
    }

    /// Something odd outside of any frame: told with the newest transaction.
    fn connection_event(&mut self, event: &'static str) {
        if let Some(newest) = self.transactions.newest_mut() {
            newest.events.add(event);
            newest.step();
        }
    }

    fn frame(&mut self, direction: Direction, header: &FrameHeader, payload: &[u8]) {
        if header.kind == kind::SETTINGS && payload.is_empty() {
            // An acknowledgement.
            return;
        }
        let Some(body) = self.contents(header, payload) else {
            let number = self.transaction_of(header, header.stream);
            self.tell(direction, number, header, Some("invalid_frame_data"));
            return;
        };
        match header.kind {
            kind::DATA => self.data(direction, header, body),
            kind::HEADERS => self.headers(direction, header, body),
            kind::PUSH_PROMISE => self.push_promise(direction, header, body),
            kind::CONTINUATION => self.continuation(direction, header, body),
            _ => self.control(direction, header, body),
        }
    }

    /// The payload without padding, where a frame may have it.
    fn contents<'a>(&self, header: &FrameHeader, payload: &'a [u8]) -> Option<&'a [u8]> {
        match header.kind {
            kind::DATA | kind::HEADERS | kind::PUSH_PROMISE => header.unpadded(payload),
            _ => Some(payload),
        }
    }

    /// The transaction of a stream, newest first; a new one where there is none or the frame is of the connection.
    fn transaction_of(&mut self, header: &FrameHeader, stream: u32) -> u64 {
        let held = self
            .transactions
            .numbers()
            .rev()
            .filter(|_| header.stream != 0)
            .find(|number| {
                self.transactions
                    .get(*number)
                    .is_some_and(|transaction| transaction.stream == stream)
            });
        let Some(number) = held else {
            let stream = if header.stream == 0 { 0 } else { stream };
            let number = self.transactions.push(Http2Transaction::new(stream));
            if self.transactions.dropped() == limits::HTTP2_STREAMS_MAX {
                self.connection_event("too_many_streams");
            }
            return number;
        };
        let may_come_late = matches!(
            header.kind,
            kind::RST_STREAM | kind::WINDOW_UPDATE | kind::PRIORITY
        );
        if let Some(transaction) = self.transactions.get_mut(number)
            && transaction.progress == Progress::Closed
            && !may_come_late
        {
            transaction.events.add("stream_id_reuse");
        }
        number
    }

    /// Notes a frame with its transaction.
    fn tell(
        &mut self,
        direction: Direction,
        number: u64,
        header: &FrameHeader,
        event: Option<&'static str>,
    ) {
        if let Some(transaction) = self.transactions.get_mut(number) {
            transaction.note(direction, HeaderField::Http2FrameType, header.kind.into());
            if let Some(event) = event {
                transaction.events.add(event);
            }
            transaction.step();
        }
    }

    fn note(&mut self, direction: Direction, number: u64, field: HeaderField, value: u64) {
        if let Some(transaction) = self.transactions.get_mut(number) {
            transaction.note(direction, field, value);
        }
    }

    fn data(&mut self, direction: Direction, header: &FrameHeader, body: &[u8]) {
        let number = self.transaction_of(header, header.stream);
        self.tell(direction, number, header, None);
        if let Some(transaction) = self.transactions.get_mut(number) {
            transaction.advance(direction, header, true);
            transaction.push_body(direction, body);
        }
    }

    fn headers(&mut self, direction: Direction, header: &FrameHeader, body: &[u8]) {
        let number = self.transaction_of(header, header.stream);
        let Some((weight, block)) = header.split_priority(body) else {
            self.tell(direction, number, header, Some("invalid_frame_data"));
            return;
        };
        self.tell(direction, number, header, None);
        if let Some(weight) = weight {
            self.note(direction, number, HeaderField::Http2Priority, weight.into());
        }
        if let Some(transaction) = self.transactions.get_mut(number) {
            transaction.begin_headers(direction);
            transaction.advance(direction, header, false);
        }
        self.block(direction, header, number, block);
    }

    fn push_promise(&mut self, direction: Direction, header: &FrameHeader, body: &[u8]) {
        let Some(promised) = frame::number_of_31_bits(body) else {
            let number = self.transaction_of(header, header.stream);
            self.tell(direction, number, header, Some("invalid_frame_data"));
            return;
        };
        let number = self.transaction_of(header, promised);
        self.tell(direction, number, header, None);
        if let Some(transaction) = self.transactions.get_mut(number)
            && direction == Direction::ToClient
        {
            transaction.begin_headers(direction);
            transaction.progress = Progress::Reserved;
        }
        self.block(direction, header, number, &body[NUMBER_BYTES..]);
    }

    fn continuation(&mut self, direction: Direction, header: &FrameHeader, body: &[u8]) {
        let open = &mut self.sides[direction.index()].open_block;
        let number = match open
            .as_ref()
            .filter(|open| open.frame_stream == header.stream)
        {
            Some(open) => open.number,
            None => {
                *open = None;
                self.transaction_of(header, header.stream)
            }
        };
        self.tell(direction, number, header, None);
        self.block(direction, header, number, body);
    }

    /// A piece of a header block; the last one has it decoded as a whole.
    fn block(&mut self, direction: Direction, header: &FrameHeader, number: u64, piece: &[u8]) {
        let side = &mut self.sides[direction.index()];
        let mut open = side.open_block.take().unwrap_or_else(|| OpenBlock {
            frame_stream: header.stream,
            number,
            bytes: Vec::new(),
        });
        if open.number != number {
            // A frame of another stream came between: the block will never be whole.
            open = OpenBlock {
                frame_stream: header.stream,
                number,
                bytes: Vec::new(),
            };
        }
        if open.bytes.len() + piece.len() > limits::HTTP2_HEADER_BLOCK_BYTES_MAX {
            if let Some(transaction) = self.transactions.get_mut(number) {
                transaction.events.add("reassembly_limit_reached");
                transaction.step();
            }
            return;
        }
        open.bytes.extend_from_slice(piece);
        if !header.ends_headers() {
            side.open_block = Some(open);
            return;
        }
        let block = side.headers.decode(&open.bytes);
        self.decoded(direction, number, &block);
    }

    fn decoded(&mut self, direction: Direction, number: u64, block: &Block) {
        let Some(transaction) = self.transactions.get_mut(number) else {
            return;
        };
        for (is_raised, event) in [
            (block.has_invalid_field, "invalid_header"),
            (block.has_integer_overflow, "header_integer_overflow"),
            (block.is_truncated, "invalid_frame_data"),
        ] {
            if is_raised {
                transaction.events.add(event);
            }
        }
        for size in &block.size_updates {
            transaction.note(direction, HeaderField::Http2SizeUpdate, *size);
        }
        transaction.add_headers(direction, &block.fields);
    }

    /// Frames that carry numbers only, and those of unknown types.
    fn control(&mut self, direction: Direction, header: &FrameHeader, payload: &[u8]) {
        let number = self.transaction_of(header, header.stream);
        let is_of_wrong_length = match header.kind {
            kind::PRIORITY => payload.len() != frame::PRIORITY_BYTES,
            kind::RST_STREAM | kind::WINDOW_UPDATE => payload.len() != NUMBER_BYTES,
            kind::GOAWAY => payload.len() < 2 * NUMBER_BYTES,
            _ => false,
        };
        if is_of_wrong_length {
            self.tell(direction, number, header, Some("invalid_frame_length"));
            return;
        }
        self.tell(direction, number, header, None);
        let value = match header.kind {
            kind::PRIORITY => {
                frame::weight(payload).map(|weight| (HeaderField::Http2Priority, u64::from(weight)))
            }
            kind::RST_STREAM => frame::error_code(payload)
                .map(|code| (HeaderField::Http2ErrorCode, u64::from(code))),
            kind::GOAWAY => frame::error_code(&payload[NUMBER_BYTES..])
                .map(|code| (HeaderField::Http2ErrorCode, u64::from(code))),
            kind::WINDOW_UPDATE => frame::number_of_31_bits(payload)
                .map(|size| (HeaderField::Http2Window, u64::from(size))),
            _ => None,
        };
        if let Some((field, value)) = value {
            self.note(direction, number, field, value);
        }
        match header.kind {
            kind::SETTINGS => self.settings(direction, number, payload),
            kind::RST_STREAM => {
                if let Some(transaction) = self.transactions.get_mut(number) {
                    for direction in Direction::BOTH {
                        transaction.end(direction);
                    }
                }
            }
            _ => {}
        }
    }

    fn settings(&mut self, direction: Direction, number: u64, payload: &[u8]) {
        for (identifier, value) in frame::settings(payload) {
            if identifier == SETTING_HEADER_TABLE_SIZE {
                // What a side accepts is what the other side's encoder may use.
                self.sides[direction.opposite().index()]
                    .headers
                    .resize(value.into());
            }
            if let Some(field) = setting_field(identifier) {
                self.note(direction, number, field, value.into());
            }
        }
    }
}

/// The number rules compare for a setting (RFC 9113, section 6.5.2).
fn setting_field(identifier: u16) -> Option<HeaderField> {
    Some(match identifier {
        SETTING_HEADER_TABLE_SIZE => HeaderField::Http2SettingHeaderTableSize,
        2 => HeaderField::Http2SettingEnablePush,
        3 => HeaderField::Http2SettingMaxConcurrentStreams,
        4 => HeaderField::Http2SettingInitialWindowSize,
        5 => HeaderField::Http2SettingMaxFrameSize,
        6 => HeaderField::Http2SettingMaxHeaderListSize,
        _ => return None,
    })
}

fn field(name: &[u8], value: &[u8]) -> Field {
    Field {
        name: name.to_vec(),
        value: value.to_vec(),
    }
}

impl Parser for Http2Parser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Http2
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if self.is_ended {
            return Feed::Stop;
        }
        let side = direction.index();
        let mut held = std::mem::take(&mut self.sides[side].pending);
        self.sides[side].pending = if held.is_empty() {
            let taken = self.run(direction, bytes);
            bytes[taken..].to_vec()
        } else {
            held.extend_from_slice(bytes);
            let taken = self.run(direction, &held);
            held.split_off(taken)
        };
        Feed::More
    }

    fn gap(&mut self, _: Direction, _: u64) -> Feed {
        // Without knowing where the next frame begins nothing can be read, and the header tables are out of step.
        for direction in Direction::BOTH {
            self.end(direction);
        }
        Feed::Stop
    }

    fn end(&mut self, direction: Direction) {
        self.is_ended = true;
        for transaction in self.transactions.iter_mut() {
            transaction.end(direction);
        }
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn held_bytes(&self) -> usize {
        let sides: usize = self
            .sides
            .iter()
            .map(|side| {
                side.pending.capacity()
                    + side.headers.held_bytes()
                    + side
                        .open_block
                        .as_ref()
                        .map_or(0, |block| block.bytes.capacity())
            })
            .sum();
        size_of::<Self>()
            + sides
            + self
                .transactions
                .iter()
                .map(Http2Transaction::held_bytes)
                .sum::<usize>()
    }
}
