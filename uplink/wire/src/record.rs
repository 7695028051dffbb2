//! A record: what every kind has in common, and the list of kinds.

use crate::error::DecodeError;
use crate::eviction::Eviction;
use crate::finding::Finding;
use crate::heartbeat::Heartbeat;
use crate::ids::{BatchIdentity, BootId, Lane, PolicyDigest, RecordId, RecordNumber};
use crate::summary::Summary;

/// One unit of what leaves the sensor: numbered, stamped, and allowed by a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What every kind has.
    pub header: RecordHeader,
    /// The content.
    pub body: RecordBody,
}

impl Record {
    /// Whether it says nothing but that the sensor lives, and which numbers stand for nothing any more.
    pub fn is_of_the_books(&self) -> bool {
        match &self.body {
            RecordBody::Heartbeat(_) => true,
            RecordBody::Eviction(eviction) => eviction
                .findings_by_severity
                .iter()
                .all(|count| *count == 0),
            _ => false,
        }
    }

    /// A record whose body may travel under the policy its header names.
    ///
    /// # Errors
    /// [`DecodeError::NoPolicy`] when `header.policy` is none and the body is not of a kind
    /// that may leave without one.
    pub fn new(header: RecordHeader, body: RecordBody) -> Result<Self, DecodeError> {
        if header.policy.is_none() && !body.kind().may_lack_policy() {
            return Err(DecodeError::NoPolicy);
        }
        Ok(Self { header, body })
    }

    /// The identity of this record, given the batch it came in.
    pub fn id(&self, batch: &BatchIdentity) -> RecordId {
        RecordId {
            sensor: batch.sensor,
            epoch: batch.epoch,
            lane: self.header.lane,
            number: self.header.number,
        }
    }
}

/// What every record has. Sensor and epoch are the batch's: see [`Record::id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// The queue it waited in.
    pub lane: Lane,
    /// Its place in that lane, without holes.
    pub number: RecordNumber,
    /// When it was made.
    pub time: Stamp,
    /// The policy that allowed it. Only heartbeats, and evictions of nothing but heartbeats,
    /// have none.
    pub policy: Option<PolicyDigest>,
}

/// A moment as a sensor knows it: boards have no clock worth trusting, so what the wall clock
/// said stands beside what cannot jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Milliseconds since 1970-01-01T00:00Z by the sensor's wall clock.
    pub wall_milliseconds: u64,
    /// Milliseconds since the kernel of this boot started.
    pub monotonic_milliseconds: u64,
    /// The boot that `monotonic_milliseconds` counts from.
    pub boot: BootId,
    /// How far the wall clock can be trusted.
    pub quality: ClockQuality,
}

/// How far a wall clock can be trusted, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClockQuality {
    /// Nobody has set it.
    Unset,
    /// Not before the build or the last seen certificate; nothing better is known.
    Floor,
    /// Set once, running freely since.
    FreeRunning,
    /// Kept by a time server.
    Network,
    /// Kept by a receiver of radio or satellite time.
    Reference,
    /// Taken from a capture file, which says nothing about it.
    Capture,
}

impl ClockQuality {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Unset => 0,
            Self::Floor => 1,
            Self::FreeRunning => 2,
            Self::Network => 3,
            Self::Reference => 4,
            Self::Capture => 5,
        }
    }

    /// The quality with a number from the wire; one that is not known counts as
    /// [`ClockQuality::Unset`].
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Floor,
            2 => Self::FreeRunning,
            3 => Self::Network,
            4 => Self::Reference,
            5 => Self::Capture,
            _ => Self::Unset,
        }
    }

    /// The name shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Floor => "floor",
            Self::FreeRunning => "free-running",
            Self::Network => "network",
            Self::Reference => "reference",
            Self::Capture => "capture",
        }
    }
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordBody {
    /// A rule matched between two ends.
    Finding(Finding),
    /// What the sensor saw and could not see in a period.
    Summary(Summary),
    /// The sensor is alive, and in this state.
    Heartbeat(Heartbeat),
    /// Records that were dropped from a full disk.
    Eviction(Eviction),
    /// A kind that this program does not read; its header and its number count all the same.
    Unknown(RecordKind),
}

impl RecordBody {
    /// The kind of this body.
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::Finding(_) => RecordKind::FINDING,
            Self::Summary(_) => RecordKind::SUMMARY,
            Self::Heartbeat(_) => RecordKind::HEARTBEAT,
            Self::Eviction(_) => RecordKind::EVICTION,
            Self::Unknown(kind) => *kind,
        }
    }
}

/// The number of a kind of record. Numbers are never used again for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKind(pub u16);

impl RecordKind {
    /// [`Finding`].
    pub const FINDING: Self = Self(1);
    /// [`Summary`].
    pub const SUMMARY: Self = Self(2);
    /// [`Heartbeat`].
    pub const HEARTBEAT: Self = Self(3);
    /// [`Eviction`].
    pub const EVICTION: Self = Self(4);
    /// Reserved: bounded payload or packets that the centre asked for.
    pub const EVIDENCE: Self = Self(5);
    /// Reserved: the answer to a search in what the sensor still remembers.
    pub const RETRO_HUNT_ANSWER: Self = Self(6);
    /// Reserved: a rule or request that the edge refused.
    pub const VETO: Self = Self(7);
    /// Reserved: a finding made on purpose, to try the path.
    pub const EXERCISE: Self = Self(8);
    /// Reserved: proof that data was deleted.
    pub const DELETION_PROOF: Self = Self(9);

    /// Whether a record of this kind may leave without a policy.
    pub const fn may_lack_policy(self) -> bool {
        matches!(self, Self::HEARTBEAT | Self::EVICTION)
    }
}
