//! What keeps the table small: few files a day, days that are over dropped, the log cut, removed files deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::execution::SendableRecordBatchStream;
use deltalake::datafusion::logical_expr::{Expr, lit};
use deltalake::datafusion::prelude::{SessionContext, col};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, LogicalFileView, Remove};
use deltalake::operations::vacuum::VacuumMode;
use deltalake::protocol::DeltaOperation;
use deltalake::writer::DeltaWriter as _;
use deltalake::{DeltaTable, DeltaTableError};
use futures_util::TryStreamExt as _;

use crate::apply::file_writer;
use crate::files::Files;
use crate::lake::{Shared, Table, Version};
use crate::limits::{COMPACTED_FILE_BYTES, FILES_OF_A_DAY};
use crate::schema::{FINDING, TableSchema};
use crate::sighting::month_of;
use crate::{Lake, LakeError};

/// What the table takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub version: u64,
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Files of findings and of sightings.
    pub files: u64,
    pub findings: u64,
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
                table.newest().await?;
            }
            place.sync()?;
            Ok(compacted)
        })
    }

    /// Drops all days before one, by their files: no row is looked at. Days since 1970; sightings go by whole months, and
    /// findings whose time nobody believed stay.
    ///
    /// # Errors
    /// When the place cannot be written.
    pub fn drop_before(&self, day: i32) -> Result<Dropped, LakeError> {
        let shared = Arc::clone(&self.shared);
        let place = self.place.clone();
        self.run(async move {
            let mut dropped = Dropped::default();
            for (table, first) in shared.tables().into_iter().zip([day, month_of(day)]) {
                let before = table.newest().await?;
                let (files, rows) = before.files.before(first);
                if files == 0 {
                    continue;
                }
                let part = || col(table.schema.partition);
                let first = ScalarValue::Date32(Some(first));
                let odd = ScalarValue::Date32(Some(0));
                before
                    .table
                    .delete()
                    .with_predicate(part().lt(lit(first)).and(part().not_eq(lit(odd))))
                    .await?;
                dropped.files += files;
                if table.schema.name == FINDING.name {
                    dropped.findings = rows;
                }
                // Questions must not go on with the version in memory.
                table.newest().await?;
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
    let Version {
        table: newest,
        files,
        ..
    } = table.newest().await?;
    let Some(removes) = small_files(&newest, table.schema)?.remove(part) else {
        return Ok(());
    };
    let paths = removes.iter().map(|file| file.path.clone()).collect();
    let mut rows = sorted_rows(shared, &files, table.schema, &paths).await?;
    let mut writer =
        file_writer(&newest, table.schema)?.with_target_file_size(COMPACTED_FILE_BYTES);
    while let Some(batch) = rows.try_next().await? {
        writer.write(batch).await?;
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
    files: &Files,
    schema: &TableSchema,
    paths: &BTreeSet<String>,
) -> Result<SendableRecordBatchStream, LakeError> {
    let context = SessionContext::new_with_state(shared.compaction.clone());
    let stored = schema.arrow();
    let columns: Vec<Expr> = stored
        .fields()
        .iter()
        .map(|field| col(field.name()))
        .collect();
    let order = schema.order.iter().map(|name| col(*name).sort(true, false));
    let rows = context
        .read_table(Arc::new(files.only(paths)))?
        .select(columns)?
        .sort(order.collect())?;
    Ok(rows.execute_stream().await?)
}
