//! Floods: what is sent to make a sensor hold more than it has.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::ValueEnum;
use pnet_packet::ip::IpNextHeaderProtocols;

use super::{
    datagram,
    http::{Coding, Request, Response},
    link::LinkType,
    network::{self, Route},
    scenario_file::START_SECONDS,
    tcp::{Conversation, Side},
    trace::Trace,
};

const SYNS: u32 = 400_000;
const FRAGMENTS: u32 = 60_000;
const FRAGMENT_BYTES: u16 = 1_480;
const FLOWS: u32 = 1_000_000;
const SLOW_POSTS: u32 = 10_000;
/// Pieces of each slow body, a second apart.
const SLOW_PIECES: u64 = 6;
const SLOW_PIECE_BYTES: usize = 600;
const BOMBS: u32 = 400;
const BOMB_BYTES: usize = 16 << 20;
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 255, 0, 80));

/// A kind of flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Flood {
    /// Connection attempts from ever new addresses.
    Syn,
    /// First fragments of packets whose rest never comes.
    Fragments,
    /// A million datagrams, each a flow of its own.
    Flows,
    /// Ten thousand requests at once whose bodies dribble in and never end.
    SlowPosts,
    /// Answers that are a thousand times as long when they are unpacked.
    GzipBombs,
}

impl Flood {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Syn,
        Self::Fragments,
        Self::Flows,
        Self::SlowPosts,
        Self::GzipBombs,
    ];

    /// Makes it; the same bytes every time.
    #[must_use]
    pub fn make(self) -> Trace {
        let mut trace = Trace::new(LinkType::Ethernet, START_SECONDS);
        match self {
            Self::Syn => syns(&mut trace),
            Self::Fragments => fragments(&mut trace),
            Self::Flows => flows(&mut trace),
            Self::SlowPosts => slow_posts(&mut trace),
            Self::GzipBombs => gzip_bombs(&mut trace),
        }
        trace.sort_by_time();
        trace
    }
}

/// The host of this number in 10.0.0.0/9.
fn host(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | (number & 0x007f_ffff)))
}

fn client(number: u32) -> SocketAddr {
    let port = 1_024 + u16::try_from(number % 60_000).unwrap_or_default();
    SocketAddr::new(host(number), port)
}

fn web_server() -> SocketAddr {
    SocketAddr::new(SERVER, 80)
}

fn syns(trace: &mut Trace) {
    for number in 0..SYNS {
        let now = trace.now_nanoseconds();
        Conversation::new(trace, Route::default(), client(number), web_server()).begin();
        trace.set_now_nanoseconds(now + 20_000);
    }
}

fn fragments(trace: &mut Trace) {
    let route = Route {
        fragment_bytes: Some(FRAGMENT_BYTES),
        ..Route::default()
    };
    let payload = vec![0x41; usize::from(FRAGMENT_BYTES) * 2];
    for number in 0..FRAGMENTS {
        let source = host(number);
        let identification = u16::try_from(number & 0xffff).unwrap_or_default();
        let packets = network::packets(
            &route,
            source,
            SERVER,
            IpNextHeaderProtocols::Udp,
            identification,
            &payload,
        );
        let first = packets.into_iter().next().unwrap_or_default();
        trace.send_frame(trace.link().frame(source, SERVER, &[], &first));
    }
}

fn flows(trace: &mut Trace) {
    let server = SocketAddr::new(SERVER, 9_999);
    for number in 0..FLOWS {
        datagram::send_udp(
            trace,
            &Route::default(),
            client(number),
            server,
            b"one datagram and nothing more",
        );
    }
}

fn slow_posts(trace: &mut Trace) {
    let begin = trace.now_nanoseconds();
    let head = Request::post("www.example.com", "/upload", "")
        .with_header("Content-Length: 1000000")
        .bytes();
    let piece = [b'x'; SLOW_PIECE_BYTES];
    for number in 0..SLOW_POSTS {
        trace.set_now_nanoseconds(begin + u64::from(number) * 100_000);
        let mut conversation =
            Conversation::new(trace, Route::default(), client(number), web_server());
        conversation.open();
        conversation.send(Side::Client, &head);
        for _ in 0..SLOW_PIECES {
            conversation.pause_milliseconds(1_000);
            conversation.send(Side::Client, &piece);
        }
    }
}

fn gzip_bombs(trace: &mut Trace) {
    let begin = trace.now_nanoseconds();
    let request = Request::get("www.example.com", "/bomb").bytes();
    let bomb = Response::page(&"0".repeat(BOMB_BYTES), Coding::Gzip).bytes();
    for number in 0..BOMBS {
        trace.set_now_nanoseconds(begin + u64::from(number) * 1_000_000);
        let mut conversation =
            Conversation::new(trace, Route::default(), client(number), web_server());
        conversation.open();
        conversation.send(Side::Client, &request);
        conversation.send(Side::Server, &bomb);
    }
}
