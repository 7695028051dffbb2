//! The inbox: groups of findings in the order they deserve, each with why.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::{CheckedForm, SignedIn};
use super::state::WebState;
use crate::language::{Argument, Texts};
use crate::limits::PAGE_ROWS;
use crate::people::Permission;
use crate::query::{SeverityClass, percent_encode};
use crate::store::{Group, GroupChange, GroupState, Incident, SavedView, Session};
use crate::triage::{Reason, Tier};

/// Groups of a tier that are shown before the rest is folded.
const SHOWN_OF_A_TIER: usize = 25;

/// What the URL says.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct InboxQuery {
    /// `open` (also empty), `mine`, `free` or `closed`.
    #[serde(default)]
    view: String,
    /// Words of the message, or a sid.
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxTemplate {
    frame: Frame,
    tabs: Vec<Tab>,
    q: String,
    view: String,
    tiers: Vec<TierSection>,
    groups: u64,
    findings: u64,
    /// Findings that suppressions took this week; for those who may see them.
    suppressed: Option<u64>,
    may_triage: bool,
    incidents: Vec<Incident>,
    views: Vec<SavedView>,
    /// This page as a link, to be saved.
    link: String,
}

struct Tab {
    href: String,
    label: String,
    is_current: bool,
}

struct TierSection {
    tier: &'static str,
    title: String,
    findings: u64,
    lines: Vec<GroupLine>,
    /// Those that are folded.
    more: Vec<GroupLine>,
}

/// A group as one line.
pub(super) struct GroupLine {
    pub(super) key: i64,
    pub(super) title: String,
    pub(super) rule: String,
    pub(super) state: &'static str,
    pub(super) severity: &'static str,
    pub(super) severity_label: String,
    /// The gravest reason, and the others.
    pub(super) reason: String,
    pub(super) reasons: String,
    pub(super) findings: String,
    pub(super) sensors: u64,
    pub(super) last: String,
    pub(super) last_machine: String,
    pub(super) assignee: Option<String>,
    pub(super) is_mine: bool,
    pub(super) class: String,
    pub(super) tlp: &'static str,
    pub(super) tlp_class: String,
    pub(super) incident: Option<i64>,
    pub(super) reopened: u64,
    pub(super) closed: Option<String>,
}

impl GroupLine {
    pub(super) fn of(group: &Group, texts: &Texts, session: &Session, now: Timestamp) -> Self {
        let class = SeverityClass::of(group.severity);
        let mut reasons = group
            .rank
            .reasons
            .iter()
            .map(|reason| reason_text(*reason, texts));
        let sees_work = session.may(Permission::ReadWork);
        let assignee = group.assignee.clone().filter(|_| sees_work);
        Self {
            key: group.key,
            title: title(group),
            rule: format!("{}:{}", group.gid, group.sid),
            state: group.state.as_str(),
            severity: class.as_str(),
            severity_label: texts.get(&format!("severity-{}", class.as_str())),
            reason: reasons.next().unwrap_or_default(),
            reasons: reasons.collect::<Vec<_>>().join(" · "),
            findings: format::number(group.findings),
            sensors: group.sensors,
            last: format::ago_in(group.last, now, texts),
            last_machine: group.last.to_string(),
            is_mine: assignee.as_deref() == Some(session.user.as_str()),
            assignee,
            class: group.class.clone(),
            tlp: group.tlp.label(),
            tlp_class: group.tlp.name().replace('+', "-"),
            incident: group.incident.filter(|_| sees_work),
            reopened: group.reopened,
            closed: group.closed.map(format::time),
        }
    }
}

/// The rule's message, or its numbers.
pub(super) fn title(group: &Group) -> String {
    group
        .message
        .clone()
        .unwrap_or_else(|| format!("{}:{}", group.gid, group.sid))
}

/// Why, in words.
pub(super) fn reason_text(reason: Reason, texts: &Texts) -> String {
    let count = |key: &str, number: u64| texts.fill(key, &[("count", Argument::Number(number))]);
    match reason {
        Reason::OutboundInfection { findings } => count("reason-infection", findings),
        Reason::CriticalInfrastructure { findings } => count("reason-critical", findings),
        Reason::ManyProviders { tenants } => count("reason-many-providers", tenants),
        Reason::Severity(class) => texts.get(&format!("reason-severity-{}", class.as_str())),
        Reason::CameBack { times } => count("reason-came-back", times),
        Reason::Silent { days } => count("reason-silent", days),
    }
}

