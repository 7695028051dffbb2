//! One call with its reply, or one file in a direction, as rules ask about it.

use lapwing_rules::model::{Buffer, PacketCondition};

use super::version3::COMMIT;
use crate::{
    app_layer::{
        BufferView, DigestKind, FactKind, Transaction, TransactionField, files::FileTransfer,
        transactions::Events,
    },
    direction::Direction,
};

/// A file that is read or written.
#[derive(Debug)]
pub(super) struct NfsFile {
    pub(super) handle: Vec<u8>,
    pub(super) direction: Direction,
    pub(super) transfer: FileTransfer,
    /// Another write to this handle is another file.
    pub(super) is_closed: bool,
}

/// One transaction.
#[derive(Debug)]
pub(super) struct NfsTransaction {
    pub(super) xid: u32,
    pub(super) version: u32,
    pub(super) procedure: u32,
    /// The file was committed: that is a further procedure it is about.
    pub(super) is_committed: bool,
    pub(super) file: Option<NfsFile>,
    is_done: [bool; 2],
    events: Events,
    steps: u32,
}

impl NfsTransaction {
    /// A call, whose reply is to come.
    pub(super) fn call(xid: u32, version: u32, procedure: u32) -> Self {
        Self {
            xid,
            version,
            procedure,
            is_committed: false,
            file: None,
            is_done: [true, false],
            events: Events::default(),
            steps: 1,
        }
    }

    /// A file, which goes on over many calls.
    pub(super) fn file(xid: u32, version: u32, procedure: u32, file: NfsFile) -> Self {
        Self {
            file: Some(file),
            is_done: [false, false],
            ..Self::call(xid, version, procedure)
        }
    }

    pub(super) fn step(&mut self) {
        self.steps = self.steps.wrapping_add(1);
    }

    pub(super) fn finish(&mut self, direction: Direction) {
        self.is_done[direction.index()] = true;
        self.step();
    }

    pub(super) fn finish_both(&mut self) {
        for direction in Direction::BOTH {
            self.finish(direction);
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        self.is_done == [true; 2]
    }

    pub(super) fn event(&mut self, name: &'static str) {
        self.events.add(name);
        self.step();
    }

    pub(super) fn held_bytes(&self) -> usize {
        let file = self.file.as_ref().map_or(0, |file| {
            file.handle.capacity() + file.transfer.held_bytes()
        });
        size_of::<Self>() + file
    }

    fn transfer(&self, direction: Direction) -> Option<&FileTransfer> {
        self.file
            .as_ref()
            .filter(|file| file.direction == direction && file.transfer.has_begun())
            .map(|file| &file.transfer)
    }
}

impl Transaction for NfsTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        match (self.transfer(direction), buffer, index) {
            (Some(file), Buffer::FileData, 0) => file.view(),
            (Some(file), Buffer::FileName, 0) if !file.name.is_empty() => {
                BufferView::Complete(&file.name)
            }
            _ => BufferView::Absent,
        }
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        let of_call = direction == Direction::ToServer;
        match (field, index) {
            (TransactionField::NfsProcedure, 0) if of_call => Some(u64::from(self.procedure)),
            (TransactionField::NfsProcedure, 1) if of_call && self.is_committed => {
                Some(u64::from(COMMIT))
            }
            (TransactionField::NfsVersion, 0) if of_call => Some(u64::from(self.version)),
            (TransactionField::FileSize, 0) => self.transfer(direction)?.whole_size(),
            (TransactionField::FilePresent, 0) => self.transfer(direction).map(|_| 1),
            _ => None,
        }
    }

    fn file_digest(&self, kind: DigestKind, direction: Direction, index: usize) -> Option<&[u8]> {
        let file = self.transfer(direction).filter(|_| index == 0)?;
        file.digest(kind)
    }

    fn holds(&self, condition: &PacketCondition<'_>, direction: Direction) -> bool {
        match condition {
            PacketCondition::Field(TransactionField::FileSize, range) => self
                .transfer(direction)
                .is_some_and(|file| file.is_beyond(range)),
            _ => false,
        }
    }

    fn fields_may_grow(&self) -> bool {
        self.file.as_ref().is_some_and(|file| !file.is_closed)
    }

    fn progress(&self, _: Direction) -> u32 {
        self.steps
    }

    fn is_complete(&self, direction: Direction) -> bool {
        self.is_done[direction.index()]
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        if let Some(file) = &self.file
            && !file.transfer.name.is_empty()
        {
            facts.push((FactKind::FileName, file.transfer.name.clone()));
        }
    }
}
