//! PASS or FAIL for a technician who wants to leave: is the machine well, is the centre reached, and is the mirror real.
//!
//! Each [`Item`] is one question with its verdict, what was seen, and the next thing to do. What is judged is given as plain
//! values, so that a test can say any state; [`Machine::look`] reads those of this machine.

mod machine;
mod mirror;
mod words;

use std::fmt::Write;

pub use machine::Machine;
pub use words::Language;

use crate::status::{Overview, PolicyStatus};

/// An acknowledgement older than this does not show that the centre is reached, in milliseconds.
const ACKNOWLEDGED_WITHIN_MILLISECONDS: u64 = 15 * 60 * 1000;
/// Free bytes below which the queue has no room.
const FREE_MIN_BYTES: u64 = 8 << 20;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Enough current.
    Power,
    /// Room and writable.
    Card,
    /// Cables in the capture ports.
    Link,
    /// A clock that was set.
    Time,
    /// Enrolled, and acknowledged lately.
    Centre,
    /// What may leave.
    Policy,
    /// The sensor process.
    Sensor,
    /// Anything comes.
    Traffic,
    /// Both directions of connections come.
    Directions,
    /// What comes can be read.
    Decoded,
    /// Whole packets come.
    Truncated,
    /// None is lost.
    Drops,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Pass,
    /// Not well.
    Fail,
    /// Not enough seen to say.
    Unknown,
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What was asked.
    pub topic: Topic,
    /// The answer.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
}

impl Item {
    fn new(topic: Topic, is_well: bool, seen: impl Into<String>) -> Self {
        Self {
            topic,
            verdict: if is_well {
                Verdict::Pass
            } else {
                Verdict::Fail
            },
            seen: seen.into(),
        }
    }

    fn unknown(topic: Topic, seen: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            ..Self::new(topic, true, seen)
        }
    }
}

/// Asks everything. `ports` are the capture ports of the settings.
#[must_use]
pub fn check(overview: &Overview, machine: &Machine, now_milliseconds: u64) -> Vec<Item> {
    let mut items = machine.items();
    items.push(centre(overview, now_milliseconds));
    let running = overview
        .sensor
        .as_ref()
        .filter(|_| overview.is_sensor_running);
    let Some(sensor) = running else {
        items.push(Item::new(Topic::Sensor, false, "-"));
        return items;
    };
    items.push(Item::new(
        Topic::Sensor,
        true,
        format!("{} ({})", sensor.source, sensor.software_version),
    ));
    items.push(match &sensor.policy {
        PolicyStatus::InForce { serial, site, .. } => {
            Item::new(Topic::Policy, true, format!("{site}, {serial}"))
        }
        PolicyStatus::None { reason } => Item::new(Topic::Policy, false, reason.clone()),
    });
    items.extend(mirror::items(sensor));
    items
}

fn centre(overview: &Overview, now_milliseconds: u64) -> Item {
    let Some(identity) = &overview.identity else {
        return Item::new(Topic::Centre, false, "-");
    };
    let last = overview.outbox.last_ack_milliseconds;
    let age = now_milliseconds.saturating_sub(last);
    let seen = if last == 0 {
        identity.centres.join(", ")
    } else {
        format!("{}: {} s", identity.centres.join(", "), age / 1000)
    };
    Item::new(
        Topic::Centre,
        last > 0 && age < ACKNOWLEDGED_WITHIN_MILLISECONDS,
        seen,
    )
}

/// PASS when nothing failed and the mirror was seen at all.
#[must_use]
pub fn overall(items: &[Item]) -> Verdict {
    let has = |verdict| items.iter().any(|item| item.verdict == verdict);
    if has(Verdict::Fail) {
        Verdict::Fail
    } else if has(Verdict::Unknown) {
        Verdict::Unknown
    } else {
        Verdict::Pass
    }
}

/// One screen for a person.
#[must_use]
pub fn render(items: &[Item], language: Language) -> String {
    let mut text = String::new();
    // Formatting into a string cannot fail.
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        let _written = writeln!(text, "{arguments}");
    };
    for item in items {
        let topic = language.topic(item.topic);
        line(format_args!(
            "{:<4}  {topic:<22} {}",
            language.verdict(item.verdict),
            item.seen
        ));
        if item.verdict != Verdict::Pass {
            line(format_args!("      → {}", language.next_step(item.topic)));
        }
    }
    line(format_args!("{}", language.verdict(overall(items))));
    text
}

