//! The record layer of one direction (RFC 8446, section 5): records to handshake messages.

use crate::app_layer::limits;

/// Content types (RFC 8446, section 5.1; heartbeat RFC 6520).
const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
pub(super) const HEARTBEAT: u8 = 24;

/// Bytes of a handshake message's header, and of a heartbeat's.
const HANDSHAKE_HEADER_BYTES: usize = 4;
const HEARTBEAT_HEADER_BYTES: usize = 3;
/// A first byte with one of these begins a header of SSLv2.
const OLD_HEADER_BITS: u8 = 0xc0;

/// Every type that the reference knows; another one is an event.
const KNOWN_MESSAGES: [u8; 13] = [0, 1, 2, 4, 11, 12, 13, 14, 15, 16, 20, 21, 22];

/// SSLv3 to TLS 1.3, and the drafts of that.
fn is_version(version: u16) -> bool {
    matches!(version, 0x0300..=0x0304 | 0x7f01..=0x7f1c)
}

/// What a direction's bytes turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit<'a> {
    /// A record began: its content type, version and length, its header, and what was fed behind that.
    Record {
        kind: u8,
        version: u16,
        length: usize,
        header: &'a [u8],
        rest: &'a [u8],
    },
    /// A whole handshake message: its type and body.
    Handshake { kind: u8, body: &'a [u8] },
    /// A handshake message of a type that nobody knows; what its record holds behind it is not read.
    UnknownHandshake,
    /// A message longer than the cap was passed over.
    HandshakeTooLong,
    /// What this side sends from now on is encrypted.
    CipherChange,
    /// Application data.
    Application,
    /// A heartbeat: how long its record is, and its type and the length it claims unless it is encrypted or too short.
    Heartbeat {
        record_bytes: usize,
        claim: Option<(u8, usize)>,
    },
    /// A record ends within the header of a handshake message.
    HandshakeCut,
    /// A header of SSLv2 where one of a record was due, and the type of its message if that is there.
    OldHeader { kind: Option<u8> },
    /// An SSLv2 hello: type and the rest of it.
    OldHello {
        kind: u8,
        body: &'a [u8],
        /// The whole of it with its header, and what was fed behind it.
        record: &'a [u8],
        rest: &'a [u8],
    },
    /// Not a record; nothing behind it can be read.
    Invalid(&'static str),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first record, where an SSLv2 hello may stand.
    #[default]
    Start,
    Header,
    Payload {
        kind: u8,
        left: usize,
    },
    Stopped,
}

/// Splits one direction into records and puts handshake messages together.
#[derive(Debug, Default)]
pub(super) struct Records {
    state: State,
    header: Vec<u8>,
    handshake: Vec<u8>,
    /// The first bytes of a heartbeat, and how long its record is.
    heartbeat: Option<(Vec<u8>, usize)>,
    has_records: bool,
    /// What is left of the record is not read: it holds a message that nobody knows.
    skips_record: bool,
    /// Bytes of a message beyond the cap that are still to come.
    passing_over: usize,
    encrypted: bool,
}

impl Records {
    /// Takes the next bytes; `tell` gets each unit in order.
    pub(super) fn feed(&mut self, mut bytes: &[u8], tell: &mut dyn FnMut(Unit<'_>)) {
        while !bytes.is_empty() {
            match self.state {
                State::Stopped => return,
                State::Start => bytes = self.start(bytes, tell),
                State::Header => bytes = self.header(bytes, tell),
                State::Payload { kind, left } => {
                    let (now, later) = bytes.split_at(left.min(bytes.len()));
                    bytes = later;
                    self.state = if now.len() == left {
                        State::Header
                    } else {
                        State::Payload {
                            kind,
                            left: left - now.len(),
                        }
                    };
                    if kind == HANDSHAKE && !self.encrypted && !self.skips_record {
                        self.handshake(now, tell);
                        let is_at_end = self.state == State::Header;
                        if is_at_end && (1..HANDSHAKE_HEADER_BYTES).contains(&self.handshake.len())
                        {
                            tell(Unit::HandshakeCut);
                        }
                    }
                    if kind == HEARTBEAT && !self.encrypted {
                        self.heartbeat(now, tell);
                    }
                }
            }
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.header.capacity() + self.handshake.capacity()
    }

    /// Collects type and claimed length of a heartbeat (RFC 6520, section 4).
    fn heartbeat(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Unit<'_>)) {
        let Some((held, record_bytes)) = &mut self.heartbeat else {
            return;
        };
        let missing = HEARTBEAT_HEADER_BYTES - held.len();
        held.extend(bytes.iter().take(missing));
        if let [kind, high, low] = held[..] {
            tell(Unit::Heartbeat {
                record_bytes: *record_bytes,
                claim: Some((kind, usize::from(u16::from_be_bytes([high, low])))),
            });
            self.heartbeat = None;
        }
    }

    fn stop(&mut self, event: &'static str, tell: &mut dyn FnMut(Unit<'_>)) {
        self.state = State::Stopped;
        self.header = Vec::new();
        self.handshake = Vec::new();
        tell(Unit::Invalid(event));
    }

    /// Collects `wanted` header bytes; gives what is left of `bytes` when they are there.
    fn collect<'a>(&mut self, wanted: usize, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let missing = wanted.saturating_sub(self.header.len());
        let (now, later) = bytes.split_at(missing.min(bytes.len()));
        self.header.extend_from_slice(now);
        (self.header.len() >= wanted).then_some(later)
    }

    /// The first bytes: a record header, or an SSLv2 hello with its length in front (RFC 5246, appendix E.2).
    fn start<'a>(&mut self, bytes: &'a [u8], tell: &mut dyn FnMut(Unit<'_>)) -> &'a [u8] {
        let Some(rest) = self.collect(3, bytes) else {
            return &[];
        };
        let [first, second, third] = [self.header[0], self.header[1], self.header[2]];
        if first & 0x80 == 0 || !matches!(third, 1 | 4) {
            self.state = State::Header;
            return rest;
        }
        let length = usize::from(u16::from_be_bytes([first & 0x7f, second]));
        let Some(rest) = self.collect(2 + length, rest) else {
            return &[];
        };
        let message = std::mem::take(&mut self.header);
        match message.get(3..2 + length) {
            Some(body) => tell(Unit::OldHello {
                kind: third,
                body,
                record: &message,
                rest,
            }),
            None => tell(Unit::Invalid("invalid_sslv2_header")),
        }
        self.state = State::Header;
        rest
    }

    fn header<'a>(&mut self, bytes: &'a [u8], tell: &mut dyn FnMut(Unit<'_>)) -> &'a [u8] {
        let Some(rest) = self.collect(5, bytes) else {
            return &[];
        };
        let header = std::mem::take(&mut self.header);
        let kind = header[0];
        let version = u16::from_be_bytes([header[1], header[2]]);
        let left = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if kind & OLD_HEADER_BITS != 0 {
            // A header of two bytes, or of three; then the type of the message. It is told of short ones, which are there as
            // a whole when they come.
            let (type_at, length_bits) = if kind & 0x80 == 0 {
                (3, 0x3f)
            } else {
                (2, 0x7f)
            };
            self.state = State::Stopped;
            self.handshake = Vec::new();
            tell(Unit::OldHeader {
                kind: header
                    .get(type_at)
                    .copied()
                    .filter(|_| kind & length_bits == 0),
            });
            return &[];
        }
        if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) {
            self.stop("invalid_record_type", tell);
            return &[];
        }
        // As in the reference, the version of further records is not looked at.
        if !self.has_records && !is_version(version) {
            self.stop("invalid_record_version", tell);
            return &[];
        }
        self.has_records = true;
        self.skips_record = false;
        if left > limits::TLS_RECORD_BYTES_MAX {
            self.stop("invalid_record_length", tell);
            return &[];
        }
        tell(Unit::Record {
            kind,
            version,
            length: left,
            header: &header,
            rest,
        });
        match kind {
            CHANGE_CIPHER_SPEC => {
                self.encrypted = true;
                self.handshake = Vec::new();
                tell(Unit::CipherChange);
            }
            APPLICATION_DATA => tell(Unit::Application),
            HEARTBEAT if self.encrypted => tell(Unit::Heartbeat {
                record_bytes: left,
                claim: None,
            }),
            HEARTBEAT => self.heartbeat = Some((Vec::new(), left)),
            HANDSHAKE | ALERT => {}
            _ => {}
        }
        self.state = if left == 0 {
            State::Header
        } else {
            State::Payload { kind, left }
        };
        rest
    }

    fn handshake(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Unit<'_>)) {
        let passed = self.passing_over.min(bytes.len());
        self.passing_over -= passed;
        self.handshake.extend_from_slice(&bytes[passed..]);
        let held = std::mem::take(&mut self.handshake);
        let mut rest = &held[..];
        while let [kind, high, middle, low, behind @ ..] = rest {
            if !KNOWN_MESSAGES.contains(kind) {
                tell(Unit::UnknownHandshake);
                self.skips_record = true;
                rest = &[];
                break;
            }
            let length = u32::from_be_bytes([0, *high, *middle, *low]);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > limits::TLS_HANDSHAKE_BYTES_MAX {
                tell(Unit::HandshakeTooLong);
                self.passing_over = length - behind.len().min(length);
                rest = behind.get(length..).unwrap_or_default();
                continue;
            }
            let Some(body) = behind.get(..length) else {
                break;
            };
            tell(Unit::Handshake { kind: *kind, body });
            rest = &behind[length..];
        }
        self.handshake = rest.to_vec();
    }
}
