//! How fast one sensor may send: a bucket of tokens each, so that one board in a loop does not starve the others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::limits::{RATED_SENSORS, SENSOR_BATCHES_PER_SECOND, SENSOR_BURST_BATCHES};
use crate::store::SensorKey;

/// Rates of all sensors.
#[derive(Debug, Default)]
pub(super) struct Admission {
    buckets: Mutex<HashMap<SensorKey, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Admission {
    /// Takes a token; false when the sensor has none left.
    pub(super) fn admit(&self, sensor: SensorKey, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= RATED_SENSORS && !buckets.contains_key(&sensor) {
            // A full bucket is the same as none.
            buckets.retain(|_, bucket| bucket.refilled(now) < f64::from(SENSOR_BURST_BATCHES));
        }
        let bucket = buckets.entry(sensor).or_insert(Bucket {
            tokens: f64::from(SENSOR_BURST_BATCHES),
            filled: now,
        });
        bucket.tokens = bucket.refilled(now);
        bucket.filled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            true
        } else {
            false
        }
    }
}

impl Bucket {
    fn refilled(&self, now: Instant) -> f64 {
        let earned = now.saturating_duration_since(self.filled).as_secs_f64()
            * f64::from(SENSOR_BATCHES_PER_SECOND);
        (self.tokens + earned).min(f64::from(SENSOR_BURST_BATCHES))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::SensorKey;

    #[test]
    fn a_burst_is_let_in_and_a_flood_is_not() {
        let (admission, start) = (Admission::default(), Instant::now());
        let [first, second] = SensorKey::for_tests();
        for _ in 0..SENSOR_BURST_BATCHES {
            assert!(admission.admit(first, start));
        }
        assert!(!admission.admit(first, start));
        assert!(
            admission.admit(second, start),
            "another sensor is not touched"
        );
        assert!(admission.admit(first, start + Duration::from_secs(1)));
    }
}
