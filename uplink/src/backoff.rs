//! How long to wait before the next attempt: full jitter, so that a nation's sensors do not
//! all come back in the same second after the centre was down.

use std::time::Duration;

use rand::RngExt;

const FIRST_CEILING: Duration = Duration::from_secs(1);

/// The ceiling doubles with each failure; the wait is anything below it.
#[derive(Debug)]
pub(crate) struct Backoff {
    most: Duration,
    ceiling: Duration,
}

impl Backoff {
    pub(crate) fn new(most: Duration) -> Self {
        Self {
            most,
            ceiling: FIRST_CEILING.min(most),
        }
    }

    /// How long to wait after one more failure.
    pub(crate) fn next_wait(&mut self, rng: &mut impl rand::Rng) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = ceiling.saturating_mul(2).min(self.most);
        ceiling.mul_f64(rng.random_range(0.0..1.0))
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.ceiling = FIRST_CEILING.min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_below_a_ceiling_that_doubles_up_to_the_most() {
        let mut rng = rand::rng();
        let most = Duration::from_secs(30);
        let mut backoff = Backoff::new(most);
        for exponent in 0..10u32 {
            let ceiling = Duration::from_secs(1u64 << exponent).min(most);
            assert_eq!(backoff.ceiling, ceiling);
            assert!(backoff.next_wait(&mut rng) < ceiling);
        }
        let waits: Vec<_> = (0..50).map(|_| backoff.next_wait(&mut rng)).collect();
        assert!(
            waits.iter().any(|wait| *wait < most / 2) && waits.iter().any(|wait| *wait > most / 2)
        );
        backoff.reset();
        assert!(backoff.next_wait(&mut rng) < FIRST_CEILING);
    }
}
