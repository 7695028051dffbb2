//! Suppressions: what staff keep out of the inbox and the alarms for a while, and why.
//!
//! Nothing is dropped. Findings are stored, found and counted in every sum as before; they are left out of the groups,
//! and how many each suppression left out is counted here. A suppression holds for what is *received* while it does:
//! what was in a group before stays there, and a rebuild comes to the same numbers.

mod counting;
mod listing;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use super::audit::record;
use super::database::{OptionalRow as _, Transaction, params};
use super::insert_record::address_bytes;
use super::time::to_milliseconds;
use super::{Store, StoreError, sensors, tenants};
use crate::limits::{REASON_CHARS, SUPPRESSION_DAYS_MAX, SUPPRESSIONS};
use crate::query::{RuleFilter, Scope};

pub(super) use counting::Suppressed;
pub use listing::Suppression;

/// What is to be suppressed; what is not named is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSuppression {
    /// gid and sid.
    pub rule: Option<(u32, u32)>,
    pub sensor: Option<String>,
    pub tenant: Option<String>,
    /// One end lies in it, in clear. Pseudonyms lie in no network: their bits are not those of the address.
    pub network: Option<IpNet>,
    pub reason: String,
    /// How long it holds, days.
    pub days: u32,
}

impl NewSuppression {
    /// As people write it: empty texts name nothing.
    ///
    /// # Errors
    /// When a text is no rule, network or number of days; says which.
    pub fn read(
        [rule, sensor, tenant, network]: [&str; 4],
        reason: &str,
        days: &str,
    ) -> Result<Self, String> {
        let named = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Self {
            rule: named(rule).map(|text| rule_number(&text)).transpose()?,
            sensor: named(sensor),
            tenant: named(tenant),
            network: named(network).map(|text| network_of(&text)).transpose()?,
            reason: reason.trim().to_owned(),
            days: days
                .trim()
                .parse()
                .map_err(|_| format!("days: say 1 to {SUPPRESSION_DAYS_MAX}"))?,
        })
    }
}

/// `sid` or `gid:sid`.
fn rule_number(text: &str) -> Result<(u32, u32), String> {
    match text.parse::<RuleFilter>() {
        Ok(RuleFilter::Signature(sid)) => Ok((1, sid)),
        Ok(RuleFilter::Generator { gid, sid }) => Ok((gid, sid)),
        _ => Err(format!("rule: {text:?} is none: say its sid, or gid:sid")),
    }
}

/// A network, or one address.
fn network_of(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map(|network| network.trunc())
        .map_err(|_| format!("network: {text:?} is none: say 192.0.2.0/24 or an address"))
}

impl Store {
    /// Begins to suppress. Who sees one tenant suppresses at that tenant only. The suppression's number.
    ///
    /// # Errors
    /// When it names nothing, or what is not there or not within the scope; when it has no reason or holds too long.
    pub fn suppress(
        &self,
        scope: Scope,
        actor: &str,
        new: &NewSuppression,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        check(new)?;
        self.write(|transaction| {
            let sensor = match &new.sensor {
                None => None,
                Some(name) => Some(sensor_within(transaction, scope, name)?),
            };
            let tenant = match (&new.tenant, scope) {
                (None, Scope::Nation) => None,
                (None, Scope::Tenant(own)) => Some(own),
                (Some(name), scope) => {
                    let key = tenants::key_of(transaction, name)?;
                    if scope.tenant().is_some_and(|own| own != key) {
                        return Err(StoreError::Absent { what: "tenant", name: name.clone() });
                    }
                    Some(key)
                }
            };
            let now_ms = to_milliseconds(now);
            let live: usize = transaction.query_row(
                "SELECT count(*) FROM suppression WHERE coalesce(ended_ms, expires_ms) > ?1",
                [now_ms],
                |row| row.get(0),
            )?;
            if live >= SUPPRESSIONS {
                let reason = format!("{live} suppressions hold already: end one first");
                return Err(StoreError::Refused(reason));
            }
            let ends = new.network.map(|network| {
                [address_bytes(network.network()), address_bytes(network.broadcast())]
            });
            let expires = now + SignedDuration::from_hours(24 * i64::from(new.days));
            let key: i64 = transaction.query_row(
                "INSERT INTO suppression (gid, sid, sensor_key, tenant_key, network, first, last, reason, created_ms,
                    created_by, maker_tenant_key, expires_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING key",
                params![
                    new.rule.map(|(gid, _)| gid),
                    new.rule.map(|(_, sid)| sid),
                    sensor,
                    tenant.map(|key| key.0),
                    new.network.map(|network| network.to_string()),
                    ends.map(|[first, _]| first),
                    ends.map(|[_, last]| last),
                    new.reason,
                    now_ms,
                    actor,
                    scope.tenant().map(|key| key.0),
                    to_milliseconds(expires)
                ],
                |row| row.get(0),
            )?;
            record(transaction, now, actor, "suppression.add", &format!("#{key} {}", subject(new)))?;
            Ok(key)
        })
    }

