//! The database beneath the store: what its statements are written against.
//!
//! One set of statements, written once, runs on both shapes: SQLite in a file, PostgreSQL on a server. This module
//! owns the types that the rest of the store uses, and hides which of the two does the work.
//!
//! What statements may use is what both understand: numbered or bare placeholders, `ON CONFLICT (…) DO …`, `RETURNING`,
//! `IS [NOT] DISTINCT FROM`, `CASE`, `coalesce`, aggregates, window-free subqueries with a name, recursive `WITH`.
//! Numbers are 64-bit and signed, truth is 0 or 1 in a column, texts are compared byte by byte, blobs are bytes.

mod connection;
mod copy;
mod error;
mod location;
mod postgres;
mod shape;
mod sqlite;
mod value;

pub(super) use connection::{Connection, Purpose, Row, Transaction};
pub(super) use copy::copy_all;
pub(super) use error::Error;
pub(super) use error::{OptionalRow, Result};
pub use location::Location;
pub use postgres::Server;
pub(super) use shape::Shape;
pub(super) use value::{ToValue, Value, ValueRef, listed, params};
