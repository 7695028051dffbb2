//! What can go wrong with the tables.

use std::time::Duration;

use deltalake::DeltaTableError;
use deltalake::arrow::error::ArrowError;
use deltalake::datafusion::error::DataFusionError;

/// A failing step.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("{0:?} is no place for tables: give a folder, or s3://bucket/prefix")]
    Place(String),
    #[error("the folder of the tables cannot be used")]
    Folder(#[from] std::io::Error),
    #[error("the table of findings refused an operation")]
    Table(#[from] DeltaTableError),
    #[error("rows cannot be written or read")]
    Rows(#[from] ArrowError),
    #[error("a question cannot be answered")]
    Question(#[from] Box<DataFusionError>),
    #[error("no answer within {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("{0}")]
    Refused(String),
    #[error("load unit {unit} cannot follow unit {applied}: units are applied one after another")]
    OutOfOrder { unit: i64, applied: i64 },
    #[error("a stored row is unreadable: {0}")]
    Unreadable(&'static str),
    #[error("the worker that answers questions broke off")]
    BrokeOff,
}

impl From<DataFusionError> for LakeError {
    fn from(error: DataFusionError) -> Self {
        Self::Question(Box::new(error))
    }
}
