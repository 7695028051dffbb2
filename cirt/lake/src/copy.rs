//! A copy of the table for a backup, while others write: of one version, with its files and its log.

use std::sync::Arc;

use deltalake::DeltaTable;
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::lake::last_unit;
use crate::{Lake, LakeError, Place};

const LOG: &str = "_delta_log";

impl Lake {
    /// Copies the newest version of each table that holds no load unit behind `last_unit` to an empty place. Says how many
    /// files of rows they have.
    ///
    /// # Errors
    /// When a place cannot be read or written, or a file is gone that only versions of long ago needed.
    pub fn copy_to(&self, target: &Place, last: i64) -> Result<usize, LakeError> {
        let shared = Arc::clone(&self.shared);
        let target = target.clone();
        self.run(async move {
            let mut files = 0;
            for table in shared.tables() {
                let target = target.below(table.schema.name)?;
                let mut version = table.newest().await?.table;
                while last_unit(&version).await? > last {
                    let before = version.version().unwrap_or_default().checked_sub(1);
                    let before = before.ok_or(LakeError::Unreadable("no version is old enough"))?;
                    version.load_version(before).await?;
                }
                let store = target.store()?;
                files += copy_files(&version, store.as_ref()).await?;
                // The log last: before it is there, there is no table.
                copy_log(&version, store.as_ref()).await?;
                target.sync()?;
            }
            Ok(files)
        })
    }
}

async fn copy_files(table: &DeltaTable, target: &dyn ObjectStore) -> Result<usize, LakeError> {
    let source = table.object_store();
    let paths: Vec<Path> = table
        .snapshot()?
        .log_data()
        .iter()
        .map(|file| file.object_store_path())
        .collect();
    for path in &paths {
        copy_one(source.as_ref(), target, path).await?;
    }
    Ok(paths.len())
}

/// Entries and checkpoints of the log up to the version; the hint which checkpoint is the last one is left out, for it may
/// name a later one.
async fn copy_log(table: &DeltaTable, target: &dyn ObjectStore) -> Result<(), LakeError> {
    let source = table.object_store();
    let newest = table.version().unwrap_or_default();
    let mut entries = Vec::new();
    let mut listed = source.list(Some(&Path::from(LOG)));
    while let Some(entry) = listed
        .try_next()
        .await
        .map_err(deltalake::DeltaTableError::from)?
    {
        let name = entry.location.filename().unwrap_or_default();
        let version = name.get(..20).and_then(|digits| digits.parse::<u64>().ok());
        if version.is_some_and(|version| version <= newest) {
            entries.push(entry.location);
        }
    }
    drop(listed);
    entries.sort();
    for path in &entries {
        copy_one(source.as_ref(), target, path).await?;
    }
    Ok(())
}

async fn copy_one(
    source: &dyn ObjectStore,
    target: &dyn ObjectStore,
    path: &Path,
) -> Result<(), LakeError> {
    let error = deltalake::DeltaTableError::from;
    let bytes = source
        .get(path)
        .await
        .map_err(error)?
        .bytes()
        .await
        .map_err(error)?;
    target.put(path, bytes.into()).await.map_err(error)?;
    Ok(())
}
