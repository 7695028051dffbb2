//! The list of findings, newest first, with its filters.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::csv_download::csv_download;
use super::error_page::{PageError, render};
use super::format::{self, EndpointText};
use super::frame::Frame;
use super::session::SignedIn;
use super::state::WebState;
use crate::api::findings_csv;
use crate::language::Texts;
use crate::limits::{CSV_ROWS, PAGE_ROWS};
use crate::people::Permission;
use crate::query::{Cursor, FindingFilter, FindingQuery, RawFilter};
use crate::store::{FindingRow, SavedView, Tenant};

/// What the URL says.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct FindingsQuery {
    #[serde(flatten)]
    filter: RawFilter,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "findings.html")]
struct FindingsTemplate {
    frame: Frame,
    form: FilterForm,
    mistake: Option<String>,
    count: u64,
    lines: Vec<FindingLine>,
    views: Vec<SavedView>,
    /// This page as a link, to be saved.
    link: String,
    /// Link to the next page.
    older: Option<String>,
    /// Whether this is not the first page.
    is_later_page: bool,
    csv: String,
    may_ask_sql: bool,
}

/// The filter form, on this page and on the summary.
pub(super) struct FilterForm {
    pub(super) action: &'static str,
    pub(super) raw: RawFilter,
    pub(super) severities: Vec<Choice>,
    pub(super) sensors: Vec<String>,
    pub(super) tenants: Vec<Tenant>,
    pub(super) chips: Vec<Chip>,
    /// Whether one of the fields below the line is filled.
    pub(super) is_open: bool,
}

/// An entry of a select.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) selected: bool,
}

/// A filter in force, with the link that takes it away.
pub(super) struct Chip {
    pub(super) text: String,
    pub(super) without: String,
}

/// One row of the table.
pub(super) struct FindingLine {
    pub(super) id: String,
    pub(super) severity: &'static str,
    pub(super) last: String,
    pub(super) last_machine: String,
    pub(super) title: String,
    pub(super) rule: String,
    /// The fact that says most, if there is one.
    pub(super) fact: Option<(String, String)>,
    pub(super) source: EndpointText,
    pub(super) destination: EndpointText,
    pub(super) protocol: String,
    pub(super) sensor: String,
    pub(super) hits: String,
}

impl FilterForm {
    /// The form filled with a filter.
    pub(super) fn of(
        action: &'static str,
        filter: &RawFilter,
        sensors: Vec<String>,
        tenants: Vec<Tenant>,
        texts: &Texts,
    ) -> Self {
        let severity = filter.severity.clone().unwrap_or_default();
        let mut severities: Vec<Choice> = [
            ("", "filter-any"),
            ("high", "severity-high"),
            ("high,medium", "filter-medium-up"),
            ("high,medium,low", "filter-low-up"),
        ]
        .into_iter()
        .map(|(value, label)| Choice {
            value: value.to_owned(),
            label: texts.get(label),
            selected: value == severity,
        })
        .collect();
        if !severities.iter().any(|choice| choice.selected) {
            severities.push(Choice {
                value: severity.clone(),
                label: severity,
                selected: true,
            });
        }
        let chips = filter.pairs().map(|(key, value)| Chip {
            text: if key == "q" {
                value.to_owned()
            } else {
                format!("{key}: {value}")
            },
            without: link(action, &filter.with(key, "").to_query_string()),
        });
        Self {
            action,
            severities,
            sensors,
            tenants,
            chips: chips.collect(),
            is_open: filter.pairs().any(|(key, _)| key != "q"),
            raw: filter.clone(),
        }
    }

    /// What a field holds.
    pub(super) fn value(&self, key: &str) -> &str {
        self.raw
            .pairs()
            .find(|(known, _)| *known == key)
            .map_or("", |(_, value)| value)
    }
}

/// A path with a query part, if there is one.
pub(super) fn link(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

impl FindingLine {
    pub(super) fn of(row: &FindingRow) -> Self {
        let class = row.severity_class();
        let telling = ["tls.sni", "dns.query", "http.host", "http.uri"];
        let fact = match (fact_of(row, "http.host"), fact_of(row, "http.uri")) {
            (Some(host), Some(uri)) => Some(("http".to_owned(), format!("{host}{uri}"))),
            _ => telling
                .into_iter()
                .find_map(|name| {
                    fact_of(row, name).map(|value| (name.to_owned(), value.to_owned()))
                })
                .or_else(|| row.facts.first().cloned()),
        };
        let protocol = row
            .app_protocol
            .clone()
            .unwrap_or_else(|| crate::api::protocol_name(row.protocol).to_lowercase());
        Self {
            id: row.id.clone(),
            severity: class.as_str(),
            last: format::time(row.last),
            last_machine: row.last.to_string(),
            title: row.title(),
            rule: row.rule.to_string(),
            fact,
            source: EndpointText::of(row.source),
            destination: EndpointText::of(row.destination),
            protocol,
            sensor: row.sensor.clone(),
            hits: format::number(row.hits),
        }
    }
}

fn fact_of<'a>(row: &'a FindingRow, name: &str) -> Option<&'a str> {
    row.facts
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<FindingsQuery>,
) -> Result<Response, PageError> {
    let checked = query.filter.check(Timestamp::now());
    let (filter, mistake) = match checked {
        Ok(filter) => (Some(filter), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let after = parse_after(&query.after)?;
    let (scope, user_key) = (session.scope(), session.user_key);
    let (found, sensors, tenants, views) = state
        .query(move |store| {
            let found = match filter {
                Some(filter) => {
                    let query = FindingQuery::new(scope, filter);
                    let page = store.findings(&query, after, PAGE_ROWS)?;
                    Some((page, store.count_findings(&query)?))
                }
                None => None,
            };
            let sensors = store.sensors(scope)?;
            let names = sensors.into_iter().map(|sensor| sensor.name);
            Ok((
                found,
                names.collect::<Vec<_>>(),
                store.tenants(scope)?,
                store.saved_views(user_key)?,
            ))
        })
        .await?;
    let (page, count) = found.unzip();
    let lines = page
        .iter()
        .flat_map(|page| &page.findings)
        .map(FindingLine::of)
        .collect();
    let filter_query = query.filter.to_query_string();
    let older = page.and_then(|page| page.next).map(|cursor| {
        let separator = if filter_query.is_empty() { "" } else { "&" };
        link(
            "/findings",
            &format!("{filter_query}{separator}after={cursor}"),
        )
    });
    let frame = Frame::of(&state, &session, "findings");
    let texts = frame.texts();
    render(&FindingsTemplate {
        form: FilterForm::of("/findings", &query.filter, sensors, tenants, texts),
        frame,
        mistake,
        count: count.unwrap_or_default(),
        lines,
        older,
        is_later_page: after.is_some(),
        csv: link("/findings.csv", &filter_query),
        may_ask_sql: session.may(Permission::AskSql),
        link: link("/findings", &filter_query),
        views,
    })
}

/// The same findings as CSV.
pub(super) async fn csv(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<FindingsQuery>,
) -> Result<Response, PageError> {
    let filter: FindingFilter = query
        .filter
        .check(Timestamp::now())
        .map_err(|error| PageError::bad_request(error.to_string()))?;
    let query = FindingQuery::new(session.scope(), filter);
    let page = state
        .query(move |store| store.findings(&query, None, CSV_ROWS))
        .await?;
    csv_download(findings_csv(&page.findings), "lapwing-findings.csv")
}

fn parse_after(after: &str) -> Result<Option<Cursor>, PageError> {
    if after.is_empty() {
        return Ok(None);
    }
    after.parse().map(Some).map_err(PageError::bad_request)
}
