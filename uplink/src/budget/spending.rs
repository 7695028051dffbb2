//! What was spent in the current day and month, kept through restarts.
//!
//! ```text
//! budget.json = {"day", "month", "day_bytes", "day_ordinary_bytes", "month_bytes", "month_ordinary_bytes"}
//! ```
//!
//! The clock of a board jumps. A later day or month than any before has its own bytes; a clock that is set
//! back gives no new ones: what was spent stays spent until a day comes that is later than the day it was
//! set back to. Each step forwards and back again can therefore give one day's bytes too many, never more.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Purpose;
use super::calendar::Calendar;
use crate::error::UplinkError;
use crate::private_file;

const FILE: &str = "budget.json";

/// What was spent in the current day and month, in bytes as the bill counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spending {
    /// Days since 1970.
    day: u64,
    /// Months since the year 0.
    month: u64,
    /// Of the day.
    pub day_bytes: u64,
    /// Of the day, without critical findings.
    pub day_ordinary_bytes: u64,
    /// Of the month.
    pub month_bytes: u64,
    /// Of the month, without critical findings.
    pub month_ordinary_bytes: u64,
}

impl Spending {
    /// What is kept in a folder; nothing spent when there is no file, or one that is not ours.
    ///
    /// # Errors
    /// [`UplinkError::File`] when it cannot be read.
    pub fn load(folder: &Path) -> Result<Self, UplinkError> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(UplinkError::file("read", path)(cause)),
        }
    }

    pub(crate) fn store(&self, folder: &Path) -> Result<(), UplinkError> {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        private_file::create_folder(folder)?;
        private_file::replace(&folder.join(FILE), &bytes)
    }

    pub(super) fn advance(&mut self, now_seconds: u64) {
        let now = Calendar::of(now_seconds);
        if now.month > self.month {
            (self.month_bytes, self.month_ordinary_bytes) = (0, 0);
        }
        if now.day > self.day {
            (self.day_bytes, self.day_ordinary_bytes) = (0, 0);
        }
        (self.day, self.month) = (now.day, now.month);
    }

    pub(super) fn spend(&mut self, bytes: u64, purpose: Purpose) {
        let add = |sum: &mut u64| *sum = sum.saturating_add(bytes);
        add(&mut self.day_bytes);
        add(&mut self.month_bytes);
        if purpose != Purpose::Critical {
            add(&mut self.day_ordinary_bytes);
            add(&mut self.month_ordinary_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_gives_no_new_bytes() {
        let noon = 1_794_312_000;
        let mut spending = Spending::default();
        spending.advance(noon);
        spending.spend(700, Purpose::Ordinary);
        for earlier in [noon - 86_400, 0, noon - 86_400 * 365] {
            spending.advance(earlier);
        }
        // Three steps: back a day, back to 1970, and forwards from there, which is a later day.
        assert_eq!((spending.day_bytes, spending.month_bytes), (0, 0));
        let mut spending = Spending::default();
        spending.advance(noon);
        spending.spend(700, Purpose::Ordinary);
        spending.advance(0);
        assert_eq!((spending.day_bytes, spending.month_bytes), (700, 700));
        spending.advance(86_399);
        assert_eq!(spending.day_bytes, 700);
        spending.advance(86_400);
        assert_eq!((spending.day_bytes, spending.month_bytes), (0, 700));
    }

    #[test]
    fn it_is_kept_and_a_file_of_nonsense_is_nothing_spent() {
        let folder = tempfile::tempdir().unwrap();
        let mut spending = Spending::load(folder.path()).unwrap();
        spending.advance(1_794_312_000);
        spending.spend(9, Purpose::Critical);
        spending.store(folder.path()).unwrap();
        assert_eq!(Spending::load(folder.path()).unwrap(), spending);
        fs::write(folder.path().join(FILE), "?").unwrap();
        assert_eq!(Spending::load(folder.path()).unwrap(), Spending::default());
    }
}
