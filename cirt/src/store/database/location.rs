//! Where a database is, and opening it.

use std::fmt;
use std::path::PathBuf;

use super::connection::Connection;
use super::error::Result;
use super::postgres::{self, Server};
use super::sqlite;

/// Where the control state lies.
#[derive(Clone, Debug)]
pub enum Location {
    /// One SQLite file on this machine.
    File(PathBuf),
    /// A PostgreSQL server, for several processes on several machines.
    Server(Server),
}

impl Location {
    /// A connection for reading.
    pub(in crate::store) fn reader(&self) -> Result<Connection> {
        Ok(match self {
            Self::File(path) => Connection::Sqlite(sqlite::open(path)?),
            Self::Server(server) => Connection::Postgres(postgres::Connection::open(server)?),
        })
    }

    /// A connection for writing.
    pub(in crate::store) fn writer(&self) -> Result<Connection> {
        Ok(match self {
            Self::File(path) => Connection::Sqlite(sqlite::open_writer(path)?),
            Self::Server(server) => Connection::Postgres(postgres::Connection::open(server)?),
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Server(server) => server.fmt(formatter),
        }
    }
}
