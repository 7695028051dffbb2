//! Addresses and the way out, told to the kernel over route netlink.
//!
//! A message is a header of 16 bytes (length, kind, flags, sequence, port), one of its kind, and attributes: length and
//! kind of two bytes each, then a value, filled up to a multiple of four. Numbers are the machine's own.

use std::{io, net::IpAddr};

use ipnet::IpNet;
use rustix::{
    fd::OwnedFd,
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, sendto,
        socket_with,
    },
};

const ERROR: u16 = 2;
const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const REPLACE: u16 = 0x100;
const CREATE: u16 = 0x400;

const SET_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
const NEW_ROUTE: u16 = 24;

/// The flag of a port that is up.
const UP: u32 = 1;
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const OUTPUT: u16 = 4;
const GATEWAY: u16 = 5;
/// The table of routes that everything uses.
const MAIN_TABLE: u8 = 254;
/// Set up at the start, of the whole world, to one neighbour.
const BY_BOOT_UNIVERSE_UNICAST: [u8; 3] = [3, 0, 1];

/// Talks to the kernel.
pub(crate) struct Routes(OwnedFd);

impl Routes {
    pub(crate) fn open() -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            // Number 0 is that of routes.
            None,
        )?;
        Ok(Self(socket))
    }

    /// Brings a port up.
    pub(crate) fn bring_up(&self, port: u32) -> io::Result<()> {
        // Family and padding, kind of device, number, flags, which of them change.
        let body = [0, 0, port, UP, UP].map(u32::to_ne_bytes).concat();
        self.order(SET_LINK, 0, body.get(4..).unwrap_or_default())
    }

    /// Gives a port an address, or renews it.
    pub(crate) fn add_address(&self, port: u32, address: IpNet) -> io::Result<()> {
        self.order(
            NEW_ADDRESS,
            CREATE | REPLACE,
            &address_message(port, address),
        )
    }

    /// Takes an address away; one that is not there is no error.
    pub(crate) fn remove_address(&self, port: u32, address: IpNet) -> io::Result<()> {
        match self.order(DELETE_ADDRESS, 0, &address_message(port, address)) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::ADDRNOTAVAIL) => Ok(()),
            other => other,
        }
    }

    /// Everything that has no route of its own goes to this neighbour.
    pub(crate) fn set_gateway(&self, port: u32, gateway: IpAddr) -> io::Result<()> {
        let (family, bytes) = family_and_bytes(gateway);
        let mut body = vec![family, 0, 0, 0, MAIN_TABLE];
        body.extend(BY_BOOT_UNIVERSE_UNICAST);
        body.extend([0; 4]);
        put(&mut body, OUTPUT, &port.to_ne_bytes());
        put(&mut body, GATEWAY, &bytes);
        self.order(NEW_ROUTE, CREATE | REPLACE, &body)
    }

    /// Sends an order and waits until it is done.
    fn order(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(16 + body.len()).map_err(io::Error::other)?;
        let mut message = Vec::from(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend((REQUEST | ACKNOWLEDGE | flags).to_ne_bytes());
        // Sequence and port: one order is under way at a time, and the kernel fills in the port.
        message.extend([0; 8]);
        message.extend(body);
        sendto(
            &self.0,
            &message,
            SendFlags::empty(),
            &netlink::SocketAddrNetlink::new(0, 0),
        )?;
        let mut answer = vec![0; 8192];
        recv(&self.0, answer.as_mut_slice(), RecvFlags::empty())?;
        let field = |at: usize| answer.get(at..).and_then(|bytes| bytes.first_chunk::<4>());
        let kind = answer.get(4..).and_then(|bytes| bytes.first_chunk::<2>());
        match (kind.map(|kind| u16::from_ne_bytes(*kind)), field(16)) {
            (Some(ERROR), Some(code)) => match i32::from_ne_bytes(*code) {
                0 => Ok(()),
                code => Err(io::Error::from_raw_os_error(-code)),
            },
            _ => Err(io::Error::other("the kernel's answer is cut")),
        }
    }
}

fn address_message(port: u32, address: IpNet) -> Vec<u8> {
    let (family, bytes) = family_and_bytes(address.addr());
    let mut body = vec![family, address.prefix_len(), 0, 0];
    body.extend(port.to_ne_bytes());
    put(&mut body, LOCAL, &bytes);
    put(&mut body, ADDRESS, &bytes);
    body
}

fn family_and_bytes(address: IpAddr) -> (u8, Vec<u8>) {
    match address {
        IpAddr::V4(address) => (2, address.octets().to_vec()),
        IpAddr::V6(address) => (10, address.octets().to_vec()),
    }
}

fn put(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}
