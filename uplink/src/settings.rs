//! What the uplink needs to know, already checked by whoever read it from a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lapwing_outbox::{OutboxError, OutboxSender, SealLimits};
use lapwing_wire::{CompressionLevel, RecordFilter, Sealer, SealingPublicKey};

use crate::budget::{BudgetSettings, BudgetSource};
use crate::device_key::DeviceKey;
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::repository_mirror::MirrorSettings;
use crate::route::Proxy;
use crate::tls::KeyExchange;

const DAY_SECONDS: u64 = 24 * 3600;

/// How the uplink works. Addresses are `host:port`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where key, certificate and enrolment are kept; see [`crate::Identity`].
    pub identity_folder: PathBuf,
    /// The outbox.
    pub outbox_folder: PathBuf,
    /// The ledger of what leaves.
    pub ledger_folder: PathBuf,
    /// The ISP's ledger key, for which the keys of envelopes are kept.
    pub ledger_key: Option<SealingPublicKey>,
    /// What takes from records what must not leave any more.
    pub filter: Option<Arc<dyn RecordFilter>>,
    /// Bounds of the outbox, the same that the sensor uses.
    pub outbox: lapwing_outbox::Settings,
    /// How much goes into one batch.
    pub seal: SealLimits,
    /// Addresses of the centre, in the order to try; empty for those of the enrolment.
    pub centres: Vec<String>,
    /// What stands between this site and the world.
    pub proxy: Option<Proxy>,
    /// How the keys of a connection are agreed.
    pub key_exchange: KeyExchange,
    /// zstd's level for batches.
    pub compression: CompressionLevel,
    /// What the link may cost.
    pub budget: BudgetSettings,
    /// What the link may cost from moment to moment, where that may change.
    pub budget_source: Option<Arc<dyn BudgetSource>>,
    /// Longest time between contacts where the link is not kept open; a critical finding does not wait
    /// for it. None keeps the link open.
    pub contact_interval: Option<Duration>,
    /// Folders that mirror repositories of the centre, in the order in which they are looked at.
    pub mirrors: Vec<MirrorSettings>,
    /// Time between looks into the outbox.
    pub send_interval: Duration,
    /// Longest time between attempts while the centre cannot be reached.
    pub retry_max: Duration,
    /// How long the centre may take to answer an envelope before the connection is given up.
    pub answer_timeout: Duration,
}

impl Settings {
    /// The usual settings for these folders.
    pub fn new(identity_folder: PathBuf, outbox_folder: PathBuf) -> Self {
        Self {
            ledger_folder: crate::ledger::folder_beside(&identity_folder),
            ledger_key: None,
            filter: None,
            identity_folder,
            outbox_folder,
            outbox: lapwing_outbox::Settings::default(),
            seal: SealLimits::default(),
            centres: Vec::new(),
            proxy: None,
            key_exchange: KeyExchange::default(),
            compression: CompressionLevel::DEFAULT,
            budget: BudgetSettings::unlimited(),
            budget_source: None,
            contact_interval: None,
            mirrors: Vec::new(),
            send_interval: Duration::from_secs(1),
            retry_max: Duration::from_secs(300),
            answer_timeout: Duration::from_secs(120),
        }
    }

    /// Whether nothing may leave now but records of the books, for no policy is in force.
    pub(crate) fn is_closed(&self) -> bool {
        self.filter
            .as_ref()
            .is_some_and(|filter| filter.is_closed())
    }

    /// Removes sealed batches that are older than the policy lets anything wait; the sensor tells what was in them.
    pub(crate) fn withdraw_old(
        &self,
        outbox: &mut OutboxSender,
        now_seconds: u64,
    ) -> Result<(), OutboxError> {
        let days = self
            .filter
            .as_ref()
            .and_then(|filter| filter.retention_days());
        let Some(days) = days else {
            return Ok(());
        };
        let before_seconds = now_seconds.saturating_sub(days.saturating_mul(DAY_SECONDS));
        let records = outbox.withdraw_older_than(before_seconds.saturating_mul(1000))?;
        if records > 0 {
            tracing::warn!(
                records,
                days,
                "sealed records withdrawn: they waited too long"
            );
        }
        Ok(())
    }

    /// What seals batches of this device, whichever way they go: nothing passes it that the policy does not let leave, and
    /// nothing that the ledger does not know.
    pub(crate) fn sealer(&self, identity: &Identity, key: &DeviceKey, ledger: &Ledger) -> Sealer {
        Sealer::new(key.signing_key(), identity.sealing_key, self.compression)
            .witnessed_by(Arc::new(ledger.clone()))
            .filtered_by(self.filter.clone())
    }
}
