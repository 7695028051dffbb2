//! What tables there are: read out of a SQLite database, for the definitions are written for it.

use rusqlite::Connection;

use super::error::{Error, Result};

/// All that a database is made of, triggers aside.
#[derive(Debug)]
pub(in crate::store) struct Shape {
    /// A table stands behind those that it refers to.
    pub(in crate::store) tables: Vec<Table>,
    /// Definitions of indexes.
    pub(in crate::store) indexes: Vec<String>,
}

/// One table.
#[derive(Debug)]
pub(in crate::store) struct Table {
    pub(in crate::store) name: String,
    pub(in crate::store) definition: String,
    pub(in crate::store) columns: Vec<String>,
    /// The column that counts by itself where no number is given.
    pub(in crate::store) counter: Option<String>,
}

impl Shape {
    /// Of a database that has seen these migrations and nothing else; it is handed out as well, for some leave rows.
    pub(in crate::store) fn after(migrations: &[&str]) -> Result<(Self, super::Connection)> {
        let connection = Connection::open_in_memory()?;
        for migration in migrations {
            connection.execute_batch(migration)?;
        }
        Ok((
            Self::of(&connection)?,
            super::Connection::Sqlite(connection),
        ))
    }

    fn of(connection: &Connection) -> Result<Self> {
        let sql = "SELECT name, sql FROM sqlite_schema WHERE type = ?1 AND sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             ORDER BY rowid";
        let mut statement = connection.prepare(sql)?;
        let mut named = |kind: &str| -> Result<Vec<(String, String)>> {
            let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        let indexes = named("index")?.into_iter().map(|(_, sql)| sql).collect();
        let mut waiting = Vec::new();
        for (name, definition) in named("table")? {
            let table = Table {
                columns: texts(
                    connection,
                    "SELECT name FROM pragma_table_info(?1) ORDER BY cid",
                    &name,
                )?,
                counter: texts(
                    connection,
                    "SELECT name FROM pragma_table_info(?1) WHERE pk = 1 AND type = 'INTEGER'
                        AND (SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0) = 1
                        AND name NOT IN (SELECT \"from\" FROM pragma_foreign_key_list(?1))",
                    &name,
                )?
                .pop(),
                definition,
                name,
            };
            let sql = "SELECT \"table\" FROM pragma_foreign_key_list(?1)";
            let needs = texts(connection, sql, &table.name)?;
            waiting.push((table, needs));
        }
        let mut tables: Vec<Table> = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let is_there = |name: &String| tables.iter().any(|table| table.name == *name);
            let next = waiting
                .iter()
                .position(|(_, needs)| needs.iter().all(is_there))
                .ok_or(Error::Content("tables refer to each other in a circle"))?;
            tables.push(waiting.remove(next).0);
        }
        Ok(Self { tables, indexes })
    }
}

fn texts(connection: &Connection, sql: &str, name: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([name], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
