//! What programs log in with. Only the hash of a token is stored.

use super::database::{OptionalRow as _, params};
use jiff::{SignedDuration, Timestamp};

use super::audit::record;
use super::sessions::Session;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::limits::{TOKEN_DAYS_MAX, TOKENS_OF_A_USER};
use crate::people::PermissionSet;
use crate::query::TenantKey;

/// A token as its owner sees it.
#[derive(Clone, Debug)]
pub struct ApiToken {
    pub key: i64,
    pub name: String,
    pub scopes: PermissionSet,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub used: Option<Timestamp>,
    pub revoked: bool,
}

impl Store {
    /// Adds a token for a user.
    ///
    /// # Errors
    /// When the user has too many, asks for too long, or the database fails.
    pub fn add_token(
        &self,
        user_key: i64,
        actor: &str,
        name: &str,
        token_hash: &[u8; 32],
        scopes: PermissionSet,
        days: u32,
    ) -> Result<(), StoreError> {
        if days == 0 || days > TOKEN_DAYS_MAX {
            return Err(StoreError::Refused(format!(
                "a token is good for 1 to {TOKEN_DAYS_MAX} days"
            )));
        }
        self.write(|transaction| {
            let now = Timestamp::now();
            let alive: usize = transaction.query_row(
                "SELECT count(*) FROM api_token WHERE user_key = ?1 AND revoked_ms IS NULL AND expires_ms > ?2",
                params![user_key, to_milliseconds(now)],
                |row| row.get(0),
            )?;
            if alive >= TOKENS_OF_A_USER {
                return Err(StoreError::Refused(format!("there are {alive} tokens already: revoke one first")));
            }
            let expires = now + SignedDuration::from_hours(24 * i64::from(days));
            transaction.execute(
                "INSERT INTO api_token (user_key, name, token_hash, scopes, created_ms, expires_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![user_key, name, token_hash, scopes.to_string(), to_milliseconds(now), to_milliseconds(expires)],
            )?;
            record(transaction, now, actor, "token.add", &format!("{name} ({scopes})"))
        })
    }

    /// A user's tokens, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tokens(&self, user_key: i64) -> Result<Vec<ApiToken>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT key, name, scopes, created_ms, expires_ms, used_ms, revoked_ms IS NOT NULL
                 FROM api_token WHERE user_key = ?1 ORDER BY key DESC LIMIT 100",
            )?;
            let rows = statement.query_map([user_key], |row| {
                let scopes: String = row.get(2)?;
                Ok(ApiToken {
                    key: row.get(0)?,
                    name: row.get(1)?,
                    scopes: scopes.parse().unwrap_or_default(),
                    created: from_milliseconds(row.get(3)?),
                    expires: from_milliseconds(row.get(4)?),
                    used: row.get::<Option<i64>>(5)?.map(from_milliseconds),
                    revoked: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Ends a token of a user.
    ///
    /// # Errors
    /// When there is no such token of this user.
    pub fn revoke_token(&self, user_key: i64, user: &str, key: i64) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let name: Option<String> = transaction
                .query_row(
                    "UPDATE api_token SET revoked_ms = ?3 WHERE key = ?1 AND user_key = ?2 AND revoked_ms IS NULL
                     RETURNING name",
                    params![key, user_key, to_milliseconds(now)],
                    |row| row.get(0),
                )
                .optional()?;
            let name = name.ok_or_else(|| StoreError::Absent {
                what: "token",
                name: key.to_string(),
            })?;
            record(transaction, now, user, "token.revoke", &name)
        })
    }

    /// Who a token speaks for: its owner, with the permissions that both hold. None when it is unknown, over or
    /// revoked, or its owner is disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub fn token_session(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let found = self.read(|transaction| {
            Ok(transaction
                .prepare(
                    "SELECT account.key, account.name, account.role, account.tenant_key, account.language, api_token.scopes,
                            api_token.key, api_token.used_ms
                     FROM api_token JOIN account ON account.key = api_token.user_key
                     WHERE token_hash = ?1 AND revoked_ms IS NULL AND expires_ms > ?2 AND account.disabled_ms IS NULL",
                )?
                .query_row(params![token_hash, to_milliseconds(now)], |row| {
                    let (role, scopes): (String, String) = (row.get(2)?, row.get(5)?);
                    let scopes: PermissionSet = scopes.parse().unwrap_or_default();
                    let role = super::users::role_from_text(&role)?;
                    let session = Session {
                        user_key: row.get(0)?,
                        user: row.get(1)?,
                        role,
                        tenant: row.get::<Option<i64>>(3)?.map(TenantKey),
                        language: row.get(4)?,
                        permissions: role.permissions().and(scopes),
                        form_token: String::new(),
                    };
                    Ok((session, row.get::<i64>(6)?, row.get::<Option<i64>>(7)?))
                })
                .optional()?)
        })?;
        let Some((session, key, used)) = found else {
            return Ok(None);
        };
        // As for sessions: once a minute is enough, and spares a synced write per request.
        if used.is_none_or(|used| to_milliseconds(now) - used >= 60_000) {
            self.write(|transaction| {
                transaction.execute(
                    "UPDATE api_token SET used_ms = ?2 WHERE key = ?1",
                    params![key, to_milliseconds(now)],
                )?;
                Ok(())
            })?;
        }
        Ok(Some(session))
    }
}
