//! Whom alarms are told to, and of what.

use jiff::{SignedDuration, Timestamp};

use super::alarm_queue::note;
use super::audit::record;
use super::database::{OptionalRow as _, Row, Transaction, params};
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError, tenants};
use crate::alarms::AlarmKind;
use crate::alarms::watch::{NewRule, Seen};
use crate::limits::{ALARM_PAUSE_MAX, ALARM_RULES, ALARM_TARGETS};
use crate::query::{Scope, TenantKey};
use crate::settings::Name;

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmTarget {
    pub key: i64,
    pub name: String,
    /// Else a webhook.
    pub is_mail: bool,
    pub address: String,
    /// Tag of the language of its text.
    pub language: String,
    /// What a webhook's bodies are signed with.
    pub secret: Option<String>,
    /// Certificates of the server's authority (PEM), where browsers do not know it.
    pub authority: Option<String>,
    pub allows_loopback: bool,
    /// At least so long between two messages.
    pub pause: SignedDuration,
    pub created: Timestamp,
}

/// What a new target is made of. Its address was checked before.
#[derive(Clone, Debug)]
pub struct NewAlarmTarget {
    pub name: Name,
    pub is_mail: bool,
    pub address: String,
    pub language: String,
    pub secret: Option<String>,
    pub authority: Option<String>,
    pub allows_loopback: bool,
    pub pause: SignedDuration,
}

/// What is told to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmRule {
    pub key: i64,
    pub target: i64,
    pub target_name: String,
    pub kind: AlarmKind,
    pub words: Vec<String>,
    /// Only what is at this tenant.
    pub tenant: Option<(TenantKey, String)>,
    pub created: Timestamp,
    pub created_by: String,
}

impl AlarmRule {
    /// What it sees.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.tenant
            .as_ref()
            .map_or(Scope::Nation, |(key, _)| Scope::Tenant(*key))
    }
}

/// Columns of a target, in the order of [`target_from_row`].
pub(super) const TARGET_COLUMNS: &str = "alarm_target.key, alarm_target.name, alarm_target.kind, alarm_target.address,
    alarm_target.language, alarm_target.secret, alarm_target.authority, alarm_target.allows_loopback,
    alarm_target.pause_ms, alarm_target.created_ms";

pub(super) fn target_from_row(row: &Row<'_>) -> super::database::Result<AlarmTarget> {
    let kind: String = row.get(2)?;
    Ok(AlarmTarget {
        key: row.get(0)?,
        name: row.get(1)?,
        is_mail: kind == "mail",
        address: row.get(3)?,
        language: row.get(4)?,
        secret: row.get(5)?,
        authority: row.get(6)?,
        allows_loopback: row.get(7)?,
        pause: SignedDuration::from_millis(row.get(8)?),
        created: from_milliseconds(row.get(9)?),
    })
}

fn refused<T>(reason: String) -> Result<T, StoreError> {
    Err(StoreError::Refused(reason))
}

impl Store {
    /// Adds a target.
    ///
    /// # Errors
    /// When the name is taken, there are too many, or its pause is too long.
    pub fn add_alarm_target(
        &self,
        actor: &str,
        new: &NewAlarmTarget,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        if new.pause < SignedDuration::ZERO || new.pause > ALARM_PAUSE_MAX {
            return refused("a pause between messages is 0 to 1440 minutes".to_owned());
        }
        self.write(|transaction| {
            let targets = targets(transaction)?;
            if targets.len() >= ALARM_TARGETS {
                return refused(format!("there are {ALARM_TARGETS} targets: remove one first"));
            }
            if targets.iter().any(|target| target.name == new.name.as_str()) {
                return Err(StoreError::Taken { what: "alarm target", name: new.name.to_string() });
            }
            let kind = if new.is_mail { "mail" } else { "webhook" };
            let key: i64 = transaction.query_row(
                "INSERT INTO alarm_target (name, kind, address, language, secret, authority, allows_loopback, pause_ms, created_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING key",
                params![
                    new.name.as_str(),
                    kind,
                    new.address,
                    new.language,
                    new.secret,
                    new.authority,
                    new.allows_loopback,
                    i64::try_from(new.pause.as_millis()).unwrap_or(i64::MAX),
                    to_milliseconds(now)
                ],
                |row| row.get(0),
            )?;
            let subject = format!("{} {kind} {}", new.name, new.address);
            record(transaction, now, actor, "alarm-target.add", &subject)?;
            Ok(key)
        })
    }

