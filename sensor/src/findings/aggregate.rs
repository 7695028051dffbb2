//! Alerts become findings: the same rule between the same ends within a window of packet time.
//!
//! A window opens with an alert and closes after a fixed time, so a steady stream gives one finding a window. Grave
//! rules are told with their first alert; what follows in the same window is a second finding. The table is bounded:
//! where it is full, the finding that opened first is closed early. Whatever happens, the counts of all findings add up
//! to the alerts taken in.

use std::{collections::VecDeque, net::IpAddr};

use ahash::RandomState;
use hashbrown::HashMap;
use lapwing_rules::model::{RuleId, Severity};

use super::candidate::Candidate;
use crate::{detect::Alert, time::Timestamp};

/// How alerts are gathered.
#[derive(Clone, Copy, Debug)]
pub struct Gathering {
    /// Length of a window in nanoseconds of packet time.
    pub window_nanoseconds: u64,
    /// Findings that may be open at the same time.
    pub open_findings_max: usize,
    /// Rules of this severity and graver are told with their first alert.
    pub urgent: Severity,
}

/// Findings that are still open.
#[derive(Debug)]
pub struct Aggregator {
    gathering: Gathering,
    /// The hash is keyed: addresses and ports are what an attacker chooses.
    open: HashMap<Key, Window, RandomState>,
    /// Keys of `open`, each once, in the order their windows opened.
    order: VecDeque<Key>,
    closed_early: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    rule: RuleId,
    source: IpAddr,
    destination: IpAddr,
    destination_port: u16,
    protocol: u8,
}

#[derive(Debug)]
struct Window {
    opened: Timestamp,
    /// What was not told yet.
    candidate: Option<Candidate>,
}

impl Window {
    /// Also over when packet time went back by more than a window, as a clock that is set does.
    fn is_over(&self, now: Timestamp, window_nanoseconds: u64) -> bool {
        now.0.abs_diff(self.opened.0) >= window_nanoseconds
    }
}

impl Aggregator {
    /// An empty table.
    #[must_use]
    pub fn new(gathering: Gathering) -> Self {
        Self {
            gathering,
            open: HashMap::default(),
            order: VecDeque::new(),
            closed_early: 0,
        }
    }

    /// Takes in an alert. Findings that are complete by then are appended to `complete`.
    pub fn add(&mut self, alert: &Alert, complete: &mut Vec<Candidate>) {
        self.advance(alert.time, complete);
        let key = Key::of(alert);
        let is_urgent = alert.severity <= self.gathering.urgent;
        if let Some(window) = self.open.get_mut(&key) {
            // Only out of order can a window be over here: advance() closes them in the order they opened.
            let is_over = window.is_over(alert.time, self.gathering.window_nanoseconds);
            if is_over {
                complete.extend(window.candidate.take());
                window.opened = alert.time;
            }
            match &mut window.candidate {
                Some(candidate) => candidate.absorb(alert),
                None if is_over && is_urgent => complete.push(Candidate::new(alert)),
                None => window.candidate = Some(Candidate::new(alert)),
            }
            return;
        }
        if self.open.len() >= self.gathering.open_findings_max {
            self.closed_early = self.closed_early.saturating_add(1);
            self.close_oldest(complete);
        }
        let candidate = Candidate::new(alert);
        let candidate = if is_urgent {
            complete.push(candidate);
            None
        } else {
            Some(candidate)
        };
        let opened = alert.time;
        self.open.insert(key, Window { opened, candidate });
        self.order.push_back(key);
    }

    /// Closes the windows that are over at `now`.
    pub fn advance(&mut self, now: Timestamp, complete: &mut Vec<Candidate>) {
        while let Some(window) = self.order.front().and_then(|key| self.open.get(key)) {
            if !window.is_over(now, self.gathering.window_nanoseconds) {
                break;
            }
            self.close_oldest(complete);
        }
    }

    /// Closes all windows.
    pub fn close_all(&mut self, complete: &mut Vec<Candidate>) {
        while !self.order.is_empty() {
            self.close_oldest(complete);
        }
    }

    /// Findings that are open.
    #[must_use]
    pub fn open_findings(&self) -> usize {
        self.open.len()
    }

    /// Findings that were closed before their window was over because the table was full, so far.
    #[must_use]
    pub fn closed_early(&self) -> u64 {
        self.closed_early
    }

