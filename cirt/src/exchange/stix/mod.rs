//! STIX 2.1 (OASIS Standard, 10 June 2021): findings as observed data and sightings of indicators.
//!
//! | what | becomes |
//! |---|---|
//! | a finding | `observed-data` over its traffic, addresses, names and URLs, and a `sighting` that counts its hits |
//! | its rule | an `indicator` whose pattern is the rule (`suricata`) |
//! | an indicator | an `indicator` with a pattern of the language (`stix`), see [`pattern`] |
//! | the centre | an `identity`, the creator of all of it |
//! | labels | the marking definitions of TLP 2.0 |
//! | an export | a `report` over what it holds |
//!
//! Names are derived: those of observables as the standard says (UUID version 5 in its name space), the others as all of ours are.
//! The same finding is the same objects, byte for byte, whenever it is written.

mod bundle;
mod marking;
mod object;
mod observable;
pub mod pattern;
mod render;
mod revocation;

pub use bundle::bundle;
pub(super) use marking::definition;
pub use marking::marking_of;
pub use object::Object;
pub(super) use render::{identity, of_finding, of_indicator, opinion_of, sighting_of};
pub(crate) use revocation::{placeholder, revoked};
