//! Who did what, and whether the trail is whole.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::SignedIn;
use super::state::WebState;
use crate::limits::PAGE_ROWS;
use crate::store::AuditEntry;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditTemplate {
    frame: Frame,
    lines: Vec<(String, AuditEntry)>,
    count: u64,
    digest: String,
    broken_at: Option<u64>,
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    let (lines, verdict) = state
        .query(|store| Ok((store.audit_trail(PAGE_ROWS * 2)?, store.verify_audit()?)))
        .await?;
    render(&AuditTemplate {
        frame: Frame::of(&state, &session, "audit"),
        lines: lines
            .into_iter()
            .map(|line| (format::time(line.at), line))
            .collect(),
        count: verdict.lines,
        digest: hex::encode(verdict.head),
        broken_at: verdict.broken_at,
    })
}
