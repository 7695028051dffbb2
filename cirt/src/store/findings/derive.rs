//! What the loader adds up while it stores the findings of a batch, written once at the batch's end.

use std::collections::BTreeMap;

use super::super::database::{Transaction, params};
use lapwing_wire::{DisclosedAddress, Finding, RecordBody};

use super::super::insert_record::address_bytes;
use super::super::suppressions::Suppressed;
use super::super::time::from_sensor;
use super::super::{StoreError, groups};
use super::{DAY_MS, HOUR_MS};

/// Sums of one batch.
#[derive(Debug)]
pub(crate) struct Derived {
    sensor: i64,
    critical: Vec<(Vec<u8>, Vec<u8>)>,
    days: BTreeMap<(i64, u32, u32, u32, u8), Sum>,
    hours: BTreeMap<(i64, u8), u64>,
    groups: BTreeMap<(u32, u32), groups::Tally>,
    findings: i64,
    other_records: i64,
    findings_made: u64,
    suppressed: u64,
    /// What staff keep out of the groups.
    kept_out: Suppressed,
}

/// Findings, alerts, and from when to when.
#[derive(Clone, Copy, Debug)]
struct Sum {
    findings: i64,
    hits: i64,
    first: i64,
    last: i64,
}

impl Sum {
    fn add(into: &mut Option<Self>, hits: i64, first: i64, last: i64) {
        let sum = into.get_or_insert(Self {
            findings: 0,
            hits: 0,
            first,
            last,
        });
        sum.findings += 1;
        sum.hits = sum.hits.saturating_add(hits);
        sum.first = sum.first.min(first);
        sum.last = sum.last.max(last);
    }
}

/// Adds to an entry of a map of sums.
fn add<K: Ord>(map: &mut BTreeMap<K, Sum>, key: K, hits: i64, first: i64, last: i64) {
    let mut sum = map.get(&key).copied();
    Sum::add(&mut sum, hits, first, last);
    if let Some(sum) = sum {
        map.insert(key, sum);
    }
}

impl Derived {
    /// Sums for the findings that one sensor handed in at a time.
    pub(crate) fn new(
        transaction: &Transaction<'_>,
        sensor: i64,
        received_ms: i64,
    ) -> Result<Self, StoreError> {
        let mut statement =
            transaction.prepare("SELECT first, last FROM network WHERE kind = 'critical'")?;
        let critical = statement
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(Self {
            sensor,
            critical,
            days: BTreeMap::new(),
            hours: BTreeMap::new(),
            groups: BTreeMap::new(),
            findings: 0,
            other_records: 0,
            findings_made: 0,
            suppressed: 0,
            kept_out: Suppressed::new(transaction, sensor, received_ms)?,
        })
    }

    /// Counts a record that was just stored.
    pub(crate) fn add(&mut self, record: &RecordBody) {
        match record {
            RecordBody::Finding(finding) => self.add_finding(finding),
            other => {
                self.other_records += 1;
                if let RecordBody::Summary(summary) = other {
                    let made = summary.findings_by_severity.iter();
                    self.findings_made =
                        made.fold(self.findings_made, |sum, count| sum.saturating_add(*count));
                    self.suppressed = self.suppressed.saturating_add(summary.findings_suppressed);
                }
            }
        }
    }

    fn add_finding(&mut self, finding: &Finding) {
        self.findings += 1;
        let (first, last) = (
            from_sensor(finding.first_milliseconds),
            from_sensor(finding.last_milliseconds),
        );
        let hits = i64::try_from(finding.count).unwrap_or(i64::MAX);
        let severity = finding.severity.get();
        let rule = finding.rule;
        let day = last.div_euclid(DAY_MS);
        add(
            &mut self.days,
            (day, rule.gid, rule.sid, rule.rev, severity),
            hits,
            first,
            last,
        );
        *self
            .hours
            .entry((last.div_euclid(HOUR_MS), severity))
            .or_default() += 1;
        if self.kept_out.takes(finding) {
            return;
        }
        let mut is_critical = false;
        for end in [finding.source.address, finding.destination.address] {
            if let DisclosedAddress::Clear(address) = end {
                is_critical |= self.is_critical(&address_bytes(address));
            }
        }
        let is_from_inside = !matches!(finding.source.address, DisclosedAddress::Clear(_));
        self.groups
            .entry((rule.gid, rule.sid))
            .or_insert_with(|| groups::Tally::starting(severity, first, last))
            .add(severity, hits, first, last, is_from_inside, is_critical);
    }

    fn is_critical(&self, address: &[u8]) -> bool {
        self.critical
            .iter()
            .any(|(first, last)| first.as_slice() <= address && address <= last.as_slice())
    }

    /// Writes all sums down.
    pub(crate) fn store(self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let mut statement = transaction.prepare(
            "INSERT INTO day_total (day, sensor_key, gid, sid, rev, severity, findings, hits, last_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (day, sensor_key, gid, sid, rev, severity) DO UPDATE SET
                findings = day_total.findings + excluded.findings,
                hits = min(day_total.hits, 9223372036854775807 - excluded.hits) + excluded.hits,
                last_ms = max(day_total.last_ms, excluded.last_ms)",
        )?;
        for ((day, gid, sid, rev, severity), sum) in &self.days {
            statement.execute(params![
                day,
                self.sensor,
                gid,
                sid,
                rev,
                severity,
                sum.findings,
                sum.hits,
                sum.last
            ])?;
        }
        let mut statement = transaction.prepare(
            "INSERT INTO hour_total (hour, sensor_key, severity, findings) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (hour, sensor_key, severity) DO UPDATE SET findings = hour_total.findings + excluded.findings",
        )?;
        for ((hour, severity), findings) in &self.hours {
            statement.execute(params![hour, self.sensor, severity, findings])?;
        }
        let most = |count: u64| {
            i64::try_from(count)
                .unwrap_or(i64::MAX / 2)
                .min(i64::MAX / 2)
        };
        transaction
            .prepare(
                "INSERT INTO sensor_total (sensor_key, findings, other_records, findings_made, suppressed)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (sensor_key) DO UPDATE SET findings = sensor_total.findings + excluded.findings,
                    other_records = sensor_total.other_records + excluded.other_records,
                    findings_made = min(sensor_total.findings_made, 9223372036854775807 - excluded.findings_made)
                        + excluded.findings_made,
                    suppressed = min(sensor_total.suppressed, 9223372036854775807 - excluded.suppressed) + excluded.suppressed",
            )?
            .execute(params![
                self.sensor,
                self.findings,
                self.other_records,
                most(self.findings_made),
                most(self.suppressed)
            ])?;
        self.kept_out.store(transaction)?;
        for ((gid, sid), tally) in &self.groups {
            groups::count(transaction, self.sensor, *gid, *sid, tally)?;
        }
        Ok(())
    }
}
