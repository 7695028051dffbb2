//! The centre from outside: real TLS, a real database, envelopes sealed by `lapwing-wire`.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod alarms;
mod api_golden;
mod books;
mod browser;
mod collector;
mod database;
mod exchange;
mod hook_server;
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
mod several_collectors;
mod shapes;
mod store_model;
mod support;
mod suppressions;
mod table;
mod web_pages;
