//! Asks for an address (DHCP), over a socket that is bound to the port and needs no address yet.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use ipnet::{IpNet, Ipv4Net};
use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress};
use socket2::{Domain, Protocol, Socket, Type};

use super::ports::WiredPort;
use crate::limits::{DATAGRAM_MAX_BYTES, SERVERS_MAX};

const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;
/// How long one question waits for its answer; doubled up to four times.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);
const QUESTIONS_MAX: u32 = 4;
/// Mask, router, name servers, lease, renewal, rebinding, time servers.
const WANTED: [u8; 7] = [1, 3, 6, 51, 58, 59, TIME_SERVERS];
const TIME_SERVERS: u8 = 42;
/// A lease without a time, and the shortest that is believed, in seconds.
const LEASE_DEFAULT_SECONDS: u32 = 3600;
const LEASE_MIN_SECONDS: u32 = 60;

/// An address for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) address: IpNet,
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) name_servers: Vec<IpAddr>,
    pub(crate) time_servers: Vec<IpAddr>,
    pub(crate) server: Ipv4Addr,
    /// When to ask for it again.
    pub(crate) renew_after: Duration,
    /// When it must not be used any more.
    pub(crate) ends_after: Duration,
}

/// Asks for a lease, or for the one before again.
pub(crate) fn ask(port: &WiredPort, before: Option<&Lease>) -> anyhow::Result<Lease> {
    let socket = open(&port.name).context("cannot ask for an address")?;
    let mut question = Question {
        card: EthernetAddress(port.card),
        number: u32::from_ne_bytes(super::random()?),
        wanted: before.map(|lease| (lease.address.addr(), lease.server)),
    };
    if question.wanted.is_none() {
        let offer = converse(&socket, &question, DhcpMessageType::Discover)?;
        question.wanted = Some((offer.address.addr(), offer.server));
    }
    converse(&socket, &question, DhcpMessageType::Request)
}

struct Question {
    card: EthernetAddress,
    number: u32,
    wanted: Option<(IpAddr, Ipv4Addr)>,
}

fn open(port: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.bind_device(Some(port.as_bytes()))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, CLIENT_PORT)).into())?;
    Ok(socket)
}

fn converse(socket: &Socket, question: &Question, kind: DhcpMessageType) -> anyhow::Result<Lease> {
    let expected = match kind {
        DhcpMessageType::Discover => DhcpMessageType::Offer,
        _ => DhcpMessageType::Ack,
    };
    let everybody = SocketAddr::from((Ipv4Addr::BROADCAST, SERVER_PORT)).into();
    let mut patience = FIRST_PATIENCE;
    for _ in 0..QUESTIONS_MAX {
        socket
            .send_to(&message(question, kind)?, &everybody)
            .context("cannot ask for an address")?;
        let deadline = Instant::now() + patience;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            let Some(bytes) = receive(socket, left)? else {
                break;
            };
            match read(&bytes, question.number) {
                Some((found, lease)) if found == expected => return Ok(lease),
                Some((DhcpMessageType::Nak, _)) => bail!("the network refuses the address"),
                _ => {}
            }
        }
        patience *= 2;
    }
    bail!("nobody on the network gives addresses (DHCP)")
}

