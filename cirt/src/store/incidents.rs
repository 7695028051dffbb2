//! Cases: groups that belong together.

use super::database::params;
use jiff::Timestamp;

use super::audit::record;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub key: i64,
    pub title: String,
    pub created: Timestamp,
    pub created_by: String,
    pub closed: Option<Timestamp>,
    pub groups: u64,
}

impl Store {
    /// Opens a case.
    ///
    /// # Errors
    /// When it has no title or the database fails.
    pub fn add_incident(&self, actor: &str, title: &str) -> Result<i64, StoreError> {
        let title: String = title.trim().chars().take(200).collect();
        if title.is_empty() {
            return Err(StoreError::Refused("a case needs a title".to_owned()));
        }
        self.write(|transaction| {
            let now = Timestamp::now();
            let key: i64 = transaction.query_row(
                "INSERT INTO incident (title, created_ms, created_by) VALUES (?1, ?2, ?3) RETURNING key",
                params![title, to_milliseconds(now), actor],
                |row| row.get(0),
            )?;
            record(
                transaction,
                now,
                actor,
                "case.open",
                &format!("#{key} {title}"),
            )?;
            Ok(key)
        })
    }

    /// Closes a case. Its groups stay as they are.
    ///
    /// # Errors
    /// When there is no such open case.
    pub fn close_incident(&self, actor: &str, key: i64) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let changed = transaction.execute(
                "UPDATE incident SET closed_ms = ?2 WHERE key = ?1 AND closed_ms IS NULL",
                params![key, to_milliseconds(now)],
            )?;
            if changed == 0 {
                return Err(StoreError::Absent {
                    what: "open case",
                    name: key.to_string(),
                });
            }
            record(transaction, now, actor, "case.close", &format!("#{key}"))
        })
    }

    /// All cases, open ones first, then the newest.
    ///
    /// # Errors
    /// When the database fails.
    pub fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT key, title, created_ms, created_by, closed_ms,
                        (SELECT count(*) FROM finding_group WHERE incident_key = incident.key)
                 FROM incident ORDER BY closed_ms IS NOT NULL, key DESC LIMIT 500",
            )?;
            let rows = statement.query_map((), |row| {
                Ok(Incident {
                    key: row.get(0)?,
                    title: row.get(1)?,
                    created: from_milliseconds(row.get(2)?),
                    created_by: row.get(3)?,
                    closed: row.get::<Option<i64>>(4)?.map(from_milliseconds),
                    groups: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
