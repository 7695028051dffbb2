//! How long a flow is kept without packets.

use super::{FlowProgress, key::protocol};

/// Flows with the same time-out. Within a class the order of the newest packets is the order in which flows end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeoutClass(usize);

/// Protocols that differ in time-outs, in the order of [`TimeoutClass`].
const PROTOCOLS: usize = 4;
const STATES: usize = 3;

impl TimeoutClass {
    /// How many there are.
    pub(super) const COUNT: usize = PROTOCOLS * STATES;

    pub(super) fn of(protocol: u8, progress: FlowProgress) -> Self {
        let row = match protocol {
            protocol::TCP => 0,
            protocol::UDP => 1,
            protocol::ICMP | protocol::ICMPV6 => 2,
            _ => 3,
        };
        Self(row * STATES + column(progress))
    }

    pub(super) fn index(self) -> usize {
        self.0
    }

    /// Classes of a state, one a protocol.
    pub(super) fn with_progress(progress: FlowProgress) -> impl Iterator<Item = Self> {
        (0..PROTOCOLS).map(move |row| Self(row * STATES + column(progress)))
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }
}

fn column(progress: FlowProgress) -> usize {
    match progress {
        FlowProgress::New => 0,
        FlowProgress::Established => 1,
        FlowProgress::Closed => 2,
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
    pub(super) fn seconds(&self, class: TimeoutClass) -> u64 {
        self.seconds[class.0]
    }
}
