//! The pages people read, and the JSON beside them: HTTPS, rendered here; they work without scripts.
//!
//! One Rust file and one template a page. Every page but the login needs a session and a permission, see the table in
//! `routes.rs`; every form carries the session's token; nothing is fetched from elsewhere. The one script adds keys and
//! live numbers to what works without it.

mod account_page;
mod alarms_page;
mod api_alarms;
#[allow(unused_qualifications, reason = "what utoipa generates")]
mod api_groups;
#[allow(unused_qualifications, reason = "what utoipa generates")]
mod api_query;
mod api_rates;
#[allow(unused_qualifications, reason = "what utoipa generates")]
mod api_routes;
mod api_suppressions;
mod audit_page;
mod cases_page;
mod chart;
mod csv_download;
mod error_page;
mod finding_page;
mod findings_page;
mod form_token;
mod format;
mod frame;
mod group_page;
mod inbox_page;
mod login_guard;
mod login_page;
mod open_api;
mod problem;
mod report_page;
mod routes;
mod rules_page;
mod security_headers;
mod sensors_page;
mod server;
mod session;
mod sql_page;
mod state;
mod static_files;
mod summary_page;
mod suppressions_page;
mod users_page;

pub use open_api::open_api;
pub use report_page::report_document;
pub use routes::{api_paths, router};
pub use server::{ClientAddress, WebServer, web_tls};
pub use state::WebState;