fn is_wanted(group: &Group, query: &InboxQuery, user: &str) -> bool {
    let by_view = match query.view.as_str() {
        "mine" => group.assignee.as_deref() == Some(user),
        "free" => group.assignee.is_none(),
        _ => true,
    };
    let words = query.q.trim().to_lowercase();
    let by_words = words.is_empty()
        || group.sid.to_string() == words
        || words
            .split_whitespace()
            .all(|word| title(group).to_lowercase().contains(word) || group.class.contains(word));
    by_view && by_words
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<InboxQuery>,
) -> Result<Response, PageError> {
    let now = Timestamp::now();
    let (scope, user_key) = (session.scope(), session.user_key);
    let closed = query.view == "closed";
    let may_triage = session.may(Permission::Triage);
    let sees_work = session.may(Permission::ReadWork);
    let (groups, suppressed, incidents, views) = state
        .query(move |store| {
            Ok((
                store.groups(scope, closed, now)?,
                if sees_work {
                    Some(store.suppressed_this_week(scope, None, now)?)
                } else {
                    None
                },
                if may_triage {
                    store.incidents()?
                } else {
                    Vec::new()
                },
                store.saved_views(user_key)?,
            ))
        })
        .await?;
    let frame = Frame::of(&state, &session, "inbox");
    let texts = frame.texts();
    let wanted: Vec<&Group> = groups
        .iter()
        .filter(|group| is_wanted(group, &query, &session.user))
        .take(PAGE_ROWS * 4)
        .collect();
    let tiers = Tier::ALL
        .into_iter()
        .filter_map(|tier| {
            let of_tier: Vec<&&Group> = wanted
                .iter()
                .filter(|group| group.rank.tier == tier)
                .collect();
            let mut lines: Vec<GroupLine> = of_tier
                .iter()
                .map(|group| GroupLine::of(group, texts, &session, now))
                .collect();
            let shown = if tier == Tier::Noise {
                0
            } else {
                SHOWN_OF_A_TIER.min(lines.len())
            };
            let more = lines.split_off(shown);
            (!of_tier.is_empty()).then(|| TierSection {
                tier: tier.as_str(),
                title: texts.get(&format!("tier-{}", tier.as_str())),
                findings: of_tier.iter().map(|group| group.findings).sum(),
                lines,
                more,
            })
        })
        .collect();
    let words = percent_encode(&query.q);
    let link_of = |view: &str| match (view, words.as_str()) {
        ("", "") => "/inbox".to_owned(),
        ("", words) => format!("/inbox?q={words}"),
        (view, "") => format!("/inbox?view={view}"),
        (view, words) => format!("/inbox?view={view}&q={words}"),
    };
    let mut names = vec!["", "closed"];
    if sees_work {
        names.splice(1..1, ["mine", "free"]);
    }
    let tabs = names
        .into_iter()
        .map(|view| Tab {
            href: link_of(view),
            label: texts.get(match view {
                "mine" => "inbox-mine",
                "free" => "inbox-free",
                "closed" => "inbox-closed",
                _ => "inbox-open",
            }),
            is_current: view == query.view || (view.is_empty() && query.view == "open"),
        })
        .collect();
    render(&InboxTemplate {
        tabs,
        link: link_of(&query.view),
        q: query.q,
        view: query.view,
        tiers,
        groups: wanted.len() as u64,
        findings: wanted.iter().map(|group| group.findings).sum(),
        suppressed,
        may_triage,
        incidents,
        views,
        frame,
    })
}

/// The form under the list: its checkboxes are named `group_7`.
#[derive(Deserialize)]
pub(super) struct BulkForm {
    action: String,
    #[serde(default)]
    back: String,
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

pub(super) async fn act(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<BulkForm>,
) -> Result<Response, PageError> {
    let change = match form.action.as_str() {
        "take" => GroupChange::Assign(Some(session.user.clone())),
        "close" => GroupChange::Close(String::new()),
        "reopen" => GroupChange::Reopen,
        other => match other.strip_prefix("merge-").map(str::parse::<i64>) {
            Some(Ok(incident)) => GroupChange::Merge(Some(incident)),
            _ => {
                let message = "The form names no action.".to_owned();
                return Err(PageError::bad_request(message));
            }
        },
    };
    let keys: Vec<i64> = form
        .rest
        .keys()
        .filter_map(|name| name.strip_prefix("group_")?.parse().ok())
        .collect();
    let scope = session.scope();
    state
        .query(move |store| {
            let now = Timestamp::now();
            for key in keys {
                let wanted = store.group(scope, key, now)?;
                // A colleague may have been quicker.
                let is_done = wanted.is_some_and(|group| {
                    (form.action == "close") == (group.state == GroupState::Closed)
                        && matches!(form.action.as_str(), "close" | "reopen")
                });
                if !is_done {
                    store.change_group(scope, &session.user, key, &change, now)?;
                }
            }
            Ok(())
        })
        .await?;
    let back = if form.back.starts_with("/inbox") {
        form.back
    } else {
        "/inbox".to_owned()
    };
    Ok(Redirect::to(&back).into_response())
}
