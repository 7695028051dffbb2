//! One memory-mapped ring of one interface, through libpcap.

use std::time::{Duration, Instant};

use pcap::{Active, Capture, Precision};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    CaptureDrops, CaptureError, CapturedFrame, LinkType, LiveCaptureSettings,
    capture_file::{known_link_type, one_line, timestamp},
};
use crate::time::Timestamp;

/// How long after opening a ring may still show frames of the time before; it bounds what a clock that is set back can cost.
const EARLY_FRAMES_MAX: Duration = Duration::from_secs(1);

/// An open ring.
pub(super) struct Ring {
    capture: Capture<Active>,
    link_type: LinkType,
    /// Frames before this time belong to no worker yet, or to several. None once they are all gone.
    begin: Option<(Timestamp, Instant)>,
}

/// What a ring has to give.
pub(super) enum RingRead<'a> {
    Frame(CapturedFrame<'a>),
    /// A frame of the time before the ring was ready; more may wait.
    Early,
    /// Nothing waits.
    Drained,
    /// The interface went down or away.
    Lost,
}

impl Ring {
    /// Opens a ring; frames fill it from then on.
    pub(super) fn open(
        interface: &str,
        settings: &LiveCaptureSettings,
    ) -> Result<Self, CaptureError> {
        let failed = |error: pcap::Error| CaptureError::Interface {
            interface: interface.to_owned(),
            reason: one_line(&error),
        };
        let signed = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let timeout = settings.ring_timeout().as_millis().clamp(1, 60_000);
        let mut capture = Capture::from_device(interface)
            .map_err(failed)?
            .snaplen(signed(settings.snap_length_bytes))
            .buffer_size(signed(settings.ring_bytes()))
            .promisc(settings.promiscuous)
            .timeout(i32::try_from(timeout).unwrap_or(100))
            // Two frames of a tap within a microsecond would else have no order.
            .precision(Precision::Nano)
            .open()
            .map_err(failed)?;
        if let Some(filter) = &settings.filter {
            capture
                .filter(filter, true)
                .map_err(|error| CaptureError::Filter {
                    interface: interface.to_owned(),
                    filter: filter.clone(),
                    reason: one_line(&error),
                })?;
        }
        let capture = capture.setnonblock().map_err(failed)?;
        let link_type = known_link_type(interface, capture.get_datalink())?;
        Ok(Self {
            capture,
            link_type,
            begin: None,
        })
    }

    /// The handle, for what libpcap does not offer.
    pub(super) fn handle(&self) -> &Capture<Active> {
        &self.capture
    }

    /// Frames that came before this time are passed over.
    pub(super) fn begin_at(&mut self, begin: Timestamp) {
        self.begin = Some((begin, Instant::now()));
    }

    /// The next frame, if one waits. `fault` becomes what is wrong with the interface.
    pub(super) fn read(&mut self, fault: &mut Option<String>) -> RingRead<'_> {
        match self.capture.next_packet() {
            Ok(packet) => {
                let time = timestamp(packet.header.ts.tv_sec, packet.header.ts.tv_usec, 1);
                if let Some((begin, since)) = self.begin {
                    if time < begin && since.elapsed() < EARLY_FRAMES_MAX {
                        return RingRead::Early;
                    }
                    self.begin = None;
                }
                RingRead::Frame(CapturedFrame {
                    time,
                    link_type: self.link_type,
                    wire_length_bytes: packet.header.len,
                    bytes: packet.data,
                })
            }
            Err(pcap::Error::TimeoutExpired) => RingRead::Drained,
            Err(error) => {
                *fault = Some(one_line(&error));
                RingRead::Lost
            }
        }
    }

    /// What was lost since the ring was opened. Those of the interface are the same for all rings of it.
    pub(super) fn drops(&mut self) -> Option<CaptureDrops> {
        let told = self.capture.stats().ok()?;
        Some(CaptureDrops {
            received: u64::from(told.received),
            buffer_full: u64::from(told.dropped),
            interface: u64::from(told.if_dropped),
        })
    }
}

/// Waits until one of the rings has something to read, or a signal came, or the time is over. libpcap's own time-out does
/// not end a wait on a silent interface.
pub(super) fn wait_for_frames<'a>(
    rings: impl Iterator<Item = &'a Ring>,
    timeout: Duration,
) -> bool {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    };
    let mut waits: Vec<PollFd<'_>> = rings
        .map(|ring| PollFd::new(&ring.capture, PollFlags::IN))
        .collect();
    poll(&mut waits, Some(&timeout)).is_ok_and(|ready| ready > 0)
}
