//! What a parser offers to detection: transactions, their buffers, numbers and events.

use std::{fmt, ops::Range};

use lapwing_rules::model::{AppProtocol, Buffer, PacketCondition};

use super::{DcerpcCall, DigestKind, DigestSet, ExpectedTransfer, FrameLog};
use crate::direction::Direction;

/// One buffer of one transaction, as far as it is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferView<'a> {
    /// Not known yet; it may still come. Ask again when the transaction has gone on.
    Pending,
    /// It will never exist in this transaction (or there is no instance with this index).
    Absent,
    /// All of it.
    Complete(&'a [u8]),
    /// A body that is still growing and already worth inspecting: what is kept of it so far, from its start.
    Growing(&'a [u8]),
}

/// A number of a transaction that rules compare (`dns.opcode`, `tls.version`, …).
pub type TransactionField = lapwing_rules::model::HeaderField;

/// Kind of an app-layer fact that goes with an alert and, if the policy allows, into a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FactKind {
    HttpHost,
    HttpUri,
    HttpMethod,
    HttpUserAgent,
    HttpStatus,
    HttpReferer,
    HttpContentType,
    DnsQuery,
    DnsRrType,
    DnsRcode,
    TlsSni,
    TlsVersion,
    TlsSubject,
    TlsIssuer,
    TlsFingerprint,
    Ja3,
    Ja3s,
    Ja4,
    SshClientSoftware,
    SshServerSoftware,
    FileName,
}

/// Whether a parser wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Go on.
    More,
    /// Nothing of this direction will be understood any more; do not feed it again.
    Stop,
    /// The whole flow makes no sense: nothing more is parsed, and its frames are inspected with the packet in hand only.
    Fail,
    /// The protocol handed the connection over (`CONNECT`, `STARTTLS`): what follows is identified anew.
    Upgrade,
}

/// A request of HTTP/1 that is answered in HTTP/2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpgradedRequest {
    /// Its method.
    pub method: Vec<u8>,
    /// Its target as sent.
    pub target: Vec<u8>,
    /// Names and values of its header fields.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// One request with its answer, or whatever a protocol's unit is.
pub trait Transaction {
    /// A buffer in a direction; `index` counts instances of buffers that may occur several times.
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_>;

    /// A number that rules compare, once known. Several values (as DNS record types) come one after the other.
    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64>;

    /// The digest of a whole file that is larger than what is kept of it, where the parser was told to make it.
    fn file_digest(&self, _: DigestKind, _: Direction, _index: usize) -> Option<&[u8]> {
        None
    }

    /// The remote call that it carries, for the keywords of DCERPC.
    fn dcerpc_call(&self) -> Option<&DcerpcCall> {
        None
    }

    /// Whether a condition of its own protocol holds, that is more than one number.
    fn holds(&self, _condition: &PacketCondition<'_>, _direction: Direction) -> bool {
        false
    }

    /// The only direction it exists in, where it is a message and not an exchange: rules do not ask the other one.
    fn only_direction(&self) -> Option<Direction> {
        None
    }

    /// Whether a field that has values may get more of them: a rule that none of them satisfies then waits.
    fn fields_may_grow(&self) -> bool {
        false
    }

    /// Whether rules are looked for in a buffer yet. Before that only those that have nothing to be looked for see it.
    fn is_scan_due(&self, _: Buffer, _: Direction) -> bool {
        true
    }

    /// Whether rules are no longer looked for in what a buffer may still get; those that wait still see it.
    fn is_scan_over(&self, _: Buffer, _: Direction) -> bool {
        false
    }

    /// Steps made in a direction; grows whenever a buffer of that direction may have changed from pending.
    fn progress(&self, direction: Direction) -> u32;

    /// Whether nothing more will come in a direction.
    fn is_complete(&self, direction: Direction) -> bool;

    /// Events by the reference's names without protocol prefix, oldest first.
    fn events(&self) -> &[&'static str];

    /// Facts worth telling with an alert, appended to `facts`.
    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>);
}

/// The numbered transactions of one flow, whatever their type.
pub trait TransactionStore {
    /// Numbers of those that are still held.
    fn numbers(&self) -> Range<u64>;

    /// The one of a number.
    fn transaction(&self, number: u64) -> Option<&dyn Transaction>;

    /// Lets go of those below `number`.
    fn release(&mut self, number: u64);

    /// How many went before they were inspected, because there were too many.
    fn dropped(&self) -> u64;
}

/// How much of a conversation rules are judged on, from its parser's view; each less than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inspected {
    /// All of it.
    #[default]
    Everything,
    /// Payload is ciphertext from the next packet on, and no rule looks at it; transactions go on.
    Transactions,
    /// Nor do transactions: only headers are left.
    Headers,
}

/// One protocol's state for one flow.
pub trait Parser: fmt::Debug + Send {
    /// Which protocol it speaks.
    fn protocol(&self) -> AppProtocol;

    /// Takes the next bytes of a direction; what is incomplete is kept inside, bounded.
    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed;

    /// `missing_bytes` of a direction were lost.
    fn gap(&mut self, direction: Direction, missing_bytes: u64) -> Feed;

    /// Nothing more comes in a direction.
    fn end(&mut self, direction: Direction);

    /// Tells which digests rules ask for of the files that come from now on.
    fn want_digests(&mut self, _: DigestSet) {}

    /// Where its transactions are held, if it has any.
    fn store(&self) -> Option<&dyn TransactionStore> {
        None
    }

    /// The same, to let go of what was inspected.
    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        None
    }

    /// Numbers of the transactions that are still held, oldest first; numbers only grow.
    fn transactions(&self) -> Range<u64> {
        self.store().map_or(0..0, TransactionStore::numbers)
    }

    /// A transaction by number.
    fn transaction(&self, number: u64) -> Option<&dyn Transaction> {
        self.store()?.transaction(number)
    }

    /// Transactions below `number` are inspected and may go.
    fn release(&mut self, number: u64) {
        if let Some(store) = self.store_mut() {
            store.release(number);
        }
    }

    /// Transactions that went before they were inspected, because the flow had too many.
    fn dropped_transactions(&self) -> u64 {
        self.store().map_or(0, TransactionStore::dropped)
    }

    /// The request behind which another protocol answers ([`Feed::Upgrade`]), where its parser has to know it.
    fn upgraded_request(&self) -> Option<UpgradedRequest> {
        None
    }

    /// The protocol behind an upgrade ([`Feed::Upgrade`]), where it is known and not to be told by what follows.
    fn successor(&self) -> Option<AppProtocol> {
        None
    }

    /// What was fed in a direction and belongs to the protocol behind an upgrade.
    fn take_unread(&mut self, _: Direction) -> Vec<u8> {
        Vec::new()
    }

    /// What of the conversation is still worth a look.
    fn inspected(&self) -> Inspected {
        Inspected::Everything
    }

    /// A further connection that this one announced since it was last asked.
    fn take_expected(&mut self) -> Option<ExpectedTransfer> {
        None
    }

    /// The frames it reports, where it reports any.
    fn frames(&self) -> Option<&FrameLog> {
        None
    }

    /// The same, to be told what is fed and what was inspected.
    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        None
    }

    /// Bytes held, for the memory budget.
    fn held_bytes(&self) -> usize;
}
