//! What the loader leaves out of the groups, and the counts of it.

use std::collections::BTreeMap;

use lapwing_wire::{DisclosedAddress, Finding};

use super::super::StoreError;
use super::super::database::{Transaction, params};
use super::super::findings::DAY_MS;
use super::super::insert_record::address_bytes;

/// The suppressions that hold for one batch, and what they took of it.
#[derive(Debug)]
pub(in crate::store) struct Suppressed {
    sensor: i64,
    /// Of the receipt.
    day: i64,
    by_rule: BTreeMap<(u32, u32), Vec<Hold>>,
    of_any_rule: Vec<Hold>,
    /// Findings and alerts, by suppression and rule.
    taken: BTreeMap<(i64, u32, u32), (i64, i64)>,
}

#[derive(Debug)]
struct Hold {
    key: i64,
    /// First and last address; none is any.
    network: Option<(Vec<u8>, Vec<u8>)>,
}

impl Hold {
    fn covers(&self, ends: &[[u8; 16]]) -> bool {
        self.network.as_ref().is_none_or(|(first, last)| {
            ends.iter()
                .any(|end| first.as_slice() <= end.as_slice() && end.as_slice() <= last.as_slice())
        })
    }
}

impl Suppressed {
    /// Those that hold for what a sensor handed in at a time.
    pub(in crate::store) fn new(
        transaction: &Transaction<'_>,
        sensor: i64,
        received_ms: i64,
    ) -> Result<Self, StoreError> {
        let mut suppressed = Self {
            sensor,
            day: received_ms.div_euclid(DAY_MS),
            by_rule: BTreeMap::new(),
            of_any_rule: Vec::new(),
            taken: BTreeMap::new(),
        };
        let mut statement = transaction.prepare(
            "SELECT key, gid, sid, first, last FROM suppression
             WHERE created_ms <= ?1 AND coalesce(ended_ms, expires_ms) > ?1
               AND (sensor_key IS NULL OR sensor_key = ?2)
               AND (tenant_key IS NULL OR tenant_key = (SELECT sensor.tenant_key FROM sensor WHERE sensor.key = ?2))
             ORDER BY key",
        )?;
        let mut rows = statement.query(params![received_ms, sensor])?;
        while let Some(row) = rows.next()? {
            let rule = row.get::<Option<u32>>(1)?.zip(row.get::<Option<u32>>(2)?);
            let network = row.get::<Option<Vec<u8>>>(3)?.zip(row.get(4)?);
            let hold = Hold {
                key: row.get(0)?,
                network,
            };
            match rule {
                Some(rule) => suppressed.by_rule.entry(rule).or_default().push(hold),
                None => suppressed.of_any_rule.push(hold),
            }
        }
        Ok(suppressed)
    }

    /// Whether a finding is left out; it is then counted with the oldest suppression that covers it.
    pub(in crate::store) fn takes(&mut self, finding: &Finding) -> bool {
        let rule = (finding.rule.gid, finding.rule.sid);
        let of_rule = self.by_rule.get(&rule).map_or(&[][..], Vec::as_slice);
        if of_rule.is_empty() && self.of_any_rule.is_empty() {
            return false;
        }
        let ends: Vec<[u8; 16]> = [finding.source.address, finding.destination.address]
            .into_iter()
            .filter_map(|address| match address {
                DisclosedAddress::Clear(address) => Some(address_bytes(address)),
                _ => None,
            })
            .collect();
        let oldest = of_rule
            .iter()
            .chain(&self.of_any_rule)
            .filter(|hold| hold.covers(&ends))
            .map(|hold| hold.key)
            .min();
        let Some(key) = oldest else {
            return false;
        };
        let (findings, hits) = self.taken.entry((key, rule.0, rule.1)).or_default();
        *findings += 1;
        *hits = hits.saturating_add(i64::try_from(finding.count).unwrap_or(i64::MAX));
        true
    }

    /// Writes the counts down.
    pub(in crate::store) fn store(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        for ((key, gid, sid), (findings, hits)) in &self.taken {
            transaction
                .prepare(
                    "INSERT INTO suppressed_total (suppression_key, day, sensor_key, gid, sid, findings, hits)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (suppression_key, day, sensor_key, gid, sid) DO UPDATE SET
                        findings = suppressed_total.findings + excluded.findings,
                        hits = min(suppressed_total.hits, 9223372036854775807 - excluded.hits) + excluded.hits",
                )?
                .execute(params![key, self.day, self.sensor, gid, sid, findings, hits])?;
        }
        Ok(())
    }
}
