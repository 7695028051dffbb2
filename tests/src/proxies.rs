//! Proxies as they stand before offices: HTTP CONNECT and SOCKS 5, with user and password, one thread a connection.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Result;

/// The user and the password that the proxies ask for.
pub const USER: &str = "lap";
/// See [`USER`].
pub const PASSWORD: &str = "wing";

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    connections: Arc<AtomicU64>,
}

impl Proxy {
    /// Starts one that speaks HTTP CONNECT.
    ///
    /// # Errors
    /// When there is no port left.
    pub fn http() -> Result<Self> {
        Self::start(http)
    }

    /// Starts one that speaks SOCKS 5.
    ///
    /// # Errors
    /// When there is no port left.
    pub fn socks5() -> Result<Self> {
        Self::start(socks5)
    }

    /// Connections that it made for somebody.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    fn start(agree: fn(&mut TcpStream) -> io::Result<TcpStream>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let connections = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&connections);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || serve(near, agree, &counter));
            }
        });
        Ok(Self {
            address,
            connections,
        })
    }
}

fn serve(
    mut near: TcpStream,
    agree: fn(&mut TcpStream) -> io::Result<TcpStream>,
    counter: &AtomicU64,
) {
    let Ok(far) = agree(&mut near) else {
        return;
    };
    counter.fetch_add(1, Ordering::Relaxed);
    let (Ok(mut near_again), Ok(mut far_again)) = (near.try_clone(), far.try_clone()) else {
        return;
    };
    let mut far = far;
    thread::spawn(move || {
        drop(io::copy(&mut near_again, &mut far_again));
        drop(far_again.shutdown(std::net::Shutdown::Both));
    });
    drop(io::copy(&mut far, &mut near));
    drop(near.shutdown(std::net::Shutdown::Both));
}

fn http(near: &mut TcpStream) -> io::Result<TcpStream> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        near.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    // "lap:wing" in base64.
    if !head.contains("Proxy-Authorization: Basic bGFwOndpbmc=") {
        near.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")?;
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let far = TcpStream::connect(target)?;
    near.write_all(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")?;
    Ok(far)
}

fn socks5(near: &mut TcpStream) -> io::Result<TcpStream> {
    let mut read = |count: usize| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        near.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    let methods = usize::from(*read(2)?.last().unwrap_or(&0));
    read(methods)?;
    // User and password.
    near.write_all(&[5, 2])?;
    let mut read = |count: usize| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        near.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    let length = usize::from(*read(2)?.last().unwrap_or(&0));
    let user = read(length)?;
    let length = usize::from(*read(1)?.last().unwrap_or(&0));
    let password = read(length)?;
    if user != USER.as_bytes() || password != PASSWORD.as_bytes() {
        near.write_all(&[1, 1])?;
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    near.write_all(&[1, 0])?;
    let mut read = |count: usize| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        near.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    let kind = *read(4)?.last().unwrap_or(&0);
    let host = match kind {
        1 => {
            let bytes: [u8; 4] = read(4)?.try_into().unwrap_or_default();
            IpAddr::from(bytes).to_string()
        }
        4 => {
            let bytes: [u8; 16] = read(16)?.try_into().unwrap_or_default();
            Ipv6Addr::from(bytes).to_string()
        }
        _ => {
            let length = usize::from(*read(1)?.last().unwrap_or(&0));
            String::from_utf8_lossy(&read(length)?).into_owned()
        }
    };
    let port: [u8; 2] = read(2)?.try_into().unwrap_or_default();
    let target = (host.as_str(), u16::from_be_bytes(port))
        .to_socket_addrs()?
        .next()
        .ok_or(io::ErrorKind::NotFound)?;
    let far = TcpStream::connect(target)?;
    near.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;
    Ok(far)
}
