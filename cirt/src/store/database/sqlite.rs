//! SQLite: opening a file, and its values.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef as SqliteValue};
use rusqlite::{Connection, OpenFlags, ToSql};

use super::error::{Error, Result};
use super::value::ValueRef;

/// How long a statement waits for another process (the command line beside a running server).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Page cache of the writer: the sums of a day stay in it.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// Steps of SQLite's machine between two looks at the clock: about a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;
/// Statements kept ready a connection.
const STATEMENTS_KEPT: usize = 64;

/// Opens a file that exists.
pub(in crate::store) fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

/// The same for the one connection that writes.
pub(in crate::store) fn open_writer(path: &Path) -> Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(connection)
}

pub(super) fn give_up_after(connection: &mut Connection, deadline: Option<Duration>) -> Result<()> {
    match deadline {
        Some(deadline) => {
            let end = Instant::now() + deadline;
            connection
                .progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() >= end))?;
        }
        None => connection.progress_handler(STEPS_BETWEEN_LOOKS, None::<fn() -> bool>)?,
    }
    Ok(())
}

/// SQLite keeps a number for it.
pub(super) fn schema_version(connection: &Connection) -> Result<u32> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

pub(super) fn set_schema_version(connection: &Connection, version: u32) -> Result<()> {
    Ok(connection.pragma_update(None, "user_version", version)?)
}

/// Takes all triggers out; what is returned puts them in again.
pub(super) fn set_triggers_aside(connection: &Connection) -> Result<String> {
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")?;
    let triggers = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    let mut back = String::new();
    for (name, definition) in triggers {
        connection.execute_batch(&format!("DROP TRIGGER {name}"))?;
        back.push_str(&definition);
        back.push_str(";\n");
    }
    Ok(back)
}

/// What a column of a row holds.
pub(super) fn value<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Result<ValueRef<'r>> {
    Ok(match row.get_ref(column)? {
        SqliteValue::Null => ValueRef::Null,
        SqliteValue::Integer(number) => ValueRef::Integer(number),
        SqliteValue::Text(text) => ValueRef::Text(
            std::str::from_utf8(text).map_err(|_| Error::Content("a text is not UTF-8"))?,
        ),
        SqliteValue::Blob(bytes) => ValueRef::Blob(bytes),
        // Columns are typed and none is of this type.
        SqliteValue::Real(_) => return Err(Error::Content("a column holds a fraction")),
    })
}

impl ToSql for ValueRef<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            ValueRef::Null => SqliteValue::Null,
            ValueRef::Integer(number) => SqliteValue::Integer(number),
            ValueRef::Text(text) => SqliteValue::Text(text.as_bytes()),
            ValueRef::Blob(bytes) => SqliteValue::Blob(bytes),
        }))
    }
}
