//! Live capture on one interface: libpcap's memory-mapped ring, never a transmitted byte.
//!
//! An interface that goes down or away is opened again with growing pauses; the source says `Idle` meanwhile, so that
//! time-outs and the stop flag go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use pcap::{Active, Capture};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    CaptureDrops, CaptureError, CapturedFrame, LinkType, PacketSource, SourceEvent,
    capture_file::{known_link_type, one_line, timestamp},
};

/// First pause before a lost interface is opened again; doubles up to [`REOPEN_PAUSE_MAX`].
const REOPEN_PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause between two attempts.
const REOPEN_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How to capture.
#[derive(Clone, Debug)]
pub struct LiveCaptureSettings {
    /// Interface name.
    pub interface: String,
    /// Bytes kept of each frame.
    pub snap_length_bytes: u32,
    /// Bytes of the kernel's ring.
    pub buffer_bytes: u32,
    /// Whether frames for other machines are wanted, as behind a tap or a mirror port.
    pub promiscuous: bool,
    /// Capture filter in libpcap's language, or none.
    pub filter: Option<String>,
    /// How long to wait for frames before saying [`SourceEvent::Idle`].
    pub read_timeout: Duration,
}

impl LiveCaptureSettings {
    /// Whole frames, 16 MiB of ring, promiscuous, no filter, 100 ms.
    #[must_use]
    pub fn new(interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            snap_length_bytes: 65_535,
            buffer_bytes: 16 * 1024 * 1024,
            promiscuous: true,
            filter: None,
            read_timeout: Duration::from_millis(100),
        }
    }
}

struct Opened {
    capture: Capture<Active>,
    link_type: LinkType,
}

/// One interface that is captured from.
pub struct LiveCapture {
    settings: LiveCaptureSettings,
    stop: Arc<AtomicBool>,
    opened: Option<Opened>,
    /// Why the handle is to be closed before the next read.
    fault: Option<String>,
    reopen_at: Instant,
    reopen_pause: Duration,
    reopened: u64,
    /// Whether there was nothing to read the last time.
    is_drained: bool,
    /// Counters of handles that were closed; each new handle counts from 0.
    drops_before: CaptureDrops,
    drops_now: CaptureDrops,
}

impl LiveCapture {
    /// Opens the interface. `stop` ends the source at the next read time-out.
    ///
    /// # Errors
    /// When there is no such interface, a right is missing, the filter is wrong, or the link type is not decoded.
    pub fn open(
        settings: LiveCaptureSettings,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, CaptureError> {
        let opened = open(&settings)?;
        Ok(Self {
            settings,
            stop,
            opened: Some(opened),
            fault: None,
            reopen_at: Instant::now(),
            reopen_pause: REOPEN_PAUSE_MIN,
            reopened: 0,
            is_drained: false,
            drops_before: CaptureDrops::default(),
            drops_now: CaptureDrops::default(),
        })
    }

    /// How often the interface was lost and opened again.
    #[must_use]
    pub fn reopened(&self) -> u64 {
        self.reopened
    }

    fn close(&mut self, reason: &str) {
        self.drops();
        self.drops_before = sum(self.drops_before, self.drops_now);
        self.drops_now = CaptureDrops::default();
        self.opened = None;
        self.reopen_pause = REOPEN_PAUSE_MIN;
        self.reopen_at = Instant::now() + self.reopen_pause;
        tracing::warn!(
            interface = self.settings.interface,
            reason,
            "interface lost"
        );
    }

    /// Tries again if it is time; waits no longer than one read time-out, so that the stop flag is heard.
    fn try_reopen(&mut self) {
        let now = Instant::now();
        if now < self.reopen_at {
            thread::sleep(self.settings.read_timeout.min(self.reopen_at - now));
            return;
        }
        match open(&self.settings) {
            Ok(opened) => {
                self.opened = Some(opened);
                self.reopened += 1;
                tracing::info!(interface = self.settings.interface, "interface is back");
            }
            Err(error) => {
                tracing::debug!(interface = self.settings.interface, %error, "interface still away");
                self.reopen_pause = (self.reopen_pause * 2).min(REOPEN_PAUSE_MAX);
                self.reopen_at = now + self.reopen_pause;
            }
        }
    }
}

impl PacketSource for LiveCapture {
    fn name(&self) -> &str {
        &self.settings.interface
    }

