//! A heartbeat: the sensor is alive, and in this state. The only record that may leave
//! without a signed policy, so it names no traffic beyond two totals.

use crate::account::Account;
use crate::error::DecodeError;
use crate::ids::{PackDigest, PolicyDigest};
use crate::limits::MAX_TEXT_BYTES;
use crate::rows::{FieldWriter, Fields};

/// State of a sensor at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whether it sees what it should see.
    pub state: SensorState,
    /// Seconds since the sensor process started.
    pub uptime_seconds: u64,
    /// Version of the program.
    pub software_version: String,
    /// Version text of the rule pack in use.
    pub pack_version: String,
    /// The rule pack in use.
    pub pack: Option<PackDigest>,
    /// The policy in force.
    pub policy: Option<PolicyDigest>,
    /// Packets seen since the last heartbeat.
    pub packets: u64,
    /// Packets lost before the sensor saw them, since the last heartbeat.
    pub dropped_packets: u64,
    /// What waits to be sent.
    pub queue: Queue,
    /// The books of the outbox, this heartbeat not among them.
    pub account: Account,
}

/// Whether a sensor sees what it should see: quiet is not the same as blind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SensorState {
    /// Not yet capturing.
    #[default]
    Starting,
    /// Capturing and inspecting.
    Running,
    /// Capturing, but something is lost; the summary says what.
    Degraded,
    /// No packets arrive where there should be some.
    Blind,
    /// Capturing, but without a policy: nothing but heartbeats leaves.
    NoPolicy,
    /// Stopping on purpose.
    Stopping,
}

impl SensorState {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Starting => 0,
            Self::Running => 1,
            Self::Degraded => 2,
            Self::Blind => 3,
            Self::NoPolicy => 4,
            Self::Stopping => 5,
        }
    }

    /// The state with a number from the wire; one that is not known counts as degraded.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Starting,
            1 => Self::Running,
            3 => Self::Blind,
            4 => Self::NoPolicy,
            5 => Self::Stopping,
            _ => Self::Degraded,
        }
    }

    /// The name shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Blind => "blind",
            Self::NoPolicy => "no policy",
            Self::Stopping => "stopping",
        }
    }
}

/// What waits in the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Queue {
    /// Records not yet acknowledged.
    pub records: u64,
    /// Bytes they take on disk.
    pub bytes: u64,
    /// Wall time of the oldest, milliseconds since 1970; 0 when empty.
    pub oldest_milliseconds: u64,
    /// Records evicted since the outbox was made.
    pub evicted_records: u64,
}

impl Queue {
    pub(crate) fn write(&self, fields: &mut FieldWriter, first_tag: u64) {
        fields.number(first_tag, self.records);
        fields.number(first_tag + 1, self.bytes);
        fields.number(first_tag + 2, self.oldest_milliseconds);
        fields.number(first_tag + 3, self.evicted_records);
    }

    pub(crate) fn read(fields: &Fields<'_>, first_tag: u64) -> Result<Self, DecodeError> {
        Ok(Self {
            records: fields.number(first_tag)?,
            bytes: fields.number(first_tag + 1)?,
            oldest_milliseconds: fields.number(first_tag + 2)?,
            evicted_records: fields.number(first_tag + 3)?,
        })
    }
}

const STATE: u64 = 1;
const UPTIME: u64 = 2;
const SOFTWARE: u64 = 3;
const PACK_VERSION: u64 = 4;
const PACK: u64 = 5;
const POLICY: u64 = 6;
const PACKETS: u64 = 7;
const DROPPED: u64 = 8;
/// Four tags: records, bytes, oldest, evicted.
const QUEUE: u64 = 9;
/// Three tags: lanes, suppressed findings, facts held back.
const ACCOUNT: u64 = 13;
/// The highest tag this program reads.
const LAST: u64 = ACCOUNT + 2;

impl Heartbeat {
    pub(crate) fn write_row(&self, out: &mut Vec<u8>) {
        let mut fields = FieldWriter::default();
        fields.number(STATE, u64::from(self.state.code()));
        fields.number(UPTIME, self.uptime_seconds);
        fields.text(SOFTWARE, &self.software_version, MAX_TEXT_BYTES);
        fields.text(PACK_VERSION, &self.pack_version, MAX_TEXT_BYTES);
        fields.bytes(
            PACK,
            self.pack.as_ref().map_or(&[], |digest| digest.0.as_slice()),
        );
        fields.bytes(
            POLICY,
            self.policy
                .as_ref()
                .map_or(&[], |digest| digest.0.as_slice()),
        );
        fields.number(PACKETS, self.packets);
        fields.number(DROPPED, self.dropped_packets);
        self.queue.write(&mut fields, QUEUE);
        self.account.write(&mut fields, ACCOUNT);
        fields.finish(out);
    }

    pub(crate) fn read_row(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            state: SensorState::from_code(u8::try_from(fields.number(STATE)?).unwrap_or(u8::MAX)),
            uptime_seconds: fields.number(UPTIME)?,
            software_version: fields.text(SOFTWARE, MAX_TEXT_BYTES)?,
            pack_version: fields.text(PACK_VERSION, MAX_TEXT_BYTES)?,
            pack: fields.digest(PACK)?.map(PackDigest),
            policy: fields.digest(POLICY)?.map(PolicyDigest),
            packets: fields.number(PACKETS)?,
            dropped_packets: fields.number(DROPPED)?,
            queue: Queue::read(fields, QUEUE)?,
            account: Account::read(fields, ACCOUNT)?,
        })
    }

    pub(crate) const KNOWN_TAGS: std::ops::RangeInclusive<u64> = STATE..=LAST;
}
