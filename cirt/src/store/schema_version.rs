//! Numbered, forward-only migrations, written for SQLite in words that both databases understand. Each database holds
//! the number of the last one it has seen.

use super::StoreError;
use super::database::{self, Connection, Purpose, Shape, Transaction, copy_all};

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
    include_str!("migrations/0016_common_words.sql"),
    include_str!("migrations/0017_suppressions.sql"),
    include_str!("migrations/0018_alarms.sql"),
];

/// Brings a database to the newest version, one transaction a step. Where there is nothing yet on a server the tables
/// are made as all migrations leave them; what comes later comes step by step there as well.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    loop {
        // Alone: of several processes that start at once the first one does it.
        let transaction = connection.begin(Purpose::Write)?;
        let found = transaction.schema_version()?;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        if found == 0 && transaction.is_on_server() {
            create(transaction, known).map_err(|error| StoreError::Migrate(known, error))?;
            continue;
        }
        let Some(migration) = usize::try_from(found)
            .ok()
            .and_then(|index| MIGRATIONS.get(index))
        else {
            return Ok(());
        };
        let next = found + 1;
        transaction
            .define(migration)
            .and_then(|()| transaction.set_schema_version(next))
            .and_then(|()| transaction.commit())
            .map_err(|error| StoreError::Migrate(next, error))?;
    }
}

/// All tables, and the rows that migrations put into them.
fn create(transaction: Transaction<'_>, version: u32) -> database::Result<()> {
    let (shape, mut model) = shape()?;
    transaction.create(&shape)?;
    copy_all(&model.begin(Purpose::Read)?, &transaction, &shape)?;
    transaction.set_schema_version(version)?;
    transaction.commit()
}

/// The tables of the newest version, and a database that has nothing but them.
pub(super) fn shape() -> database::Result<(Shape, Connection)> {
    Shape::after(MIGRATIONS)
}
