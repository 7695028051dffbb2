//! CSV (RFC 4180), safe to open in a spreadsheet.

use super::{AddressView, FindingView, SensorTotalsView, SummaryView};
use crate::store::{FindingRow, SqlAnswer};

/// Findings, one a line, with a header line.
///
/// # Errors
/// Never for memory; the type says so because the writer could write elsewhere.
pub fn findings_csv(rows: &[FindingRow]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "id",
        "last",
        "first",
        "hits",
        "severity",
        "gid",
        "sid",
        "rev",
        "message",
        "sensor",
        "source",
        "source_disclosure",
        "source_port",
        "destination",
        "destination_disclosure",
        "destination_port",
        "protocol",
        "app_protocol",
        "facts",
        "received",
    ])?;
    for row in rows {
        let view = FindingView::from(row);
        let facts: Vec<String> = view
            .facts
            .iter()
            .map(|fact| format!("{}={}", fact.name, fact.value))
            .collect();
        let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
        let address = |address: &AddressView| address.address.clone().unwrap_or_default();
        let cells = [
            view.id,
            view.last,
            view.first,
            view.hits.to_string(),
            view.severity.to_owned(),
            view.rule.gid.to_string(),
            view.rule.sid.to_string(),
            view.rule.rev.to_string(),
            view.rule.message.unwrap_or_default(),
            view.sensor,
            address(&view.source.address),
            view.source.address.disclosure.to_owned(),
            port(view.source.port),
            address(&view.destination.address),
            view.destination.address.disclosure.to_owned(),
            port(view.destination.port),
            view.protocol,
            view.app_protocol.unwrap_or_default(),
            facts.join("; "),
            view.received,
        ];
        writer.write_record(cells.map(harmless))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// The books, one sensor a line, with a header line.
///
/// # Errors
/// As [`findings_csv`].
pub fn summary_csv(summary: &SummaryView) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for totals in &summary.sensors {
        let totals = SensorTotalsView {
            sensor: harmless(totals.sensor.clone()),
            ..totals.clone()
        };
        writer.serialize(totals)?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// The answer to a question in SQL, with a header line; what is null is empty.
///
/// # Errors
/// As [`findings_csv`].
pub fn sql_csv(answer: &SqlAnswer) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&answer.columns)?;
    for row in &answer.rows {
        writer.write_record(
            row.iter()
                .map(|cell| harmless(cell.clone().unwrap_or_default())),
        )?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it: its text comes from attackers.
pub(crate) fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn formulas_stay_text() {
        assert_eq!(
            harmless("=HYPERLINK(\"x\")".to_owned()),
            "'=HYPERLINK(\"x\")"
        );
        assert_eq!(harmless("192.0.2.1".to_owned()), "192.0.2.1");
    }
}
