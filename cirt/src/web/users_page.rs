//! Users and tenants, for administrators.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::{CheckedForm, Nothing, SignedIn};
use super::state::WebState;
use crate::people::Role;
use crate::query::Scope;
use crate::secrets::{hash_password, readable_password};
use crate::settings::Name;
use crate::store::{Session, Tenant, TenantKind, User};

#[derive(Template)]
#[template(path = "users.html")]
struct UsersTemplate {
    frame: Frame,
    users: Vec<UserLine>,
    tenants: Vec<Tenant>,
    roles: Vec<(&'static str, String)>,
    /// Name and password of a user just added or reset, shown once.
    secret: Option<(String, String)>,
}

struct UserLine {
    name: String,
    role: String,
    tenant: String,
    has_second_factor: bool,
    is_disabled: bool,
    last_login: String,
}

#[derive(Deserialize)]
pub(super) struct UserForm {
    name: String,
    role: String,
    #[serde(default)]
    tenant: String,
}

#[derive(Deserialize)]
pub(super) struct TenantForm {
    name: String,
    kind: String,
    title: String,
}

impl UserLine {
    fn of(user: User, tenants: &[Tenant], frame: &Frame) -> Self {
        let tenant = tenants
            .iter()
            .find(|tenant| Some(tenant.key) == user.tenant);
        Self {
            role: frame.t(&format!("role-{}", user.role)),
            tenant: tenant.map_or_else(|| frame.t("scope-nation"), |tenant| tenant.title.clone()),
            has_second_factor: user.totp_secret.is_some(),
            is_disabled: user.disabled.is_some(),
            last_login: user.last_login.map_or_else(|| "–".to_owned(), format::time),
            name: user.name,
        }
    }
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    page(&state, &session, None).await
}

async fn page(
    state: &Arc<WebState>,
    session: &Session,
    secret: Option<(String, String)>,
) -> Result<Response, PageError> {
    let (users, tenants) = state
        .query(|store| Ok((store.users()?, store.tenants(Scope::Nation)?)))
        .await?;
    let frame = Frame::of(state, session, "users");
    render(&UsersTemplate {
        users: users
            .into_iter()
            .map(|user| UserLine::of(user, &tenants, &frame))
            .collect(),
        tenants,
        roles: Role::ALL
            .into_iter()
            .map(|role| (role.as_str(), frame.t(&format!("role-{role}"))))
            .collect(),
        frame,
        secret,
    })
}

/// A password that is shown once, and its hash, computed where it may take its time.
async fn new_password() -> Result<(String, String), PageError> {
    let password = readable_password();
    let for_hash = password.clone();
    let hash = tokio::task::spawn_blocking(move || hash_password(&for_hash))
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| PageError::bad_request("The password could not be made.".to_owned()))?;
    Ok((password, hash))
}

pub(super) async fn add(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<UserForm>,
) -> Result<Response, PageError> {
    let name: Name = form.name.parse().map_err(bad)?;
    let role: Role = form.role.parse().map_err(PageError::bad_request)?;
    let (password, hash) = new_password().await?;
    let (actor, shown) = (session.user.clone(), name.to_string());
    state
        .query(move |store| {
            let tenant = Some(form.tenant.as_str()).filter(|tenant| !tenant.is_empty());
            store.add_user(&actor, &name, role, tenant, &hash)
        })
        .await?;
    page(&state, &session, Some((shown, password))).await
}

pub(super) async fn disable(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    state
        .query(move |store| store.disable_user(&session.user, &name))
        .await?;
    Ok(Redirect::to("/users").into_response())
}

pub(super) async fn reset(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    let (password, hash) = new_password().await?;
    let (actor, shown) = (session.user.clone(), name.clone());
    state
        .query(move |store| store.reset_user(&actor, &name, &hash))
        .await?;
    page(&state, &session, Some((shown, password))).await
}

pub(super) async fn add_tenant(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<TenantForm>,
) -> Result<Response, PageError> {
    let name: Name = form.name.parse().map_err(bad)?;
    let kind: TenantKind = form.kind.parse().map_err(PageError::bad_request)?;
    let title: String = form.title.trim().chars().take(120).collect();
    state
        .query(move |store| store.add_tenant(&session.user, &name, kind, &title))
        .await?;
    Ok(Redirect::to("/users").into_response())
}

fn bad(error: impl std::fmt::Display) -> PageError {
    PageError::bad_request(error.to_string())
}
