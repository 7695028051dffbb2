//! The link to the centre in the status: whether it works, what it costs, how long the disk lasts without it.

use serde::Serialize;

use super::screen::{Outbox, ago};
use crate::clock::wall_milliseconds;

/// A queue that is younger says nothing about how it grows.
const GROWN_MILLISECONDS_MIN: u64 = 3_600_000;
/// What the makers of small cards promise for 8 GB: a few hundred times their size.
const CARD_BEARS_BYTES: u64 = 3_000_000_000_000;
/// Milliseconds of a day.
const DAY_MILLISECONDS: u64 = 86_400_000;

/// How the link is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Link {
    /// When the centre was last reached, milliseconds since 1970; 0 for never.
    pub connected_milliseconds: u64,
    /// When it was last not reached.
    pub failed_milliseconds: u64,
    /// Why.
    pub failure: String,
    /// What it may cost and did.
    pub budget: Budget,
    /// What the outbox may hold, bytes.
    pub outbox_max_bytes: u64,
    /// Bytes a day that sensor and uplink write to the disk at their pace since they started.
    pub written_bytes_a_day: Option<u64>,
    /// Bytes a day that they may write; 0 where the settings are not at hand.
    pub write_budget_bytes: u64,
    /// Whether the clock was behind the newest certificate of the centre that was seen.
    pub is_clock_behind: bool,
}

/// What the link may cost and did, in bytes as the bill counts them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Budget {
    /// Of this day.
    pub day_bytes: u64,
    /// Of this month.
    pub month_bytes: u64,
    /// What a day may cost.
    pub day_budget_bytes: Option<u64>,
    /// What a month may cost.
    pub month_budget_bytes: Option<u64>,
}

impl Link {
    /// The lines of a screen.
    pub(super) fn lines(&self, outbox: &Outbox) -> Vec<(&'static str, String)> {
        let mut lines = vec![("link", self.state())];
        let of = |spent: u64, budget: Option<u64>| match budget {
            Some(budget) => format!("{spent} of {budget}"),
            None => format!("{spent}"),
        };
        let budget = &self.budget;
        let mut told = format!(
            "{} bytes today, {} this month",
            of(budget.day_bytes, budget.day_budget_bytes),
            of(budget.month_bytes, budget.month_budget_bytes)
        );
        if outbox.held_records > 0 {
            told.push_str(&format!("; {} records wait for it", outbox.held_records));
        }
        if outbox.facts_held_back > 0 {
            told.push_str(&format!("; {} facts stayed here", outbox.facts_held_back));
        }
        lines.push(("budget", told));
        if let Some(lasts) = self.lasts(outbox) {
            lines.push(("queue lasts", lasts));
        }
        if let Some(written) = self.written_bytes_a_day {
            lines.push(("disk wear", self.wear(written)));
        }
        if self.is_clock_behind {
            lines.push((
                "clock",
                "IS WRONG: it shows less than the centre's certificate proves".to_owned(),
            ));
        }
        lines
    }

    /// What is written, what may be, and for how long a card bears it.
    fn wear(&self, written: u64) -> String {
        let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
        let mut told = format!("{} MB a day are written", megabytes(written));
        if self.write_budget_bytes > 0 {
            told.push_str(&format!(" of {}", megabytes(self.write_budget_bytes)));
            if written > self.write_budget_bytes {
                told.push_str(": TOO MUCH");
            }
        }
        let years = CARD_BEARS_BYTES / written.max(1) / 365;
        told.push_str(&match years {
            0 => "; a card that bears 3 TB lasts less than a year".to_owned(),
            years if years > 20 => "; a card that bears 3 TB lasts more than 20 years".to_owned(),
            years => format!("; a card that bears 3 TB lasts about {years} years"),
        });
        told
    }

    fn state(&self) -> String {
        match (self.connected_milliseconds, self.failed_milliseconds) {
            (0, 0) => "never used".to_owned(),
            (connected, failed) if failed > connected => format!(
                "DOWN since {}: {}; last up {}",
                ago(failed),
                self.failure,
                ago(connected)
            ),
            (connected, _) => format!("up {}", ago(connected)),
        }
    }

    /// How long the disk holds what comes at the pace at which the queue has grown.
    fn lasts(&self, outbox: &Outbox) -> Option<String> {
        let since = outbox.oldest_queued_milliseconds;
        let grown_for = wall_milliseconds()
            .checked_sub(since)
            .filter(|grown| since > 0 && *grown >= GROWN_MILLISECONDS_MIN)?;
        let left = self.outbox_max_bytes.saturating_sub(outbox.bytes);
        let days = u128::from(left) * u128::from(grown_for.max(1))
            / u128::from(outbox.bytes.max(1))
            / u128::from(DAY_MILLISECONDS);
        Some(match days {
            0 => "less than a day until the oldest records are dropped".to_owned(),
            days if days > 365 => "more than a year".to_owned(),
            days => format!("about {days} days until the oldest records are dropped"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_told_with_its_budget_and_what_comes_of_it() {
        let link = Link {
            write_budget_bytes: 500_000_000,
            ..Link::default()
        };
        assert_eq!(
            link.wear(35_200_000),
            "36 MB a day are written of 500; a card that bears 3 TB lasts more than 20 years"
        );
        assert_eq!(
            link.wear(900_000_000),
            "900 MB a day are written of 500: TOO MUCH; a card that bears 3 TB lasts about 9 years"
        );
    }
}
