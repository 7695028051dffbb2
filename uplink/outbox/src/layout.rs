//! Where things are in the folder, and the identity that names it.

use std::path::{Path, PathBuf};

use lapwing_wire::{Epoch, Lane};

use crate::error::OutboxError;
use crate::filesystem::{Filesystem, replace};
use crate::state_file::{read_words, words_to_bytes};

const IDENTITY_MAGIC: [u8; 4] = *b"LWO\x01";

/// Paths of one outbox.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    folder: PathBuf,
}

/// One segment, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) lane: Lane,
    pub(crate) first: u64,
}

impl Layout {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.folder.join("records")
    }

    pub(crate) fn sealed(&self) -> PathBuf {
        self.folder.join("sealed")
    }

    pub(crate) fn segment(&self, name: SegmentName) -> PathBuf {
        self.records()
            .join(format!("{}-{:020}.seg", name.lane.name(), name.first))
    }

    pub(crate) fn batch(&self, number: u64) -> PathBuf {
        self.sealed().join(format!("{number:020}.batch"))
    }

    pub(crate) fn identity(&self) -> PathBuf {
        self.folder.join("identity")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.join("keys")
    }

    pub(crate) fn writer_state(&self) -> PathBuf {
        self.folder.join("writer.state")
    }

    pub(crate) fn sender_state(&self) -> PathBuf {
        self.folder.join("sender.state")
    }

    pub(crate) fn writer_lock(&self) -> PathBuf {
        self.folder.join("writer.lock")
    }

    pub(crate) fn sender_lock(&self) -> PathBuf {
        self.folder.join("sender.lock")
    }

    pub(crate) fn exchange_lock(&self) -> PathBuf {
        self.folder.join("exchange.lock")
    }

    /// Takes the lock that lets both states stand still.
    pub(crate) fn exchange<F: Filesystem>(&self, filesystem: &F) -> Result<F::Lock, OutboxError> {
        filesystem
            .lock(&self.exchange_lock())
            .map_err(OutboxError::io("lock", self.exchange_lock()))
    }

    /// Becomes the one process that holds a role.
    pub(crate) fn role<F: Filesystem>(
        &self,
        filesystem: &F,
        lock: PathBuf,
    ) -> Result<F::Lock, OutboxError> {
        match filesystem.try_lock(&lock) {
            Ok(Some(held)) => Ok(held),
            Ok(None) => Err(OutboxError::InUse { path: lock }),
            Err(cause) => Err(OutboxError::io("lock", lock)(cause)),
        }
    }

    /// Makes the folders, and draws an epoch when there is none.
    pub(crate) fn open<F: Filesystem>(&self, filesystem: &F) -> Result<Epoch, OutboxError> {
        for folder in [self.folder.clone(), self.records(), self.sealed()] {
            filesystem
                .create_folder(&folder)
                .map_err(OutboxError::io("make the folder", folder))?;
        }
        let _exchange = self.exchange(filesystem)?;
        if let Some(epoch) = self.read_epoch(filesystem)? {
            return Ok(epoch);
        }
        let epoch = Epoch(rand::random());
        let bytes = words_to_bytes(IDENTITY_MAGIC, &[epoch.0]);
        replace(filesystem, &self.identity(), &bytes)
            .map_err(OutboxError::io("write", self.identity()))?;
        Ok(epoch)
    }

    /// The epoch, or none when the outbox was never opened.
    pub(crate) fn read_epoch<F: Filesystem>(
        &self,
        filesystem: &F,
    ) -> Result<Option<Epoch>, OutboxError> {
        let words = read_words(filesystem, &self.identity(), IDENTITY_MAGIC)?;
        match words.as_deref() {
            None => Ok(None),
            Some([epoch]) => Ok(Some(Epoch(*epoch))),
            Some(_) => Err(OutboxError::Damaged {
                path: self.identity(),
            }),
        }
    }

    /// The segments of all lanes with their lengths, oldest first within a lane.
    pub(crate) fn segments<F: Filesystem>(
        &self,
        filesystem: &F,
    ) -> Result<Vec<(SegmentName, u64)>, OutboxError> {
        let names = filesystem
            .list(&self.records())
            .map_err(OutboxError::io("list", self.records()))?;
        let mut segments: Vec<_> = names
            .iter()
            .filter_map(|(name, length)| Some((SegmentName::parse(name)?, *length)))
            .collect();
        segments.sort_unstable();
        Ok(segments)
    }

    /// The numbers of the sealed batches with the lengths of their files, oldest first.
    pub(crate) fn batches<F: Filesystem>(
        &self,
        filesystem: &F,
    ) -> Result<Vec<(u64, u64)>, OutboxError> {
        let names = filesystem
            .list(&self.sealed())
            .map_err(OutboxError::io("list", self.sealed()))?;
        let mut batches: Vec<_> = names
            .iter()
            .filter_map(|(name, length)| {
                Some((name.strip_suffix(".batch")?.parse().ok()?, *length))
            })
            .collect();
        batches.sort_unstable();
        Ok(batches)
    }
}

impl SegmentName {
    fn parse(name: &str) -> Option<Self> {
        let (lane, first) = name.strip_suffix(".seg")?.split_once('-')?;
        Some(Self {
            lane: Lane::ALL.into_iter().find(|known| known.name() == lane)?,
            first: first.parse().ok()?,
        })
    }
}
