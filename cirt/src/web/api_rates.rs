//! How fast one user, by any token or session, may use the API: a bucket of requests each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::limits::{API_BURST_REQUESTS, API_REQUESTS_PER_SECOND};

/// Rates of all users; there are never more buckets than users.
#[derive(Debug, Default)]
pub(super) struct ApiRates {
    buckets: Mutex<HashMap<i64, (f64, Instant)>>,
}

impl ApiRates {
    /// Takes a request out of a user's bucket; false when it is empty.
    pub(super) fn admit(&self, user: i64, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = f64::from(API_BURST_REQUESTS);
        let (left, filled) = buckets.entry(user).or_insert((full, now));
        let earned = now.saturating_duration_since(*filled).as_secs_f64()
            * f64::from(API_REQUESTS_PER_SECOND);
        *left = (*left + earned).min(full);
        *filled = now;
        let is_admitted = *left >= 1.0;
        if is_admitted {
            *left -= 1.0;
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let (rates, start) = (ApiRates::default(), Instant::now());
        for _ in 0..API_BURST_REQUESTS {
            assert!(rates.admit(1, start));
        }
        assert!(!rates.admit(1, start));
        assert!(rates.admit(2, start), "another user");
        assert!(rates.admit(1, start + Duration::from_millis(100)));
    }
}
