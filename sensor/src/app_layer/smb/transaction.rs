//! One exchange, file or remote call, as rules ask about it.

use lapwing_rules::model::Buffer;

use super::{ntlmssp::Login, record::Ids, session::Handle};
use crate::{
    app_layer::{
        BufferView, DcerpcCall, DigestKind, FactKind, Transaction, TransactionField,
        files::FileTransfer, transactions::Events,
    },
    direction::Direction,
};

/// Command and version: SMB 1 and SMB 2 number theirs apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Smb1(u8),
    Smb2(u16),
}

/// What a transaction is about.
#[derive(Debug)]
pub(super) enum Subject {
    /// A command that rules ask nothing of.
    Plain,
    /// A login.
    SessionSetup(Option<Login>),
    /// A share is opened; it turns out to be one of pipes with the answer.
    TreeConnect { share: Vec<u8>, is_pipe: bool },
    /// A file in one direction.
    File {
        handle: Handle,
        direction: Direction,
        file: FileTransfer,
    },
    /// A remote call or what sets calls up.
    Call { number: u32, call: DcerpcCall },
}

/// One transaction.
#[derive(Debug)]
pub(super) struct SmbTransaction {
    pub(super) command: Command,
    pub(super) ids: Ids,
    pub(super) subject: Subject,
    pub(super) is_done: [bool; 2],
    pub(super) events: Events,
    pub(super) steps: u32,
}

impl SmbTransaction {
    pub(super) fn new(command: Command, ids: Ids, subject: Subject) -> Self {
        Self {
            command,
            ids,
            subject,
            is_done: [false; 2],
            events: Events::default(),
            steps: 1,
        }
    }

    pub(super) fn finish(&mut self, direction: Direction) {
        self.is_done[direction.index()] = true;
        self.steps = self.steps.wrapping_add(1);
    }

    pub(super) fn finish_both(&mut self) {
        if let Subject::File { file, .. } = &mut self.subject {
            file.close();
        }
        for direction in Direction::BOTH {
            self.finish(direction);
        }
    }

    pub(super) fn event(&mut self, name: &'static str) {
        self.events.add(name);
        self.steps = self.steps.wrapping_add(1);
    }

    pub(super) fn held_bytes(&self) -> usize {
        let subject = match &self.subject {
            Subject::Plain => 0,
            Subject::SessionSetup(login) => login.as_ref().map_or(0, Login::held_bytes),
            Subject::TreeConnect { share, .. } => share.capacity(),
            Subject::File { file, .. } => file.held_bytes(),
            Subject::Call { call, .. } => call.held_bytes(),
        };
        size_of::<Self>() + subject
    }
}

fn known(bytes: &[u8]) -> BufferView<'_> {
    match bytes {
        [] => BufferView::Absent,
        bytes => BufferView::Complete(bytes),
    }
}

impl Transaction for SmbTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if index > 0 {
            return BufferView::Absent;
        }
        let from_client = direction == Direction::ToServer;
        match (&self.subject, buffer) {
            (Subject::TreeConnect { share, is_pipe }, Buffer::SmbShare)
                if from_client && !is_pipe =>
            {
                known(share)
            }
            (Subject::TreeConnect { share, is_pipe }, Buffer::SmbNamedPipe)
                if from_client && *is_pipe =>
            {
                known(share)
            }
            (Subject::SessionSetup(Some(login)), Buffer::SmbNtlmsspUser) if from_client => {
                known(&login.user)
            }
            (Subject::SessionSetup(Some(login)), Buffer::SmbNtlmsspDomain) if from_client => {
                known(&login.domain)
            }
            (Subject::Call { call, .. }, Buffer::DcerpcStubData) => call.stub(direction),
            (
                Subject::File {
                    file,
                    direction: of,
                    ..
                },
                Buffer::FileData,
            ) if *of == direction => file.view(),
            (
                Subject::File {
                    file,
                    direction: of,
                    ..
                },
                Buffer::FileName,
            ) if *of == direction => known(&file.name),
            _ => BufferView::Absent,
        }
    }

    fn field(&self, field: TransactionField, asked: Direction, index: usize) -> Option<u64> {
        match &self.subject {
            Subject::File {
                file, direction, ..
            } if *direction == asked && index == 0 => match field {
                TransactionField::FileSize => file.whole_size(),
                TransactionField::FilePresent => Some(1),
                _ => None,
            },
            _ => None,
        }
    }

    fn file_digest(&self, kind: DigestKind, asked: Direction, index: usize) -> Option<&[u8]> {
        match &self.subject {
            Subject::File {
                file, direction, ..
            } if *direction == asked && index == 0 => file.digest(kind),
            _ => None,
        }
    }

    fn dcerpc_call(&self) -> Option<&DcerpcCall> {
        match &self.subject {
            Subject::Call { call, .. } => Some(call),
            _ => None,
        }
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
        if let Subject::File { file, .. } = &self.subject
            && !file.name.is_empty()
        {
            facts.push((FactKind::FileName, file.name.clone()));
        }
    }
}
