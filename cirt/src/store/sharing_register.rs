//! The sharing register: what went to whom, under which label and agreement, when; and what was refused. It is only added to.

use super::database::{Transaction, params};
use jiff::Timestamp;

use super::peers::{agreement_with, peer_row};
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::exchange::limits::REGISTER_SUBJECTS;
use crate::exchange::{Agreement, Kind, Peer, Tlp};

/// Things of one kind and label that shared one fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterEntry {
    kind: Kind,
    tlp: Tlp,
    refusal: Option<&'static str>,
    items: u64,
    subjects: Vec<String>,
}

impl RegisterEntry {
    /// An entry that names nothing yet.
    #[must_use]
    pub const fn new(kind: Kind, tlp: Tlp, refusal: Option<&'static str>) -> Self {
        Self {
            kind,
            tlp,
            refusal,
            items: 0,
            subjects: Vec::new(),
        }
    }

    /// Adds a thing by its name.
    pub fn add(&mut self, subject: &str) {
        self.items += 1;
        if self.subjects.len() < REGISTER_SUBJECTS {
            self.subjects.push(subject.replace('\n', " "));
        }
    }
}

/// A line of the register as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterLine {
    pub id: i64,
    pub at: Timestamp,
    pub peer: String,
    /// Reference of the agreement, where there was one.
    pub agreement: Option<String>,
    pub way: String,
    pub kind: String,
    pub tlp: Tlp,
    /// Why nothing went; none when it went.
    pub refusal: Option<String>,
    pub items: u64,
    /// The first names of what it was.
    pub subjects: Vec<String>,
}

impl Store {
    /// Lets `decide` say what goes to a peer, and writes its entries down in the same transaction.
    ///
    /// # Errors
    /// When there is no such peer or the register cannot be written; then nothing was decided.
    pub fn register<T>(
        &self,
        peer: &str,
        now: Timestamp,
        way: &str,
        decide: impl FnOnce(&Peer, Option<&Agreement>) -> (Vec<RegisterEntry>, T),
    ) -> Result<T, StoreError> {
        self.write(|transaction| {
            let (key, peer) = peer_row(transaction, peer)?;
            let agreement = agreement_with(transaction, key)?;
            let (entries, result) = decide(&peer, agreement.as_ref());
            insert_entries(transaction, &peer, agreement.as_ref(), way, &entries, now)?;
            Ok(result)
        })
    }

    /// The newest lines, newest first; of one peer, when named.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sharing_register(
        &self,
        peer: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RegisterLine>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT id, at_ms, peer, agreement, way, kind, tlp, refusal, items, subjects FROM sharing_register
                 WHERE CAST(?1 AS TEXT) IS NULL OR peer = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![peer, limit], |row| {
                Ok(RegisterLine {
                    id: row.get(0)?,
                    at: from_milliseconds(row.get(1)?),
                    peer: row.get(2)?,
                    agreement: row.get(3)?,
                    way: row.get(4)?,
                    kind: row.get(5)?,
                    tlp: Tlp::from_code(row.get(6)?),
                    refusal: row.get(7)?,
                    items: row.get(8)?,
                    subjects: row.get::<String>(9)?.lines().map(str::to_owned).collect(),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Writes entries down.
pub(super) fn insert_entries(
    transaction: &Transaction<'_>,
    peer: &Peer,
    agreement: Option<&Agreement>,
    way: &str,
    entries: &[RegisterEntry],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut insert = transaction.prepare(
        "INSERT INTO sharing_register (at_ms, peer, agreement, way, kind, tlp, refusal, items, subjects)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for entry in entries {
        insert.execute(params![
            to_milliseconds(now),
            peer.name,
            agreement.map(|agreement| agreement.reference.as_str()),
            way,
            entry.kind.name(),
            entry.tlp.code(),
            entry.refusal,
            i64::try_from(entry.items).unwrap_or(i64::MAX),
            entry.subjects.join("\n"),
        ])?;
    }
    Ok(())
}