fn receive(socket: &Socket, patience: Duration) -> anyhow::Result<Option<Vec<u8>>> {
    use std::io::Read;

    socket.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
    let mut bytes = vec![0; DATAGRAM_MAX_BYTES];
    let mut reader = socket;
    match reader.read(&mut bytes) {
        Ok(length) => {
            bytes.truncate(length);
            Ok(Some(bytes))
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn message(question: &Question, kind: DhcpMessageType) -> anyhow::Result<Vec<u8>> {
    let requested = match question.wanted {
        Some((IpAddr::V4(address), server)) => Some((address, server)),
        _ => None,
    };
    let representation = DhcpRepr {
        message_type: kind,
        transaction_id: question.number,
        secs: 0,
        client_hardware_address: question.card,
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip: Ipv4Addr::UNSPECIFIED,
        server_ip: Ipv4Addr::UNSPECIFIED,
        router: None,
        subnet_mask: None,
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        // The port has no address that an answer could be sent to.
        broadcast: true,
        requested_ip: requested.map(|(address, _)| address),
        client_identifier: Some(question.card),
        server_identifier: requested.map(|(_, server)| server),
        parameter_request_list: Some(&WANTED),
        dns_servers: None,
        max_size: Some(1400),
        lease_duration: None,
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    };
    let mut bytes = vec![0; representation.buffer_len()];
    let written = representation.emit(&mut DhcpPacket::new_unchecked(bytes.as_mut_slice()));
    written.map_err(|_| anyhow::anyhow!("cannot write a question for an address"))?;
    // Some servers do not read messages shorter than those of BOOTP.
    bytes.resize(bytes.len().max(300), 0);
    Ok(bytes)
}

/// The kind of an answer to this question, and the lease that it holds.
fn read(bytes: &[u8], number: u32) -> Option<(DhcpMessageType, Lease)> {
    let packet = DhcpPacket::new_checked(bytes).ok()?;
    let answer = DhcpRepr::parse(&packet).ok()?;
    if answer.transaction_id != number {
        return None;
    }
    let mask = answer
        .subnet_mask
        .unwrap_or(Ipv4Addr::new(255, 255, 255, 0));
    let address = Ipv4Net::with_netmask(answer.your_ip, mask).ok()?;
    let lease = answer
        .lease_duration
        .unwrap_or(LEASE_DEFAULT_SECONDS)
        .max(LEASE_MIN_SECONDS);
    let renew = answer
        .renew_duration
        .unwrap_or(lease / 2)
        .clamp(LEASE_MIN_SECONDS / 2, lease);
    let time_servers = packet.options().find(|option| option.kind == TIME_SERVERS);
    let time_servers = time_servers.map(|option| option.data).unwrap_or_default();
    let time_servers = time_servers.chunks_exact(4).take(SERVERS_MAX);
    Some((
        answer.message_type,
        Lease {
            address: address.into(),
            gateway: answer.router.map(IpAddr::from),
            name_servers: answer
                .dns_servers
                .iter()
                .flatten()
                .map(|address| IpAddr::from(*address))
                .take(SERVERS_MAX)
                .collect(),
            time_servers: time_servers
                .map(|octets| IpAddr::from([octets[0], octets[1], octets[2], octets[3]]))
                .collect(),
            server: answer.server_identifier.unwrap_or(answer.server_ip),
            renew_after: Duration::from_secs(renew.into()),
            ends_after: Duration::from_secs(lease.into()),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer as a server writes it.
    fn answer(kind: u8, number: u32, options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![2, 1, 6, 0];
        bytes.extend(number.to_be_bytes());
        bytes.extend([0, 0, 0x80, 0]);
        bytes.extend([0; 4]);
        bytes.extend([192, 0, 2, 77]);
        bytes.extend([192, 0, 2, 1]);
        bytes.extend([0; 4]);
        bytes.extend([0x52, 0x54, 0, 1, 2, 3]);
        bytes.resize(236, 0);
        bytes.extend([99, 130, 83, 99, 53, 1, kind]);
        bytes.extend(options);
        bytes.push(255);
        bytes
    }

    #[test]
    fn a_lease_is_read() {
        let options = [
            [54, 4, 192, 0, 2, 1].as_slice(),
            &[1, 4, 255, 255, 255, 128],
            &[3, 4, 192, 0, 2, 1],
            &[6, 8, 192, 0, 2, 53, 192, 0, 2, 54],
            &[42, 4, 192, 0, 2, 123],
            &[51, 4, 0, 0, 14, 16],
        ];
        let (kind, lease) = read(&answer(5, 7, &options.concat()), 7).unwrap();
        assert_eq!(kind, DhcpMessageType::Ack);
        assert_eq!(lease.address.to_string(), "192.0.2.77/25");
        assert_eq!(lease.gateway.unwrap().to_string(), "192.0.2.1");
        assert_eq!(lease.name_servers.len(), 2);
        assert_eq!(lease.time_servers, [IpAddr::from([192, 0, 2, 123])]);
        assert_eq!(lease.renew_after, Duration::from_secs(1800));
    }

    #[test]
    fn answers_to_others_and_damaged_ones_are_left() {
        let whole = answer(5, 7, &[54, 4, 192, 0, 2, 1, 51, 4, 0, 0, 0, 0]);
        assert!(read(&whole, 8).is_none());
        for length in 0..whole.len() - 1 {
            // No answer, or one that is whole as far as it goes; never a panic.
            let _ = read(&whole[..length], 7);
        }
        let (_, lease) = read(&whole, 7).unwrap();
        assert_eq!(lease.ends_after, Duration::from_secs(60));
    }

    #[test]
    fn a_question_can_be_read_again() {
        let question = Question {
            card: EthernetAddress([2, 0, 0, 0, 0, 1]),
            number: 9,
            wanted: Some((IpAddr::from([192, 0, 2, 9]), Ipv4Addr::new(192, 0, 2, 1))),
        };
        let bytes = message(&question, DhcpMessageType::Request).unwrap();
        assert!(bytes.len() >= 300);
        let packet = DhcpPacket::new_checked(bytes.as_slice()).unwrap();
        let read = DhcpRepr::parse(&packet).unwrap();
        assert_eq!(read.requested_ip, Some(Ipv4Addr::new(192, 0, 2, 9)));
        assert!(read.broadcast);
    }
}
