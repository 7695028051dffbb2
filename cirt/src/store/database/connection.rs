//! Connections, transactions, statements and rows, whichever database is behind them.

use std::time::Duration;

use super::error::{Error, Result};
use super::shape::Shape;
use super::value::{FromValue, Parameters, ValueRef};
use super::{postgres, sqlite};

/// One open connection.
pub(in crate::store) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(postgres::Connection),
}

/// What a transaction will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Purpose {
    /// Read; everything it sees belongs to one moment.
    Read,
    /// Write, alone: it has the write lock from its start.
    Write,
    /// Write beside others that do the same: only rows that are nobody else's, or that a unique key decides about.
    Share,
}

/// A transaction; undone when it is dropped without [`Transaction::commit`].
pub(in crate::store) enum Transaction<'c> {
    Sqlite(rusqlite::Transaction<'c>),
    Postgres(postgres::Transaction<'c>),
}

/// A statement that was looked at once and can be run often.
pub(in crate::store) enum Statement<'t> {
    Sqlite(rusqlite::CachedStatement<'t>),
    Postgres(postgres::Statement<'t>),
}

/// What a statement found, row by row.
pub(in crate::store) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    Postgres(
        std::vec::IntoIter<tokio_postgres::Row>,
        Option<tokio_postgres::Row>,
    ),
}

/// One row.
pub(in crate::store) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// Rows, each made into something.
pub(in crate::store) struct MappedRows<'s, F> {
    rows: Rows<'s>,
    map: F,
}

impl Connection {
    /// Begins a transaction.
    pub(in crate::store) fn begin(&mut self, purpose: Purpose) -> Result<Transaction<'_>> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let behaviour = match purpose {
                    Purpose::Read => rusqlite::TransactionBehavior::Deferred,
                    // One file has one writer.
                    Purpose::Write | Purpose::Share => rusqlite::TransactionBehavior::Immediate,
                };
                Transaction::Sqlite(connection.transaction_with_behavior(behaviour)?)
            }
            Self::Postgres(connection) => Transaction::Postgres(connection.begin(purpose)?),
        })
    }

    /// Breaks statements off that are still at work when so much time has passed from now; none: never.
    pub(in crate::store) fn give_up_after(&mut self, deadline: Option<Duration>) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::give_up_after(connection, deadline),
            Self::Postgres(connection) => {
                connection.give_up_after(deadline);
                Ok(())
            }
        }
    }

    /// Whether it broke and another must take its place.
    pub(in crate::store) fn is_closed(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(connection) => connection.is_closed(),
        }
    }
}

impl Transaction<'_> {
    /// Makes everything stand; on the disk when this returns.
    pub(in crate::store) fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.commit()?),
            Self::Postgres(transaction) => transaction.commit(),
        }
    }

    /// A statement, looked up among those that were used before.
    pub(in crate::store) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(transaction) => Statement::Sqlite(transaction.prepare_cached(sql)?),
            Self::Postgres(transaction) => Statement::Postgres(transaction.prepare(sql)?),
        })
    }

    /// Runs a statement once; says how many rows it changed.
    pub(in crate::store) fn execute(&self, sql: &str, values: impl Parameters) -> Result<usize> {
        self.prepare(sql)?.execute(values)
    }

    /// The one row of a question.
    pub(in crate::store) fn query_row<T>(
        &self,
        sql: &str,
        values: impl Parameters,
        map: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare(sql)?.query_row(values, map)
    }

    /// Runs several statements without parameters.
    pub(in crate::store) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.execute_batch(sql)?),
            Self::Postgres(transaction) => transaction.execute_batch(sql),
        }
    }

    /// Runs work so that it can be undone without the rest of the transaction.
    pub(in crate::store) fn apart<T, E: From<Error>>(
        &self,
        work: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.execute_batch("SAVEPOINT apart")?;
        let result = work();
        if result.is_err() {
            match self {
                Self::Sqlite(transaction) => transaction
                    .execute_batch("ROLLBACK TO SAVEPOINT apart")
                    .map_err(Error::from)?,
                Self::Postgres(transaction) => transaction.undo_to("apart")?,
            }
        }
        self.execute_batch("RELEASE SAVEPOINT apart")?;
        result
    }

    /// Shows each row of a question without parameters, however many there are.
    pub(in crate::store) fn each_row(
        &self,
        sql: &str,
        mut show: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Sqlite(_) => {
                let mut statement = self.prepare(sql)?;
                let mut rows = statement.query(())?;
                while let Some(row) = rows.next()? {
                    show(&row)?;
                }
                Ok(())
            }
            Self::Postgres(transaction) => {
                transaction.each_row(sql, |row| show(&Row::Postgres(row)))
            }
        }
    }

    /// The number of the last migration that this database has seen.
    pub(in crate::store) fn schema_version(&self) -> Result<u32> {
        match self {
            Self::Sqlite(transaction) => sqlite::schema_version(transaction),
            Self::Postgres(transaction) => transaction.schema_version(),
        }
    }

    /// Writes that number down.
    pub(in crate::store) fn set_schema_version(&self, version: u32) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => sqlite::set_schema_version(transaction, version),
            Self::Postgres(transaction) => transaction.set_schema_version(version),
        }
    }

    /// Whether it is one of a server.
    pub(in crate::store) const fn is_on_server(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Makes all tables in a database that has none; in a file migrations do that.
    pub(in crate::store) fn create(&self, shape: &Shape) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(transaction) => transaction.create(shape),
        }
    }

    /// Runs a migration.
    pub(in crate::store) fn define(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.execute_batch(sql)?),
            Self::Postgres(transaction) => transaction.define(sql),
        }
    }

    /// Switches triggers off; what is returned switches them on again.
    pub(super) fn set_triggers_aside(&self, shape: &Shape) -> Result<String> {
        match self {
            Self::Sqlite(transaction) => sqlite::set_triggers_aside(transaction),
            Self::Postgres(transaction) => transaction.set_triggers_aside(shape),
        }
    }

    /// After rows were put in with their numbers: lets the tables count on from there.
    pub(super) fn count_on(&self, shape: &Shape) -> Result<()> {
        match self {
            // It looks at the largest number by itself.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(transaction) => transaction.count_on(shape),
        }
    }
}

