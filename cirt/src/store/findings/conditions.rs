//! Parts of a filter as conditions on the small tables, with their values.

use super::super::database::Value;

use crate::query::{FindingFilter, FindingQuery, RuleFilter, SeveritySet};

pub(super) fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

/// What a query asks of a table of sums, but for its time; a rule by words needs `rule` to be joined.
pub(super) fn sum_conditions(
    query: &FindingQuery,
    table: &str,
    values: &mut Vec<Value>,
) -> Vec<String> {
    let filter = &query.filter;
    let mut parts = vec![query.scope.sensor_condition("sensor_key")];
    parts.extend(sensor_conditions(filter, "sensor_key", values));
    if let Some(severity) = &filter.severity {
        parts.push(severity_condition(table, severity, values));
    }
    if let Some(rule) = &filter.rule {
        parts.push(rule_condition(table, rule, values));
    }
    parts
}

/// Conditions on the column that holds a sensor's key.
pub(super) fn sensor_conditions(
    filter: &FindingFilter,
    column: &str,
    values: &mut Vec<Value>,
) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(sensor) = &filter.sensor {
        parts.push(format!(
            "{column} IN (SELECT key FROM sensor WHERE name = ? OR identity = ?)"
        ));
        values.push(Value::from(sensor.clone()));
        values.push(Value::from(hex::decode(sensor).unwrap_or_default()));
    }
    if let Some(tenant) = &filter.tenant {
        parts.push(format!(
            "{column} IN (SELECT sensor.key FROM sensor JOIN tenant ON tenant.key = tenant_key WHERE tenant.name = ?)"
        ));
        values.push(Value::from(tenant.clone()));
    }
    parts
}

/// Classes are 1, 2, 3 and "4 or more": a bit each.
fn severity_condition(table: &str, severity: &SeveritySet, values: &mut Vec<Value>) -> String {
    let mask = severity
        .classes()
        .iter()
        .fold(0i64, |mask, class| mask | 1i64 << class.number());
    values.push(Value::from(mask));
    format!("(CAST(? AS BIGINT) >> CAST(min(max({table}.severity, 1), 4) AS INTEGER)) & 1 = 1")
}

/// Which rule; by words it needs `rule` to be joined.
fn rule_condition(table: &str, rule: &RuleFilter, values: &mut Vec<Value>) -> String {
    match rule {
        RuleFilter::Signature(sid) => {
            values.push(Value::from(*sid));
            format!("{table}.sid = ?")
        }
        RuleFilter::Generator { gid, sid } => {
            values.extend([Value::from(*gid), Value::from(*sid)]);
            format!("{table}.gid = ? AND {table}.sid = ?")
        }
        RuleFilter::Revision { gid, sid, rev } => {
            values.extend([Value::from(*gid), Value::from(*sid), Value::from(*rev)]);
            format!("{table}.gid = ? AND {table}.sid = ? AND {table}.rev = ?")
        }
        RuleFilter::Message(text) => {
            values.push(Value::from(format!("%{}%", escape_like(text))));
            "lower(rule.message) LIKE lower(?) ESCAPE '\\'".to_owned()
        }
    }
}
