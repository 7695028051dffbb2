//! The way between edge and centre, with the real programs at both ends and everything bad in between.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod bad_links;
mod courier;
mod images;
mod lossy;
mod metered;
mod rules;
mod several_collectors;
mod support;
mod thousand_faults;
mod two_centres;
