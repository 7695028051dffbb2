//! What the uplink needs, from a sensor's settings: for the uplink itself, the courier and the budget.

use std::{fs, sync::Arc};

use anyhow::Context;
use lapwing_sensor::{
    keyslot,
    policy::QueueFilter,
    settings::{RuleSource, Settings, Uplink},
};
use lapwing_uplink::{
    BoardImage, KeyExchange, MirrorSettings, Mirrored, Proxy,
    budget::{BudgetSettings, BudgetSource, CRITICAL_RESERVE_PERCENT_DEFAULT, QuietHours},
    ledger::LedgerKey,
};
use lapwing_wire::{CompressionLevel, SealingPublicKey};

/// The uplink's settings.
pub(crate) fn of(settings: &Settings) -> anyhow::Result<lapwing_uplink::Settings> {
    let link = &settings.uplink;
    let filter = Arc::new(QueueFilter::new(settings.policy.clone(), &settings.state));
    let source = BudgetOfPolicy {
        link: link.clone(),
        filter: Arc::clone(&filter),
    };
    Ok(lapwing_uplink::Settings {
        outbox: settings.outbox(keyslot::known(settings)?),
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
        budget: source.budget()?,
        budget_source: Some(Arc::new(source)),
        contact_interval: link.contact_interval,
        mirrors: mirrors(settings),
        send_interval: link.send_interval,
        retry_max: link.retry_max,
        ledger_folder: settings.ledger_folder(),
        ledger_key: ledger_key(settings)?,
        filter: Some(filter),
        ..lapwing_uplink::Settings::new(settings.identity_folder(), settings.outbox_folder())
    })
}

/// The repositories of the centre that are mirrored here.
fn mirrors(settings: &Settings) -> Vec<MirrorSettings> {
    let takes_rules =
        matches!(settings.rules.source, RuleSource::Pack(_)) && settings.rules.root.is_some();
    let rules = takes_rules.then(|| MirrorSettings {
        folder: settings.rule_mirror_folder(),
        of: Mirrored::Rules,
    });
    let images = settings.board.as_ref().map(|board| MirrorSettings {
        folder: settings.image_mirror_folder(),
        of: Mirrored::Images(BoardImage {
            board: board.name.clone(),
            version: board.version,
            parts: board.parts.clone(),
        }),
    });
    rules.into_iter().chain(images).collect()
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

/// What the settings allow, and the ISP's policy where it allows less. The policy may change while the uplink runs.
#[derive(Debug)]
struct BudgetOfPolicy {
    link: Uplink,
    filter: Arc<QueueFilter>,
}

impl BudgetOfPolicy {
    fn budget(&self) -> anyhow::Result<BudgetSettings> {
        let link = &self.link;
        let in_force = self.filter.current();
        let policy = in_force.as_ref().map(|signed| &signed.policy);
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
}

impl BudgetSource for BudgetOfPolicy {
    fn now(&self) -> Option<BudgetSettings> {
        // What is wrong with the settings was told before the uplink started.
        self.budget().ok()
    }
}

/// The lower of two limits, where none is the highest.
fn lower(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_sensor::{
        policy::{TEMPLATE, isp_key, signed},
        settings::{self, PolicySource},
    };

    #[test]
    fn a_policy_that_changes_changes_the_budget_of_a_running_uplink() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        isp_key::generate(&path("isp.key"), &path("isp.pub")).unwrap();
        let key = isp_key::read(&path("isp.key")).unwrap();
        let sign = |more: &str| {
            let text = format!("{TEMPLATE}\n{more}");
            let signed = signed::sign(&text, &key, 0).unwrap();
            fs::write(path("policy.signed"), signed).unwrap();
        };
        let text = "state = 's'\n[rules]\npack = 'p'\n[uplink]\nday_budget = '1 MiB'\n";
        let settings = settings::parse(text, folder.path()).unwrap();
        let policy = PolicySource {
            file: path("policy.signed"),
            isp_key: path("isp.pub"),
            pseudonym_keys: None,
            ledger_key: None,
        };
        sign("");
        let source = BudgetOfPolicy {
            link: settings.uplink,
            filter: Arc::new(QueueFilter::new(Some(policy), folder.path())),
        };
        let now = || source.now().unwrap();
        assert_eq!(now().day_bytes, Some(1 << 20));
        assert!(now().quiet_hours.is_empty());
        sign("[budget]\nday = \"1 KiB\"\nquiet_hours = [\"22:00-06:00\"]\n");
        assert_eq!(now().day_bytes, Some(1 << 10));
        assert_eq!(now().quiet_hours.len(), 1);
        // A policy does not widen what the site set.
        sign("[budget]\nday = \"100 MiB\"\n");
        assert_eq!(now().day_bytes, Some(1 << 20));
    }
}
