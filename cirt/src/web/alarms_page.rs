//! Whom alarms are told to, of what, and what became of each message. For administrators.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::{CheckedForm, Nothing, SignedIn};
use super::state::WebState;
use crate::alarms::{AlarmKind, TargetText, watch};
use crate::language::{Language, Texts};
use crate::limits::{ALARM_MESSAGES_LISTED, ALARM_PAUSE_MINUTES};
use crate::query::Scope;
use crate::store::{AlarmMessage, AlarmRule, AlarmTarget, Session, Tenant};

#[derive(Template)]
#[template(path = "alarms.html")]
struct AlarmsTemplate {
    frame: Frame,
    targets: Vec<TargetLine>,
    rules: Vec<RuleLine>,
    messages: Vec<MessageLine>,
    kinds: Vec<KindForm>,
    tenants: Vec<Tenant>,
    languages: Vec<&'static str>,
    usual_pause: u32,
    /// Name and secret of a webhook just added, shown once.
    secret: Option<(String, String)>,
}

struct TargetLine {
    name: String,
    is_mail: bool,
    address: String,
    language: String,
    pause: String,
}

struct RuleLine {
    key: i64,
    target: String,
    kind: String,
    words: String,
    tenant: String,
    created: String,
    created_by: String,
}

struct MessageLine {
    made: String,
    target: String,
    subject: String,
    events: String,
    /// `waiting`, `sent` or `given-up`.
    state: String,
    state_label: String,
    attempts: u32,
    problem: Option<String>,
}