/// The verdicts in one short line, for a QR code: what a photograph can carry to the centre.
#[must_use]
pub fn summary(items: &[Item], name: &str, now_milliseconds: u64) -> String {
    let english = Language::English;
    let bad = items.iter().filter(|item| item.verdict != Verdict::Pass);
    let bad = bad.map(|item| {
        format!(
            " {}={}:{}",
            english.topic(item.topic).replace(' ', "-"),
            english.verdict(item.verdict),
            item.seen
        )
    });
    format!(
        "LAPWING {name} {now_milliseconds} {}{}",
        english.verdict(overall(items)),
        bad.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Identity, Outbox, RuleStatus, SensorStatus};

    const NOW: u64 = 1_790_000_000_000;

    fn overview() -> Overview {
        Overview {
            is_sensor_running: true,
            sensor: Some(SensorStatus {
                source: "eth1".to_owned(),
                rules: RuleStatus::default(),
                policy: PolicyStatus::InForce {
                    serial: 1,
                    site: "isp".to_owned(),
                    digest: String::new(),
                },
                packets: 100_000,
                decoded_packets: 99_000,
                flows: 1000,
                answered_flows: 900,
                ..SensorStatus::default()
            }),
            outbox: Outbox {
                epoch: None,
                produced_records: 0,
                acknowledged_records: 0,
                sealed_records: 0,
                queued_records: 0,
                held_records: 0,
                facts_held_back: 0,
                suppressed_findings: 0,
                evicted_records: 0,
                bytes: 0,
                oldest_queued_milliseconds: 0,
                last_ack_milliseconds: NOW - 1000,
            },
            link: None,
            identity: Some(Identity {
                sensor: "a".to_owned(),
                certificate_ends_milliseconds: NOW,
                centres: vec!["192.0.2.1:7400".to_owned()],
            }),
        }
    }

    fn machine() -> Machine {
        Machine {
            has_low_voltage: Some(false),
            is_state_writable: true,
            free_bytes: 1 << 30,
            links: vec![("eth1".to_owned(), Some(true))],
            is_clock_set: true,
        }
    }

    fn verdict_of(items: &[Item], topic: Topic) -> Verdict {
        items
            .iter()
            .find(|item| item.topic == topic)
            .unwrap()
            .verdict
    }

    #[test]
    fn a_good_sensor_passes() {
        let items = check(&overview(), &machine(), NOW);
        assert_eq!(
            overall(&items),
            Verdict::Pass,
            "{}",
            render(&items, Language::English)
        );
        assert!(summary(&items, "x", NOW).ends_with(" PASS"));
    }

    #[test]
    fn each_fault_fails_alone_and_says_what_to_do() {
        type Fault = fn(&mut Overview, &mut Machine);
        let faults: [(Topic, Fault); 10] = [
            (Topic::Power, |_, machine| {
                machine.has_low_voltage = Some(true)
            }),
            (Topic::Card, |_, machine| machine.is_state_writable = false),
            (Topic::Card, |_, machine| machine.free_bytes = 100),
            (Topic::Link, |_, machine| machine.links[0].1 = Some(false)),
            (Topic::Time, |_, machine| machine.is_clock_set = false),
            (Topic::Centre, |overview, _| {
                overview.outbox.last_ack_milliseconds = 0
            }),
            (Topic::Centre, |overview, _| overview.identity = None),
            (Topic::Traffic, |overview, _| {
                overview.sensor.as_mut().unwrap().packets = 0
            }),
            (Topic::Directions, |overview, _| {
                overview.sensor.as_mut().unwrap().answered_flows = 10
            }),
            (Topic::Decoded, |overview, _| {
                overview.sensor.as_mut().unwrap().decoded_packets = 10_000
            }),
        ];
        for (topic, fault) in faults {
            let (mut overview, mut machine) = (overview(), machine());
            fault(&mut overview, &mut machine);
            let items = check(&overview, &machine, NOW);
            assert_eq!(verdict_of(&items, topic), Verdict::Fail, "{topic:?}");
            for language in Language::ALL {
                let text = render(&items, language);
                assert!(text.contains(language.next_step(topic)), "{text}");
            }
        }
    }

    #[test]
    fn few_connections_say_nothing_of_the_mirror() {
        let mut overview = overview();
        let sensor = overview.sensor.as_mut().unwrap();
        (sensor.flows, sensor.answered_flows) = (3, 0);
        let items = check(&overview, &machine(), NOW);
        assert_eq!(verdict_of(&items, Topic::Directions), Verdict::Unknown);
        assert_eq!(overall(&items), Verdict::Unknown);
    }
}