    fn close_oldest(&mut self, complete: &mut Vec<Candidate>) {
        let window = self
            .order
            .pop_front()
            .and_then(|key| self.open.remove(&key));
        complete.extend(window.and_then(|window| window.candidate));
    }
}

impl Key {
    fn of(alert: &Alert) -> Self {
        Self {
            rule: alert.rule,
            source: alert.ends.source,
            destination: alert.ends.destination,
            destination_port: alert.ends.destination_port,
            protocol: alert.protocol,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::findings::test_alerts::{alert, alerts_in_order};

    const WINDOW: u64 = 60 * Timestamp::NANOSECONDS_PER_SECOND;

    fn aggregator(open_findings_max: usize, urgent: u8) -> Aggregator {
        Aggregator::new(Gathering {
            window_nanoseconds: WINDOW,
            open_findings_max,
            urgent: Severity(urgent),
        })
    }

    fn gather(mut aggregator: Aggregator, alerts: &[Alert]) -> Vec<Candidate> {
        let mut complete = Vec::new();
        for alert in alerts {
            aggregator.add(alert, &mut complete);
            assert!(aggregator.open_findings() <= aggregator.gathering.open_findings_max);
        }
        aggregator.close_all(&mut complete);
        assert_eq!(aggregator.open_findings(), 0);
        complete
    }

    /// What identifies a finding, as text so that it can be sorted.
    fn told(candidate: &Candidate) -> String {
        let Candidate {
            rule,
            ends,
            protocol,
            ..
        } = candidate;
        format!(
            "{rule:?} {} {} {} {protocol}",
            ends.source, ends.destination, ends.destination_port
        )
    }

    /// The simple model: walk each key's alerts in order, a new finding when the window is over.
    fn model(alerts: &[Alert]) -> Vec<(String, u64, Timestamp, Timestamp)> {
        let mut by_key = BTreeMap::<String, Vec<Timestamp>>::new();
        for alert in alerts {
            by_key
                .entry(told(&Candidate::new(alert)))
                .or_default()
                .push(alert.time);
        }
        let mut findings = Vec::new();
        for (key, times) in by_key {
            let mut times = times.as_slice();
            while let [first, ..] = times {
                let within = times
                    .iter()
                    .take_while(|time| time.0 - first.0 < WINDOW)
                    .count();
                let (window, rest) = times.split_at(within);
                findings.push((key.clone(), within as u64, *first, window[within - 1]));
                times = rest;
            }
        }
        findings.sort();
        findings
    }

    proptest! {
        #[test]
        fn in_order_it_is_the_model(alerts in alerts_in_order()) {
            let complete = gather(aggregator(10_000, 0), &alerts);
            let mut found = complete
                .iter()
                .map(|candidate| (told(candidate), candidate.count, candidate.first, candidate.last))
                .collect::<Vec<_>>();
            found.sort();
            prop_assert_eq!(found, model(&alerts));
        }

        #[test]
        fn counts_add_up_to_the_alerts_whatever_happens(
            alerts in proptest::collection::vec(alert(), 0..80),
            open_findings_max in 1usize..8,
            urgent in 0u8..5,
        ) {
            let complete = gather(aggregator(open_findings_max, urgent), &alerts);
            let mut sums = BTreeMap::<String, u64>::new();
            for candidate in &complete {
                prop_assert!(candidate.count > 0 && candidate.first <= candidate.last);
                *sums.entry(told(candidate)).or_default() += candidate.count;
            }
            let mut expected = BTreeMap::<String, u64>::new();
            for alert in &alerts {
                *expected.entry(told(&Candidate::new(alert))).or_default() += 1;
            }
            prop_assert_eq!(sums, expected);
        }

        #[test]
        fn an_urgent_rule_is_told_with_its_first_alert(alert in alert()) {
            let mut complete = Vec::new();
            let mut aggregator = aggregator(8, alert.severity.0);
            aggregator.add(&alert, &mut complete);
            prop_assert_eq!(complete.len(), 1);
            aggregator.add(&alert, &mut complete);
            aggregator.add(&alert, &mut complete);
            prop_assert_eq!(complete.len(), 1);
            aggregator.advance(Timestamp(alert.time.0 + WINDOW), &mut complete);
            prop_assert_eq!(complete.iter().map(|candidate| candidate.count).collect::<Vec<_>>(), [1, 2]);
        }
    }
}
