//! Peers and the agreements with them.

use super::database::{OptionalRow as _, Row, Transaction, params};
use jiff::Timestamp;

use super::audit::record;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::exchange::agreement::{joined, split};
use crate::exchange::{Agreement, Country, Peer, PeerKind, Tlp};
use crate::settings::Name;

const PEER: &str = "peer.name, peer.kind, peer.country, peer.created_ms, peer.disabled_ms";
const AGREEMENT: &str = "reference, ceiling, kinds, countries, smallest_count, from_ms, until_ms";

impl Store {
    /// Adds a peer.
    ///
    /// # Errors
    /// When the name is taken or the database fails.
    pub fn add_peer(
        &self,
        actor: &str,
        name: &Name,
        kind: PeerKind,
        country: Option<Country>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let added = transaction.execute(
                "INSERT INTO peer (name, kind, country, created_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name) DO NOTHING",
                params![
                    name.as_str(),
                    kind.name(),
                    country.as_ref().map(Country::as_str),
                    to_milliseconds(now)
                ],
            )?;
            if added == 0 {
                return Err(StoreError::Taken {
                    what: "peer",
                    name: name.to_string(),
                });
            }
            record(
                transaction,
                now,
                actor,
                "peer.add",
                &format!("{name}, {kind}"),
            )
        })
    }

    /// Puts an agreement in force; the one before it ends.
    ///
    /// # Errors
    /// When there is no such peer, it may not have this agreement, or the reference is taken.
    pub fn agree(&self, actor: &str, name: &str, agreement: &Agreement) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let (key, peer) = peer_row(transaction, name)?;
            agreement.check(&peer).map_err(StoreError::Refused)?;
            end(transaction, key, now)?;
            let added = transaction.execute(
                "INSERT INTO agreement (peer_key, reference, ceiling, kinds, countries, smallest_count, from_ms, until_ms,
                    made_ms, made_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (reference) DO NOTHING",
                params![
                    key,
                    agreement.reference.as_str(),
                    agreement.ceiling.code(),
                    joined(&agreement.kinds),
                    joined(&agreement.countries),
                    i64::try_from(agreement.smallest_count).unwrap_or(i64::MAX),
                    to_milliseconds(agreement.from),
                    agreement.until.map(to_milliseconds),
                    to_milliseconds(now),
                    actor,
                ],
            )?;
            if added == 0 {
                let name = agreement.reference.to_string();
                return Err(StoreError::Taken { what: "agreement", name });
            }
            let subject = format!(
                "{name}: {}, up to {}, {}",
                agreement.reference,
                agreement.ceiling,
                joined(&agreement.kinds)
            );
            record(transaction, now, actor, "peer.agree", &subject)
        })
    }

    /// Ends the agreement with a peer: from now on nothing goes there.
    ///
    /// # Errors
    /// When there is no such peer, or nothing to end.
    pub fn end_agreement(&self, actor: &str, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let (key, _) = peer_row(transaction, name)?;
            if end(transaction, key, now)? == 0 {
                return Err(StoreError::Refused(format!(
                    "there is no agreement with {name:?}"
                )));
            }
            record(transaction, now, actor, "peer.end", name)
        })
    }

    /// Shuts a peer out, or lets it in again.
    ///
    /// # Errors
    /// When there is no such peer.
    pub fn set_peer_disabled(
        &self,
        actor: &str,
        name: &str,
        disabled: bool,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let (key, _) = peer_row(transaction, name)?;
            transaction.execute(
                "UPDATE peer SET disabled_ms = ?2 WHERE key = ?1",
                params![key, disabled.then(|| to_milliseconds(now))],
            )?;
            let action = if disabled {
                "peer.disable"
            } else {
                "peer.enable"
            };
            record(transaction, now, actor, action, name)
        })
    }

    /// Gives a peer a password, of which only this hash is kept; the one before it is no longer good.
    ///
    /// # Errors
    /// When there is no such peer.
    pub fn set_peer_password(
        &self,
        actor: &str,
        name: &str,
        hash: &[u8; 32],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, name)?;
            transaction.execute(
                "UPDATE peer SET password_hash = ?2 WHERE key = ?1",
                params![key, hash],
            )?;
            record(transaction, Timestamp::now(), actor, "peer.password", name)
        })
    }

    /// The peer that logs in with this name and the password of this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub fn peer_by_password(
        &self,
        name: &str,
        hash: &[u8; 32],
    ) -> Result<Option<Peer>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {PEER} FROM peer WHERE name = ?1 AND password_hash = ?2 AND disabled_ms IS NULL"
            );
            let found = transaction
                .prepare(&sql)?
                .query_row(params![name, hash], |row| peer_from_row(row, 0))
                .optional()?;
            found.transpose()
        })
    }

    /// One peer and what is agreed with it.
    ///
    /// # Errors
    /// When there is no such peer or the database fails.
    pub fn peer(&self, name: &str) -> Result<(Peer, Option<Agreement>), StoreError> {
        self.read(|transaction| {
            let (key, peer) = peer_row(transaction, name)?;
            Ok((peer, agreement_with(transaction, key)?))
        })
    }

    /// All peers by name, with what is agreed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn peers(&self) -> Result<Vec<(Peer, Option<Agreement>)>, StoreError> {
        self.read(all_peers)
    }
}

