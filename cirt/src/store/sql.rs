//! SQL for analysts: what the pages do not ask.
//!
//! The engine is the one that reads the table of findings; it is given the rows of the scope and nothing else
//! (`lapwing_lake::sql`). The small tables that a question names are copied out of the database, as far as the scope
//! shows them, before the question is looked at: SQL of people never reaches the database itself.

use super::database::{Transaction, ValueRef};
use jiff::Timestamp;
use lapwing_lake::{SqlColumn, SqlLimits, SqlTable, lake_tables, tables_of};
use serde::Serialize;
use utoipa::ToSchema;

use super::findings::lake_scope;
use super::{Store, StoreError, tables};
use crate::limits::{SQL_ANSWER_BYTES, SQL_BYTES, SQL_DEADLINE, SQL_ROWS, SQL_TABLE_ROWS};
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

/// A table of the database that a question may name: its columns, each as text or as number, and where they come from.
struct Shown {
    name: &'static str,
    columns: &'static [(&'static str, Kind, &'static str)],
    from: &'static str,
    /// Whether its rows belong to sensors, and so to a scope.
    is_scoped: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    /// A text such as `2026-05-01`, from days since 1970.
    Day,
    /// A text such as `2026-05-01 13:00:00`, from hours since 1970.
    Hour,
}

impl Kind {
    /// What a column of text holds, as it is shown.
    fn text(self, value: ValueRef<'_>) -> Option<String> {
        let written = |seconds: Option<i64>, form| {
            let time = Timestamp::from_second(seconds?).ok()?;
            Some(time.strftime(form).to_string())
        };
        match (self, value) {
            (Self::Text, ValueRef::Text(text)) => Some(text.to_owned()),
            (Self::Day, ValueRef::Integer(days)) => written(days.checked_mul(86_400), "%Y-%m-%d"),
            (Self::Hour, ValueRef::Integer(hours)) => {
                written(hours.checked_mul(3_600), "%Y-%m-%d %H:%M:%S")
            }
            _ => None,
        }
    }
}

const SHOWN: [Shown; 4] = [
    Shown {
        name: "day_total",
        columns: &[
            ("day", Kind::Day, "day"),
            ("sensor", Kind::Text, "sensor.name"),
            ("gid", Kind::Number, "gid"),
            ("sid", Kind::Number, "sid"),
            ("rev", Kind::Number, "rev"),
            ("severity", Kind::Number, "severity"),
            ("findings", Kind::Number, "findings"),
            ("hits", Kind::Number, "hits"),
        ],
        from: "day_total JOIN sensor ON sensor.key = day_total.sensor_key",
        is_scoped: true,
    },
    Shown {
        name: "hour_total",
        columns: &[
            ("hour", Kind::Hour, "hour"),
            ("sensor", Kind::Text, "sensor.name"),
            ("severity", Kind::Number, "severity"),
            ("findings", Kind::Number, "findings"),
        ],
        from: "hour_total JOIN sensor ON sensor.key = hour_total.sensor_key",
        is_scoped: true,
    },
    Shown {
        name: "sensor",
        columns: &[
            ("name", Kind::Text, "sensor.name"),
            ("tenant", Kind::Text, "tenant.name"),
        ],
        from: "sensor LEFT JOIN tenant ON tenant.key = sensor.tenant_key",
        is_scoped: true,
    },
    Shown {
        name: "rule",
        columns: &[
            ("gid", Kind::Number, "gid"),
            ("sid", Kind::Number, "sid"),
            ("rev", Kind::Number, "rev"),
            ("message", Kind::Text, "message"),
            ("class_type", Kind::Text, "class_type"),
            ("category", Kind::Text, "category"),
            ("severity", Kind::Number, "severity"),
            ("body", Kind::Text, "body"),
        ],
        from: "rule",
        is_scoped: false,
    },
];

/// The tables that a question may name, with their columns.
#[must_use]
pub fn sql_tables() -> Vec<(&'static str, Vec<&'static str>)> {
    let small = SHOWN.iter().map(|shown| {
        let columns = shown.columns.iter().map(|(name, _, _)| *name);
        (shown.name, columns.collect())
    });
    lake_tables().into_iter().chain(small).collect()
}

