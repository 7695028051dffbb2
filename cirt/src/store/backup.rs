//! A copy of the database of one moment with its table of findings, and the way back. A copy is a file and a folder
//! whatever the database is; so it is also the way from one machine to a server and back.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lapwing_lake::Place;

use super::connection::{make_file, opened};
use super::database::{Connection, Location, Purpose, copy_all};
use super::tables::{self, Tables};
use super::{Store, StoreError, schema_version};

impl Store {
    /// Writes a complete copy of the database, of one moment, and of the table of findings, while the centre goes on
    /// working: `copy.db` gets a `copy.lake`.
    ///
    /// # Errors
    /// When the target exists or cannot be written.
    pub fn backup(&self, target: &Path) -> Result<(), StoreError> {
        let beside = target.with_extension("lake");
        for path in [target, beside.as_path()] {
            if path.exists() {
                return Err(StoreError::Exists(path.to_owned()));
            }
        }
        let copy = Location::File(target.to_owned());
        copy_database(self.location(), &copy)?;
        // The copy says how far its table may go: what it holds as fresh must not be in there as well.
        let place = Place::folder(&beside)?;
        copy_table(self.tables(), &copy, place)
    }

    /// Makes a database and its table of findings from a copy that [`Store::backup`] wrote; opens neither.
    ///
    /// # Errors
    /// When the copy is not there, or the target is not empty or cannot be written.
    pub fn restore(copy: &Path, target: &Location, findings: Place) -> Result<(), StoreError> {
        let source = Self::open(copy)?;
        copy_database(source.location(), target)?;
        copy_table(source.tables(), target, findings)
    }
}

/// Copies a database, of one moment, to where there is none.
fn copy_database(from: &Location, target: &Location) -> Result<(), StoreError> {
    let mut from = opened(from, Location::reader)?;
    if let Location::File(path) = target {
        if let Connection::Sqlite(file) = &from {
            file.execute("VACUUM INTO ?1", [path.to_string_lossy()])
                .map_err(|error| StoreError::Backup(path.clone(), error.into()))?;
            return std::fs::set_permissions(path, Permissions::from_mode(0o600))
                .map_err(|error| StoreError::Create(path.clone(), error));
        }
        make_file(path)?;
    }
    let (shape, _) = schema_version::shape()?;
    let mut to = opened(target, Location::writer)?;
    if to.begin(Purpose::Read)?.schema_version()? != 0 {
        return Err(StoreError::Refused(format!(
            "{target} holds a centre already: a copy goes where there is none"
        )));
    }
    schema_version::migrate(&mut to)?;
    let from = from.begin(Purpose::Read)?;
    let to = to.begin(Purpose::Write)?;
    copy_all(&from, &to, &shape)?;
    Ok(to.commit()?)
}

/// Copies the table of findings as far as a copied database knows it.
fn copy_table(from: &Tables, copied: &Location, to: Place) -> Result<(), StoreError> {
    let mut connection = opened(copied, Location::reader)?;
    let transaction = connection.begin(Purpose::Read)?;
    let state = tables::state(&transaction)?;
    let last = tables::newest_unit(&transaction)?;
    drop(transaction);
    if last > 0 {
        let place = Tables::new(to, copied.clone()).place(state.generation)?;
        from.open(&state)?.copy_to(&place, last)?;
    }
    Ok(())
}