fn end(transaction: &Transaction<'_>, key: i64, now: Timestamp) -> Result<usize, StoreError> {
    Ok(transaction.execute(
        "UPDATE agreement SET ended_ms = ?2 WHERE peer_key = ?1 AND ended_ms IS NULL",
        params![key, to_milliseconds(now)],
    )?)
}

/// All peers by name, with what is agreed.
pub(super) fn all_peers(
    transaction: &Transaction<'_>,
) -> Result<Vec<(Peer, Option<Agreement>)>, StoreError> {
    let mut statement =
        transaction.prepare(&format!("SELECT {PEER}, peer.key FROM peer ORDER BY name"))?;
    let rows = statement
        .query_map((), |row| Ok((peer_from_row(row, 0)?, row.get::<i64>(5)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(peer, key)| Ok((peer?, agreement_with(transaction, key)?)))
        .collect()
}

/// A peer and its key.
pub(super) fn peer_row(
    transaction: &Transaction<'_>,
    name: &str,
) -> Result<(i64, Peer), StoreError> {
    let sql = format!("SELECT {PEER}, peer.key FROM peer WHERE name = ?1");
    let found = transaction
        .prepare(&sql)?
        .query_row([name], |row| {
            Ok((row.get::<i64>(5)?, peer_from_row(row, 0)?))
        })
        .optional()?;
    let (key, peer) = found.ok_or_else(|| StoreError::Absent {
        what: "peer",
        name: name.to_owned(),
    })?;
    Ok((key, peer?))
}

/// What is agreed with a peer, whether or not its time has come.
pub(super) fn agreement_with(
    transaction: &Transaction<'_>,
    key: i64,
) -> Result<Option<Agreement>, StoreError> {
    let sql = format!("SELECT {AGREEMENT} FROM agreement WHERE peer_key = ?1 AND ended_ms IS NULL");
    let found = transaction
        .prepare(&sql)?
        .query_row([key], agreement_from_row)
        .optional()?;
    found.transpose()
}

fn peer_from_row(row: &Row<'_>, start: usize) -> super::database::Result<Result<Peer, StoreError>> {
    let kind: String = row.get(start + 1)?;
    let country: Option<String> = row.get(start + 2)?;
    let (Ok(kind), Ok(country)) = (kind.parse(), country.map(|text| text.parse()).transpose())
    else {
        return Ok(Err(StoreError::Unreadable("peer")));
    };
    Ok(Ok(Peer {
        name: row.get(start)?,
        kind,
        country,
        created: from_milliseconds(row.get(start + 3)?),
        disabled: row.get::<Option<i64>>(start + 4)?.map(from_milliseconds),
    }))
}

fn agreement_from_row(row: &Row<'_>) -> super::database::Result<Result<Agreement, StoreError>> {
    let reference: String = row.get(0)?;
    let (kinds, countries): (String, String) = (row.get(2)?, row.get(3)?);
    let (Ok(reference), Ok(kinds), Ok(countries)) =
        (reference.parse(), split(&kinds), split(&countries))
    else {
        return Ok(Err(StoreError::Unreadable("agreement")));
    };
    Ok(Ok(Agreement {
        reference,
        ceiling: Tlp::from_code(row.get(1)?),
        kinds,
        countries,
        smallest_count: row.get(4)?,
        from: from_milliseconds(row.get(5)?),
        until: row.get::<Option<i64>>(6)?.map(from_milliseconds),
    }))
}
