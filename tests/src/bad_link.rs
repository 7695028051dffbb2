//! A bad link on loopback: bytes that go through it are late, slow, cut, or swallowed. It knows nothing of what they are.
//!
//! One thread a direction and connection; everything is decided by the [`Weather`] of the moment, so a link can get worse
//! while it is used.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// What the link does to what goes through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Time that everything takes in one direction.
    pub delay: Duration,
    /// Bytes a second in one direction; 0 for as fast as it goes.
    pub bytes_a_second: u64,
    /// New connections are accepted and nothing ever comes of them.
    pub is_black_hole: bool,
    /// New connections are answered as the page of a hotel would.
    pub is_captive: bool,
    /// New connections are reset at once.
    pub is_closed: bool,
}

/// A bad link to one address.
#[derive(Debug)]
pub struct BadLink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    to: Mutex<SocketAddr>,
    weather: Mutex<Weather>,
    /// Connections that are there, both ends of each.
    open: Mutex<Vec<[TcpStream; 2]>>,
    /// Bytes from the edge after which each connection is cut; counted down over all of them. `u64::MAX` for never.
    cut_after: AtomicU64,
    /// Nothing moves while this holds.
    is_stalled: AtomicBool,
    is_over: AtomicBool,
    connections: AtomicU64,
    bytes: AtomicU64,
}

/// How often a stalled direction looks whether it may go on.
const LOOK: Duration = Duration::from_millis(5);

impl BadLink {
    /// A good link to an address; it gets bad when told.
    ///
    /// # Errors
    /// When there is no port left.
    pub fn to(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            to: Mutex::new(to),
            weather: Mutex::default(),
            open: Mutex::default(),
            cut_after: AtomicU64::new(u64::MAX),
            is_stalled: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(stream) = stream {
                    accepting.accept(stream);
                }
            }
        });
        Ok(Self { address, shared })
    }

    /// Where it begins.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it is like this.
    pub fn weather(&self, weather: Weather) {
        *lock(&self.shared.weather) = weather;
    }

    /// New connections go to another address.
    pub fn lead_to(&self, to: SocketAddr) {
        *lock(&self.shared.to) = to;
    }

    /// Resets every connection.
    pub fn cut(&self) {
        for [near, far] in lock(&self.shared.open).drain(..) {
            for stream in [near, far] {
                // Closed with bytes unread or not: the other end learns it by a reset or an end, either will do.
                drop(stream.shutdown(Shutdown::Both));
            }
        }
    }

    /// Cuts connections after so many more bytes of the edge: in the middle of whatever they are.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.cut_after.store(bytes, Ordering::Relaxed);
    }

    /// Nothing moves, in no direction, until [`BadLink::go_on`].
    pub fn stall(&self) {
        self.shared.is_stalled.store(true, Ordering::Relaxed);
    }

    /// Ends a stall.
    pub fn go_on(&self) {
        self.shared.is_stalled.store(false, Ordering::Relaxed);
    }

    /// Connections that were begun.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Bytes that went through, both directions.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for BadLink {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.cut();
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, near: TcpStream) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let weather = *lock(&self.weather);
        if weather.is_closed {
            return;
        }
        if weather.is_black_hole || weather.is_captive {
            let shared = Arc::clone(self);
            thread::spawn(move || shared.lead_nowhere(near, weather));
            return;
        }
        let to = *lock(&self.to);
        let Ok(far) = TcpStream::connect(to) else {
            return;
        };
        let copies = || -> io::Result<[[TcpStream; 2]; 3]> {
            Ok([
                [near.try_clone()?, far.try_clone()?],
                [near.try_clone()?, far.try_clone()?],
                [far.try_clone()?, near.try_clone()?],
            ])
        };
        let Ok([kept, up, down]) = copies() else {
            return;
        };
        lock(&self.open).push(kept);
        for ([from, to], is_up) in [(up, true), (down, false)] {
            let shared = Arc::clone(self);
            thread::spawn(move || {
                // However it ended, both ends are told.
                drop(shared.carry(&from, &to, is_up));
                drop(from.shutdown(Shutdown::Both));
                drop(to.shutdown(Shutdown::Both));
            });
        }
    }

    fn lead_nowhere(&self, mut near: TcpStream, weather: Weather) {
        if weather.is_captive {
            drop(near.write_all(
                b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\n\r\n",
            ));
        }
        while weather.is_black_hole
            && !self.is_over.load(Ordering::Relaxed)
            && lock(&self.weather).is_black_hole
        {
            thread::sleep(LOOK);
        }
    }

    fn carry(&self, mut from: &TcpStream, mut to: &TcpStream, is_up: bool) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let mut late: Option<Instant> = None;
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let weather = *lock(&self.weather);
            // The delay of a burst is waited once: what follows closely was under way at the same time.
            if late.is_none_or(|late| late.elapsed() > weather.delay) {
                thread::sleep(weather.delay);
            }
            late = Some(Instant::now());
            while self.is_stalled.load(Ordering::Relaxed) && !self.is_over.load(Ordering::Relaxed) {
                thread::sleep(LOOK);
            }
            let mut passes = buffer.get(..read).unwrap_or_default();
            if is_up {
                let left = self.cut_after.load(Ordering::Relaxed);
                let whole = read as u64;
                if left < whole {
                    passes = passes
                        .get(..usize::try_from(left).unwrap_or(0))
                        .unwrap_or_default();
                    self.cut_after.store(u64::MAX, Ordering::Relaxed);
                    to.write_all(passes)?;
                    return Ok(());
                }
                if left != u64::MAX {
                    self.cut_after.store(left - whole, Ordering::Relaxed);
                }
            }
            self.bytes.fetch_add(passes.len() as u64, Ordering::Relaxed);
            if weather.bytes_a_second == 0 {
                to.write_all(passes)?;
                continue;
            }
            for part in passes.chunks(64) {
                to.write_all(part)?;
                let nanoseconds = part.len() as u64 * 1_000_000_000 / weather.bytes_a_second;
                thread::sleep(Duration::from_nanos(nanoseconds));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
