//! Findings become what providers, peer teams and regions already use, and what they know comes in.
//!
//! ```text
//! findings, indicators, sightings ──► gate (agreement, TLP, sharing register) ──► Released ──► one file a format ──► out
//! ```
//!
//! * What leaves passes [`gate::release`] and nothing else: formats take a [`Released`].
//! * What comes in is bounded, checked, and kept with the name of who said it ([`limits`]).
//! * The centre connects only to peers and servers that staff named.

use std::sync::Arc;

use crate::enrolment::AuthorityError;
use crate::settings::DataFolder;
use crate::store::Store;

pub mod agreement;
pub mod classification;
pub mod csv;
pub mod eve;
pub mod feedback;
mod finding;
pub mod forward;
pub mod gate;
mod http_login;
pub mod https;
pub mod idea;
pub mod inbound;
pub mod indicator;
pub mod intelmq;
pub mod iodef;
pub mod limits;
pub mod misp;
pub mod misp_import;
mod misp_server;
pub mod notify;
pub mod openpgp;
pub mod pack;
mod producer;
pub mod publish;
pub mod rule;
pub mod selection;
mod settings;
pub mod shadowserver;
pub mod statistics;
pub mod stix;
pub mod syslog;
pub mod taxii;
mod tlp;
pub mod worker;

pub use agreement::{Agreement, Country, Kind, Peer, PeerKind};
pub use finding::SharedFinding;
pub use gate::{Refusal, Released, Shareable, Way, release};
pub use producer::Producer;
pub use settings::{ExchangeSettings, ExchangeSettingsError};
pub use tlp::Tlp;

/// Why the exchange cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error(transparent)]
    Settings(#[from] ExchangeSettingsError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Who the centre is towards others; none where it has not said so, and then it serves and publishes nothing.
///
/// # Errors
/// When the settings are there and not usable.
pub fn producer(folder: &DataFolder) -> Result<Option<Arc<Producer>>, ExchangeError> {
    let settings = match ExchangeSettings::load(folder) {
        Err(ExchangeSettingsError::Missing(_)) => return Ok(None),
        settings => settings?,
    };
    Ok(Some(Arc::new(Producer::of(folder, settings)?)))
}

/// The servers for peers.
pub fn routes(store: &Arc<Store>, producer: Option<&Arc<Producer>>) -> axum::Router {
    let Some(producer) = producer else {
        return axum::Router::new();
    };
    let state = taxii::ExchangeState {
        store: Arc::clone(store),
        producer: Arc::clone(producer),
    };
    taxii::router(state.clone()).merge(misp_server::router(state))
}
