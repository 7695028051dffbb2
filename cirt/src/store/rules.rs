//! Rule texts, so that pages can say what fired. Sensors send only the numbers.

use super::database::{OptionalRow as _, params};
use jiff::Timestamp;

use super::audit::record;
use super::{Store, StoreError};

/// What is kept of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    pub gid: u32,
    pub sid: u32,
    pub rev: u32,
    pub message: String,
    /// The rule's `classtype`.
    pub class_type: Option<String>,
    /// What the class is called.
    pub category: Option<String>,
    /// The rule's priority, 1 is gravest.
    pub severity: Option<u32>,
    pub references: Vec<String>,
    /// The rule as written.
    pub body: String,
}

impl Store {
    /// Adds rules; one that is known by (gid, sid, rev) is replaced.
    ///
    /// # Errors
    /// When the database fails; then none is added.
    pub fn import_rules(&self, actor: &str, rules: &[RuleText]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare(
                "INSERT INTO rule (gid, sid, rev, message, class_type, category, severity, reference_list, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (gid, sid, rev) DO UPDATE SET message = excluded.message, class_type = excluded.class_type,
                    category = excluded.category, severity = excluded.severity, reference_list = excluded.reference_list,
                    body = excluded.body",
            )?;
            for rule in rules {
                statement.execute(params![
                    rule.gid,
                    rule.sid,
                    rule.rev,
                    rule.message,
                    rule.class_type,
                    rule.category,
                    rule.severity,
                    rule.references.join("\n"),
                    rule.body,
                ])?;
            }
            record(transaction, Timestamp::now(), actor, "rules.import", &format!("{} rules", rules.len()))
        })
    }

    /// What the newest known revision of a rule says.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rule_text(&self, gid: u32, sid: u32) -> Result<Option<RuleText>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, rule.rev FROM rule WHERE gid = ?1 AND sid = ?2 ORDER BY rev DESC LIMIT 1"
        );
        self.read(|transaction| {
            let found = transaction
                .prepare(&sql)?
                .query_row([gid, sid], |row| {
                    rule_from_row(row, 0, [gid, sid, row.get(6)?])
                })
                .optional()?;
            Ok(found.flatten())
        })
    }

    /// How many rule texts are known.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rule_count(&self) -> Result<u64, StoreError> {
        self.read(|transaction| {
            Ok(transaction.query_row("SELECT count(*) FROM rule", (), |row| row.get(0))?)
        })
    }
}

/// Columns of a rule joined to something else, from the given index on.
pub(super) const COLUMNS: &str =
    "rule.message, rule.class_type, rule.category, rule.severity, rule.reference_list, rule.body";

/// Reads [`COLUMNS`]; the numbers are those of the row they were joined to.
pub(super) fn rule_from_row(
    row: &super::database::Row<'_>,
    start: usize,
    [gid, sid, rev]: [u32; 3],
) -> super::database::Result<Option<RuleText>> {
    let Some(message) = row.get::<Option<String>>(start)? else {
        return Ok(None);
    };
    let references: Option<String> = row.get(start + 4)?;
    Ok(Some(RuleText {
        gid,
        sid,
        rev,
        message,
        class_type: row.get(start + 1)?,
        category: row.get(start + 2)?,
        severity: row.get(start + 3)?,
        references: references
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect(),
        body: row.get::<Option<String>>(start + 5)?.unwrap_or_default(),
    }))
}
