//! Notices: what recipients are told of, and whether it went away.

use super::database::{OptionalRow as _, params};
use jiff::{SignedDuration, Timestamp};

use super::audit::record;
use super::peers::peer_row;
use super::time::{from_milliseconds, to_milliseconds};
use super::{FindingRow, Store, StoreError};
use crate::exchange::limits::MAIL_FINDINGS;

/// A notice as staff see it.
#[derive(Clone, Debug)]
pub struct NoticeRow {
    pub peer: String,
    pub subject: String,
    /// `open`, `told`, `fixed` or `relapsed`.
    pub state: String,
    pub first: Timestamp,
    pub last: Timestamp,
    pub findings: u64,
    pub relapses: u64,
    pub mails: u64,
    pub told: Option<Timestamp>,
}

impl Store {
    /// Adds a finding to the notice of its recipient and subject. What was fixed and is seen again has relapsed.
    ///
    /// # Errors
    /// When there is no such peer.
    pub fn add_to_notice(
        &self,
        peer: &str,
        subject: &str,
        finding: &FindingRow,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, peer)?;
            let is_known = transaction
                .prepare("SELECT 1 FROM notice_finding WHERE finding = ?1")?
                .exists([&finding.id])?;
            if is_known {
                return Ok(());
            }
            let notice: i64 = transaction
                .prepare(
                    "INSERT INTO notice (peer_key, subject, state, sensor, first_ms, last_ms, findings)
                     VALUES (?1, ?2, 'open', ?3, ?4, ?5, 1)
                     ON CONFLICT (peer_key, subject) DO UPDATE SET
                        relapses = notice.relapses
                            + CASE WHEN notice.state = 'fixed' AND excluded.last_ms > notice.fixed_ms THEN 1 ELSE 0 END,
                        state = CASE WHEN notice.state = 'fixed' AND excluded.last_ms > notice.fixed_ms THEN 'relapsed'
                            ELSE notice.state END,
                        sensor = CASE WHEN excluded.last_ms >= notice.last_ms THEN excluded.sensor ELSE notice.sensor END,
                        first_ms = min(notice.first_ms, excluded.first_ms), last_ms = max(notice.last_ms, excluded.last_ms),
                        findings = notice.findings + 1
                     RETURNING key",
                )?
                .query_row(
                    params![
                        key,
                        subject,
                        finding.sensor,
                        to_milliseconds(finding.first),
                        to_milliseconds(finding.last)
                    ],
                    |row| row.get(0),
                )?;
            transaction
                .prepare("INSERT INTO notice_finding (finding, notice_key) VALUES (?1, ?2)")?
                .execute(params![finding.id, notice])?;
            Ok(())
        })
    }

    /// Findings that a recipient has not been told of and now may be: none when its last mail is younger than `last_mail`; of what
    /// was told and goes on, only after `reminder`. With each, whether it is back after it was gone.
    ///
    /// # Errors
    /// When the database fails.
    pub fn due_findings(
        &self,
        peer: &str,
        last_mail: Timestamp,
        reminder: Timestamp,
    ) -> Result<Vec<(String, bool)>, StoreError> {
        self.read(|transaction| {
            let (key, _) = peer_row(transaction, peer)?;
            let newest: Option<i64> =
                transaction.query_row("SELECT max(sent_ms) FROM mail WHERE peer_key = ?1", [key], |row| row.get(0))?;
            if newest.is_some_and(|newest| newest > to_milliseconds(last_mail)) {
                return Ok(Vec::new());
            }
            let mut statement = transaction.prepare(
                "SELECT finding, state = 'relapsed' FROM notice_finding JOIN notice ON notice.key = notice_key
                 WHERE peer_key = ?1 AND told = 0
                    AND (state IN ('open', 'relapsed') OR (state = 'told' AND told_ms <= ?2))
                 ORDER BY notice.key, finding LIMIT ?3",
            )?;
            let limit = i64::try_from(MAIL_FINDINGS).unwrap_or(i64::MAX);
            let rows = statement
                .query_map(params![key, to_milliseconds(reminder), limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes down that a mail left, or that nothing of it may.
    ///
    /// # Errors
    /// When the database fails.
    pub fn mail_sent(
        &self,
        peer: &str,
        message_id: &str,
        findings: &[String],
        count: usize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, peer)?;
            let now_ms = to_milliseconds(now);
            let mut told = transaction.prepare("UPDATE notice_finding SET told = 1 WHERE finding = ?1")?;
            let mut notice = transaction.prepare(
                "UPDATE notice SET state = 'told', told_ms = ?2, mails = mails + CASE WHEN told_ms IS DISTINCT FROM ?2 THEN 1 ELSE 0 END
                 WHERE key = (SELECT notice_key FROM notice_finding WHERE finding = ?1)",
            )?;
            for finding in findings {
                told.execute([finding])?;
                if count > 0 {
                    notice.execute(params![finding, now_ms])?;
                }
            }
            if count > 0 {
                transaction.execute(
                    "INSERT INTO mail (peer_key, message_id, sent_ms, findings) VALUES (?1, ?2, ?3, ?4)",
                    params![key, message_id, now_ms, i64::try_from(count).unwrap_or(i64::MAX)],
                )?;
                record(transaction, now, "centre", "mail.send", &format!("{peer}: {count} findings"))?;
            }
            Ok(())
        })
    }

    /// Closes what its sensor no longer sees: silent for `silence`, and the sensor was in contact after that. How many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn close_fixed(
        &self,
        silence: SignedDuration,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        self.write(|transaction| {
            let silence_ms = i64::try_from(silence.as_millis()).unwrap_or(i64::MAX);
            Ok(transaction.execute(
                "UPDATE notice SET state = 'fixed', fixed_ms = ?1
                 WHERE state = 'told' AND last_ms + ?2 <= ?1
                    AND EXISTS (SELECT 1 FROM sensor WHERE sensor.name = notice.sensor AND contact_ms >= last_ms + ?2)",
                params![to_milliseconds(now), silence_ms],
            )?)
        })
    }

    /// A mail came back: its recipient is written to no more until a person agrees again. Whose mail it was.
    ///
    /// # Errors
    /// When no such mail left here.
    pub fn mail_bounced(
        &self,
        message_id: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        self.write(|transaction| {
            let found: Option<(i64, String)> = transaction
                .query_row(
                    "SELECT peer.key, peer.name FROM mail JOIN peer ON peer.key = mail.peer_key WHERE message_id = ?1",
                    [message_id],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let (key, peer) =
                found.ok_or_else(|| StoreError::Absent { what: "mail", name: message_id.to_owned() })?;
            let now_ms = to_milliseconds(now);
            transaction.execute("UPDATE mail SET bounced_ms = ?2 WHERE message_id = ?1", params![message_id, now_ms])?;
            transaction.execute(
                "UPDATE contact SET bounced_ms = ?2, bounce = ?3 WHERE peer_key = ?1",
                params![key, now_ms, reason],
            )?;
            record(transaction, now, "centre", "mail.bounce", &format!("{peer}: {reason}"))?;
            Ok(peer)
        })
    }

    /// All notices, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn notices(&self, limit: usize) -> Result<Vec<NoticeRow>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT peer.name, subject, state, first_ms, last_ms, findings, relapses, mails, told_ms
                 FROM notice JOIN peer ON peer.key = notice.peer_key ORDER BY last_ms DESC, notice.key LIMIT ?1",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(NoticeRow {
                    peer: row.get(0)?,
                    subject: row.get(1)?,
                    state: row.get(2)?,
                    first: from_milliseconds(row.get(3)?),
                    last: from_milliseconds(row.get(4)?),
                    findings: row.get(5)?,
                    relapses: row.get(6)?,
                    mails: row.get(7)?,
                    told: row.get::<Option<i64>>(8)?.map(from_milliseconds),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
