//! Lists of what must not be looked for: top domains, shared hosting, networks.

use std::net::IpAddr;

use super::database::{OptionalRow as _, Transaction, params};
use ipnet::IpNet;
use jiff::Timestamp;

use super::audit::record;
use super::insert_record::address_bytes;
use super::{Store, StoreError};
use crate::exchange::indicator::Wanted;

impl Store {
    /// Replaces a list of what is harmless.
    ///
    /// # Errors
    /// When the database fails; then the old list stays.
    pub fn set_harmless(
        &self,
        actor: &str,
        list: &str,
        names: &[String],
        networks: &[IpNet],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM harmless_name WHERE list = ?1", [list])?;
            transaction.execute("DELETE FROM harmless_network WHERE list = ?1", [list])?;
            let mut insert = transaction
                .prepare("INSERT INTO harmless_name (list, reversed) VALUES (?1, ?2) ON CONFLICT (reversed, list) DO NOTHING")?;
            for name in names {
                insert.execute(params![list, reversed(name)])?;
            }
            let mut insert = transaction.prepare(
                "INSERT INTO harmless_network (list, first, last) VALUES (?1, ?2, ?3)
                 ON CONFLICT (first, last, list) DO NOTHING",
            )?;
            for network in networks {
                let (first, last) = (
                    address_bytes(network.network()),
                    address_bytes(network.broadcast()),
                );
                insert.execute(params![list, first, last])?;
            }
            let subject = format!("{list}: {} names, {} networks", names.len(), networks.len());
            record(
                transaction,
                Timestamp::now(),
                actor,
                "harmless.set",
                &subject,
            )
        })
    }
}

/// The list that says that an indicator would match what is harmless.
pub(super) fn harmless_list(
    transaction: &Transaction<'_>,
    wanted: &Wanted,
    own_networks: &[IpNet],
) -> Result<Option<String>, StoreError> {
    let Wanted::Listed(listed) = wanted else {
        return Ok(None);
    };
    let (name, whole_site) = match listed.kind.name() {
        "domain" => (listed.value.as_str(), true),
        "host" => (listed.value.as_str(), false),
        "address" => {
            let network = listed
                .value
                .parse::<IpNet>()
                .or_else(|_| listed.value.parse::<IpAddr>().map(IpNet::from));
            let Ok(network) = network else {
                return Ok(None);
            };
            let meets = |own: &&IpNet| own.contains(&network) || network.contains(*own);
            if own_networks.iter().any(|own| meets(&own)) {
                return Ok(Some("our own networks".to_owned()));
            }
            let (first, last) = (
                address_bytes(network.network()),
                address_bytes(network.broadcast()),
            );
            return Ok(transaction
                .prepare(
                    "SELECT list FROM harmless_network WHERE first <= ?2 AND last >= ?1 LIMIT 1",
                )?
                .query_row(params![first, last], |row| row.get(0))
                .optional()?);
        }
        _ => return Ok(None),
    };
    if whole_site && !name.contains('.') {
        return Ok(Some("a whole top-level domain".to_owned()));
    }
    let reversed = reversed(name);
    // `domain` matches all beneath: a listed name beneath it is hit as well. '/' follows '.' in ASCII.
    let beneath = if whole_site {
        format!("{reversed}/")
    } else {
        reversed.clone()
    };
    Ok(transaction
        .prepare(
            "SELECT list FROM harmless_name WHERE reversed = ?1 OR (reversed > ?1 || '.' AND reversed < ?2) LIMIT 1",
        )?
        .query_row(params![reversed, beneath], |row| row.get(0))
        .optional()?)
}

/// `www.example.com` as `com.example.www`: what lies beneath a name stands together.
fn reversed(name: &str) -> String {
    name.rsplit('.').collect::<Vec<_>>().join(".")
}
