//! Who makes a request, and whether they may. The cookie is `__Host-`, Secure, HttpOnly and SameSite=Strict; programs
//! send a token instead.
//!
//! Every route but the login is behind a [`Gate`] that names the permission it needs: see `routes.rs`, where all of
//! them stand in one table. What writes also needs the session's form token, so that no other site can make a browser
//! do it: in the form for pages, in a header for the API. A token in `Authorization` needs none, for browsers never
//! send one by themselves.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, FromRequestParts, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error_page::PageError;
use super::form_token;
use super::problem::Problem;
use super::state::WebState;
use crate::language::Language;
use crate::people::Permission;
use crate::query::percent_encode;
use crate::secrets::token_hash;
use crate::store::{Session, StoreError};

/// The session's cookie.
pub(super) const SESSION_COOKIE: &str = "__Host-lapwing-session";
/// Where a script that uses the API with the session's cookie puts the form token.
const FORM_TOKEN_HEADER: &str = "x-lapwing-form-token";

/// A cookie with everything on that keeps it in.
pub(super) fn strict_cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .build()
}

/// What stands before a route.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) state: Arc<WebState>,
    /// None: any person who is logged in.
    pub(super) permission: Option<Permission>,
    pub(super) kind: GateKind,
}

/// How a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GateKind {
    /// To the login, or with a page.
    Page,
    /// With a problem document.
    Api,
}

/// Lets a request through, with its [`Session`] attached, or turns it away.
pub(super) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let found = match gate.kind {
        GateKind::Page => page_session(&gate, &parts).await,
        GateKind::Api => api_session(&gate, &parts).await,
    };
    let mut session = match found {
        Ok(session) => session,
        Err(refusal) => return *refusal,
    };
    let language = Language::chosen(&session.language, accepted_languages(&parts.headers));
    language.tag().clone_into(&mut session.language);
    parts.extensions.insert(session);
    next.run(Request::from_parts(parts, body)).await
}

async fn page_session(gate: &Gate, parts: &Parts) -> Result<Session, Box<Response>> {
    let session = cookie_session(&parts.headers, &gate.state)
        .await
        .map_err(|error| Box::new(PageError::from(error).into_response()))?;
    let Some(session) = session else {
        let wanted = parts
            .uri
            .path_and_query()
            .map_or("/", |wanted| wanted.as_str());
        let login = format!("/login?next={}", percent_encode(wanted));
        return Err(Box::new(Redirect::to(&login).into_response()));
    };
    match gate.permission {
        Some(permission) if !session.may(permission) => {
            let message = format!("Your role does not allow this ({permission}).");
            Err(Box::new(PageError::forbidden(&message).into_response()))
        }
        _ => Ok(session),
    }
}

async fn api_session(gate: &Gate, parts: &Parts) -> Result<Session, Box<Response>> {
    let refuse = |problem: Problem| Box::new(problem.into_response());
    let bearer = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let found = match bearer {
        Some(token) => {
            let hash = token_hash(token.trim());
            gate.state
                .query(move |store| store.token_session(&hash, Timestamp::now()))
                .await
        }
        None => cookie_session(&parts.headers, &gate.state).await,
    };
    let session = found
        .map_err(|error| refuse(error.into()))?
        .ok_or_else(|| refuse(Problem::unauthorized()))?;
    if !gate.state.api_rates.admit(session.user_key, Instant::now()) {
        return Err(refuse(Problem::too_many_requests()));
    }
    if let Some(permission) = gate.permission
        && !session.may(permission)
    {
        return Err(refuse(Problem::forbidden(format!(
            "this needs the scope {permission}"
        ))));
    }
    let writes = !matches!(parts.method, Method::GET | Method::HEAD);
    if writes && bearer.is_none() {
        let given = parts
            .headers
            .get(FORM_TOKEN_HEADER)
            .and_then(|value| value.to_str().ok());
        if !form_token::matches(&session.form_token, given.unwrap_or_default()) {
            return Err(refuse(Problem::forbidden(format!(
                "with the session's cookie a request that writes needs the header {FORM_TOKEN_HEADER}"
            ))));
        }
    }
    Ok(session)
}

async fn cookie_session(
    headers: &HeaderMap,
    state: &Arc<WebState>,
) -> Result<Option<Session>, StoreError> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(SESSION_COOKIE) else {
        return Ok(None);
    };
    let hash = token_hash(cookie.value());
    state
        .query(move |store| store.session(&hash, Timestamp::now()))
        .await
}

pub(super) fn accepted_languages(headers: &HeaderMap) -> &str {
    headers
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The session that the gate of this route let through.
pub(super) struct SignedIn(pub(super) Session);

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let session = parts.extensions.get::<Session>().cloned();
        session
            .map(Self)
            .ok_or_else(|| Problem::unauthorized().into_response())
    }
}

/// A form that carries the session's token.
pub(super) struct CheckedForm<T>(pub(super) T);

#[derive(Deserialize)]
struct TokenField {
    #[serde(default)]
    form_token: String,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for CheckedForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let expected = parts
            .extensions
            .get::<Session>()
            .map(|session| session.form_token.clone())
            .unwrap_or_default();
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
            .await
            .map_err(|_| {
                PageError::bad_request("The form is too large.".to_owned()).into_response()
            })?;
        let again = |parts: Parts| Request::from_parts(parts, Body::from(body.clone()));
        let unreadable =
            |_| PageError::bad_request("The form is not complete.".to_owned()).into_response();
        let Form(given) = Form::<TokenField>::from_request(again(parts.clone()), state)
            .await
            .map_err(unreadable)?;
        if !form_token::matches(&expected, &given.form_token) {
            let message = "The form was out of date. Go back, reload the page and try again.";
            return Err(PageError::forbidden(message).into_response());
        }
        let Form(form) = Form::<T>::from_request(again(parts), state)
            .await
            .map_err(unreadable)?;
        Ok(Self(form))
    }
}

/// A form with nothing but its token.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// The raw token of a request's session cookie, if it has one.
pub(super) struct SessionToken(pub(super) Option<String>);

impl<S: Sync> FromRequestParts<S> for SessionToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let jar = CookieJar::from_headers(&parts.headers);
        Ok(Self(
            jar.get(SESSION_COOKIE)
                .map(|cookie| cookie.value().to_owned()),
        ))
    }
}
