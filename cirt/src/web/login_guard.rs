//! Slows down whoever guesses passwords.
//!
//! Counted for (user, network) and for the network alone (an IPv6 /64 is one), so that an attacker elsewhere cannot
//! easily lock a colleague out; and, with a much higher bound, for the user from anywhere, against a guesser with many
//! addresses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{LOGIN_FAILURES, LOGIN_FAILURES_OF_A_NAME, LOGIN_PAUSE, LOGIN_TRACKED};

/// A network may fail for this many users before it is paused as a whole.
const USERS_OF_A_NETWORK: u32 = 4;

/// Failures of late.
#[derive(Debug, Default)]
pub(super) struct LoginGuard {
    failures: Mutex<HashMap<Key, Failures>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    UserFrom(String, IpAddr),
    Network(IpAddr),
    User(String),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Key {
    fn all(user: &str, address: IpAddr) -> [(Self, u32); 3] {
        let network = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        };
        let user: String = user.chars().take(64).collect();
        [
            (Self::UserFrom(user.clone(), network), LOGIN_FAILURES),
            (Self::Network(network), LOGIN_FAILURES * USERS_OF_A_NETWORK),
            (Self::User(user), LOGIN_FAILURES_OF_A_NAME),
        ]
    }
}

impl LoginGuard {
    /// How long this user must wait here, if at all.
    pub(super) fn pause(&self, user: &str, address: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        Key::all(user, address)
            .into_iter()
            .filter_map(|(key, allowed)| {
                failures
                    .get(&key)
                    .filter(|failures| failures.count >= allowed)
            })
            .filter_map(|failures| {
                LOGIN_PAUSE.checked_sub(now.saturating_duration_since(failures.last))
            })
            .max()
    }

    /// Notes a wrong password.
    pub(super) fn failed(&self, user: &str, address: IpAddr, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, failures| now.saturating_duration_since(failures.last) < LOGIN_PAUSE);
        if failures.len() >= LOGIN_TRACKED {
            let oldest = failures
                .iter()
                .min_by_key(|(_, failures)| failures.last)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                failures.remove(&oldest);
            }
        }
        for (key, _) in Key::all(user, address) {
            let entry = failures.entry(key).or_insert(Failures {
                count: 0,
                last: now,
            });
            entry.count = entry.count.saturating_add(1);
            entry.last = now;
        }
    }

    /// Notes a right password.
    pub(super) fn succeeded(&self, user: &str, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let [(user_key, _), ..] = Key::all(user, address);
        failures.remove(&user_key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_paused_here_and_not_elsewhere() {
        let (guard, start) = (LoginGuard::default(), Instant::now());
        let here: IpAddr = "2001:db8::1".parse().unwrap();
        let same_network: IpAddr = "2001:db8::2".parse().unwrap();
        let elsewhere: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..LOGIN_FAILURES {
            assert_eq!(guard.pause("root", here, start), None);
            guard.failed("root", here, start);
        }
        assert!(guard.pause("root", same_network, start).is_some());
        assert_eq!(guard.pause("root", elsewhere, start), None);
        assert_eq!(guard.pause("ana", here, start), None);
        assert_eq!(
            guard.pause("root", here, start + LOGIN_PAUSE + Duration::from_secs(1)),
            None
        );
    }

    #[test]
    fn a_name_that_is_tried_from_everywhere_is_paused_everywhere() {
        let (guard, start) = (LoginGuard::default(), Instant::now());
        for network in 0..LOGIN_FAILURES_OF_A_NAME {
            let from = IpAddr::from(Ipv6Addr::from_bits(u128::from(network) << 64));
            assert_eq!(guard.pause("root", from, start), None);
            guard.failed("root", from, start);
        }
        assert!(
            guard
                .pause("root", "192.0.2.1".parse().unwrap(), start)
                .is_some()
        );
    }

    #[test]
    fn a_network_that_tries_many_users_is_paused() {
        let (guard, start) = (LoginGuard::default(), Instant::now());
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        for user in 0..LOGIN_FAILURES * USERS_OF_A_NETWORK {
            guard.failed(&user.to_string(), here, start);
        }
        assert!(guard.pause("fresh", here, start).is_some());
    }
}