/// The form of one kind of rule, with what it may name.
struct KindForm {
    kind: &'static str,
    title: String,
    words: Vec<(&'static str, String)>,
}

/// What a word of a rule is called on pages.
fn word_label(kind: AlarmKind, word: &str, texts: &Texts) -> String {
    match kind {
        AlarmKind::Group => texts.get(&format!("tier-{word}")),
        AlarmKind::Sensor => texts.get(&format!("condition-{word}")),
        AlarmKind::Batch => word.replace('-', " "),
    }
}

impl RuleLine {
    fn of(rule: AlarmRule, texts: &Texts) -> Self {
        let words: Vec<String> = rule
            .words
            .iter()
            .map(|word| word_label(rule.kind, word, texts))
            .collect();
        Self {
            key: rule.key,
            target: rule.target_name,
            kind: texts.get(&format!("alarms-kind-{}", rule.kind)),
            words: words.join(", "),
            tenant: rule
                .tenant
                .map_or_else(|| texts.get("scope-nation"), |(_, name)| name),
            created: format::time(rule.created),
            created_by: rule.created_by,
        }
    }
}

impl TargetLine {
    fn of(target: AlarmTarget) -> Self {
        Self {
            name: target.name,
            is_mail: target.is_mail,
            address: target.address,
            language: target.language,
            pause: target.pause.as_mins().to_string(),
        }
    }
}

impl MessageLine {
    fn of(message: AlarmMessage, texts: &Texts) -> Self {
        Self {
            made: format::time(message.made),
            target: message.target,
            subject: message.subject,
            events: format::number(message.events),
            state_label: texts.get(&format!("alarms-state-{}", message.state)),
            state: message.state,
            attempts: message.attempts,
            problem: message.problem,
        }
    }
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    page(&state, &session, None).await
}

async fn page(
    state: &Arc<WebState>,
    session: &Session,
    secret: Option<(String, String)>,
) -> Result<Response, PageError> {
    let (targets, rules, messages, tenants) = state
        .query(|store| {
            Ok((
                store.alarm_targets()?,
                store.alarm_rules()?,
                store.alarm_messages(ALARM_MESSAGES_LISTED)?,
                store.tenants(Scope::Nation)?,
            ))
        })
        .await?;
    let frame = Frame::of(state, session, "alarms");
    let texts = frame.texts();
    let kinds = AlarmKind::ALL
        .into_iter()
        .map(|kind| KindForm {
            kind: kind.as_str(),
            title: texts.get(&format!("alarms-kind-{kind}")),
            words: kind
                .words()
                .into_iter()
                .map(|word| (word, word_label(kind, word, texts)))
                .collect(),
        })
        .collect();
    render(&AlarmsTemplate {
        targets: targets.into_iter().map(TargetLine::of).collect(),
        rules: rules
            .into_iter()
            .map(|rule| RuleLine::of(rule, texts))
            .collect(),
        messages: messages
            .into_iter()
            .map(|message| MessageLine::of(message, texts))
            .collect(),
        kinds,
        tenants,
        languages: Language::ALL.iter().map(|one| one.tag()).collect(),
        usual_pause: ALARM_PAUSE_MINUTES,
        secret,
        frame,
    })
}

#[derive(Deserialize)]
pub(super) struct TargetForm {
    name: String,
    address: String,
    language: String,
    pause: String,
    #[serde(default)]
    authority: String,
}

pub(super) async fn add_target(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<TargetForm>,
) -> Result<Response, PageError> {
    let pause_minutes = form
        .pause
        .trim()
        .parse()
        .map_err(|_| PageError::bad_request("pause: say minutes, 0 to 1440".to_owned()))?;
    let text = TargetText {
        name: form.name.trim(),
        address: &form.address,
        language: &form.language,
        pause_minutes,
        authority: &form.authority,
        // Only who holds the data folder opens the machine itself.
        allows_loopback: false,
    };
    let new = text.check().map_err(PageError::bad_request)?;
    let secret = new
        .secret
        .clone()
        .map(|secret| (new.name.to_string(), secret));
    let user = session.user.clone();
    state
        .query(move |store| store.add_alarm_target(&user, &new, Timestamp::now()))
        .await?;
    page(&state, &session, secret).await
}

#[derive(Deserialize)]
pub(super) struct TargetAct {
    /// `test` or `remove`.
    action: String,
}

pub(super) async fn act_on_target(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
    CheckedForm(form): CheckedForm<TargetAct>,
) -> Result<Response, PageError> {
    let teller = state.teller();
    let now = Timestamp::now();
    match form.action.as_str() {
        "remove" => {
            state
                .query(move |store| store.remove_alarm_target(&session.user, &name, now))
                .await?;
        }
        "test" => {
            state
                .query(move |store| teller.queue_test(store, &session.user, &name, now))
                .await?;
        }
        _ => {
            let message = "The form names no action.".to_owned();
            return Err(PageError::bad_request(message));
        }
    }
    Ok(Redirect::to("/alarms").into_response())
}

/// Its checkboxes are named `word_infection`.
#[derive(Deserialize)]
pub(super) struct RuleForm {
    target: String,
    kind: String,
    #[serde(default)]
    tenant: String,
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

pub(super) async fn add_rule(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<RuleForm>,
) -> Result<Response, PageError> {
    let kind: AlarmKind = form.kind.parse().map_err(PageError::bad_request)?;
    let chosen: Vec<&str> = form
        .rest
        .keys()
        .filter_map(|name| name.strip_prefix("word_"))
        .collect();
    let words = kind
        .read_words(&chosen.join(" "))
        .map_err(PageError::bad_request)?;
    let folder = state.teller().folder;
    state
        .query(move |store| {
            let target = store.alarm_target(&form.target)?;
            let rule = watch::NewRule {
                target: &target,
                kind,
                words: &words,
                tenant: Some(form.tenant.as_str()).filter(|tenant| !tenant.is_empty()),
            };
            watch::add_rule(store, &folder, &session.user, &rule, Timestamp::now())
        })
        .await?;
    Ok(Redirect::to("/alarms").into_response())
}

pub(super) async fn end_rule(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    state
        .query(move |store| store.end_alarm_rule(&session.user, key, Timestamp::now()))
        .await?;
    Ok(Redirect::to("/alarms").into_response())
}