    fn next(&mut self) -> Result<SourceEvent<'_>, CaptureError> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(SourceEvent::End);
        }
        if let Some(fault) = self.fault.take() {
            self.close(&fault);
        }
        if self.opened.is_none() {
            self.try_reopen();
            return Ok(SourceEvent::Idle);
        }
        let Some(opened) = &mut self.opened else {
            return Ok(SourceEvent::Idle);
        };
        if self.is_drained && !wait_for_frames(&opened.capture, self.settings.read_timeout) {
            return Ok(SourceEvent::Idle);
        }
        self.is_drained = false;
        match opened.capture.next_packet() {
            Ok(packet) => Ok(SourceEvent::Frame(CapturedFrame {
                time: timestamp(packet.header.ts.tv_sec, packet.header.ts.tv_usec, 1000),
                link_type: opened.link_type,
                wire_length_bytes: packet.header.len,
                bytes: packet.data,
            })),
            Err(pcap::Error::TimeoutExpired) => {
                self.is_drained = true;
                Ok(SourceEvent::Idle)
            }
            Err(error) => {
                self.fault = Some(one_line(&error));
                Ok(SourceEvent::Idle)
            }
        }
    }

    fn drops(&mut self) -> CaptureDrops {
        if let Some(Ok(stat)) = self.opened.as_mut().map(|it| it.capture.stats()) {
            self.drops_now = CaptureDrops {
                received: u64::from(stat.received),
                buffer_full: u64::from(stat.dropped),
                interface: u64::from(stat.if_dropped),
            };
        }
        sum(self.drops_before, self.drops_now)
    }
}

/// Waits until there is something to read, or a signal came, or the time is over. libpcap's own time-out does not end a
/// wait on a silent interface.
fn wait_for_frames(capture: &Capture<Active>, timeout: Duration) -> bool {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    };
    poll(&mut [PollFd::new(capture, PollFlags::IN)], Some(&timeout)).is_ok_and(|ready| ready > 0)
}

fn sum(left: CaptureDrops, right: CaptureDrops) -> CaptureDrops {
    CaptureDrops {
        received: left.received + right.received,
        buffer_full: left.buffer_full + right.buffer_full,
        interface: left.interface + right.interface,
    }
}

/// Opens and activates a handle.
fn open(settings: &LiveCaptureSettings) -> Result<Opened, CaptureError> {
    let failed = |error: pcap::Error| CaptureError::Interface {
        interface: settings.interface.clone(),
        reason: one_line(&error),
    };
    let signed = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let timeout_milliseconds = settings.read_timeout.as_millis().clamp(1, 60_000);
    let mut capture = Capture::from_device(settings.interface.as_str())
        .map_err(failed)?
        .snaplen(signed(settings.snap_length_bytes))
        .buffer_size(signed(settings.buffer_bytes))
        .promisc(settings.promiscuous)
        .timeout(i32::try_from(timeout_milliseconds).unwrap_or(100))
        .open()
        .map_err(failed)?;
    if let Some(filter) = &settings.filter {
        capture
            .filter(filter, true)
            .map_err(|error| CaptureError::Filter {
                interface: settings.interface.clone(),
                filter: filter.clone(),
                reason: one_line(&error),
            })?;
    }
    let capture = capture.setnonblock().map_err(failed)?;
    let link_type = known_link_type(&settings.interface, capture.get_datalink())?;
    Ok(Opened { capture, link_type })
}
