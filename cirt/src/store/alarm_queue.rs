//! The queue of alarms: what rules saw, the messages made of it, and what became of each.
//!
//! A message is written down with its id before it is tried, and its events with it. So nothing is told twice under
//! two ids, and what is told again, because an answer was lost, is the same to the byte.

use jiff::{SignedDuration, Timestamp};

use super::alarm_rules::{AlarmRule, AlarmTarget, TARGET_COLUMNS, target_from_row};
use super::audit::record;
use super::database::{OptionalRow as _, Transaction, params};
use super::time::{from_milliseconds, to_milliseconds};
use super::{Alarm, SensorKey, Store, StoreError};
use crate::alarms::watch::Seen;
use crate::alarms::{AlarmEvent, AlarmKind, Message};
use crate::fleet::Condition;
use crate::limits::{ALARM_ATTEMPTS, ALARM_EVENTS_OF_A_MESSAGE, ALARM_KEPT};
use crate::query::Scope;

/// The pause behind the first attempt that failed; it doubles with each.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);
/// The longest pause between attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// A message that is to be tried now.
#[derive(Clone, Debug)]
pub struct DueMessage {
    pub key: i64,
    /// Of the message, for ever.
    pub id: String,
    pub subject: String,
    pub body: String,
    /// Attempts before this one.
    pub attempts: u32,
    pub target: AlarmTarget,
}

/// A message as pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmMessage {
    pub key: i64,
    pub id: String,
    pub target: String,
    pub made: Timestamp,
    pub events: u64,
    pub subject: String,
    /// `waiting`, `sent` or `given-up`.
    pub state: String,
    pub attempts: u32,
    /// When it was sent or given up.
    pub done: Option<Timestamp>,
    pub problem: Option<String>,
}

/// Writes down what a rule sees that it has not seen before, in a state. How many.
pub(super) fn note(
    transaction: &Transaction<'_>,
    rule: i64,
    kind: AlarmKind,
    words: &[&str],
    seen: &[Seen],
    state: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut statement = transaction.prepare(
        "INSERT INTO alarm_event (rule_key, subject, at_ms, content, state) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (rule_key, subject) DO NOTHING",
    )?;
    let mut new = 0;
    for one in seen {
        if one.kind == kind && words.contains(&one.word.as_str()) {
            let content = serde_json::json!(one.event).to_string();
            new += statement.execute(params![
                rule,
                one.subject,
                to_milliseconds(now),
                content,
                state
            ])?;
        }
    }
    Ok(new)
}

