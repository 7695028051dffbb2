//! A summary: what the sensor saw and could not see in a period. The sums a CIRT manager
//! reads rest on it, so everything lost has a number here.

use crate::bytes::{Reader, put_text, put_varint};
use crate::error::DecodeError;
use crate::finding::Severity;
use crate::heartbeat::Queue;
use crate::limits::{MAX_COUNTERS_IN_SUMMARY, MAX_TEXT_BYTES, MAX_TOP_ENTRIES, MAX_TOP_LISTS};
use crate::rows::{FieldWriter, Fields};

/// What happened in a period, usually an hour. Counts are of the period, not since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Start of the period, milliseconds since 1970.
    pub start_milliseconds: u64,
    /// End of the period, milliseconds since 1970.
    pub end_milliseconds: u64,
    /// Packets the sensor was given.
    pub packets: u64,
    /// Bytes of those packets.
    pub bytes: u64,
    /// Packets decoded down to a transport or an upper protocol that rules can see.
    pub decoded_packets: u64,
    /// Packets the kernel dropped because the sensor was late.
    pub kernel_drops: u64,
    /// Packets the interface dropped.
    pub interface_drops: u64,
    /// Bytes of those packets that were not inspected because the sensor was late.
    pub bytes_not_inspected: u64,
    /// Flows begun.
    pub flows: u64,
    /// Rules that ran.
    pub rules_loaded: u64,
    /// Rules of the pack that this program cannot run.
    pub rules_unsupported: u64,
    /// Rules of the pack that the policy refused.
    pub rules_suppressed: u64,
    /// Alerts before they were gathered into findings.
    pub alerts: u64,
    /// Findings made, by class of severity, gravest first; see [`Severity::class`].
    pub findings_by_severity: [u64; Severity::CLASSES],
    /// Findings that the policy did not let out.
    pub findings_suppressed: u64,
    /// What waits to be sent at the end of the period.
    pub queue: Queue,
    /// Losses and oddities by name (`flow_table_full`, `stream_gap`), beyond those above.
    pub counters: Vec<Counter>,
    /// Most frequent rules, hosts and the like.
    pub top_lists: Vec<TopList>,
}

/// A summary that always fits: the hourly digest of a site whose link is dear.
pub const DIGEST_BYTES: usize = 300;

impl Summary {
    /// The same as a digest: at most [`DIGEST_BYTES`] as a record writes it. The ends of the top lists go first,
    /// then counters, the smallest first; how many went is a counter itself.
    #[must_use]
    pub fn into_digest(mut self) -> Self {
        let mut left_out = 0u64;
        self.counters
            .sort_by_key(|counter| std::cmp::Reverse(counter.value));
        while self.row_bytes() + LEFT_OUT_BYTES > DIGEST_BYTES {
            let longest = self
                .top_lists
                .iter_mut()
                .max_by_key(|list| list.entries.len());
            match longest {
                Some(list) if !list.entries.is_empty() => {
                    list.entries.pop();
                }
                _ if self.counters.pop().is_some() => {}
                // What is left are numbers alone, far below the bound.
                _ => break,
            }
            left_out += 1;
        }
        self.top_lists.retain(|list| !list.entries.is_empty());
        if left_out > 0 {
            self.counters.push(Counter {
                name: LEFT_OUT.to_owned(),
                value: left_out,
            });
        }
        self
    }

    fn row_bytes(&self) -> usize {
        let mut row = Vec::new();
        self.write_row(&mut row);
        row.len()
    }
}

/// What a digest says of what it has no room for.
const LEFT_OUT: &str = "digest_left_out";
/// Bytes of that counter at most.
const LEFT_OUT_BYTES: usize = 2 + 1 + LEFT_OUT.len() + 10;

/// A named count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Lower-case words joined by underscores.
    pub name: String,
    /// The count in the period.
    pub value: u64,
}

/// The most frequent values of something in the period, most frequent first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopList {
    /// What was counted.
    pub subject: TopSubject,
    /// The values.
    pub entries: Vec<TopEntry>,
}

