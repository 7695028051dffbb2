//! FTP's data connection: one file, announced on the control connection (RFC 959, section 3.2).
//!
//! Its bytes are the file, in the direction that the command says; the other direction carries nothing. The file is kept up to a
//! cap; of a longer one the beginning is inspected, and what it is as a whole are its size and its digests.

use lapwing_rules::model::{AppProtocol, Buffer, HeaderField};

use crate::{
    app_layer::{
        BufferView, DigestKind, DigestSet, FactKind, Feed, Parser, Transaction, TransactionField,
        TransactionStore, digests::FileDigests, limits, transactions::Transactions,
    },
    direction::Direction,
};

/// What the command of the control connection does, by the numbers that `ftpdata_command` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FtpTransfer {
    /// `RETR`: from the FTP server.
    Retrieve = 1,
    /// `STOR`: to the FTP server.
    Store = 2,
}

/// A data connection that a control connection announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTransfer {
    /// Port of the side that listens.
    pub port: u16,
    /// What is done.
    pub transfer: FtpTransfer,
    /// The file's name as the command gives it.
    pub name: Vec<u8>,
}

/// FTP of one data connection.
#[derive(Debug)]
pub(in crate::app_layer) struct FtpDataParser {
    transactions: Transactions<FtpDataTransaction>,
}

#[derive(Debug)]
struct FtpDataTransaction {
    transfer: FtpTransfer,
    direction: Direction,
    name: Vec<u8>,
    bytes: Vec<u8>,
    size: u64,
    digests: FileDigests,
    is_done: bool,
    /// Bytes of it were lost.
    is_broken: bool,
    steps: u32,
}

impl FtpDataParser {
    /// The parser of a connection that the FTP server opened (active mode), or the FTP client. The FTP server sends what is
    /// retrieved, whoever opened the connection.
    pub(in crate::app_layer) fn new(
        expected: ExpectedTransfer,
        is_active: bool,
        digests: DigestSet,
    ) -> Self {
        let sender_is_client = (expected.transfer == FtpTransfer::Retrieve) == is_active;
        let mut transactions = Transactions::default();
        transactions.push(FtpDataTransaction {
            transfer: expected.transfer,
            direction: if sender_is_client {
                Direction::ToServer
            } else {
                Direction::ToClient
            },
            name: expected.name,
            bytes: Vec::new(),
            size: 0,
            digests: FileDigests::new(digests),
            is_done: false,
            is_broken: false,
            steps: 1,
        });
        Self { transactions }
    }

    fn finish(&mut self, is_whole: bool) {
        if let Some(transaction) = self.transactions.newest_mut()
            && !transaction.is_done
        {
            transaction.is_done = true;
            transaction.is_broken = !is_whole;
            transaction.digests.finish(is_whole);
            transaction.steps += 1;
        }
    }
}

impl Parser for FtpDataParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::FtpData
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        let Some(transaction) = self.transactions.newest_mut() else {
            return Feed::More;
        };
        if direction == transaction.direction && !transaction.is_done {
            let room = limits::FTP_FILE_BYTES_MAX.saturating_sub(transaction.bytes.len());
            let kept = bytes.get(..room).unwrap_or(bytes);
            if bytes.len() > room {
                transaction.digests.pass(&transaction.bytes, bytes);
            }
            transaction.size += bytes.len() as u64;
            transaction.bytes.extend_from_slice(kept);
            transaction.steps += 1;
        }
        Feed::More
    }

    fn gap(&mut self, _: Direction, _: u64) -> Feed {
        // What is behind it would stand at the wrong place of the file.
        self.finish(false);
        Feed::Stop
    }

    fn end(&mut self, direction: Direction) {
        let is_of_file = self
            .transactions
            .newest_mut()
            .is_some_and(|transaction| transaction.direction == direction);
        if is_of_file {
            self.finish(true);
        }
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn held_bytes(&self) -> usize {
        let held = |transaction: &FtpDataTransaction| {
            size_of::<FtpDataTransaction>()
                + transaction.name.capacity()
                + transaction.bytes.capacity()
                + transaction.digests.held_bytes()
        };
        size_of::<Self>() + self.transactions.iter().map(held).sum::<usize>()
    }
}

