//! Counts that partners may compare, without anybody's systems in them.
//!
//! One row a day and class: how many systems of the country, findings and alerts. What the gate counts is systems: a row over fewer than
//! the agreement says is kept back, because it could speak of one. Findings that are RED or AMBER+STRICT are in no row. The label of
//! rows is one of the settings, since a count may travel further than what it counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Country, Kind, Producer, Released, Shareable, SharedFinding, Tlp};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistic {
    /// How the register names it.
    subject: String,
    pub day: Date,
    /// RSIT class and type.
    pub class: &'static str,
    pub kind: &'static str,
    /// Ends in our country, each once.
    pub systems: u64,
    pub findings: u64,
    pub alerts: u64,
    tlp: Tlp,
    countries: Vec<Country>,
}

impl Shareable for Statistic {
    fn subject(&self) -> &str {
        &self.subject
    }

    fn tlp(&self) -> Tlp {
        self.tlp
    }

    fn kind(&self) -> Kind {
        Kind::Statistic
    }

    fn countries(&self) -> &[Country] {
        &self.countries
    }

    fn counted(&self) -> Option<u64> {
        Some(self.systems)
    }
}

#[derive(Default)]
struct Sum {
    systems: BTreeSet<String>,
    findings: u64,
    alerts: u64,
}

/// Counts findings.
#[must_use]
pub fn count(producer: &Producer, findings: &[SharedFinding]) -> Vec<Statistic> {
    let mut sums = BTreeMap::<(Date, &str, &str), Sum>::new();
    for finding in findings
        .iter()
        .filter(|finding| finding.tlp() < Tlp::AmberStrict)
    {
        let (row, class) = (finding.row(), finding.classification());
        let day = row.last.to_zoned(TimeZone::UTC).date();
        let sum = sums.entry((day, class.class, class.kind)).or_default();
        sum.findings += 1;
        sum.alerts = sum.alerts.saturating_add(row.hits);
        if let Some(system) = finding.own_system() {
            sum.systems.insert(system);
        }
    }
    sums.into_iter()
        .map(|((day, class, kind), sum)| Statistic {
            subject: format!("{day} {class} {kind}"),
            day,
            class,
            kind,
            systems: sum.systems.len() as u64,
            findings: sum.findings,
            alerts: sum.alerts,
            tlp: producer.settings.statistics_tlp,
            countries: vec![producer.settings.country],
        })
        .collect()
}

/// The columns.
pub const COLUMNS: [&str; 8] = [
    "day", "country", "class", "type", "systems", "findings", "alerts", "tlp",
];

/// Rows as CSV, with a header line.
///
/// # Errors
/// Never for memory; the type says so because the writer could write elsewhere.
pub fn csv(producer: &Producer, released: &Released<Statistic>) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in released.items() {
        writer.write_record([
            row.day.to_string(),
            producer.settings.country.to_string(),
            row.class.to_owned(),
            row.kind.to_owned(),
            row.systems.to_string(),
            row.findings.to_string(),
            row.alerts.to_string(),
            row.tlp.label().to_owned(),
        ])?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}
