//! PostgreSQL, 15 or later: a connection, its transactions and statements.
//!
//! What SQLite's one writer gives for nothing is asked for here: a transaction that writes alone waits for one lock of
//! the whole database, whichever process it is in. Only what takes batches into the inbox shares: those transactions
//! touch rows that nothing else adds, and the unique key of a batch decides between two of them.

mod address;
mod dialect;
mod runtime;
mod schema;
mod tls;
mod value;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

pub use address::Server;
use runtime::{sockets, wait};
use value::Column;

use super::connection::Purpose;
use super::error::{Error, Result};
use super::value::ValueRef;

/// The schema that everything lies in.
const SCHEMA: &str = "lapwing";
/// Statements kept ready a connection.
const STATEMENTS_KEPT: usize = 256;

/// Few rows, for one may be megabytes.
const FETCH: &str = "FETCH FORWARD 64 FROM reading";

/// Lock of the whole database that the one transaction holds which writes alone. The numbers are our own.
const WRITE_LOCK: i64 = 0x6c61_7077_0001;
/// The one that the process holds which loads, publishes and tidies.
const LEAD_LOCK: i64 = 0x6c61_7077_0002;

/// One connection.
pub(in crate::store) struct Connection {
    client: Client,
    statements: RefCell<HashMap<String, tokio_postgres::Statement>>,
    /// What a statement of the next transactions may take.
    deadline: Option<Duration>,
    /// A statement of the transaction in progress failed: the server will undo all of it.
    has_failed: Cell<bool>,
}

/// A transaction, undone when it is dropped.
pub(in crate::store) struct Transaction<'c> {
    connection: &'c Connection,
    is_open: bool,
}

/// A statement that the server has looked at.
pub(in crate::store) struct Statement<'t> {
    connection: &'t Connection,
    statement: tokio_postgres::Statement,
}

impl Connection {
    /// Connects, and makes sure that what is committed there is on the disk.
    pub(in crate::store) fn open(server: &Server) -> Result<Self> {
        let tls = tls::Tls::trusting(server.known.authority.as_deref())?;
        let config = server.known.config.clone();
        let sockets = sockets()?;
        let connecting = sockets.spawn(async move {
            let (client, connection) = config.connect(tls).await?;
            // Ends with the client; why it broke is told to whoever asks next.
            tokio::spawn(connection);
            Ok::<_, tokio_postgres::Error>(client)
        });
        let client = wait(connecting).map_err(|_| Error::Content("connecting broke off"))??;
        let connection = Self {
            client,
            statements: RefCell::default(),
            deadline: None,
            has_failed: Cell::new(false),
        };
        // A process that stands still with a lock in its hand, or is not there any more, must not stop the others for ever.
        connection.batch(&format!(
            "SET search_path = {SCHEMA}; SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '5min';
             SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
        ))?;
        connection.check_durability()?;
        Ok(connection)
    }

    /// An acknowledgement promises that a batch is on the disk: a server that does not sync cannot give one.
    fn check_durability(&self) -> Result<()> {
        let sql = "SELECT current_setting('fsync'), current_setting('full_page_writes'),
                current_setting('server_encoding'), current_setting('synchronous_commit')";
        let row = wait(self.client.query_one(sql, &[]))?;
        let setting = |index: usize| row.try_get::<_, String>(index);
        if setting(0)? != "on" || setting(1)? != "on" {
            return Err(Error::Server(
                "fsync or full_page_writes is off: switch both on",
            ));
        }
        if setting(2)? != "UTF8" {
            return Err(Error::Server(
                "the database is not in UTF8: make it with ENCODING UTF8",
            ));
        }
        if setting(3)? == "off" {
            self.batch("SET synchronous_commit = on")?;
        }
        Ok(())
    }

