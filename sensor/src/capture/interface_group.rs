//! One interface and its rings, one for each worker, opened together and lost together.
//!
//! The kernel numbers the members of a fan-out group in the order in which they joined. So that a worker has the same
//! number on every interface, and both directions of a tap meet in it, rings are opened here, for all workers in their
//! order, and handed out; a worker that finds its ring lost makes all others give theirs back, and only then is the interface
//! opened again, by whoever looks first.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    CaptureDrops, CaptureError, LiveCaptureSettings,
    fanout::FanoutGroup,
    flow_hash::FlowHash,
    ring::{Ring, RingRead},
};
use crate::{clock::wall_milliseconds, time::Timestamp};

/// First pause before a lost interface is opened again; doubles up to [`REOPEN_PAUSE_MAX`].
const REOPEN_PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause between two attempts.
const REOPEN_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What the workers share of one interface.
pub(super) struct InterfaceGroup {
    interface: String,
    settings: Arc<LiveCaptureSettings>,
    hash: FlowHash,
    /// Grows whenever the interface is lost.
    losses: AtomicU64,
    desk: Mutex<Desk>,
}

struct Desk {
    /// By worker: a ring that waits to be taken.
    rings: Vec<Option<Ring>>,
    /// Rings that workers hold.
    held: usize,
    is_lost: bool,
    reopen_at: Instant,
    pause: Duration,
}

impl InterfaceGroup {
    /// Opens an interface for all workers.
    pub(super) fn open(
        interface: &str,
        settings: &Arc<LiveCaptureSettings>,
        hash: FlowHash,
    ) -> Result<Self, CaptureError> {
        Ok(Self {
            interface: interface.to_owned(),
            settings: Arc::clone(settings),
            hash,
            losses: AtomicU64::new(0),
            desk: Mutex::new(Desk {
                rings: open_rings(interface, settings, hash)?,
                held: 0,
                is_lost: false,
                reopen_at: Instant::now(),
                pause: REOPEN_PAUSE_MIN,
            }),
        })
    }

    fn desk(&self) -> std::sync::MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the ring of a worker, and opens the interface again where that is due.
    fn take(&self, worker: usize) -> Option<(Ring, u64)> {
        let mut desk = self.desk();
        if desk.is_lost && desk.held == 0 && Instant::now() >= desk.reopen_at {
            self.reopen(&mut desk);
        }
        let ring = desk.rings.get_mut(worker)?.take()?;
        desk.held += 1;
        Some((ring, self.losses.load(Ordering::Relaxed)))
    }

    fn reopen(&self, desk: &mut Desk) {
        match open_rings(&self.interface, &self.settings, self.hash) {
            Ok(rings) => {
                desk.rings = rings;
                desk.is_lost = false;
                desk.pause = REOPEN_PAUSE_MIN;
                tracing::info!(interface = self.interface, "interface is back");
            }
            Err(error) => {
                tracing::debug!(interface = self.interface, %error, "interface still away");
                desk.pause = (desk.pause * 2).min(REOPEN_PAUSE_MAX);
                desk.reopen_at = Instant::now() + desk.pause;
            }
        }
    }

    /// A worker's ring is no use any more; so are those of the others.
    fn lose(&self, taken_after: u64, reason: &str) {
        let mut desk = self.desk();
        if self.losses.load(Ordering::Relaxed) != taken_after {
            return;
        }
        self.losses.store(taken_after + 1, Ordering::Relaxed);
        desk.rings.clear();
        desk.is_lost = true;
        desk.pause = REOPEN_PAUSE_MIN;
        desk.reopen_at = Instant::now() + desk.pause;
        tracing::warn!(interface = self.interface, reason, "interface lost");
    }
}

