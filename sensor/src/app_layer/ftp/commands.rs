//! Commands, and the addresses and ports that commands and replies name.

use std::net::Ipv4Addr;

use super::data::FtpTransfer;

/// Every command that opens a transaction.
const KNOWN: [&str; 46] = [
    "ABOR", "ACCT", "ALLO", "APPE", "AUTH TLS", "CDUP", "CHMOD", "CWD", "DELE", "EPRT", "EPSV",
    "FEAT", "HELP", "IDLE", "LIST", "MAIL", "MDTM", "MKD", "MLFL", "MODE", "MRCP", "MRSQ", "MSAM",
    "MSND", "MSOM", "NLST", "NOOP", "PASS", "PASV", "PORT", "PWD", "QUIT", "REIN", "REST", "RETR",
    "RMD", "RNFR", "RNTO", "SITE", "SIZE", "SMNT", "STAT", "STOR", "STOU", "SYST", "USER",
];

/// A command as far as it changes what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    AuthTls,
    /// `PORT`: the client listens.
    Port,
    /// `EPRT`: the client listens.
    ExtendedPort,
    /// `PASV`: the server listens.
    Passive,
    /// `EPSV`: the server listens.
    ExtendedPassive,
    /// `RETR` or `STOR`
    Transfer(FtpTransfer),
    Other,
}

impl Command {
    /// The command of a line, where it is a known one.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let name = KNOWN.into_iter().find(|name| {
            line.get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        })?;
        Some(match name {
            "AUTH TLS" => Self::AuthTls,
            "PORT" => Self::Port,
            "EPRT" => Self::ExtendedPort,
            "PASV" => Self::Passive,
            "EPSV" => Self::ExtendedPassive,
            "RETR" => Self::Transfer(FtpTransfer::Retrieve),
            "STOR" => Self::Transfer(FtpTransfer::Store),
            _ => Self::Other,
        })
    }

    /// The first digits of the reply with which a data connection is agreed.
    pub(super) fn agreed_by(self) -> Option<&'static [u8]> {
        match self {
            Self::Port | Self::ExtendedPort => Some(b"200 "),
            Self::Passive => Some(b"227 "),
            Self::ExtendedPassive => Some(b"229 "),
            Self::AuthTls | Self::Transfer(_) | Self::Other => None,
        }
    }
}

/// Address and port of `h1,h2,h3,h4,p1,p2` (RFC 959, section 4.1.2).
pub(super) fn host_port(text: &[u8]) -> Option<(Ipv4Addr, u16)> {
    let mut numbers = [0_u8; 6];
    let mut parts = text.split(|&byte| byte == b',');
    for number in &mut numbers {
        let part = parts.next()?.trim_ascii();
        let digits = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *number = std::str::from_utf8(&part[..digits]).ok()?.parse().ok()?;
    }
    let [a, b, c, d, high, low] = numbers;
    Some((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
}

/// The port of a `227` reply: the numbers in parentheses.
pub(super) fn passive_port(reply: &[u8]) -> Option<u16> {
    let open = memchr::memchr(b'(', reply)?;
    host_port(&reply[open + 1..]).map(|(_, port)| port)
}

/// The port between the last two delimiters of `|1|192.0.2.1|6446|` or `(|||6446|)` (RFC 2428).
pub(super) fn extended_port(text: &[u8]) -> Option<u16> {
    let end = memchr::memrchr(b'|', text)?;
    let start = memchr::memrchr(b'|', &text[..end])?;
    std::str::from_utf8(&text[start + 1..end])
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_known_by_their_first_word() {
        assert_eq!(
            Command::of(b"retr a.txt"),
            Some(Command::Transfer(FtpTransfer::Retrieve))
        );
        assert_eq!(Command::of(b"AUTH TLS"), Some(Command::AuthTls));
        assert_eq!(Command::of(b"AUTH"), None);
        assert_eq!(Command::of(b"XYZZ"), None);
    }

    #[test]
    fn ports_are_read_in_each_form() {
        assert_eq!(
            host_port(b" 192,0,2,1,7,138\r"),
            Some((Ipv4Addr::new(192, 0, 2, 1), 1_930))
        );
        assert_eq!(host_port(b"192,0,2,256,7,138"), None);
        assert_eq!(host_port(b"192,0,2"), None);
        assert_eq!(
            passive_port(b"227 Entering Passive Mode (192,0,2,1,200,7)."),
            Some(51_207)
        );
        assert_eq!(extended_port(b"229 ok (|||6446|)"), Some(6_446));
        assert_eq!(extended_port(b"EPRT |1|192.0.2.1|6447|"), Some(6_447));
        assert_eq!(extended_port(b"EPRT 6447"), None);
    }
}
