//! SMB 1, 2 and 3: shares, logins by NTLMSSP, remote calls over named pipes, and files in transfer.
//!
//! | file | what |
//! |---|---|
//! | `record.rs` | NetBIOS session records and the headers of the three versions |
//! | `parser.rs` | cuts a direction into records, reports frames, finds its way after a gap |
//! | `smb1.rs`, `smb2.rs` | what each command asks and answers |
//! | `session.rs` | what a connection keeps: trees, open files, requests that wait |
//! | `pipe.rs` | DCERPC over named pipes |
//! | `ntlmssp.rs` | user and domain of a login |
//! | `transaction.rs` | what rules ask |
//!
//! Sources: MS-CIFS, MS-SMB, MS-SMB2, MS-NLMP; RFC 1002, section 4.3. What SMB 3 encrypts is only framed. Reads and writes
//! of files are followed while their record is still coming; every other command waits for its whole record.

mod ntlmssp;
mod parser;
mod pipe;
mod record;
mod session;
mod smb1;
mod smb2;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use parser::SmbParser;
