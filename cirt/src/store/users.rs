//! The people who may read.

use super::database::{OptionalRow as _, params};
use jiff::Timestamp;

use super::audit::record;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::people::{Role, SecondFactor};
use crate::query::TenantKey;
use crate::settings::Name;

/// A person who may log in.
#[derive(Clone, Debug)]
pub struct User {
    pub key: i64,
    pub name: String,
    pub role: Role,
    /// The only tenant whose rows they see; none means the nation.
    pub tenant: Option<TenantKey>,
    /// PHC string.
    pub password_hash: String,
    /// Secret of the second factor, when one was set up.
    pub totp_secret: Option<Vec<u8>>,
    /// The newest step of it that was used.
    pub totp_step: u64,
    /// A language tag, or empty for what the browser asks.
    pub language: String,
    pub created: Timestamp,
    pub disabled: Option<Timestamp>,
    pub last_login: Option<Timestamp>,
}

const COLUMNS: &str =
    "key, name, role, password_hash, created_ms, disabled_ms, login_ms, tenant_key, totp_secret,
    totp_step, language";

/// A stored role. One that cannot be read lets nobody in.
pub(super) fn role_from_text(text: &str) -> super::database::Result<Role> {
    text.parse()
        .map_err(|_| super::database::Error::Content("a stored role is unknown"))
}

fn user_from_row(row: &super::database::Row<'_>) -> super::database::Result<User> {
    let role: String = row.get(2)?;
    Ok(User {
        key: row.get(0)?,
        name: row.get(1)?,
        role: role_from_text(&role)?,
        tenant: row.get::<Option<i64>>(7)?.map(TenantKey),
        totp_secret: row.get(8)?,
        totp_step: row.get(9)?,
        language: row.get(10)?,
        password_hash: row.get(3)?,
        created: from_milliseconds(row.get(4)?),
        disabled: row.get::<Option<i64>>(5)?.map(from_milliseconds),
        last_login: row.get::<Option<i64>>(6)?.map(from_milliseconds),
    })
}

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    /// When the name is taken or the database fails.
    pub fn add_user(
        &self,
        actor: &str,
        name: &Name,
        role: Role,
        tenant: Option<&str>,
        password_hash: &str,
    ) -> Result<(), StoreError> {
        if role == Role::IspContact && tenant.is_none() {
            let reason = "an isp-contact belongs to a tenant: name one";
            return Err(StoreError::Refused(reason.to_owned()));
        }
        if role == Role::Administrator && tenant.is_some() {
            let reason = "an administrator sees the nation: leave the tenant out";
            return Err(StoreError::Refused(reason.to_owned()));
        }
        self.write(|transaction| {
            let now = Timestamp::now();
            let tenant_key = tenant
                .map(|tenant| super::tenants::key_of(transaction, tenant))
                .transpose()?;
            let added = transaction.execute(
                "INSERT INTO account (name, role, tenant_key, password_hash, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (name) DO NOTHING",
                params![
                    name.as_str(),
                    role.as_str(),
                    tenant_key.map(|tenant| tenant.0),
                    password_hash,
                    to_milliseconds(now)
                ],
            )?;
            if added == 0 {
                return Err(StoreError::Taken {
                    what: "user",
                    name: name.to_string(),
                });
            }
            record(
                transaction,
                now,
                actor,
                "user.add",
                &match tenant {
                    Some(tenant) => format!("{name} as {role} of {tenant}"),
                    None => format!("{name} as {role}"),
                },
            )
        })
    }

    /// Finds a user by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        self.read(|transaction| {
            let sql = format!("SELECT {COLUMNS} FROM account WHERE name = ?1");
            Ok(transaction
                .prepare(&sql)?
                .query_row([name], user_from_row)
                .optional()?)
        })
    }

    /// Names of the users who see the nation and are not disabled: to whom work is given.
    ///
    /// # Errors
    /// When the database fails.
    pub fn user_names(&self) -> Result<Vec<String>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT name FROM account WHERE disabled_ms IS NULL AND tenant_key IS NULL ORDER BY name",
            )?;
            let rows = statement.query_map((), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// All users by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare(&format!("SELECT {COLUMNS} FROM account ORDER BY name"))?;
            let rows = statement.query_map((), user_from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Locks a user out and ends all sessions of theirs.
    ///
    /// # Errors
    /// When there is no such user, or it is the last administrator.
    pub fn disable_user(&self, actor: &str, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let others: i64 = transaction.query_row(
                "SELECT count(*) FROM account WHERE role = 'administrator' AND disabled_ms IS NULL AND name <> ?1",
                [name],
                |row| row.get(0),
            )?;
            if others == 0 {
                let reason = format!("{name:?} is the last administrator: add another before disabling this one");
                return Err(StoreError::Refused(reason));
            }
            let changed = transaction.execute(
                "UPDATE account SET disabled_ms = ?2 WHERE name = ?1",
                params![name, to_milliseconds(now)],
            )?;
            if changed == 0 {
                return Err(StoreError::Absent { what: "user", name: name.to_owned() });
            }
            end_sessions(transaction, name)?;
            record(transaction, now, actor, "user.disable", name)
        })
    }

    /// Gives a user a new password, lets them in again, takes the second factor away, and ends all sessions of theirs.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn reset_user(
        &self,
        actor: &str,
        name: &str,
        password_hash: &str,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE account SET password_hash = ?2, disabled_ms = NULL, totp_secret = NULL, totp_step = 0 WHERE name = ?1",
                params![name, password_hash],
            )?;
            if changed == 0 {
                return Err(StoreError::Absent {
                    what: "user",
                    name: name.to_owned(),
                });
            }
            end_sessions(transaction, name)?;
            record(transaction, Timestamp::now(), actor, "user.reset", name)
        })
    }

    /// Sets up a second factor, proven by a first code of it, or replaces it.
    ///
    /// # Errors
    /// When the code is wrong.
    pub fn set_second_factor(
        &self,
        user_key: i64,
        user: &str,
        secret: &[u8],
        code: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let step = SecondFactor::of(secret).and_then(|factor| factor.check(code, seconds, 0));
        let Some(step) = step else {
            let reason = "that code is not of this key, or the device's clock is wrong";
            return Err(StoreError::Refused(reason.to_owned()));
        };
        self.write(|transaction| {
            transaction.execute(
                "UPDATE account SET totp_secret = ?2, totp_step = ?3 WHERE key = ?1",
                params![user_key, secret, step],
            )?;
            record(transaction, now, user, "user.second-factor", user)
        })
    }

    /// Uses up a step of a second factor; false when it, or a newer one, was used already.
    ///
    /// # Errors
    /// When the database fails.
    pub fn use_second_factor(&self, user_key: i64, step: u64) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE account SET totp_step = ?2 WHERE key = ?1 AND totp_step < ?2",
                params![user_key, step],
            )?;
            Ok(changed == 1)
        })
    }

    /// Chooses the language of a user's pages; empty follows the browser.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_language(&self, user_key: i64, language: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE account SET language = ?2 WHERE key = ?1",
                params![user_key, language],
            )?;
            Ok(())
        })
    }
}

fn end_sessions(
    transaction: &super::database::Transaction<'_>,
    name: &str,
) -> Result<(), StoreError> {
    transaction.execute(
        "DELETE FROM session WHERE user_key = (SELECT key FROM account WHERE name = ?1)",
        [name],
    )?;
    Ok(())
}
