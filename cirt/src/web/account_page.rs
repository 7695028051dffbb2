//! A person's own matters: language, second factor, tokens for programs.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use qrcodegen::{QrCode, QrCodeEcc};
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::{CheckedForm, SignedIn};
use super::state::WebState;
use crate::language::Language;
use crate::people::{PermissionSet, SecondFactor};
use crate::secrets::{api_token, token_hash};
use crate::store::{ApiToken, Session};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountTemplate {
    frame: Frame,
    languages: Vec<(Language, bool)>,
    has_second_factor: bool,
    /// Secret offered, as hexadecimal digits for the form and as people type it.
    offered: String,
    offered_text: String,
    qr: Option<QrDrawing>,
    tokens: Vec<TokenLine>,
    scopes: Vec<String>,
    /// A token just made, shown once.
    new_token: Option<String>,
}

/// A QR code as one SVG path.
struct QrDrawing {
    size: i32,
    path: String,
}

struct TokenLine {
    key: i64,
    name: String,
    scopes: String,
    until: String,
    used: String,
    is_alive: bool,
}

#[derive(Deserialize)]
pub(super) struct LanguageForm {
    language: String,
}

#[derive(Deserialize)]
pub(super) struct SecondFactorForm {
    secret: String,
    code: String,
}

#[derive(Deserialize)]
pub(super) struct TokenForm {
    name: String,
    scopes: String,
    days: u32,
}

impl QrDrawing {
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let size = code.size();
        let mut path = String::new();
        for y in 0..size {
            for x in (0..size).filter(|x| code.get_module(*x, y)) {
                path.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
        Some(Self { size, path })
    }
}

impl TokenLine {
    fn of(token: &ApiToken, now: Timestamp) -> Self {
        Self {
            key: token.key,
            name: token.name.clone(),
            scopes: token.scopes.to_string(),
            until: format::time(token.expires),
            used: token.used.map_or_else(|| "–".to_owned(), format::time),
            is_alive: !token.revoked && token.expires > now,
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
    new_token: Option<String>,
) -> Result<Response, PageError> {
    let (name, key) = (session.user.clone(), session.user_key);
    let (user, tokens) = state
        .query(move |store| Ok((store.user(&name)?, store.tokens(key)?)))
        .await?;
    let user = user.ok_or_else(|| PageError::not_found("You are no user any more."))?;
    let secret = SecondFactor::new_secret();
    let factor = SecondFactor::of(&secret);
    let address = factor
        .as_ref()
        .map(|factor| factor.address(&state.centre, &session.user));
    let now = Timestamp::now();
    render(&AccountTemplate {
        frame: Frame::of(state, session, "account"),
        languages: Language::ALL
            .into_iter()
            .map(|language| (language, language.tag() == user.language))
            .collect(),
        has_second_factor: user.totp_secret.is_some(),
        offered: hex::encode(secret),
        offered_text: factor
            .map(|factor| factor.secret_text())
            .unwrap_or_default(),
        qr: address.and_then(|address| QrDrawing::of(&address)),
        tokens: tokens
            .iter()
            .map(|token| TokenLine::of(token, now))
            .collect(),
        scopes: session
            .role
            .permissions()
            .iter()
            .map(|permission| permission.to_string())
            .collect(),
        new_token,
    })
}

pub(super) async fn choose_language(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<LanguageForm>,
) -> Result<Response, PageError> {
    let tag = Language::from_tag(&form.language).map_or("", Language::tag);
    state
        .query(move |store| store.set_language(session.user_key, tag))
        .await?;
    Ok(Redirect::to("/account").into_response())
}

pub(super) async fn set_second_factor(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<SecondFactorForm>,
) -> Result<Response, PageError> {
    let secret = hex::decode(&form.secret)
        .map_err(|_| PageError::bad_request("The form is not complete.".to_owned()))?;
    state
        .query(move |store| {
            store.set_second_factor(
                session.user_key,
                &session.user,
                &secret,
                &form.code,
                Timestamp::now(),
            )
        })
        .await?;
    Ok(Redirect::to("/account").into_response())
}

pub(super) async fn add_token(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<TokenForm>,
) -> Result<Response, PageError> {
    let scopes: PermissionSet = form.scopes.parse().map_err(PageError::bad_request)?;
    let scopes = scopes.and(session.permissions);
    let name: String = form.name.trim().chars().take(60).collect();
    let token = api_token();
    let hash = token_hash(&token);
    let (key, user) = (session.user_key, session.user.clone());
    state
        .query(move |store| store.add_token(key, &user, &name, &hash, scopes, form.days))
        .await?;
    page(&state, &session, Some(token)).await
}

pub(super) async fn revoke_token(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
    CheckedForm(super::session::Nothing {}): CheckedForm<super::session::Nothing>,
) -> Result<Response, PageError> {
    state
        .query(move |store| store.revoke_token(session.user_key, &session.user, key))
        .await?;
    Ok(Redirect::to("/account").into_response())
}
