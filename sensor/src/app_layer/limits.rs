//! Every cap of the application layer, with its unit. Nothing a peer sends can make a parser hold more than these.

/// Bytes of one direction kept while its protocol is not known. Behind that the flow is given up.
pub const IDENTIFY_HELD_BYTES_MAX: usize = 16 * 1024;
/// Events of the application layer as a whole (not of a transaction) kept for one packet.
pub const FLOW_EVENTS_MAX: usize = 4;

/// Transactions one flow holds; the oldest goes when another comes.
pub const TRANSACTIONS_MAX: usize = 256;
/// Different events kept of one transaction.
pub const TRANSACTION_EVENTS_MAX: usize = 32;