impl Statement<'_> {
    /// Runs it; says how many rows it changed.
    pub(in crate::store) fn execute(&mut self, values: impl Parameters) -> Result<usize> {
        let values = values.values()?;
        match self {
            Self::Sqlite(statement) => Ok(statement.execute(rusqlite::params_from_iter(values))?),
            Self::Postgres(statement) => statement.execute(&values),
        }
    }

    /// Asks it.
    pub(in crate::store) fn query(&mut self, values: impl Parameters) -> Result<Rows<'_>> {
        let values = values.values()?;
        Ok(match self {
            Self::Sqlite(statement) => {
                Rows::Sqlite(statement.query(rusqlite::params_from_iter(values))?)
            }
            Self::Postgres(statement) => {
                Rows::Postgres(statement.query(&values)?.into_iter(), None)
            }
        })
    }

    /// Asks it for exactly one row; [`Error::NoRow`] when there is none.
    pub(in crate::store) fn query_row<T>(
        &mut self,
        values: impl Parameters,
        map: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut rows = self.query(values)?;
        map(&rows.next()?.ok_or(Error::NoRow)?)
    }

    /// Asks it, each row made into something.
    pub(in crate::store) fn query_map<T, F: FnMut(&Row<'_>) -> Result<T>>(
        &mut self,
        values: impl Parameters,
        map: F,
    ) -> Result<MappedRows<'_, F>> {
        Ok(MappedRows {
            rows: self.query(values)?,
            map,
        })
    }

    /// Whether it finds anything.
    pub(in crate::store) fn exists(&mut self, values: impl Parameters) -> Result<bool> {
        Ok(self.query(values)?.next()?.is_some())
    }
}

impl Rows<'_> {
    /// The next row.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Row<'_>>> {
        Ok(match self {
            Self::Sqlite(rows) => rows.next()?.map(Row::Sqlite),
            Self::Postgres(rows, row) => {
                *row = rows.next();
                row.as_ref().map(Row::Postgres)
            }
        })
    }
}

impl<T, F: FnMut(&Row<'_>) -> Result<T>> Iterator for MappedRows<'_, F> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next() {
            Ok(Some(row)) => Some((self.map)(&row)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl Row<'_> {
    /// What a column holds, as it is.
    pub(in crate::store) fn value(&self, column: usize) -> Result<ValueRef<'_>> {
        match self {
            Self::Sqlite(row) => sqlite::value(row, column),
            Self::Postgres(row) => postgres::value(row, column),
        }
    }

    /// What a column holds, as something of Rust.
    pub(in crate::store) fn get<T: FromValue>(&self, column: usize) -> Result<T> {
        let value = self.value(column)?;
        T::from_value(value).ok_or(Error::Type {
            column,
            found: value.kind(),
            wanted: T::WANTED,
        })
    }
}
