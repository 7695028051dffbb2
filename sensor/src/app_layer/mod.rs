//! Application protocols: identification by content, one parser a protocol, transactions with buffers.
//!
//! A parser takes bytes and a direction and gives transactions and events; it holds no socket and no clock, and every
//! length, count and depth it keeps is capped in `limits.rs`. Bytes that make no sense are events, not errors.

mod transaction;

pub use transaction::{BufferView, FactKind, Feed, Parser, Transaction, TransactionField};

/// What the application layer keeps of one flow.
#[derive(Debug, Default)]
pub struct AppLayer {
    parser: Option<Box<dyn Parser>>,
}

impl AppLayer {
    /// The parser, once the protocol is known.
    #[must_use]
    pub fn parser(&self) -> Option<&dyn Parser> {
        self.parser.as_deref()
    }

    /// The parser, once the protocol is known.
    pub fn parser_mut(&mut self) -> Option<&mut Box<dyn Parser>> {
        self.parser.as_mut()
    }
}
