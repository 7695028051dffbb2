//! Cases, and the views that people keep.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::inbox_page::GroupLine;
use super::session::{CheckedForm, Nothing, SignedIn};
use super::state::WebState;
use crate::people::Permission;

#[derive(Template)]
#[template(path = "cases.html")]
struct CasesTemplate {
    frame: Frame,
    cases: Vec<CaseLine>,
    may_triage: bool,
}

struct CaseLine {
    key: i64,
    title: String,
    created: String,
    created_by: String,
    closed: Option<String>,
    groups: Vec<GroupLine>,
}

#[derive(Deserialize)]
pub(super) struct CaseForm {
    title: String,
}

#[derive(Deserialize)]
pub(super) struct ViewForm {
    name: String,
    link: String,
    #[serde(default)]
    shared: String,
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    let now = Timestamp::now();
    let scope = session.scope();
    let (incidents, mut groups) = state
        .query(move |store| {
            let mut groups = store.groups(scope, false, now)?;
            groups.extend(store.groups(scope, true, now)?);
            Ok((store.incidents()?, groups))
        })
        .await?;
    groups.retain(|group| group.incident.is_some());
    let frame = Frame::of(&state, &session, "inbox");
    let cases = incidents
        .into_iter()
        .map(|incident| CaseLine {
            groups: groups
                .iter()
                .filter(|group| group.incident == Some(incident.key))
                .map(|group| GroupLine::of(group, frame.texts(), &session, now))
                .collect(),
            key: incident.key,
            title: incident.title,
            created: format::time(incident.created),
            created_by: incident.created_by,
            closed: incident.closed.map(format::time),
        })
        .collect();
    render(&CasesTemplate {
        cases,
        may_triage: session.may(Permission::Triage),
        frame,
    })
}

pub(super) async fn add(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<CaseForm>,
) -> Result<Response, PageError> {
    state
        .query(move |store| store.add_incident(&session.user, &form.title))
        .await?;
    Ok(Redirect::to("/cases").into_response())
}

pub(super) async fn close(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    state
        .query(move |store| store.close_incident(&session.user, key))
        .await?;
    Ok(Redirect::to("/cases").into_response())
}

pub(super) async fn save_view(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<ViewForm>,
) -> Result<Response, PageError> {
    let target = form.link.clone();
    state
        .query(move |store| {
            store.save_view(
                session.user_key,
                &form.name,
                &form.link,
                !form.shared.is_empty(),
            )
        })
        .await?;
    Ok(Redirect::to(&target).into_response())
}

pub(super) async fn forget_view(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    state
        .query(move |store| store.forget_view(session.user_key, key))
        .await?;
    Ok(Redirect::to("/inbox").into_response())
}
