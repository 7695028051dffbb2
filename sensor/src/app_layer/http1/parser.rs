//! Pairs requests with responses and feeds both readers.

use lapwing_rules::model::{AppProtocol, Frame};
use memchr::memchr;

use super::{
    request::{self, RequestReader, Step},
    request_line,
    response::{self, ResponseReader},
    text,
    transaction::{Http1Transaction, Stage},
};
use crate::{
    app_layer::{
        Feed, FrameId, FrameLog, Parser, TransactionStore, UpgradedRequest, limits,
        transactions::{Events, Transactions},
    },
    direction::Direction,
};

/// HTTP/1 of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct Http1Parser {
    transactions: Transactions<Http1Transaction>,
    requests: RequestReader,
    responses: ResponseReader,
    /// Bytes of a line that is not complete, per direction.
    pending: [Vec<u8>; 2],
    /// The request that is being read, or was read last.
    request: Option<u64>,
    /// The transaction whose response is being read, or comes next.
    response: u64,
    stopped: [bool; 2],
    /// The request read last is whole by its own framing, and more was fed behind it.
    is_behind_request: bool,
    /// A message made no sense: what it was is not known, nor what either side says from then on.
    failed: bool,
    upgraded: bool,
    /// Bytes came behind a message together with it that do not open the next one.
    #[cfg(test)]
    pub(super) had_bytes_behind: bool,
    frames: FrameLog,
    /// The frame of the message that is being read, per direction.
    frame: [Option<FrameId>; 2],
    /// The request that is answered in HTTP/2.
    upgraded_request: Option<UpgradedRequest>,
    /// Whether what follows an upgrade to WebSocket is read.
    reads_websocket: bool,
    /// The connection was handed over to WebSocket.
    is_websocket: bool,
}

impl Http1Parser {
    /// A parser that hands connections over to WebSocket, or leaves them there.
    pub(in crate::app_layer) fn new(reads_websocket: bool) -> Self {
        Self {
            reads_websocket,
            ..Self::default()
        }
    }

    fn stop(&mut self, direction: Direction) -> Feed {
        self.stopped[direction.index()] = true;
        self.pending[direction.index()] = Vec::new();
        Feed::Stop
    }

    /// Runs a direction's reader over `bytes` as far as they go; gives how many were taken.
    fn run(&mut self, direction: Direction, bytes: &[u8], at_end: bool) -> Result<usize, ()> {
        let mut taken = 0;
        while !self.upgraded && !self.stopped[direction.index()] {
            let rest = &bytes[taken..];
            let step = match direction {
                Direction::ToServer => self.step_request(rest, at_end),
                Direction::ToClient => self.step_response(rest, at_end),
            };
            match step {
                Step::Took(count) | Step::Completed(count) => {
                    taken += count;
                    self.close_frame(direction, &bytes[taken..]);
                }
                Step::NeedMore => break,
                Step::Failed => return Err(()),
            }
        }
        Ok(taken)
    }

    /// Ends the frame of a direction's message if that is complete; `rest` is what was fed behind it.
    fn close_frame(&mut self, direction: Direction, rest: &[u8]) {
        let Some(id) = self.frame[direction.index()] else {
            return;
        };
        let number = match direction {
            Direction::ToServer => self.request,
            Direction::ToClient => Some(self.response),
        };
        let is_open = number
            .and_then(|number| self.transactions.get_mut(number))
            .is_some_and(|transaction| transaction.message(direction).stage != Stage::Complete);
        if !is_open {
            self.frames.close(direction, Some(id), rest);
            self.frame[direction.index()] = None;
        }
    }

    fn step_request(&mut self, bytes: &[u8], at_end: bool) -> Step {
        if !self.requests.is_idle() {
            let Some(transaction) = self
                .request
                .and_then(|number| self.transactions.get_mut(number))
            else {
                return Step::Failed;
            };
            let step = self.requests.step(transaction, bytes, at_end);
            if let Step::Completed(count) = step {
                self.is_behind_request = self.requests.is_idle() && count < bytes.len();
            }
            return step;
        }
        if self.is_behind_request {
            return self.behind_request(bytes, at_end);
        }
        let line_bytes = match memchr(b'\n', bytes) {
            Some(end) => end + 1,
            None if at_end && !bytes.is_empty() => bytes.len(),
            None => return Step::NeedMore,
        };
        let line = &bytes[..line_bytes];
        if line.iter().all(|&byte| text::is_space(byte)) {
            return Step::Took(line_bytes);
        }
        let content = text::chomp(line);
        self.frame[0] = self
            .frames
            .open(Direction::ToServer, Frame::HttpRequest, bytes, None);
        let mut transaction = Http1Transaction::default();
        self.requests.begin(content, &mut transaction);
        if !line.ends_with(b"\n") {
            // What is odd about a line that the end of the stream cut is not told.
            transaction.events = Events::default();
        }
        self.request = Some(self.transactions.push(transaction));
        Step::Took(line_bytes)
    }