/// One line of a top list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopEntry {
    /// The value as text, already as the policy lets it be known.
    pub value: String,
    /// How often.
    pub count: u64,
}

/// What a top list counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TopSubject {
    /// Rules by findings; values are `gid:sid:rev`.
    Rules,
    /// Sources of findings.
    Sources,
    /// Destinations of findings.
    Destinations,
    /// Application protocols by flows.
    AppProtocols,
    /// Something this program does not know, by its number on the wire.
    Other(u16),
}

impl TopSubject {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Rules => 1,
            Self::Sources => 2,
            Self::Destinations => 3,
            Self::AppProtocols => 4,
            Self::Other(code) => code,
        }
    }

    /// The subject with a number from the wire.
    pub const fn from_code(code: u16) -> Self {
        match code {
            1 => Self::Rules,
            2 => Self::Sources,
            3 => Self::Destinations,
            4 => Self::AppProtocols,
            other => Self::Other(other),
        }
    }
}

const START: u64 = 1;
/// End minus start.
const LENGTH: u64 = 2;
const PACKETS: u64 = 3;
const BYTES: u64 = 4;
const DECODED: u64 = 5;
const KERNEL_DROPS: u64 = 6;
const INTERFACE_DROPS: u64 = 7;
const FLOWS: u64 = 8;
const RULES_LOADED: u64 = 9;
const RULES_UNSUPPORTED: u64 = 10;
const RULES_SUPPRESSED: u64 = 11;
const ALERTS: u64 = 12;
const FINDINGS_SUPPRESSED: u64 = 13;
/// Four tags, gravest first.
const BY_SEVERITY: u64 = 14;
/// Four tags: records, bytes, oldest, evicted.
const QUEUE: u64 = 18;
/// Repeated.
const COUNTER: u64 = 22;
/// Repeated.
const TOP_LIST: u64 = 23;
const BYTES_NOT_INSPECTED: u64 = 24;

impl Summary {
    pub(crate) fn write_row(&self, out: &mut Vec<u8>) {
        let mut fields = FieldWriter::default();
        for (tag, value) in [
            (START, self.start_milliseconds),
            (
                LENGTH,
                self.end_milliseconds.wrapping_sub(self.start_milliseconds),
            ),
            (PACKETS, self.packets),
            (BYTES, self.bytes),
            (DECODED, self.decoded_packets),
            (KERNEL_DROPS, self.kernel_drops),
            (INTERFACE_DROPS, self.interface_drops),
            (FLOWS, self.flows),
            (RULES_LOADED, self.rules_loaded),
            (RULES_UNSUPPORTED, self.rules_unsupported),
            (RULES_SUPPRESSED, self.rules_suppressed),
            (ALERTS, self.alerts),
            (FINDINGS_SUPPRESSED, self.findings_suppressed),
        ] {
            fields.number(tag, value);
        }
        for (tag, count) in (BY_SEVERITY..).zip(self.findings_by_severity) {
            fields.number(tag, count);
        }
        self.queue.write(&mut fields, QUEUE);
        for counter in self.counters.iter().take(MAX_COUNTERS_IN_SUMMARY) {
            let mut bytes = Vec::new();
            put_text(&mut bytes, &counter.name, MAX_TEXT_BYTES);
            put_varint(&mut bytes, counter.value);
            fields.bytes(COUNTER, &bytes);
        }
        for list in self.top_lists.iter().take(MAX_TOP_LISTS) {
            fields.bytes(TOP_LIST, &list.to_bytes());
        }
        fields.number(BYTES_NOT_INSPECTED, self.bytes_not_inspected);
        fields.finish(out);
    }

