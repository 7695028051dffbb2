//! Who else saw this: an address or a host name, over all sensors, from the table of sightings.

use std::net::IpAddr;

use jiff::Timestamp;
use rusqlite::params;

use super::super::insert_record::address_bytes;
use super::super::time::from_milliseconds;
use super::super::{Store, StoreError};
use crate::limits::SIGHTING_ROWS;
use crate::query::Scope;

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SightingKind {
    Address,
    /// Under a provider's own key: the same one elsewhere is someone else.
    Pseudonym,
    Host,
}

/// How much of something one sensor saw, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub sensor: String,
    /// Title of the tenant where it stands.
    pub tenant: Option<String>,
    pub findings: u64,
    pub hits: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

impl Sighting {
    /// Of the columns: sensor, tenant, findings, hits, first, last.
    pub(in crate::store) fn of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sensor: row.get(0)?,
            tenant: row.get(1)?,
            findings: row.get(2)?,
            hits: row.get(3)?,
            first: from_milliseconds(row.get(4)?),
            last: from_milliseconds(row.get(5)?),
        })
    }
}

impl SightingKind {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Address => 0,
            Self::Pseudonym => 1,
            Self::Host => 2,
        }
    }
}

/// A host name as the key of its sightings: lower case, without a port, backwards, so that a domain and all names under
/// it lie side by side. None when nothing is left.
pub(super) fn host_key(host: &str) -> Option<Vec<u8>> {
    let host = host.trim().trim_end_matches('.');
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let key: Vec<u8> = host.to_ascii_lowercase().bytes().rev().collect();
    (!key.is_empty() && key.len() <= 253).then_some(key)
}

impl Store {
    /// The sensors within a scope that saw an address, the most findings first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn who_saw_address(
        &self,
        scope: Scope,
        address: IpAddr,
    ) -> Result<Vec<Sighting>, StoreError> {
        self.sightings(scope, SightingKind::Address, &address_bytes(address))
    }

    /// The sensors within a scope that saw a host name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn who_saw_host(&self, scope: Scope, host: &str) -> Result<Vec<Sighting>, StoreError> {
        match host_key(host) {
            Some(key) => self.sightings(scope, SightingKind::Host, &key),
            None => Ok(Vec::new()),
        }
    }

    fn sightings(
        &self,
        scope: Scope,
        kind: SightingKind,
        value: &[u8],
    ) -> Result<Vec<Sighting>, StoreError> {
        let sql = format!(
            "SELECT sensor.name, tenant.title, sum(findings), sum(hits), min(first_ms), max(last_ms)
             FROM sighting JOIN sensor ON sensor.key = sighting.sensor_key
             LEFT JOIN tenant ON tenant.key = sensor.tenant_key
             WHERE sighting.kind = ?1 AND sighting.value = ?2 AND {}
             GROUP BY sensor.key ORDER BY 3 DESC, sensor.name LIMIT {SIGHTING_ROWS}",
            scope.sensor_condition("sighting.sensor_key")
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows = statement.query_map(params![kind.code(), value], Sighting::of_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::host_key;

    #[test]
    fn names_under_a_domain_lie_side_by_side() {
        assert_eq!(host_key("Bad.Example."), Some(b"elpmaxe.dab".to_vec()));
        assert_eq!(host_key("bad.example:8080"), host_key("bad.example"));
        assert_eq!(host_key(" . "), None);
    }
}
