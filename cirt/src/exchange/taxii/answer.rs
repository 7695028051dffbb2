//! Who asks, and how it is answered: logging in, media types, error messages.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{ExchangeState, MEDIA_TYPE};
use crate::exchange::http_login::{Login, login};
use crate::exchange::{Peer, Producer};
use crate::store::{Store, StoreError};

/// An error message of the standard (section 3.6.1).
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) title: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, title: impl Into<String>) -> Self {
        Self {
            status,
            title: title.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, source = ?std::error::Error::source(&error), "a request of a peer failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the centre could not answer; its log says why",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({ "title": self.title, "http_status": self.status.as_u16().to_string() });
        let mut response =
            (self.status, [(CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Basic realm=\"lapwing\", charset=\"UTF-8\"");
            response
                .headers_mut()
                .insert(axum::http::header::WWW_AUTHENTICATE, realm);
        }
        response
    }
}

pub(super) type Answer = Result<Response, Problem>;

pub(super) fn answer(status: StatusCode, body: impl ToString) -> Response {
    (status, [(CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}

/// Runs something that may wait for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    state: &ExchangeState,
    work: impl FnOnce(&Store, &Producer) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let state = state.clone();
    tokio::task::spawn_blocking(move || work(&state.store, &state.producer))
        .await
        .unwrap_or_else(|_| {
            Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request was cut off",
            ))
        })
}

/// Who asks; and whether it takes what we answer.
pub(super) async fn admit(state: &ExchangeState, headers: &HeaderMap) -> Result<Peer, Problem> {
    let accepts = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("*/*");
    if !accepts.split(',').any(is_ours) {
        return Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            format!("this server speaks {MEDIA_TYPE}"),
        ));
    }
    let given = login(headers);
    blocking(state, move |store, _| {
        let peer = given
            .as_ref()
            .map(|login: &Login| store.peer_by_password(&login.name, &login.password_hash));
        peer.transpose()?.flatten().ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "log in with the name and password that the team gave you",
            )
        })
    })
    .await
}

/// Whether a media type, with or without a version and a weight, allows our answer.
pub(super) fn is_ours(accepted: &str) -> bool {
    let mut parts = accepted.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let version = parts.find_map(|part| part.strip_prefix("version="));
    matches!(
        kind.as_str(),
        "application/taxii+json" | "application/*" | "*/*"
    ) && version.is_none_or(|version| version.trim_matches('"') == "2.1")
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn media_types_are_told_apart() {
        for good in [
            "application/taxii+json;version=2.1",
            "application/taxii+json",
            "*/*",
            " application/taxii+json; version=\"2.1\"; q=0.9",
        ] {
            assert!(is_ours(good), "{good}");
        }
        for bad in [
            "application/taxii+json;version=2.0",
            "text/html",
            "application/json",
            "",
        ] {
            assert!(!is_ours(bad), "{bad}");
        }
    }
}
