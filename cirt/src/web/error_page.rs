//! When a page cannot be shown: one clear line, the right status, and nothing of our insides.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::frame::Frame;
use crate::language::Language;
use crate::store::StoreError;

/// A page that says what went wrong.
#[derive(Debug)]
pub(super) struct PageError {
    status: StatusCode,
    message: String,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate {
    frame: Frame,
    title: &'static str,
    message: String,
}

impl PageError {
    pub(super) fn not_found(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: what.to_owned(),
        }
    }

    pub(super) fn bad_request(message: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
        }
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            message: message.to_owned(),
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Absent { .. } => Self::not_found(&error.to_string()),
            StoreError::Refused(_) | StoreError::Taken { .. } => Self {
                status: StatusCode::CONFLICT,
                message: error.to_string(),
            },
            StoreError::TooSlow(_) => Self {
                status: StatusCode::GATEWAY_TIMEOUT,
                message: error.to_string(),
            },
            error => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "page failed");
                let message = "The centre could not answer. Its log says why.".to_owned();
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    message,
                }
            }
        }
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "page could not be rendered");
        let message = "The page could not be rendered. The centre's log says why.".to_owned();
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message,
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let title = match self.status {
            StatusCode::NOT_FOUND => "Not here",
            StatusCode::BAD_REQUEST => "Not understood",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::CONFLICT => "Not possible",
            _ => "Something failed",
        };
        let page = ErrorTemplate {
            frame: Frame::anonymous("Lapwing", Language::English),
            title,
            message: self.message,
        };
        let body = page.render().unwrap_or_else(|_| title.to_owned());
        (self.status, Html(body)).into_response()
    }
}

/// Renders a page.
pub(super) fn render(page: &impl Template) -> Result<Response, PageError> {
    Ok(Html(page.render()?).into_response())
}
