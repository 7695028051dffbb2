//! Application protocols: identification by content, one parser a protocol, transactions with buffers.
//!
//! A parser takes bytes and a direction and gives transactions and events; it holds no socket and no clock, and every
//! length, count and depth it keeps is capped in [`limits`]. Bytes that make no sense are events, not errors.
//! `README.md` beside this file says how a protocol is added.

mod dcerpc;
mod dhcp;
mod digests;
mod dispatch;
mod dnp3;
mod dns;
mod enip;
mod files;
mod frames;
mod ftp;
#[doc(hidden)]
pub mod fuzz;
mod http1;
mod http2;
mod identify;
mod ike;
mod krb5;
mod ldap;
pub mod limits;
mod lines;
mod messages;
mod modbus;
mod mqtt;
mod nfs;
mod ntp;
mod parser_set;
mod pgsql;
mod quic;
mod rdp;
mod reader;
mod recent;
mod registry;
mod rfb;
mod sip;
mod smb;
mod smtp;
mod snmp;
mod ssh;
mod telnet;
#[cfg(test)]
mod testing;
mod tftp;
mod tls;
mod transaction;
mod transactions;
mod websocket;

pub use dcerpc::DcerpcCall;
pub use digests::{DigestKind, DigestSet};
pub use dispatch::{AppLayer, FeedContext, Identification, Transport};
pub use frames::{FrameId, FrameLog, FramePiece};
pub use ftp::{ExpectedTransfer, FtpTransfer};
pub use parser_set::ParserSet;
pub use transaction::{
    BufferView, FactKind, Feed, Inspected, Parser, Transaction, TransactionField, TransactionStore,
    UpgradedRequest,
};
