//! What is there to be told of: groups, conditions of sensors, trouble with batches. Whether it is new the store knows.

use jiff::{SignedDuration, Timestamp};

use super::{AlarmEvent, AlarmKind};
use crate::query::{Scope, SeverityClass};
use crate::rule_repository::newest_pack;
use crate::settings::DataFolder;
use crate::store::{AlarmRule, AlarmTarget, Group, Store, StoreError};
use crate::triage::{Facts, Rank, Reason, rank};

/// Trouble with batches that is older was told, or is older than the rule.
const TROUBLE_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Lines of trouble that are looked through.
const TROUBLE_LINES: usize = 1_000;

/// One thing that can be told of.
#[derive(Clone, Debug)]
pub struct Seen {
    pub kind: AlarmKind,
    /// The tier, condition or kind of trouble: a rule tells of it when it names the word.
    pub word: String,
    /// The same thing has the same subject, also in a year; a relapse or a graver tier is another thing.
    pub subject: String,
    pub event: AlarmEvent,
}

/// Everything of some kinds within a scope.
///
/// # Errors
/// When the database fails.
pub fn look(
    store: &Store,
    folder: &DataFolder,
    scope: Scope,
    kinds: &[AlarmKind],
    now: Timestamp,
) -> Result<Vec<Seen>, StoreError> {
    let mut seen = Vec::new();
    if kinds.contains(&AlarmKind::Group) {
        seen.extend(store.groups(scope, false, now)?.iter().map(group));
    }
    if kinds.contains(&AlarmKind::Sensor) {
        sensors(store, folder, scope, now, &mut seen)?;
    }
    if kinds.contains(&AlarmKind::Batch) {
        let trouble = store.alarms_by_key(scope, now - TROUBLE_AGE, TROUBLE_LINES)?;
        seen.extend(trouble.into_iter().map(|(key, alarm)| {
            let word = alarm.kind.replace(' ', "-");
            Seen {
                kind: AlarmKind::Batch,
                subject: format!("batch:{key}"),
                event: AlarmEvent::Batch {
                    sensor: alarm.sensor,
                    trouble: alarm.kind,
                    detail: alarm.detail,
                    at: alarm.at.to_string(),
                },
                word,
            }
        }));
    }
    Ok(seen)
}

/// Writes down what is new for every rule that holds, to be told. How many events.
///
/// # Errors
/// When the database fails.
pub fn watch(store: &Store, folder: &DataFolder, now: Timestamp) -> Result<usize, StoreError> {
    let rules = store.alarm_rules()?;
    let mut scopes: Vec<Scope> = rules.iter().map(AlarmRule::scope).collect();
    scopes.sort_by_key(|scope| scope.tenant());
    scopes.dedup();
    let mut new = 0;
    for scope in scopes {
        let of_scope: Vec<&AlarmRule> = rules.iter().filter(|rule| rule.scope() == scope).collect();
        let kinds: Vec<AlarmKind> = of_scope.iter().map(|rule| rule.kind).collect();
        let seen = look(store, folder, scope, &kinds, now)?;
        for rule in of_scope {
            new += store.note_events(rule, &seen, now)?;
        }
    }
    Ok(new)
}

/// A rule as it is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewRule<'a> {
    pub target: &'a AlarmTarget,
    pub kind: AlarmKind,
    pub words: &'a [String],
    /// Name of the tenant where it watches; none is the nation.
    pub tenant: Option<&'a str>,
}

/// Adds a rule. What is there already is written down as known: it is told of what comes from now on.
///
/// # Errors
/// When the target or the tenant is not there, or a word is unknown.
pub fn add_rule(
    store: &Store,
    folder: &DataFolder,
    actor: &str,
    rule: &NewRule<'_>,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let scope = store.scope_of_tenant(rule.tenant)?;
    let seen = look(store, folder, scope, &[rule.kind], now)?;
    store.add_alarm_rule(actor, rule, scope, &seen, now)
}

fn group(group: &Group) -> Seen {
    let rank = rank_of(group);
    let tier = rank.tier.as_str();
    Seen {
        kind: AlarmKind::Group,
        word: tier.to_owned(),
        subject: format!("group:{}:{}:{tier}", group.key, group.reopened),
        event: AlarmEvent::Group {
            group: group.key,
            rule: format!("{}:{}", group.gid, group.sid),
            message: group.message.clone(),
            tier: tier.to_owned(),
            severity: SeverityClass::of(group.severity).as_str().to_owned(),
            reasons: rank.reasons.iter().map(reason).collect(),
            findings: group.findings,
            sensors: group.sensors,
            providers: group.tenants,
            reopened: group.reopened,
            first: group.first.to_string(),
            last: group.last.to_string(),
        },
    }
}

/// The rank when it was last seen: silence alone lets it sink later, and that is no news.
fn rank_of(group: &Group) -> Rank {
    let facts = Facts {
        severity: group.severity,
        class_type: group.class_type.as_deref(),
        findings: group.findings,
        from_inside: group.from_inside,
        critical: group.critical,
        sensors: group.sensors,
        tenants: group.tenants,
        reopened: group.reopened,
        last: group.last,
    };
    rank(&facts, group.last)
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::OutboundInfection { findings } => format!("outbound-infection {findings}"),
        Reason::CriticalInfrastructure { findings } => {
            format!("critical-infrastructure {findings}")
        }
        Reason::ManyProviders { tenants } => format!("many-providers {tenants}"),
        Reason::Severity(class) => format!("severity-{}", class.as_str()),
        Reason::CameBack { times } => format!("came-back {times}"),
        Reason::Silent { days } => format!("silent-days {days}"),
    }
}

fn sensors(
    store: &Store,
    folder: &DataFolder,
    scope: Scope,
    now: Timestamp,
    seen: &mut Vec<Seen>,
) -> Result<(), StoreError> {
    let newest = newest_pack(folder, store)?;
    let newest = newest.as_ref().map(|(pack, since)| (pack.as_str(), *since));
    let fleet = store.fleet(scope, newest, now)?;
    let conditions: Vec<_> = fleet
        .iter()
        .map(|member| (member.sensor.key, member.verdict.condition))
        .collect();
    let since = store.note_conditions(&conditions, now)?;
    for (member, since) in fleet.into_iter().zip(since) {
        let condition = member.verdict.condition.as_str();
        let (cause, number) = member.verdict.cause.text();
        seen.push(Seen {
            kind: AlarmKind::Sensor,
            word: condition.to_owned(),
            subject: format!(
                "sensor:{}:{condition}:{}",
                member.sensor.name,
                since.as_millisecond()
            ),
            event: AlarmEvent::Sensor {
                sensor: member.sensor.name,
                condition: condition.to_owned(),
                cause: cause.to_owned(),
                number,
                since: since.to_string(),
            },
        });
    }
    Ok(())
}
