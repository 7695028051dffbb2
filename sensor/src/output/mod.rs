//! Alerts on a person's screen or in a file: Suricata's EVE JSON, JSON of our own, or a table for people.

mod community_id;
mod eve;
mod json;
mod protocol_name;
mod records;
mod table;
mod times;

use std::io::{self, Write};

use lapwing_rules::pack::Pack;

pub use community_id::community_id;
pub use protocol_name::protocol_name;
pub use records::{record_json, record_table};

use crate::detect::Alert;

/// How alerts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AlertFormat {
    /// One line for each rule between the same two addresses, with counts, when all is read.
    #[default]
    Table,
    /// One array of objects with every name spelled out.
    Json,
    /// EVE JSON as Suricata writes it: one line an alert, at once.
    Eve,
}

/// Writes alerts in one format.
#[derive(Debug)]
pub struct AlertWriter<W: Write> {
    output: W,
    format: AlertFormat,
    table: table::AlertTable,
    written: u64,
}

impl<W: Write> AlertWriter<W> {
    /// A writer that has written nothing yet.
    pub fn new(output: W, format: AlertFormat) -> Self {
        Self {
            output,
            format,
            table: table::AlertTable::default(),
            written: 0,
        }
    }

    /// Takes one alert. `capture` is the capture's path as the user gave it, if it came from a file.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write(&mut self, alert: &Alert, pack: &Pack, capture: Option<&str>) -> io::Result<()> {
        match self.format {
            AlertFormat::Table => self.table.add(alert, pack),
            AlertFormat::Json => {
                let start = if self.written == 0 { "[\n" } else { ",\n" };
                self.output.write_all(start.as_bytes())?;
                serde_json::to_writer(&mut self.output, &json::alert(alert, pack, capture))?;
            }
            AlertFormat::Eve => {
                serde_json::to_writer(&mut self.output, &eve::alert(alert, pack, capture))?;
                self.output.write_all(b"\n")?;
            }
        }
        self.written += 1;
        Ok(())
    }

    /// Writes what is left and gives the output back. Nothing was lost when this returns without error.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        match self.format {
            AlertFormat::Table => self.table.write(&mut self.output)?,
            AlertFormat::Json if self.written == 0 => self.output.write_all(b"[]\n")?,
            AlertFormat::Json => self.output.write_all(b"\n]\n")?,
            AlertFormat::Eve => {}
        }
        self.output.flush()?;
        Ok(self.output)
    }

    /// Alerts taken so far.
    pub fn written(&self) -> u64 {
        self.written
    }
}

/// Whether an alert is about a packet with an IP layer, so that its ends mean something.
fn has_ends(alert: &Alert) -> bool {
    !(alert.ends.source.is_unspecified() && alert.ends.destination.is_unspecified())
}

#[cfg(test)]
mod tests;
