//! A command with its reply.

use lapwing_rules::model::{Buffer, HeaderField};

use crate::{
    app_layer::{BufferView, FactKind, Transaction, TransactionField, transactions::Events},
    direction::Direction,
};

/// One command, or a reply that nobody asked for.
#[derive(Debug, Default)]
pub(super) struct FtpTransaction {
    pub(super) is_done: bool,
    /// A `PORT` that names another host than the client.
    pub(super) is_bounce: bool,
    pub(super) events: Events,
    /// Directions in which nothing more can come.
    pub(super) ended: [bool; 2],
    pub(super) steps: u32,
}

impl Transaction for FtpTransaction {
    fn buffer(&self, _: Buffer, _: Direction, _: usize) -> BufferView<'_> {
        BufferView::Absent
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        (field == HeaderField::FtpBounce && direction == Direction::ToServer && index == 0)
            .then(|| u64::from(self.is_bounce))
    }

    fn progress(&self, _: Direction) -> u32 {
        self.steps
    }

    fn is_complete(&self, direction: Direction) -> bool {
        self.is_done || self.ended[direction.index()]
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, _: &mut Vec<(FactKind, Vec<u8>)>) {}
}
