//! The tables, opened: their newest versions, the threads that answer, and the memory they may use.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use deltalake::datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use deltalake::datafusion::execution::memory_pool::{FairSpillPool, GreedyMemoryPool, MemoryPool};
use deltalake::datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError, TableProperty};
use tokio::runtime::{Builder, Runtime};

use crate::limits::{
    CHECKPOINT_COMMITS, COMPACTION_MEMORY_BYTES, LOG_KEPT, QUERY_MEMORY_BYTES, QUERY_SPILL_BYTES,
    REMOVED_KEPT, WORKERS,
};
use crate::schema::{FINDING, SIGHTING, TableSchema};
use crate::{LakeError, Place};

/// Name under which load units are entered in the log (Delta's application transactions).
pub(crate) const APPLICATION: &str = "lapwing-load-units";

/// The tables of findings and of sightings. Every method may be called from any thread; none may be called from a task of the caller's
/// own runtime that must not block.
pub struct Lake {
    pub(crate) place: Place,
    /// Taken when the lake is dropped.
    runtime: Option<Runtime>,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) findings: Table,
    pub(crate) sightings: Table,
    /// Memory and spill files of questions, and of compaction: neither starves the other.
    pub(crate) questions: Arc<RuntimeEnv>,
    pub(crate) compaction: Arc<RuntimeEnv>,
}

/// One table.
pub(crate) struct Table {
    pub(crate) schema: &'static TableSchema,
    /// The newest version seen, and the last load unit it holds.
    newest: tokio::sync::Mutex<(DeltaTable, i64)>,
}

/// One version of the table.
pub(crate) struct Version {
    pub(crate) table: DeltaTable,
    /// The last load unit in it; 0 when none is.
    pub(crate) unit: i64,
}

impl Lake {
    /// Opens the tables at a place, or makes them there.
    ///
    /// # Errors
    /// When the place cannot be read or written, or holds something else.
    pub fn open(place: Place) -> Result<Self, LakeError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("lake")
            .enable_all()
            .build()?;
        let questions = environment(Arc::new(GreedyMemoryPool::new(QUERY_MEMORY_BYTES)))?;
        // Shared out evenly: a sort that spills must have what merging its files takes.
        let compaction = environment(Arc::new(FairSpillPool::new(COMPACTION_MEMORY_BYTES)))?;
        let findings = wait(&runtime, Table::open(place.below(FINDING.name)?, &FINDING))??;
        let sightings = wait(
            &runtime,
            Table::open(place.below(SIGHTING.name)?, &SIGHTING),
        )??;
        Ok(Self {
            place,
            runtime: Some(runtime),
            shared: Arc::new(Shared {
                findings,
                sightings,
                questions,
                compaction,
            }),
        })
    }

    /// Runs work on the threads of the tables and waits for it.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, LakeError>> + Send + 'static,
    ) -> Result<T, LakeError> {
        let runtime = self.runtime.as_ref().ok_or(LakeError::BrokeOff)?;
        wait(runtime, work)?
    }

    /// As [`Self::run`], given up when it takes too long.
    pub(crate) fn run_within<T: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, LakeError>> + Send + 'static,
    ) -> Result<T, LakeError> {
        self.run(async move {
            tokio::time::timeout(deadline, work)
                .await
                .unwrap_or(Err(LakeError::TooSlow(deadline)))
        })
    }

    /// The last load unit in each of the tables, the least and the greatest; 0 when none is. They differ only while a unit is
    /// being applied, or after a writer died in the middle of one.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub fn last_units(&self) -> Result<[i64; 2], LakeError> {
        let shared = Arc::clone(&self.shared);
        self.run(async move {
            let (findings, sightings) = (
                shared.findings.newest().await?.unit,
                shared.sightings.newest().await?.unit,
            );
            Ok([findings.min(sightings), findings.max(sightings)])
        })
    }

    /// Where the table of findings lies: what other engines open.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn findings_place(&self) -> Result<Place, LakeError> {
        self.place.below(FINDING.name)
    }
}

impl Drop for Lake {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // What still runs was given up; a runtime may not be waited for inside another one.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    pub(crate) const fn tables(&self) -> [&Table; 2] {
        [&self.findings, &self.sightings]
    }
}

impl Table {
    async fn open(place: Place, schema: &'static TableSchema) -> Result<Self, LakeError> {
        let open = || DeltaTableBuilder::from_url(place.url().clone());
        let table = match open()?.load().await {
            Ok(table) => table,
            Err(DeltaTableError::NotATable(_) | DeltaTableError::InvalidTableLocation(_)) => {
                create(open()?.build()?, schema).await?;
                place.sync()?;
                open()?.load().await?
            }
            Err(error) => return Err(error.into()),
        };
        let unit = last_unit(&table).await?;
        Ok(Self {
            schema,
            newest: tokio::sync::Mutex::new((table, unit)),
        })
    }

    /// The newest version.
    pub(crate) async fn newest(&self) -> Result<Version, LakeError> {
        let mut newest = self.newest.lock().await;
        let (table, unit) = &mut *newest;
        let before = table.version();
        table.update_incremental(None).await?;
        if table.version() != before {
            *unit = last_unit(table).await?;
        }
        Ok(Version {
            table: table.clone(),
            unit: *unit,
        })
    }
}

/// Memory, and files for what goes beyond it.
fn environment(memory: Arc<dyn MemoryPool>) -> Result<Arc<RuntimeEnv>, LakeError> {
    let spill = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::OsTmpDirectory)
        .with_max_temp_directory_size(QUERY_SPILL_BYTES);
    Ok(RuntimeEnvBuilder::new()
        .with_memory_pool(memory)
        .with_disk_manager_builder(spill)
        .build_arc()?)
}

/// Makes the table; when somebody else was quicker, theirs is taken.
async fn create(table: DeltaTable, schema: &TableSchema) -> Result<(), LakeError> {
    let seconds = |duration: Duration| Some(format!("interval {} seconds", duration.as_secs()));
    table
        .create()
        .with_table_name(schema.name)
        .with_comment(schema.comment)
        .with_columns(schema.delta())
        .with_partition_columns([schema.partition])
        .with_save_mode(SaveMode::Ignore)
        .with_configuration_property(
            TableProperty::CheckpointInterval,
            Some(CHECKPOINT_COMMITS.to_string()),
        )
        .with_configuration_property(
            TableProperty::DataSkippingStatsColumns,
            Some(schema.indexed),
        )
        .with_configuration_property(TableProperty::LogRetentionDuration, seconds(LOG_KEPT))
        .with_configuration_property(
            TableProperty::DeletedFileRetentionDuration,
            seconds(REMOVED_KEPT),
        )
        .with_configuration_property(TableProperty::EnableExpiredLogCleanup, Some("true"))
        .await?;
    Ok(())
}

/// The last load unit in a version.
pub(crate) async fn last_unit(table: &DeltaTable) -> Result<i64, LakeError> {
    let log_store = table.log_store();
    let unit = table
        .snapshot()?
        .transaction_version(log_store.as_ref(), APPLICATION)
        .await?;
    Ok(unit.unwrap_or(0))
}

/// Runs work on a runtime from a thread of whichever kind, and waits.
fn wait<T: Send + 'static>(
    runtime: &Runtime,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, LakeError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Whoever asked waits below; it is gone only when its thread broke off.
        sender.send(work.await).ok();
    });
    receiver.recv().map_err(|_| LakeError::BrokeOff)
}
