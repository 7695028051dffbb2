//! Making the tables on a server, and moving them on.

use super::super::error::Result;
use super::super::shape::Shape;
use super::{SCHEMA, Transaction, dialect};

/// What the tables refuse, and two functions that SQLite has by nature.
const RULES: &str = include_str!("rules.sql");

impl Transaction<'_> {
    /// The number of the last migration that the database has seen; 0 where nothing is yet.
    pub(in crate::store::database) fn schema_version(&self) -> Result<u32> {
        let is_there = self
            .prepare(&format!(
                "SELECT 1 WHERE to_regclass('{SCHEMA}.schema_version') IS NOT NULL"
            ))?
            .query(&[])?;
        if is_there.is_empty() {
            return Ok(0);
        }
        let rows = self
            .prepare("SELECT version FROM schema_version")?
            .query(&[])?;
        let version: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        Ok(u32::try_from(version).unwrap_or(u32::MAX))
    }

    pub(in crate::store::database) fn set_schema_version(&self, version: u32) -> Result<()> {
        self.execute_batch(&format!("UPDATE schema_version SET version = {version}"))
    }

    /// Makes all tables where there is none.
    pub(in crate::store::database) fn create(&self, shape: &Shape) -> Result<()> {
        self.execute_batch(&format!(
            "CREATE SCHEMA IF NOT EXISTS {SCHEMA};
             CREATE TABLE schema_version (version BIGINT NOT NULL);
             INSERT INTO schema_version VALUES (0)"
        ))?;
        for table in &shape.tables {
            self.define(&table.definition)?;
        }
        for index in &shape.indexes {
            self.define(index)?;
        }
        self.execute_batch(RULES)
    }

    /// A migration, written for SQLite in words that both understand.
    pub(in crate::store::database) fn define(&self, sql: &str) -> Result<()> {
        self.execute_batch(&dialect::definition(sql))
    }

    /// Switches the rules of all tables off; what is returned switches them on again.
    pub(in crate::store::database) fn set_triggers_aside(&self, shape: &Shape) -> Result<String> {
        let mut back = String::new();
        for table in &shape.tables {
            self.execute_batch(&format!("ALTER TABLE {} DISABLE TRIGGER USER", table.name))?;
            back.push_str(&format!("ALTER TABLE {} ENABLE TRIGGER USER;", table.name));
        }
        Ok(back)
    }

    /// After rows were put in with their numbers: lets the tables count on from there.
    pub(in crate::store::database) fn count_on(&self, shape: &Shape) -> Result<()> {
        for table in &shape.tables {
            let Some(counter) = &table.counter else {
                continue;
            };
            self.execute_batch(&format!(
                "SELECT setval(pg_get_serial_sequence('{SCHEMA}.{0}', '{counter}'), greatest(max({counter}), 1),
                    max({counter}) IS NOT NULL) FROM {0}",
                table.name
            ))?;
        }
        Ok(())
    }
}
