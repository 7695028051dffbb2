//! What the uplink needs, from a sensor's settings: for the uplink itself, the courier and the budget.

use std::{fs, sync::Arc};

use anyhow::Context;
use lapwing_sensor::{
    keyslot,
    policy::{self, InForce, QueueFilter},
    settings::{RuleSource, Settings},
};
use lapwing_uplink::{
    KeyExchange, Proxy,
    budget::{BudgetSettings, CRITICAL_RESERVE_PERCENT_DEFAULT, QuietHours},
    ledger::LedgerKey,
};
use lapwing_wire::{CompressionLevel, RecordFilter, SealingPublicKey};

/// The uplink's settings.
pub(crate) fn of(settings: &Settings) -> anyhow::Result<lapwing_uplink::Settings> {
    let link = &settings.uplink;
    let mirrors_rules =
        matches!(settings.rules.source, RuleSource::Pack(_)) && settings.rules.root.is_some();
    Ok(lapwing_uplink::Settings {
        outbox: settings.outbox(keyslot::open(settings)?),
        centres: link.centres.clone(),
        proxy: proxy(settings)?,
        key_exchange: if link.is_key_exchange_short {
            KeyExchange::X25519
        } else {
            KeyExchange::Hybrid
        },
        compression: if link.is_smallest {
            CompressionLevel::SMALLEST
        } else {
            CompressionLevel::DEFAULT
        },
        budget: budget(settings)?,
        contact_interval: link.contact_interval,
        rule_mirror: mirrors_rules.then(|| settings.rule_mirror_folder()),
        send_interval: link.send_interval,
        retry_max: link.retry_max,
        ledger_folder: settings.ledger_folder(),
        ledger_key: ledger_key(settings)?,
        filter: Some(filter(settings)),
        ..lapwing_uplink::Settings::new(settings.identity_folder(), settings.outbox_folder())
    })
}

/// What waits is held against the policy once more; without one it stays.
fn filter(settings: &Settings) -> Arc<dyn RecordFilter> {
    Arc::new(QueueFilter::new(settings.policy.clone(), &settings.state))
}

/// The ISP's ledger key, where the settings name one.
pub(crate) fn ledger_key(settings: &Settings) -> anyhow::Result<Option<SealingPublicKey>> {
    let path = settings
        .policy
        .as_ref()
        .and_then(|policy| policy.ledger_key.as_ref());
    let Some(path) = path else {
        return Ok(None);
    };
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let key = LedgerKey::parse_public(&text);
    let key = key.with_context(|| {
        format!(
            "{} is no public ledger key, as `lapwing ledger new-key` writes it",
            path.display()
        )
    })?;
    Ok(Some(key))
}

/// What stands between the site and the world.
pub(crate) fn proxy(settings: &Settings) -> anyhow::Result<Option<Proxy>> {
    let proxy = settings.uplink.proxy.as_deref().map(str::parse);
    proxy.transpose().context("uplink.proxy is wrong")
}

/// What the settings allow, and the ISP's policy where it allows less. The policy is looked at when the uplink starts.
fn budget(settings: &Settings) -> anyhow::Result<BudgetSettings> {
    let link = &settings.uplink;
    let source = settings.policy.as_ref();
    let in_force = source.and_then(|source| policy::check(source, &settings.state).ok());
    let policy = in_force.as_ref().map(InForce::policy);
    let limits = policy.map(|policy| policy.budget).unwrap_or_default();
    let of_policy = policy
        .map(|policy| policy.quiet_hours.as_slice())
        .unwrap_or_default();
    let quiet_hours = link
        .quiet_hours
        .iter()
        .cloned()
        .chain(of_policy.iter().map(ToString::to_string))
        .map(|hours| hours.parse::<QuietHours>())
        .collect::<Result<_, _>>()
        .context("uplink.quiet_hours is wrong")?;
    Ok(BudgetSettings {
        day_bytes: lower(link.day_budget_bytes, limits.day_bytes),
        month_bytes: lower(link.month_budget_bytes, limits.month_bytes),
        critical_reserve_percent: link
            .critical_reserve_percent
            .unwrap_or(CRITICAL_RESERVE_PERCENT_DEFAULT),
        rung_max: link.rung_max.unwrap_or(2),
        quiet_hours,
    })
}

/// The lower of two limits, where none is the highest.
fn lower(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
