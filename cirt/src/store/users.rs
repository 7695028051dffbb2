//! The people who may read.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::audit::record;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::settings::Name;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything, also users and sensors.
    Administrator,
    /// Reads findings.
    Analyst,
}

impl Role {
    /// The word used in the database and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Analyst => "analyst",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "administrator" => Ok(Self::Administrator),
            "analyst" => Ok(Self::Analyst),
            _ => Err(format!("{text:?} is no role: say administrator or analyst")),
        }
    }
}

/// A person who may log in.
#[derive(Clone, Debug)]
pub struct User {
    pub key: i64,
    pub name: String,
    pub role: Role,
    /// PHC string.
    pub password_hash: String,
    pub created: Timestamp,
    pub disabled: Option<Timestamp>,
    pub last_login: Option<Timestamp>,
}

const COLUMNS: &str = "key, name, role, password_hash, created_ms, disabled_ms, login_ms";

fn user_from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(2)?;
    Ok(User {
        key: row.get(0)?,
        name: row.get(1)?,
        role: role.parse().unwrap_or(Role::Analyst),
        password_hash: row.get(3)?,
        created: from_milliseconds(row.get(4)?),
        disabled: row.get::<_, Option<i64>>(5)?.map(from_milliseconds),
        last_login: row.get::<_, Option<i64>>(6)?.map(from_milliseconds),
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
        password_hash: &str,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let added = transaction.execute(
                "INSERT INTO user (name, role, password_hash, created_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name) DO NOTHING",
                params![
                    name.as_str(),
                    role.as_str(),
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
                &format!("{name} as {role}"),
            )
        })
    }

    /// Finds a user by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        self.read(|transaction| {
            let sql = format!("SELECT {COLUMNS} FROM user WHERE name = ?1");
            Ok(transaction
                .prepare_cached(&sql)?
                .query_row([name], user_from_row)
                .optional()?)
        })
    }

    /// All users by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM user ORDER BY name"))?;
            let rows = statement.query_map([], user_from_row)?;
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
                "SELECT count(*) FROM user WHERE role = 'administrator' AND disabled_ms IS NULL AND name <> ?1",
                [name],
                |row| row.get(0),
            )?;
            if others == 0 {
                let reason = format!("{name:?} is the last administrator: add another before disabling this one");
                return Err(StoreError::Refused(reason));
            }
            let changed = transaction.execute(
                "UPDATE user SET disabled_ms = ?2 WHERE name = ?1",
                params![name, to_milliseconds(now)],
            )?;
            if changed == 0 {
                return Err(StoreError::Absent { what: "user", name: name.to_owned() });
            }
            end_sessions(transaction, name)?;
            record(transaction, now, actor, "user.disable", name)
        })
    }

    /// Gives a user a new password, lets them in again, and ends all sessions of theirs.
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
                "UPDATE user SET password_hash = ?2, disabled_ms = NULL WHERE name = ?1",
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
}

fn end_sessions(transaction: &rusqlite::Transaction<'_>, name: &str) -> Result<(), StoreError> {
    transaction.execute(
        "DELETE FROM session WHERE user_key = (SELECT key FROM user WHERE name = ?1)",
        [name],
    )?;
    Ok(())
}
