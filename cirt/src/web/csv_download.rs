//! A table as a file that the browser saves.

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use super::error_page::PageError;

/// The answer that holds a table under a name of a file.
pub(super) fn csv_download(
    written: csv::Result<Vec<u8>>,
    file_name: &'static str,
) -> Result<Response, PageError> {
    let failed = || PageError::bad_request("The table could not be written.".to_owned());
    let body = written.map_err(|error| {
        tracing::error!(%error, "csv could not be written");
        failed()
    })?;
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{file_name}\""))
        .map_err(|_| failed())?;
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let headers = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, body).into_response())
}
