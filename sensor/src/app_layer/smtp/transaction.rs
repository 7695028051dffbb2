//! One mail: from the first command behind the one before to its acknowledgement.

use lapwing_rules::model::Buffer;

use super::mime::Mail;
use crate::{
    app_layer::{
        BufferView, DigestKind, DigestSet, FactKind, Transaction, TransactionField, limits,
        transactions::Events,
    },
    direction::Direction,
};

/// One mail with its envelope.
#[derive(Debug, Default)]
pub(super) struct SmtpTransaction {
    pub(super) is_done: bool,
    /// A `MAIL FROM` was there.
    pub(super) has_sender: bool,
    /// A `DATA` was there.
    pub(super) has_data: bool,
    pub(super) mail: Mail,
    pub(super) events: Events,
    pub(super) steps: u32,
    /// Directions in which nothing more can come.
    pub(super) ended: [bool; 2],
}

impl SmtpTransaction {
    /// A mail of whose files these digests are made.
    pub(super) fn new(digests: DigestSet) -> Self {
        Self {
            mail: Mail::new(digests),
            ..Self::default()
        }
    }

    pub(super) fn event(&mut self, name: &'static str) {
        self.events.add(name);
        self.step();
    }

    pub(super) fn step(&mut self) {
        self.steps = self.steps.wrapping_add(1);
    }

    pub(super) fn finish(&mut self) {
        self.mail.finish();
        self.is_done = true;
        self.step();
    }

    /// The mail goes on with a line.
    pub(super) fn mail_line(&mut self, line: &[u8], ending: &[u8]) {
        self.mail.line(line, ending, &mut self.events);
        self.step();
    }

    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.mail.held_bytes()
    }
}

impl Transaction for SmtpTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if direction == Direction::ToClient {
            return BufferView::Absent;
        }
        let file = self.mail.files().get(index);
        let is_over = self.is_complete(Direction::ToServer);
        match (buffer, file) {
            (Buffer::FileName, Some(file)) => BufferView::Complete(&file.name),
            (Buffer::FileData, Some(file)) if file.is_whole || is_over => match &file.bytes[..] {
                [] => BufferView::Absent,
                bytes => BufferView::Complete(bytes),
            },
            (Buffer::FileData, Some(file))
                if file.bytes.len() >= limits::SMTP_FILE_INSPECT_BYTES_MIN =>
            {
                BufferView::Growing(&file.bytes)
            }
            (Buffer::FileData, Some(_)) => BufferView::Pending,
            (Buffer::FileName | Buffer::FileData, None) if !is_over => BufferView::Pending,
            _ => BufferView::Absent,
        }
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        let file = self.mail.files().get(index)?;
        let is_over = file.is_whole || self.is_complete(Direction::ToServer);
        match (direction, field) {
            (Direction::ToServer, TransactionField::FileSize) if is_over => Some(file.size),
            (Direction::ToServer, TransactionField::FilePresent) => Some(1),
            _ => None,
        }
    }

    fn file_digest(&self, kind: DigestKind, direction: Direction, index: usize) -> Option<&[u8]> {
        let file = self.mail.files().get(index);
        let file = file.filter(|_| direction == Direction::ToServer)?;
        file.digests.get(kind)
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

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        for file in self.mail.files() {
            facts.push((FactKind::FileName, file.name.clone()));
        }
    }
}
