//! Suppressions as JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits::SUPPRESSION_DAYS;
use crate::store::{NewSuppression, Suppression};

/// What is kept out of the inbox and the alarms, what holds first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuppressionsView {
    pub suppressions: Vec<SuppressionView>,
}

/// One suppression, and what it took at sensors that the caller may see. What is not named is any.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuppressionView {
    pub key: i64,
    /// `holds`, `expired` or `ended`.
    pub state: &'static str,
    /// `gid:sid`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// One end lies in it, in clear
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    pub reason: String,
    pub created: String,
    pub created_by: String,
    pub expires: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// Findings it took in the last seven days
    pub week_findings: u64,
    /// Alerts that these stand for
    pub week_hits: u64,
    /// Findings it took since it began
    pub findings: u64,
}

/// What is to be suppressed: at least one of rule, sensor, tenant and network.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressionBody {
    /// `sid` or `gid:sid`
    #[serde(default)]
    rule: String,
    #[serde(default)]
    sensor: String,
    #[serde(default)]
    tenant: String,
    /// `192.0.2.0/24` or an address
    #[serde(default)]
    network: String,
    /// Why
    reason: String,
    /// How long it holds, days
    #[serde(default = "usual_days")]
    days: u32,
}

const fn usual_days() -> u32 {
    SUPPRESSION_DAYS
}

impl SuppressionsView {
    /// As stored.
    #[must_use]
    pub fn of(suppressions: Vec<Suppression>, now: Timestamp) -> Self {
        Self {
            suppressions: suppressions
                .into_iter()
                .map(|suppression| SuppressionView::of(suppression, now))
                .collect(),
        }
    }
}

impl SuppressionView {
    fn of(suppression: Suppression, now: Timestamp) -> Self {
        let (ended, ended_by) = suppression.ended.clone().unzip();
        Self {
            key: suppression.key,
            state: suppression.state(now),
            rule: suppression.rule.map(|(gid, sid)| format!("{gid}:{sid}")),
            message: suppression.message,
            sensor: suppression.sensor,
            tenant: suppression.tenant,
            network: suppression.network.map(|network| network.to_string()),
            reason: suppression.reason,
            created: suppression.created.to_string(),
            created_by: suppression.created_by,
            expires: suppression.expires.to_string(),
            ended: ended.map(|time| time.to_string()),
            ended_by,
            week_findings: suppression.week_findings,
            week_hits: suppression.week_hits,
            findings: suppression.findings,
        }
    }
}

impl SuppressionBody {
    /// What the store takes.
    ///
    /// # Errors
    /// When the rule or the network is none.
    pub fn read(&self) -> Result<NewSuppression, String> {
        NewSuppression::read(
            [&self.rule, &self.sensor, &self.tenant, &self.network],
            &self.reason,
            &self.days.to_string(),
        )
    }
}
