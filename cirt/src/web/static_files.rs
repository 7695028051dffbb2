//! The stylesheet, the script and the icon, compiled into the program.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use sha2::{Digest as _, Sha256};

pub(super) const STYLE: &str = include_str!("../../static/lapwing.css");
const SCRIPT: &str = include_str!("../../static/lapwing.js");
const ICON: &str = include_str!("../../static/lapwing.svg");

/// Changes with the stylesheet, so that browsers may keep it for ever.
pub(super) static STYLE_VERSION: LazyLock<String> = LazyLock::new(|| version(STYLE));
/// As [`STYLE_VERSION`].
pub(super) static SCRIPT_VERSION: LazyLock<String> = LazyLock::new(|| version(SCRIPT));

fn version(text: &str) -> String {
    let digits = hex::encode(Sha256::digest(text.as_bytes()));
    digits.chars().take(12).collect()
}

const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(super) async fn style() -> impl IntoResponse {
    (
        [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, FOR_EVER),
        ],
        STYLE,
    )
}

pub(super) async fn script() -> impl IntoResponse {
    (
        [
            (CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (CACHE_CONTROL, FOR_EVER),
        ],
        SCRIPT,
    )
}

pub(super) async fn icon() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, FOR_EVER)],
        ICON,
    )
}
