//! A report as text: its header, its rows, and what is wrong with them.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ReportKind;
use crate::exchange::limits::{REPORT_CELL_BYTES, REPORT_COLUMNS, REPORT_ROWS};

/// One row, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub time: Timestamp,
    /// Whose system it is about.
    pub source: IpAddr,
    pub source_port: Option<u16>,
    pub destination: Option<IpAddr>,
    pub destination_port: Option<u16>,
    /// Number of the protocol over IP.
    pub protocol: u8,
    /// 1 is gravest.
    pub severity: u32,
    pub count: u64,
    /// The malware, or what else tells rows of one kind apart.
    pub family: String,
    pub host: Option<String>,
    pub target: Option<String>,
    pub query: Option<String>,
}

/// A report.
#[derive(Debug)]
pub struct Report {
    pub kind: &'static ReportKind,
    pub rows: Vec<Row>,
    /// Line and what is wrong with it; such a line is skipped.
    pub problems: Vec<(u64, String)>,
}

/// Reads a report.
///
/// # Errors
/// When it is of no kind that is known, in one line.
pub fn read(file_name: &str, bytes: &[u8]) -> Result<Report, String> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let header: Vec<String> = reader
        .byte_headers()
        .map_err(|error| format!("the header line cannot be read: {error}"))?
        .iter()
        .take(REPORT_COLUMNS)
        .map(|cell| String::from_utf8_lossy(cell).to_ascii_lowercase())
        .collect();
    let kind = ReportKind::of(file_name, &header).ok_or_else(|| {
        let known: Vec<&str> = ReportKind::names().collect();
        format!(
            "neither its name nor its columns are those of a report that is known: {}",
            known.join(", ")
        )
    })?;
    let mut report = Report {
        kind,
        rows: Vec::new(),
        problems: Vec::new(),
    };
    for (number, record) in reader.byte_records().enumerate() {
        let line = number as u64 + 2;
        if number >= REPORT_ROWS {
            let problem = format!("a report has at most {REPORT_ROWS} rows; the rest is not read");
            report.problems.push((line, problem));
            break;
        }
        let row = record
            .map_err(|error| error.to_string())
            .and_then(|record| {
                row(
                    kind,
                    &Cells {
                        header: &header,
                        record: &record,
                    },
                )
            });
        match row {
            Ok(row) => report.rows.push(row),
            Err(problem) => report.problems.push((line, problem)),
        }
    }
    Ok(report)
}

/// The cells of a row, by the name of their column.
struct Cells<'a> {
    header: &'a [String],
    record: &'a csv::ByteRecord,
}

impl Cells<'_> {
    /// The first of these columns that holds something.
    fn get(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            let place = self.header.iter().position(|known| known == name)?;
            let cell = self.record.get(place)?;
            let text: String = String::from_utf8_lossy(cell)
                .chars()
                .map(|letter| if letter.is_control() { ' ' } else { letter })
                .take(REPORT_CELL_BYTES)
                .collect();
            (!text.is_empty()).then_some(text)
        })
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        names: &[&str],
        what: &str,
    ) -> Result<Option<T>, String> {
        self.get(names)
            .map(|text| text.parse().map_err(|_| format!("{text:?} is no {what}")))
            .transpose()
    }
}

fn row(kind: &ReportKind, cells: &Cells<'_>) -> Result<Row, String> {
    let text = cells.get(&["timestamp"]).ok_or("it has no timestamp")?;
    // Times of reports are UTC and say no zone.
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| {
            Some(
                text.parse::<DateTime>()
                    .ok()?
                    .to_zoned(TimeZone::UTC)
                    .ok()?
                    .timestamp(),
            )
        })
        .filter(|time| *time >= Timestamp::UNIX_EPOCH)
        .ok_or_else(|| format!("{text:?} is no time"))?;
    let source = cells
        .parsed(&["src_ip", "ip"], "address")?
        .ok_or("it names no address")?;
    let severity = match cells.get(&["severity"]).as_deref() {
        Some("critical" | "high") => 1,
        Some("medium") => 2,
        Some("low") => 3,
        Some("info") => 4,
        _ => kind.severity,
    };
    Ok(Row {
        time,
        source,
        source_port: cells.parsed(&["src_port", "port"], "port")?,
        destination: cells.parsed(&["dst_ip"], "address")?,
        destination_port: cells.parsed(&["dst_port"], "port")?,
        protocol: match cells.get(&["protocol"]).as_deref() {
            Some("udp") => 17,
            Some("icmp") => 1,
            _ => 6,
        },
        severity,
        count: cells.parsed(&["count"], "number")?.unwrap_or(1).max(1),
        family: cells
            .get(&["infection", "family", "tag", "reason"])
            .unwrap_or_default(),
        host: cells.get(&["http_host"]),
        target: cells.get(&["http_url", "url"]),
        query: cells.get(&["query"]),
    })
}
