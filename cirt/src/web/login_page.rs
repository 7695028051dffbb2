//! Logging in and out.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum_extra::extract::CookieJar;
use jiff::Timestamp;
use serde::Deserialize;

use super::error_page::PageError;
use super::form_token;
use super::frame::Frame;
use super::server::ClientAddress;
use super::session::{
    CheckedForm, Nothing, SESSION_COOKIE, SessionToken, SignedIn, accepted_languages, strict_cookie,
};
use super::state::WebState;
use crate::language::{Language, Texts};
use crate::people::SecondFactor;
use crate::secrets::{random_token, token_hash, verify_password};
use crate::store::User;

/// Ties the login form to the browser that asked for it.
const LOGIN_COOKIE: &str = "__Host-lapwing-login";
/// Checked when there is no such user, so that the answer takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGFwd2luZy1ub2JvZHk$Fq4cVvNzD1m0oVZ7Jw5m8l5b3cPnEwqkqk0Wb3bq1nE";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginTemplate {
    frame: Frame,
    form_token: String,
    next: String,
    user: String,
    mistake: Option<String>,
}

/// What the form is shown again with.
struct Again {
    next: String,
    user: String,
    language: Language,
}

/// Where to go after the login.
#[derive(Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    next: String,
}

/// The form as sent.
#[derive(Deserialize)]
pub(super) struct LoginForm {
    #[serde(default)]
    form_token: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    /// One-time code of the second factor, when there is one.
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    Query(query): Query<LoginQuery>,
    headers: HeaderMap,
    jar: CookieJar,
) -> Result<Response, PageError> {
    let again = Again {
        next: query.next,
        user: String::new(),
        language: Language::chosen("", accepted_languages(&headers)),
    };
    login_form(&state, jar, again, None, StatusCode::OK)
}

pub(super) async fn submit(
    State(state): State<Arc<WebState>>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    jar: CookieJar,
    Form(form): Form<LoginForm>,
) -> Result<Response, PageError> {
    let language = Language::chosen("", accepted_languages(&headers));
    let again = Again {
        next: form.next.clone(),
        user: form.user.clone(),
        language,
    };
    let texts = Texts::of(language);
    let expected = jar
        .get(LOGIN_COOKIE)
        .map(|cookie| cookie.value().to_owned())
        .unwrap_or_default();
    if !form_token::matches(&expected, &form.form_token) {
        let mistake = texts.get("login-stale");
        return login_form(&state, jar, again, Some(mistake), StatusCode::FORBIDDEN);
    }
    if let Some(pause) = state.logins.pause(&form.user, address, Instant::now()) {
        tracing::warn!(%address, "login paused after failures");
        let minutes = pause.as_secs().div_ceil(60);
        let mistake = texts.fill("login-paused", &[("count", minutes.into())]);
        let status = StatusCode::TOO_MANY_REQUESTS;
        return login_form(&state, jar, again, Some(mistake), status);
    }
    let Some(user) = proven_user(&state, &form).await? else {
        tracing::warn!(%address, "login failed");
        state.logins.failed(&form.user, address, Instant::now());
        let mistake = texts.get("login-wrong");
        return login_form(&state, jar, again, Some(mistake), StatusCode::UNAUTHORIZED);
    };
    state.logins.succeeded(&form.user, address);
    let token = random_token();
    let hash = token_hash(&token);
    let form_token = random_token();
    let now = Timestamp::now();
    state
        .query(move |store| store.open_session(user.key, &user.name, &hash, &form_token, now))
        .await?;
    let jar = jar
        .remove(strict_cookie(LOGIN_COOKIE, String::new()))
        .add(strict_cookie(SESSION_COOKIE, token));
    Ok((jar, Redirect::to(&local_path(&form.next))).into_response())
}

/// The user, when the password is right and so is the code, where a second factor is set up. What was wrong is not told.
async fn proven_user(state: &WebState, form: &LoginForm) -> Result<Option<User>, PageError> {
    let name = form.user.clone();
    let user = state
        .query(move |store| store.user(&name))
        .await?
        .filter(|user| user.disabled.is_none());
    let hash = user
        .as_ref()
        .map_or_else(|| NOBODY.to_owned(), |user| user.password_hash.clone());
    let Ok(_permit) = state.password_checks.acquire().await else {
        return Err(PageError::forbidden("The centre is shutting down."));
    };
    let password = form.password.clone();
    let right = tokio::task::spawn_blocking(move || verify_password(&password, &hash))
        .await
        .unwrap_or(false);
    let Some(user) = user.filter(|_| right) else {
        return Ok(None);
    };
    let Some(secret) = &user.totp_secret else {
        return Ok(Some(user));
    };
    let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
    let step =
        SecondFactor::of(secret).and_then(|factor| factor.check(&form.code, now, user.totp_step));
    let Some(step) = step else {
        return Ok(None);
    };
    let key = user.key;
    let is_first = state
        .query(move |store| store.use_second_factor(key, step))
        .await?;
    Ok(Some(user).filter(|_| is_first))
}

pub(super) async fn logout(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    SessionToken(token): SessionToken,
    jar: CookieJar,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    if let Some(token) = token {
        state
            .query(move |store| store.close_session(&token_hash(&token), &session.user))
            .await?;
    }
    let jar = jar.remove(strict_cookie(SESSION_COOKIE, String::new()));
    Ok((jar, Redirect::to("/login")).into_response())
}

fn login_form(
    state: &WebState,
    jar: CookieJar,
    again: Again,
    mistake: Option<String>,
    status: StatusCode,
) -> Result<Response, PageError> {
    let form_token = random_token();
    let page = LoginTemplate {
        frame: Frame::anonymous(&state.centre, again.language),
        form_token: form_token.clone(),
        next: local_path(&again.next),
        user: again.user,
        mistake,
    };
    let jar = jar.add(strict_cookie(LOGIN_COOKIE, form_token));
    Ok((status, jar, Html(page.render()?)).into_response())
}

/// A path on this server, or the first page: nobody is sent elsewhere after a login.
fn local_path(next: &str) -> String {
    let safe =
        next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if safe && !next.starts_with("/login") {
        next.to_owned()
    } else {
        "/inbox".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(local_path("/findings?rule=1"), "/findings?rule=1");
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "/login",
        ] {
            assert_eq!(local_path(bad), "/inbox");
        }
    }

    #[test]
    fn the_hash_of_nobody_is_checked_in_full() {
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODY).is_ok());
        assert!(!verify_password("", NOBODY));
    }
}
