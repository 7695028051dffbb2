//! A segment as it is read: its bytes, what is in them, and what opens it.

use std::io;
use std::ops::Range;

use lapwing_wire::{Epoch, Record, decode_records};

use crate::error::OutboxError;
use crate::filesystem::Filesystem;
use crate::keys::KeyRing;
use crate::layout::{Layout, SegmentName};
use crate::segment::{MAX_SEGMENT_BYTES, Scan, StoredRecord, scan};
use crate::segment_cipher::SegmentCipher;

/// A segment as it was read.
#[derive(Debug, Default)]
pub(crate) struct SegmentReader {
    bytes: Vec<u8>,
    pub(crate) scan: Scan,
    /// None for a segment in clear, and for one whose key is gone.
    cipher: Option<SegmentCipher>,
}

impl SegmentReader {
    /// Reads a segment; none when it was removed.
    ///
    /// # Errors
    /// [`OutboxError::Locked`] when its records are encrypted with a key that the keyslot does not open.
    pub(crate) fn read<F: Filesystem>(
        filesystem: &F,
        layout: &Layout,
        epoch: Epoch,
        name: SegmentName,
        keys: &KeyRing,
    ) -> Result<Option<Self>, OutboxError> {
        let path = layout.segment(name);
        let bytes = match filesystem.read(&path, 0, MAX_SEGMENT_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(OutboxError::io("read", path)(cause)),
        };
        let scan = scan(&bytes, epoch, name.lane, name.first);
        let mut cipher = None;
        // A segment without records needs no key: it may be older than a keyslot that was changed since.
        if let Some(seal) = scan.seal.as_ref().filter(|_| !scan.records.is_empty())
            && let Some(key) = keys.key(layout, seal.key)?
        {
            cipher = SegmentCipher::new(key, seal, epoch, name.lane, name.first);
        }
        Ok(Some(Self {
            bytes,
            scan,
            cipher,
        }))
    }

    /// Bytes of the segment.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The whole records whose numbers are in a range.
    pub(crate) fn numbered(
        &self,
        range: &Range<u64>,
    ) -> impl DoubleEndedIterator<Item = &StoredRecord> {
        let records = self.scan.records.iter();
        records.filter(|record| range.contains(&record.number))
    }

    /// The record that is stored here, if it can be read.
    pub(crate) fn record(&self, stored: &StoredRecord) -> Option<Record> {
        let (_, payload) = self.content(stored)?;
        let decoded = decode_records(&payload).ok()?;
        let [record] = <[Record; 1]>::try_from(decoded.records).ok()?;
        (record.header.number.0 == stored.number).then_some(record)
    }

    /// Severity of a stored finding; 0 for other records and for what cannot be read.
    pub(crate) fn severity(&self, stored: &StoredRecord) -> u8 {
        self.content(stored).map_or(0, |(severity, _)| severity)
    }

    fn content(&self, stored: &StoredRecord) -> Option<(u8, Vec<u8>)> {
        let payload = self.bytes.get(stored.payload.clone())?;
        match (self.scan.seal, stored.is_sealed) {
            (None, false) => Some((stored.severity, payload.to_vec())),
            (Some(_), true) => self.cipher.as_ref()?.open(
                stored.offset() as u64,
                stored.number,
                stored.wall_milliseconds,
                payload,
            ),
            // One does not stand in the other's segments.
            _ => None,
        }
    }
}
