//! Settings files as a person writes them: TOML whose mistakes are all told at once ([`document`]), sizes and durations
//! ([`quantity`]). The sensor's settings, the ISP's policy and the image's site file are read with it.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod document;
pub mod quantity;