/// What a question with a `finding` in it needs besides: the names of the sensors in the scope.
const SENSOR_NAMES: Shown = Shown {
    name: "",
    columns: &[
        ("sensor_name_key", Kind::Number, "sensor.key"),
        ("sensor_name", Kind::Text, "sensor.name"),
    ],
    from: "sensor",
    is_scoped: true,
};

/// Copies a table out, as far as a scope shows it.
fn copy(
    transaction: &Transaction<'_>,
    scope: Scope,
    shown: &Shown,
) -> Result<SqlTable, StoreError> {
    let expressions: Vec<&str> = shown.columns.iter().map(|(_, _, sql)| *sql).collect();
    let condition = if shown.is_scoped {
        scope.sensor_condition("sensor.key")
    } else {
        "TRUE".to_owned()
    };
    let sql = format!(
        "SELECT {} FROM {} WHERE {condition} LIMIT {}",
        expressions.join(", "),
        shown.from,
        SQL_TABLE_ROWS + 1
    );
    let mut texts: Vec<Vec<Option<String>>> = vec![Vec::new(); shown.columns.len()];
    let mut numbers: Vec<Vec<Option<i64>>> = vec![Vec::new(); shown.columns.len()];
    let mut statement = transaction.prepare(&sql)?;
    let mut rows = statement.query(())?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        if count > SQL_TABLE_ROWS {
            return Err(StoreError::Refused(format!(
                "sql: {} has more than {SQL_TABLE_ROWS} rows: ask `finding` instead",
                shown.name
            )));
        }
        let columns = texts.iter_mut().zip(&mut numbers).zip(shown.columns);
        for (index, ((texts, numbers), (_, kind, _))) in columns.enumerate() {
            match kind {
                Kind::Number => numbers.push(row.get(index)?),
                kind => texts.push(kind.text(row.value(index)?)),
            }
        }
    }
    let columns = shown.columns.iter().zip(texts).zip(numbers);
    Ok(SqlTable {
        columns: columns
            .map(|(((name, kind, _), texts), numbers)| {
                let column = match kind {
                    Kind::Number => SqlColumn::Number(numbers),
                    _ => SqlColumn::Text(texts),
                };
                (*name, column)
            })
            .collect(),
    })
}

impl Store {
    /// Asks one question in SQL within a scope.
    ///
    /// # Errors
    /// When it is no single SELECT, names what there is not, or takes too long.
    pub fn ask_sql(&self, scope: Scope, sql: &str) -> Result<SqlAnswer, StoreError> {
        if sql.len() > SQL_BYTES {
            return Err(StoreError::Refused(format!(
                "sql: longer than {SQL_BYTES} bytes"
            )));
        }
        let named = tables_of(sql)?;
        self.read_within(SQL_DEADLINE, |transaction| {
            let mut small = Vec::new();
            for shown in SHOWN
                .iter()
                .filter(|shown| named.iter().any(|name| name == shown.name))
            {
                small.push((shown.name, copy(transaction, scope, shown)?));
            }
            let sensors = copy(transaction, scope, &SENSOR_NAMES)?;
            let (lake, fresh) = match self.tables().sight(transaction)? {
                Some(sight) => (sight.lake, sight.fresh),
                // A table without findings answers as well.
                None => {
                    let state = tables::state(transaction)?;
                    (self.tables().open(&state)?, lapwing_lake::Fresh::default())
                }
            };
            let limits = SqlLimits {
                deadline: SQL_DEADLINE,
                rows: SQL_ROWS,
                bytes: SQL_ANSWER_BYTES,
            };
            let scope = lake_scope(transaction, scope)?;
            let answer = lake.sql(fresh, &scope, sensors, small, sql, limits)?;
            Ok(SqlAnswer {
                columns: answer.columns,
                rows: answer.rows,
                is_cut: answer.is_cut,
            })
        })
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
        self.read(|transaction| Ok(transaction.prepare(&sql)?.query_row((), |row| row.get(0))?))
    }
}
