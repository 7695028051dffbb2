//! What people do with a group. Each act is an event of the group and a line of the audit trail, in one transaction.

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;

use super::audit::record;
use super::markings::relabel_group;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::limits::{COMMENT_CHARS, GROUP_EVENTS};
use crate::query::Scope;
use crate::triage::{Tlp, class_is_known};

/// One act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// To a user, or to nobody.
    Assign(Option<String>),
    Comment(String),
    /// RSIT, `classification:type`.
    Classify(String),
    SetTlp(Tlp),
    /// Those whom it concerns were told.
    Notified(String),
    /// With a word on how it ended.
    Close(String),
    Reopen,
    /// Into a case, or out of any.
    Merge(Option<i64>),
}

/// What became of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEvent {
    pub at: Timestamp,
    pub actor: String,
    /// `assigned`, `comment`, `classified`, `tlp`, `notified`, `closed`, `reopened`, `relapse`, `merged`.
    pub kind: String,
    pub detail: String,
}

pub(super) fn add_event(
    transaction: &Transaction<'_>,
    group: i64,
    at: Timestamp,
    actor: &str,
    kind: &str,
    detail: &str,
) -> Result<(), StoreError> {
    transaction
        .prepare(
            "INSERT INTO group_event (group_key, at_ms, actor, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![group, to_milliseconds(at), actor, kind, detail])?;
    Ok(())
}

impl Store {
    /// Does something with a group that a scope shows.
    ///
    /// # Errors
    /// When there is no such group, user or case, or the change makes no sense.
    pub fn change_group(
        &self,
        scope: Scope,
        actor: &str,
        key: i64,
        change: &GroupChange,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let visible = format!(
                "SELECT 1 FROM group_sensor WHERE group_key = ?1 AND {} LIMIT 1",
                scope.sensor_condition("sensor_key")
            );
            let known = transaction
                .prepare(&visible)?
                .query_row([key], |_| Ok(()))
                .optional()?;
            if known.is_none() {
                return Err(StoreError::Absent {
                    what: "group",
                    name: key.to_string(),
                });
            }
            let (kind, detail) = apply(transaction, key, change, now)?;
            add_event(transaction, key, now, actor, kind, &detail)?;
            if let GroupChange::SetTlp(tlp) = change {
                relabel_group(transaction, key, *tlp, now)?;
            }
            let subject = match change {
                // What a comment says stands in the group.
                GroupChange::Comment(_) => key.to_string(),
                _ => format!("{key} {detail}"),
            };
            record(
                transaction,
                now,
                actor,
                &format!("group.{kind}"),
                subject.trim_end(),
            )
        })
    }

    /// What became of a group, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn group_events(&self, key: i64) -> Result<Vec<GroupEvent>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT at_ms, actor, kind, detail FROM (SELECT * FROM group_event WHERE group_key = ?1
                 ORDER BY key DESC LIMIT ?2) AS newest ORDER BY key",
            )?;
            let limit = i64::try_from(GROUP_EVENTS).unwrap_or(i64::MAX);
            let rows = statement.query_map([key, limit], |row| {
                Ok(GroupEvent {
                    at: from_milliseconds(row.get(0)?),
                    actor: row.get(1)?,
                    kind: row.get(2)?,
                    detail: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Changes the row; says what the event is called and what it tells.
fn apply(
    transaction: &Transaction<'_>,
    key: i64,
    change: &GroupChange,
    now: Timestamp,
) -> Result<(&'static str, String), StoreError> {
    let refused = |reason: &str| Err(StoreError::Refused(reason.to_owned()));
    Ok(match change {
        GroupChange::Assign(user) => {
            let user_key: Option<i64> = match user {
                None => None,
                Some(name) => Some(
                    transaction
                        .query_row(
                            "SELECT key FROM account WHERE name = ?1 AND disabled_ms IS NULL",
                            [name],
                            |row| row.get(0),
                        )
                        .optional()?
                        .ok_or_else(|| StoreError::Absent {
                            what: "user",
                            name: name.clone(),
                        })?,
                ),
            };
            transaction.execute(
                "UPDATE finding_group SET assignee_key = ?2, state = CASE state WHEN 'new' THEN 'open' ELSE state END
                 WHERE key = ?1",
                params![key, user_key],
            )?;
            ("assigned", user.clone().unwrap_or_default())
        }
        GroupChange::Comment(text) => {
            let text = text.trim();
            if text.is_empty() || text.chars().count() > COMMENT_CHARS {
                return refused("a comment has 1 to 4000 characters");
            }
            ("comment", text.to_owned())
        }
        GroupChange::Classify(class) => {
            if !class.is_empty() && !class_is_known(class) {
                return refused("that is no class of the taxonomy (RSIT)");
            }
            transaction.execute(
                "UPDATE finding_group SET class = ?2 WHERE key = ?1",
                params![key, class],
            )?;
            ("classified", class.clone())
        }
        GroupChange::SetTlp(tlp) => {
            transaction.execute(
                "UPDATE finding_group SET tlp = ?2 WHERE key = ?1",
                params![key, tlp.name()],
            )?;
            ("tlp", tlp.name().to_owned())
        }
        GroupChange::Notified(whom) => {
            transaction.execute(
                "UPDATE finding_group SET notified_ms = coalesce(notified_ms, ?2) WHERE key = ?1",
                params![key, to_milliseconds(now)],
            )?;
            ("notified", whom.chars().take(200).collect())
        }
        GroupChange::Close(how) => {
            let changed = transaction.execute(
                "UPDATE finding_group SET state = 'closed', closed_ms = ?2 WHERE key = ?1 AND state <> 'closed'",
                params![key, to_milliseconds(now)],
            )?;
            if changed == 0 {
                return refused("this group is closed already");
            }
            ("closed", how.trim().chars().take(COMMENT_CHARS).collect())
        }
        GroupChange::Reopen => {
            let changed = transaction.execute(
                "UPDATE finding_group SET state = 'open', closed_ms = NULL WHERE key = ?1 AND state = 'closed'",
                [key],
            )?;
            if changed == 0 {
                return refused("this group is not closed");
            }
            ("reopened", String::new())
        }
        GroupChange::Merge(incident) => {
            let title: String = match incident {
                None => String::new(),
                Some(incident) => transaction
                    .query_row(
                        "SELECT title FROM incident WHERE key = ?1",
                        [incident],
                        |row| row.get(0),
                    )
                    .optional()?
                    .ok_or_else(|| StoreError::Absent {
                        what: "case",
                        name: incident.to_string(),
                    })?,
            };
            transaction.execute(
                "UPDATE finding_group SET incident_key = ?2 WHERE key = ?1",
                params![key, incident],
            )?;
            let detail = incident.map_or_else(String::new, |number| format!("#{number} {title}"));
            ("merged", detail)
        }
    })
}
