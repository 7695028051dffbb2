//! Live capture: libpcap's memory-mapped rings, never a transmitted byte.
//!
//! Each worker has one [`LiveCapture`], with a ring of its own on every interface. Frames of several interfaces, as the two
//! directions of a tap, are handed out in the order of their times: a frame waits until every other interface has shown a later
//! one, or [`MERGE_HOLD`] is over.
//!
//! An interface that goes down or away is opened again with growing pauses; the source says `Idle` meanwhile, so that
//! time-outs and the stop flag go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    CaptureDrops, CaptureError, CapturedFrame, LinkType, PacketSource, SourceEvent,
    flow_hash::FlowHash,
    interface_group::{InterfaceGroup, Seat},
    ring::{RingRead, wait_for_frames},
};
use crate::{clock::wall_nanoseconds, time::Timestamp};

/// With several interfaces: the kernel shows what a ring holds at least this often.
const MERGE_RING_TIMEOUT: Duration = Duration::from_millis(10);
/// With several interfaces: how long a frame waits for earlier ones of other interfaces.
const MERGE_HOLD: Duration = Duration::from_millis(40);

/// How to capture.
#[derive(Clone, Debug)]
pub struct LiveCaptureSettings {
    /// Interface names; what comes from all of them is one stretch of traffic.
    pub interfaces: Vec<String>,
    /// Workers that share the traffic.
    pub workers: usize,
    /// Bytes kept of each frame.
    pub snap_length_bytes: u32,
    /// Bytes of all the kernel's rings together.
    pub buffer_bytes: u32,
    /// Whether frames for other machines are wanted, as behind a tap or a mirror port.
    pub promiscuous: bool,
    /// Capture filter in libpcap's language, or none.
    pub filter: Option<String>,
    /// How long to wait for frames before saying [`SourceEvent::Idle`].
    pub read_timeout: Duration,
}

impl LiveCaptureSettings {
    /// One worker, whole frames, 16 MiB of rings, promiscuous, no filter, 100 ms.
    #[must_use]
    pub fn new(interfaces: &[String]) -> Self {
        Self {
            interfaces: interfaces.to_vec(),
            workers: 1,
            snap_length_bytes: 65_535,
            buffer_bytes: 16 * 1024 * 1024,
            promiscuous: true,
            filter: None,
            read_timeout: Duration::from_millis(100),
        }
    }

    /// Bytes of one ring.
    pub(super) fn ring_bytes(&self) -> u32 {
        let rings = u32::try_from(self.workers.max(1) * self.interfaces.len().max(1));
        (self.buffer_bytes / rings.unwrap_or(u32::MAX)).max(1 << 16)
    }

    /// How long the kernel may hold frames back to hand them over together.
    pub(super) fn ring_timeout(&self) -> Duration {
        if self.interfaces.len() > 1 {
            MERGE_RING_TIMEOUT
        } else {
            self.read_timeout
        }
    }
}

/// What one worker captures.
pub struct LiveCapture {
    name: String,
    stop: Arc<AtomicBool>,
    read_timeout: Duration,
    seats: Vec<Seat>,
    /// By seat, where there are several: the frame that waits for its turn.
    waiting: Vec<Waiting>,
    /// Whether there was nothing to read the last time.
    is_drained: bool,
}

/// A frame that waits to be handed out; its buffer is used again.
#[derive(Default)]
struct Waiting {
    frame: Option<FrameHead>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
struct FrameHead {
    time: Timestamp,
    link_type: LinkType,
    wire_length_bytes: u32,
}

impl LiveCapture {
    /// Opens all interfaces for all workers. `stop` ends the sources at their next read time-out.
    ///
    /// # Errors
    /// When there is no such interface, a right is missing, the filter is wrong, or the link type is not decoded.
    pub fn open(
        settings: &LiveCaptureSettings,
        stop: &Arc<AtomicBool>,
    ) -> Result<Vec<Self>, CaptureError> {
        let shared = Arc::new(settings.clone());
        let hash = FlowHash::new(random_key()?);
        let groups = settings
            .interfaces
            .iter()
            .map(|interface| InterfaceGroup::open(interface, &shared, hash).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((0..settings.workers)
            .map(|worker| Self {
                name: settings.interfaces.join(", "),
                stop: Arc::clone(stop),
                read_timeout: settings.read_timeout,
                seats: groups
                    .iter()
                    .map(|group| Seat::new(group, worker))
                    .collect(),
                waiting: groups.iter().map(|_| Waiting::default()).collect(),
                is_drained: false,
            })
            .collect())
    }

    /// How often interfaces were lost and opened again.
    #[must_use]
    pub fn reopened(&self) -> u64 {
        self.seats.iter().map(Seat::reopened).sum()
    }

    /// Names of the interfaces that are away.
    pub fn lost_interfaces(&self) -> impl Iterator<Item = &str> {
        self.seats
            .iter()
            .filter(|seat| seat.ring().is_none())
            .map(Seat::interface)
    }

    /// From one interface: a frame goes from the ring to the worker without a copy.
    fn next_of_one(&mut self) -> SourceEvent<'_> {
        let Some(seat) = self.seats.first_mut() else {
            return SourceEvent::End;
        };
        if !seat.is_open() {
            thread::sleep(self.read_timeout);
            return SourceEvent::Idle;
        }
        if self.is_drained && !wait_for_frames(seat.ring().into_iter(), self.read_timeout) {
            return SourceEvent::Idle;
        }
        self.is_drained = false;
        match seat.read() {
            RingRead::Frame(frame) => SourceEvent::Frame(frame),
            RingRead::Early => SourceEvent::Wait,
            RingRead::Drained => {
                self.is_drained = true;
                SourceEvent::Idle
            }
            RingRead::Lost => SourceEvent::Idle,
        }
    }

