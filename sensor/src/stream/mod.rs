//! TCP: the state of a connection, and the bytes of each direction in order.
//!
//! What decides here is what the end systems would accept: an attacker sends segments that only one of the two, the engine or the
//! host behind it, takes. So the state machine (`handshake`, `established`, `closing`, with the checks in `acceptance`) and
//! the choice between overlapping segments (`overlap_policy`) follow the reference in its passive mode; mid-stream pick-up
//! and asynchronous flows (`midstream`) are off unless the site sets them ([`StreamSettings`]):
//!
//! * bytes are handed to the application layer, and to raw inspection, once the other side acknowledged them, or
//!   when the connection ends ([`Connection::process`], [`Connection::finish`]);
//! * a hole that was acknowledged is told as a gap;
//! * beyond [`StreamSettings::depth_bytes`] nothing is kept;
//! * raw inspection gets a window ([`Connection::raw_window`]) when a chunk is there, or when something triggers it.
//!
//! What the state machine refuses is an event (`stream.…`) and its bytes are not taken into the stream.

mod acceptance;
mod buffer;
mod closing;
mod connection;
mod established;
mod handshake;
pub mod limits;
mod midstream;
mod overlap_policy;
mod segment;
mod sequence;
mod settings;
mod side;

pub use buffer::ReassemblyBudget;
pub use connection::{Connection, Reuse, TcpState, Tools};
pub use midstream::Beginning;
pub use overlap_policy::StreamPolicy;
pub use settings::StreamSettings;

use crate::direction::Direction;

/// Takes the bytes of a connection in order.
pub trait StreamConsumer {
    /// The next bytes of a direction. False when nothing of that direction is wanted any more.
    fn bytes(&mut self, direction: Direction, bytes: &[u8]) -> bool;

    /// Bytes of a direction that will never come. False as above.
    fn gap(&mut self, direction: Direction, missing_bytes: u64) -> bool;

    /// Whether nothing but the very next bytes of a direction will do.
    fn awaits_more(&self, direction: Direction) -> bool;

    /// Whether the bytes before showed that client and server have to change places; asked of connections whose beginning was
    /// not seen.
    fn take_reversal(&mut self) -> bool {
        false
    }

    /// Nothing more comes in a direction.
    fn end(&mut self, direction: Direction);
}
