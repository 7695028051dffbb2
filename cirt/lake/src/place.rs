//! Where tables lie: a folder, or a prefix in an S3-compatible store. The rest of the package knows only URLs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreFactory, ObjectStoreRef, StorageConfig, default_logstore,
    logstore_factories, object_store_factories,
};
use deltalake::{DeltaResult, DeltaTableBuilder, DeltaTableError};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore as _;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use url::Url;

use crate::LakeError;

/// A place for tables.
#[derive(Clone)]
pub struct Place {
    url: Url,
    folder: Option<PathBuf>,
}

impl Place {
    /// A local folder, made when it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(path: &Path) -> Result<Self, LakeError> {
        std::fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        let url = Url::from_directory_path(&path)
            .map_err(|()| LakeError::Place(path.display().to_string()))?;
        Ok(Self {
            url,
            folder: Some(path),
        })
    }

    /// A prefix in an S3-compatible store, `s3://bucket/prefix`. Endpoint, region and access keys are taken from the
    /// environment as other programs take them: `AWS_ENDPOINT`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …. Commits rest on
    /// conditional puts: a store without `If-None-Match` cannot be used by more than one writer.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn bucket(url: &str) -> Result<Self, LakeError> {
        let mut parsed: Url = url.parse().map_err(|_| LakeError::Place(url.to_owned()))?;
        if parsed.scheme() != "s3" || parsed.host_str().is_none() {
            return Err(LakeError::Place(url.to_owned()));
        }
        if !parsed.path().ends_with('/') {
            let path = format!("{}/", parsed.path());
            parsed.set_path(&path);
        }
        register_s3();
        Ok(Self {
            url: parsed,
            folder: None,
        })
    }

    /// A place below this one.
    ///
    /// # Errors
    /// When a local folder cannot be made.
    pub fn below(&self, name: &str) -> Result<Self, LakeError> {
        if let Some(folder) = &self.folder {
            return Self::folder(&folder.join(name));
        }
        let url = self
            .url
            .join(&format!("{name}/"))
            .map_err(|_| LakeError::Place(name.to_owned()))?;
        Ok(Self {
            url,
            ..self.clone()
        })
    }

    /// The store, its root at this place.
    pub(crate) fn store(&self) -> Result<ObjectStoreRef, LakeError> {
        let table = DeltaTableBuilder::from_url(self.url.clone())?.build()?;
        Ok(table.object_store())
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// The folder, where it is one.
    #[must_use]
    pub fn local(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Removes everything that lies here: a folder, or all objects with the prefix.
    ///
    /// # Errors
    /// Whatever the file system or the store says; what is left may be removed again.
    pub fn remove(&self) -> Result<(), LakeError> {
        if let Some(folder) = &self.folder {
            return Ok(std::fs::remove_dir_all(folder)?);
        }
        let store = self.store()?;
        // On a thread of its own: whoever calls may have a runtime already.
        let removal = std::thread::spawn(move || -> Result<(), LakeError> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime
                .block_on(async {
                    let found = store.list(None).map_ok(|object| object.location).boxed();
                    let removed = store.delete_stream(found);
                    removed.try_for_each(|_| async { Ok(()) }).await
                })
                .map_err(|error| DeltaTableError::from(error).into())
        });
        removal.join().unwrap_or(Err(LakeError::BrokeOff))
    }

    /// Brings what was written so far onto the disk; a store of objects has done so when it answered.
    pub(crate) fn sync(&self) -> Result<(), LakeError> {
        if let Some(folder) = &self.folder {
            let folder = std::fs::File::open(folder)?;
            rustix::fs::syncfs(&folder).map_err(std::io::Error::from)?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.folder {
            Some(folder) => write!(formatter, "{}", folder.display()),
            None => write!(formatter, "{}", self.url),
        }
    }
}

fn register_s3() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Ok(scheme) = Url::parse("s3://") {
            object_store_factories().insert(scheme.clone(), Arc::new(S3));
            logstore_factories().insert(scheme, Arc::new(S3));
        }
    });
}

/// S3 by `object_store` itself: the SDK that `deltalake` would bring is not needed for conditional puts.
struct S3;

impl ObjectStoreFactory for S3 {
    fn parse_url_opts(
        &self,
        url: &Url,
        _config: &StorageConfig,
    ) -> DeltaResult<(ObjectStoreRef, object_store::path::Path)> {
        let builder = AmazonS3Builder::from_env()
            .with_url(url.as_str())
            .with_conditional_put(S3ConditionalPut::ETagMatch);
        let store = builder.build().map_err(DeltaTableError::from)?;
        let path = object_store::path::Path::from_url_path(url.path())
            .map_err(|_| DeltaTableError::InvalidTableLocation(url.to_string()))?;
        Ok((Arc::new(store), path))
    }
}

impl LogStoreFactory for S3 {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(
            prefixed_store,
            root_store,
            location,
            options,
        ))
    }
}
