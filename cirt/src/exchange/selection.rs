//! From a question to findings that could be shared.

use super::limits::EXPORT_FINDINGS;
use super::{Producer, SharedFinding};
use crate::query::FindingQuery;
use crate::store::{Store, StoreError};

/// The findings that are asked for, newest first, at most `limit` and never more than [`EXPORT_FINDINGS`]; and whether there are more.
///
/// # Errors
/// When the database fails.
pub fn findings(
    store: &Store,
    producer: &Producer,
    query: &FindingQuery,
    limit: usize,
) -> Result<(Vec<SharedFinding>, bool), StoreError> {
    let page = store.findings(query, None, limit.min(EXPORT_FINDINGS))?;
    let markings = store.markings()?;
    let shared = page
        .findings
        .into_iter()
        .map(|row| {
            let marking = markings.of(&row);
            SharedFinding::new(producer, row, marking, |address| {
                store.country_of(address).ok().flatten()
            })
        })
        .collect();
    Ok((shared, page.next.is_some()))
}
