//! What peers push.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, Problem, admit, answer, blocking, is_ours};
use super::page::find;
use super::{ExchangeState, MEDIA_TYPE};
use crate::exchange::inbound;
use crate::exchange::limits::{TAXII_FILTER_VALUES, TAXII_PUSH_BYTES};

pub(super) async fn push(
    State(state): State<ExchangeState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer {
    let peer = admit(&state, &headers).await?;
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !is_ours(kind) || kind.starts_with('*') {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("this server takes {MEDIA_TYPE}"),
        ));
    }
    let body = body.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a push has at most {TAXII_PUSH_BYTES} bytes"),
        )
    })?;
    let kept = blocking(&state, move |store, producer| {
        let collection = find(store, producer, &peer, &id)?;
        if !collection.can_write {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "this collection is only for reading",
            ));
        }
        let objects = inbound::envelope(&body)
            .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error))?;
        let now = Timestamp::now();
        let outcome = inbound::take(store, producer, &peer, objects, now)?;
        let id = Uuid::from_u128(rand::random()).to_string();
        let status = push_status(&id, now, &outcome);
        store.keep_status(&id, &peer.name, &status.to_string(), now)?;
        Ok(status)
    })
    .await?;
    Ok(answer(StatusCode::ACCEPTED, kept))
}

/// The status resource of a push (section 4.3.1). All is done by the time it is told.
fn push_status(id: &str, now: Timestamp, outcome: &inbound::Outcome) -> Value {
    let detail = |one: &inbound::Taken| {
        let mut detail = json!({ "id": one.id, "version": format!("{:.6}", one.version) });
        if let Some(problem) = &one.problem {
            detail["message"] = problem.as_str().into();
        }
        detail
    };
    let of = |failed: bool| -> Vec<Value> {
        let chosen = outcome
            .objects
            .iter()
            .filter(|one| one.problem.is_some() == failed);
        chosen.take(TAXII_FILTER_VALUES).map(detail).collect()
    };
    let failures = outcome
        .objects
        .iter()
        .filter(|one| one.problem.is_some())
        .count();
    json!({
        "id": id,
        "status": "complete",
        "request_timestamp": format!("{now:.6}"),
        "total_count": outcome.objects.len(),
        "success_count": outcome.objects.len() - failures,
        "successes": of(false),
        "failure_count": failures,
        "failures": of(true),
        "pending_count": 0,
    })
}
