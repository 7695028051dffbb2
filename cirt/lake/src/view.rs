//! What one question sees: a version of the table, and the fresh rows that are not in it, as one table.

use std::sync::Arc;

use deltalake::arrow::array::RecordBatch;
use deltalake::datafusion::catalog::memory::{
    MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
};
use deltalake::datafusion::catalog::{CatalogProvider as _, CatalogProviderList as _};
use deltalake::datafusion::dataframe::DataFrame;
use deltalake::datafusion::datasource::MemTable;
use deltalake::datafusion::execution::runtime_env::RuntimeEnv;
use deltalake::datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use deltalake::datafusion::logical_expr::{Expr, lit};
use deltalake::datafusion::prelude::{SessionConfig, SessionContext, col};

use crate::lake::{Shared, Version};
use crate::limits::ROWS_AT_ONCE;
use crate::schema::{FINDING, SIGHTING, TableSchema};
use crate::{FreshRows, LakeError};

/// The rows that no unit in the table holds, taken from the control store **before** the table is looked at: a row that
/// moves meanwhile is then seen in the table and left out here, never missed and never seen twice.
#[derive(Clone, Debug, Default)]
pub struct Fresh {
    /// Only findings before this key exist for the one who asks.
    pub before_key: Option<i64>,
    /// The last unit that the control store knew to be in the table: a version in memory that has it is new enough.
    /// Without it the newest one is looked up.
    pub committed: Option<i64>,
    /// Rows, each with the load unit that is to take them, when one is.
    pub parts: Vec<(Option<i64>, FreshRows)>,
}

/// The columns of all findings, and how to ask for them.
pub(crate) struct View {
    pub(crate) context: SessionContext,
    findings: DataFrame,
}

/// Where names that belong to nothing are looked for.
const OWN_CATALOG: &str = "datafusion";
const OWN_SCHEMA: &str = "public";

/// A session of a question that names no table of its own.
pub(crate) fn session(shared: &Shared) -> SessionContext {
    SessionContext::new_with_state(shared.questions.clone())
}

/// What sessions are made of: making it anew for each question would take longer than many answers.
pub(crate) fn state_of(environment: &Arc<RuntimeEnv>, partitions: usize) -> SessionState {
    let mut config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(ROWS_AT_ONCE)
        .with_information_schema(false)
        // Files are dealt out newest first; the engine would cut that row in the middle.
        .with_repartition_file_scans(false)
        .with_create_default_catalog_and_schema(true);
    let parquet = &mut config.options_mut().execution.parquet;
    parquet.pushdown_filters = true;
    parquet.reorder_filters = true;
    SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(Arc::clone(environment))
        .build()
}

/// Rows in memory behind those of the table, where there are any.
fn with_fresh(
    context: &SessionContext,
    newest: &Version,
    schema: &TableSchema,
    fresh: &[RecordBatch],
    before_key: Option<i64>,
) -> Result<DataFrame, LakeError> {
    let committed = || -> Result<DataFrame, LakeError> {
        let rows = context.read_table(Arc::clone(&newest.files) as _)?;
        Ok(match before_key {
            Some(end) => rows.filter(col("key").lt(lit(end)))?,
            None => rows,
        })
    };
    if fresh.is_empty() {
        return committed();
    }
    let fresh = fresh
        .iter()
        .map(|rows| schema.as_seen(rows))
        .collect::<Result<Vec<_>, _>>()?;
    let columns = Arc::clone(schema.columns_of_files().table_schema());
    let memory = MemTable::try_new(columns, vec![fresh])?;
    let fresh = context.read_table(Arc::new(memory))?;
    if newest.files.is_empty() {
        return Ok(fresh);
    }
    Ok(committed()?.union(fresh)?)
}

/// The sightings of the newest version and of the fresh rows, as one table.
pub(crate) async fn sightings(
    context: &SessionContext,
    shared: &Shared,
    fresh: &Fresh,
) -> Result<DataFrame, LakeError> {
    let newest = shared.sightings.with(fresh.committed).await?;
    let batches = fresh
        .behind(newest.unit)
        .map(FreshRows::sightings)
        .collect::<Result<Vec<_>, _>>()?;
    with_fresh(context, &newest, &SIGHTING, &batches, None)
}

impl Fresh {
    /// The parts that a version up to a unit does not hold.
    fn behind(&self, unit: i64) -> impl Iterator<Item = &FreshRows> {
        self.parts
            .iter()
            .filter(move |(of, _)| of.is_none_or(|of| of > unit))
            .map(|(_, rows)| rows)
    }
}

impl View {
    /// Puts the newest version and the fresh rows together.
    pub(crate) async fn of(shared: &Shared, fresh: &Fresh) -> Result<Self, LakeError> {
        Self::within(session(shared), shared, fresh).await
    }

    /// The same in a session of its own, to which names may be added.
    pub(crate) async fn apart(shared: &Shared, fresh: &Fresh) -> Result<Self, LakeError> {
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(OWN_SCHEMA, Arc::new(MemorySchemaProvider::new()))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(OWN_CATALOG.to_owned(), Arc::new(catalog));
        let state = SessionStateBuilder::new_from_existing(shared.questions.clone())
            .with_catalog_list(Arc::new(catalogs))
            .build();
        Self::within(SessionContext::new_with_state(state), shared, fresh).await
    }

    async fn within(
        context: SessionContext,
        shared: &Shared,
        fresh: &Fresh,
    ) -> Result<Self, LakeError> {
        let newest = shared.findings.with(fresh.committed).await?;
        let batches: Vec<RecordBatch> = fresh
            .behind(newest.unit)
            .map(|part| part.rows.clone())
            .collect();
        let findings = with_fresh(&context, &newest, &FINDING, &batches, fresh.before_key)?;
        Ok(Self { context, findings })
    }

    /// The findings that fulfil all of these.
    pub(crate) fn matching(&self, conditions: Vec<Expr>) -> Result<DataFrame, LakeError> {
        let mut frame = self.findings.clone();
        if let Some(all) = conditions.into_iter().reduce(Expr::and) {
            frame = frame.filter(all)?;
        }
        Ok(frame)
    }
}
