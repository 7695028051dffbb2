//! Remote calls over named pipes: requests come in writes, transactions and controls, answers in reads and their answers.
//!
//! As in the reference, what was bound holds for the whole connection, and a call is of every interface that the server
//! accepted, whichever context it names; and `dce` numbers of rules are read as big-endian whatever the call says.

use super::{
    record::{Ids, STATUS_BUFFER_OVERFLOW, STATUS_SUCCESS},
    session::{Handle, Open, Session},
    transaction::{Command, SmbTransaction, Subject},
};
use crate::{
    app_layer::{
        DcerpcCall,
        dcerpc::{AcceptedInterface, Interfaces, Pdu, PduKind, fragment_length},
        limits,
    },
    direction::Direction,
};

/// Pipes that carry remote calls, by their name in lower case.
const SERVICES: [&[u8]; 7] = [
    b"svcctl", b"srvsvc", b"atsvc", b"lsarpc", b"samr", b"spoolss", b"winreg",
];
/// Highest type of protocol data unit there is (C706, 12.6.1).
const KIND_MAX: u8 = 20;
/// SMB 2 `IOCTL`, whose answer has the request's number; reads and writes have their own.
const IOCTL: Command = Command::Smb2(11);

/// What a connection keeps of its pipes.
#[derive(Debug, Default)]
pub(super) struct Pipes {
    interfaces: Interfaces,
    /// Pipes whose name is not known, and whose bytes are remote calls.
    recognised: Open<Handle, ()>,
    /// Answers of which more is to come, by session, tree and pipe.
    partial: Open<(u64, u32, Handle), Vec<u8>>,
}

impl Pipes {
    pub(super) fn held_bytes(&self) -> usize {
        self.interfaces.held_bytes()
            + self.recognised.held_bytes(|()| 0)
            + self.partial.held_bytes(Vec::capacity)
    }
}

/// Whether bytes of an unknown pipe or file look like a remote call.
pub(super) fn looks_like_call(bytes: &[u8]) -> bool {
    matches!(bytes, [5, 0..=2, 0..=KIND_MAX, ..])
        && fragment_length(bytes).is_some_and(|length| length > 0)
}

impl Session {
    /// Whether an open pipe is one of remote calls.
    pub(super) fn is_of_calls(&self, handle: Handle) -> bool {
        let by_name = self.names.get(&handle).is_some_and(|name| {
            let name = match name.split_first() {
                Some((b'\\', rest)) if !rest.is_empty() => rest,
                _ => name,
            };
            SERVICES.contains(&name)
        });
        by_name || self.pipes.recognised.get(&handle).is_some()
    }

    /// From now on this pipe, whose opening was not seen, is one of remote calls.
    pub(super) fn recognise_pipe(&mut self, handle: Handle) {
        self.pipes.recognised.insert(handle, ());
    }

    /// The interfaces that calls may be made to, as a call sees them.
    fn callable(&self, context: u16) -> Vec<AcceptedInterface> {
        let accepted = self.pipes.interfaces.accepted().iter();
        accepted
            .map(|interface| AcceptedInterface {
                context,
                bound_in_first_fragment: true,
                ..*interface
            })
            .collect()
    }

    /// The open call of this number, in the direction that is still to come.
    fn call_mut(
        &mut self,
        command: Command,
        ids: Ids,
        wanted: u32,
        direction: Direction,
    ) -> Option<&mut SmbTransaction> {
        self.transactions.iter_mut().find(|one| {
            let is_same = one.ids.session == ids.session
                && (command != IOCTL || one.ids.message == ids.message);
            is_same
                && !one.is_done[direction.index()]
                && matches!(&one.subject, Subject::Call { number, .. } if *number == wanted)
        })
    }

