//! Approved indicators on their way into the next pack.
//!
//! A pack goes to providers: it is a way out like any other, to the peer [`SENSORS`]. Without an agreement with it no indicator is
//! shipped; with one, none above its ceiling.

use jiff::Timestamp;
use lapwing_rules::source::Source;

use super::indicator::{Indicator, IndicatorState, Wanted};
use super::limits::INDICATORS;
use super::{Released, Way, release, rule};
use crate::store::{Store, StoreError};

/// The peer that stands for all sensors.
pub const SENSORS: &str = "sensors";

/// What goes into a pack.
#[derive(Debug, Default)]
pub struct PackParts {
    /// A list of indicators as the compiler reads it.
    pub list: Option<Source>,
    /// Rules under numbers of ours.
    pub rules: Option<Source>,
    pub indicators: usize,
    /// Approved, and kept back by the agreement.
    pub kept_back: usize,
}

/// The approved indicators that may go to sensors. Where nobody made the peer, there are none.
///
/// # Errors
/// When the database fails or the register cannot be written.
pub fn parts(store: &Store, now: Timestamp) -> Result<PackParts, StoreError> {
    store.retire_expired_indicators(now)?;
    let limit = usize::try_from(INDICATORS).unwrap_or(usize::MAX);
    let approved = store.indicators(IndicatorState::Approved, 0, limit)?;
    if approved.is_empty() {
        return Ok(PackParts::default());
    }
    let count = approved.len();
    let is_known = store.peers()?.iter().any(|(peer, _)| peer.name == SENSORS);
    if !is_known {
        return Ok(PackParts {
            kept_back: count,
            ..PackParts::default()
        });
    }
    Ok(written(&release(store, SENSORS, Way::Pack, now, approved)?))
}

fn written(released: &Released<Indicator>) -> PackParts {
    let mut list = csv::Writer::from_writer(Vec::new());
    let mut rules = String::new();
    let mut peers: Vec<&str> = Vec::new();
    // Writing to memory does not fail.
    let mut row = |cells: [&str; 6]| drop(list.write_record(cells));
    row(lapwing_rules::indicator::LIST_COLUMNS);
    let mut listed = 0;
    for indicator in released.items() {
        let place = peers
            .iter()
            .position(|peer| *peer == indicator.peer)
            .unwrap_or_else(|| {
                peers.push(&indicator.peer);
                peers.len() - 1
            });
        match &indicator.wanted {
            Wanted::Rule(text) => {
                rules.push_str(&rule::renumbered(text, indicator.number));
                rules.push('\n');
            }
            Wanted::Listed(wanted) => {
                listed += 1;
                row([
                    wanted.kind.name(),
                    &wanted.value,
                    &indicator.number.to_string(),
                    &indicator.severity.to_string(),
                    &(FIRST_LIST + place).to_string(),
                    &format!("indicator from {}", indicator.peer),
                ]);
            }
        }
    }
    let source = |name: &str, bytes: Vec<u8>| Source {
        name: name.into(),
        bytes,
    };
    PackParts {
        list: (listed > 0)
            .then(|| source("approved indicators", list.into_inner().unwrap_or_default())),
        rules: (!rules.is_empty()).then(|| source("approved rules", rules.into_bytes())),
        indicators: released.items().len(),
        kept_back: released.refused(),
    }
}

/// Numbers of lists of peers begin here; lists that staff name in files have lower ones.
const FIRST_LIST: usize = 10_000;
