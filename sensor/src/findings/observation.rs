//! What the engine has seen and lost so far, as the summary tells it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{capture::CaptureDrops, counters::EngineCounters, detect::DetectorCounters};

/// Counters that fall as well as grow, that stand in a field of their own, or that only say how much work was done.
const NOT_TOLD: [&str; 14] = [
    "shed_bytes",
    "flow_active",
    "flow_created",
    "flow_answered",
    "decode_frames",
    "decode_bytes",
    "alerts",
    "detect_packets",
    "detect_prefiltered_bytes",
    "detect_candidates",
    "detect_inspections",
    "detect_matches",
    "detect_alerts",
    "detect_regex_builds",
];

/// Totals since the process started. They only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Packets given to the sensor.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets decoded down to a transport that rules can see.
    pub decoded_packets: u64,
    /// Packets the kernel dropped because the sensor was late.
    pub kernel_drops: u64,
    /// Packets the interface dropped.
    pub interface_drops: u64,
    /// Bytes that were not inspected because a worker was behind.
    pub bytes_not_inspected: u64,
    /// Flows begun.
    pub flows: u64,
    /// Flows of which both ends were heard.
    pub answered_flows: u64,
    /// Losses and oddities by name.
    pub counters: BTreeMap<String, u64>,
}

impl Observation {
    /// The totals of engine, detection and capture.
    #[must_use]
    pub fn of_engine(
        engine: &EngineCounters,
        detector: &DetectorCounters,
        drops: CaptureDrops,
    ) -> Self {
        let mut counters = BTreeMap::new();
        flatten("", &as_value(engine), &mut counters);
        flatten("detect", &as_value(detector), &mut counters);
        counters.retain(|name, total| *total > 0 && !NOT_TOLD.contains(&name.as_str()));
        let decode = &engine.decode;
        let with_transport = [
            decode.tcp,
            decode.udp,
            decode.sctp,
            decode.icmpv4,
            decode.icmpv6,
        ];
        Self {
            packets: decode.frames,
            bytes: decode.bytes,
            decoded_packets: with_transport.into_iter().sum(),
            kernel_drops: drops.buffer_full,
            interface_drops: drops.interface,
            bytes_not_inspected: engine.shed.bytes,
            flows: engine.flow.created,
            answered_flows: engine.flow.answered,
            counters,
        }
    }

    /// The totals of several workers together.
    #[must_use]
    pub fn sum(workers: &[Self]) -> Self {
        let mut sum = Self::default();
        for one in workers {
            sum.packets = sum.packets.saturating_add(one.packets);
            sum.bytes = sum.bytes.saturating_add(one.bytes);
            sum.decoded_packets = sum.decoded_packets.saturating_add(one.decoded_packets);
            sum.kernel_drops = sum.kernel_drops.saturating_add(one.kernel_drops);
            sum.interface_drops = sum.interface_drops.saturating_add(one.interface_drops);
            sum.bytes_not_inspected = sum
                .bytes_not_inspected
                .saturating_add(one.bytes_not_inspected);
            sum.flows = sum.flows.saturating_add(one.flows);
            sum.answered_flows = sum.answered_flows.saturating_add(one.answered_flows);
            for (name, total) in &one.counters {
                let counter = sum.counters.entry(name.clone()).or_default();
                *counter = counter.saturating_add(*total);
            }
        }
        sum
    }

    /// What came on top of `earlier`; names that did not grow are left out.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counters = self.counters.iter().filter_map(|(name, total)| {
            let before = earlier.counters.get(name).copied().unwrap_or(0);
            let grown = total.saturating_sub(before);
            (grown > 0).then(|| (name.clone(), grown))
        });
        Self {
            packets: self.packets.saturating_sub(earlier.packets),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            decoded_packets: self.decoded_packets.saturating_sub(earlier.decoded_packets),
            kernel_drops: self.kernel_drops.saturating_sub(earlier.kernel_drops),
            interface_drops: self.interface_drops.saturating_sub(earlier.interface_drops),
            bytes_not_inspected: self
                .bytes_not_inspected
                .saturating_sub(earlier.bytes_not_inspected),
            flows: self.flows.saturating_sub(earlier.flows),
            answered_flows: self.answered_flows.saturating_sub(earlier.answered_flows),
            counters: counters.collect(),
        }
    }
}

/// Counters as JSON; what is no tree of numbers has no counters.
fn as_value(counters: &impl Serialize) -> Value {
    serde_json::to_value(counters).unwrap_or(Value::Null)
}

/// Nested counters by one name each: `flow` and `evicted_new` give `flow_evicted_new`.
fn flatten(name: &str, value: &Value, counters: &mut BTreeMap<String, u64>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let separator = if name.is_empty() { "" } else { "_" };
                flatten(&format!("{name}{separator}{field}"), value, counters);
            }
        }
        other => {
            if let Some(total) = other.as_u64() {
                counters.insert(name.to_owned(), total);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_counters_get_one_name_each() {
        let mut engine = EngineCounters::default();
        engine.decode.frames = 9;
        engine.decode.tcp = 4;
        engine.flow.active = 2;
        engine.flow.evicted_new = 3;
        engine.decode.event("ipv4.pkt_too_small");
        let drops = CaptureDrops {
            buffer_full: 5,
            ..CaptureDrops::default()
        };
        let detector = DetectorCounters {
            packets: 9,
            host_bits_over_cap: 1,
            ..DetectorCounters::default()
        };
        let observed = Observation::of_engine(&engine, &detector, drops);
        assert_eq!(
            (
                observed.packets,
                observed.decoded_packets,
                observed.kernel_drops
            ),
            (9, 4, 5)
        );
        let names = observed
            .counters
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>();
        let expected = [
            "decode_events_ipv4.pkt_too_small",
            "decode_tcp",
            "detect_host_bits_over_cap",
            "flow_evicted_new",
        ];
        assert_eq!(names, expected);
    }
}
