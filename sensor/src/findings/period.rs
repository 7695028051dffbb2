//! One hour of packet time, and the summary of it: what was seen, told, held back and lost.

use std::collections::BTreeSet;

use ahash::RandomState;
use hashbrown::HashMap;
use lapwing_wire::{
    Counter, DisclosedAddress, Endpoint, Finding, Queue, Severity, Summary, TopEntry,
    TopList as WireTopList,
};

use super::{
    limits::{SUMMARY_SECONDS, TOP_LIST_TOLD, TOP_LIST_VALUES_MAX, WORKER_LAG_SECONDS},
    observation::Observation,
    recorder::RulesNow,
    release::{Suppressed, Withheld},
};
use crate::{
    policy::{RefusalReason, TopList, pseudonyms},
    time::Timestamp,
};

/// Numbers of rules that a summary tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Rules that run.
    pub loaded: u64,
    /// Rules of the pack that this program cannot run.
    pub unsupported: u64,
}

/// What is counted from one summary to the next.
#[derive(Debug, Default)]
pub(super) struct Period {
    /// Packet times, first and last.
    seen: Option<(Timestamp, Timestamp)>,
    /// The engine's totals when the period began.
    baseline: Observation,
    alerts: u64,
    findings_by_severity: [u64; Severity::CLASSES],
    suppressed_no_policy: u64,
    suppressed_findings_closed: u64,
    suppressed_severity: u64,
    suppressed_out_of_scope: u64,
    withheld: Withheld,
    closed_early: u64,
    records_lost: u64,
    top_rules: TopCounts,
    top_sources: TopCounts,
    top_destinations: TopCounts,
}

impl Period {
    /// Takes note of packet time. True when the period was over before it: close it first.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.seen.is_some_and(|(first, _)| {
            // One of several workers may be a little behind the one that began the period.
            let is_behind = now < first && first.seconds() - now.seconds() <= WORKER_LAG_SECONDS;
            !is_behind && first.seconds() / SUMMARY_SECONDS != now.seconds() / SUMMARY_SECONDS
        })
    }

    /// Packet time has come to `now`.
    pub(super) fn reach(&mut self, now: Timestamp) {
        let (first, last) = self.seen.unwrap_or((now, now));
        self.seen = Some((first.min(now), last.max(now)));
    }

    /// Counts an alert.
    pub(super) fn count_alert(&mut self) {
        self.alerts = self.alerts.saturating_add(1);
    }

    /// Counts findings that a full table closed early.
    pub(super) fn count_closed_early(&mut self, findings: u64) {
        self.closed_early = self.closed_early.saturating_add(findings);
    }

    /// Counts a record that could not be appended.
    pub(super) fn count_lost(&mut self) {
        self.records_lost = self.records_lost.saturating_add(1);
    }

    /// Forgets the values of top lists; counts stay.
    pub(super) fn forget_top_lists(&mut self) {
        for list in [
            &mut self.top_rules,
            &mut self.top_sources,
            &mut self.top_destinations,
        ] {
            *list = TopCounts::default();
        }
    }

    /// What releases write into.
    pub(super) fn withheld(&mut self) -> &mut Withheld {
        &mut self.withheld
    }

    /// Counts a finding that left. Top lists are made of findings as released, so they follow the policy.
    pub(super) fn count_released(&mut self, finding: &Finding) {
        self.count_made(finding.severity);
        self.top_rules.count(finding.rule.to_string());
        self.top_sources.count_address(&finding.source);
        self.top_destinations.count_address(&finding.destination);
    }

    /// Counts a finding that did not leave.
    pub(super) fn count_suppressed(&mut self, severity: Severity, why: Suppressed) {
        self.count_made(severity);
        let counter = match why {
            Suppressed::NoPolicy => &mut self.suppressed_no_policy,
            Suppressed::FindingsClosed => &mut self.suppressed_findings_closed,
            Suppressed::Severity => &mut self.suppressed_severity,
            Suppressed::OutOfScope => &mut self.suppressed_out_of_scope,
        };
        *counter = counter.saturating_add(1);
    }

    /// Ends the period and begins the next; `None` when no packet time was reached.
    pub(super) fn close(
        &mut self,
        total: &Observation,
        rules: &RulesNow,
        queue: Queue,
        top_lists: &BTreeSet<TopList>,
    ) -> Option<Summary> {
        let baseline = total.clone();
        let ended = std::mem::replace(
            self,
            Self {
                baseline,
                ..Self::default()
            },
        );
        let (first, last) = ended.seen?;
        let seen = total.since(&ended.baseline);
        let lists = [
            (TopList::Rules, ended.top_rules),
            (TopList::Sources, ended.top_sources),
            (TopList::Destinations, ended.top_destinations),
        ];
        let findings_suppressed = [
            ended.suppressed_no_policy,
            ended.suppressed_findings_closed,
            ended.suppressed_severity,
            ended.suppressed_out_of_scope,
        ];
        let counts = [
            ("findings_suppressed_no_policy", ended.suppressed_no_policy),
            (
                "findings_suppressed_closed",
                ended.suppressed_findings_closed,
            ),
            ("findings_suppressed_severity", ended.suppressed_severity),
            (
                "findings_suppressed_out_of_scope",
                ended.suppressed_out_of_scope,
            ),
            ("findings_closed_early", ended.closed_early),
            ("records_lost", ended.records_lost),
            ("addresses_withheld", ended.withheld.addresses),
            (
                "addresses_as_pseudonyms",
                ended.withheld.addresses_as_pseudonyms,
            ),
            ("facts_not_allowed", ended.withheld.facts_not_allowed),
            ("facts_naming_address", ended.withheld.facts_naming_address),
            (
                "facts_with_pseudonyms",
                ended.withheld.facts_with_pseudonyms,
            ),
            ("facts_left_out", ended.withheld.facts_left_out),
            (
                "top_values_left_out",
                lists.iter().map(|(_, counts)| counts.left_out).sum(),
            ),
        ];
        let refused = RefusalReason::ALL.map(|reason| {
            let count = rules.admission.counts.get(&reason);
            (reason.name(), count.copied().unwrap_or_default())
        });
        let counts = counts
            .into_iter()
            .chain(refused)
            .map(|(name, value)| (name.to_owned(), value));
        let counters = counts.filter(|(_, value)| *value > 0).chain(seen.counters);
        Some(Summary {
            start_milliseconds: first.0 / 1_000_000,
            end_milliseconds: last.0 / 1_000_000,
            packets: seen.packets,
            bytes: seen.bytes,
            decoded_packets: seen.decoded_packets,
            kernel_drops: seen.kernel_drops,
            interface_drops: seen.interface_drops,
            bytes_not_inspected: seen.bytes_not_inspected,
            flows: seen.flows,
            rules_loaded: rules.counts.loaded,
            rules_unsupported: rules.counts.unsupported,
            rules_suppressed: rules.admission.refused(),
            alerts: ended.alerts,
            findings_by_severity: ended.findings_by_severity,
            findings_suppressed: findings_suppressed.into_iter().sum(),
            queue,
            counters: counters
                .map(|(name, value)| Counter { name, value })
                .collect(),
            top_lists: lists
                .into_iter()
                .filter(|(list, counts)| top_lists.contains(list) && !counts.values.is_empty())
                .map(|(list, counts)| WireTopList {
                    subject: list.subject(),
                    entries: counts.most_frequent(),
                })
                .collect(),
        })
    }

    fn count_made(&mut self, severity: Severity) {
        if let Some(count) = self.findings_by_severity.get_mut(severity.class()) {
            *count = count.saturating_add(1);
        }
    }
}

