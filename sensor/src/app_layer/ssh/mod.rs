//! SSH (RFC 4253): banners and the algorithms both sides offer, up to where they encrypt.

mod parser;
mod side;
mod transaction;

#[cfg(test)]
mod tests;

pub(super) use parser::SshParser;
