//! Who else saw this: an address or a host name, over all sensors, from the table of sightings beside the database.

use std::net::IpAddr;

use jiff::Timestamp;
use lapwing_lake::{SightingKind, Sought};

use super::super::insert_record::address_bytes;
use super::super::time::from_milliseconds;
use super::super::{Store, StoreError};
use super::question::lake_scope;
use crate::limits::{QUERY_DEADLINE, SIGHTING_ROWS};
use crate::query::Scope;

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
    pub(in crate::store) fn of_row(
        row: &super::super::database::Row<'_>,
    ) -> super::super::database::Result<Self> {
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

impl Store {
    /// The sensors within a scope that saw an address, the most findings first.
    ///
    /// # Errors
    /// When the database or the table fails.
    pub fn who_saw_address(
        &self,
        scope: Scope,
        address: IpAddr,
    ) -> Result<Vec<Sighting>, StoreError> {
        let bytes = address_bytes(address);
        self.sightings(scope, &Sought::Address(SightingKind::Address, bytes))
    }

    /// The sensors within a scope that saw a host name.
    ///
    /// # Errors
    /// When the database or the table fails.
    pub fn who_saw_host(&self, scope: Scope, host: &str) -> Result<Vec<Sighting>, StoreError> {
        self.sightings(scope, &Sought::Host(host.to_owned()))
    }

    fn sightings(&self, scope: Scope, sought: &Sought) -> Result<Vec<Sighting>, StoreError> {
        self.read(|transaction| {
            let Some(sight) = self.tables().sight(transaction)? else {
                return Ok(Vec::new());
            };
            let within = lake_scope(transaction, scope)?;
            let seen = sight
                .lake
                .who_saw(sight.fresh, &within, sought, QUERY_DEADLINE)?;
            let mut names = transaction.prepare(
                "SELECT sensor.name, tenant.title FROM sensor LEFT JOIN tenant ON tenant.key = sensor.tenant_key
                 WHERE sensor.key = ?1",
            )?;
            let mut sightings = Vec::with_capacity(seen.len());
            for seen in seen {
                let (sensor, tenant) =
                    names.query_row([seen.sensor_key], |row| Ok((row.get(0)?, row.get(1)?)))?;
                sightings.push(Sighting {
                    sensor,
                    tenant,
                    findings: seen.findings,
                    hits: seen.hits,
                    first: from_milliseconds(seen.first_ms),
                    last: from_milliseconds(seen.last_ms),
                });
            }
            sightings.sort_by(|a, b| {
                b.findings
                    .cmp(&a.findings)
                    .then_with(|| a.sensor.cmp(&b.sensor))
            });
            sightings.truncate(SIGHTING_ROWS);
            Ok(sightings)
        })
    }
}
