//! Identities as distinct types, so that none can be taken for another.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::bytes::{Reader, put_varint};
use crate::error::DecodeError;
use crate::finding::Severity;

/// Defines a fixed-length identity that is written as lower-case hex.
macro_rules! byte_id {
    ($(#[$meta:meta])* $name:ident, $length:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = DecodeError;

            /// Reads the hex form that `Display` writes.
            fn from_str(text: &str) -> Result<Self, DecodeError> {
                parse_hex(text, stringify!($name)).map(Self)
            }
        }
    };
}

byte_id!(
    /// One sensor, named by the centre when it approves the enrolment.
    SensorId, 16
);
byte_id!(
    /// SHA-256 of the signed policy document that a record was allowed by.
    PolicyDigest, 32
);
byte_id!(
    /// SHA-256 of a compiled rule pack.
    PackDigest, 32
);
byte_id!(
    /// SHA-256 of the bytes of an envelope. All zero stands for "none before this one".
    BatchDigest, 32
);
byte_id!(
    /// One run of the kernel, `/proc/sys/kernel/random/boot_id`.
    BootId, 16
);
byte_id!(
    /// First 8 bytes of the SHA-256 of a public key.
    KeyId, 8
);

impl BatchDigest {
    /// Stands before the first batch of an epoch.
    pub const NONE: Self = Self([0; 32]);

    /// The digest of an envelope's bytes.
    pub fn of(envelope: &[u8]) -> Self {
        Self(Sha256::digest(envelope).into())
    }
}

impl KeyId {
    /// The id of a public key given as its raw bytes.
    pub fn of(public_key: &[u8; 32]) -> Self {
        let digest: [u8; 32] = Sha256::digest(public_key).into();
        let mut id = [0; 8];
        id.copy_from_slice(digest.first_chunk::<8>().unwrap_or(&[0; 8]));
        Self(id)
    }

    /// Four groups of four digits: what two people compare, one at the centre and one at the device.
    pub fn fingerprint(&self) -> String {
        let groups: Vec<String> = self
            .0
            .chunks(2)
            .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect();
        groups.join(" ")
    }
}

/// One life of an outbox: a random number drawn when its folder is made. A re-flashed sensor
/// keeps its [`SensorId`] and gets a new epoch, so its numbers can start again at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// Position of a batch in the order of sealing, from 0, without holes within an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchNumber(pub u64);

impl fmt::Display for BatchNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Position of a record in its lane, from 0, without holes within an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordNumber(pub u64);

impl fmt::Display for RecordNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Which queue a record waits in. Lanes are sent in the order listed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Findings that must arrive within seconds; written through to the disk at once.
    Critical,
    /// Heartbeats, summaries and the outbox's own eviction records.
    Status,
    /// Findings of ordinary weight.
    Normal,
    /// Findings that may wait for cheap bytes.
    Low,
    /// Evidence that the centre asked for.
    Evidence,
}

impl Lane {
    /// All lanes, in the order they are sent.
    pub const ALL: [Self; 5] = [
        Self::Critical,
        Self::Status,
        Self::Normal,
        Self::Low,
        Self::Evidence,
    ];

    /// The lane of findings of a severity. A full outbox drops whole lanes' oldest records,
    /// lightest lane first, so this is also what decides what is dropped first.
    pub fn of_severity(severity: Severity) -> Self {
        match severity.get() {
            1 => Self::Critical,
            2 => Self::Normal,
            _ => Self::Low,
        }
    }

    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Critical => 0,
            Self::Normal => 1,
            Self::Low => 2,
            Self::Status => 3,
            Self::Evidence => 4,
        }
    }

    /// The lane with a number from the wire.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Critical),
            1 => Some(Self::Normal),
            2 => Some(Self::Low),
            3 => Some(Self::Status),
            4 => Some(Self::Evidence),
            _ => None,
        }
    }

    /// The name shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Normal => "normal",
            Self::Low => "low",
            Self::Status => "status",
            Self::Evidence => "evidence",
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code = reader.u8("lane")?;
        Self::from_code(code).ok_or(DecodeError::OutOfRange {
            what: "lane",
            value: u64::from(code),
        })
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A rule as its writer numbered it. The centre joins message, category and references by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId {
    /// Generator; 1 for ordinary rules.
    pub gid: u32,
    /// Signature.
    pub sid: u32,
    /// Revision of the signature.
    pub rev: u32,
}

impl fmt::Display for RuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.gid, self.sid, self.rev)
    }
}

/// What makes a batch the same batch wherever and however often it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchIdentity {
    /// The sensor that sealed it.
    pub sensor: SensorId,
    /// The outbox it was sealed from.
    pub epoch: Epoch,
    /// Its place in the order of sealing.
    pub number: BatchNumber,
}

impl BatchIdentity {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sensor.0);
        out.extend_from_slice(&self.epoch.0.to_le_bytes());
        put_varint(out, self.number.0);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            sensor: SensorId(reader.array("sensor id")?),
            epoch: Epoch(reader.u64("epoch")?),
            number: BatchNumber(reader.varint("batch number")?),
        })
    }
}

impl fmt::Display for BatchIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.sensor, self.epoch, self.number)
    }
}

/// What makes a record the same record in whichever batch it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId {
    /// The sensor that made it.
    pub sensor: SensorId,
    /// The outbox that numbered it.
    pub epoch: Epoch,
    /// Its lane.
    pub lane: Lane,
    /// Its place in the lane.
    pub number: RecordNumber,
}

fn parse_hex<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], DecodeError> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return Err(DecodeError::Mismatch { what });
    }
    let nibble = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = match pair {
            [high, low] => nibble(*high)
                .zip(nibble(*low))
                .map(|(high, low)| high << 4 | low),
            _ => None,
        }
        .ok_or(DecodeError::Mismatch { what })?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read_as_hex() {
        let id = SensorId(std::array::from_fn(|index| {
            u8::try_from(index * 16).unwrap()
        }));
        assert_eq!(id.to_string(), "00102030405060708090a0b0c0d0e0f0");
        assert_eq!(id.to_string().parse::<SensorId>().unwrap(), id);
        assert!("00".parse::<SensorId>().is_err());
        assert!(
            "zz102030405060708090a0b0c0d0e0f0"
                .parse::<SensorId>()
                .is_err()
        );
    }

    #[test]
    fn every_lane_has_its_own_code() {
        for lane in Lane::ALL {
            assert_eq!(Lane::from_code(lane.code()), Some(lane));
        }
        assert_eq!(Lane::from_code(5), None);
    }
}
