//! Who answers for which networks, from registries and from what staff keep.

use std::net::IpAddr;

use super::database::{OptionalRow as _, Transaction, params};
use ipnet::IpNet;
use jiff::Timestamp;
use lapwing_wire::{DisclosedAddress, Endpoint};

use super::audit::record;
use super::insert_record::address_bytes;
use super::peers::peer_row;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::exchange::Country;

/// How to reach a peer, and what it answers for.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    pub peer: String,
    pub email: String,
    /// Two letters.
    pub language: String,
    /// Public key, armoured.
    pub openpgp: Option<String>,
    /// As written: `192.0.2.0/24`, `AS64500`, `sensor:NAME`.
    pub scopes: Vec<String>,
    pub approved: Option<Timestamp>,
    pub bounced: Option<Timestamp>,
}

/// Prefixes of AS numbers that overlap are looked at up to this many.
const NESTED_PREFIXES: usize = 32;

impl Store {
    /// Sets how a peer is reached. A new address has to be approved again.
    ///
    /// # Errors
    /// When there is no such peer or a scope cannot be read.
    pub fn set_contact(&self, actor: &str, contact: &Contact) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, &contact.peer)?;
            transaction.execute(
                "INSERT INTO contact (peer_key, email, language, openpgp) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (peer_key) DO UPDATE SET language = excluded.language, openpgp = excluded.openpgp,
                    approved_ms = CASE WHEN contact.email = excluded.email THEN contact.approved_ms END,
                    bounced_ms = CASE WHEN contact.email = excluded.email THEN contact.bounced_ms END, email = excluded.email",
                params![key, contact.email, contact.language, contact.openpgp],
            )?;
            transaction.execute("DELETE FROM contact_scope WHERE peer_key = ?1", [key])?;
            for scope in &contact.scopes {
                let network = scope.parse::<IpNet>().ok().map(|network| network.trunc());
                let is_other = scope.strip_prefix("AS").is_some_and(|number| number.parse::<u32>().is_ok())
                    || scope.strip_prefix("sensor:").is_some_and(|name| !name.is_empty());
                if network.is_none() && !is_other {
                    return Err(StoreError::Refused(format!(
                        "{scope:?}: say a network as 192.0.2.0/24, an AS number as AS64500, or sensor:NAME"
                    )));
                }
                let bounds = network.map(|network| (address_bytes(network.network()), address_bytes(network.broadcast())));
                let (first, last) = bounds.unzip();
                transaction.execute(
                    "INSERT INTO contact_scope (peer_key, scope, first, last) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (scope, peer_key) DO UPDATE SET first = excluded.first, last = excluded.last",
                    params![key, scope, first, last],
                )?;
            }
            record(transaction, Timestamp::now(), actor, "contact.set", &format!("{}: {}", contact.peer, contact.email))
        })
    }

    /// A person agrees that a contact is written to; this also forgives an earlier bounce.
    ///
    /// # Errors
    /// When there is no such contact.
    pub fn approve_contact(&self, actor: &str, peer: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let (key, _) = peer_row(transaction, peer)?;
            let changed = transaction.execute(
                "UPDATE contact SET approved_ms = ?2, approved_by = ?3, bounced_ms = NULL, bounce = NULL WHERE peer_key = ?1",
                params![key, to_milliseconds(now), actor],
            )?;
            if changed == 0 {
                return Err(StoreError::Absent { what: "contact", name: peer.to_owned() });
            }
            record(transaction, now, actor, "contact.approve", peer)
        })
    }

    /// All contacts.
    ///
    /// # Errors
    /// When the database fails.
    pub fn contacts(&self) -> Result<Vec<Contact>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT peer.name, email, language, openpgp, approved_ms, bounced_ms, peer.key
                 FROM contact JOIN peer ON peer.key = contact.peer_key ORDER BY peer.name",
            )?;
            let rows = statement
                .query_map((), |row| {
                    let contact = Contact {
                        peer: row.get(0)?,
                        email: row.get(1)?,
                        language: row.get(2)?,
                        openpgp: row.get(3)?,
                        scopes: Vec::new(),
                        approved: row.get::<Option<i64>>(4)?.map(from_milliseconds),
                        bounced: row.get::<Option<i64>>(5)?.map(from_milliseconds),
                    };
                    Ok((contact, row.get::<i64>(6)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let mut scopes = transaction
                .prepare("SELECT scope FROM contact_scope WHERE peer_key = ?1 ORDER BY scope")?;
            rows.into_iter()
                .map(|(mut contact, key)| {
                    contact.scopes = scopes
                        .query_map([key], |row| row.get(0))?
                        .collect::<Result<_, _>>()?;
                    Ok(contact)
                })
                .collect()
        })
    }

    /// Who answers for an end of a finding of a sensor: the smallest network that staff wrote down, else the AS number, for an end
    /// that is hidden the provider of the sensor.
    ///
    /// # Errors
    /// When the database fails.
    pub fn responsible(&self, end: &Endpoint, sensor: &str) -> Result<Option<String>, StoreError> {
        self.read(|transaction| {
            let by_scope = |scope: String| {
                transaction
                    .prepare(
                        "SELECT peer.name FROM contact_scope JOIN peer ON peer.key = contact_scope.peer_key
                         JOIN contact ON contact.peer_key = peer.key WHERE scope = ?1 ORDER BY peer.key LIMIT 1",
                    )?
                    .query_row([scope], |row| row.get(0))
                    .optional()
            };
            let DisclosedAddress::Clear(address) = end.address else {
                return Ok(by_scope(format!("sensor:{sensor}"))?);
            };
            let bytes = address_bytes(address);
            let by_network = transaction
                .prepare(
                    "SELECT peer.name FROM contact_scope JOIN peer ON peer.key = contact_scope.peer_key
                     WHERE first <= ?1 AND last >= ?1 ORDER BY first DESC, last LIMIT 1",
                )?
                .query_row([bytes], |row| row.get(0))
                .optional()?;
            match (by_network, asn_of(transaction, address)?) {
                (Some(peer), _) => Ok(Some(peer)),
                (None, Some(asn)) => Ok(by_scope(format!("AS{asn}"))?),
                (None, None) => Ok(None),
            }
        })
    }

    /// The country of an address, as registries know it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn country_of(&self, address: IpAddr) -> Result<Option<Country>, StoreError> {
        self.read(|transaction| {
            let bytes = address_bytes(address);
            // Allocations do not overlap: the one that begins last before the address holds it, or none does.
            let found: Option<([u8; 16], String)> = transaction
                .prepare("SELECT last, country FROM registry_country WHERE first <= ?1 ORDER BY first DESC LIMIT 1")?
                .query_row([bytes], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            Ok(found.filter(|(last, _)| *last >= bytes).and_then(|(_, country)| country.parse().ok()))
        })
    }

    /// Replaces what registries say of countries.
    ///
    /// # Errors
    /// When the database fails; then the old stays.
    pub fn set_countries(
        &self,
        actor: &str,
        networks: &[(IpAddr, IpAddr, Country)],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM registry_country", ())?;
            let mut insert = transaction
                .prepare("INSERT INTO registry_country (first, last, country) VALUES (?1, ?2, ?3)
                 ON CONFLICT (first) DO UPDATE SET last = excluded.last, country = excluded.country")?;
            for (first, last, country) in networks {
                insert.execute(params![address_bytes(*first), address_bytes(*last), country.as_str()])?;
            }
            record(transaction, Timestamp::now(), actor, "registry.countries", &format!("{} networks", networks.len()))
        })
    }

    /// Replaces what is known of AS numbers.
    ///
    /// # Errors
    /// When the database fails; then the old stays.
    pub fn set_as_numbers(&self, actor: &str, prefixes: &[(IpNet, u32)]) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM registry_asn", ())?;
            let mut insert = transaction.prepare(
                "INSERT INTO registry_asn (first, last, asn) VALUES (?1, ?2, ?3)
                 ON CONFLICT (first, last) DO UPDATE SET asn = excluded.asn",
            )?;
            for (prefix, asn) in prefixes {
                let (first, last) = (
                    address_bytes(prefix.network()),
                    address_bytes(prefix.broadcast()),
                );
                insert.execute(params![first, last, asn])?;
            }
            record(
                transaction,
                Timestamp::now(),
                actor,
                "registry.asn",
                &format!("{} prefixes", prefixes.len()),
            )
        })
    }
}

/// The AS number of the longest prefix that holds an address.
fn asn_of(transaction: &Transaction<'_>, address: IpAddr) -> Result<Option<u32>, StoreError> {
    let bytes = address_bytes(address);
    let mut statement = transaction.prepare(
        "SELECT last, asn FROM registry_asn WHERE first <= ?1 ORDER BY first DESC, last LIMIT ?2",
    )?;
    let limit = i64::try_from(NESTED_PREFIXES).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![bytes, limit])?;
    while let Some(row) = rows.next()? {
        let last: [u8; 16] = row.get(0)?;
        if last >= bytes {
            return Ok(Some(row.get(1)?));
        }
    }
    Ok(None)
}
