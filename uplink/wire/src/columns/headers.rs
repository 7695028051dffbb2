//! The columns that every block has: lane, number, time, policy. Tags 1 to 15.

use super::block::{BlockReader, BlockWriter};
use crate::error::DecodeError;
use crate::ids::{BootId, Lane, PolicyDigest, RecordNumber};
use crate::record::{ClockQuality, Record, RecordHeader, Stamp};

const LANE: u64 = 1;
/// Zigzag difference from the number after the lane's last one in this block.
const NUMBER: u64 = 2;
/// Zigzag difference from the row before.
const WALL: u64 = 3;
/// Wall time minus monotonic time, as a zigzag difference from the row before: nearly
/// constant during one boot.
const CLOCK_OFFSET: u64 = 4;
/// A pool: 5 and 6.
const BOOT: u64 = 5;
const QUALITY: u64 = 7;
/// A pool: 8 and 9. An empty value stands for no policy.
const POLICY: u64 = 8;

pub(super) const KNOWN_TAGS: std::ops::RangeInclusive<u64> = LANE..=POLICY + 1;
/// Tags up to this one mean the same in every block.
pub(super) const LAST_RESERVED_TAG: u64 = 15;

pub(super) fn write(block: &mut BlockWriter, records: &[&Record]) {
    let headers = || records.iter().map(|record| &record.header);
    block.numbers(LANE, headers().map(|header| u64::from(header.lane.code())));
    let mut expected = ExpectedNumbers::default();
    block.signed(
        NUMBER,
        headers().map(|header| expected.difference(header.lane, header.number.0)),
    );
    let mut previous = 0u64;
    block.signed(
        WALL,
        headers().map(|header| difference(header.time.wall_milliseconds, &mut previous)),
    );
    let mut previous = 0u64;
    block.signed(
        CLOCK_OFFSET,
        headers().map(|header| {
            let offset = header
                .time
                .wall_milliseconds
                .wrapping_sub(header.time.monotonic_milliseconds);
            difference(offset, &mut previous)
        }),
    );
    block.pool(BOOT, headers().map(|header| header.time.boot.0.as_slice()));
    block.numbers(
        QUALITY,
        headers().map(|header| u64::from(header.time.quality.code())),
    );
    block.pool(
        POLICY,
        headers().map(|header| header.policy.as_ref().map_or(&[][..], |digest| &digest.0)),
    );
}

pub(super) fn read(block: &BlockReader<'_>) -> Result<Vec<RecordHeader>, DecodeError> {
    let rows = block.rows;
    let lanes = block.numbers(LANE, rows, "lanes")?;
    let numbers = block.signed(NUMBER, rows, "record numbers")?;
    let walls = block.signed(WALL, rows, "wall times")?;
    let offsets = block.signed(CLOCK_OFFSET, rows, "clock offsets")?;
    let boots = block.pool(BOOT, rows, BootId::LENGTH, "boot ids")?;
    let qualities = block.numbers(QUALITY, rows, "clock qualities")?;
    let policies = block.pool(POLICY, rows, PolicyDigest::LENGTH, "policy digests")?;

    let mut expected = ExpectedNumbers::default();
    let (mut wall, mut offset) = (0u64, 0u64);
    let mut headers = Vec::with_capacity(rows);
    for row in 0..rows {
        wall = wall.wrapping_add_signed(at(&walls, row));
        offset = offset.wrapping_add_signed(at(&offsets, row));
        let code = at(&lanes, row);
        let lane =
            u8::try_from(code)
                .ok()
                .and_then(Lane::from_code)
                .ok_or(DecodeError::OutOfRange {
                    what: "lane",
                    value: code,
                })?;
        headers.push(RecordHeader {
            lane,
            number: RecordNumber(expected.number(lane, at(&numbers, row))),
            time: Stamp {
                wall_milliseconds: wall,
                monotonic_milliseconds: wall.wrapping_sub(offset),
                boot: BootId(fixed(at(&boots, row), "boot id")?.unwrap_or_default()),
                quality: ClockQuality::from_code(
                    u8::try_from(at(&qualities, row)).unwrap_or(u8::MAX),
                ),
            },
            policy: fixed(at(&policies, row), "policy digest")?.map(PolicyDigest),
        });
    }
    Ok(headers)
}

/// The value of a column in a row; columns are as long as the block has rows.
pub(super) fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

/// Difference from the value before, over the whole range of 64 bits.
pub(super) fn difference(value: u64, previous: &mut u64) -> i64 {
    let difference = value.wrapping_sub(*previous).cast_signed();
    *previous = value;
    difference
}

fn fixed<const N: usize>(bytes: &[u8], what: &'static str) -> Result<Option<[u8; N]>, DecodeError> {
    match bytes {
        [] => Ok(None),
        bytes => bytes
            .try_into()
            .map(Some)
            .map_err(|_| DecodeError::Mismatch { what }),
    }
}

/// The number each lane should have next.
#[derive(Debug, Default)]
struct ExpectedNumbers([u64; Lane::ALL.len()]);

impl ExpectedNumbers {
    fn next(&mut self, lane: Lane) -> Option<&mut u64> {
        self.0.get_mut(usize::from(lane.code()))
    }

    fn difference(&mut self, lane: Lane, number: u64) -> i64 {
        let Some(next) = self.next(lane) else {
            return 0;
        };
        let difference = number.wrapping_sub(*next).cast_signed();
        *next = number.wrapping_add(1);
        difference
    }

    fn number(&mut self, lane: Lane, difference: i64) -> u64 {
        let Some(next) = self.next(lane) else {
            return 0;
        };
        let number = next.wrapping_add_signed(difference);
        *next = number.wrapping_add(1);
        number
    }
}
