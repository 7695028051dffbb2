//! The centre from outside: real TLS, real SQLite, envelopes sealed by `lapwing-wire`.
#![allow(clippy::unwrap_used)]

mod api_golden;
mod books;
mod browser;
mod collector;
mod exchange;
mod image_repository;
mod in_the_dark;
mod inbox;
mod load;
mod migrations;
mod object_store;
mod people;
mod rule_repository;
mod s3_server;
mod second_engine;
mod store_model;
mod support;
mod table;
mod web_pages;
