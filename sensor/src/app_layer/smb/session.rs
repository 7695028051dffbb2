//! What a connection keeps between messages, and what reads, writes and answers do to it in every version.

use super::{
    pipe::Pipes,
    record::Ids,
    transaction::{Command, SmbTransaction, Subject},
};
use crate::{
    app_layer::{
        DigestSet, files::FileTransfer, limits, recent::Recent, transactions::Transactions,
    },
    direction::Direction,
};

/// The negotiation of SMB 1, which SMB 2 may answer.
pub(super) const SMB1_NEGOTIATE: Command = Command::Smb1(0x72);

/// An open file: the 16 bytes of SMB 2, or the two of SMB 1 behind the session they belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Handle(pub(super) [u8; 16]);

impl Handle {
    pub(super) fn from_smb1(file: u16, session: u64) -> Self {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&file.to_le_bytes());
        bytes[8..].copy_from_slice(&session.to_le_bytes());
        Self(bytes)
    }

    pub(super) fn from_smb2(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// A share that was opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) share: Vec<u8>,
    pub(super) is_pipe: bool,
}

/// What is open at the same time, of one kind.
pub(super) type Open<K, V> = Recent<K, V, { limits::SMB_OPEN_MAX }>;

/// A piece of a file, as a read's answer or a write carries it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilePiece<'a> {
    pub(super) handle: Handle,
    pub(super) offset: u64,
    /// Its whole length; `bytes` may be its beginning only.
    pub(super) length: u64,
    pub(super) bytes: &'a [u8],
}

/// What is to be done with the rest of a record whose piece of a file has not all come yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rest {
    /// It belongs to nothing.
    #[default]
    Passed,
    /// It goes on with a file.
    OfFile(Handle),
}

/// State of one connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) transactions: Transactions<SmbTransaction>,
    pub(super) digests: DigestSet,
    /// By session and tree.
    pub(super) trees: Open<(u64, u32), Tree>,
    /// Names of open files.
    pub(super) names: Open<Handle, Vec<u8>>,
    /// Names that wait for their handle, by session and message.
    pub(super) opening: Open<(u64, u64), Vec<u8>>,
    /// Reads that wait for their bytes: which file, from where.
    pub(super) reading: Open<MessageKey, (Handle, u64)>,
    /// Handles that a later answer needs (SMB 1: close and transactions).
    pub(super) pending_handles: Open<MessageKey, Handle>,
    pub(super) pipes: Pipes,
    /// Largest read and write that the server agreed to; 0: not known.
    pub(super) max_read_bytes: u32,
    pub(super) max_write_bytes: u32,
    /// Directions in which nothing more is expected.
    pub(super) is_truncated: [bool; 2],
}

/// Session, tree and message as a key.
pub(super) type MessageKey = (u64, u32, u64);

impl Ids {
    pub(super) fn key(self) -> MessageKey {
        (self.session, self.tree, self.message)
    }

    /// The same whatever the tree, which an answer that comes later does not name.
    pub(super) fn key_of_any_tree(self) -> MessageKey {
        Self { tree: 0, ..self }.key()
    }

    pub(super) fn tree_key(self) -> (u64, u32) {
        (self.session, self.tree)
    }

    /// The same message, whatever its tree.
    pub(super) fn is_same_message(self, other: Self) -> bool {
        self.session == other.session && self.message == other.message
    }
}

impl Session {
    /// A flaw that belongs to no exchange is told with the newest one.
    pub(super) fn event(&mut self, name: &'static str) {
        if let Some(newest) = self.transactions.newest_mut() {
            newest.event(name);
        }
    }

    /// A request: its transaction waits for the answer.
    pub(super) fn request(
        &mut self,
        command: Command,
        ids: Ids,
        subject: Subject,
    ) -> &mut SmbTransaction {
        let mut transaction = SmbTransaction::new(command, ids, subject);
        transaction.finish(Direction::ToServer);
        if self.is_truncated[Direction::ToClient.index()] {
            transaction.finish(Direction::ToClient);
        }
        let number = self.transactions.push(transaction);
        self.tell_if_too_many();
        self.transactions.get_or_push(Some(number), || {
            SmbTransaction::new(command, ids, Subject::Plain)
        })
    }

    /// Gives up the oldest exchange where more are open than the reference keeps; those that went before count as open.
    fn tell_if_too_many(&mut self) {
        if self.transactions.uninspected() > limits::SMB_OPEN_TRANSACTIONS_MAX
            && let Some(oldest) = self
                .transactions
                .iter_mut()
                .find(|held| held.is_done != [true; 2])
        {
            oldest.event("too_many_transactions");
            oldest.finish_both();
        }
    }

    /// The transaction of a command whose answer this is. Files and calls go on over many commands: no answer ends them.
    pub(super) fn waiting(&mut self, command: Command, ids: Ids) -> Option<&mut SmbTransaction> {
        self.transactions.iter_mut().find(|one| {
            one.command == command
                && one.ids.is_same_message(ids)
                && !one.is_done[Direction::ToClient.index()]
                && !matches!(one.subject, Subject::File { .. } | Subject::Call { .. })
        })
    }

    /// The answer to a command: nothing more comes of it.
    pub(super) fn answered(&mut self, command: Command, ids: Ids) {
        if let Some(transaction) = self.waiting(command, ids) {
            for direction in Direction::BOTH {
                transaction.finish(direction);
            }
        }
    }

    /// A share is asked for.
    pub(super) fn tree_requested(&mut self, command: Command, ids: Ids, share: Vec<u8>) {
        let subject = Subject::TreeConnect {
            share,
            is_pipe: false,
        };
        self.request(command, ids, subject);
    }

