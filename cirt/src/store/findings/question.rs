//! A filter as the table of findings takes it: names are looked up here, numbers are asked there.

use super::super::database::Value;
use super::super::database::{Transaction, listed};
use lapwing_lake::{Condition, Question, Rule, Scope as LakeScope, TimeRange};

use super::super::StoreError;
use super::super::insert_record::address_bytes;
use super::super::time::to_milliseconds;
use super::conditions::{escape_like, sensor_conditions};
use crate::query::{FindingQuery, RuleFilter, Scope};

/// The sensors of a scope.
pub(in crate::store) fn lake_scope(
    transaction: &Transaction<'_>,
    scope: Scope,
) -> Result<LakeScope, StoreError> {
    let Scope::Tenant(tenant) = scope else {
        return Ok(LakeScope::Nation);
    };
    let mut statement = transaction.prepare("SELECT key FROM sensor WHERE tenant_key = ?1")?;
    let keys = statement.query_map([tenant.0], |row| row.get(0))?;
    Ok(LakeScope::Sensors(keys.collect::<Result<_, _>>()?))
}

/// A query as a question.
pub(super) fn question(
    transaction: &Transaction<'_>,
    query: &FindingQuery,
) -> Result<Question, StoreError> {
    let filter = &query.filter;
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    let parts = sensor_conditions(filter, "key", &mut values);
    if !parts.is_empty() {
        let sql = format!("SELECT key FROM sensor WHERE {}", parts.join(" AND "));
        let mut statement = transaction.prepare(&sql)?;
        let keys = statement.query_map(listed(&values), |row| row.get(0))?;
        conditions.push(Condition::Sensors(keys.collect::<Result<_, _>>()?));
    }
    if let Some(severity) = &filter.severity {
        let classes = severity.classes();
        conditions.push(Condition::Severities(
            classes.iter().map(|class| class.number()).collect(),
        ));
    }
    conditions.extend(match &filter.rule {
        None => None,
        Some(RuleFilter::Signature(sid)) => Some(Condition::Signature(*sid)),
        Some(RuleFilter::Generator { gid, sid }) => Some(Condition::Generator {
            gid: *gid,
            sid: *sid,
        }),
        Some(RuleFilter::Revision { gid, sid, rev }) => Some(Condition::Rules(vec![Rule {
            gid: *gid,
            sid: *sid,
            rev: *rev,
        }])),
        Some(RuleFilter::Message(text)) => Some(Condition::Rules(rules_saying(transaction, text)?)),
    });
    if let Some(network) = filter.address {
        conditions.push(Condition::Network {
            first: address_bytes(network.network()),
            last: address_bytes(network.broadcast()),
        });
    }
    if let Some(host) = &filter.host {
        conditions.push(Condition::Host(host.to_ascii_lowercase()));
    }
    Ok(Question {
        scope: lake_scope(transaction, query.scope)?,
        time: TimeRange {
            from_ms: filter.since.map_or(i64::MIN, to_milliseconds),
            until_ms: filter.until.map_or(i64::MAX, to_milliseconds),
        },
        conditions,
        deadline: query.deadline,
    })
}

fn rules_saying(transaction: &Transaction<'_>, text: &str) -> Result<Vec<Rule>, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT gid, sid, rev FROM rule WHERE lower(message) LIKE lower(?1) ESCAPE '\\'",
    )?;
    let pattern = Value::from(format!("%{}%", escape_like(text)));
    let rules = statement.query_map([pattern], |row| {
        Ok(Rule {
            gid: row.get(0)?,
            sid: row.get(1)?,
            rev: row.get(2)?,
        })
    })?;
    Ok(rules.collect::<Result<_, _>>()?)
}
