//! Each batch names the digest of the one that was sealed before it. Where that one is known, stored or told as withdrawn, and is another,
//! somebody wrote this sensor's history twice: a person is told.

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;
use lapwing_wire::{Batch, BatchDigest};

use super::inbox::raise_alarm;
use super::{SensorKey, StoreError};

/// Holds a batch that was loaded against its neighbours, as far as they are known. A batch that names none is not held against any.
pub(super) fn check(
    transaction: &Transaction<'_>,
    sensor: SensorKey,
    batch: &Batch,
) -> Result<(), StoreError> {
    let epoch = batch.identity.epoch.0.cast_signed();
    let number = batch.identity.number.0.cast_signed();
    let known = |sql: &str, number: i64| -> Result<Option<BatchDigest>, StoreError> {
        let digest: Option<[u8; 32]> = transaction
            .prepare(sql)?
            .query_row(params![sensor.0, epoch, number], |row| row.get(0))
            .optional()?;
        Ok(digest.map(BatchDigest))
    };
    let before = known(
        "SELECT digest FROM batch WHERE sensor_key = ?1 AND epoch = ?2 AND number = ?3
         UNION ALL
         SELECT withdrawn_digest FROM eviction WHERE sensor_key = ?1 AND epoch = ?2 AND withdrawn_batch = ?3
         LIMIT 1",
        number.saturating_sub(1),
    )?;
    let named_by_next = known(
        "SELECT previous FROM batch WHERE sensor_key = ?1 AND epoch = ?2 AND number = ?3 AND previous IS NOT NULL",
        number.saturating_add(1),
    )?;
    for (named, is, at) in [
        (Some(batch.previous), before, number),
        (named_by_next, Some(batch.digest), number.saturating_add(1)),
    ] {
        let (Some(named), Some(is)) = (named, is) else {
            continue;
        };
        if named != is && named != BatchDigest::NONE {
            let detail = format!(
                "batch {}/{at} follows another batch {} than the one that is known: the outbox was copied or set back",
                batch.identity.epoch,
                at.saturating_sub(1)
            );
            raise_alarm(
                transaction,
                Some(sensor),
                "broken chain",
                &detail,
                Timestamp::now(),
            )?;
        }
    }
    Ok(())
}
