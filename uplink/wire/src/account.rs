//! A sensor's own books at a moment, as a heartbeat tells them: where every numbered record is, and
//! what never got a number. With them a centre can tell what is on its way from what is gone.
//!
//! ```text
//! account = lane*                    only lanes that ever had a record
//! lane    = code u8 (bit 7: held), settled varint, sealed varint, queued varint
//! ```
//!
//! Within a lane, by number:
//!
//! ```text
//! 0 ── acknowledged or evicted ── settled ── sealed, in flight ── next_to_seal ── queued ── next
//! ```

use crate::bytes::{Reader, put_varint};
use crate::error::DecodeError;
use crate::ids::Lane;
use crate::rows::{FieldWriter, Fields};

/// Set in a lane's code when its records are held back.
const HELD: u8 = 0x80;

/// The books of one outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Account {
    /// By the lanes' codes.
    pub lanes: [LaneAccount; Lane::ALL.len()],
    /// Findings that the policy kept back since the outbox was made; they never get a number.
    pub suppressed_findings: u64,
    /// Facts that findings left behind because the link could not pay for them.
    pub facts_held_back: u64,
}

/// The books of one lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LaneAccount {
    /// All numbers below it are acknowledged or evicted.
    pub settled: u64,
    /// All numbers below it are sealed or evicted.
    pub next_to_seal: u64,
    /// The number of the record that comes next.
    pub next: u64,
    /// Whether what is queued is held back by the budget.
    pub is_held: bool,
}

impl Account {
    /// The books of a lane.
    pub fn lane(&self, lane: Lane) -> LaneAccount {
        self.lanes
            .get(usize::from(lane.code()))
            .copied()
            .unwrap_or_default()
    }

    /// The books of a lane, to be written.
    pub fn lane_mut(&mut self, lane: Lane) -> Option<&mut LaneAccount> {
        self.lanes.get_mut(usize::from(lane.code()))
    }

    /// Records that got a number.
    pub fn numbered(&self) -> u64 {
        self.lanes
            .iter()
            .fold(0, |sum, lane| sum.saturating_add(lane.next))
    }

    pub(crate) fn write(&self, fields: &mut FieldWriter, first_tag: u64) {
        let mut bytes = Vec::new();
        for lane in Lane::ALL {
            let books = self.lane(lane);
            if books == LaneAccount::default() {
                continue;
            }
            bytes.push(lane.code() | if books.is_held { HELD } else { 0 });
            put_varint(&mut bytes, books.settled);
            put_varint(&mut bytes, books.next_to_seal.saturating_sub(books.settled));
            put_varint(&mut bytes, books.next.saturating_sub(books.next_to_seal));
        }
        fields.bytes(first_tag, &bytes);
        fields.number(first_tag + 1, self.suppressed_findings);
        fields.number(first_tag + 2, self.facts_held_back);
    }

    pub(crate) fn read(fields: &Fields<'_>, first_tag: u64) -> Result<Self, DecodeError> {
        let mut account = Self {
            suppressed_findings: fields.number(first_tag + 1)?,
            facts_held_back: fields.number(first_tag + 2)?,
            ..Self::default()
        };
        let bytes = fields.all(first_tag).last().copied().unwrap_or_default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let code = reader.u8("lane of an account")?;
            let settled = reader.varint("settled records")?;
            let next_to_seal = settled.saturating_add(reader.varint("sealed records")?);
            let next = next_to_seal.saturating_add(reader.varint("queued records")?);
            // A lane of a newer sensor is passed over.
            if let Some(books) = account.lanes.get_mut(usize::from(code & !HELD)) {
                *books = LaneAccount {
                    settled,
                    next_to_seal,
                    next,
                    is_held: code & HELD != 0,
                };
            }
        }
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_survive_the_wire_and_cost_little() {
        let mut account = Account {
            suppressed_findings: 700,
            facts_held_back: 3,
            ..Account::default()
        };
        *account.lane_mut(Lane::Normal).unwrap() = LaneAccount {
            settled: 100_000,
            next_to_seal: 100_040,
            next: 100_300,
            is_held: true,
        };
        *account.lane_mut(Lane::Status).unwrap() = LaneAccount {
            settled: 5,
            next_to_seal: 5,
            next: 6,
            is_held: false,
        };
        let mut fields = FieldWriter::default();
        account.write(&mut fields, 13);
        let bytes = fields.into_bytes();
        assert!(bytes.len() < 26, "{}", bytes.len());
        assert_eq!(
            Account::read(&Fields::read(&bytes).unwrap(), 13).unwrap(),
            account
        );
        assert_eq!(account.numbered(), 100_306);
    }

    #[test]
    fn numbers_that_cannot_be_added_do_not_overflow() {
        let mut lane = vec![Lane::Low.code()];
        for _ in 0..3 {
            put_varint(&mut lane, u64::MAX);
        }
        let mut fields = FieldWriter::default();
        fields.bytes(13, &lane);
        let bytes = fields.into_bytes();
        let account = Account::read(&Fields::read(&bytes).unwrap(), 13).unwrap();
        assert_eq!(account.lane(Lane::Low).next, u64::MAX);
    }
}
