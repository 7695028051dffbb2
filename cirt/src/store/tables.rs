//! The table of findings beside the database: opening it, and what one read sees of it.
//!
//! The database says which generation of the table is in use, which rows are not in it yet, and up to which key
//! findings exist. A read takes all three in its one transaction and looks at the table after that: what moves from
//! here to there meanwhile is seen once, and what came later is not seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lapwing_lake::{Fresh, FreshRows, Lake, Place, Size as TableSize};

use super::connection::locked;
use super::database::{Location, Purpose, Transaction};
use super::{Store, StoreError};

/// The table, opened when it is first needed.
pub(super) struct Tables {
    root: Place,
    database: Location,
    opened: Mutex<Option<(i64, Arc<Lake>)>>,
    /// Rows of batches that were read before, by the batch's key.
    decoded: Mutex<BTreeMap<i64, FreshRows>>,
}

/// What a read sees.
pub(super) struct Sight {
    pub(super) lake: Arc<Lake>,
    pub(super) fresh: Fresh,
}

impl Tables {
    pub(super) fn new(root: Place, database: Location) -> Self {
        Self {
            root,
            database,
            opened: Mutex::new(None),
            decoded: Mutex::new(BTreeMap::new()),
        }
    }

    /// Where a generation of the table lies.
    pub(super) fn place(&self, generation: i64) -> Result<Place, StoreError> {
        Ok(self.root.below(&generation.to_string())?)
    }

    /// The generation of the table that is in use.
    pub(super) fn open(&self, state: &State) -> Result<Arc<Lake>, StoreError> {
        let mut opened = locked(&self.opened);
        if let Some((of, lake)) = opened.as_ref()
            && *of == state.generation
        {
            return Ok(Arc::clone(lake));
        }
        let place = self.place(state.generation)?;
        let lake = Arc::new(Lake::open(place.clone())?);
        // A table that was lost or is older than the database must not pass for an empty one, and one that is newer would
        // take later units for known. Units are recorded before they are written: so it is asked for them afterwards.
        let [least, most] = lake.last_units()?;
        if least < state.committed || most > self.recorded_units()? {
            return Err(StoreError::OtherTable(place.to_string()));
        }
        *opened = Some((state.generation, Arc::clone(&lake)));
        locked(&self.decoded).clear();
        Ok(lake)
    }

    /// How many units the database knows at this moment, whatever a reader's transaction sees.
    fn recorded_units(&self) -> Result<i64, StoreError> {
        let mut connection = self.database.reader()?;
        let transaction = connection.begin(Purpose::Read)?;
        newest_unit(&transaction)
    }

    /// Removes a generation that is not in use any more.
    pub(super) fn remove(&self, generation: i64) -> Result<(), StoreError> {
        let mut opened = locked(&self.opened);
        if opened.as_ref().is_some_and(|(of, _)| *of == generation) {
            *opened = None;
        }
        Ok(self.place(generation)?.remove()?)
    }

    /// What a read sees; none when no finding was ever stored.
    pub(super) fn sight(&self, transaction: &Transaction<'_>) -> Result<Option<Sight>, StoreError> {
        let state = state(transaction)?;
        if state.next_key == 1 {
            return Ok(None);
        }
        let lake = self.open(&state)?;
        let mut decoded = locked(&self.decoded);
        let mut fresh = Fresh {
            before_key: Some(state.next_key),
            committed: Some(state.committed),
            parts: Vec::new(),
        };
        let mut known = BTreeMap::new();
        let mut waiting = transaction
            .prepare("SELECT batch_key, unit_key FROM fresh_finding ORDER BY batch_key")?;
        let mut bytes =
            transaction.prepare("SELECT rows FROM fresh_finding WHERE batch_key = ?1")?;
        let mut rows = waiting.query(())?;
        while let Some(row) = rows.next()? {
            let (batch, unit): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            let part = match decoded.remove(&batch) {
                Some(part) => part,
                None => {
                    let bytes: Vec<u8> = bytes.query_row([batch], |row| row.get(0))?;
                    FreshRows::from_bytes(&bytes)?
                }
            };
            known.insert(batch, part.clone());
            fresh.parts.push((unit, part));
        }
        *decoded = known;
        Ok(Some(Sight { lake, fresh }))
    }
}

/// What the database says of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) generation: i64,
    /// The key that the next finding gets.
    pub(super) next_key: i64,
    /// The last load unit that is known to be in the table; 0 when none is.
    pub(super) committed: i64,
}

pub(super) fn state(transaction: &Transaction<'_>) -> Result<State, StoreError> {
    Ok(transaction
        .prepare(
            "SELECT generation, next_key,
                    coalesce((SELECT max(key) FROM load_unit WHERE committed_ms IS NOT NULL), 0) FROM lake",
        )?
        .query_row((), |row| {
            Ok(State {
                generation: row.get(0)?,
                next_key: row.get(1)?,
                committed: row.get(2)?,
            })
        })?)
}

/// The key of the newest load unit; 0 when there is none.
pub(super) fn newest_unit(transaction: &Transaction<'_>) -> Result<i64, StoreError> {
    Ok(
        transaction.query_row("SELECT coalesce(max(key), 0) FROM load_unit", (), |row| {
            row.get(0)
        })?,
    )
}

/// What was put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableCare {
    /// Days that lie in few files since now.
    pub days: usize,
    /// Files that were deleted: nothing needed them any more.
    pub files: usize,
}

impl Store {
    /// Makes few files of days that lie in many, and deletes files that nothing needs any more.
    ///
    /// # Errors
    /// When the table cannot be read or written; it is as whole as before then.
    pub fn care_for_the_table(&self) -> Result<TableCare, StoreError> {
        let state = self.read(state)?;
        if state.next_key == 1 {
            return Ok(TableCare::default());
        }
        let lake = self.tables().open(&state)?;
        Ok(TableCare {
            days: lake.compact()?,
            files: lake.tidy()?,
        })
    }

    /// What the tables of findings and of sightings take.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub fn table_sizes(&self) -> Result<[TableSize; 2], StoreError> {
        let state = self.read(state)?;
        Ok(self.tables().open(&state)?.sizes()?)
    }

    /// The folder or prefix of the table of findings in use: what other engines open.
    ///
    /// # Errors
    /// When the database fails.
    pub fn table_location(&self) -> Result<String, StoreError> {
        let state = self.read(state)?;
        let place = self.tables().open(&state)?.findings_place()?;
        Ok(place.to_string())
    }
}
