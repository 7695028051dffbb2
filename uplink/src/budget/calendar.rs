//! Days and months in UTC, and hours of the day, from seconds since 1970.

use std::str::FromStr;

const DAY_SECONDS: u64 = 86_400;

/// A moment's day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calendar {
    /// Days since 1970-01-01.
    pub(super) day: u64,
    /// Months since January of the year 0.
    pub(super) month: u64,
    day_of_month: u64,
    days_in_month: u64,
    second_of_day: u64,
}

impl Calendar {
    pub(super) fn of(seconds: u64) -> Self {
        let day = seconds / DAY_SECONDS;
        // Years that begin in March have their leap day at the end; an era is 400 of them.
        let shifted = day + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        Self {
            day,
            month: year * 12 + month - 1,
            day_of_month: day_of_year - (153 * march_month + 2) / 5 + 1,
            days_in_month: match month {
                2 => 28 + u64::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            },
            second_of_day: seconds % DAY_SECONDS,
        }
    }

    /// Days of the month that are left, this one among them.
    pub(super) const fn days_left_in_month(&self) -> u64 {
        self.days_in_month - self.day_of_month + 1
    }

    pub(super) const fn minute_of_day(&self) -> u64 {
        self.second_of_day / 60
    }
}

/// Hours of every day, UTC; they may run over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from_minute: u64,
    to_minute: u64,
}

/// Why a text is no hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not HH:MM-HH:MM in UTC, as \"22:00-05:30\"")]
pub struct QuietHoursError(String);

impl QuietHours {
    pub(super) const fn contains(self, minute: u64) -> bool {
        if self.from_minute <= self.to_minute {
            self.from_minute <= minute && minute < self.to_minute
        } else {
            self.from_minute <= minute || minute < self.to_minute
        }
    }
}

impl FromStr for QuietHours {
    type Err = QuietHoursError;

    fn from_str(text: &str) -> Result<Self, QuietHoursError> {
        let minute = |text: &str| {
            let (hours, minutes) = text.split_once(':')?;
            let number = |digits: &str, below: u64| {
                let is_number = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
                digits
                    .parse::<u64>()
                    .ok()
                    .filter(|number| is_number && *number < below)
            };
            Some(number(hours, 24)? * 60 + number(minutes, 60)?)
        };
        text.split_once('-')
            .and_then(|(from, to)| Some((minute(from.trim())?, minute(to.trim())?)))
            .filter(|(from, to)| from != to)
            .map(|(from_minute, to_minute)| Self {
                from_minute,
                to_minute,
            })
            .ok_or_else(|| QuietHoursError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_are_those_of_the_calendar() {
        let parts = |seconds| {
            let calendar = Calendar::of(seconds);
            (
                calendar.month / 12,
                calendar.month % 12 + 1,
                calendar.day_of_month,
                calendar.days_left_in_month(),
            )
        };
        assert_eq!(parts(0), (1970, 1, 1, 31));
        assert_eq!(parts(951_782_400), (2000, 2, 29, 1));
        assert_eq!(parts(951_868_800), (2000, 3, 1, 31));
        assert_eq!(parts(1_794_312_000), (2026, 11, 10, 21));
        assert_eq!(parts(1_798_761_599), (2026, 12, 31, 1));
        assert_eq!(parts(4_107_542_400), (2100, 3, 1, 31));
        // Every day of two hundred years follows the one before.
        let mut last = Calendar::of(0);
        for day in 1..73_000u64 {
            let next = Calendar::of(day * DAY_SECONDS);
            let follows = if last.days_left_in_month() == 1 {
                next.month == last.month + 1 && next.day_of_month == 1
            } else {
                next.month == last.month && next.day_of_month == last.day_of_month + 1
            };
            assert!(follows, "{last:?} {next:?}");
            last = next;
        }
    }

    #[test]
    fn hours_run_over_midnight() {
        let night: QuietHours = "22:00-05:30".parse().unwrap();
        assert!(night.contains(22 * 60) && night.contains(0) && night.contains(329));
        assert!(!night.contains(330) && !night.contains(12 * 60));
        for wrong in [
            "",
            "22-5",
            "24:00-05:00",
            "05:00-05:00",
            "1:00-02:00",
            "01:60-02:00",
        ] {
            assert!(wrong.parse::<QuietHours>().is_err(), "{wrong}");
        }
    }
}
