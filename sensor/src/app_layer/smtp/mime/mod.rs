//! The mail: headers, parts, transfer encodings; a part with a file name is a file.
//!
//! - `mail.rs`: goes through a mail line by line.
//! - `header.rs`: what the fields of one part say.
//! - `encoding.rs`: transfer encodings, line by line.

mod encoding;
mod header;
mod mail;

pub(super) use mail::Mail;
