//! Who is logged in. Only the hash of a session's cookie is stored.

use super::database::{OptionalRow as _, params};
use jiff::Timestamp;

use super::audit::record;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::limits::{SESSION_IDLE, SESSION_LIFETIME};
use crate::people::{Permission, PermissionSet, Role};
use crate::query::{Scope, TenantKey};

/// Who makes a request: a person with a cookie, or a program with a token.
#[derive(Clone, Debug)]
pub struct Session {
    pub user_key: i64,
    pub user: String,
    pub role: Role,
    /// The only tenant whose rows they see.
    pub tenant: Option<TenantKey>,
    /// What they may do: what the role allows, and the token, if it is one.
    pub permissions: PermissionSet,
    /// A language tag, or empty for what the browser asks.
    pub language: String,
    /// What every form of this session must carry.
    pub form_token: String,
}

impl Session {
    /// Whose rows may be seen.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.tenant.map_or(Scope::Nation, Scope::Tenant)
    }

    /// Whether something may be done.
    #[must_use]
    pub const fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }
}

impl Store {
    /// Opens a session and sweeps the expired ones.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_session(
        &self,
        user_key: i64,
        user: &str,
        token_hash: &[u8],
        form_token: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM session WHERE created_ms < ?1 OR seen_ms < ?2",
                params![to_milliseconds(now - SESSION_LIFETIME), to_milliseconds(now - SESSION_IDLE)],
            )?;
            transaction.execute(
                "INSERT INTO session (token_hash, user_key, form_token, created_ms, seen_ms) VALUES (?1, ?2, ?3, ?4, ?4)",
                params![token_hash, user_key, form_token, to_milliseconds(now)],
            )?;
            transaction
                .execute("UPDATE account SET login_ms = ?2 WHERE key = ?1", params![user_key, to_milliseconds(now)])?;
            record(transaction, now, user, "session.open", user)
        })
    }

    /// Finds a session that is neither too old nor idle, of a user who is not disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub fn session(
        &self,
        token_hash: &[u8],
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let found = self.read(|transaction| {
            let found = transaction
                .prepare(
                    "SELECT account.name, account.role, session.form_token, session.seen_ms, account.key, account.tenant_key,
                            account.language
                     FROM session JOIN account ON account.key = session.user_key
                     WHERE token_hash = ?1 AND account.disabled_ms IS NULL AND session.created_ms >= ?2
                       AND session.seen_ms >= ?3",
                )?
                .query_row(
                    params![
                        token_hash,
                        to_milliseconds(now - SESSION_LIFETIME),
                        to_milliseconds(now - SESSION_IDLE)
                    ],
                    |row| {
                        let role: String = row.get(1)?;
                        let role = super::users::role_from_text(&role)?;
                        let session = Session {
                            user_key: row.get(4)?,
                            user: row.get(0)?,
                            role,
                            tenant: row.get::<Option<i64>>(5)?.map(TenantKey),
                            permissions: role.permissions(),
                            language: row.get(6)?,
                            form_token: row.get(2)?,
                        };
                        Ok((session, from_milliseconds(row.get(3)?)))
                    },
                )
                .optional()?;
            Ok(found)
        })?;
        let Some((session, seen)) = found else {
            return Ok(None);
        };
        // Once a minute is enough to tell idle from used, and spares a synced write per request.
        if now.duration_since(seen).as_secs() >= 60 {
            self.write(|transaction| {
                transaction.execute(
                    "UPDATE session SET seen_ms = ?2 WHERE token_hash = ?1",
                    params![token_hash, to_milliseconds(now)],
                )?;
                Ok(())
            })?;
        }
        Ok(Some(session))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub fn close_session(&self, token_hash: &[u8], user: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM session WHERE token_hash = ?1", [token_hash])?;
            record(transaction, Timestamp::now(), user, "session.close", user)
        })
    }
}
