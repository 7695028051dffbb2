//! Both sides of a control connection.

use std::net::IpAddr;

use lapwing_rules::model::AppProtocol;

use super::{
    commands::{self, Command},
    data::{ExpectedTransfer, FtpTransfer},
    transaction::FtpTransaction,
};
use crate::{
    app_layer::{
        Feed, Parser, TransactionStore, limits,
        lines::{Line, Lines, Rest},
        transactions::Transactions,
    },
    direction::Direction,
};

/// FTP of one control connection.
#[derive(Debug)]
pub(in crate::app_layer) struct FtpParser {
    client: IpAddr,
    lines: [Lines; 2],
    transactions: Transactions<FtpTransaction>,
    /// The command whose reply is awaited.
    command: Command,
    /// The port that the last `PORT` or `EPRT` named.
    offered_port: Option<u16>,
    /// The port of the data connection that both sides agreed on.
    data_port: Option<u16>,
    /// A data connection that is to be expected and was not asked for yet.
    expected: Option<ExpectedTransfer>,
    /// Something could not be understood: neither direction is read any more.
    is_broken: bool,
}

impl FtpParser {
    pub(in crate::app_layer) fn new(client: IpAddr) -> Self {
        Self {
            client,
            lines: [(); 2].map(|()| Lines::new(limits::FTP_LINE_BYTES_MAX)),
            transactions: Transactions::default(),
            command: Command::Other,
            offered_port: None,
            data_port: None,
            expected: None,
            is_broken: false,
        }
    }

    fn client_line(&mut self, line: &[u8], is_cut: bool) {
        let Some(command) = Command::of(line) else {
            // What is no command opens no transaction, and its reply answers none.
            self.command = Command::Other;
            return;
        };
        self.command = command;
        let mut transaction = FtpTransaction::default();
        if is_cut {
            transaction.events.add("request_command_too_long");
        }
        match command {
            Command::Port => {
                let named = commands::host_port(&line[4..]);
                transaction.is_bounce =
                    named.is_some_and(|(host, _)| IpAddr::V4(host) != self.client);
                self.offered_port = named.map(|(_, port)| port);
            }
            Command::ExtendedPort => self.offered_port = commands::extended_port(line),
            Command::Transfer(transfer) => match self.data_port.take() {
                Some(port) => self.expected = Some(expected(port, transfer, line)),
                // Without an agreed data connection the reference reads nothing more.
                None => self.is_broken = true,
            },
            Command::AuthTls | Command::Passive | Command::ExtendedPassive | Command::Other => {}
        }
        self.transactions.push(transaction);
    }

    fn reply_line(&mut self, line: &[u8], is_cut: bool) -> Feed {
        let open = self
            .transactions
            .iter_mut()
            .find(|transaction| !transaction.is_done);
        let is_preliminary = line.first() == Some(&b'1');
        let transaction = match open {
            Some(open) => open,
            None => {
                if !is_cut {
                    return self.agree(line);
                }
                self.transactions.push(FtpTransaction::default());
                match self.transactions.newest_mut() {
                    Some(newest) => newest,
                    None => return Feed::Stop,
                }
            }
        };
        transaction.steps += 1;
        if is_cut {
            transaction.events.add("response_command_too_long");
        }
        transaction.is_done = !is_preliminary;
        self.agree(line)
    }

    /// What a reply settles beside its transaction.
    fn agree(&mut self, line: &[u8]) -> Feed {
        if self.command == Command::AuthTls && line.starts_with(b"234 ") {
            return Feed::Upgrade;
        }
        if self
            .command
            .agreed_by()
            .is_some_and(|code| line.starts_with(code))
        {
            self.data_port = match self.command {
                Command::Passive => commands::passive_port(line),
                Command::ExtendedPassive => commands::extended_port(line),
                _ => self.offered_port.take(),
            };
        }
        Feed::More
    }
}

/// The transfer of a command line: its name is what stands behind the command.
fn expected(port: u16, transfer: FtpTransfer, line: &[u8]) -> ExpectedTransfer {
    let name = line.get(4..).unwrap_or_default().trim_ascii();
    ExpectedTransfer {
        port,
        transfer,
        name: name
            .get(..limits::FTP_FILE_NAME_BYTES_MAX)
            .unwrap_or(name)
            .to_vec(),
    }
}

impl Parser for FtpParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Ftp
    }

    fn feed(&mut self, direction: Direction, mut bytes: &[u8]) -> Feed {
        let mut feed = Feed::More;
        while !self.is_broken && feed == Feed::More {
            let Some(line) = self.lines[direction.index()].next(&mut bytes, Rest::Discarded) else {
                break;
            };
            let (line, is_cut) = match &line {
                Line::Whole(line, _) => (line, false),
                Line::Cut(line) => (line, true),
            };
            match direction {
                Direction::ToServer => self.client_line(line, is_cut),
                Direction::ToClient => feed = self.reply_line(line, is_cut),
            }
        }
        if self.is_broken { Feed::Stop } else { feed }
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        self.lines[direction.index()].gap();
        Feed::More
    }

    fn end(&mut self, direction: Direction) {
        for transaction in self.transactions.iter_mut() {
            transaction.ended[direction.index()] = true;
            transaction.steps += 1;
        }
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn take_expected(&mut self) -> Option<ExpectedTransfer> {
        self.expected.take()
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self
                .expected
                .as_ref()
                .map_or(0, |expected| expected.name.capacity())
            + self.lines.iter().map(Lines::held_bytes).sum::<usize>()
            + self.transactions.iter().count() * size_of::<FtpTransaction>()
    }
}
