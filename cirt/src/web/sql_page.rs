//! Questions in SQL, for what the other pages do not ask: read-only, within the reader's tenant, limited in time, memory and rows.
//!
//! The question stands in the address, so that it can be kept and handed on; each one that is asked goes into the audit trail.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::csv_download::csv_download;
use super::error_page::{PageError, render};
use super::frame::Frame;
use super::session::SignedIn;
use super::state::WebState;
use crate::api::sql_csv;
use crate::limits::{SQL_BYTES, SQL_DEADLINE, SQL_PAGE_ROWS};
use crate::query::{Scope, percent_encode};
use crate::store::{SqlAnswer, Store, StoreError, sql_tables};

/// Questions to begin with, and the message that says what each asks.
const EXAMPLES: [(&str, &str); 4] = [
    (
        "sql-example-ports",
        "SELECT destination_port, count(*) AS findings\nFROM finding\nWHERE last >= now() - INTERVAL '7 days'\nGROUP BY destination_port ORDER BY findings DESC LIMIT 20",
    ),
    (
        "sql-example-many-sensors",
        "SELECT value, count(DISTINCT sensor) AS sensors, sum(findings) AS findings\nFROM sighting\nWHERE kind = 'address'\nGROUP BY value HAVING count(DISTINCT sensor) > 1\nORDER BY sensors DESC, findings DESC LIMIT 50",
    ),
    (
        "sql-example-rules",
        "SELECT rule.message, sum(day_total.findings) AS findings, count(DISTINCT day_total.sensor) AS sensors\nFROM day_total LEFT JOIN rule USING (gid, sid, rev)\nGROUP BY rule.message ORDER BY findings DESC LIMIT 20",
    ),
    (
        "sql-example-hours",
        "SELECT sensor, hour, sum(findings) AS findings\nFROM hour_total\nGROUP BY sensor, hour ORDER BY findings DESC LIMIT 24",
    ),
];

#[derive(Deserialize)]
pub(super) struct SqlQuery {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "sql.html")]
struct SqlTemplate {
    frame: Frame,
    question: String,
    most_bytes: usize,
    seconds: String,
    tables: Vec<(&'static str, String)>,
    examples: Vec<Example>,
    /// Why there is no answer.
    mistake: Option<String>,
    answer: Option<Answer>,
}

struct Example {
    title: String,
    link: String,
}

struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
    count: u64,
    is_cut: bool,
    csv: String,
}

impl From<(SqlAnswer, &str)> for Answer {
    fn from((mut answer, question): (SqlAnswer, &str)) -> Self {
        let is_cut = answer.is_cut || answer.rows.len() > SQL_PAGE_ROWS;
        answer.rows.truncate(SQL_PAGE_ROWS);
        Self {
            count: answer.rows.len() as u64,
            columns: answer.columns,
            rows: answer.rows,
            is_cut,
            csv: address("/sql.csv", question),
        }
    }
}

fn address(path: &str, question: &str) -> String {
    format!("{path}?q={}", percent_encode(question))
}

/// Asks, and writes down who asked what.
fn ask(store: &Store, user: &str, scope: Scope, question: &str) -> Result<SqlAnswer, StoreError> {
    let asked: String = question.chars().take(300).collect();
    store.record_audit(user, "sql.ask", &asked)?;
    store.ask_sql(scope, question)
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<SqlQuery>,
) -> Result<Response, PageError> {
    let frame = Frame::of(&state, &session, "findings");
    let question = query.q.trim().to_owned();
    let (mut answer, mut mistake) = (None, None);
    if !question.is_empty() {
        let (asked, scope) = (question.clone(), session.scope());
        let found = state
            .query(
                move |store| match ask(store, &session.user, scope, &asked) {
                    // What the asker can mend stands on the page, with the question.
                    Err(error) if error.is_for_the_asker() => Ok(Err(error.to_string())),
                    other => other.map(Ok),
                },
            )
            .await?;
        match found {
            Ok(found) => answer = Some(Answer::from((found, question.as_str()))),
            Err(error) => mistake = Some(error),
        }
    }
    render(&SqlTemplate {
        question,
        most_bytes: SQL_BYTES,
        seconds: SQL_DEADLINE.as_secs().to_string(),
        tables: sql_tables()
            .into_iter()
            .map(|(name, columns)| (name, columns.join(", ")))
            .collect(),
        examples: EXAMPLES
            .into_iter()
            .map(|(title, question)| Example {
                title: frame.t(title),
                link: address("/sql", question),
            })
            .collect(),
        mistake,
        answer,
        frame,
    })
}

/// The same answer as CSV, with all rows that an answer may have.
pub(super) async fn csv(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<SqlQuery>,
) -> Result<Response, PageError> {
    let scope = session.scope();
    let answer = state
        .query(move |store| ask(store, &session.user, scope, &query.q))
        .await?;
    csv_download(sql_csv(&answer), "lapwing-answer.csv")
}
