//! Follows the start of a connection: requests for encryption, their answers, and the start-up message.

use lapwing_rules::model::AppProtocol;

use crate::{
    app_layer::{Feed, Parser},
    direction::Direction,
};

/// Length and code of a message of the start.
const OPENING_BYTES: usize = 8;
/// Code of the request for TLS.
const TLS_REQUEST: u32 = 80_877_103;
/// Code of the request for encryption by GSSAPI.
const GSSAPI_REQUEST: u32 = 80_877_104;
/// The answer to a request for TLS that is granted.
const GRANTED: u8 = b'S';
/// The answer to a request for encryption that is not granted: the client may go on in the clear.
const NOT_GRANTED: u8 = b'N';

/// Where the start of a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The client has the word.
    #[default]
    Opening,
    /// It asked for encryption, for TLS or another one; the server answers with one byte.
    Asked { for_tls: bool },
    /// What follows is not read.
    Over,
}

/// One connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct PgsqlParser {
    stage: Stage,
    /// Bytes of a request that is not complete.
    opening: heapless::Vec<u8, OPENING_BYTES>,
    /// What the server sent behind its answer.
    unread: Vec<u8>,
}

impl PgsqlParser {
    fn client(&mut self, bytes: &[u8]) {
        if self.stage != Stage::Opening {
            return;
        }
        let room = OPENING_BYTES - self.opening.len();
        self.opening
            .extend_from_slice(&bytes[..room.min(bytes.len())])
            .ok();
        let Ok([_, _, _, _, code @ ..]) = <[u8; OPENING_BYTES]>::try_from(&self.opening[..]) else {
            return;
        };
        self.opening.clear();
        self.stage = match u32::from_be_bytes(code) {
            TLS_REQUEST => Stage::Asked { for_tls: true },
            GSSAPI_REQUEST => Stage::Asked { for_tls: false },
            _ => Stage::Over,
        };
    }

    fn server(&mut self, bytes: &[u8]) -> Feed {
        let (Stage::Asked { for_tls }, Some((&answer, behind))) = (self.stage, bytes.split_first())
        else {
            // It has nothing to say before.
            self.stage = Stage::Over;
            return Feed::Stop;
        };
        match answer {
            GRANTED if for_tls => {
                self.unread = behind.to_vec();
                return Feed::Upgrade;
            }
            NOT_GRANTED => self.stage = Stage::Opening,
            _ => self.stage = Stage::Over,
        }
        Feed::More
    }
}

impl Parser for PgsqlParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Pgsql
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if bytes.is_empty() {
            return Feed::More;
        }
        let feed = match direction {
            Direction::ToServer => {
                self.client(bytes);
                Feed::More
            }
            Direction::ToClient => self.server(bytes),
        };
        if self.stage == Stage::Over {
            Feed::Stop
        } else {
            feed
        }
    }

    fn gap(&mut self, _: Direction, _: u64) -> Feed {
        self.stage = Stage::Over;
        Feed::Stop
    }

    fn end(&mut self, _: Direction) {}

    fn take_unread(&mut self, direction: Direction) -> Vec<u8> {
        match direction {
            Direction::ToServer => Vec::new(),
            Direction::ToClient => std::mem::take(&mut self.unread),
        }
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.unread.capacity()
    }
}
