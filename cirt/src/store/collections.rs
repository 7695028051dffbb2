//! Collections of STIX objects, in the order in which they were added.

use super::database::Value;
use super::database::{OptionalRow as _, Transaction, listed, params};
use jiff::Timestamp;

use super::markings::label_of;
use super::time::to_milliseconds;
use super::{FindingRow, Store, StoreError};
use crate::exchange::agreement::{joined, split};
use crate::exchange::{Country, Kind, Shareable, Tlp, stix};

/// An object with its place in a collection.
#[derive(Clone, Debug)]
pub struct StoredObject {
    /// When the server added it, microseconds since 1970: its place.
    pub added_microseconds: i64,
    pub id: String,
    pub version_microseconds: i64,
    pub spec_version: String,
    /// JSON.
    pub body: String,
    tlp: Tlp,
    kind: Kind,
    countries: Vec<Country>,
}

impl Shareable for StoredObject {
    fn subject(&self) -> &str {
        &self.id
    }

    fn tlp(&self) -> Tlp {
        self.tlp
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn countries(&self) -> &[Country] {
        &self.countries
    }
}

/// Which version of an object is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionMatch {
    First,
    Last,
    All,
    /// Microseconds since 1970.
    Exactly(i64),
}

/// Objects that are asked for; an empty list asks for any.
#[derive(Clone, Debug, Default)]
pub struct ObjectQuery {
    pub collection: String,
    /// Only what was added later, microseconds since 1970.
    pub after_microseconds: Option<i64>,
    pub ids: Vec<String>,
    pub types: Vec<String>,
    pub spec_versions: Vec<String>,
    /// Any of these; the last one when empty.
    pub versions: Vec<VersionMatch>,
    pub limit: usize,
}

impl Store {
    /// Adds objects to a collection. A version that is there already stays as it is. How many were new.
    ///
    /// # Errors
    /// When the database fails; then none was added.
    pub fn add_objects(
        &self,
        collection: &str,
        about: Option<&FindingRow>,
        objects: &[stix::Object],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        self.write(|transaction| {
            if let Some(finding) = about {
                transaction
                    .prepare(
                        "INSERT INTO published_finding (finding, gid, sid) VALUES (?1, ?2, ?3) ON CONFLICT (finding) DO NOTHING",
                    )?
                    .execute(params![finding.id, finding.rule.gid, finding.rule.sid])?;
            }
            // Its label may have become stricter since the objects were made: then they wait to be made anew.
            if let Some(finding) = about
                && let Some(label) = label_of(transaction, &finding.id)?
                && objects
                    .iter()
                    .any(|object| object.kind() != Kind::Identity && object.tlp() < label)
            {
                transaction
                    .prepare("INSERT INTO relabelled (finding) VALUES (?1) ON CONFLICT (finding) DO NOTHING")?
                    .execute([&finding.id])?;
                return Ok(0);
            }
            let about = about.map(|finding| finding.id.as_str());
            insert_objects(transaction, collection, about, objects, now)
        })
    }

