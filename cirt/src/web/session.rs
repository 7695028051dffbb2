//! Who makes a request. The cookie is `__Host-`, Secure, HttpOnly and SameSite=Strict.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use jiff::Timestamp;

use super::api_routes::Problem;
use super::error_page::PageError;
use super::state::WebState;
use crate::query::percent_encode;
use crate::secrets::token_hash;
use crate::store::Session;

/// The session's cookie.
pub(super) const SESSION_COOKIE: &str = "__Host-lapwing-session";

/// A cookie with everything on that keeps it in.
pub(super) fn strict_cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .build()
}

/// A person who is logged in, asking for a page. Others are sent to the login.
pub(super) struct SignedIn(pub(super) Session);

/// A person who is logged in, asking for data. Others get a 401.
pub(super) struct SignedInApi;

async fn session_of(
    parts: &Parts,
    state: &Arc<WebState>,
) -> Result<Option<Session>, crate::store::StoreError> {
    let jar = CookieJar::from_headers(&parts.headers);
    let Some(cookie) = jar.get(SESSION_COOKIE) else {
        return Ok(None);
    };
    let hash = token_hash(cookie.value());
    state
        .query(move |store| store.session(&hash, Timestamp::now()))
        .await
}

impl FromRequestParts<Arc<WebState>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<WebState>,
    ) -> Result<Self, Response> {
        match session_of(parts, state).await {
            Ok(Some(session)) => Ok(Self(session)),
            Ok(None) => {
                let wanted = parts
                    .uri
                    .path_and_query()
                    .map_or("/", |wanted| wanted.as_str());
                Err(
                    Redirect::to(&format!("/login?next={}", percent_encode(wanted)))
                        .into_response(),
                )
            }
            Err(error) => Err(PageError::from(error).into_response()),
        }
    }
}

impl FromRequestParts<Arc<WebState>> for SignedInApi {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<WebState>) -> Result<Self, Problem> {
        match session_of(parts, state).await? {
            Some(_) => Ok(Self),
            None => Err(Problem::unauthorized()),
        }
    }
}

/// The raw token of a request's session cookie, if it has one.
pub(super) struct SessionToken(pub(super) Option<String>);

impl FromRequestParts<Arc<WebState>> for SessionToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<WebState>) -> Result<Self, Infallible> {
        let jar = CookieJar::from_headers(&parts.headers);
        Ok(Self(
            jar.get(SESSION_COOKIE)
                .map(|cookie| cookie.value().to_owned()),
        ))
    }
}
