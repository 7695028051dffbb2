//! An SSH connection is one transaction.

use lapwing_rules::model::{Buffer, HeaderField};

use super::side::Side;
use crate::{
    app_layer::{BufferView, FactKind, Transaction, TransactionField, transactions::Events},
    direction::Direction,
};

/// Both sides of a connection.
#[derive(Debug, Default)]
pub(super) struct SshTransaction {
    pub(super) sides: [Side; 2],
    pub(super) is_ended: bool,
    pub(super) events: Events,
}

impl SshTransaction {
    fn view<'a>(&'a self, direction: Direction, value: Option<&'a [u8]>) -> BufferView<'a> {
        match value {
            Some(value) => BufferView::Complete(value),
            None if self.is_complete(direction) => BufferView::Absent,
            None => BufferView::Pending,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.sides.iter().map(Side::held_bytes).sum::<usize>()
    }
}

impl Transaction for SshTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if index > 0 {
            return BufferView::Absent;
        }
        let side = &self.sides[direction.index()];
        let (text, hash) = match &side.hassh {
            Some((text, hash)) => (Some(&text[..]), Some(&hash[..])),
            None => (None, None),
        };
        match (buffer, direction) {
            (Buffer::SshProto, _) => self.view(direction, side.protocol.as_deref()),
            (Buffer::SshSoftware, _) => self.view(direction, side.software.as_deref()),
            (Buffer::SshHassh, Direction::ToServer)
            | (Buffer::SshHasshServer, Direction::ToClient) => self.view(direction, hash),
            (Buffer::SshHasshString, Direction::ToServer)
            | (Buffer::SshHasshServerString, Direction::ToClient) => self.view(direction, text),
            _ => BufferView::Absent,
        }
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        if field != HeaderField::SshCompatibleWith2 || index > 0 {
            return None;
        }
        // RFC 4253, section 5.1.
        let version = self.sides[direction.index()].protocol.as_deref()?;
        Some(u64::from(version.starts_with(b"2") || version == b"1.99"))
    }

    fn progress(&self, direction: Direction) -> u32 {
        self.sides[direction.index()].steps
    }

    fn is_complete(&self, _: Direction) -> bool {
        self.is_ended || self.sides.iter().all(Side::is_done)
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        let kinds = [FactKind::SshClientSoftware, FactKind::SshServerSoftware];
        for (kind, side) in kinds.into_iter().zip(&self.sides) {
            if let Some(software) = &side.software {
                facts.push((kind, software.clone()));
            }
        }
    }
}
