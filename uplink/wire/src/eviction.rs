//! An eviction: records that were dropped from a full disk, so that every gap is shown.

use crate::error::DecodeError;
use crate::finding::Severity;
use crate::ids::{BatchDigest, BatchNumber, Lane, RecordNumber};
use crate::rows::{FieldWriter, Fields};

/// Records of one lane that will never arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eviction {
    /// The lane they were in.
    pub lane: Lane,
    /// The first of them.
    pub first: RecordNumber,
    /// The last of them.
    pub last: RecordNumber,
    /// How many of the range were dropped; the others arrive, or have arrived.
    pub count: u64,
    /// Findings among them by class of severity, gravest first; see [`Severity::class`].
    pub findings_by_severity: [u64; Severity::CLASSES],
    /// Why.
    pub reason: EvictionReason,
    /// The sealed batch that they were in and that will not come, so that its number is no gap and the digest that the next batch
    /// names is known.
    pub withdrawn: Option<WithdrawnBatch>,
}

/// A batch that was sealed and, before its acknowledgement came, removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WithdrawnBatch {
    /// Its number.
    pub number: BatchNumber,
    /// SHA-256 of its envelope.
    pub digest: BatchDigest,
}

/// Why records were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvictionReason {
    /// The outbox reached its bound.
    OutboxFull,
    /// The disk had no room although the outbox was within its bound.
    DiskFull,
    /// They could not be read back: the disk changed or lost their bytes.
    Damaged,
    /// The ISP's operator asked for it.
    Operator,
    /// They waited longer than the ISP's policy lets anything wait.
    TooOld,
    /// A reason that this program does not know, by its number on the wire.
    Other(u8),
}

impl EvictionReason {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::OutboxFull => 0,
            Self::DiskFull => 1,
            Self::Damaged => 2,
            Self::Operator => 3,
            Self::TooOld => 4,
            Self::Other(code) => code,
        }
    }

    /// The reason with a number from the wire.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::OutboxFull,
            1 => Self::DiskFull,
            2 => Self::Damaged,
            3 => Self::Operator,
            4 => Self::TooOld,
            other => Self::Other(other),
        }
    }

    /// The name shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutboxFull => "outbox full",
            Self::DiskFull => "disk full",
            Self::Damaged => "damaged",
            Self::Operator => "operator",
            Self::TooOld => "too old for the policy",
            Self::Other(_) => "other",
        }
    }
}

const LANE: u64 = 1;
const FIRST: u64 = 2;
/// Last minus first.
const SPAN: u64 = 3;
const COUNT: u64 = 4;
const REASON: u64 = 5;
/// Four tags, gravest first.
const BY_SEVERITY: u64 = 6;
/// Number of the withdrawn batch, plus one.
const WITHDRAWN: u64 = 10;
const WITHDRAWN_DIGEST: u64 = 11;
const LAST: u64 = WITHDRAWN_DIGEST;

impl Eviction {
    pub(crate) fn write_row(&self, out: &mut Vec<u8>) {
        let mut fields = FieldWriter::default();
        fields.number(LANE, u64::from(self.lane.code()));
        fields.number(FIRST, self.first.0);
        fields.number(SPAN, self.last.0.saturating_sub(self.first.0));
        fields.number(COUNT, self.count);
        fields.number(REASON, u64::from(self.reason.code()));
        for (tag, count) in (BY_SEVERITY..).zip(self.findings_by_severity) {
            fields.number(tag, count);
        }
        if let Some(batch) = &self.withdrawn {
            fields.number(WITHDRAWN, batch.number.0.saturating_add(1));
            fields.bytes(WITHDRAWN_DIGEST, &batch.digest.0);
        }
        fields.finish(out);
    }

    pub(crate) fn read_row(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let code = fields.number(LANE)?;
        let lane = u8::try_from(code).ok().and_then(Lane::from_code);
        let first = fields.number(FIRST)?;
        let span = fields.number(SPAN)?;
        let mut findings_by_severity = [0; Severity::CLASSES];
        for (tag, count) in (BY_SEVERITY..).zip(&mut findings_by_severity) {
            *count = fields.number(tag)?;
        }
        Ok(Self {
            lane: lane.ok_or(DecodeError::OutOfRange {
                what: "lane of an eviction",
                value: code,
            })?,
            first: RecordNumber(first),
            last: RecordNumber(first.checked_add(span).ok_or(DecodeError::OutOfRange {
                what: "range of an eviction",
                value: span,
            })?),
            count: fields.number(COUNT)?,
            findings_by_severity,
            reason: EvictionReason::from_code(
                u8::try_from(fields.number(REASON)?).unwrap_or(u8::MAX),
            ),
            withdrawn: match (
                fields.number(WITHDRAWN)?.checked_sub(1),
                fields.digest(WITHDRAWN_DIGEST)?,
            ) {
                (Some(number), Some(digest)) => Some(WithdrawnBatch {
                    number: BatchNumber(number),
                    digest: BatchDigest(digest),
                }),
                _ => None,
            },
        })
    }

    pub(crate) const KNOWN_TAGS: std::ops::RangeInclusive<u64> = LANE..=LAST;
}
