//! A table for people: one line for each rule between the same two addresses, the most severe first.

use std::{
    collections::HashMap,
    io::{self, Write},
    net::IpAddr,
};

use lapwing_rules::{model::RuleId, pack::Pack};

use super::{has_ends, protocol_name, times::short_time};
use crate::{detect::Alert, time::Timestamp};

/// Lines kept; alerts beyond them are counted only.
const LINES_MAX: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct LineKey {
    rule: RuleId,
    source: IpAddr,
    destination: IpAddr,
    destination_port: u16,
    protocol: u8,
}

#[derive(Clone, Debug)]
struct Line {
    severity: u8,
    first: Timestamp,
    last: Timestamp,
    count: u64,
    message: String,
    has_ends: bool,
}

/// Alerts gathered for the table.
#[derive(Debug, Default)]
pub(super) struct AlertTable {
    lines: HashMap<LineKey, Line>,
    left_out: u64,
}

impl AlertTable {
    pub(super) fn add(&mut self, alert: &Alert, pack: &Pack) {
        let key = LineKey {
            rule: alert.rule,
            source: alert.ends.source,
            destination: alert.ends.destination,
            destination_port: alert.ends.destination_port,
            protocol: alert.protocol,
        };
        if self.lines.len() >= LINES_MAX && !self.lines.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let line = self.lines.entry(key).or_insert_with(|| Line {
            severity: alert.severity.0,
            first: alert.time,
            last: alert.time,
            count: 0,
            message: pack
                .rule(alert.rule_index)
                .map_or_else(String::new, |rule| printable(rule.message())),
            has_ends: has_ends(alert),
        });
        line.count += 1;
        line.first = line.first.min(alert.time);
        line.last = line.last.max(alert.time);
    }

    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        if self.lines.is_empty() {
            return writeln!(output, "no alerts");
        }
        let mut lines: Vec<(&LineKey, &Line)> = self.lines.iter().collect();
        lines.sort_by_key(|(key, line)| {
            (
                line.severity,
                std::cmp::Reverse(line.count),
                line.first,
                key.rule,
                key.source,
                key.destination_port,
            )
        });
        writeln!(
            output,
            "{:>3}  {:>6}  {:<19}  {:<5}  {:<43}  {:>10}  RULE",
            "SEV", "COUNT", "FIRST SEEN (UTC)", "PROTO", "FROM → TO", "SID"
        )?;
        for (key, line) in &lines {
            let (between, protocol) = if line.has_ends {
                (ends(key), protocol_name(key.protocol).into_owned())
            } else {
                ("(no IP layer)".to_owned(), "-".to_owned())
            };
            writeln!(
                output,
                "{:>3}  {:>6}  {:<19}  {:<5}  {:<43}  {:>10}  {}",
                line.severity,
                line.count,
                short_time(line.first),
                protocol,
                between,
                key.rule.sid,
                line.message,
            )?;
        }
        let alerts: u64 = lines.iter().map(|(_, line)| line.count).sum();
        writeln!(output, "{alerts} alerts in {} lines", lines.len())?;
        if self.left_out > 0 {
            writeln!(
                output,
                "{} more alerts did not fit the table; use --output eve for all of them",
                self.left_out
            )?;
        }
        Ok(())
    }
}

fn ends(key: &LineKey) -> String {
    match (key.destination, key.destination_port) {
        (destination, 0) => format!("{} → {destination}", key.source),
        (IpAddr::V4(destination), port) => format!("{} → {destination}:{port}", key.source),
        (IpAddr::V6(destination), port) => format!("{} → [{destination}]:{port}", key.source),
    }
}

/// A rule's message without what could move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}
