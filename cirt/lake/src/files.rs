//! The files of one version of a table, as a source of rows.
//!
//! Which files there are, and the least and greatest values in them, is read out of the log once a version; their footers
//! are kept by the engine, up to a cap. A question then plans without a look at the log, opens only files that may hold
//! what it asks for, and those of the newest days first: where only the newest rows are wanted, the others are left closed
//! as soon as the engine has found newer ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use deltalake::DeltaTable;
use deltalake::arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use deltalake::datafusion::catalog::{Session, TableProvider};
use deltalake::datafusion::common::pruning::PrunableStatistics;
use deltalake::datafusion::common::stats::Precision;
use deltalake::datafusion::common::{
    ColumnStatistics, ScalarValue, Statistics, ToDFSchema as _, project_schema,
};
use deltalake::datafusion::config::TableParquetOptions;
use deltalake::datafusion::datasource::TableType;
use deltalake::datafusion::datasource::listing::PartitionedFile;
use deltalake::datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use deltalake::datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, ParquetSource,
};
use deltalake::datafusion::datasource::source::DataSourceExec;
use deltalake::datafusion::datasource::table_schema::TableSchema as Columns;
use deltalake::datafusion::error::Result as EngineResult;
use deltalake::datafusion::execution::object_store::ObjectStoreUrl;
use deltalake::datafusion::logical_expr::utils::conjunction;
use deltalake::datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use deltalake::datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use deltalake::datafusion::physical_plan::ExecutionPlan;
use deltalake::datafusion::physical_plan::empty::EmptyExec;
use deltalake::kernel::LogicalFileView;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use crate::LakeError;
use crate::limits::NAMED_VALUES;
use crate::schema::TableSchema;

/// The files of one version.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// The columns of the files, and behind them the one they are parted by.
    columns: Columns,
    store: ObjectStoreUrl,
    /// Those of the newest day or month first.
    files: Vec<PartitionedFile>,
}

/// What the log says of the values in a file.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    num_records: Option<usize>,
    min_values: BTreeMap<String, serde_json::Value>,
    max_values: BTreeMap<String, serde_json::Value>,
}

impl Files {
    /// The files of a version, which lie in a store that the engine knows under a URL. What is known of them from the
    /// version before is not read again.
    pub(crate) fn of(
        version: &DeltaTable,
        schema: &'static TableSchema,
        store: &ObjectStoreUrl,
        before: Option<&Self>,
    ) -> Result<Self, LakeError> {
        let columns = schema.columns_of_files();
        let known: BTreeMap<&str, &PartitionedFile> = before
            .into_iter()
            .flat_map(|before| &before.files)
            .map(|file| (file.path().as_ref(), file))
            .collect();
        let mut files = Vec::new();
        for file in version.snapshot()?.log_data().iter() {
            files.push(match known.get(file.object_store_path().as_ref()) {
                Some(known) => (*known).clone(),
                None => described(&file, schema, columns.table_schema())?,
            });
        }
        files.sort_by(|a, b| {
            let part = |file: &PartitionedFile| part_of(file).unwrap_or(0);
            part(b)
                .cmp(&part(a))
                .then_with(|| a.path().as_ref().cmp(b.path().as_ref()))
        });
        Ok(Self {
            columns,
            store: store.clone(),
            files,
        })
    }

    /// Some of the files.
    pub(crate) fn only(&self, paths: &BTreeSet<String>) -> Self {
        let mut some = self.clone();
        some.files
            .retain(|file| paths.contains(file.path().as_ref()));
        some
    }

