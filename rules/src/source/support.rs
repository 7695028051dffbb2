//! What the sensor really runs: the one place where a buffer, a number or a protocol is switched on for rules.
//!
//! A rule that needs anything that is off here is named, counted and skipped; it is never half-run.

use crate::model::{AppProtocol, Buffer, HeaderField};

/// Why something is not run; `Ok` if it is.
pub type Support = Result<(), &'static str>;

const NO_PARSER: &str = "this version has no parser for it yet";
const NO_FIELD: &str = "this version does not read this number yet";

/// Whether a buffer is filled.
///
/// # Errors
/// The reason why not.
pub fn buffer(buffer: Buffer) -> Support {
    match buffer {
        Buffer::FileName | Buffer::FileMagic => Err("files are not tracked by name yet"),
        Buffer::SshProto
        | Buffer::SshSoftware
        | Buffer::SshHassh
        | Buffer::SshHasshString
        | Buffer::SshHasshServer
        | Buffer::SshHasshServerString => Err(NO_PARSER),
        _ => Ok(()),
    }
}

/// Whether a number of a packet, flow or transaction is read.
///
/// # Errors
/// The reason why not.
pub fn field(field: HeaderField) -> Support {
    match field {
        HeaderField::Icmpv6Mtu => Err(NO_FIELD),
        _ => Ok(()),
    }
}

/// Whether an application protocol is recognised in traffic.
///
/// # Errors
/// The reason why not.
pub fn app_protocol(protocol: AppProtocol) -> Support {
    match protocol {
        AppProtocol::Http1 | AppProtocol::Tls | AppProtocol::Dns => Ok(()),
        _ => Err(NO_PARSER),
    }
}

/// Whether events of this kind are raised, by the first part of their name (`http`, `stream`, `decoder`, `applayer`).
///
/// # Errors
/// The reason why not.
pub fn event(kind: &str) -> Support {
    match kind {
        "decoder" | "stream" => Ok(()),
        _ => Err("events of this kind are not raised yet"),
    }
}

/// Whether expressions with look-around, back-references, atomic groups or possessive quantifiers are run.
///
/// # Errors
/// The reason why not.
pub fn backtracking_regex() -> Support {
    Err(
        "the expression needs backtracking (look-around, back-reference, atomic group or possessive quantifier)",
    )
}
