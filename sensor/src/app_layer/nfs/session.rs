//! What calls and replies do, in every version: transactions, names of handles, files.

use super::{
    rpc::{Call, GSS_INTEGRITY, GSS_PRIVACY, Reply},
    transaction::{NfsFile, NfsTransaction},
    version3::{self, Piece, Request, Write},
    version4::{self, Operation, Outcome},
};
use crate::{
    app_layer::{
        DigestSet, files::FileTransfer, limits, reader::Reader, recent::Recent,
        transactions::Transactions,
    },
    direction::Direction,
};

pub(super) const MALFORMED: &str = "malformed_data";

/// A call whose reply is to come.
#[derive(Debug, Default)]
struct Pending {
    version: u32,
    procedure: u32,
    gss_service: u32,
    name: Vec<u8>,
    handle: Vec<u8>,
    offset: u64,
}

impl Pending {
    fn held_bytes(&self) -> usize {
        self.name.capacity() + self.handle.capacity()
    }
}

/// A piece of a file that has not all come: what follows in its direction goes on with it.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) handle: Vec<u8>,
    /// Bytes to come, padding among them.
    pub(super) left: u64,
    /// The reference fails over what comes.
    pub(super) is_hopeless: bool,
}

/// State of one flow.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) transactions: Transactions<NfsTransaction>,
    pub(super) digests: DigestSet,
    calls: Recent<u32, Pending, { limits::NFS_CALLS_MAX }>,
    names: Recent<Vec<u8>, Vec<u8>, { limits::NFS_NAMES_MAX }>,
}

fn kept(bytes: &[u8], max: usize) -> Vec<u8> {
    bytes.get(..max).unwrap_or(bytes).to_vec()
}

fn kept_handle(handle: &[u8]) -> Vec<u8> {
    kept(handle, limits::NFS_HANDLE_BYTES_MAX)
}

impl Session {
    /// A flaw is told with the newest transaction.
    pub(super) fn malformed(&mut self) {
        if let Some(newest) = self.transactions.newest_mut() {
            newest.event(MALFORMED);
        }
    }

    /// A call. Gives what of a write is still to come.
    pub(super) fn call(&mut self, call: &Call<'_>) -> Option<Unfinished> {
        let mut pending = Pending {
            version: call.version,
            procedure: call.procedure,
            gss_service: call.gss.service,
            ..Pending::default()
        };
        let unfinished = match call.version {
            2 => {
                self.call2(call, &mut pending);
                None
            }
            3 => self.call3(call, &mut pending),
            4 => {
                self.call4(call, &mut pending);
                None
            }
            _ => return None,
        };
        self.calls.insert(call.xid, pending);
        unfinished
    }

    /// A WRITE of which only the beginning is there. Gives what is still to come.
    pub(super) fn write_begins(
        &mut self,
        call: &Call<'_>,
        handle: &[u8],
        write: &Write<'_>,
    ) -> Option<Unfinished> {
        let pending = Pending {
            version: call.version,
            procedure: call.procedure,
            ..Pending::default()
        };
        self.calls.insert(call.xid, pending);
        self.written(call, handle, write)
    }

    fn call2(&mut self, call: &Call<'_>, pending: &mut Pending) {
        if call.procedure == version3::READ {
            match version3::read2(call.data) {
                Some((handle, offset)) => self.read_asked(pending, handle, offset),
                None => self.malformed(),
            }
        }
        self.plain_call(call);
    }

    fn call3(&mut self, call: &Call<'_>, pending: &mut Pending) -> Option<Unfinished> {
        let mut unfinished = None;
        match version3::request(call.procedure, call.data) {
            Some(Request::Named(name)) => pending.name = kept(name, limits::NFS_NAME_BYTES_MAX),
            Some(Request::Of(handle)) => pending.handle = kept_handle(handle),
            Some(Request::Read { handle, offset }) => self.read_asked(pending, handle, offset),
            Some(Request::Write { handle, write }) => {
                unfinished = self.written(call, handle, &write);
            }
            Some(Request::Commit(handle)) => self.committed(handle, true),
            Some(Request::Other) => {}
            None => self.malformed(),
        }
        if call.procedure == version3::READ {
            // Here the reference begins the file with the call, in the other versions with the reply.
            let new = |file| NfsTransaction::file(call.xid, 3, version3::READ, file);
            self.file_or_new(&pending.handle, Direction::ToClient, new, &pending.name);
        }
        self.plain_call(call);
        unfinished
    }

