//! What a database says when it does not do as it is told.

use std::path::PathBuf;

use tokio_postgres::error::SqlState;

/// A failing statement, whichever database it failed on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    #[error("{0}: no certificate of an authority can be read from it")]
    Authority(PathBuf),
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    #[error("a socket cannot be used")]
    Socket(#[from] std::io::Error),
    /// The server is not set up as it must be.
    #[error("the PostgreSQL server: {0}")]
    Server(&'static str),
    /// A question for one row found none.
    #[error("no row is there")]
    NoRow,
    /// A column holds what its reader cannot take.
    #[error("column {column} holds {found}, {wanted} is needed")]
    Type {
        column: usize,
        found: &'static str,
        wanted: &'static str,
    },
    /// A number that no column can hold.
    #[error("{0} is above 2^63")]
    TooLarge(u64),
    #[error("{0}")]
    Content(&'static str),
}

/// What statements return.
pub(in crate::store) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the statement was broken off because it took too long.
    pub(in crate::store) fn is_interrupted(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(cause, _)) => {
                cause.code == rusqlite::ErrorCode::OperationInterrupted
            }
            Self::Postgres(error) => error.code() == Some(&SqlState::QUERY_CANCELED),
            _ => false,
        }
    }

    /// Whether another transaction was in the way of the whole transaction, or its connection broke: nothing of it
    /// stands, and it can be tried again.
    pub(in crate::store) fn is_passing(&self) -> bool {
        let Self::Postgres(error) = self else {
            return false;
        };
        match error.code() {
            None => {
                error.is_closed()
                    || std::error::Error::source(error)
                        .is_some_and(|cause| cause.is::<std::io::Error>())
            }
            Some(code) => {
                [
                    SqlState::T_R_SERIALIZATION_FAILURE,
                    SqlState::T_R_DEADLOCK_DETECTED,
                    SqlState::ADMIN_SHUTDOWN,
                    SqlState::CRASH_SHUTDOWN,
                    SqlState::CANNOT_CONNECT_NOW,
                ]
                .contains(code)
                    || code.code().starts_with("08")
            }
        }
    }
}

/// Tells "there is no such row" from what went wrong.
pub(in crate::store) trait OptionalRow<T> {
    /// None when no row was there.
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalRow<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(row) => Ok(Some(row)),
            Err(Error::NoRow | Error::Sqlite(rusqlite::Error::QueryReturnedNoRows)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
