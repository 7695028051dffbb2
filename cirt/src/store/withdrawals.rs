//! A label that becomes stricter after something was published takes back what lies in collections; so does the end of an indicator.
//!
//! All of it happens in the transaction of the label itself, so that no request in between gives out what its reader may not have:
//! * of what stands for a finding (observed data, sightings) or an indicator every version is deleted, and one that says nothing but `revoked` takes
//!   their place: who has it learns of that at the next poll, who has not learns nothing;
//! * observables have no versions, and a rule stays true: those that no other finding there refers to are deleted;
//! * the register says to each partner who could read it that it was taken back;
//! * the findings wait to be published anew, under other names: what is revoked stays so (STIX 2.1, section 3.2).

use std::collections::{BTreeMap, BTreeSet};

use super::database::{Row, Transaction, params};
use jiff::Timestamp;
use serde_json::Value;

use super::StoreError;
use super::collections::{about_indicator, insert_objects};
use super::peers::all_peers;
use super::sharing_register::{RegisterEntry, insert_entries};
use crate::exchange::agreement::split;
use crate::exchange::taxii::collection::{for_peer, of_label};
use crate::exchange::{Country, Kind, Shareable as _, Tlp, Way, stix};

/// Takes back what stands for these findings under a label less strict than this one. How many findings were published so.
pub(super) fn withdraw(
    transaction: &Transaction<'_>,
    findings: &[String],
    tlp: Tlp,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let reason = "taken back: its label became stricter";
    let withdrawn = take_back(transaction, findings, tlp.code(), reason, now)?;
    for finding in &withdrawn {
        transaction
            .prepare(
                "INSERT INTO relabelled (finding) VALUES (?1) ON CONFLICT (finding) DO NOTHING",
            )?
            .execute([finding])?;
    }
    Ok(withdrawn.len())
}

/// Takes back the published indicators that are no longer approved, or whose label became stricter: the database marks them.
pub(super) fn withdraw_indicators(
    transaction: &Transaction<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare("SELECT number FROM indicator WHERE published = 2")?;
    let numbers: Vec<u32> = statement
        .query_map((), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if numbers.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = numbers.iter().copied().map(about_indicator).collect();
    let reason = "taken back: it is no longer looked for, or its label became stricter";
    take_back(transaction, &names, ANY_LABEL, reason, now)?;
    transaction.execute("UPDATE indicator SET published = 0 WHERE published = 2", ())?;
    Ok(())
}

/// Above every label.
const ANY_LABEL: u8 = u8::MAX;

/// Takes back what stands for findings or indicators under a label below this code. Those that were published so.
fn take_back(
    transaction: &Transaction<'_>,
    subjects: &[String],
    below: u8,
    reason: &'static str,
    now: Timestamp,
) -> Result<BTreeSet<String>, StoreError> {
    let mut withdrawn = BTreeSet::new();
    // By collection: what is revoked, and what only these may have referred to.
    let mut revoked = BTreeMap::<String, Vec<stix::Object>>::new();
    let mut alone = BTreeMap::<String, BTreeSet<String>>::new();
    for subject in subjects {
        for (collection, found) in published(transaction, subject, below)? {
            withdrawn.insert(subject.clone());
            let known = alone.entry(collection.clone()).or_default();
            known.extend(references(&found.body));
            revoked
                .entry(collection)
                .or_default()
                .push(found.revoked(now));
        }
    }
    for (collection, tombstones) in &revoked {
        replace(transaction, collection, tombstones, now)?;
        let orphans = alone.remove(collection).unwrap_or_default();
        if !orphans.is_empty() {
            let living = living_references(transaction, collection)?;
            for id in orphans.difference(&living) {
                delete_of_finding(transaction, collection, id)?;
            }
        }
        write_down(transaction, collection, tombstones, reason, now)?;
    }
    Ok(withdrawn)
}

/// An object as it lies in a collection.
struct Found {
    body: Value,
    tlp: Tlp,
    kind: Kind,
    countries: Vec<Country>,
}

impl Found {
    fn revoked(&self, now: Timestamp) -> stix::Object {
        stix::revoked(&self.body, self.tlp, self.kind, &self.countries, now)
    }

    /// From the columns `body, tlp, kind, countries`, which begin at `start`.
    fn from_row(row: &Row<'_>, start: usize) -> super::database::Result<Result<Self, StoreError>> {
        let (body, kind, countries): (String, String, String) =
            (row.get(start)?, row.get(start + 2)?, row.get(start + 3)?);
        let Ok(body) = serde_json::from_str(&body) else {
            return Ok(Err(StoreError::Unreadable("object")));
        };
        Ok(Ok(Self {
            body,
            tlp: Tlp::from_code(row.get(start + 1)?),
            kind: kind.parse().unwrap_or(Kind::Finding),
            countries: split(&countries).unwrap_or_default().into_iter().collect(),
        }))
    }
}

/// What stands for a finding or an indicator under a label below this code, with its collection.
fn published(
    transaction: &Transaction<'_>,
    subject: &str,
    below: u8,
) -> Result<Vec<(String, Found)>, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT collection, body, tlp, kind, countries FROM collection_object
         WHERE about = ?1 AND tlp < ?2
            AND (type IN ('observed-data', 'sighting') OR (type = 'indicator' AND kind = 'indicator'))",
    )?;
    let rows = statement.query_map(params![subject, below], |row| {
        Ok((row.get(0)?, Found::from_row(row, 1)?))
    })?;
    rows.map(|row| row.map(|(collection, found)| found.map(|found| (collection, found)))?)
        .collect()
}