    /// A transaction for a call that is not about a file's bytes.
    fn plain_call(&mut self, call: &Call<'_>) {
        if !matches!(
            call.procedure,
            version3::READ | version3::WRITE | version3::COMMIT
        ) {
            self.push(NfsTransaction::call(call.xid, call.version, call.procedure));
        }
    }

    fn call4(&mut self, call: &Call<'_>, pending: &mut Pending) {
        if call.procedure != version4::COMPOUND {
            return;
        }
        let Some(data) = unwrapped(call.data, call.gss.service) else {
            return;
        };
        match version4::request(data) {
            Some(operations) => self.compound(call, &operations, pending),
            None => self.malformed(),
        }
    }

    fn compound(&mut self, call: &Call<'_>, operations: &[Operation<'_>], pending: &mut Pending) {
        let mut handle = None;
        let mut procedure = None;
        for operation in operations {
            match (*operation, handle) {
                (Operation::PutHandle(put), _) => handle = Some(put),
                (Operation::Name(name), _) => {
                    pending.name = kept(name, limits::NFS_NAME_BYTES_MAX);
                }
                (Operation::Create(name), _) => {
                    procedure = Some(version4::CREATE);
                    pending.name = kept(name, limits::NFS_NAME_BYTES_MAX);
                }
                (Operation::Remove(name), _) => {
                    procedure = Some(version4::REMOVE);
                    pending.name = kept(name, limits::NFS_NAME_BYTES_MAX);
                }
                (Operation::Read { offset }, Some(handle)) => {
                    pending.handle = kept_handle(handle);
                    pending.offset = offset;
                }
                (Operation::Write(write), Some(handle)) => {
                    self.written(call, handle, &write);
                }
                (Operation::Commit | Operation::Close, Some(handle)) => {
                    self.committed(handle, false);
                }
                _ => {}
            }
        }
        if let Some(procedure) = procedure {
            self.push(NfsTransaction::call(call.xid, call.version, procedure));
        }
    }

    fn read_asked(&self, pending: &mut Pending, handle: &[u8], offset: u64) {
        pending.handle = kept_handle(handle);
        pending.offset = offset;
        pending.name = self.name_of(handle);
    }

    fn name_of(&self, handle: &[u8]) -> Vec<u8> {
        self.names.get(handle).cloned().unwrap_or_default()
    }

    fn push(&mut self, transaction: NfsTransaction) {
        self.transactions.push(transaction);
        if self.transactions.uninspected() > limits::NFS_UNANSWERED_CALLS_MAX
            && let Some(oldest) = self
                .transactions
                .iter_mut()
                .find(|held| !held.is_answered())
        {
            oldest.event("too_many_transactions");
            oldest.finish_both();
        }
    }

    /// A reply. Gives what of a read is still to come.
    pub(super) fn reply(&mut self, reply: &Reply<'_>) -> Option<Unfinished> {
        let pending = self.calls.remove(&reply.xid)?;
        let mut unfinished = None;
        match pending.version {
            2 if pending.procedure == version3::READ => match version3::read2_result(reply.data) {
                Some(piece) => unfinished = self.was_read(reply.xid, &pending, &piece),
                None => self.malformed(),
            },
            3 => unfinished = self.reply3(reply, &pending),
            4 if pending.procedure == version4::COMPOUND => self.reply4(reply, &pending),
            _ => {}
        }
        self.answered(reply.xid);
        unfinished
    }

    fn reply3(&mut self, reply: &Reply<'_>, pending: &Pending) -> Option<Unfinished> {
        let named = match pending.procedure {
            version3::LOOKUP => version3::lookup_result(reply.data),
            version3::CREATE => version3::create_result(reply.data),
            version3::READ => {
                let piece = version3::read_result(reply.data);
                let Some(piece) = piece.filter(|piece| is_possible(piece.length)) else {
                    self.malformed();
                    return None;
                };
                return self.was_read(reply.xid, pending, &piece);
            }
            version3::READDIRPLUS => {
                match version3::listing(reply.data) {
                    Some(entries) => {
                        for (name, handle) in entries {
                            let name = kept(name, limits::NFS_NAME_BYTES_MAX);
                            self.names.insert(kept_handle(handle), name);
                        }
                    }
                    None => self.malformed(),
                }
                return None;
            }
            _ => return None,
        };
        match named {
            Some(handle) => self.names.insert(kept_handle(handle), pending.name.clone()),
            None => self.malformed(),
        }
        None
    }

    fn reply4(&mut self, reply: &Reply<'_>, pending: &Pending) {
        let Some(data) = unwrapped(reply.data, pending.gss_service) else {
            return;
        };
        let Some(outcomes) = version4::results(data) else {
            return self.malformed();
        };
        for outcome in outcomes {
            match outcome {
                Outcome::Handle(handle) if !pending.name.is_empty() => {
                    self.names.insert(kept_handle(handle), pending.name.clone());
                }
                Outcome::Read(piece) => {
                    self.was_read(reply.xid, pending, &piece);
                }
                Outcome::Handle(_) | Outcome::Other => {}
            }
        }
    }

    /// The call of this number is answered. Files go on over many calls: no reply ends them.
    fn answered(&mut self, xid: u32) {
        let asked = self
            .transactions
            .iter_mut()
            .find(|one| one.xid == xid && one.file.is_none());
        if let Some(transaction) = asked {
            transaction.finish(Direction::ToClient);
        }
    }

    /// The version of the call that a reply answers.
    pub(super) fn version_of(&self, xid: u32) -> Option<u32> {
        self.calls.get(&xid).map(|call| call.version)
    }

    /// Whether a reply in parts is one of a READ.
    pub(super) fn is_reply_of_read(&self, xid: u32) -> bool {
        self.calls
            .get(&xid)
            .is_some_and(|call| call.procedure == version3::READ)
    }

    fn file_mut(&mut self, handle: &[u8], direction: Direction) -> Option<&mut NfsTransaction> {
        self.transactions.iter_mut().find(|one| {
            one.file.as_ref().is_some_and(|file| {
                file.direction == direction && !file.is_closed && file.handle == handle
            })
        })
    }

    fn file_or_new(
        &mut self,
        handle: &[u8],
        direction: Direction,
        new: impl FnOnce(NfsFile) -> NfsTransaction,
        name: &[u8],
    ) -> Option<&mut NfsTransaction> {
        if self.file_mut(handle, direction).is_none() {
            let file = NfsFile {
                handle: handle.to_vec(),
                direction,
                transfer: FileTransfer::new(name, self.digests),
                is_closed: false,
            };
            self.push(new(file));
        }
        self.file_mut(handle, direction)
    }

    /// A piece of a file is written.
    fn written(&mut self, call: &Call<'_>, handle: &[u8], write: &Write<'_>) -> Option<Unfinished> {
        if !is_possible(write.length) {
            return None;
        }
        let name = self.name_of(handle);
        let handle = kept_handle(handle);
        let procedure = match call.version {
            4 => version4::WRITE,
            _ => version3::WRITE,
        };
        let new = |file| NfsTransaction::file(call.xid, call.version, procedure, file);
        let transaction = self.file_or_new(&handle, Direction::ToServer, new, &name)?;
        transaction.step();
        let file = transaction.file.as_mut()?;
        let padding = padding(write.length);
        if write.is_last && !write.is_whole() {
            file.transfer.give_up();
            file.is_closed = true;
            // The other side still sees the flaw that is told with the rest of it.
            transaction.finish(Direction::ToServer);
            return Some(Unfinished {
                handle,
                left: u64::from(write.length),
                is_hopeless: true,
            });
        }
        file.transfer
            .begin_padded_piece(write.offset, u64::from(write.length), padding);
        let taken = file.transfer.go_on(write.bytes);
        if write.is_last {
            file.transfer.end_with_piece();
            file.is_closed = true;
            transaction.finish_both();
        }
        if write.is_whole() {
            return None;
        }
        unfinished(handle, u64::from(write.length) + padding, taken)
    }

    /// A piece of a file was read.
    fn was_read(&mut self, xid: u32, pending: &Pending, piece: &Piece<'_>) -> Option<Unfinished> {
        if !is_possible(piece.length) {
            return None;
        }
        // The reference notes the version of a file that is read for version 3 only.
        let (version, procedure) = match pending.version {
            3 => (3, version3::READ),
            4 => (0, version4::READ),
            _ => (0, version3::READ),
        };
        let new = |file| NfsTransaction::file(xid, version, procedure, file);
        let transaction =
            self.file_or_new(&pending.handle, Direction::ToClient, new, &pending.name)?;
        transaction.step();
        let file = transaction.file.as_mut()?;
        let padding = padding(piece.length);
        file.transfer
            .begin_padded_piece(pending.offset, u64::from(piece.length), padding);
        let mut taken = file.transfer.go_on(piece.bytes);
        if piece.is_last {
            file.transfer.end_with_piece();
        }
        if file.transfer.is_closed() {
            transaction.finish_both();
        }
        if piece.is_padded {
            taken += usize::try_from(padding).unwrap_or(0);
        }
        unfinished(
            pending.handle.clone(),
            u64::from(piece.length) + padding,
            taken,
        )
    }

    /// A file was committed or closed: what was written of it is whole.
    fn committed(&mut self, handle: &[u8], is_procedure: bool) {
        let handle = kept_handle(handle);
        if let Some(transaction) = self.file_mut(&handle, Direction::ToServer) {
            transaction.is_committed |= is_procedure;
            if let Some(file) = transaction.file.as_mut() {
                file.transfer.close();
                file.is_closed = true;
            }
            transaction.finish_both();
        }
    }

    /// More of a piece whose beginning went by; gives how many bytes it took.
    pub(super) fn file_goes_on(
        &mut self,
        handle: &[u8],
        direction: Direction,
        bytes: &[u8],
    ) -> usize {
        let Some(transaction) = self.file_mut(handle, direction) else {
            return 0;
        };
        transaction.step();
        let Some(file) = transaction.file.as_mut() else {
            return 0;
        };
        let taken = file.transfer.go_on(bytes);
        if file.transfer.is_closed() {
            transaction.finish_both();
        }
        taken
    }

    /// Bytes of a file were lost.
    pub(super) fn file_lost(&mut self, handle: &[u8], direction: Direction, missing_bytes: u64) {
        if let Some(transaction) = self.file_mut(handle, direction)
            && let Some(file) = transaction.file.as_mut()
        {
            file.transfer.lose(missing_bytes);
            if file.transfer.is_closed() {
                transaction.finish_both();
            }
            transaction.step();
        }
    }

    /// Bytes were lost: nobody waits any more for what they may have said.
    pub(super) fn after_gap(&mut self, direction: Direction) {
        for transaction in self.transactions.iter_mut() {
            if transaction.file.is_none() {
                transaction.finish(Direction::ToServer);
                if direction == Direction::ToClient {
                    transaction.finish(Direction::ToClient);
                }
            }
        }
    }

    /// The flow is over in a direction.
    pub(super) fn end(&mut self, ending: Direction) {
        for transaction in self.transactions.iter_mut() {
            if let Some(file) = transaction.file.as_mut()
                && file.direction == ending
            {
                file.transfer.flow_is_over();
            }
            transaction.finish(ending);
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.transactions
            .iter()
            .map(NfsTransaction::held_bytes)
            .sum::<usize>()
            + self.calls.held_bytes(Pending::held_bytes)
            + self
                .names
                .held_bytes(|name| name.capacity() + limits::NFS_HANDLE_BYTES_MAX)
    }
}

fn is_possible(length: u32) -> bool {
    (1..=limits::NFS_TRANSFER_BYTES_MAX).contains(&length)
}

fn padding(length: u32) -> u64 {
    u64::from(length.wrapping_neg() % 4)
}

fn unfinished(handle: Vec<u8>, whole: u64, taken: usize) -> Option<Unfinished> {
    let left = whole.saturating_sub(taken as u64);
    (left > 0).then_some(Unfinished {
        handle,
        left,
        is_hopeless: false,
    })
}

/// A compound behind what credentials of GSS put around it; nothing where it is encrypted.
fn unwrapped(data: &[u8], service: u32) -> Option<&[u8]> {
    match service {
        GSS_PRIVACY => None,
        GSS_INTEGRITY => {
            let mut reader = Reader::new(data);
            let length = usize::try_from(reader.u32()?).ok()?;
            let wrapped = reader.take(length)?;
            wrapped.get(4..)
        }
        _ => Some(data),
    }
}
