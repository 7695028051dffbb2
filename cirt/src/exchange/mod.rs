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
mod finding;
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
mod producer;
pub mod rule;
pub mod selection;
mod settings;
pub mod stix;
pub mod syslog;
pub mod taxii;
mod tlp;

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

/// The servers for peers; none where the centre has not said who it is.
///
/// # Errors
/// When the settings are there and not usable.
pub fn routes(folder: &DataFolder, store: &Arc<Store>) -> Result<axum::Router, ExchangeError> {
    let settings = match ExchangeSettings::load(folder) {
        Err(ExchangeSettingsError::Missing(_)) => return Ok(axum::Router::new()),
        settings => settings?,
    };
    let producer = Arc::new(Producer::of(folder, settings)?);
    Ok(taxii::router(taxii::ExchangeState {
        store: Arc::clone(store),
        producer,
    }))
}
