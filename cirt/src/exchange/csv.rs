//! Findings as CSV (RFC 4180): one a line, with the columns that abuse desks know from feeds.

use super::{Released, Shareable as _, SharedFinding};
use crate::api::harmless;

/// The columns.
pub const COLUMNS: [&str; 17] = [
    "timestamp",
    "first",
    "ip",
    "port",
    "dst_ip",
    "dst_port",
    "protocol",
    "application",
    "hits",
    "severity",
    "class",
    "type",
    "rule",
    "message",
    "sensor",
    "tlp",
    "id",
];

/// Findings with a header line. `ip` and `dst_ip` are empty where a provider keeps an address to itself.
///
/// # Errors
/// Never for memory; the type says so because the writer could write elsewhere.
pub fn findings(released: &Released<SharedFinding>) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for finding in released.items() {
        let row = finding.row();
        let text = |value: Option<String>| value.unwrap_or_default();
        let cells = [
            row.last.to_string(),
            row.first.to_string(),
            text(finding.source().map(|address| address.to_string())),
            text(row.source.port.map(|port| port.to_string())),
            text(finding.destination().map(|address| address.to_string())),
            text(row.destination.port.map(|port| port.to_string())),
            crate::api::protocol_name(row.protocol),
            text(row.app_protocol.clone()),
            row.hits.to_string(),
            row.severity_class().as_str().to_owned(),
            finding.classification().class.to_owned(),
            finding.classification().kind.to_owned(),
            row.rule.to_string(),
            row.title(),
            finding.sensor().to_owned(),
            finding.tlp().label().to_owned(),
            finding.name().to_string(),
        ];
        writer.write_record(cells.map(harmless))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}
