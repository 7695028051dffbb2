//! Tenants, and which sensors stand at each.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::database::{OptionalRow as _, Transaction, params};
use ipnet::IpNet;
use jiff::Timestamp;

use super::audit::record;
use super::insert_record::address_bytes;
use super::time::to_milliseconds;
use super::{Store, StoreError};
use crate::query::{Scope, TenantKey};
use crate::settings::Name;

/// What a tenant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantKind {
    /// An Internet provider that hosts sensors.
    Provider,
    /// A sector with a CIRT of its own: government, banks, universities.
    Sector,
}

/// Who may see only a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub key: TenantKey,
    pub name: String,
    pub kind: TenantKind,
    pub title: String,
    /// Sensors that stand there.
    pub sensors: u64,
}

impl TenantKind {
    /// The word in the database and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Sector => "sector",
        }
    }
}

impl fmt::Display for TenantKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for TenantKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Provider, Self::Sector]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no kind of tenant: say provider or sector"))
    }
}

impl Scope {
    /// The condition that a `sensor_key` column lies within the scope. Every read of findings and sensors holds it.
    pub(super) fn sensor_condition(self, column: &str) -> String {
        match self {
            Self::Nation => "TRUE".to_owned(),
            Self::Tenant(tenant) => {
                format!(
                    "{column} IN (SELECT key FROM sensor WHERE tenant_key = {})",
                    tenant.0
                )
            }
        }
    }
}

pub(super) fn key_of(transaction: &Transaction<'_>, name: &str) -> Result<TenantKey, StoreError> {
    transaction
        .prepare("SELECT key FROM tenant WHERE name = ?1")?
        .query_row([name], |row| Ok(TenantKey(row.get(0)?)))
        .optional()?
        .ok_or_else(|| StoreError::Absent {
            what: "tenant",
            name: name.to_owned(),
        })
}

impl Store {
    /// Adds a tenant.
    ///
    /// # Errors
    /// When the name is taken or the database fails.
    pub fn add_tenant(
        &self,
        actor: &str,
        name: &Name,
        kind: TenantKind,
        title: &str,
    ) -> Result<TenantKey, StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let added = transaction
                .query_row(
                    "INSERT INTO tenant (name, kind, title, created_ms) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (name) DO NOTHING RETURNING key",
                    params![name.as_str(), kind.as_str(), title, to_milliseconds(now)],
                    |row| Ok(TenantKey(row.get(0)?)),
                )
                .optional()?;
            let key = added.ok_or_else(|| StoreError::Taken {
                what: "tenant",
                name: name.to_string(),
            })?;
            record(
                transaction,
                now,
                actor,
                "tenant.add",
                &format!("{name} ({kind})"),
            )?;
            Ok(key)
        })
    }

    /// The tenants within a scope, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tenants(&self, scope: Scope) -> Result<Vec<Tenant>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT key, name, kind, title, (SELECT count(*) FROM sensor WHERE tenant_key = tenant.key)
                 FROM tenant WHERE CAST(?1 AS BIGINT) IS NULL OR key = ?1 ORDER BY name",
            )?;
            let rows = statement.query_map([scope.tenant().map(|tenant| tenant.0)], |row| {
                let kind: String = row.get(2)?;
                Ok(Tenant {
                    key: TenantKey(row.get(0)?),
                    name: row.get(1)?,
                    kind: kind.parse().unwrap_or(TenantKind::Provider),
                    title: row.get(3)?,
                    sensors: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Puts a sensor to a tenant, or to none.
    ///
    /// # Errors
    /// When either does not exist.
    pub fn place_sensor(
        &self,
        actor: &str,
        sensor: &str,
        tenant: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let key = super::sensors::key_of(transaction, sensor)?;
            let tenant_key = tenant.map(|name| key_of(transaction, name)).transpose()?;
            transaction.execute(
                "UPDATE sensor SET tenant_key = ?2 WHERE key = ?1",
                params![key.0, tenant_key.map(|key| key.0)],
            )?;
            let subject = format!("{sensor} at {}", tenant.unwrap_or("no tenant"));
            record(
                transaction,
                Timestamp::now(),
                actor,
                "sensor.place",
                &subject,
            )
        })
    }

    /// Adds a network of critical infrastructure. What is stored already is not looked through again; `rebuild` does.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_network(&self, actor: &str, network: IpNet, title: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO network (first, last, kind, title) VALUES (?1, ?2, 'critical', ?3)
                 ON CONFLICT (first, last, kind) DO UPDATE SET title = excluded.title",
                params![
                    address_bytes(network.network()),
                    address_bytes(network.broadcast()),
                    title
                ],
            )?;
            let subject = format!("{network} {title}");
            record(
                transaction,
                Timestamp::now(),
                actor,
                "network.add",
                &subject,
            )
        })
    }

    /// The networks of critical infrastructure: first and last address, and what they are.
    ///
    /// # Errors
    /// When the database fails.
    pub fn networks(&self) -> Result<Vec<(IpAddr, IpAddr, String)>, StoreError> {
        let address = |bytes: [u8; 16]| IpAddr::from(bytes).to_canonical();
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT first, last, title FROM network WHERE kind = 'critical' ORDER BY first",
            )?;
            let rows = statement.query_map((), |row| {
                Ok((address(row.get(0)?), address(row.get(1)?), row.get(2)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
