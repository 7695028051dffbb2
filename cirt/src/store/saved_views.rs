//! Links that people keep: their own, and those that colleagues share.

use super::database::params;

use super::{Store, StoreError};
use crate::limits::SAVED_VIEWS;

/// A kept link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    pub key: i64,
    pub name: String,
    /// Path and query on this server.
    pub link: String,
    pub is_own: bool,
}

impl Store {
    /// Keeps a link under a name; the same name again replaces it.
    ///
    /// # Errors
    /// When there are too many, or the link leads elsewhere.
    pub fn save_view(
        &self,
        user_key: i64,
        name: &str,
        link: &str,
        is_shared: bool,
    ) -> Result<(), StoreError> {
        let name: String = name.trim().chars().take(60).collect();
        if name.is_empty() || !link.starts_with('/') || link.starts_with("//") || link.len() > 2_000
        {
            let reason = "a saved view has a name, and a link to a page here";
            return Err(StoreError::Refused(reason.to_owned()));
        }
        self.write(|transaction| {
            let count: usize = transaction.query_row(
                "SELECT count(*) FROM saved_view WHERE user_key = ?1 AND name <> ?2",
                params![user_key, name],
                |row| row.get(0),
            )?;
            if count >= SAVED_VIEWS {
                let reason = format!("you have {count} saved views: remove one first");
                return Err(StoreError::Refused(reason));
            }
            transaction.execute(
                "INSERT INTO saved_view (user_key, name, link, is_shared) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (user_key, name) DO UPDATE SET link = excluded.link, is_shared = excluded.is_shared",
                params![user_key, name, link, is_shared],
            )?;
            Ok(())
        })
    }

    /// A user's own views and those of colleagues who see the same and share theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn saved_views(&self, user_key: i64) -> Result<Vec<SavedView>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT saved_view.key, saved_view.name, link, user_key = ?1 FROM saved_view
                 JOIN account ON account.key = user_key
                 WHERE user_key = ?1
                    OR (is_shared <> 0 AND account.tenant_key IS NOT DISTINCT FROM (SELECT tenant_key FROM account WHERE key = ?1))
                 ORDER BY 4 DESC, 2 LIMIT 200",
            )?;
            let rows = statement.query_map([user_key], |row| {
                Ok(SavedView {
                    key: row.get(0)?,
                    name: row.get(1)?,
                    link: row.get(2)?,
                    is_own: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets a view of a user.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_view(&self, user_key: i64, key: i64) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM saved_view WHERE key = ?1 AND user_key = ?2",
                params![key, user_key],
            )?;
            Ok(())
        })
    }
}
