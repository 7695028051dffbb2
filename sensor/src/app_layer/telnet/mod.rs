//! Telnet (RFC 854, RFC 855): commands and text as frames; there is nothing else to ask of it.
//!
//! As the reference cuts it: a command is a unit, with the option behind it; a subnegotiation is one up to the command that
//! ends it. Text goes to the end of its line; where a prompt is expected from the server, before its
//! login and before its password, to `: `.

mod parser;

pub(super) use parser::TelnetParser;
