//! Indicators of the pack against what passes: the ends of flows, and names, URLs and hashes of transactions.
//!
//! Both ends of a flow are looked up with its first packet, of a packet without a flow each time. What a transaction tells is
//! looked up once, as soon as it is whole. A hit is an alert as of any rule: the generator's number is that of indicators, the
//! signature's that of the indicator, and the list it is from gives the message.

use lapwing_rules::{
    indicator::{IndicatorKind, first_16, hashed_key, normalised_url},
    model::{Buffer, Sides},
    pack::{IndicatorView, Indicators, Pack},
};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{
    alert_queue::{Matched, Sighting},
    flow_state::SideNotes,
    judge::Judge,
    limits::BUFFER_INSTANCES_MAX,
    round::Round,
    rule_index::RuleIndex,
    transaction_rules::TransactionSide,
};
use crate::{app_layer::BufferView, direction::Direction};

/// What is looked up of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A host and the names it is beneath.
    Name,
    /// With the host beside it, a URL.
    Url,
    /// The text of an MD5.
    Md5(IndicatorKind),
    /// The text of a JA4.
    Ja4,
    /// A certificate.
    Certificate,
}

/// Which buffers are looked up.
const ASKED: [(Buffer, Asked); LOOKED_UP_BUFFERS] = [
    (Buffer::DnsQueryName, Asked::Name),
    (Buffer::DnsAnswerName, Asked::Name),
    (Buffer::HttpHost, Asked::Name),
    (Buffer::HttpUriRaw, Asked::Url),
    (Buffer::TlsSni, Asked::Name),
    (Buffer::Ja3Hash, Asked::Md5(IndicatorKind::Ja3)),
    (Buffer::Ja3sHash, Asked::Md5(IndicatorKind::Ja3s)),
    (Buffer::Ja4Hash, Asked::Ja4),
    (Buffer::TlsCerts, Asked::Certificate),
];

/// How many buffers of a transaction are looked up.
pub(crate) const LOOKED_UP_BUFFERS: usize = 9;

/// Of each buffer that is looked up, the instances that were.
pub(crate) type LookedUp = [u16; LOOKED_UP_BUFFERS];

/// Looks up both ends of a packet.
pub(crate) fn look_up_ends(
    pack: &Pack,
    index: &RuleIndex,
    round: &Round<'_>,
    judge: &mut Judge,
    matched: &mut Vec<Matched>,
) {
    let indicators = pack.indicators();
    if round.packet.ip.is_none() || !indicators.has(IndicatorKind::Address) {
        return;
    }
    for end in [round.ends.source, round.ends.destination] {
        judge.counters.indicators_asked += 1;
        if let Some(found) = indicators.find_address(end) {
            tell(&indicators, index, found, None, judge, matched);
        }
    }
}

/// Looks up what one direction of a transaction tells and was not looked up yet.
pub(crate) fn look_up_transaction(
    pack: &Pack,
    index: &RuleIndex,
    (number, side): (u64, &TransactionSide<'_>),
    notes: &mut SideNotes,
    judge: &mut Judge,
    matched: &mut Vec<Matched>,
) {
    let indicators = pack.indicators();
    if indicators.is_empty() {
        return;
    }
    for ((buffer, asked), seen) in ASKED.into_iter().zip(&mut notes.looked_up) {
        if !is_asked(&indicators, asked) || !is_of(buffer, side.direction) {
            continue;
        }
        let instances = if buffer.info().multiple {
            BUFFER_INSTANCES_MAX
        } else {
            1
        };
        while usize::from(*seen) < instances {
            let instance = usize::from(*seen);
            let BufferView::Complete(bytes) =
                side.transaction.buffer(buffer, side.direction, instance)
            else {
                break;
            };
            judge.counters.indicators_asked += 1;
            match found(&indicators, asked, bytes, side) {
                Answer::Unknown => break,
                Answer::Nothing => {}
                Answer::These(found) => {
                    for one in found.into_iter().flatten() {
                        tell(&indicators, index, one, Some(number), judge, matched);
                    }
                }
            }
            *seen = seen.saturating_add(1);
        }
    }
}

fn is_asked(indicators: &Indicators<'_>, asked: Asked) -> bool {
    use IndicatorKind as K;
    match asked {
        Asked::Name => indicators.has(K::Domain) || indicators.has(K::Host),
        Asked::Url => indicators.has(K::Url),
        Asked::Md5(kind) => indicators.has(kind),
        Asked::Ja4 => indicators.has(K::Ja4),
        Asked::Certificate => indicators.has(K::Sha1) || indicators.has(K::Sha256),
    }
}

fn is_of(buffer: Buffer, direction: Direction) -> bool {
    // A question is repeated in its answer: it is looked up where it is asked.
    let is_question = buffer == Buffer::DnsQueryName;
    includes(buffer.info().sides, direction) && !(is_question && direction == Direction::ToClient)
}

fn includes(sides: Sides, direction: Direction) -> bool {
    match sides {
        Sides::Both => true,
        Sides::ToServer => direction == Direction::ToServer,
        Sides::ToClient => direction == Direction::ToClient,
    }
}

/// What came of looking a buffer up.
enum Answer {
    /// Something beside it is not known yet.
    Unknown,
    Nothing,
    These([Option<IndicatorView>; 2]),
}

fn found(
    indicators: &Indicators<'_>,
    asked: Asked,
    bytes: &[u8],
    side: &TransactionSide<'_>,
) -> Answer {
    let one = |found: Option<IndicatorView>| match found {
        Some(_) => Answer::These([found, None]),
        None => Answer::Nothing,
    };
    match asked {
        Asked::Name => one(indicators.find_name(bytes)),
        Asked::Url => match side.transaction.buffer(Buffer::HttpHost, side.direction, 0) {
            BufferView::Complete(host) => one(indicators.find_url(&normalised_url(host, bytes))),
            BufferView::Absent => Answer::Nothing,
            BufferView::Pending | BufferView::Growing(_) => Answer::Unknown,
        },
        Asked::Md5(kind) => {
            let mut key = [0; 16];
            one(hex::decode_to_slice(bytes, &mut key)
                .ok()
                .and_then(|()| indicators.find(kind, key)))
        }
        Asked::Ja4 => one(indicators.find(IndicatorKind::Ja4, hashed_key(bytes))),
        Asked::Certificate => {
            let has = |kind: IndicatorKind| indicators.has(kind).then_some(kind);
            let by_sha1 = has(IndicatorKind::Sha1)
                .and_then(|kind| indicators.find(kind, first_16(&Sha1::digest(bytes))));
            let by_sha256 = has(IndicatorKind::Sha256)
                .and_then(|kind| indicators.find(kind, first_16(&Sha256::digest(bytes))));
            Answer::These([by_sha1, by_sha256])
        }
    }
}

fn tell(
    indicators: &Indicators<'_>,
    index: &RuleIndex,
    found: IndicatorView,
    transaction: Option<u64>,
    judge: &mut Judge,
    matched: &mut Vec<Matched>,
) {
    if judge.restriction.refuses_indicator(&found) {
        return;
    }
    let Some(rule) = indicators.rule_of(found.list) else {
        return;
    };
    let Some(traits) = index.get(rule) else {
        return;
    };
    judge.counters.matches += 1;
    matched.push(Matched {
        rank: traits.rank,
        transaction,
        rule,
        is_of_flow: true,
        sighting: Some(Sighting {
            indicator: found.id,
            severity: found.severity,
        }),
    });
}
