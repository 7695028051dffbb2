//! What keeps the table small: few files a day, days that are over dropped, the log cut, removed files deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::compute::cast as cast_array;
use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::execution::SendableRecordBatchStream;
use deltalake::datafusion::logical_expr::lit;
use deltalake::datafusion::prelude::col;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, LogicalFileView, Remove};
use deltalake::operations::vacuum::VacuumMode;
use deltalake::protocol::DeltaOperation;
use deltalake::writer::DeltaWriter as _;
use deltalake::{DeltaTable, DeltaTableError};
use futures_util::TryStreamExt as _;

use crate::apply::file_writer;
use crate::lake::{Shared, Table};
use crate::limits::{COMPACTED_FILE_BYTES, FILES_OF_A_DAY};
use crate::schema::TableSchema;
use crate::sighting::month_of;
use crate::view::{columns, compaction_session};
use crate::{Lake, LakeError};

/// What the table takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub version: u64,
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
}

/// The day or month of a file as the log has it.
fn part_of(file: &LogicalFileView, schema: &TableSchema) -> String {
    file.partition_values_map()
        .remove(schema.partition)
        .flatten()
        .unwrap_or_default()
}

fn bytes_of(file: &LogicalFileView) -> u64 {
    u64::try_from(file.size()).unwrap_or_default()
}

impl Lake {
    /// What the newest versions of findings and of sightings take.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub fn sizes(&self) -> Result<[Size; 2], LakeError> {
        let shared = Arc::clone(&self.shared);
        self.run(async move {
            let mut sizes = [Size::default(); 2];
            for (size, table) in sizes.iter_mut().zip(shared.tables()) {
                let newest = table.newest().await?.table;
                size.version = newest.version().unwrap_or_default();
                for file in newest.snapshot()?.log_data().iter() {
                    size.files += 1;
                    size.rows += file.num_records().unwrap_or_default() as u64;
                    size.bytes += bytes_of(&file);
                }
            }
            Ok(sizes)
        })
    }

    /// Makes one file of the small ones of each day (of sightings: month) that has more than some; large files and days that
    /// nobody adds to stay as they are. What readers see does not change. Says how many days and months were compacted.
    ///
    /// # Errors
    /// When the place cannot be written. Another writer's commit in between leaves a day for the next time.
    pub fn compact(&self) -> Result<usize, LakeError> {
        let shared = Arc::clone(&self.shared);
        let place = self.place.clone();
        self.run(async move {
            let mut compacted = 0;
            for table in shared.tables() {
                let newest = table.newest().await?.table;
                for part in small_files(&newest, table.schema)?.into_keys() {
                    match compact_part(&shared, table, &part).await {
                        Ok(()) => compacted += 1,
                        Err(LakeError::Table(DeltaTableError::Transaction { source })) => {
                            tracing::debug!(%source, part, "it was changed while it was compacted");
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            place.sync()?;
            Ok(compacted)
        })
    }

    /// Drops all days before one, by their files: no row is looked at. Days since 1970; sightings go by whole months, and
    /// findings whose time nobody believed stay. Says how many files were dropped.
    ///
    /// # Errors
    /// When the place cannot be written.
    pub fn drop_before(&self, day: i32) -> Result<usize, LakeError> {
        let shared = Arc::clone(&self.shared);
        let place = self.place.clone();
        self.run(async move {
            let mut dropped = 0;
            for (table, first) in shared.tables().into_iter().zip([day, month_of(day)]) {
                let before = table.newest().await?.table;
                let part = || col(table.schema.partition);
                let first = ScalarValue::Date32(Some(first));
                let odd = ScalarValue::Date32(Some(0));
                let (_, metrics) = before
                    .delete()
                    .with_predicate(part().lt(lit(first)).and(part().not_eq(lit(odd))))
                    .await?;
                dropped += metrics.num_removed_files;
            }
            place.sync()?;
            Ok(dropped)
        })
    }

    /// Deletes the files that no version needs any more and the writers that died left behind, once they are old enough.
    ///
    /// # Errors
    /// When the place cannot be read or written.
    pub fn tidy(&self) -> Result<usize, LakeError> {
        let shared = Arc::clone(&self.shared);
        self.run(async move {
            let mut deleted = 0;
            for table in shared.tables() {
                let newest = table.newest().await?.table;
                let (_, metrics) = newest
                    .vacuum()
                    .with_mode(VacuumMode::Full)
                    .with_enforce_retention_duration(false)
                    .await?;
                deleted += metrics.files_deleted.len();
            }
            Ok(deleted)
        })
    }
}

/// The small files of each day or month that has many of them: what is to be removed when one takes their place.
fn small_files(
    table: &DeltaTable,
    schema: &TableSchema,
) -> Result<BTreeMap<String, Vec<Remove>>, LakeError> {
    let mut parts = BTreeMap::<String, Vec<Remove>>::new();
    for file in table.snapshot()?.log_data().iter() {
        if bytes_of(&file) < COMPACTED_FILE_BYTES / 2 {
            parts
                .entry(part_of(&file, schema))
                .or_default()
                .push(file.remove_action(false));
        }
    }
    parts.retain(|_, files| files.len() > FILES_OF_A_DAY);
    Ok(parts)
}

/// Writes the rows of small files anew, in their order, and exchanges the files in one commit.
async fn compact_part(shared: &Shared, table: &Table, part: &str) -> Result<(), LakeError> {
    let newest = table.newest().await?.table;
    let Some(removes) = small_files(&newest, table.schema)?.remove(part) else {
        return Ok(());
    };
    let paths = removes.iter().map(|file| file.path.clone()).collect();
    let mut rows = sorted_rows(shared, &newest, table.schema, paths).await?;
    let mut writer =
        file_writer(&newest, table.schema)?.with_target_file_size(COMPACTED_FILE_BYTES);
    while let Some(batch) = rows.try_next().await? {
        writer
            .write(with_stored_types(&batch, table.schema)?)
            .await?;
    }
    let adds = writer.flush().await?;
    let mut actions: Vec<Action> = removes.into_iter().map(Action::Remove).collect();
    actions.extend(adds.into_iter().map(|mut add| {
        add.data_change = false;
        Action::Add(add)
    }));
    let operation = DeltaOperation::Optimize {
        predicate: Some(format!("{} = '{part}'", table.schema.partition)),
        target_size: i64::try_from(COMPACTED_FILE_BYTES).unwrap_or(i64::MAX),
    };
    CommitBuilder::from(CommitProperties::default())
        .with_actions(actions)
        .build(Some(newest.snapshot()?), newest.log_store(), operation)
        .await?;
    Ok(())
}

/// The rows of some files in the order of files. What does not fit into memory is sorted on the disk.
async fn sorted_rows(
    shared: &Shared,
    table: &DeltaTable,
    schema: &TableSchema,
    paths: Vec<String>,
) -> Result<SendableRecordBatchStream, LakeError> {
    let context = compaction_session(shared);
    let state = context.state();
    table.update_datafusion_session(&state)?;
    let provider = table
        .table_provider()
        .with_session(Arc::new(state))
        .with_file_paths(paths)
        .await?;
    let order = schema.order.iter().map(|name| col(*name).sort(true, false));
    let rows = context
        .read_table(provider)?
        .select(columns(schema))?
        .sort(order.collect())?;
    Ok(rows.execute_stream().await?)
}

/// Rows with the types that files have, whatever the engine read them as.
fn with_stored_types(batch: &RecordBatch, schema: &TableSchema) -> Result<RecordBatch, LakeError> {
    let schema = schema.arrow();
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| cast_array(column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}
