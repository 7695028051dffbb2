//! Which findings were handed to a peer, and when it took them.

use super::database::params;
use jiff::Timestamp;

use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::exchange::taxii::collection::for_peer;

/// A finding that was handed to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub finding: String,
    /// The name of its observed data.
    pub object: String,
    pub handed: Timestamp,
    /// When the peer took it, and by which way.
    pub received: Option<(Timestamp, String)>,
}

impl Store {
    /// Writes down that a peer took what lies at these places of its collection; the first time counts.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_receipts(
        &self,
        places: &[i64],
        way: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if places.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut update = transaction.prepare(
                "UPDATE collection_object SET received_ms = ?2, received_by = ?3 WHERE added_us = ?1 AND received_ms IS NULL",
            )?;
            for place in places {
                update.execute(params![place, to_milliseconds(now), way])?;
            }
            Ok(())
        })
    }

    /// What was handed to a peer, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn receipts(&self, peer: &str, limit: usize) -> Result<Vec<Receipt>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT about, id, added_us, received_ms, received_by FROM collection_object
                 WHERE collection = ?1 AND type = 'observed-data' AND about IS NOT NULL ORDER BY added_us DESC LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![for_peer(peer), limit], |row| {
                let received: Option<i64> = row.get(3)?;
                Ok(Receipt {
                    finding: row.get(0)?,
                    object: row.get(1)?,
                    handed: from_milliseconds(row.get::<i64>(2)? / 1_000),
                    received: received.map(from_milliseconds).zip(row.get(4)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
