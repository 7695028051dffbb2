//! A list of timed packets: what every generator adds to and what a capture file is written from.

use std::net::IpAddr;

use pnet_packet::ip::IpNextHeaderProtocol;

use super::link::LinkType;
use super::network::{self, Route};

const NANOSECONDS_A_SECOND: u64 = 1_000_000_000;

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedFrame {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub time_nanoseconds: u64,
    /// The whole frame, link header included.
    pub bytes: Vec<u8>,
}

/// Frames in the order in which they were added, and the clock that stamps the next one.
#[derive(Clone, Debug)]
pub struct Trace {
    link: LinkType,
    now_nanoseconds: u64,
    next_identification: u16,
    frames: Vec<TimedFrame>,
}

impl Trace {
    /// An empty trace on a link, its clock at `start_seconds` after 1970.
    #[must_use]
    pub fn new(link: LinkType, start_seconds: u64) -> Self {
        Self {
            link,
            now_nanoseconds: start_seconds * NANOSECONDS_A_SECOND,
            next_identification: 1,
            frames: Vec::new(),
        }
    }

    /// The link type of all frames.
    #[must_use]
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// The frames so far.
    #[must_use]
    pub fn frames(&self) -> &[TimedFrame] {
        &self.frames
    }

    /// The time the next frame will carry.
    #[must_use]
    pub fn now_nanoseconds(&self) -> u64 {
        self.now_nanoseconds
    }

    /// Sets the clock; a generator that makes parallel conversations moves it back for each.
    pub fn set_now_nanoseconds(&mut self, now: u64) {
        self.now_nanoseconds = now;
    }

    /// Lets time pass.
    pub fn pause_nanoseconds(&mut self, duration: u64) {
        self.now_nanoseconds += duration;
    }

    /// Adds a transport segment as the frames that carry it.
    pub fn send(
        &mut self,
        route: &Route,
        source: IpAddr,
        destination: IpAddr,
        protocol: IpNextHeaderProtocol,
        segment: &[u8],
    ) {
        let identification = self.next_identification;
        self.next_identification = self.next_identification.wrapping_add(1);
        for packet in network::packets(
            route,
            source,
            destination,
            protocol,
            identification,
            segment,
        ) {
            let frame = self.link.frame(source, destination, &route.vlans, &packet);
            self.send_frame(frame);
        }
    }

    /// Adds a frame as it is.
    pub fn send_frame(&mut self, bytes: Vec<u8>) {
        self.frames.push(TimedFrame {
            time_nanoseconds: self.now_nanoseconds,
            bytes,
        });
        // Frames on one link cannot have the same time; 20 microseconds is a full frame at about 600 Mbit/s.
        self.now_nanoseconds += 20_000;
    }

    /// Puts the frames into the order of their time; frames of the same time keep their order.
    pub fn sort_by_time(&mut self) {
        self.frames.sort_by_key(|frame| frame.time_nanoseconds);
    }

    /// Appends copies of what is there, each `shift_nanoseconds` later than the one before, until it stands `times` times.
    pub fn repeat(&mut self, times: u32, shift_nanoseconds: u64) {
        let original = self.frames.clone();
        for round in 1..u64::from(times) {
            self.frames.extend(original.iter().map(|frame| TimedFrame {
                time_nanoseconds: frame.time_nanoseconds + round * shift_nanoseconds,
                bytes: frame.bytes.clone(),
            }));
        }
    }

    /// Moves every frame later.
    pub fn shift(&mut self, nanoseconds: u64) {
        for frame in &mut self.frames {
            frame.time_nanoseconds += nanoseconds;
        }
    }
}
