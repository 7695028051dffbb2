//! All that `lapwing status` knows, as JSON and as one screen for a person.

use std::{fmt::Display, path::Path};

use jiff::Timestamp;
use lapwing_outbox::Status as OutboxStatus;
use serde::Serialize;

use super::link::Link;
use super::sensor_file::{PolicyStatus, SensorStatus};
use crate::{clock::wall_milliseconds, keyslot::AtRest};

/// Everything known of the sensor whose state folder this is.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Whether the sensor process runs.
    pub is_sensor_running: bool,
    /// What it last wrote about itself.
    pub sensor: Option<SensorStatus>,
    /// The outbox between sensor and uplink.
    pub outbox: Outbox,
    /// Who this sensor is to the centre, once it is enrolled.
    pub identity: Option<Identity>,
    /// The link to the centre and what it costs, once it was used.
    pub link: Option<Link>,
}

/// Who this sensor is to the centre.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// The sensor's number at the centre, in hex.
    pub sensor: String,
    /// Addresses of the centre.
    pub centres: Vec<String>,
    /// When the certificate ends, milliseconds since 1970.
    pub certificate_ends_milliseconds: u64,
}

/// The outbox: `produced = acknowledged + sealed + queued + evicted`, in records.
#[derive(Clone, Debug, Serialize)]
pub struct Outbox {
    /// Which life of the outbox this is, in hex; none when it was never opened.
    pub epoch: Option<String>,
    /// Records given a number.
    pub produced_records: u64,
    /// Records that the centre has.
    pub acknowledged_records: u64,
    /// Records sealed and on their way.
    pub sealed_records: u64,
    /// Records waiting to be sealed.
    pub queued_records: u64,
    /// Records among those waiting that wait for budget and not for the link.
    pub held_records: u64,
    /// Facts that findings left behind for want of budget.
    pub facts_held_back: u64,
    /// Findings that the policy kept back since the outbox was made.
    pub suppressed_findings: u64,
    /// Records dropped from a full or damaged disk.
    pub evicted_records: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Wall time of the oldest record waiting, milliseconds since 1970; 0 for none.
    pub oldest_queued_milliseconds: u64,
    /// Wall time of the last acknowledgement, milliseconds since 1970; 0 for never.
    pub last_ack_milliseconds: u64,
}

impl Outbox {
    /// Looks at the outbox in a folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn read(folder: &Path) -> Result<Self, lapwing_outbox::OutboxError> {
        let OutboxStatus {
            epoch,
            produced_records,
            queued_records,
            queued_bytes,
            oldest_queued_milliseconds,
            sealed_records,
            sealed_bytes,
            acknowledged_records,
            last_ack_milliseconds,
            evicted_records,
            held_records,
            account,
            ..
        } = lapwing_outbox::status(folder)?;
        Ok(Self {
            epoch: epoch.map(|epoch| epoch.to_string()),
            produced_records,
            acknowledged_records,
            sealed_records,
            queued_records,
            held_records,
            facts_held_back: account.facts_held_back,
            suppressed_findings: account.suppressed_findings,
            evicted_records,
            bytes: queued_bytes.saturating_add(sealed_bytes),
            oldest_queued_milliseconds,
            last_ack_milliseconds,
        })
    }
}

/// The overview as lines that fit one screen.
#[must_use]
pub fn render(overview: &Overview) -> String {
    let mut screen = Screen::default();
    match &overview.sensor {
        None => screen.line("sensor", "has never run with this state folder"),
        Some(sensor) => sensor_lines(&mut screen, sensor, overview.is_sensor_running),
    }
    let outbox = &overview.outbox;
    let Outbox {
        produced_records,
        acknowledged_records,
        sealed_records,
        queued_records,
        evicted_records,
        bytes,
        ..
    } = outbox;
    screen.line(
        "records",
        format_args!(
            "{produced_records} produced = {acknowledged_records} acknowledged + {sealed_records} under way + \
             {queued_records} waiting + {evicted_records} evicted"
        ),
    );
    let oldest = match outbox.oldest_queued_milliseconds {
        0 => "nothing waits".to_owned(),
        oldest => format!("oldest waits since {}", ago(oldest)),
    };
    screen.line("queue", format_args!("{bytes} bytes on disk, {oldest}"));
    let at_rest = overview.sensor.as_ref().map(|sensor| sensor.at_rest.text());
    screen.line("at rest", at_rest.unwrap_or_else(|| AtRest::Unknown.text()));
    if let Some(link) = &overview.link {
        for (name, value) in link.lines(outbox) {
            screen.line(name, value);
        }
    }
    screen.line("last ack", ago(outbox.last_ack_milliseconds));
    match &overview.identity {
        None => screen.line(
            "identity",
            "NOT ENROLLED: run lapwing enroll with a voucher from the centre",
        ),
        Some(identity) => {
            screen.line(
                "identity",
                format_args!(
                    "sensor {} of {}",
                    identity.sensor,
                    identity.centres.join(", ")
                ),
            );
            screen.line(
                "certificate",
                format_args!(
                    "until {}",
                    told_time(identity.certificate_ends_milliseconds)
                ),
            );
        }
    }
    screen.0
}