    /// The server opened it, or refused.
    pub(super) fn tree_answered(&mut self, command: Command, ids: Ids, opened: Option<bool>) {
        let Some(transaction) = self.waiting(command, ids) else {
            return;
        };
        transaction.finish(Direction::ToClient);
        if let (Some(of_pipes), Subject::TreeConnect { share, is_pipe }) =
            (opened, &mut transaction.subject)
        {
            *is_pipe = of_pipes;
            let tree = Tree {
                share: share.clone(),
                is_pipe: of_pipes,
            };
            self.trees.insert(ids.tree_key(), tree);
        }
    }

    fn file_mut(&mut self, handle: Handle, of: Direction) -> Option<&mut SmbTransaction> {
        self.transactions.iter_mut().rev().find(|one| {
            matches!(
                &one.subject,
                Subject::File { handle: held, direction, .. } if *held == handle && *direction == of
            )
        })
    }

    /// Whether pieces of a file went by.
    pub(super) fn has_file(&mut self, handle: Handle, direction: Direction) -> bool {
        self.file_mut(handle, direction).is_some()
    }

    /// A piece of a file goes by. Gives what the rest of its record belongs to.
    pub(super) fn file_piece(
        &mut self,
        command: Command,
        ids: Ids,
        direction: Direction,
        piece: FilePiece<'_>,
    ) -> Rest {
        if self.file_mut(piece.handle, direction).is_none() {
            let name = self.names.get(&piece.handle).map_or(&[][..], Vec::as_slice);
            let subject = Subject::File {
                handle: piece.handle,
                direction,
                file: FileTransfer::new(name, self.digests),
            };
            self.transactions
                .push(SmbTransaction::new(command, ids, subject));
        }
        let mut overlaps = false;
        if let Some(transaction) = self.file_mut(piece.handle, direction)
            && let Subject::File { file, .. } = &mut transaction.subject
        {
            overlaps = file.begin_piece(piece.offset, piece.length);
            file.go_on(piece.bytes);
            transaction.steps = transaction.steps.wrapping_add(1);
        }
        if overlaps {
            self.event("file_overlap");
        }
        Rest::OfFile(piece.handle)
    }

    /// More of a piece whose beginning went by.
    pub(super) fn file_goes_on(&mut self, handle: Handle, direction: Direction, bytes: &[u8]) {
        if let Some(transaction) = self.file_mut(handle, direction)
            && let Subject::File { file, .. } = &mut transaction.subject
        {
            file.go_on(bytes);
            transaction.steps = transaction.steps.wrapping_add(1);
        }
    }

    /// Bytes of a file were lost.
    pub(super) fn file_lost(&mut self, handle: Handle, direction: Direction, missing_bytes: u64) {
        if let Some(transaction) = self.file_mut(handle, direction)
            && let Subject::File { file, .. } = &mut transaction.subject
        {
            file.lose(missing_bytes);
        }
    }

    /// A file is closed; what went by of it is whole.
    pub(super) fn close_file(&mut self, handle: Handle) {
        for direction in Direction::BOTH {
            if let Some(transaction) = self.file_mut(handle, direction) {
                transaction.finish_both();
            }
        }
    }

    /// A read came to the file's end: what went by of it is whole.
    pub(super) fn end_of_file(&mut self, handle: Handle) {
        if let Some(transaction) = self.file_mut(handle, Direction::ToClient) {
            if let Subject::File { file, .. } = &mut transaction.subject {
                file.close();
            }
            transaction.finish(Direction::ToServer);
        }
    }

    /// The oldest negotiation of any version that waits is answered.
    pub(super) fn negotiation_answered(&mut self) {
        let waiting = self
            .transactions
            .iter_mut()
            .find(|one| one.command == SMB1_NEGOTIATE && !one.is_done[Direction::ToClient.index()]);
        if let Some(transaction) = waiting {
            transaction.finish(Direction::ToClient);
        }
    }

    /// The share of a message, where its opening was seen.
    pub(super) fn tree(&self, ids: Ids) -> Option<&Tree> {
        self.trees.get(&ids.tree_key())
    }

    /// Bytes were lost: what was open is not followed any more, but for files, which can do without.
    pub(super) fn after_gap(&mut self, direction: Direction) {
        for transaction in self.transactions.iter_mut() {
            if matches!(transaction.subject, Subject::File { .. }) {
                continue;
            }
            transaction.finish(Direction::ToServer);
            if direction == Direction::ToClient {
                transaction.finish(Direction::ToClient);
            }
        }
    }

    /// Nothing more comes in a direction.
    pub(super) fn truncate(&mut self, direction: Direction) {
        self.is_truncated[direction.index()] = true;
        for transaction in self.transactions.iter_mut() {
            transaction.finish(direction);
        }
    }

    /// The connection is over in a direction.
    pub(super) fn end(&mut self, ending: Direction) {
        for transaction in self.transactions.iter_mut() {
            if let Subject::File {
                file, direction, ..
            } = &mut transaction.subject
                && *direction == ending
            {
                file.close();
            }
            transaction.finish(ending);
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.transactions
            .iter()
            .map(SmbTransaction::held_bytes)
            .sum::<usize>()
            + self.trees.held_bytes(|tree| tree.share.capacity())
            + self.names.held_bytes(Vec::capacity)
            + self.opening.held_bytes(Vec::capacity)
            + self.reading.held_bytes(|_| 0)
            + self.pending_handles.held_bytes(|_| 0)
            + self.pipes.held_bytes()
    }
}
