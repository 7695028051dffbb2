//! A filter as SQL conditions with their values. The first condition of every statement is the scope.

use std::borrow::Cow;

use ipnet::IpNet;
use rusqlite::types::Value;

use super::super::insert_record::address_bytes;
use super::super::time::to_milliseconds;
use super::sightings::host_key;
use crate::query::{FindingFilter, FindingQuery, RuleFilter, SeveritySet};

/// Conditions joined by AND, with their values.
pub(super) struct Conditions {
    parts: Vec<Cow<'static, str>>,
    pub(super) values: Vec<Value>,
}

impl Conditions {
    /// The conditions of a query over `finding` joined to `rule`.
    pub(super) fn of(query: &FindingQuery) -> Self {
        let filter = &query.filter;
        let mut conditions = Self {
            parts: vec![query.scope.sensor_condition("finding.sensor_key").into()],
            values: Vec::new(),
        };
        if let Some(since) = filter.since {
            conditions.add(
                "finding.last_ms >= ?",
                [Value::from(to_milliseconds(since))],
            );
        }
        if let Some(until) = filter.until {
            conditions.add("finding.last_ms < ?", [Value::from(to_milliseconds(until))]);
        }
        let mut values = Vec::new();
        let mut parts = sensor_conditions_of("finding.sensor_key", filter, &mut values);
        if let Some(severity) = &filter.severity {
            parts.push(severity_condition("finding", severity, &mut values));
        }
        if let Some(rule) = &filter.rule {
            parts.push(rule_condition("finding", rule, &mut values));
        }
        conditions.parts.extend(parts.into_iter().map(Cow::from));
        conditions.values.extend(values);
        if let Some(network) = filter.address {
            let (first, last) = address_range(network);
            conditions.add(
                "(finding.source BETWEEN ? AND ? OR finding.destination BETWEEN ? AND ?)",
                [first.clone(), last.clone(), first, last],
            );
        }
        if let Some(host) = &filter.host {
            let host = host.to_ascii_lowercase();
            conditions.add(
                "EXISTS (SELECT 1 FROM json_each(finding.facts) AS fact
                         WHERE fact.value ->> 0 IN ('http.host', 'tls.sni', 'dns.query')
                           AND (rtrim(lower(fact.value ->> 1), '.') || ':' LIKE ? ESCAPE '\\'
                             OR rtrim(lower(fact.value ->> 1), '.') || ':' LIKE ? ESCAPE '\\'))",
                [
                    Value::from(format!("{}:%", escape_like(&host))),
                    Value::from(format!("%.{}:%", escape_like(&host))),
                ],
            );
        }
        conditions
    }

    /// Adds a condition.
    pub(super) fn add<const N: usize>(&mut self, part: &'static str, values: [Value; N]) {
        self.parts.push(part.into());
        self.values.extend(values);
    }

    pub(super) fn sql(&self) -> String {
        self.parts.join(" AND ")
    }
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

/// Conditions on `sensor_key`.
pub(super) fn sensor_conditions(filter: &FindingFilter, values: &mut Vec<Value>) -> Vec<String> {
    sensor_conditions_of("sensor_key", filter, values)
}

fn sensor_conditions_of(
    column: &str,
    filter: &FindingFilter,
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
pub(super) fn severity_condition(
    table: &str,
    severity: &SeveritySet,
    values: &mut Vec<Value>,
) -> String {
    let mask = severity
        .classes()
        .iter()
        .fold(0i64, |mask, class| mask | 1i64 << class.number());
    values.push(Value::from(mask));
    format!("(? >> min(max({table}.severity, 1), 4)) & 1")
}

/// Which rule; by words it needs `rule` to be joined.
pub(super) fn rule_condition(table: &str, rule: &RuleFilter, values: &mut Vec<Value>) -> String {
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
            "rule.message LIKE ? ESCAPE '\\'".to_owned()
        }
    }
}

/// First and last address of a network.
pub(super) fn address_range(network: IpNet) -> (Value, Value) {
    let bytes = |address| Value::from(address_bytes(address).to_vec());
    (bytes(network.network()), bytes(network.broadcast()))
}

/// The key of a host, and the range of the names under it.
pub(super) fn host_range(host: &str) -> (Value, Value, Value) {
    let exact = host_key(host).unwrap_or_default();
    let with = |end: u8| Value::from([exact.as_slice(), &[end]].concat());
    // What follows the point in ASCII is the slash.
    (Value::from(exact.clone()), with(b'.'), with(b'/'))
}