/// Opens a ring for each worker and joins them to one group in the workers' order.
fn open_rings(
    interface: &str,
    settings: &LiveCaptureSettings,
    hash: FlowHash,
) -> Result<Vec<Option<Ring>>, CaptureError> {
    let failed = |error: std::io::Error| CaptureError::Fanout {
        interface: interface.to_owned(),
        reason: error.to_string(),
    };
    let mut rings = vec![Ring::open(interface, settings)?];
    if settings.workers > 1 {
        let group = FanoutGroup::begin(rings[0].handle(), &hash.program()).map_err(failed)?;
        for _ in 1..settings.workers {
            let ring = Ring::open(interface, settings)?;
            group.join(ring.handle()).map_err(failed)?;
            rings.push(ring);
        }
        // Until the last one had joined, frames went to other workers than they do now, or to several.
        let begin = Timestamp(
            wall_milliseconds()
                .saturating_add(1)
                .saturating_mul(1_000_000),
        );
        for ring in &mut rings {
            ring.begin_at(begin);
        }
    }
    Ok(rings.into_iter().map(Some).collect())
}

/// A worker's place at one interface.
pub(super) struct Seat {
    group: Arc<InterfaceGroup>,
    worker: usize,
    ring: Option<Ring>,
    /// Losses of the group when the ring was taken.
    taken_after: u64,
    /// Why the ring is to be given back before the next read.
    fault: Option<String>,
    reopened: u64,
    was_lost: bool,
    /// Counters of rings that were given back; each new ring counts from 0.
    drops_before: CaptureDrops,
    drops_now: CaptureDrops,
}

impl Seat {
    pub(super) fn new(group: &Arc<InterfaceGroup>, worker: usize) -> Self {
        Self {
            group: Arc::clone(group),
            worker,
            ring: None,
            taken_after: 0,
            fault: None,
            reopened: 0,
            was_lost: false,
            drops_before: CaptureDrops::default(),
            drops_now: CaptureDrops::default(),
        }
    }

    /// Name of the interface.
    pub(super) fn interface(&self) -> &str {
        &self.group.interface
    }

    /// How often the interface was lost and opened again.
    pub(super) fn reopened(&self) -> u64 {
        self.reopened
    }

    /// Reads from the ring. One that failed is given back before the next read.
    pub(super) fn read(&mut self) -> RingRead<'_> {
        match &mut self.ring {
            Some(ring) => ring.read(&mut self.fault),
            None => RingRead::Lost,
        }
    }

    /// Whether there is a ring to read from; takes one, and gives a lost one back.
    pub(super) fn is_open(&mut self) -> bool {
        if let Some(reason) = self.fault.take() {
            self.group.lose(self.taken_after, &reason);
        }
        if self.ring.is_some() && self.group.losses.load(Ordering::Relaxed) != self.taken_after {
            self.give_back();
        }
        if self.ring.is_none() {
            let Some((ring, losses)) = self.group.take(self.worker) else {
                return false;
            };
            self.ring = Some(ring);
            self.taken_after = losses;
            self.reopened += u64::from(std::mem::take(&mut self.was_lost));
        }
        true
    }

    pub(super) fn ring(&self) -> Option<&Ring> {
        self.ring.as_ref()
    }

    /// What was lost at this interface; the interface's own losses are counted by the first worker alone.
    pub(super) fn drops(&mut self) -> CaptureDrops {
        if let Some(now) = self.ring.as_mut().and_then(Ring::drops) {
            self.drops_now = CaptureDrops {
                interface: if self.worker == 0 { now.interface } else { 0 },
                ..now
            };
        }
        self.drops_before.plus(self.drops_now)
    }

    fn give_back(&mut self) {
        self.drops_before = self.drops();
        self.drops_now = CaptureDrops::default();
        self.ring = None;
        self.was_lost = true;
        let mut desk = self.group.desk();
        desk.held = desk.held.saturating_sub(1);
    }
}

impl Drop for Seat {
    /// A worker that ended must not keep the others from opening the interface again.
    fn drop(&mut self) {
        if self.ring.is_some() {
            self.give_back();
        }
    }
}
