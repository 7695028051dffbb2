//! Load units: a number, and rows. Whoever applies the same unit twice changes nothing the second time.
//!
//! Units are numbered from 1 without holes and applied in that order, to each of the two tables. The number of the last one stands in the log
//! of the table in the same entry as its files (an application transaction of the Delta protocol), so that rows and
//! number appear together or not at all. Two writers at once: the log refuses the second, which looks again.

use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::DeltaTableError;
use deltalake::arrow::array::{Int64Array, RecordBatch};
use deltalake::arrow::compute::{
    SortColumn, concat_batches, lexsort_to_indices, take_record_batch,
};
use deltalake::kernel::transaction::{
    CommitBuilder, CommitConflictError, CommitProperties, TransactionError,
};
use deltalake::kernel::{Action, Add, Transaction};
use deltalake::parquet::basic::{Compression, Encoding, ZstdLevel};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::parquet::schema::types::ColumnPath;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};

use crate::lake::{APPLICATION, Table};
use crate::limits::{PAGE_ROWS, ROW_GROUP_ROWS};
use crate::schema::{FINDING, TableSchema};
use crate::sighting::sightings_of;
use crate::{FreshRows, Lake, LakeError};

/// What became of a load unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Its findings are in the table since now.
    Now,
    /// They were there already.
    Before,
}

impl Lake {
    /// Writes the rows of a load unit, and what was seen in them. On the disk when this returns.
    ///
    /// # Errors
    /// [`LakeError::OutOfOrder`] when the unit before is missing. Otherwise when the place cannot be written: each table has
    /// the unit whole or not at all then, and it may be applied again.
    pub fn apply(&self, unit: i64, rows: &[FreshRows]) -> Result<Applied, LakeError> {
        let shared = Arc::clone(&self.shared);
        let rows = rows.to_vec();
        let place = self.place.clone();
        self.run(async move {
            let applied = apply(&shared.findings, unit, || in_order(unit, &rows)).await?;
            apply(&shared.sightings, unit, || sightings_of(&rows)).await?;
            place.sync()?;
            Ok(applied)
        })
    }
}

async fn apply(
    table: &Table,
    unit: i64,
    rows: impl FnOnce() -> Result<RecordBatch, LakeError>,
) -> Result<Applied, LakeError> {
    let newest = table.newest().await?;
    if newest.unit >= unit {
        return Ok(Applied::Before);
    }
    if newest.unit + 1 != unit {
        return Err(LakeError::OutOfOrder {
            unit,
            applied: newest.unit,
        });
    }
    let mut writer = file_writer(&newest.table, table.schema)?;
    let rows = rows()?;
    if rows.num_rows() > 0 {
        writer.write(rows).await?;
    }
    let adds = writer.flush().await?;
    match commit(&newest.table, table.schema, unit, &adds).await {
        Ok(()) => Ok(Applied::Now),
        Err(error) => {
            // Another writer may have been quicker; then our files belong to nobody. Or our own entry was written, the
            // answer was lost on the way, and the second try met the first: then they belong to the table. So they are
            // left to `Lake::tidy`, which takes what no version names.
            let is_there = table.newest().await?.unit >= unit;
            if is_there && lost_the_race(&error) {
                return Ok(Applied::Before);
            }
            Err(error.into())
        }
    }
}

fn lost_the_race(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::Transaction {
            source: TransactionError::CommitConflict(CommitConflictError::ConcurrentTransaction)
        }
    )
}

/// All rows of a unit in the order of files: by day, sensor and arrival.
fn in_order(unit: i64, parts: &[FreshRows]) -> Result<RecordBatch, LakeError> {
    let schema = FINDING.arrow();
    let rows = concat_batches(&schema, parts.iter().map(|part| &part.rows))?;
    let mut columns = rows.columns().to_vec();
    let place = schema.index_of("unit")?;
    if let Some(column) = columns.get_mut(place) {
        *column = Arc::new(Int64Array::from(vec![unit; rows.num_rows()]));
    }
    let rows = RecordBatch::try_new(schema, columns)?;
    let sort: Vec<SortColumn> = [FINDING.partition]
        .iter()
        .chain(FINDING.order)
        .filter_map(|name| rows.column_by_name(name))
        .map(|column| SortColumn {
            values: Arc::clone(column),
            options: None,
        })
        .collect();
    let order = lexsort_to_indices(&sort, None)?;
    Ok(take_record_batch(&rows, &order)?)
}

/// What writes sorted rows into new files of their days.
pub(crate) fn file_writer(
    table: &DeltaTable,
    schema: &TableSchema,
) -> Result<RecordBatchWriter, LakeError> {
    Ok(RecordBatchWriter::for_table(table)?.with_writer_properties(file_properties(schema)))
}

async fn commit(
    table: &DeltaTable,
    schema: &TableSchema,
    unit: i64,
    adds: &[Add],
) -> Result<(), DeltaTableError> {
    let properties = CommitProperties::default()
        .with_application_transaction(Transaction::new(APPLICATION, unit));
    let operation = DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: Some(vec![schema.partition.to_owned()]),
        predicate: None,
    };
    CommitBuilder::from(properties)
        .with_actions(adds.iter().cloned().map(Action::Add).collect())
        .build(Some(table.snapshot()?), table.log_store(), operation)
        .await?;
    Ok(())
}

/// How files are written: small pages, so that a filter by sensor reads little; statistics only where they help.
fn file_properties(schema: &TableSchema) -> WriterProperties {
    let level = ZstdLevel::try_new(6).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("lapwing-cirt".to_owned());
    for name in schema.indexed.split(',') {
        properties = properties
            .set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Page);
    }
    for name in schema.ascending {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(*name), false)
            .set_column_encoding(ColumnPath::from(*name), Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}
