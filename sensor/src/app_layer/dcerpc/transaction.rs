//! A call, or an exchange that sets up calls.

use lapwing_rules::model::Buffer;

use super::call::DcerpcCall;
use crate::{
    app_layer::{BufferView, FactKind, Transaction, TransactionField},
    direction::Direction,
};

/// One exchange of a connection or datagram conversation.
#[derive(Debug, Default)]
pub(super) struct DcerpcTransaction {
    /// Tells it from others of the same flow: call number, or sequence number of a datagram.
    pub(super) number: u32,
    pub(super) call: DcerpcCall,
    pub(super) is_done: [bool; 2],
    pub(super) steps: [u32; 2],
}

impl DcerpcTransaction {
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.call.held_bytes()
    }

    pub(super) fn finish(&mut self, direction: Direction) {
        let side = direction.index();
        self.is_done[side] = true;
        self.call.stubs[side].is_complete = true;
        self.steps[side] += 1;
    }
}

impl Transaction for DcerpcTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        match (buffer, index) {
            (Buffer::DcerpcStubData, 0) => self.call.stub(direction),
            _ => BufferView::Absent,
        }
    }

    fn field(&self, _: TransactionField, _: Direction, _: usize) -> Option<u64> {
        None
    }

    fn dcerpc_call(&self) -> Option<&DcerpcCall> {
        Some(&self.call)
    }

    fn progress(&self, direction: Direction) -> u32 {
        self.steps[direction.index()]
    }

    fn is_complete(&self, direction: Direction) -> bool {
        self.is_done[direction.index()]
    }

    fn events(&self) -> &[&'static str] {
        &[]
    }

    fn facts(&self, _: &mut Vec<(FactKind, Vec<u8>)>) {}
}
