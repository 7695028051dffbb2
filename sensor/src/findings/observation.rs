//! What the engine has seen and lost so far, as the summary tells it.

use std::collections::BTreeMap;

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
    /// Flows begun.
    pub flows: u64,
    /// Losses and oddities by name.
    pub counters: BTreeMap<String, u64>,
}

impl Observation {
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
            flows: self.flows.saturating_sub(earlier.flows),
            counters: counters.collect(),
        }
    }
}
