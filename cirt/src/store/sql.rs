//! SQL for analysts: what the pages do not ask.
//!
//! A connection of its own, made for one question and thrown away: read-only by its flags and by `query_only`; views
//! that hold only the rows of the scope stand in for the tables, and SQLite's authorizer lets nothing be read but
//! through them; a progress handler ends what takes too long; rows and bytes of the answer are capped.
//!
//! The authorizer knows by name which view a table is read for, and a question may give any name to a `WITH`. So the
//! views that read tables have names of 128 random bits, made anew for each question; what people name are views over
//! those. The engine may change; what is written in SQL is not portable, and the documentation says so.

use std::collections::BTreeSet;
use std::time::Instant;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Store, StoreError};
use crate::limits::{SQL_ANSWER_BYTES, SQL_BYTES, SQL_DEADLINE, SQL_ROWS};
use crate::query::Scope;

/// What came of a question.
#[derive(Debug, Serialize, ToSchema)]
pub struct SqlAnswer {
    pub columns: Vec<String>,
    /// Each value as text; null stays null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there were more rows than are here.
    pub is_cut: bool,
}

/// View, and its columns over the table of the same name.
const VIEWS: [(&str, &str, &str); 6] = [
    (
        "finding",
        "sensor.name AS sensor, datetime(first_ms / 1000, 'unixepoch') AS first, datetime(last_ms / 1000, 'unixepoch') AS last,
         hits, gid, sid, rev, severity, show_address(source, source_disclosure) AS source, source_port,
         show_address(destination, destination_disclosure) AS destination, destination_port, protocol, app_protocol,
         packets_to_server, bytes_to_server, packets_to_client, bytes_to_client, facts",
        "main.finding JOIN main.sensor ON sensor.key = finding.sensor_key",
    ),
    (
        "day_total",
        "date(day * 86400, 'unixepoch') AS day, sensor.name AS sensor, gid, sid, rev, severity, findings, hits",
        "main.day_total JOIN main.sensor ON sensor.key = day_total.sensor_key",
    ),
    (
        "hour_total",
        "datetime(hour * 3600, 'unixepoch') AS hour, sensor.name AS sensor, severity, findings",
        "main.hour_total JOIN main.sensor ON sensor.key = hour_total.sensor_key",
    ),
    (
        "sighting",
        "CASE kind WHEN 0 THEN 'address' WHEN 1 THEN 'pseudonym' ELSE 'host' END AS kind,
         show_sighting(kind, value) AS value, date(day * 86400, 'unixepoch') AS day, sensor.name AS sensor, findings, hits",
        "main.sighting JOIN main.sensor ON sensor.key = sighting.sensor_key",
    ),
    (
        "sensor",
        "sensor.name AS name, tenant.name AS tenant",
        "main.sensor LEFT JOIN main.tenant ON tenant.key = sensor.tenant_key",
    ),
    (
        "rule",
        "gid, sid, rev, message, class_type, category, severity, body",
        "main.rule",
    ),
];

/// The tables that the views read.
const READ_BY_VIEWS: [&str; 7] = [
    "finding",
    "day_total",
    "hour_total",
    "sighting",
    "sensor",
    "tenant",
    "rule",
];

/// Whether a question has the word `main`, with which it could name a table behind the views.
fn names_the_database(sql: &str) -> bool {
    sql.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$'))
        .any(|word| word.eq_ignore_ascii_case("main"))
}

/// An address as people read it.
fn address_text(bytes: &[u8]) -> Option<String> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    let address = std::net::Ipv6Addr::from(bytes);
    Some(
        address
            .to_ipv4_mapped()
            .map_or_else(|| address.to_string(), |address| address.to_string()),
    )
}

fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    use rusqlite::functions::FunctionFlags as Flags;
    let flags = Flags::SQLITE_UTF8 | Flags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("show_address", 2, flags, |context| {
        Ok(match (context.get_raw(0), context.get::<i64>(1)?) {
            (ValueRef::Blob(bytes), 0) => address_text(bytes),
            (ValueRef::Blob(bytes), _) => address_text(bytes).map(|text| format!("~{text}")),
            _ => None,
        })
    })?;
    connection.create_scalar_function("show_sighting", 2, flags, |context| {
        Ok(match (context.get::<i64>(0)?, context.get_raw(1)) {
            (2, ValueRef::Blob(bytes)) => {
                let forwards: Vec<u8> = bytes.iter().rev().copied().collect();
                Some(String::from_utf8_lossy(&forwards).into_owned())
            }
            (_, ValueRef::Blob(bytes)) => address_text(bytes),
            _ => None,
        })
    })
}