    /// The client writes to a pipe.
    pub(super) fn pipe_request(&mut self, command: Command, ids: Ids, bytes: &[u8]) {
        let Some(pdu) = Pdu::parse(bytes) else {
            self.event("malformed_data");
            return;
        };
        let direction = Direction::ToServer;
        if pdu.kind == PduKind::Request && !pdu.is_first {
            match (
                pdu.request(),
                self.call_mut(command, ids, pdu.call, direction),
            ) {
                (Some(request), Some(transaction)) => {
                    add_arguments(transaction, direction, &pdu, request.stub);
                }
                (None, _) => self.event("malformed_data"),
                (Some(_), None) => {}
            }
            return;
        }
        let mut call = DcerpcCall::default();
        let request = pdu.request().filter(|_| pdu.kind == PduKind::Request);
        if let Some(request) = request {
            call.has_request = true;
            call.context = request.context;
            call.operation = request.operation;
            call.interfaces = self.callable(request.context);
        }
        let is_flawed = bytes.get(2).is_some_and(|kind| *kind > KIND_MAX)
            || (pdu.kind == PduKind::Request && request.is_none());
        if pdu.kind == PduKind::Bind {
            self.pipes
                .interfaces
                .offer(pdu.offers().unwrap_or_default());
        }
        let subject = Subject::Call {
            number: pdu.call,
            call,
        };
        let mut transaction = SmbTransaction::new(command, ids, subject);
        match request {
            Some(request) => add_arguments(&mut transaction, direction, &pdu, request.stub),
            None => finish_call(&mut transaction, direction),
        }
        if is_flawed {
            transaction.event("malformed_data");
        }
        self.transactions.push(transaction);
    }

    /// The client reads from a pipe.
    pub(super) fn pipe_answer(
        &mut self,
        command: Command,
        ids: Ids,
        handle: Handle,
        status: u32,
        bytes: &[u8],
    ) {
        if status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW {
            let failed = self.transactions.iter_mut().find(|one| {
                one.command == command
                    && one.ids.is_same_message(ids)
                    && matches!(one.subject, Subject::Call { .. })
            });
            if let Some(transaction) = failed {
                finish_call(transaction, Direction::ToClient);
            }
            return;
        }
        let key = (ids.session, ids.tree, handle);
        let mut joined = self.pipes.partial.remove(&key).unwrap_or_default();
        joined.extend_from_slice(bytes);
        if joined.is_empty() {
            return;
        }
        let Some(pdu) = Pdu::parse(&joined) else {
            self.event("malformed_data");
            return;
        };
        let is_partial = status == STATUS_BUFFER_OVERFLOW
            && fragment_length(&joined).is_some_and(|length| length > joined.len());
        if is_partial {
            if joined.len() <= limits::SMB_PIPE_BYTES_MAX {
                self.pipes.partial.insert(key, joined);
            }
            return;
        }
        let direction = Direction::ToClient;
        if pdu.kind == PduKind::BindAnswer {
            if let Some(transaction) = self.call_mut(command, ids, pdu.call, direction) {
                finish_call(transaction, direction);
                self.pipes
                    .interfaces
                    .answer(&pdu.results().unwrap_or_default());
            }
            return;
        }
        if self.call_mut(command, ids, pdu.call, direction).is_none() {
            // The request was not seen.
            let call = DcerpcCall {
                interfaces: self.callable(0),
                ..DcerpcCall::default()
            };
            let number = pdu.call;
            let subject = Subject::Call { number, call };
            self.transactions
                .push(SmbTransaction::new(command, ids, subject));
        }
        let Some(transaction) = self.call_mut(command, ids, pdu.call, direction) else {
            return;
        };
        if pdu.kind == PduKind::Response {
            if let Subject::Call { call, .. } = &mut transaction.subject {
                call.has_response = true;
            }
            add_arguments(transaction, direction, &pdu, pdu.results_alone());
        } else {
            finish_call(transaction, direction);
            if joined.get(2).is_some_and(|kind| *kind > KIND_MAX) {
                transaction.event("malformed_data");
            }
        }
    }
}

/// Adds a fragment's part to a call.
fn add_arguments(
    transaction: &mut SmbTransaction,
    direction: Direction,
    pdu: &Pdu<'_>,
    stub: &[u8],
) {
    if let Subject::Call { call, .. } = &mut transaction.subject {
        call.stubs[direction.index()].add(stub, pdu.is_first, pdu.is_last);
    }
    transaction.steps = transaction.steps.wrapping_add(1);
    if pdu.is_last {
        transaction.finish(direction);
    }
}

fn finish_call(transaction: &mut SmbTransaction, direction: Direction) {
    if let Subject::Call { call, .. } = &mut transaction.subject {
        call.stubs[direction.index()].is_complete = true;
    }
    transaction.finish(direction);
}