    /// Behind a complete request, as long as what was fed goes on: a known method opens the next one, any other line is still content of
    /// this one.
    fn behind_request(&mut self, bytes: &[u8], at_end: bool) -> Step {
        #[cfg(test)]
        {
            let line = bytes.split_inclusive(|&byte| byte == b'\n').next();
            self.had_bytes_behind |= !line.is_some_and(request_line::begins_with_method);
        }
        let line_bytes = match memchr(b'\n', bytes) {
            Some(end) => end + 1,
            None if at_end && !bytes.is_empty() => bytes.len(),
            None => return Step::NeedMore,
        };
        let Some(transaction) = self
            .request
            .and_then(|number| self.transactions.get_mut(number))
        else {
            return Step::Failed;
        };
        let line = &bytes[..line_bytes];
        let opens_next = request_line::begins_with_method(line);
        if !opens_next {
            if !at_end && !line.iter().all(|&byte| text::is_space(byte)) {
                transaction.events.add("request_body_unexpected");
            }
            request::push_body(transaction, line);
        }
        if opens_next || line_bytes == bytes.len() {
            self.requests.finish(transaction);
            self.is_behind_request = false;
        }
        Step::Took(if opens_next { 0 } else { line_bytes })
    }

    fn step_response(&mut self, bytes: &[u8], at_end: bool) -> Step {
        if bytes.is_empty() {
            return Step::NeedMore;
        }
        if self.responses.is_behind() {
            return self.behind_response(bytes, at_end);
        }
        if self.responses.is_idle() {
            self.match_response();
            if self.frame[1].is_none() {
                let frame = Frame::HttpResponse;
                self.frame[1] = self.frames.open(Direction::ToClient, frame, bytes, None);
            }
        }
        let number = self.response;
        let Some(transaction) = self.transactions.get_mut(number) else {
            return Step::Failed;
        };
        if self.request == Some(number) {
            self.requests.answer_begins(transaction);
        }
        let step = self.responses.step(transaction, bytes, at_end);
        if let Step::Completed(count) = step {
            self.response_complete(number);
            if count == bytes.len() && self.responses.is_behind() {
                self.leave_response(&[]);
            }
        }
        step
    }

    /// What comes from now on belongs to the next response.
    fn leave_response(&mut self, bytes: &[u8]) {
        self.complete_behind();
        self.close_frame(Direction::ToClient, bytes);
        self.responses.begin_next();
        self.response += 1;
    }

    /// Finds the transaction a new response belongs to; makes one where no request was seen.
    fn match_response(&mut self) {
        let numbers = self.transactions.numbers();
        self.response = self.response.max(numbers.start);
        if self.response >= numbers.end {
            self.response = self.transactions.push(Http1Transaction::without_request());
        }
    }

    /// Behind a complete response: a status line opens the next one, any other line is still content of this one.
    fn behind_response(&mut self, bytes: &[u8], at_end: bool) -> Step {
        #[cfg(test)]
        {
            let line = bytes.split_inclusive(|&byte| byte == b'\n').next();
            self.had_bytes_behind |= !line.is_some_and(text::looks_like_status_line);
        }
        let line_bytes = match memchr(b'\n', bytes) {
            Some(end) => end + 1,
            None if at_end => bytes.len(),
            None => return Step::NeedMore,
        };
        let opens_next = text::looks_like_status_line(&bytes[..line_bytes]);
        if !opens_next && let Some(transaction) = self.transactions.get_mut(self.response) {
            if !at_end {
                transaction.events.add("response_body_unexpected");
            }
            // Its coding ended with it: what is behind stays as it is, however it is cut.
            transaction.response.body.finish();
            response::push_body(transaction, &bytes[..line_bytes]);
        }
        if opens_next {
            self.leave_response(bytes);
            return Step::Took(0);
        }
        if line_bytes == bytes.len() {
            self.leave_response(&[]);
        }
        Step::Took(line_bytes)
    }

    /// A response that is whole by its own framing, and that nothing else will be added to for now.
    fn complete_behind(&mut self) {
        if self.responses.is_behind()
            && let Some(transaction) = self.transactions.get_mut(self.response)
            && transaction.response.stage != Stage::Complete
        {
            transaction.response.advance(Stage::Complete);
        }
    }