fn prepare(path: &std::path::Path, scope: Scope) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(SQL_DEADLINE)?;
    add_functions(&connection)?;
    // Before the views: a change of it would drop them.
    connection.pragma_update(None, "temp_store", "FILE")?;
    let tables: BTreeSet<String> = connection
        .prepare("SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view')")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let secret = format!("scope_{:032x}_", rand::random::<u128>());
    for (name, columns, from) in VIEWS {
        // Not the usual condition: in a temporary view a bare `sensor` would be the view of that name.
        let condition = match (name, scope) {
            ("rule", _) | (_, Scope::Nation) => "TRUE".to_owned(),
            (_, Scope::Tenant(tenant)) => format!("sensor.tenant_key = {}", tenant.0),
        };
        connection.execute_batch(&format!(
            "CREATE TEMP VIEW {secret}{name} AS SELECT {columns} FROM {from} WHERE {condition};
             CREATE TEMP VIEW {name} AS SELECT * FROM temp.{secret}{name};"
        ))?;
    }
    connection.pragma_update(None, "query_only", true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, SQL_ANSWER_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, 100)?;
    connection.set_limit(Limit::SQLITE_LIMIT_COMPOUND_SELECT, 20)?;
    let names: BTreeSet<&str> = VIEWS.iter().map(|(name, _, _)| *name).collect();
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        let is_allowed = match context.action {
            AuthAction::Select | AuthAction::Recursive => true,
            AuthAction::Function { function_name } => {
                !function_name.eq_ignore_ascii_case("load_extension")
            }
            AuthAction::Read {
                table_name,
                column_name,
            } => {
                let by_view = context
                    .accessor
                    .is_some_and(|accessor| accessor.starts_with(&secret));
                by_view
                    || match context.database_name {
                        Some("temp") => !table_name.starts_with("sqlite_"),
                        // Rows that are only counted, by a view that SQLite wrote out; a question cannot say `main`.
                        Some("main") => {
                            column_name.is_empty() && READ_BY_VIEWS.contains(&table_name)
                        }
                        Some(_) => false,
                        // The same, told as the question wrote it.
                        None => names.contains(table_name) || !tables.contains(table_name),
                    }
            }
            _ => false,
        };
        if is_allowed {
            Authorization::Allow
        } else {
            Authorization::Deny
        }
    }))?;
    let end = Instant::now() + SQL_DEADLINE;
    connection.progress_handler(10_000, Some(move || Instant::now() >= end))?;
    Ok(connection)
}

impl Store {
    /// Asks one question in SQL within a scope.
    ///
    /// # Errors
    /// When it is no single SELECT, reads what it may not, or takes too long.
    pub fn ask_sql(&self, scope: Scope, sql: &str) -> Result<SqlAnswer, StoreError> {
        let refused = |error: rusqlite::Error| match error {
            rusqlite::Error::SqliteFailure(cause, _)
                if cause.code == rusqlite::ErrorCode::OperationInterrupted =>
            {
                StoreError::TooSlow(SQL_DEADLINE)
            }
            error => StoreError::Refused(format!("sql: {error}")),
        };
        if names_the_database(sql) {
            let reason = "sql: the word main may not stand in a question";
            return Err(StoreError::Refused(reason.to_owned()));
        }
        let connection = prepare(self.path(), scope)?;
        let mut statement = connection.prepare(sql).map_err(refused)?;
        if !statement.readonly() || statement.column_count() == 0 || statement.is_explain() != 0 {
            return Err(StoreError::Refused("sql: ask with SELECT".to_owned()));
        }
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut answer = SqlAnswer {
            columns,
            rows: Vec::new(),
            is_cut: false,
        };
        let mut room = usize::try_from(SQL_ANSWER_BYTES).unwrap_or(usize::MAX);
        let mut rows = statement.query([]).map_err(refused)?;
        while let Some(row) = rows.next().map_err(refused)? {
            let mut cells = Vec::with_capacity(answer.columns.len());
            for index in 0..answer.columns.len() {
                let cell = match row.get_ref(index).map_err(refused)? {
                    ValueRef::Null => None,
                    ValueRef::Integer(number) => Some(number.to_string()),
                    ValueRef::Real(number) => Some(number.to_string()),
                    ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Some(hex::encode(bytes)),
                };
                room = room.saturating_sub(cell.as_ref().map_or(1, String::len) + 8);
                cells.push(cell);
            }
            if answer.rows.len() >= SQL_ROWS || room == 0 {
                answer.is_cut = true;
                break;
            }
            answer.rows.push(cells);
        }
        Ok(answer)
    }

    /// Findings stored within a scope.
    ///
    /// # Errors
    /// When the database fails.
    pub fn findings_total(&self, scope: Scope) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT coalesce(sum(findings), 0) FROM sensor_total WHERE {}",
            scope.sensor_condition("sensor_key")
        );
        self.read(|transaction| {
            Ok(transaction
                .prepare_cached(&sql)?
                .query_row([], |row| row.get(0))?)
        })
    }
}
