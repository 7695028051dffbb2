//! Numbered, forward-only migrations. SQLite's `user_version` says which one a database has reached.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// The migrations in order; the position is the version. A released one is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_control.sql"),
    include_str!("migrations/0002_inbox.sql"),
    include_str!("migrations/0003_derived.sql"),
    include_str!("migrations/0004_people.sql"),
    include_str!("migrations/0005_triage.sql"),
    include_str!("migrations/0006_exchange.sql"),
    include_str!("migrations/0007_collections.sql"),
    include_str!("migrations/0008_indicators.sql"),
    include_str!("migrations/0009_sources.sql"),
    include_str!("migrations/0010_notify.sql"),
    include_str!("migrations/0011_relabelled.sql"),
    include_str!("migrations/0012_outgoing.sql"),
    include_str!("migrations/0013_published_indicators.sql"),
    include_str!("migrations/0014_withdrawn_batches.sql"),
    include_str!("migrations/0015_lake.sql"),
];

/// Brings a database to the newest version, one transaction a step.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        let Some(migration) = usize::try_from(found)
            .ok()
            .and_then(|index| MIGRATIONS.get(index))
        else {
            return Ok(());
        };
        let next = found + 1;
        transaction
            .execute_batch(migration)
            .and_then(|()| transaction.pragma_update(None, "user_version", next))
            .and_then(|()| transaction.commit())
            .map_err(|error| StoreError::Migrate(next, error))?;
    }
}
