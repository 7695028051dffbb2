//! Servers of peers that are polled or pushed to.

use super::database::params;
use jiff::Timestamp;

use super::audit::record;
use super::peers::peer_row;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};

/// A server and what is asked of it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Its key in the database; 0 before it is there.
    pub key: i64,
    pub peer: String,
    /// `taxii` or `misp`, which are polled, or `taxii-push`.
    pub kind: String,
    pub address: String,
    /// Of TAXII the id, alias or title of a collection; else empty.
    pub collection: String,
    /// Name and password.
    pub login: Option<(String, String)>,
    /// Certificates of its authority, where browsers do not know it.
    pub authority: Option<String>,
    pub polled: Option<Timestamp>,
    /// Why the last poll failed.
    pub failure: Option<String>,
}

impl Store {
    /// Adds a server, or changes how it is logged in to.
    ///
    /// # Errors
    /// When there is no such peer.
    pub fn add_source(&self, actor: &str, source: &Source) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (peer, _) = peer_row(transaction, &source.peer)?;
            let (user, password) = source.login.clone().unzip();
            transaction.execute(
                "INSERT INTO source (peer_key, kind, address, collection, login, password, authority)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (kind, address, collection) DO UPDATE SET peer_key = excluded.peer_key, login = excluded.login,
                    password = excluded.password, authority = excluded.authority",
                params![peer, source.kind, source.address, source.collection, user, password, source.authority],
            )?;
            let subject = format!("{}: {} {} {}", source.peer, source.kind, source.address, source.collection);
            record(transaction, Timestamp::now(), actor, "source.add", &subject)
        })
    }

    /// All servers.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sources(&self) -> Result<Vec<Source>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT source.key, peer.name, source.kind, address, collection, login, password, authority, polled_ms, failure
                 FROM source JOIN peer ON peer.key = source.peer_key WHERE peer.disabled_ms IS NULL ORDER BY source.key",
            )?;
            let rows = statement.query_map((), |row| {
                let (user, password): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
                Ok(Source {
                    key: row.get(0)?,
                    peer: row.get(1)?,
                    kind: row.get(2)?,
                    address: row.get(3)?,
                    collection: row.get(4)?,
                    login: user.zip(password),
                    authority: row.get(7)?,
                    polled: row.get::<Option<i64>>(8)?.map(from_milliseconds),
                    failure: row.get(9)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes down how a poll ended.
    ///
    /// # Errors
    /// When the database fails.
    pub fn source_polled(&self, key: i64, failure: Option<&str>) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE source SET polled_ms = ?2, failure = ?3 WHERE key = ?1",
                params![key, to_milliseconds(Timestamp::now()), failure],
            )?;
            Ok(())
        })
    }
}
