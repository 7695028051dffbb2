//! What peers say of what we shared.

use super::database::params;
use jiff::Timestamp;

use super::peers::peer_row;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};

/// What a peer says of something that we shared.
#[derive(Clone, Debug)]
pub struct Feedback {
    /// Of the object that says so.
    pub name: String,
    /// Of the object that it speaks of.
    pub about: String,
    /// `sighting` or `opinion`.
    pub kind: &'static str,
    /// One of the five opinions, or how often it was seen.
    pub word: String,
    pub comment: String,
}

impl Store {
    /// Keeps what a peer says of something we shared.
    ///
    /// # Errors
    /// When there is no such peer or the database fails.
    pub fn keep_feedback(
        &self,
        peer: &str,
        said: &Feedback,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, peer)?;
            transaction.execute(
                "INSERT INTO feedback (peer_key, name, about, kind, word, comment, received_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (peer_key, name, about) DO NOTHING",
                params![
                    key,
                    said.name,
                    said.about,
                    said.kind,
                    said.word,
                    said.comment,
                    to_milliseconds(now)
                ],
            )?;
            Ok(())
        })
    }

    /// Forgets what a peer takes back.
    ///
    /// # Errors
    /// When there is no such peer or the database fails.
    pub fn forget_feedback(&self, peer: &str, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, peer)?;
            transaction.execute(
                "DELETE FROM feedback WHERE peer_key = ?1 AND name = ?2",
                params![key, name],
            )?;
            Ok(())
        })
    }

    /// What peers say of what we shared, newest first: time, peer, object, kind, word and comment.
    ///
    /// # Errors
    /// When the database fails.
    pub fn feedback(&self, limit: usize) -> Result<Vec<(Timestamp, [String; 5])>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT received_ms, peer.name, about, feedback.kind, word, comment
                 FROM feedback JOIN peer ON peer.key = feedback.peer_key ORDER BY feedback.key DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                let words = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                Ok((from_milliseconds(row.get(0)?), words))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