/// Counts of values, bounded: what an attacker makes up must not fill memory.
#[derive(Debug, Default)]
struct TopCounts {
    values: HashMap<String, u64, RandomState>,
    left_out: u64,
}

impl TopCounts {
    fn count(&mut self, value: String) {
        if let Some(count) = self.values.get_mut(&value) {
            *count = count.saturating_add(1);
        } else if self.values.len() < TOP_LIST_VALUES_MAX {
            self.values.insert(value, 1);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    fn count_address(&mut self, endpoint: &Endpoint) {
        match endpoint.address {
            DisclosedAddress::Clear(address) => self.count(address.to_string()),
            DisclosedAddress::Pseudonym { address, key_epoch } => {
                self.count(pseudonyms::written(address, key_epoch));
            }
            DisclosedAddress::Withheld => {}
        }
    }

    fn most_frequent(self) -> Vec<TopEntry> {
        let mut entries = self.values.into_iter().collect::<Vec<_>>();
        entries.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
        entries.truncate(TOP_LIST_TOLD);
        let entry = |(value, count)| TopEntry { value, count };
        entries.into_iter().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * Timestamp::NANOSECONDS_PER_SECOND)
    }

    #[test]
    fn a_period_is_an_hour_of_the_clock() {
        let mut period = Period::default();
        assert!(!period.is_over(at(5000)));
        period.reach(at(3599));
        assert!(!period.is_over(at(3500)));
        assert!(period.is_over(at(3600)));
        // A new period is not ended by a worker that is a second behind, but by a clock that is set back.
        let mut next = Period::default();
        next.reach(at(3601));
        assert!(!next.is_over(at(3599)));
        assert!(next.is_over(at(3000)));
    }

    #[test]
    fn a_summary_counts_its_own_period_only() {
        let mut period = Period::default();
        let rules = RulesNow {
            counts: RuleCounts {
                loaded: 7,
                unsupported: 2,
            },
            pack: lapwing_wire::PackDigest([0; 32]),
            admission: std::sync::Arc::default(),
        };
        let everything = TopList::ALL.iter().copied().collect();
        let mut total = Observation {
            packets: 10,
            ..Observation::default()
        };
        total.counters.insert("stream_gaps".to_owned(), 3);
        assert_eq!(
            period.close(&total, &rules, Queue::default(), &everything),
            None
        );
        total.packets = 25;
        period.reach(at(7200));
        period.reach(at(7260));
        period.count_alert();
        period.count_suppressed(Severity::from_priority(2), Suppressed::Severity);
        let summary = period
            .close(&total, &rules, Queue::default(), &everything)
            .unwrap();
        assert_eq!(
            (summary.packets, summary.alerts, summary.findings_suppressed),
            (15, 1, 1)
        );
        assert_eq!(summary.findings_by_severity, [0, 1, 0, 0]);
        assert_eq!(
            (summary.start_milliseconds, summary.end_milliseconds),
            (7_200_000, 7_260_000)
        );
        // The gaps were before; the suppressed finding is told with its reason.
        let names = summary
            .counters
            .iter()
            .map(|counter| counter.name.as_str())
            .collect::<Vec<_>>();
        assert_eq!(names, ["findings_suppressed_severity"]);
    }

    #[test]
    fn top_lists_are_bounded_and_sorted() {
        let mut counts = TopCounts::default();
        for number in 0..TOP_LIST_VALUES_MAX + 5 {
            counts.count(format!("{number:05}"));
        }
        counts.count("00007".to_owned());
        assert_eq!(counts.left_out, 5);
        let told = counts.most_frequent();
        assert_eq!(told.len(), TOP_LIST_TOLD);
        assert_eq!(
            told.first()
                .map(|entry| (entry.value.as_str(), entry.count)),
            Some(("00007", 2))
        );
        assert_eq!(told.get(1).map(|entry| entry.value.as_str()), Some("00000"));
    }
}