    /// How many files, and how many rows in them, belong to days or months before one; those whose time nobody believed do
    /// not.
    pub(crate) fn before(&self, first: i32) -> (u64, u64) {
        let older = self
            .files
            .iter()
            .filter(|file| part_of(file).is_some_and(|part| part < first && part != 0));
        older.fold((0, 0), |(files, rows), file| {
            let of_file = file
                .statistics
                .as_ref()
                .and_then(|told| told.num_rows.get_value().copied());
            (files + 1, rows + of_file.unwrap_or(0) as u64)
        })
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files that may hold rows which fulfil all of the filters.
    fn that_may_hold(
        &self,
        session: &dyn Session,
        filters: &[Expr],
    ) -> EngineResult<Vec<PartitionedFile>> {
        let Some(all) = conjunction(filters.to_vec()) else {
            return Ok(self.files.clone());
        };
        let schema = self.columns.table_schema();
        let names = Arc::clone(schema).to_dfschema()?;
        let predicate = session.create_physical_expr(all, &names)?;
        let predicate = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(schema))
            .with_max_in_list_size(NAMED_VALUES)
            .try_build(predicate)?;
        let told = self
            .files
            .iter()
            .map(|file| file.statistics.clone().unwrap_or_default())
            .collect();
        let may = predicate.prune(&PrunableStatistics::new(told, Arc::clone(schema)))?;
        let files = self.files.iter().zip(may);
        Ok(files
            .filter(|(_, may)| *may)
            .map(|(file, _)| file.clone())
            .collect())
    }
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.columns.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        // They say which files are opened; to rows the engine applies them while it reads.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let files = self.that_may_hold(session, filters)?;
        if files.is_empty() {
            let schema = project_schema(&self.schema(), projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = files
            .iter()
            .map(|file| {
                file.statistics
                    .as_ref()
                    .map_or(Precision::Absent, |s| s.num_rows)
            })
            .fold(Precision::Exact(0), |sum, rows| sum.add(&rows));
        // Dealt out one by one, so that each of the streams begins with the newest.
        let streams = session.config().target_partitions().max(1).min(files.len());
        let mut groups = vec![Vec::new(); streams];
        for (number, file) in files.into_iter().enumerate() {
            if let Some(group) = groups.get_mut(number % streams) {
                group.push(file);
            }
        }
        let environment = session.runtime_env();
        let reader = CachedParquetFileReaderFactory::new(
            environment.object_store(&self.store)?,
            environment.cache_manager.get_file_metadata_cache(),
        );
        let options = TableParquetOptions {
            global: session.config().options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let source = ParquetSource::new(self.columns.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(reader));
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Days since 1970 of the day or month of a file.
fn part_of(file: &PartitionedFile) -> Option<i32> {
    match file.partition_values.first() {
        Some(ScalarValue::Date32(part)) => *part,
        _ => None,
    }
}

/// A file with its place, its day or month, and what is told of its values.
fn described(
    file: &LogicalFileView,
    schema: &TableSchema,
    columns: &SchemaRef,
) -> Result<PartitionedFile, LakeError> {
    if file.deletion_vector_descriptor().is_some() {
        // Another engine deleted single rows: what it left would be read as if it were whole.
        return Err(LakeError::Unreadable("a file with a deletion vector"));
    }
    let part = file
        .partition_values_map()
        .remove(schema.partition)
        .flatten()
        .and_then(|text| days_of(&text))
        .ok_or(LakeError::Unreadable("the day of a file"))?;
    let mut described = PartitionedFile::new(
        String::new(),
        u64::try_from(file.size()).unwrap_or_default(),
    );
    described.object_meta.location = file.object_store_path();
    let told: Told = file
        .stats()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let mut statistics = Statistics {
        num_rows: told.num_records.map_or(Precision::Absent, Precision::Exact),
        total_byte_size: Precision::Absent,
        column_statistics: Vec::new(),
    };
    for column in columns.fields() {
        if column.name() == schema.partition {
            continue;
        }
        let value = |values: &BTreeMap<String, serde_json::Value>, is_greatest: bool| {
            values
                .get(column.name())
                .and_then(|value| scalar(value, column.data_type(), is_greatest))
                .map_or(Precision::Absent, Precision::Exact)
        };
        let mut of_column = ColumnStatistics::new_unknown();
        of_column.min_value = value(&told.min_values, false);
        of_column.max_value = value(&told.max_values, true);
        statistics.column_statistics.push(of_column);
    }
    Ok(described
        .with_partition_values(vec![ScalarValue::Date32(Some(part))])
        .with_statistics(Arc::new(statistics)))
}

fn days_of(date: &str) -> Option<i32> {
    let date: Date = date.parse().ok()?;
    let since = date.since(Date::constant(1970, 1, 1)).ok()?;
    Some(since.get_days())
}

/// A bound as the log tells it. Times are told in whole milliseconds, cut off: the greatest may lie one behind.
fn scalar(value: &serde_json::Value, kind: &DataType, is_greatest: bool) -> Option<ScalarValue> {
    match kind {
        DataType::Int64 => Some(ScalarValue::Int64(Some(value.as_i64()?))),
        DataType::Int32 => Some(ScalarValue::Int32(Some(value.as_i64()?.try_into().ok()?))),
        DataType::Int16 => Some(ScalarValue::Int16(Some(value.as_i64()?.try_into().ok()?))),
        DataType::Date32 => Some(ScalarValue::Date32(Some(days_of(value.as_str()?)?))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let time: Timestamp = value.as_str()?.parse().ok()?;
            let micros = time.as_microsecond() + if is_greatest { 999 } else { 0 };
            Some(ScalarValue::TimestampMicrosecond(
                Some(micros),
                zone.clone(),
            ))
        }
        _ => None,
    }
}
