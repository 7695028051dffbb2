//! The status as OpenMetrics text, for the ISP's own monitoring. Totals only: no address, no name, no rule.

use std::fmt::Write as _;

use super::screen::Overview;

/// One metric: its name, whether it only grows, what it says, and its value.
type Metric = (&'static str, bool, &'static str, u64);

/// The overview as OpenMetrics text.
#[must_use]
pub fn open_metrics(overview: &Overview) -> String {
    let outbox = &overview.outbox;
    let mut metrics: Vec<Metric> = vec![
        (
            "lapwing_sensor_running",
            false,
            "Whether the sensor process runs",
            u64::from(overview.is_sensor_running),
        ),
        (
            "lapwing_records_produced",
            true,
            "Records given a number",
            outbox.produced_records,
        ),
        (
            "lapwing_records_acknowledged",
            true,
            "Records that the centre has",
            outbox.acknowledged_records,
        ),
        (
            "lapwing_records_evicted",
            true,
            "Records dropped from a full or damaged disk",
            outbox.evicted_records,
        ),
        (
            "lapwing_records_sealed",
            false,
            "Records on their way",
            outbox.sealed_records,
        ),
        (
            "lapwing_records_queued",
            false,
            "Records waiting to be sealed",
            outbox.queued_records,
        ),
        (
            "lapwing_records_held",
            false,
            "Records waiting for budget",
            outbox.held_records,
        ),
        (
            "lapwing_findings_suppressed",
            true,
            "Findings that the policy kept back",
            outbox.suppressed_findings,
        ),
        (
            "lapwing_facts_held_back",
            true,
            "Facts left behind for want of budget",
            outbox.facts_held_back,
        ),
        (
            "lapwing_outbox_bytes",
            false,
            "Bytes of the outbox on disk",
            outbox.bytes,
        ),
        (
            "lapwing_last_ack_seconds",
            false,
            "Time of the last acknowledgement, since 1970",
            outbox.last_ack_milliseconds / 1000,
        ),
    ];
    if let Some(sensor) = &overview.sensor {
        metrics.extend([
            ("lapwing_packets", true, "Packets seen", sensor.packets),
            (
                "lapwing_packet_bytes",
                true,
                "Bytes of packets seen",
                sensor.bytes,
            ),
            (
                "lapwing_packets_dropped",
                true,
                "Packets that kernel or interface dropped",
                sensor.dropped_packets,
            ),
            ("lapwing_alerts", true, "Alerts raised", sensor.alerts),
            ("lapwing_findings", true, "Findings made", sensor.findings),
            (
                "lapwing_records_lost",
                true,
                "Records that could not be written",
                sensor.records_lost,
            ),
            (
                "lapwing_rules_loaded",
                false,
                "Rules that run",
                sensor.rules.loaded,
            ),
        ]);
    }
    if let Some(link) = &overview.link {
        metrics.extend([
            (
                "lapwing_link_connected_seconds",
                false,
                "When the centre was last reached, since 1970",
                link.connected_milliseconds / 1000,
            ),
            (
                "lapwing_link_failed_seconds",
                false,
                "When the centre was last not reached, since 1970",
                link.failed_milliseconds / 1000,
            ),
            (
                "lapwing_link_day_bytes",
                false,
                "Bytes of this day on the bill",
                link.budget.day_bytes,
            ),
            (
                "lapwing_link_month_bytes",
                false,
                "Bytes of this month on the bill",
                link.budget.month_bytes,
            ),
        ]);
    }
    if let Some(identity) = &overview.identity {
        metrics.push((
            "lapwing_certificate_ends_seconds",
            false,
            "When the certificate ends, since 1970",
            identity.certificate_ends_milliseconds / 1000,
        ));
    }
    let mut text = String::new();
    for (name, only_grows, says, value) in metrics {
        let (kind, ending) = if only_grows {
            ("counter", "_total")
        } else {
            ("gauge", "")
        };
        // Writing into a string cannot fail.
        let _written = writeln!(
            text,
            "# TYPE {name} {kind}\n# HELP {name} {says}.\n{name}{ending} {value}"
        );
    }
    text.push_str("# EOF\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Outbox, SensorStatus};

    #[test]
    fn every_metric_has_its_type_and_the_text_ends() {
        let folder = tempfile::tempdir().unwrap();
        let overview = Overview {
            is_sensor_running: true,
            sensor: Some(SensorStatus {
                packets: 42,
                ..SensorStatus::default()
            }),
            outbox: Outbox::read(folder.path()).unwrap(),
            identity: None,
            link: None,
        };
        let text = open_metrics(&overview);
        assert!(text.contains("# TYPE lapwing_packets counter\n"));
        assert!(text.contains("\nlapwing_packets_total 42\n"));
        assert!(text.contains("\nlapwing_sensor_running 1\n"));
        assert!(text.ends_with("# EOF\n"));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.split_once(' ').unwrap();
            assert!(
                name.starts_with("lapwing_") && value.parse::<u64>().is_ok(),
                "{line}"
            );
        }
    }
}
