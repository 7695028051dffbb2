//! The way to the centre: its addresses in turn, by both versions of IP, straight or through a proxy.
//!
//! Names may lie, ports may be black holes, and a captive portal may answer in the centre's place. None of
//! that is told apart here: TLS says who answers, and every step has its time, so that the next address
//! gets its turn.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_socks::tcp::Socks5Stream;

use crate::bill::Bill;

/// How long a resolver may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one address may take for TCP: four lost SYNs fit.
const TCP_TIMEOUT: Duration = Duration::from_secs(16);
/// How long a proxy may take to reach the centre.
const PROXY_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that the kernel keeps unsent: enough for 50 kB/s over a satellite.
const SEND_BUFFER_BYTES: u32 = 32 * 1024;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// Bytes of a proxy's answer, at most.
const PROXY_ANSWER_BYTES: usize = 8 * 1024;
const PROXY_HEADERS: usize = 64;

/// A proxy between this site and the world.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: ProxyKind,
    address: String,
    credentials: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProxyKind {
    HttpConnect,
    Socks5,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password.
        write!(formatter, "Proxy({:?}, {})", self.kind, self.address)
    }
}

/// Why a text names no proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no proxy: write http://HOST:PORT or socks5://HOST:PORT, with USER:PASSWORD@ before the host where it asks"
)]
pub struct ProxyError(String);

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let wrong = || {
            let (_, shown) = text.rsplit_once('@').unwrap_or(("", text));
            ProxyError(shown.to_owned())
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let kind = match scheme {
            "http" => ProxyKind::HttpConnect,
            "socks5" => ProxyKind::Socks5,
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let (credentials, address) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((credentials, address)) => {
                let (user, password) = credentials.split_once(':').ok_or_else(wrong)?;
                (Some((user.to_owned(), password.to_owned())), address)
            }
        };
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        if host.is_empty() || !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(wrong());
        }
        Ok(Self {
            kind,
            address: address.to_owned(),
            credentials,
        })
    }
}

/// A TCP connection to an address of the centre, `host:port`. `begin` makes of the socket what is written to and read from, before a
/// byte goes through it, so that what a proxy is told is on the bill and in the ledger too.
pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    address: &str,
    proxy: Option<&Proxy>,
    bill: &Bill,
    begin: impl FnOnce(TcpStream) -> io::Result<S>,
) -> io::Result<S> {
    let Some(proxy) = proxy else {
        return begin(dial(address, bill).await?);
    };
    let stream = begin(dial(&proxy.address, bill).await?)?;
    let through = async {
        match proxy.kind {
            ProxyKind::HttpConnect => http_connect(stream, address, proxy).await,
            ProxyKind::Socks5 => socks5(stream, address, proxy).await,
        }
    };
    timeout(PROXY_TIMEOUT, through)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the proxy did not answer in time"))?
}

/// Tries the addresses of a name in turn, those of both versions of IP alternating.
async fn dial(address: &str, bill: &Bill) -> io::Result<TcpStream> {
    let resolved = timeout(RESOLVE_TIMEOUT, lookup_host(address))
        .await
        .map_err(|_| {
            io::Error::new(
                io::ErrorKind::TimedOut,
                "the resolver did not answer in time",
            )
        })??;
    let mut last = io::Error::other("the name has no address");
    for address in alternate(resolved.collect()) {
        bill.connect();
        match timeout(TCP_TIMEOUT, socket(address)?.connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
        tracing::debug!(%address, error = %last, "no connection");
    }
    Err(last)
}

/// Little is kept in the kernel, so that what is urgent does not wait behind minutes of what is not.
fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()?
    } else {
        TcpSocket::new_v4()?
    };
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    Ok(socket)
}

/// The resolver's first choice first, then one of each version in turn.
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else {
        return addresses;
    };
    let (mut these, mut those): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first);
    these.reverse();
    those.reverse();
    let mut ordered = Vec::new();
    while !these.is_empty() || !those.is_empty() {
        ordered.extend(these.pop());
        ordered.extend(those.pop());
    }
    ordered.truncate(ADDRESSES_MAX);
    ordered
}

async fn http_connect<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    address: &str,
    proxy: &Proxy,
) -> io::Result<S> {
    let mut request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
    if let Some((user, password)) = &proxy.credentials {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        request.push_str(&format!("Proxy-Authorization: Basic {credentials}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let head = loop {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
        if answer.len() >= PROXY_ANSWER_BYTES {
            return Err(refused("its answer does not end"));
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    // In TLS this side speaks first: nothing can follow the head yet.
    if answer.len() > head {
        return Err(refused("it says more than it was asked"));
    }
    let mut headers = [httparse::EMPTY_HEADER; PROXY_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let status = match response.parse(&answer) {
        Ok(httparse::Status::Complete(_)) => response.code,
        _ => None,
    };
    match status {
        Some(200..=299) => Ok(stream),
        Some(407) => Err(refused("it asks for other credentials (407)")),
        Some(code) => Err(refused(&format!("status {code}"))),
        None => Err(refused("its answer is not HTTP")),
    }
}

async fn socks5<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    address: &str,
    proxy: &Proxy,
) -> io::Result<S> {
    let (host, port) = address
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)))
        .ok_or_else(|| refused("the centre's address has no port"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let connected = match (host.parse::<IpAddr>(), &proxy.credentials) {
        (Ok(ip), None) => Socks5Stream::connect_with_socket(stream, (ip, port)).await,
        (Err(_), None) => Socks5Stream::connect_with_socket(stream, (host, port)).await,
        (Ok(ip), Some((user, password))) => {
            Socks5Stream::connect_with_password_and_socket(stream, (ip, port), user, password).await
        }
        (Err(_), Some((user, password))) => {
            Socks5Stream::connect_with_password_and_socket(stream, (host, port), user, password)
                .await
        }
    };
    connected
        .map(Socks5Stream::into_inner)
        .map_err(|error| refused(&error.to_string()))
}

fn refused(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionRefused,
        format!("the proxy does not reach the centre: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_read_and_their_passwords_not_shown() {
        let proxy: Proxy = "http://lap:wing@proxy.example:3128/".parse().unwrap();
        assert_eq!(proxy.kind, ProxyKind::HttpConnect);
        assert_eq!(proxy.address, "proxy.example:3128");
        assert!(!format!("{proxy:?}").contains("wing"));
        let proxy: Proxy = "socks5://[2001:db8::1]:1080".parse().unwrap();
        assert_eq!((proxy.kind, proxy.credentials), (ProxyKind::Socks5, None));
        for wrong in [
            "",
            "proxy:3128",
            "ftp://a:1",
            "http://a",
            "http://:1",
            "http://u@a:1",
        ] {
            assert!(wrong.parse::<Proxy>().is_err(), "{wrong}");
        }
        let error = "ftp://lap:secret@a:1".parse::<Proxy>().unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn both_versions_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (a, b, c) = (
            address("[2001:db8::1]:1"),
            address("[2001:db8::2]:1"),
            address("192.0.2.1:1"),
        );
        assert_eq!(alternate(vec![a, b, c]), [a, c, b]);
        assert_eq!(alternate(vec![c, a, b]), [c, a, b]);
        assert_eq!(alternate(Vec::new()), []);
        assert_eq!(alternate(vec![a; 20]).len(), ADDRESSES_MAX);
    }
}