impl Store {
    /// Writes down what a rule sees that it has not seen before, to be told. How many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_events(
        &self,
        rule: &AlarmRule,
        seen: &[Seen],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let words: Vec<&str> = rule.words.iter().map(String::as_str).collect();
        // Nearly always nothing is new: then nothing is written.
        let is_any = self.read(|transaction| {
            let mut known = transaction
                .prepare("SELECT 1 FROM alarm_event WHERE rule_key = ?1 AND subject = ?2")?;
            for one in seen {
                if one.kind == rule.kind
                    && words.contains(&one.word.as_str())
                    && !known.exists(params![rule.key, one.subject])?
                {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        if !is_any {
            return Ok(0);
        }
        self.write(|transaction| {
            // It may have been ended meanwhile.
            let holds = transaction
                .prepare("SELECT 1 FROM alarm_rule WHERE key = ?1 AND ended_ms IS NULL")?
                .exists([rule.key])?;
            if !holds {
                return Ok(0);
            }
            note(
                transaction,
                rule.key,
                rule.kind,
                &words,
                seen,
                "waiting",
                now,
            )
        })
    }

    /// Since when each of these sensors is in the condition that it is in now, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_conditions(
        &self,
        conditions: &[(SensorKey, Condition)],
        now: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let known = |transaction: &Transaction<'_>, sensor: SensorKey, condition: Condition| {
            let row: Option<(String, i64)> = transaction
                .prepare("SELECT condition, since_ms FROM sensor_condition WHERE sensor_key = ?1")?
                .query_row([sensor.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let since = row.filter(|(word, _)| word == condition.as_str());
            Ok::<_, StoreError>(since.map(|(_, since)| from_milliseconds(since)))
        };
        let since = self.read(|transaction| {
            conditions
                .iter()
                .map(|(sensor, condition)| known(transaction, *sensor, *condition))
                .collect::<Result<Vec<Option<Timestamp>>, StoreError>>()
        })?;
        if since.iter().all(Option::is_some) {
            return Ok(since.into_iter().flatten().collect());
        }
        self.write(|transaction| {
            let mut all = Vec::with_capacity(conditions.len());
            for (sensor, condition) in conditions {
                if let Some(since) = known(transaction, *sensor, *condition)? {
                    all.push(since);
                    continue;
                }
                transaction
                    .prepare(
                        "INSERT INTO sensor_condition (sensor_key, condition, since_ms) VALUES (?1, ?2, ?3)
                         ON CONFLICT (sensor_key) DO UPDATE SET condition = excluded.condition, since_ms = excluded.since_ms",
                    )?
                    .execute(params![sensor.0, condition.as_str(), to_milliseconds(now)])?;
                all.push(from_milliseconds(to_milliseconds(now)));
            }
            Ok(all)
        })
    }

    /// Makes the messages that are due: for each target that has events waiting, no message under way, and none made
    /// within its pause. `write` puts the words together. How many messages.
    ///
    /// # Errors
    /// When the database fails.
    pub fn make_alarm_messages(
        &self,
        now: Timestamp,
        write: impl Fn(&AlarmTarget, &str, &[AlarmEvent]) -> Message,
    ) -> Result<usize, StoreError> {
        let mut made = 0;
        for target in self.alarm_targets()? {
            let is_time = self.read(|transaction| is_due(transaction, &target, now))?;
            if !is_time {
                continue;
            }
            made += self.write(|transaction| {
                if !is_due(transaction, &target, now)? {
                    return Ok(0);
                }
                let events = waiting_events(transaction, &target)?;
                let contents: Vec<AlarmEvent> =
                    events.iter().map(|(_, event)| event.clone()).collect();
                let id = uuid::Uuid::new_v4().to_string();
                let message = write(&target, &id, &contents);
                let key = insert_message(transaction, &target, &id, &message, events.len(), now)?;
                let mut told = transaction.prepare(
                    "UPDATE alarm_event SET state = 'told', message_key = ?2 WHERE key = ?1",
                )?;
                for (event, _) in &events {
                    told.execute(params![event, key])?;
                }
                Ok(1)
            })?;
        }
        Ok(made)
    }

    /// Puts a message into the queue that says nothing but that messages arrive.
    ///
    /// # Errors
    /// When the database fails.
    pub fn queue_alarm_test(
        &self,
        actor: &str,
        target: &AlarmTarget,
        now: Timestamp,
        write: impl Fn(&AlarmTarget, &str, &[AlarmEvent]) -> Message,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let id = uuid::Uuid::new_v4().to_string();
            let event = AlarmEvent::Test {
                by: actor.to_owned(),
            };
            let message = write(target, &id, &[event]);
            insert_message(transaction, target, &id, &message, 1, now)?;
            record(transaction, now, actor, "alarm-target.test", &target.name)
        })
    }

    /// The messages that are to be tried now, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn due_alarm_messages(&self, now: Timestamp) -> Result<Vec<DueMessage>, StoreError> {
        let sql = format!(
            "SELECT {TARGET_COLUMNS}, alarm_message.key, id, subject, body, attempts FROM alarm_message
             JOIN alarm_target ON alarm_target.key = target_key
             WHERE state = 'waiting' AND next_ms <= ?1 AND removed_ms IS NULL ORDER BY alarm_message.key LIMIT 200"
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let rows = statement.query_map([to_milliseconds(now)], |row| {
                Ok(DueMessage {
                    target: target_from_row(row)?,
                    key: row.get(10)?,
                    id: row.get(11)?,
                    subject: row.get(12)?,
                    body: row.get(13)?,
                    attempts: row.get(14)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes down that a message was taken, or why not: then it is tried again, later each time, and given up in the end.
    ///
    /// # Errors
    /// When the database fails; a message that was taken is then sent once more, under its id.
    pub fn alarm_message_tried(
        &self,
        message: &DueMessage,
        problem: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let attempts = message.attempts + 1;
        let now_ms = to_milliseconds(now);
        self.write(|transaction| {
            let Some(problem) = problem else {
                transaction.execute(
                    "UPDATE alarm_message SET state = 'sent', attempts = ?2, done_ms = ?3, problem = NULL WHERE key = ?1",
                    params![message.key, attempts, now_ms],
                )?;
                return Ok(());
            };
            let problem: String = problem.chars().take(500).collect();
            if attempts >= ALARM_ATTEMPTS {
                transaction.execute(
                    "UPDATE alarm_message SET state = 'given-up', attempts = ?2, done_ms = ?3, problem = ?4 WHERE key = ?1",
                    params![message.key, attempts, now_ms, problem],
                )?;
                let subject = format!("{} {}: {problem}", message.target.name, message.id);
                return record(transaction, now, "centre", "alarm.give-up", &subject);
            }
            let next = to_milliseconds(now + pause_after(attempts));
            transaction.execute(
                "UPDATE alarm_message SET attempts = ?2, next_ms = ?3, problem = ?4 WHERE key = ?1",
                params![message.key, attempts, next, problem],
            )?;
            Ok(())
        })
    }

    /// The newest messages, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alarm_messages(&self, limit: usize) -> Result<Vec<AlarmMessage>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT alarm_message.key, id, alarm_target.name, made_ms, events, subject, state, attempts, done_ms, problem
                 FROM alarm_message JOIN alarm_target ON alarm_target.key = target_key
                 ORDER BY alarm_message.key DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(AlarmMessage {
                    key: row.get(0)?,
                    id: row.get(1)?,
                    target: row.get(2)?,
                    made: from_milliseconds(row.get(3)?),
                    events: row.get(4)?,
                    subject: row.get(5)?,
                    state: row.get(6)?,
                    attempts: row.get(7)?,
                    done: row.get::<Option<i64>>(8)?.map(from_milliseconds),
                    problem: row.get(9)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets messages and events that are done and old. Groups stay known: one that is still there is no news.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tidy_alarms(&self, now: Timestamp) -> Result<(), StoreError> {
        let before = to_milliseconds(now - ALARM_KEPT);
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM alarm_event WHERE state <> 'waiting' AND at_ms < ?1 AND subject NOT LIKE 'group:%'",
                [before],
            )?;
            transaction.execute(
                "UPDATE alarm_event SET message_key = NULL WHERE at_ms < ?1 AND message_key IN
                    (SELECT key FROM alarm_message WHERE state <> 'waiting' AND made_ms < ?1)",
                [before],
            )?;
            transaction.execute(
                "DELETE FROM alarm_message WHERE state <> 'waiting' AND made_ms < ?1
                 AND NOT EXISTS (SELECT 1 FROM alarm_event WHERE message_key = alarm_message.key)",
                [before],
            )?;
            Ok(())
        })
    }

    /// Trouble with batches within a scope since a time, with its number, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alarms_by_key(
        &self,
        scope: Scope,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<(i64, Alarm)>, StoreError> {
        let sql = format!(
            "SELECT alarm.key, at_ms, sensor.name, kind, detail FROM alarm LEFT JOIN sensor ON sensor.key = sensor_key
             WHERE at_ms >= ?1 AND {} ORDER BY alarm.key DESC LIMIT ?2",
            scope.sensor_condition("sensor_key")
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let values = params![to_milliseconds(since), limit];
            let rows = statement.query_map(values, |row| {
                let alarm = Alarm {
                    at: from_milliseconds(row.get(1)?),
                    sensor: row.get(2)?,
                    kind: row.get(3)?,
                    detail: row.get(4)?,
                };
                Ok((row.get(0)?, alarm))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn pause_after(attempts: u32) -> SignedDuration {
    let doublings = attempts.saturating_sub(1).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1i32 << doublings);
    pause.min(LONGEST_PAUSE)
}

/// Whether a message to a target is to be made now.
fn is_due(
    transaction: &Transaction<'_>,
    target: &AlarmTarget,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_busy = transaction
        .prepare("SELECT 1 FROM alarm_message WHERE target_key = ?1 AND (state = 'waiting' OR made_ms > ?2) LIMIT 1")?
        .exists(params![target.key, to_milliseconds(now - target.pause)])?;
    if is_busy {
        return Ok(false);
    }
    Ok(transaction
        .prepare(
            "SELECT 1 FROM alarm_event JOIN alarm_rule ON alarm_rule.key = rule_key
             WHERE state = 'waiting' AND target_key = ?1 AND ended_ms IS NULL LIMIT 1",
        )?
        .exists([target.key])?)
}

/// The oldest events that wait for a target.
fn waiting_events(
    transaction: &Transaction<'_>,
    target: &AlarmTarget,
) -> Result<Vec<(i64, AlarmEvent)>, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT alarm_event.key, content FROM alarm_event JOIN alarm_rule ON alarm_rule.key = rule_key
         WHERE state = 'waiting' AND target_key = ?1 AND ended_ms IS NULL ORDER BY alarm_event.key LIMIT ?2",
    )?;
    let rows = statement.query_map(params![target.key, ALARM_EVENTS_OF_A_MESSAGE], |row| {
        Ok((row.get::<i64>(0)?, row.get::<String>(1)?))
    })?;
    let mut events = Vec::new();
    for row in rows {
        let (key, content) = row?;
        let event = serde_json::from_str(&content)
            .map_err(|_| StoreError::Unreadable("event of an alarm"))?;
        events.push((key, event));
    }
    Ok(events)
}

fn insert_message(
    transaction: &Transaction<'_>,
    target: &AlarmTarget,
    id: &str,
    message: &Message,
    events: usize,
    now: Timestamp,
) -> Result<i64, StoreError> {
    Ok(transaction
        .prepare(
            "INSERT INTO alarm_message (id, target_key, made_ms, events, subject, body, state, next_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?3) RETURNING key",
        )?
        .query_row(
            params![id, target.key, to_milliseconds(now), events, message.subject, message.body],
            |row| row.get(0),
        )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds: Vec<i64> = [1, 2, 3, 8, 9, 40]
            .map(|n| pause_after(n).as_secs())
            .to_vec();
        assert_eq!(seconds, [30, 60, 120, 3_600, 3_600, 3_600]);
    }
}