fn sensor_lines(screen: &mut Screen, sensor: &SensorStatus, is_running: bool) {
    if is_running {
        let since = ago(sensor.started_milliseconds);
        screen.line(
            "sensor",
            format_args!("{} on {}, started {since}", sensor.state, sensor.source),
        );
    } else {
        screen.line(
            "sensor",
            format_args!(
                "NOT RUNNING; last seen {}",
                ago(sensor.written_milliseconds)
            ),
        );
    }
    screen.line("gave up", sensor.confinement.text());
    match &sensor.policy {
        PolicyStatus::InForce {
            serial,
            site,
            digest,
        } => screen.line(
            "policy",
            format_args!(
                "serial {serial} for {site} ({})",
                digest.chars().take(12).collect::<String>()
            ),
        ),
        PolicyStatus::None { reason } => {
            screen.line(
                "policy",
                format_args!("NONE, only heartbeats leave: {reason}"),
            );
        }
    }
    let rules = &sensor.rules;
    screen.line(
        "rules",
        format_args!(
            "{} run, {} unsupported, pack {}",
            rules.loaded,
            rules.unsupported,
            rules.pack.chars().take(12).collect::<String>()
        ),
    );
    if !rules.refused_by_policy.is_empty() {
        let counts = rules.refused_by_policy.iter();
        let counts = counts.map(|(reason, count)| format!("{count} {reason}"));
        screen.line("  by policy", counts.collect::<Vec<_>>().join(", "));
    }
    if let Some(reason) = &rules.refused {
        screen.line(
            "  refused",
            format_args!("newer rules do not run: {reason}"),
        );
    }
    screen.line(
        "packets",
        format_args!(
            "{} ({} bytes), {} dropped",
            sensor.packets, sensor.bytes, sensor.dropped_packets
        ),
    );
    if sensor.bytes_not_inspected > 0 {
        // In hundredths of a percent, rounded up: what is little must not look like nothing.
        let share = u128::from(sensor.bytes_not_inspected) * 10_000;
        let share = share.div_ceil(u128::from(sensor.bytes.max(1)));
        screen.line(
            "  not inspected",
            format_args!(
                "{} bytes of large flows, {}.{:02} % of all: the machine was too slow for a while",
                sensor.bytes_not_inspected,
                share / 100,
                share % 100
            ),
        );
    }
    if sensor.workers.len() > 1 {
        for (number, worker) in sensor.workers.iter().enumerate() {
            screen.line(
                &format!("  worker {number}"),
                format_args!(
                    "{} ({} bytes), {} dropped",
                    worker.packets, worker.bytes, worker.ring_drops
                ),
            );
        }
    }
    screen.line(
        "findings",
        format_args!(
            "{} of {} alerts: {} told, {} kept here by policy",
            sensor.findings, sensor.alerts, sensor.findings_appended, sensor.findings_suppressed
        ),
    );
    if sensor.records_lost > 0 {
        screen.line(
            "LOST",
            format_args!("{} records could not be written", sensor.records_lost),
        );
    }
}

/// Lines with their names in one column.
#[derive(Default)]
struct Screen(String);

impl Screen {
    fn line(&mut self, name: &str, value: impl Display) {
        self.0.push_str(&format!("{name:<16} {value}\n"));
    }
}

/// A wall time and how long ago it was.
pub(super) fn ago(milliseconds: u64) -> String {
    if milliseconds == 0 {
        return "never".to_owned();
    }
    let time = told_time(milliseconds);
    match wall_milliseconds().checked_sub(milliseconds) {
        Some(past) => format!("{time} ({} s ago)", past / 1000),
        None => format!("{time} (in the future: the clock was set)"),
    }
}

/// A wall time for people.
fn told_time(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds)
        .ok()
        .and_then(|time| Timestamp::from_millisecond(time).ok());
    time.map_or_else(|| "?".to_owned(), |time| format!("{time:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_technician_must_see_is_on_the_screen() {
        let sensor = SensorStatus {
            state: "running".to_owned(),
            source: "eth1".to_owned(),
            records_lost: 3,
            ..SensorStatus::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let mut overview = Overview {
            is_sensor_running: true,
            sensor: Some(sensor),
            outbox: Outbox::read(folder.path()).unwrap(),
            identity: None,
            link: None,
        };
        let screen = render(&overview);
        for expected in [
            "running on eth1",
            "NONE, only heartbeats leave",
            "LOST",
            "0 produced = 0 acknowledged",
            "NOT ENROLLED",
            "never",
        ] {
            assert!(screen.contains(expected), "{expected}: {screen}");
        }
        assert!(screen.lines().count() <= 24);
        overview.is_sensor_running = false;
        assert!(render(&overview).contains("NOT RUNNING"));
    }
}