    /// Removes a target, its rules, and what waits for it.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn remove_alarm_target(
        &self,
        actor: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let target = target_named(transaction, name)?;
            let now_ms = to_milliseconds(now);
            let values = params![target.key, now_ms];
            transaction.execute("UPDATE alarm_target SET removed_ms = ?2 WHERE key = ?1", values)?;
            let values = params![target.key, now_ms];
            transaction.execute(
                "UPDATE alarm_rule SET ended_ms = ?2 WHERE target_key = ?1 AND ended_ms IS NULL",
                values,
            )?;
            let values = params![target.key, now_ms];
            transaction.execute(
                "UPDATE alarm_message SET state = 'given-up', done_ms = ?2, problem = 'the target was removed'
                 WHERE target_key = ?1 AND state = 'waiting'",
                values,
            )?;
            record(transaction, now, actor, "alarm-target.remove", name)
        })
    }

    /// The targets, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alarm_targets(&self) -> Result<Vec<AlarmTarget>, StoreError> {
        self.read(targets)
    }

    /// One target.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn alarm_target(&self, name: &str) -> Result<AlarmTarget, StoreError> {
        self.read(|transaction| target_named(transaction, name))
    }

    /// The scope of a tenant, or the nation.
    ///
    /// # Errors
    /// When there is no such tenant.
    pub fn scope_of_tenant(&self, tenant: Option<&str>) -> Result<Scope, StoreError> {
        let Some(name) = tenant else {
            return Ok(Scope::Nation);
        };
        self.read(|transaction| tenants::key_of(transaction, name).map(Scope::Tenant))
    }

    /// Adds a rule; what it sees already is known and not told.
    ///
    /// # Errors
    /// When there are too many or the database fails.
    pub fn add_alarm_rule(
        &self,
        actor: &str,
        rule: &NewRule<'_>,
        scope: Scope,
        seen: &[Seen],
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.write(|transaction| {
            let (kind, target) = (rule.kind, rule.target);
            let rules = rules(transaction)?;
            if rules.len() >= ALARM_RULES {
                return refused(format!("there are {ALARM_RULES} alarm rules: end one first"));
            }
            let words = rule.words.join(" ");
            let key: i64 = transaction.query_row(
                "INSERT INTO alarm_rule (target_key, kind, words, tenant_key, created_ms, created_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING key",
                params![
                    target.key,
                    kind.as_str(),
                    words,
                    scope.tenant().map(|tenant| tenant.0),
                    to_milliseconds(now),
                    actor
                ],
                |row| row.get(0),
            )?;
            let words: Vec<&str> = words.split(' ').collect();
            note(transaction, key, kind, &words, seen, "known", now)?;
            let subject = format!("#{key} {kind} {} to {}", words.join(","), target.name);
            record(transaction, now, actor, "alarm-rule.add", &subject)?;
            Ok(key)
        })
    }

    /// Ends a rule; what it saw and what is not told yet is dropped.
    ///
    /// # Errors
    /// When there is none that holds.
    pub fn end_alarm_rule(&self, actor: &str, key: i64, now: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            let ended = transaction.execute(
                "UPDATE alarm_rule SET ended_ms = ?2 WHERE key = ?1 AND ended_ms IS NULL",
                params![key, to_milliseconds(now)],
            )?;
            if ended == 0 {
                return Err(StoreError::Absent {
                    what: "alarm rule",
                    name: key.to_string(),
                });
            }
            transaction.execute("DELETE FROM alarm_event WHERE rule_key = ?1", [key])?;
            record(
                transaction,
                now,
                actor,
                "alarm-rule.end",
                &format!("#{key}"),
            )
        })
    }

    /// The rules that hold, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alarm_rules(&self) -> Result<Vec<AlarmRule>, StoreError> {
        self.read(rules)
    }
}

fn targets(transaction: &Transaction<'_>) -> Result<Vec<AlarmTarget>, StoreError> {
    let sql =
        format!("SELECT {TARGET_COLUMNS} FROM alarm_target WHERE removed_ms IS NULL ORDER BY name");
    let mut statement = transaction.prepare(&sql)?;
    let rows = statement.query_map((), target_from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn target_named(transaction: &Transaction<'_>, name: &str) -> Result<AlarmTarget, StoreError> {
    let sql =
        format!("SELECT {TARGET_COLUMNS} FROM alarm_target WHERE removed_ms IS NULL AND name = ?1");
    transaction
        .prepare(&sql)?
        .query_row([name], target_from_row)
        .optional()?
        .ok_or_else(|| StoreError::Absent {
            what: "alarm target",
            name: name.to_owned(),
        })
}

fn rules(transaction: &Transaction<'_>) -> Result<Vec<AlarmRule>, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT alarm_rule.key, target_key, alarm_target.name, alarm_rule.kind, words, tenant.key, tenant.name,
            alarm_rule.created_ms, created_by
         FROM alarm_rule JOIN alarm_target ON alarm_target.key = target_key
         LEFT JOIN tenant ON tenant.key = alarm_rule.tenant_key WHERE ended_ms IS NULL ORDER BY alarm_rule.key",
    )?;
    let rows = statement.query_map((), |row| {
        let (kind, words): (String, String) = (row.get(3)?, row.get(4)?);
        let tenant = row.get::<Option<i64>>(5)?.map(TenantKey).zip(row.get(6)?);
        Ok(AlarmRule {
            key: row.get(0)?,
            target: row.get(1)?,
            target_name: row.get(2)?,
            kind: kind.parse().unwrap_or(AlarmKind::Batch),
            words: words.split(' ').map(str::to_owned).collect(),
            tenant,
            created: from_milliseconds(row.get(7)?),
            created_by: row.get(8)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
