//! Is the mirror real? From what the sensor counted since it started.

use super::{Item, Topic};
use crate::status::SensorStatus;

/// Packets and connections below which shares say nothing.
const PACKETS_MIN: u64 = 100;
const FLOWS_MIN: u64 = 20;
/// Share of connections with both directions below which the mirror shows one side only, in percent. Scans and refused
/// questions have one direction too.
const ANSWERED_MIN_PERCENT: u64 = 20;
/// Share of packets that can be read, in percent.
const DECODED_MIN_PERCENT: u64 = 80;
/// Packets cut short, and packets lost, of ten thousand.
const TRUNCATED_MAX_OF_TEN_THOUSAND: u64 = 100;
const DROPPED_MAX_OF_TEN_THOUSAND: u64 = 10;

pub(super) fn items(sensor: &SensorStatus) -> Vec<Item> {
    let packets = sensor.packets;
    let mut items = vec![Item::new(
        Topic::Traffic,
        packets > 0,
        format!("{packets} packets, {} bytes", sensor.bytes),
    )];
    if packets == 0 {
        return items;
    }
    items.push(directions(sensor));
    if packets < PACKETS_MIN {
        let seen = format!("{packets} packets");
        let topics = [Topic::Decoded, Topic::Truncated, Topic::Drops];
        items.extend(topics.map(|topic| Item::unknown(topic, seen.clone())));
        return items;
    }
    let of = |part: u64, whole: u64, scale: u64| part.saturating_mul(scale) / whole.max(1);
    let tunnelled = sensor
        .counters
        .get("decode_tunnelled")
        .copied()
        .unwrap_or(0);
    let decoded = of(sensor.decoded_packets, packets, 100);
    items.push(Item::new(
        Topic::Decoded,
        decoded >= DECODED_MIN_PERCENT,
        format!("{} %, {tunnelled} in tunnels", decoded.min(100)),
    ));
    let truncated: u64 = sensor
        .counters
        .iter()
        .filter(|(name, _)| name.starts_with("decode_") && name.contains("trunc"))
        .map(|(_, total)| total)
        .sum();
    items.push(Item::new(
        Topic::Truncated,
        of(truncated, packets, 10_000) <= TRUNCATED_MAX_OF_TEN_THOUSAND,
        format!("{truncated} packets"),
    ));
    let dropped = sensor.dropped_packets;
    items.push(Item::new(
        Topic::Drops,
        of(dropped, packets.saturating_add(dropped), 10_000) <= DROPPED_MAX_OF_TEN_THOUSAND,
        format!("{dropped} packets"),
    ));
    items
}

fn directions(sensor: &SensorStatus) -> Item {
    let SensorStatus {
        flows,
        answered_flows,
        ..
    } = sensor;
    let seen = format!("{answered_flows} / {flows}");
    if *flows < FLOWS_MIN {
        return Item::unknown(Topic::Directions, seen);
    }
    let share = answered_flows.saturating_mul(100) / flows;
    Item::new(Topic::Directions, share >= ANSWERED_MIN_PERCENT, seen)
}
