//! The tables, opened: their newest versions, the threads that answer, and the memory they may use.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use deltalake::datafusion::execution::cache::cache_manager::CacheManagerConfig;
use deltalake::datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use deltalake::datafusion::execution::memory_pool::{FairSpillPool, GreedyMemoryPool, MemoryPool};
use deltalake::datafusion::execution::object_store::ObjectStoreUrl;
use deltalake::datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use deltalake::datafusion::execution::session_state::SessionState;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError, TableProperty};
use tokio::runtime::{Builder, Runtime};

use crate::files::Files;
use crate::limits::{
    CHECKPOINT_COMMITS, COMPACTION_MEMORY_BYTES, FOOTER_MEMORY_BYTES, LOG_KEPT, QUERY_MEMORY_BYTES,
    QUERY_SPILL_BYTES, REMOVED_KEPT, VERSION_KEPT, WORKERS,
};
use crate::schema::{FINDING, SIGHTING, TableSchema};
use crate::view::state_of;
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
    /// What sessions of questions and of compaction are made of. Each has memory and spill files of its own: neither
    /// starves the other.
    pub(crate) questions: SessionState,
    pub(crate) compaction: SessionState,
}

/// One table.
pub(crate) struct Table {
    pub(crate) schema: &'static TableSchema,
    place: Place,
    /// Under which its files lie for the engine.
    store: ObjectStoreUrl,
    /// The newest version seen, and when it was looked for.
    newest: tokio::sync::Mutex<(Version, Instant)>,
}

/// One version of the table.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) table: DeltaTable,
    /// The last load unit in it; 0 when none is.
    pub(crate) unit: i64,
    pub(crate) files: Arc<Files>,
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
        for environment in [&questions, &compaction] {
            for table in [&findings, &sightings] {
                environment.register_object_store(table.store.as_ref(), table.place.store()?);
            }
        }
        // Sorting a part of a table anew is one stream, so that it is one sort.
        let (questions, compaction) = (state_of(&questions, WORKERS), state_of(&compaction, 1));
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
        let store = ObjectStoreUrl::parse(format!("lake://{}", schema.name))?;
        let version = Version {
            unit: last_unit(&table).await?,
            files: Arc::new(Files::of(&table, schema, &store, None)?),
            table,
        };
        Ok(Self {
            schema,
            place,
            store,
            newest: tokio::sync::Mutex::new((version, Instant::now())),
        })
    }

    /// The newest version.
    pub(crate) async fn newest(&self) -> Result<Version, LakeError> {
        self.with(None).await
    }

    /// A version that holds a unit: the one in memory when it has it and was looked for not long ago, else the newest.
    pub(crate) async fn with(&self, unit: Option<i64>) -> Result<Version, LakeError> {
        let mut newest = self.newest.lock().await;
        let (version, looked) = &mut *newest;
        if unit.is_some_and(|unit| unit <= version.unit) && looked.elapsed() < VERSION_KEPT {
            return Ok(version.clone());
        }
        let now = Instant::now();
        let before = version.table.version();
        version.table.update_incremental(None).await?;
        if version.table.version() != before {
            version.unit = last_unit(&version.table).await?;
            let known = Some(version.files.as_ref());
            version.files = Arc::new(Files::of(&version.table, self.schema, &self.store, known)?);
        }
        *looked = now;
        Ok(version.clone())
    }
}

/// Memory, and files for what goes beyond it.
fn environment(memory: Arc<dyn MemoryPool>) -> Result<Arc<RuntimeEnv>, LakeError> {
    let spill = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::OsTmpDirectory)
        .with_max_temp_directory_size(QUERY_SPILL_BYTES);
    let caches = CacheManagerConfig::default().with_metadata_cache_limit(FOOTER_MEMORY_BYTES);
    Ok(RuntimeEnvBuilder::new()
        .with_memory_pool(memory)
        .with_cache_manager(caches)
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
