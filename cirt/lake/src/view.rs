//! What one question sees: a version of the table, and the fresh rows that are not in it, as one table.

use std::sync::Arc;

use deltalake::arrow::array::RecordBatch;
use deltalake::datafusion::catalog::TableProvider;
use deltalake::datafusion::dataframe::DataFrame;
use deltalake::datafusion::datasource::MemTable;
use deltalake::datafusion::execution::runtime_env::RuntimeEnv;
use deltalake::datafusion::execution::session_state::SessionStateBuilder;
use deltalake::datafusion::logical_expr::{Expr, lit};
use deltalake::datafusion::prelude::{SessionConfig, SessionContext, col};

use crate::lake::{Shared, Table, Version};
use crate::limits::{ROWS_AT_ONCE, WORKERS};
use crate::schema::{FINDING, SIGHTING, TableSchema};
use crate::{FreshRows, LakeError};

/// The rows that no unit in the table holds, taken from the control store **before** the table is looked at: a row that
/// moves meanwhile is then seen in the table and left out here, never missed and never seen twice.
#[derive(Clone, Debug, Default)]
pub struct Fresh {
    /// Only findings before this key exist for the one who asks.
    pub before_key: Option<i64>,
    /// Rows, each with the load unit that is to take them, when one is.
    pub parts: Vec<(Option<i64>, FreshRows)>,
}

/// The columns of all findings, and how to ask for them.
pub(crate) struct View {
    pub(crate) context: SessionContext,
    findings: DataFrame,
}

/// A session of a question.
pub(crate) fn session(shared: &Shared) -> SessionContext {
    session_of(&shared.questions, WORKERS)
}

/// The session in which a part of a table is sorted anew: one stream, so that it is one sort.
pub(crate) fn compaction_session(shared: &Shared) -> SessionContext {
    session_of(&shared.compaction, 1)
}

fn session_of(environment: &Arc<RuntimeEnv>, partitions: usize) -> SessionContext {
    let mut config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(ROWS_AT_ONCE)
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(true);
    let parquet = &mut config.options_mut().execution.parquet;
    parquet.pushdown_filters = true;
    parquet.reorder_filters = true;
    let state = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(Arc::clone(environment))
        .build();
    SessionContext::new_with_state(state)
}

/// A version of a table as a frame with its own columns.
pub(crate) async fn committed(
    context: &SessionContext,
    table: &Table,
) -> Result<(DataFrame, Version), LakeError> {
    let newest = table.newest().await?;
    let state = context.state();
    newest.table.update_datafusion_session(&state)?;
    let provider: Arc<dyn TableProvider> = newest
        .table
        .table_provider()
        .with_session(Arc::new(state))
        .await?;
    let frame = context
        .read_table(provider)?
        .select(columns(table.schema))?;
    Ok((frame, newest))
}

/// All columns of a table.
pub(crate) fn columns(schema: &TableSchema) -> Vec<Expr> {
    schema
        .arrow()
        .fields()
        .iter()
        .map(|field| col(field.name()))
        .collect()
}

/// Rows in memory behind those of the table, where there are any.
fn with_fresh(
    context: &SessionContext,
    committed: DataFrame,
    newest: &Version,
    schema: &TableSchema,
    fresh: Vec<RecordBatch>,
) -> Result<DataFrame, LakeError> {
    if fresh.is_empty() {
        return Ok(committed);
    }
    let memory = MemTable::try_new(schema.arrow(), vec![fresh])?;
    let fresh = context
        .read_table(Arc::new(memory))?
        .select(columns(schema))?;
    if newest.table.snapshot()?.log_data().num_files() == 0 {
        return Ok(fresh);
    }
    Ok(committed.union(fresh)?)
}

/// The sightings of the newest version and of the fresh rows, as one table.
pub(crate) async fn sightings(
    context: &SessionContext,
    shared: &Shared,
    fresh: &Fresh,
) -> Result<DataFrame, LakeError> {
    let (committed, newest) = committed(context, &shared.sightings).await?;
    let batches = fresh
        .behind(newest.unit)
        .map(FreshRows::sightings)
        .collect::<Result<Vec<_>, _>>()?;
    with_fresh(context, committed, &newest, &SIGHTING, batches)
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
        let context = session(shared);
        let (mut committed, newest) = committed(&context, &shared.findings).await?;
        if let Some(end) = fresh.before_key {
            committed = committed.filter(col("key").lt(lit(end)))?;
        }
        let batches = fresh
            .behind(newest.unit)
            .map(|part| part.rows.clone())
            .collect();
        let findings = with_fresh(&context, committed, &newest, &FINDING, batches)?;
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
