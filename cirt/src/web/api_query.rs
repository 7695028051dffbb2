//! `/api/v1`: help with queries, SQL, and news as they come.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use super::session::SignedIn;
use super::state::WebState;
use crate::query;
use crate::store::SqlAnswer;

/// How often a stream looks for news.
const NEWS_INTERVAL: Duration = Duration::from_secs(3);

/// A line begun.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CompleteQuery {
    /// The line up to the cursor
    #[serde(default)]
    q: String,
}

/// What may stand at the end of a line.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CompletionsView {
    completions: Vec<CompletionView>,
}

/// One possibility.
#[derive(Debug, Serialize, ToSchema)]
struct CompletionView {
    /// The whole line with it.
    line: String,
    /// An example of the value, for a key.
    hint: String,
}

/// What may stand next in a line of the query language
#[utoipa::path(get, path = "/api/v1/complete", params(CompleteQuery),
    responses((status = 200, body = CompletionsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn complete(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<CompleteQuery>,
) -> Result<Json<CompletionsView>, Problem> {
    let scope = session.scope();
    let line: String = query.q.chars().take(crate::limits::FILTER_CHARS).collect();
    let (sensors, tenants) = state
        .query(move |store| Ok((store.sensors(scope)?, store.tenants(scope)?)))
        .await?;
    let values = |key: &str| -> Vec<String> {
        match key {
            "sensor" => sensors.iter().map(|sensor| sensor.name.clone()).collect(),
            "tenant" => tenants.iter().map(|tenant| tenant.name.clone()).collect(),
            _ => Vec::new(),
        }
    };
    Ok(Json(CompletionsView {
        completions: query::complete(&line, values)
            .into_iter()
            .map(|completion| CompletionView {
                line: completion.line,
                hint: completion.hint,
            })
            .collect(),
    }))
}

/// A question in SQL.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SqlBody {
    /// One SELECT over finding, day_total, hour_total, sighting, sensor and rule
    sql: String,
}

/// Asks the store in SQL: read-only, within the caller's tenant, limited in time and rows
#[utoipa::path(post, path = "/api/v1/sql", request_body = SqlBody,
    responses((status = 200, body = SqlAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn sql(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    body: Result<Json<SqlBody>, JsonRejection>,
) -> Result<Json<SqlAnswer>, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let scope = session.scope();
    let answer = state
        .query(move |store| {
            let asked: String = body.sql.chars().take(300).collect();
            store.record_audit(&session.user, "sql.ask", &asked)?;
            store.ask_sql(scope, &body.sql)
        })
        .await?;
    Ok(Json(answer))
}

/// News as they come: an event `findings` with the number stored, whenever it changes
#[utoipa::path(get, path = "/api/v1/stream",
    responses((status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String)))]
pub(super) async fn stream(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let scope = session.scope();
    let events = unfold((state, None::<u64>), move |(state, mut known)| async move {
        loop {
            let found = state.query(move |store| store.findings_total(scope)).await;
            let Ok(found) = found else {
                return None;
            };
            let is_news = known.is_some_and(|known| known != found);
            let before = known.replace(found).unwrap_or(found);
            if is_news {
                let event = Event::default()
                    .event("findings")
                    .data(found.saturating_sub(before).to_string());
                return Some((Ok(event), (state, known)));
            }
            tokio::time::sleep(NEWS_INTERVAL).await;
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
