//! Groups, the work on them, cases and sightings as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::Permission;
use crate::query::SeverityClass;
use crate::store::{Group, GroupChange, GroupEvent, Incident, Session, Sighting};
use crate::triage::{Reason, Tlp};

/// Groups in the order people should look at them.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupsView {
    pub groups: Vec<GroupView>,
}

/// All findings of one rule, as far as the caller may see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupView {
    pub key: i64,
    pub gid: u32,
    pub sid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `new`, `open` or `closed`.
    pub state: &'static str,
    pub severity: &'static str,
    /// How much it matters: `infection`, `critical`, `widespread`, `grave`, `other` or `noise`.
    pub tier: &'static str,
    /// Why, gravest reason first.
    pub reasons: Vec<ReasonView>,
    /// RSIT, `classification:type`; empty until somebody classified it.
    pub class: String,
    /// TLP 2.0.
    pub tlp: &'static str,
    pub findings: u64,
    pub hits: u64,
    pub sensors: u64,
    pub tenants: u64,
    pub first: String,
    pub last: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// How often it came back after it was closed.
    pub reopened: u64,
    /// Only for those who may read the CIRT's work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// Where it was seen; only of one group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceView>,
}

/// A reason of a rank, and the number in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonView {
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// A group at one sensor.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceView {
    pub sensor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub findings: u64,
    pub hits: u64,
    pub first: String,
    pub last: String,
}

/// What became of a group, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventsView {
    pub events: Vec<EventView>,
}

/// One act.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    pub at: String,
    pub actor: String,
    pub kind: String,
    pub detail: String,
}

/// What is to be done with a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ChangeBody {
    /// To a user; null is nobody
    Assign {
        user: Option<String>,
    },
    Comment {
        text: String,
    },
    /// RSIT, `classification:type`
    Classify {
        class: String,
    },
    /// clear, green, amber, amber+strict or red
    Tlp {
        tlp: String,
    },
    /// Those whom it concerns were told
    Notified {
        whom: String,
    },
    Close {
        reason: String,
    },
    Reopen,
    /// Into a case; null takes it out
    Merge {
        case: Option<i64>,
    },
}

/// All cases.
#[derive(Debug, Serialize, ToSchema)]
pub struct CasesView {
    pub cases: Vec<CaseView>,
}

/// Groups that belong together.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseView {
    pub key: i64,
    pub title: String,
    pub created: String,
    pub created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    pub groups: u64,
}

/// Who saw an address or a host.
#[derive(Debug, Serialize, ToSchema)]
pub struct SightingsView {
    pub sightings: Vec<SightingView>,
}

/// One sensor that saw it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SightingView {
    pub sensor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub findings: u64,
    pub hits: u64,
    pub first: String,
    pub last: String,
}

impl GroupView {
    /// As a session may see it, with its places when they are known.
    #[must_use]
    pub fn of(group: &Group, places: &[Sighting], session: &Session) -> Self {
        let sees_work = session.may(Permission::ReadWork);
        Self {
            key: group.key,
            gid: group.gid,
            sid: group.sid,
            message: group.message.clone(),
            state: group.state.as_str(),
            severity: SeverityClass::of(group.severity).as_str(),
            tier: group.rank.tier.as_str(),
            reasons: group.rank.reasons.iter().map(reason).collect(),
            class: group.class.clone(),
            tlp: group.tlp.name(),
            findings: group.findings,
            hits: group.hits,
            sensors: group.sensors,
            tenants: group.tenants,
            first: group.first.to_string(),
            last: group.last.to_string(),
            notified: group.notified.map(|time| time.to_string()),
            closed: group.closed.map(|time| time.to_string()),
            reopened: group.reopened,
            assignee: group.assignee.clone().filter(|_| sees_work),
            case: group.incident.filter(|_| sees_work),
            places: places.iter().map(PlaceView::of).collect(),
        }
    }
}

fn reason(reason: &Reason) -> ReasonView {
    let (word, count) = match reason {
        Reason::OutboundInfection { findings } => {
            ("outbound-infection".to_owned(), Some(*findings))
        }
        Reason::CriticalInfrastructure { findings } => {
            ("critical-infrastructure".to_owned(), Some(*findings))
        }
        Reason::ManyProviders { tenants } => ("many-providers".to_owned(), Some(*tenants)),
        Reason::Severity(class) => (format!("severity-{}", class.as_str()), None),
        Reason::CameBack { times } => ("came-back".to_owned(), Some(*times)),
        Reason::Silent { days } => ("silent-days".to_owned(), Some(*days)),
    };
    ReasonView {
        reason: word,
        count,
    }
}

impl PlaceView {
    fn of(place: &Sighting) -> Self {
        Self {
            sensor: place.sensor.clone(),
            tenant: place.tenant.clone(),
            findings: place.findings,
            hits: place.hits,
            first: place.first.to_string(),
            last: place.last.to_string(),
        }
    }
}

impl EventsView {
    /// As stored.
    #[must_use]
    pub fn of(events: Vec<GroupEvent>) -> Self {
        let view = |event: GroupEvent| EventView {
            at: event.at.to_string(),
            actor: event.actor,
            kind: event.kind,
            detail: event.detail,
        };
        Self {
            events: events.into_iter().map(view).collect(),
        }
    }
}

impl CasesView {
    /// As stored.
    #[must_use]
    pub fn of(incidents: Vec<Incident>) -> Self {
        let view = |incident: Incident| CaseView {
            key: incident.key,
            title: incident.title,
            created: incident.created.to_string(),
            created_by: incident.created_by,
            closed: incident.closed.map(|time| time.to_string()),
            groups: incident.groups,
        };
        Self {
            cases: incidents.into_iter().map(view).collect(),
        }
    }
}

impl SightingsView {
    /// As stored.
    #[must_use]
    pub fn of(sightings: Vec<Sighting>) -> Self {
        let view = |sighting: Sighting| SightingView {
            sensor: sighting.sensor,
            tenant: sighting.tenant,
            findings: sighting.findings,
            hits: sighting.hits,
            first: sighting.first.to_string(),
            last: sighting.last.to_string(),
        };
        Self {
            sightings: sightings.into_iter().map(view).collect(),
        }
    }
}

impl TryFrom<ChangeBody> for GroupChange {
    type Error = String;

    fn try_from(body: ChangeBody) -> Result<Self, String> {
        Ok(match body {
            ChangeBody::Assign { user } => Self::Assign(user),
            ChangeBody::Comment { text } => Self::Comment(text),
            ChangeBody::Classify { class } => Self::Classify(class),
            ChangeBody::Tlp { tlp } => Self::SetTlp(tlp.parse::<Tlp>()?),
            ChangeBody::Notified { whom } => Self::Notified(whom),
            ChangeBody::Close { reason } => Self::Close(reason),
            ChangeBody::Reopen => Self::Reopen,
            ChangeBody::Merge { case } => Self::Merge(case),
        })
    }
}