impl Transaction for FtpDataTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if direction != self.direction || index > 0 {
            return BufferView::Absent;
        }
        match buffer {
            Buffer::FileName => BufferView::Complete(&self.name),
            Buffer::FileData if self.is_done => match &self.bytes[..] {
                [] => BufferView::Absent,
                bytes => BufferView::Complete(bytes),
            },
            Buffer::FileData if self.bytes.len() >= limits::FTP_FILE_INSPECT_BYTES_MIN => {
                BufferView::Growing(&self.bytes)
            }
            Buffer::FileData => BufferView::Pending,
            _ => BufferView::Absent,
        }
    }

    /// As in the reference, `retr` is asked of what goes to the connection's client and `stor` of what goes to its server, whoever
    /// sends the file.
    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        match field {
            HeaderField::FilePresent => {
                return (direction == self.direction && index == 0).then_some(1);
            }
            HeaderField::FileSize => {
                let is_known = direction == self.direction && index == 0 && self.is_done;
                return (is_known && !self.is_broken).then_some(self.size);
            }
            _ => {}
        }
        let asked = match self.transfer {
            FtpTransfer::Retrieve => Direction::ToClient,
            FtpTransfer::Store => Direction::ToServer,
        };
        (field == HeaderField::FtpDataCommand && index == 0 && direction == asked)
            .then_some(self.transfer as u64)
    }

    fn file_digest(&self, kind: DigestKind, direction: Direction, index: usize) -> Option<&[u8]> {
        let is_asked = direction == self.direction && index == 0;
        is_asked.then(|| self.digests.get(kind))?
    }

    fn progress(&self, _: Direction) -> u32 {
        self.steps
    }

    fn is_complete(&self, direction: Direction) -> bool {
        self.is_done || direction != self.direction
    }

    fn events(&self) -> &[&'static str] {
        &[]
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        facts.push((FactKind::FileName, self.name.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app_layer::testing,
        direction::Direction::{ToClient, ToServer},
    };

    fn parser(transfer: FtpTransfer, is_active: bool) -> FtpDataParser {
        let expected = ExpectedTransfer {
            port: 2_000,
            transfer,
            name: b"a.txt".to_vec(),
        };
        FtpDataParser::new(expected, is_active, DigestSet::default())
    }

    #[test]
    fn the_file_goes_the_way_that_command_and_opener_say() {
        for (transfer, is_active, direction) in [
            (FtpTransfer::Retrieve, false, ToClient),
            (FtpTransfer::Retrieve, true, ToServer),
            (FtpTransfer::Store, false, ToServer),
            (FtpTransfer::Store, true, ToClient),
        ] {
            let mut parser = parser(transfer, is_active);
            testing::converse(&mut parser, &[(direction, b"some bytes")], &[3]);
            parser.end(direction.opposite());
            let transaction = parser.transaction(0).unwrap();
            assert!(transaction.is_complete(direction.opposite()));
            let pending = transaction.buffer(Buffer::FileData, direction, 0);
            assert_eq!(pending, BufferView::Pending);
            parser.end(direction);
            let transaction = parser.transaction(0).unwrap();
            let whole = BufferView::Complete(b"some bytes");
            assert_eq!(transaction.buffer(Buffer::FileData, direction, 0), whole);
            let name = transaction.buffer(Buffer::FileName, direction, 0);
            assert_eq!(name, BufferView::Complete(b"a.txt"));
            let other = transaction.buffer(Buffer::FileName, direction.opposite(), 0);
            assert_eq!(other, BufferView::Absent);
            let command = |way| transaction.field(HeaderField::FtpDataCommand, way, 0);
            let commands = match transfer {
                FtpTransfer::Retrieve => (None, Some(1)),
                FtpTransfer::Store => (Some(2), None),
            };
            assert_eq!((command(ToServer), command(ToClient)), commands);
        }
    }

    #[test]
    fn of_a_long_file_the_beginning_is_kept() {
        let mut parser = parser(FtpTransfer::Retrieve, false);
        let long = vec![b'x'; limits::FTP_FILE_BYTES_MAX + 5];
        testing::converse(&mut parser, &[(ToClient, &long)], &[1_000]);
        let transaction = parser.transaction(0).unwrap();
        let kept = BufferView::Growing(&long[..limits::FTP_FILE_BYTES_MAX]);
        assert_eq!(transaction.buffer(Buffer::FileData, ToClient, 0), kept);
    }
}