/// Puts versions that say nothing in the place of all before them. They come first: places in a collection never go back.
fn replace(
    transaction: &Transaction<'_>,
    collection: &str,
    tombstones: &[stix::Object],
    now: Timestamp,
) -> Result<(), StoreError> {
    if tombstones.is_empty() {
        return Ok(());
    }
    insert_objects(transaction, collection, None, &[stix::placeholder()], now)?;
    insert_objects(transaction, collection, None, tombstones, now)?;
    for tombstone in tombstones {
        let version = tombstone
            .version()
            .map_or(i64::MAX, Timestamp::as_microsecond);
        transaction
            .prepare(
                "DELETE FROM collection_object WHERE collection = ?1 AND id = ?2 AND version_us < ?3",
            )?
            .execute(params![collection, tombstone.id(), version])?;
    }
    Ok(())
}

/// What an object refers to and may be alone to do so.
fn references(body: &Value) -> Vec<String> {
    let observables = body.get("object_refs").and_then(Value::as_array);
    observables
        .into_iter()
        .flatten()
        .chain(body.get("sighting_of_ref"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// What is still referred to in a collection.
fn living_references(
    transaction: &Transaction<'_>,
    collection: &str,
) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT body FROM collection_object WHERE collection = ?1 AND type IN ('observed-data', 'sighting')",
    )?;
    let mut rows = statement.query([collection])?;
    let mut living = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(0)?;
        let body = serde_json::from_str(&body).map_err(|_| StoreError::Unreadable("object"))?;
        living.extend(references(&body));
    }
    Ok(living)
}

/// Deletes an object of findings; what lies there for another reason, as the indicator of a partner, stays.
fn delete_of_finding(
    transaction: &Transaction<'_>,
    collection: &str,
    id: &str,
) -> Result<(), StoreError> {
    transaction
        .prepare(
            "DELETE FROM collection_object
             WHERE collection = ?1 AND id = ?2 AND about IS NOT NULL AND kind = 'finding'",
        )?
        .execute([collection, id])?;
    Ok(())
}

/// An entry in the register for every partner who could read the collection.
fn write_down(
    transaction: &Transaction<'_>,
    collection: &str,
    tombstones: &[stix::Object],
    reason: &'static str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut entries = BTreeMap::<(Kind, Tlp), RegisterEntry>::new();
    for tombstone in tombstones {
        let (kind, tlp) = (tombstone.kind(), tombstone.tlp());
        entries
            .entry((kind, tlp))
            .or_insert_with(|| RegisterEntry::new(kind, tlp, Some(reason)))
            .add(tombstone.subject());
    }
    let entries: Vec<RegisterEntry> = entries.into_values().collect();
    for (peer, agreement) in all_peers(transaction)? {
        let Some(agreement) = agreement else { continue };
        let could_read = collection == for_peer(&peer.name)
            || Tlp::ALL
                .into_iter()
                .any(|label| label <= agreement.ceiling && collection == of_label(label));
        if could_read {
            let way = Way::Taxii.to_string();
            insert_entries(transaction, &peer, Some(&agreement), &way, &entries, now)?;
        }
    }
    Ok(())
}