    /// Ends a suppression before its time. Who sees one tenant ends those only that were made there.
    ///
    /// # Errors
    /// When there is none of that number that holds and may be ended.
    pub fn end_suppression(
        &self,
        scope: Scope,
        actor: &str,
        key: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let own = scope.tenant().map(|tenant| tenant.0);
            let ended = transaction.execute(
                "UPDATE suppression SET ended_ms = ?2, ended_by = ?3
                 WHERE key = ?1 AND ended_ms IS NULL AND expires_ms > ?2
                   AND (CAST(?4 AS BIGINT) IS NULL OR maker_tenant_key = ?4)",
                params![key, to_milliseconds(now), actor, own],
            )?;
            if ended == 0 {
                return Err(StoreError::Absent {
                    what: "suppression that holds",
                    name: key.to_string(),
                });
            }
            record(
                transaction,
                now,
                actor,
                "suppression.end",
                &format!("#{key}"),
            )
        })
    }
}

fn check(new: &NewSuppression) -> Result<(), StoreError> {
    let refused = |reason: String| Err(StoreError::Refused(reason));
    if new.rule.is_none() && new.sensor.is_none() && new.tenant.is_none() && new.network.is_none() {
        return refused("name a rule, a sensor, a provider or a network to suppress".to_owned());
    }
    if new.reason.is_empty() || new.reason.chars().count() > REASON_CHARS {
        return refused(format!("say why, in 1 to {REASON_CHARS} characters"));
    }
    if !(1..=SUPPRESSION_DAYS_MAX).contains(&new.days) {
        return refused(format!(
            "a suppression holds 1 to {SUPPRESSION_DAYS_MAX} days"
        ));
    }
    Ok(())
}

/// A sensor, if the scope holds it.
fn sensor_within(
    transaction: &Transaction<'_>,
    scope: Scope,
    name: &str,
) -> Result<i64, StoreError> {
    let key = sensors::key_of(transaction, name)?;
    let sql = format!(
        "SELECT 1 FROM sensor WHERE key = ?1 AND {}",
        scope.sensor_condition("key")
    );
    transaction
        .prepare(&sql)?
        .query_row([key.0], |_| Ok(()))
        .optional()?
        .map(|()| key.0)
        .ok_or_else(|| StoreError::Absent {
            what: "sensor",
            name: name.to_owned(),
        })
}

/// What the audit trail says of it.
fn subject(new: &NewSuppression) -> String {
    let mut parts = Vec::new();
    if let Some((gid, sid)) = new.rule {
        parts.push(format!("rule {gid}:{sid}"));
    }
    if let Some(sensor) = &new.sensor {
        parts.push(format!("sensor {sensor}"));
    }
    if let Some(tenant) = &new.tenant {
        parts.push(format!("tenant {tenant}"));
    }
    if let Some(network) = new.network {
        parts.push(format!("network {network}"));
    }
    format!("{} for {} days: {}", parts.join(", "), new.days, new.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_or_refused_with_its_name() {
        let read = |rule, network, days| NewSuppression::read([rule, "", "", network], "why", days);
        let whole = read("2019401", "192.0.2.77/24", " 30 ").unwrap();
        assert_eq!(whole.rule, Some((1, 2_019_401)));
        assert_eq!(whole.network, Some("192.0.2.0/24".parse().unwrap()));
        assert_eq!((whole.sensor, whole.days), (None, 30));
        assert_eq!(read("3:7", "2001:db8::1", "1").unwrap().rule, Some((3, 7)));
        for (rule, network, days, wrong) in [
            ("1:2:3", "", "1", "rule"),
            ("bot", "", "1", "rule"),
            ("", "192.0.2.0/33", "1", "network"),
            ("", "", "x", "days"),
        ] {
            let refused = read(rule, network, days).unwrap_err();
            assert!(refused.starts_with(wrong), "{refused}");
        }
    }
}