    fn response_complete(&mut self, number: u64) {
        let Some(transaction) = self.transactions.get_mut(number) else {
            return;
        };
        let status = transaction.status_number().unwrap_or(0);
        if transaction.method == b"CONNECT" && self.requests.is_tunnel() {
            if (200..300).contains(&status) {
                self.upgraded = true;
            } else {
                self.requests.leave_tunnel();
            }
        } else if status == 101 {
            let protocol = transaction.response.headers.value(b"upgrade");
            let is_to =
                |name: &[u8]| protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case(name));
            let to_http2 = is_to(b"h2c");
            self.is_websocket = self.reads_websocket && is_to(b"websocket");
            if to_http2 {
                self.upgraded_request = Some(transaction.as_upgraded_request());
            }
            self.upgraded = to_http2 || self.is_websocket;
            self.stopped = [!self.upgraded; 2];
        }
    }
}

impl Parser for Http1Parser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Http1
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        let side = direction.index();
        if self.stopped[side] {
            return Feed::Stop;
        }
        let mut held = std::mem::take(&mut self.pending[side]);
        let outcome = if held.is_empty() {
            self.run(direction, bytes, false)
                .map(|taken| bytes[taken..].to_vec())
        } else {
            held.extend_from_slice(bytes);
            self.run(direction, &held, false)
                .map(|taken| held.split_off(taken))
        };
        match outcome {
            Ok(rest) if rest.len() <= limits::HTTP_LINE_BYTES_MAX || self.upgraded => {
                self.pending[side] = rest;
                if self.upgraded {
                    Feed::Upgrade
                } else if self.stopped[side] {
                    self.stop(direction)
                } else {
                    Feed::More
                }
            }
            Ok(_) => {
                let number = match direction {
                    Direction::ToServer => self.request,
                    Direction::ToClient => Some(self.response),
                };
                if let Some(transaction) =
                    number.and_then(|number| self.transactions.get_mut(number))
                {
                    transaction.events.add(match direction {
                        Direction::ToServer => "request_field_too_long",
                        Direction::ToClient => "response_field_too_long",
                    });
                }
                self.stop(direction)
            }
            Err(()) => {
                self.failed = true;
                // However it was cut: bytes behind it that wait for their line end do not keep it open.
                self.complete_behind();
                self.stop(direction.opposite());
                self.stop(direction)
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing_bytes: u64) -> Feed {
        let side = direction.index();
        if self.stopped[side] {
            return Feed::Stop;
        }
        let fits = self.pending[side].is_empty()
            && match direction {
                Direction::ToServer => match self
                    .request
                    .and_then(|number| self.transactions.get_mut(number))
                {
                    Some(transaction) => self.requests.gap(transaction, missing_bytes),
                    None => false,
                },
                Direction::ToClient => match self.transactions.get_mut(self.response) {
                    Some(transaction) => self.responses.gap(transaction, missing_bytes),
                    None => false,
                },
            };
        if fits {
            Feed::More
        } else {
            self.stop(direction)
        }
    }

    fn end(&mut self, direction: Direction) {
        let side = direction.index();
        let mut ends_in_field = false;
        if !self.stopped[side] && !self.upgraded {
            let held = std::mem::take(&mut self.pending[side]);
            let taken = self.run(direction, &held, true);
            // As in the reference a response that ends within a line of its headers is never complete.
            ends_in_field = direction == Direction::ToClient
                && self.responses.is_in_headers()
                && taken.is_ok_and(|taken| taken < held.len());
        }
        match direction {
            _ if self.failed || ends_in_field => {}
            Direction::ToServer => {
                if let Some(number) = self.request
                    && let Some(transaction) = self.transactions.get_mut(number)
                    && transaction.request.stage != Stage::Complete
                {
                    self.requests.finish(transaction);
                }
            }
            Direction::ToClient => {
                if let Some(transaction) = self.transactions.get_mut(self.response)
                    && !matches!(transaction.response.stage, Stage::Complete | Stage::Line)
                {
                    self.responses.finish(transaction);
                }
            }
        }
        self.stop(direction);
        let frame = self.frame[side].take();
        self.frames.close(direction, frame, &[]);
        if self.failed {
            return;
        }
        let numbers = self.transactions.numbers();
        for (number, transaction) in numbers.zip(self.transactions.iter_mut()) {
            let message = transaction.message(direction);
            if message.stage != Stage::Complete && !(ends_in_field && number == self.response) {
                message.advance(Stage::Complete);
            }
        }
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn frames(&self) -> Option<&FrameLog> {
        Some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        Some(&mut self.frames)
    }

    fn upgraded_request(&self) -> Option<UpgradedRequest> {
        self.upgraded_request.clone()
    }

    fn successor(&self) -> Option<AppProtocol> {
        self.is_websocket.then_some(AppProtocol::Websocket)
    }

    fn take_unread(&mut self, direction: Direction) -> Vec<u8> {
        std::mem::take(&mut self.pending[direction.index()])
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self.pending.iter().map(Vec::capacity).sum::<usize>()
            + self
                .transactions
                .iter()
                .map(Http1Transaction::held_bytes)
                .sum::<usize>()
    }
}