    /// From several interfaces, in order of time.
    fn next_of_many(&mut self) -> SourceEvent<'_> {
        let mut misses_some = false;
        let mut is_open = false;
        for (seat, waiting) in self.seats.iter_mut().zip(&mut self.waiting) {
            if waiting.frame.is_some() {
                is_open = true;
                continue;
            }
            if !seat.is_open() {
                continue;
            }
            is_open = true;
            waiting.fill(seat);
            misses_some |= waiting.frame.is_none();
        }
        let earliest = (0..self.waiting.len())
            .filter_map(|at| Some((self.waiting.get(at)?.frame?.time, at)))
            .min();
        let Some((time, at)) = earliest else {
            if is_open {
                self.wait(self.read_timeout);
            } else {
                thread::sleep(self.read_timeout);
            }
            return SourceEvent::Idle;
        };
        if misses_some {
            let hold = u64::try_from(MERGE_HOLD.as_nanos()).unwrap_or(u64::MAX);
            let until = time.0.saturating_add(hold);
            if let Some(rest) = until
                .checked_sub(wall_nanoseconds())
                .filter(|rest| *rest > 0)
            {
                self.wait(Duration::from_nanos(rest.min(hold)));
                return SourceEvent::Wait;
            }
        }
        match self.waiting.get_mut(at).and_then(Waiting::take) {
            Some(frame) => SourceEvent::Frame(frame),
            None => SourceEvent::Wait,
        }
    }

    /// Waits for those interfaces that have shown nothing.
    fn wait(&self, timeout: Duration) {
        let silent = self.seats.iter().zip(&self.waiting);
        let silent = silent.filter(|(_, waiting)| waiting.frame.is_none());
        wait_for_frames(silent.filter_map(|(seat, _)| seat.ring()), timeout);
    }
}

impl Waiting {
    /// Takes the next frame of a seat, if one is there.
    fn fill(&mut self, seat: &mut Seat) {
        loop {
            match seat.read() {
                RingRead::Frame(frame) => {
                    self.bytes.clear();
                    self.bytes.extend_from_slice(frame.bytes);
                    self.frame = Some(FrameHead {
                        time: frame.time,
                        link_type: frame.link_type,
                        wire_length_bytes: frame.wire_length_bytes,
                    });
                    return;
                }
                RingRead::Early => {}
                RingRead::Drained | RingRead::Lost => return,
            }
        }
    }

    fn take(&mut self) -> Option<CapturedFrame<'_>> {
        let head = self.frame.take()?;
        Some(CapturedFrame {
            time: head.time,
            link_type: head.link_type,
            wire_length_bytes: head.wire_length_bytes,
            bytes: &self.bytes,
        })
    }
}

impl PacketSource for LiveCapture {
    fn name(&self) -> &str {
        &self.name
    }

    fn next(&mut self) -> Result<SourceEvent<'_>, CaptureError> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(SourceEvent::End);
        }
        Ok(if self.seats.len() > 1 {
            self.next_of_many()
        } else {
            self.next_of_one()
        })
    }

    fn is_live(&self) -> bool {
        true
    }

    fn drops(&mut self) -> CaptureDrops {
        self.seats
            .iter_mut()
            .map(Seat::drops)
            .fold(CaptureDrops::default(), CaptureDrops::plus)
    }
}

/// A key that nobody outside knows.
fn random_key() -> Result<[u32; 2], CaptureError> {
    let random = || {
        getrandom::u32().map_err(|error| CaptureError::Random {
            reason: error.to_string(),
        })
    };
    Ok([random()?, random()?])
}