    /// Objects of a collection in the order in which they were added, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn objects(&self, query: &ObjectQuery) -> Result<Vec<StoredObject>, StoreError> {
        let mut sql = "SELECT added_us, id, version_us, spec_version, tlp, kind, countries, body FROM collection_object AS one
             WHERE collection = ? AND added_us > ?"
            .to_owned();
        let mut values = vec![
            Value::from(query.collection.clone()),
            Value::from(query.after_microseconds.unwrap_or(i64::MIN)),
        ];
        for (column, wanted) in [
            ("id", &query.ids),
            ("type", &query.types),
            ("spec_version", &query.spec_versions),
        ] {
            if !wanted.is_empty() {
                sql.push_str(&format!(
                    " AND {column} IN ({})",
                    vec!["?"; wanted.len()].join(", ")
                ));
                values.extend(wanted.iter().cloned().map(Value::from));
            }
        }
        let versions: &[VersionMatch] = if query.versions.is_empty() {
            &[VersionMatch::Last]
        } else {
            &query.versions
        };
        if !versions.contains(&VersionMatch::All) {
            let any: Vec<String> = versions
                .iter()
                .map(|version| version_condition(*version))
                .collect();
            sql.push_str(&format!(" AND ({})", any.join(" OR ")));
        }
        sql.push_str(" ORDER BY added_us LIMIT ?");
        values.push(Value::from(i64::try_from(query.limit).unwrap_or(i64::MAX)));
        self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let rows = statement.query_map(listed(&values), |row| {
                let (kind, countries): (String, String) = (row.get(5)?, row.get(6)?);
                Ok(StoredObject {
                    added_microseconds: row.get(0)?,
                    id: row.get(1)?,
                    version_microseconds: row.get(2)?,
                    spec_version: row.get(3)?,
                    tlp: Tlp::from_code(row.get(4)?),
                    kind: kind.parse().unwrap_or(Kind::Finding),
                    countries: split(&countries).unwrap_or_default().into_iter().collect(),
                    body: row.get(7)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what became of a push.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keep_status(
        &self,
        id: &str,
        peer: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO taxii_status (id, peer, at_ms, body) VALUES (?1, ?2, ?3, ?4)",
                params![id, peer, to_milliseconds(now), body],
            )?;
            Ok(())
        })
    }

    /// What became of a push of a peer.
    ///
    /// # Errors
    /// When the database fails.
    pub fn status_of_push(&self, id: &str, peer: &str) -> Result<Option<String>, StoreError> {
        self.read(|transaction| {
            Ok(transaction
                .query_row(
                    "SELECT body FROM taxii_status WHERE id = ?1 AND peer = ?2",
                    [id, peer],
                    |row| row.get(0),
                )
                .optional()?)
        })
    }

    /// How far something has come that reads on and on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn cursor(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|transaction| {
            Ok(transaction
                .query_row(
                    "SELECT position FROM exchange_cursor WHERE name = ?1",
                    [name],
                    |row| row.get(0),
                )
                .optional()?)
        })
    }

    /// Writes down how far it has come.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_cursor(&self, name: &str, position: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO exchange_cursor (name, position, at_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET position = excluded.position, at_ms = excluded.at_ms",
                params![name, position, to_milliseconds(now)],
            )?;
            Ok(())
        })
    }
}

/// What an object stands for, where that is an indicator of a peer.
#[must_use]
pub fn about_indicator(number: u32) -> String {
    format!("indicator:{number}")
}

/// Adds objects in a transaction. How many were new.
pub(super) fn insert_objects(
    transaction: &Transaction<'_>,
    collection: &str,
    about: Option<&str>,
    objects: &[stix::Object],
    now: Timestamp,
) -> Result<usize, StoreError> {
    let newest: Option<i64> =
        transaction.query_row("SELECT max(added_us) FROM collection_object", (), |row| {
            row.get(0)
        })?;
    let mut place = now
        .as_microsecond()
        .max(newest.map_or(0, |newest| newest + 1));
    let mut insert = transaction.prepare(
        "INSERT INTO collection_object (added_us, collection, id, version_us, type, spec_version, tlp, kind, countries,
            about, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (collection, id, version_us) DO NOTHING",
    )?;
    // What has no version of its own is there once.
    let mut is_known = transaction
        .prepare("SELECT 1 FROM collection_object WHERE collection = ?1 AND id = ?2 LIMIT 1")?;
    let mut added = 0;
    for object in objects {
        let version = object.version().map(Timestamp::as_microsecond);
        if version.is_none() && is_known.exists(params![collection, object.id()])? {
            continue;
        }
        let spec_version = object
            .body()
            .get("spec_version")
            .and_then(serde_json::Value::as_str);
        let new = insert.execute(params![
            place,
            collection,
            object.id(),
            version.unwrap_or(place),
            object.kind_of_object(),
            spec_version.unwrap_or("2.0"),
            object.tlp().code(),
            object.kind().name(),
            joined(&object.countries().iter().copied().collect()),
            object.about().or(about),
            object.body().to_string(),
        ])?;
        if new > 0 {
            added += 1;
            place += 1;
        }
    }
    Ok(added)
}

fn version_condition(version: VersionMatch) -> String {
    let other = |sign: &str| {
        format!(
            "NOT EXISTS (SELECT 1 FROM collection_object AS other WHERE other.collection = one.collection
                AND other.id = one.id AND other.version_us {sign} one.version_us)"
        )
    };
    match version {
        VersionMatch::First => other("<"),
        VersionMatch::Last => other(">"),
        VersionMatch::All => "TRUE".to_owned(),
        VersionMatch::Exactly(microseconds) => format!("version_us = {microseconds}"),
    }
}