    /// Whether the other end has gone.
    pub(in crate::store) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) fn begin(&mut self, purpose: Purpose) -> Result<Transaction<'_>> {
        let transaction = Transaction {
            connection: self,
            is_open: true,
        };
        transaction.connection.has_failed.set(false);
        let mut sql = match purpose {
            Purpose::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            Purpose::Share => "BEGIN".to_owned(),
            Purpose::Write => format!("BEGIN; SELECT pg_advisory_xact_lock({})", WRITE_LOCK),
        };
        if let Some(deadline) = transaction.connection.deadline {
            sql.push_str(&format!(
                "; SET LOCAL statement_timeout = {}",
                deadline.as_millis().max(1)
            ));
        }
        transaction.connection.batch(&sql)?;
        Ok(transaction)
    }

    pub(super) const fn give_up_after(&mut self, deadline: Option<Duration>) {
        self.deadline = deadline;
    }

    /// Takes the lead among the processes over one database, or keeps it; it ends with the connection.
    pub(in crate::store) fn lead(&self) -> Result<bool> {
        // A lock that is held already is taken once more, so it is looked at first.
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
                AND (classid::bigint << 32) + objid::bigint = {0}) OR pg_try_advisory_lock({0})",
            LEAD_LOCK
        );
        Ok(wait(self.client.query_one(&sql, &[]))?.try_get(0)?)
    }

    fn batch(&self, sql: &str) -> Result<()> {
        self.watched(wait(self.client.batch_execute(sql)))
    }

    fn watched<T>(&self, outcome: std::result::Result<T, tokio_postgres::Error>) -> Result<T> {
        outcome.map_err(|error| {
            self.has_failed.set(true);
            error.into()
        })
    }

    fn prepared(&self, sql: &str) -> Result<tokio_postgres::Statement> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let written = dialect::placeholders(sql);
        let statement = self.watched(wait(self.client.prepare(&written)))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS_KEPT {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Transaction<'_> {
    pub(super) fn commit(mut self) -> Result<()> {
        // The server answers COMMIT of a failed transaction by undoing it, and calls that a success.
        if self.connection.has_failed.get() {
            return Err(Error::Content(
                "a statement of this transaction failed before",
            ));
        }
        self.is_open = false;
        self.connection.batch("COMMIT")
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(Statement {
            connection: self.connection,
            statement: self.connection.prepared(sql)?,
        })
    }

    /// Shows each row of a question, a few at a time.
    pub(super) fn each_row(
        &self,
        sql: &str,
        mut show: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        let connection = self.connection;
        connection.batch(&format!("DECLARE reading NO SCROLL CURSOR FOR {sql}"))?;
        loop {
            let rows = wait(connection.client.query(FETCH, &[]));
            let rows = connection.watched(rows)?;
            if rows.is_empty() {
                return connection.batch("CLOSE reading");
            }
            rows.iter().try_for_each(&mut show)?;
        }
    }

    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        self.connection.batch(sql)
    }

    /// Goes back to a savepoint; what failed behind it counts no more.
    pub(super) fn undo_to(&self, savepoint: &str) -> Result<()> {
        self.connection
            .batch(&format!("ROLLBACK TO SAVEPOINT {savepoint}"))?;
        self.connection.has_failed.set(false);
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open && !self.connection.is_closed() {
            // Where the connection breaks the server undoes it by itself.
            self.connection.batch("ROLLBACK").ok();
        }
    }
}

impl Statement<'_> {
    pub(super) fn execute(&self, values: &[ValueRef<'_>]) -> Result<usize> {
        let values = parameters(values);
        let changed = wait(self.client().execute(&self.statement, &values));
        let changed = self.connection.watched(changed)?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// All rows at once: a second question may then be asked while the first one's rows are looked at.
    pub(super) fn query(&self, values: &[ValueRef<'_>]) -> Result<Vec<Row>> {
        let values = parameters(values);
        let rows = wait(self.client().query(&self.statement, &values));
        self.connection.watched(rows)
    }

    const fn client(&self) -> &Client {
        &self.connection.client
    }
}

fn parameters<'v>(values: &'v [ValueRef<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

/// What a column of a row holds.
pub(super) fn value(row: &Row, column: usize) -> Result<ValueRef<'_>> {
    Ok(row.try_get::<_, Column<'_>>(column)?.0)
}
