//! The rules desk: a draft is checked, compared, run over stored captures, and made known; which sensor runs what.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::{CheckedForm, SignedIn};
use super::state::WebState;
use crate::rule_desk::{BackTest, Checked, back_test, check, stored_captures};
use crate::store::{FleetMember, Session};

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesTemplate {
    frame: Frame,
    known: String,
    draft: String,
    result: Option<DraftResult>,
    captures: usize,
    captures_folder: String,
    published: Option<(String, String)>,
    sensors: Vec<SensorRules>,
}

struct DraftResult {
    compiled: String,
    unsupported: String,
    refused: String,
    pack_bytes: String,
    remarks: Vec<crate::rule_desk::Remark>,
    rules: Vec<RuleRow>,
    tests: Vec<TestRow>,
    mistake: Option<String>,
    imported: bool,
}

struct RuleRow {
    rule: String,
    message: String,
    difference: String,
    difference_class: &'static str,
    alerts: String,
}

struct TestRow {
    capture: String,
    alerts: String,
    took: String,
}

/// Which pack a sensor runs.
struct SensorRules {
    name: String,
    pack: String,
    is_newest: Option<bool>,
    loaded: String,
    unsupported: String,
    vetoed: String,
}

#[derive(Deserialize)]
pub(super) struct DraftForm {
    draft: String,
    action: String,
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    page(&state, &session, String::new(), None).await
}

async fn page(
    state: &Arc<WebState>,
    session: &Session,
    draft: String,
    result: Option<DraftResult>,
) -> Result<Response, PageError> {
    let scope = session.scope();
    let shared = Arc::clone(state);
    let (known, newest, fleet) = state
        .query(move |store| {
            Ok((
                store.rule_count()?,
                shared.newest_pack(store)?,
                shared.fleet(store, scope, Timestamp::now())?,
            ))
        })
        .await?;
    let folder = state.captures_folder();
    let newest_pack = newest.as_ref().map(|(pack, _)| pack.clone());
    render(&RulesTemplate {
        frame: Frame::of(state, session, "rules"),
        known: format::number(known),
        draft,
        result,
        captures: folder
            .as_deref()
            .map_or(0, |folder| stored_captures(folder).len()),
        captures_folder: folder.map_or_else(String::new, |folder| folder.display().to_string()),
        published: newest.map(|(pack, since)| (pack, format::time(since))),
        sensors: fleet
            .iter()
            .map(|member| sensor_rules(member, newest_pack.as_deref()))
            .collect(),
    })
}

fn sensor_rules(member: &FleetMember, newest: Option<&str>) -> SensorRules {
    let totals = member.totals.as_ref();
    let health = totals.and_then(|totals| totals.health.as_ref());
    let pack = health.and_then(|health| health.pack.clone());
    let inspected = totals.and_then(|totals| totals.inspected);
    let number = |part: fn(&crate::store::Inspected) -> u64| {
        inspected.map_or_else(
            || "–".to_owned(),
            |inspected| format::number(part(&inspected)),
        )
    };
    SensorRules {
        name: member.sensor.name.clone(),
        is_newest: pack
            .as_deref()
            .zip(newest)
            .map(|(pack, newest)| pack == newest),
        pack: pack.map_or_else(|| "–".to_owned(), |pack| pack.chars().take(16).collect()),
        loaded: number(|inspected| inspected.rules_loaded),
        unsupported: number(|inspected| inspected.rules_unsupported),
        vetoed: number(|inspected| inspected.rules_suppressed),
    }
}

pub(super) async fn act(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<DraftForm>,
) -> Result<Response, PageError> {
    let is_import = form.action == "import";
    let captures = state
        .captures_folder()
        .map(|folder| stored_captures(&folder))
        .unwrap_or_default();
    let text = form.draft.clone();
    let worked = tokio::task::spawn_blocking(move || {
        let checked = check(&text).map_err(|error| error.to_string())?;
        let tests = if is_import || captures.is_empty() {
            Ok(Vec::new())
        } else {
            back_test(&text, &captures).map_err(|error| error.to_string())
        };
        Ok::<_, String>((checked, tests))
    })
    .await
    .map_err(|_| PageError::bad_request("The draft could not be checked.".to_owned()))?;
    let (checked, tests) = worked.map_err(PageError::bad_request)?;
    let (tests, mistake) = match tests {
        Ok(tests) => (tests, None),
        Err(mistake) => (Vec::new(), Some(mistake)),
    };
    let actor = session.user.clone();
    let texts = Frame::of(&state, &session, "rules");
    let result = state
        .query(move |store| {
            let rows = rule_rows(&checked, &checked.differences(store)?, &tests, &texts);
            if is_import {
                store.import_rules(&actor, &checked.rules)?;
            }
            Ok(DraftResult {
                compiled: format::number(checked.compiled as u64),
                unsupported: format::number(checked.unsupported as u64),
                refused: format::number(checked.refused as u64),
                pack_bytes: format::bytes(checked.pack_bytes as u64),
                rules: rows,
                tests: tests.iter().map(test_row).collect(),
                remarks: checked.remarks,
                mistake,
                imported: is_import,
            })
        })
        .await?;
    page(&state, &session, form.draft, Some(result)).await
}

fn rule_rows(
    checked: &Checked,
    differences: &[(&crate::store::RuleText, crate::rule_desk::Difference)],
    tests: &[BackTest],
    frame: &Frame,
) -> Vec<RuleRow> {
    let row = |(rule, difference): &(&crate::store::RuleText, crate::rule_desk::Difference)| {
        let alerts: u64 = tests
            .iter()
            .filter_map(|test| test.alerts.get(&rule.sid))
            .sum();
        RuleRow {
            rule: format!("{}:{}:{}", rule.gid, rule.sid, rule.rev),
            message: rule.message.clone(),
            difference: frame.t(&format!("draft-{}", difference.as_str())),
            difference_class: match difference {
                crate::rule_desk::Difference::NotNewer => "bad",
                crate::rule_desk::Difference::Same => "off",
                _ => "good",
            },
            alerts: if tests.is_empty() {
                "–".to_owned()
            } else {
                format::number(alerts)
            },
        }
    };
    differences
        .iter()
        .take(checked.rules.len().min(500))
        .map(row)
        .collect()
}

fn test_row(test: &BackTest) -> TestRow {
    TestRow {
        capture: test.capture.clone(),
        alerts: format::number(test.alerts.values().sum()),
        took: format!("{} ms", test.took.as_millis()),
    }
}
