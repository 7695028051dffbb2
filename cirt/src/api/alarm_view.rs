//! Targets and rules of alarms, and what became of messages, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alarms::{AlarmKind, TargetText};
use crate::limits::ALARM_PAUSE_MINUTES;
use crate::store::{AlarmMessage, AlarmRule, AlarmTarget, NewAlarmTarget};

/// Whom alarms are told to, of what, and the newest messages, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmsView {
    pub targets: Vec<AlarmTargetView>,
    pub rules: Vec<AlarmRuleView>,
    pub messages: Vec<AlarmMessageView>,
}

/// Where messages go.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmTargetView {
    pub name: String,
    /// `mail` or `webhook`.
    pub kind: &'static str,
    pub address: String,
    pub language: String,
    pub pause_minutes: i64,
    /// What a webhook's bodies are signed with: only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// What is told to a target.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmRuleView {
    pub key: i64,
    pub target: String,
    /// `group`, `sensor` or `batch`.
    pub kind: &'static str,
    /// Tiers, conditions or kinds of trouble.
    pub words: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub created: String,
    pub created_by: String,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmMessageView {
    pub id: String,
    pub target: String,
    pub made: String,
    /// Things that it tells of
    pub events: u64,
    pub subject: String,
    /// `waiting`, `sent` or `given-up`.
    pub state: String,
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A new target.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmTargetBody {
    name: String,
    /// A mail address, or one that begins with `https://`
    address: String,
    /// en, fr, es, pt, ar or ru
    #[serde(default)]
    language: String,
    /// At least so long between two messages; what comes meanwhile goes together
    #[serde(default = "usual_pause")]
    pause_minutes: u32,
    /// Certificates of a webhook's authority (PEM), where browsers do not know it
    #[serde(default)]
    authority: String,
    /// Whether the webhook may be on this machine itself
    #[serde(default)]
    allow_loopback: bool,
}

/// A new rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmRuleBody {
    /// Name of a target
    pub target: String,
    /// group, sensor or batch
    kind: String,
    /// group: infection, critical, widespread, grave, other, noise. sensor: conditions, as offline or blind. batch: kinds of
    /// trouble, as conflicting-batch
    words: Vec<String>,
    /// Only what is at this provider or sector
    #[serde(default)]
    pub tenant: Option<String>,
}

const fn usual_pause() -> u32 {
    ALARM_PAUSE_MINUTES
}

impl AlarmTargetBody {
    /// Checks it.
    ///
    /// # Errors
    /// In one line, what is wrong.
    pub fn check(&self) -> Result<NewAlarmTarget, String> {
        TargetText {
            name: &self.name,
            address: &self.address,
            language: &self.language,
            pause_minutes: self.pause_minutes,
            authority: &self.authority,
            allows_loopback: self.allow_loopback,
        }
        .check()
    }
}

impl AlarmRuleBody {
    /// What it watches.
    ///
    /// # Errors
    /// When the kind or a word is unknown.
    pub fn check(&self) -> Result<(AlarmKind, Vec<String>), String> {
        let kind: AlarmKind = self.kind.parse()?;
        let words = kind.read_words(&self.words.join(" "))?;
        Ok((kind, words))
    }
}

impl AlarmTargetView {
    /// As stored, without its secret.
    #[must_use]
    pub fn of(target: &AlarmTarget) -> Self {
        Self {
            name: target.name.clone(),
            kind: if target.is_mail { "mail" } else { "webhook" },
            address: target.address.clone(),
            language: target.language.clone(),
            pause_minutes: target.pause.as_mins(),
            secret: None,
        }
    }
}

impl AlarmRuleView {
    fn of(rule: AlarmRule) -> Self {
        Self {
            key: rule.key,
            target: rule.target_name,
            kind: rule.kind.as_str(),
            words: rule.words,
            tenant: rule.tenant.map(|(_, name)| name),
            created: rule.created.to_string(),
            created_by: rule.created_by,
        }
    }
}

impl AlarmMessageView {
    fn of(message: AlarmMessage) -> Self {
        Self {
            id: message.id,
            target: message.target,
            made: message.made.to_string(),
            events: message.events,
            subject: message.subject,
            state: message.state,
            attempts: message.attempts,
            done: message.done.map(|time| time.to_string()),
            problem: message.problem,
        }
    }
}

impl AlarmsView {
    /// As stored.
    #[must_use]
    pub fn of(targets: &[AlarmTarget], rules: Vec<AlarmRule>, messages: Vec<AlarmMessage>) -> Self {
        Self {
            targets: targets.iter().map(AlarmTargetView::of).collect(),
            rules: rules.into_iter().map(AlarmRuleView::of).collect(),
            messages: messages.into_iter().map(AlarmMessageView::of).collect(),
        }
    }
}
