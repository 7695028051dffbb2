//! What can go wrong with the database.

use std::path::PathBuf;

use lapwing_lake::LakeError;

use super::database::{self, Location};

/// A failing step of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open the database {0}")]
    Open(Location, #[source] database::Error),
    #[error("cannot make the database {0}")]
    Create(PathBuf, #[source] std::io::Error),
    #[error("the database {0} already exists")]
    Exists(PathBuf),
    #[error(
        "the database has schema version {found}, this program knows up to {known}: use the newer program"
    )]
    Newer { found: u32, known: u32 },
    #[error("cannot bring the database to schema version {0}")]
    Migrate(u32, #[source] database::Error),
    #[error("the database refused a statement")]
    Statement(#[from] database::Error),
    #[error("cannot write the copy {0}")]
    Backup(PathBuf, #[source] database::Error),
    #[error("a {what} named {name:?} already exists")]
    Taken { what: &'static str, name: String },
    #[error("there is no {what} {name:?}")]
    Absent { what: &'static str, name: String },
    #[error("a batch holds what cannot be: {0}")]
    Content(&'static str),
    #[error("{0}")]
    Refused(String),
    #[error("the database could not commit")]
    NotCommitted,
    #[error("no answer within {} s: ask for a shorter time or narrow the filter", .0.as_secs())]
    TooSlow(std::time::Duration),
    #[error(
        "the table of findings in {0} is not the one of this database: put both back from one copy, or run `lapwing-cirt rebuild`"
    )]
    OtherTable(String),
    #[error("the table of findings failed")]
    Table(#[source] LakeError),
    #[error("a stored {0} is unreadable")]
    Unreadable(&'static str),
}

impl StoreError {
    /// Says whether whoever asked can mend it: the text then tells how, and nothing of the insides of the centre.
    #[must_use]
    pub const fn is_for_the_asker(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::TooSlow(_))
    }
}

impl From<LakeError> for StoreError {
    fn from(error: LakeError) -> Self {
        match error {
            LakeError::TooSlow(deadline) => Self::TooSlow(deadline),
            LakeError::Refused(reason) => Self::Refused(reason),
            error => Self::Table(error),
        }
    }
}
