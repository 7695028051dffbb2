//! Whose bytes count where two segments overlap.

use std::net::IpAddr;

/// How a host decides between overlapping segments (Novak and Sturges, "Target-Based TCP Stream Reassembly").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamPolicy {
    /// The first to arrive.
    First,
    /// The last to arrive.
    Last,
    /// The first, except where the new one begins earlier. Windows does the same.
    Bsd,
    /// As BSD; also the new one where both begin at the same place and the new one ends later.
    Linux,
    /// The new one, except where the old one begins earlier or ends later.
    Solaris,
}

/// Bytes that a segment brought, as positions in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Extent {
    /// The order in which segments stand: by their beginnings, then by their ends.
    pub(super) fn order(&self) -> (u64, u64) {
        (self.start, self.end)
    }
}

impl StreamPolicy {
    /// The policy of the host at `address`, as the reference's settings have it: Windows for IPv4, the default for IPv6. Both
    /// decide as BSD does.
    #[must_use]
    pub fn of_host(_address: IpAddr) -> Self {
        Self::Bsd
    }

    /// Whether the bytes of `new` replace those of `old` where they overlap.
    pub(super) fn new_wins(self, old: Extent, new: Extent) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd => new.start < old.start,
            Self::Linux => new.start < old.start || (new.start == old.start && new.end > old.end),
            Self::Solaris => {
                if new.start <= old.start {
                    new.end >= old.end
                } else {
                    new.end > old.end
                }
            }
        }
    }
}
