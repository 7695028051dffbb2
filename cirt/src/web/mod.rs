//! The pages people read, and the JSON beside them: HTTPS, rendered here, without scripts.
//!
//! One Rust file and one template a page. Every page but the login needs a session; every form carries the session's
//! token; nothing is fetched from elsewhere.

mod api_routes;
mod chart;
mod error_page;
mod finding_page;
mod findings_page;
mod form_token;
mod format;
mod frame;
mod login_guard;
mod login_page;
mod routes;
mod security_headers;
mod sensors_page;
mod server;
mod session;
mod state;
mod static_files;
mod summary_page;

pub use routes::router;
pub use server::{ClientAddress, WebServer, web_tls};
pub use state::WebState;
