//! How long a flow is kept without packets.

use super::{FlowProgress, key::protocol};

/// Flows with the same time-out. Within a class the order of the newest packets is the order in which flows end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeoutClass(usize);

/// Protocols that differ in time-outs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimedProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP of IPv4 and IPv6.
    Icmp,
    /// Everything else.
    Other,
}

impl TimedProtocol {
    const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Other];

    fn of(protocol: u8) -> Self {
        match protocol {
            protocol::TCP => Self::Tcp,
            protocol::UDP => Self::Udp,
            protocol::ICMP | protocol::ICMPV6 => Self::Icmp,
            _ => Self::Other,
        }
    }
}

const STATES: usize = 3;

impl TimeoutClass {
    /// How many there are.
    pub(super) const COUNT: usize = TimedProtocol::ALL.len() * STATES;

    pub(super) fn of(protocol: u8, progress: FlowProgress) -> Self {
        Self::at(TimedProtocol::of(protocol), progress)
    }

    fn at(protocol: TimedProtocol, progress: FlowProgress) -> Self {
        let row = match protocol {
            TimedProtocol::Tcp => 0,
            TimedProtocol::Udp => 1,
            TimedProtocol::Icmp => 2,
            TimedProtocol::Other => 3,
        };
        let column = match progress {
            FlowProgress::New => 0,
            FlowProgress::Established => 1,
            FlowProgress::Closed => 2,
        };
        Self(row * STATES + column)
    }

    pub(super) fn index(self) -> usize {
        self.0
    }

    /// Classes of a state, one a protocol.
    pub(super) fn with_progress(progress: FlowProgress) -> impl Iterator<Item = Self> {
        TimedProtocol::ALL
            .into_iter()
            .map(move |protocol| Self::at(protocol, progress))
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }
}

/// Seconds of silence after which a flow ends, by protocol and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowTimeouts {
    seconds: [u64; TimeoutClass::COUNT],
}

impl Default for FlowTimeouts {
    /// Those of the reference's settings: new, established, closed for TCP, UDP, ICMP and all others.
    fn default() -> Self {
        Self {
            seconds: [60, 600, 60, 30, 300, 0, 30, 300, 0, 30, 300, 0],
        }
    }
}

impl FlowTimeouts {
    /// Ends flows of a protocol in this state after so many seconds of silence.
    pub fn set(&mut self, protocol: TimedProtocol, progress: FlowProgress, seconds: u64) {
        self.seconds[TimeoutClass::at(protocol, progress).0] = seconds;
    }

    pub(super) fn seconds(&self, class: TimeoutClass) -> u64 {
        self.seconds[class.0]
    }
}
