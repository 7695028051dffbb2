//! Weekly and monthly reports, national or of one tenant. Every number comes from the same reads as the pages.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::query::{FindingFilter, FindingQuery, Scope};
use crate::store::{Activity, Coverage, FleetMember, Group, Store, StoreError, WorkTimes};

/// How long a report looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Seven days.
    Weekly,
    /// A calendar month.
    Monthly,
}

/// Whole UTC days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First day.
    pub first: Date,
    /// Day after the last.
    pub end: Date,
}

/// A report's numbers.
#[derive(Clone, Debug)]
pub struct Report {
    pub stretch: Stretch,
    pub activity: Activity,
    /// Findings of the stretch of the same length before.
    pub findings_before: u64,
    pub coverage: Coverage,
    pub work: WorkTimes,
    pub fleet: Vec<FleetMember>,
    /// The groups that were seen in the stretch, gravest first.
    pub groups: Vec<Group>,
}

impl Stretch {
    /// The newest whole stretch that ends before a day, or the one that a day lies in when it is a month's.
    ///
    /// # Errors
    /// When the calendar ends.
    pub fn ending(period: Period, end: Date) -> Result<Self, jiff::Error> {
        match period {
            Period::Weekly => Ok(Self {
                first: end.checked_sub(7.days())?,
                end,
            }),
            Period::Monthly => {
                let end = end.first_of_month();
                Ok(Self {
                    first: end.checked_sub(1.month())?,
                    end,
                })
            }
        }
    }

    /// The stretch of as many days before this one.
    fn before(self) -> Self {
        let days = self.end.since(self.first).map_or(7, |span| span.get_days());
        Self {
            first: self.first.saturating_sub(i64::from(days).days()),
            end: self.first,
        }
    }

    /// First and end as times.
    #[must_use]
    pub fn times(self) -> (Timestamp, Timestamp) {
        let start = |day: Date| {
            TimeZone::UTC
                .to_timestamp(day.at(0, 0, 0, 0))
                .unwrap_or_default()
        };
        (start(self.first), start(self.end))
    }
}

fn query(scope: Scope, stretch: Stretch) -> FindingQuery {
    let (since, until) = stretch.times();
    FindingQuery::new(
        scope,
        FindingFilter {
            since: Some(since),
            until: Some(until),
            ..FindingFilter::default()
        },
    )
}

impl Report {
    /// Sums up a stretch of time within a scope.
    ///
    /// # Errors
    /// When the database fails.
    pub fn build(
        store: &Store,
        scope: Scope,
        stretch: Stretch,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let (since, until) = stretch.times();
        let mut groups = store.groups(scope, false, now)?;
        groups.extend(store.groups(scope, true, now)?);
        groups.retain(|group| group.last >= since && group.first < until);
        groups.sort_by_key(|group| (group.rank.tier, group.rank.order));
        Ok(Self {
            stretch,
            activity: store.activity(&query(scope, stretch))?,
            findings_before: store.count_findings(&query(scope, stretch.before()))?,
            coverage: store.coverage(scope, since, until)?,
            work: store.work_times(scope, since, until)?,
            fleet: store.fleet(scope, None, now)?,
            groups,
        })
    }

    /// Change against the stretch before in per cent; none when there was nothing.
    #[must_use]
    pub fn trend_percent(&self) -> Option<i64> {
        let (now, before) = (
            i128::from(self.activity.findings),
            i128::from(self.findings_before),
        );
        (before > 0).then(|| i64::try_from((now - before) * 100 / before).unwrap_or(i64::MAX))
    }
}

/// The middle of an ascending list.
#[must_use]
pub fn median(times: &[SignedDuration]) -> Option<SignedDuration> {
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn stretches_are_whole() {
        let week = Stretch::ending(Period::Weekly, date(2026, 5, 11)).unwrap();
        assert_eq!(
            (week.first, week.end),
            (date(2026, 5, 4), date(2026, 5, 11))
        );
        assert_eq!(week.before().first, date(2026, 4, 27));
        let month = Stretch::ending(Period::Monthly, date(2026, 3, 20)).unwrap();
        assert_eq!(
            (month.first, month.end),
            (date(2026, 2, 1), date(2026, 3, 1))
        );
        assert_eq!(month.times().0.to_string(), "2026-02-01T00:00:00Z");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let times = [1, 5, 9].map(SignedDuration::from_secs);
        assert_eq!(median(&times), Some(SignedDuration::from_secs(5)));
        assert_eq!(median(&[]), None);
    }
}