    pub(crate) fn read_row(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let start_milliseconds = fields.number(START)?;
        let mut findings_by_severity = [0; Severity::CLASSES];
        for (tag, count) in (BY_SEVERITY..).zip(&mut findings_by_severity) {
            *count = fields.number(tag)?;
        }
        let counters = fields.all(COUNTER).iter().map(|bytes| {
            let mut reader = Reader::new(bytes);
            Ok(Counter {
                name: reader.text(MAX_TEXT_BYTES, "counter name")?,
                value: reader.varint("counter")?,
            })
        });
        let top_lists = fields
            .all(TOP_LIST)
            .iter()
            .take(MAX_TOP_LISTS)
            .map(|bytes| TopList::read(bytes));
        Ok(Self {
            start_milliseconds,
            end_milliseconds: start_milliseconds.wrapping_add(fields.number(LENGTH)?),
            packets: fields.number(PACKETS)?,
            bytes: fields.number(BYTES)?,
            decoded_packets: fields.number(DECODED)?,
            kernel_drops: fields.number(KERNEL_DROPS)?,
            interface_drops: fields.number(INTERFACE_DROPS)?,
            bytes_not_inspected: fields.number(BYTES_NOT_INSPECTED)?,
            flows: fields.number(FLOWS)?,
            rules_loaded: fields.number(RULES_LOADED)?,
            rules_unsupported: fields.number(RULES_UNSUPPORTED)?,
            rules_suppressed: fields.number(RULES_SUPPRESSED)?,
            alerts: fields.number(ALERTS)?,
            findings_by_severity,
            findings_suppressed: fields.number(FINDINGS_SUPPRESSED)?,
            queue: Queue::read(fields, QUEUE)?,
            counters: counters.collect::<Result<_, DecodeError>>()?,
            top_lists: top_lists.collect::<Result<_, DecodeError>>()?,
        })
    }

    pub(crate) const KNOWN_TAGS: std::ops::RangeInclusive<u64> = START..=BYTES_NOT_INSPECTED;
}

impl TopList {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::from(self.subject.code()));
        for entry in self.entries.iter().take(MAX_TOP_ENTRIES) {
            put_text(&mut bytes, &entry.value, MAX_TEXT_BYTES);
            put_varint(&mut bytes, entry.count);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let subject = TopSubject::from_code(reader.number("subject of a top list")?);
        let mut entries = Vec::new();
        while !reader.is_empty() && entries.len() < MAX_TOP_ENTRIES {
            let value = reader.text(MAX_TEXT_BYTES, "top entry")?;
            entries.push(TopEntry {
                value,
                count: reader.varint("top count")?,
            });
        }
        Ok(Self { subject, entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_always_fits_and_says_what_it_left_out() {
        let busy = Summary {
            packets: u64::MAX,
            bytes: u64::MAX,
            decoded_packets: u64::MAX,
            kernel_drops: u64::MAX,
            interface_drops: u64::MAX,
            bytes_not_inspected: u64::MAX,
            flows: u64::MAX,
            alerts: u64::MAX,
            findings_by_severity: [u64::MAX; Severity::CLASSES],
            findings_suppressed: u64::MAX,
            queue: Queue {
                records: u64::MAX,
                bytes: u64::MAX,
                oldest_milliseconds: u64::MAX,
                evicted_records: u64::MAX,
            },
            counters: (0..MAX_COUNTERS_IN_SUMMARY)
                .map(|number| Counter {
                    name: format!("some_counter_{number}"),
                    value: number as u64,
                })
                .collect(),
            top_lists: vec![
                TopList {
                    subject: TopSubject::Rules,
                    entries: vec![
                        TopEntry {
                            value: "1:2000001:3".to_owned(),
                            count: 9,
                        };
                        10
                    ],
                };
                3
            ],
            ..Summary::default()
        };
        let digest = busy.into_digest();
        assert!(digest.row_bytes() <= DIGEST_BYTES, "{}", digest.row_bytes());
        assert!(
            digest
                .counters
                .iter()
                .any(|counter| counter.name == LEFT_OUT)
        );
        // A quiet hour keeps its ten rules.
        let quiet = Summary {
            packets: 40_000,
            bytes: 30_000_000,
            flows: 900,
            alerts: 12,
            findings_by_severity: [1, 2, 9, 0],
            top_lists: vec![TopList {
                subject: TopSubject::Rules,
                entries: vec![
                    TopEntry {
                        value: "1:2000001:3".to_owned(),
                        count: 9,
                    };
                    10
                ],
            }],
            ..Summary::default()
        };
        assert_eq!(quiet.clone().into_digest(), quiet);
    }
}
