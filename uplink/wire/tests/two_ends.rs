//! Both sessions against each other over a link that cuts, repeats and reorders.
//!
//! The driver plays what the uplink and the collector do around the sessions: the edge offers
//! what is not acknowledged, again on each connection; the centre stores by identity and
//! digest, then acknowledges. Whatever the link does, every envelope is stored exactly once
//! and the edge forgets it only after that.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{centre_key, device_key, identity, random};
use lapwing_wire::frame::FrameDecoder;
use lapwing_wire::*;
use proptest::prelude::*;

const ANSWER_TIMEOUT: u64 = 30_000;

fn envelopes(count: u64) -> Vec<SealedEnvelope> {
    let sealer = Sealer::new(
        device_key(),
        centre_key().public_key().unwrap(),
        CompressionLevel::DEFAULT,
    );
    let mut previous = BatchDigest::NONE;
    (0..count)
        .map(|number| {
            let records = common::plausible::findings(number, 1);
            let sealed = sealer
                .seal(identity(number), previous, &records, &mut random(number))
                .unwrap();
            previous = sealed.digest;
            sealed
        })
        .collect()
}

/// What one connection does to what is sent.
#[derive(Debug, Clone)]
struct Link {
    /// The connection breaks after so many bytes to the centre.
    bytes_to_centre: usize,
    /// The connection breaks after so many bytes to the edge.
    bytes_to_edge: usize,
    /// Bytes that arrive at a time.
    piece: usize,
    /// The centre handles what arrived together in reverse.
    reversed: bool,
    /// The centre acknowledges twice.
    repeated_acks: bool,
    /// The centre says it is busy for every n-th envelope.
    busy_every: usize,
}

fn link() -> impl Strategy<Value = Link> {
    (
        0usize..4000,
        0usize..800,
        1usize..900,
        any::<bool>(),
        any::<bool>(),
        0usize..5,
    )
        .prop_map(
            |(bytes_to_centre, bytes_to_edge, piece, reversed, repeated_acks, busy_every)| Link {
                bytes_to_centre,
                bytes_to_edge,
                piece,
                reversed,
                repeated_acks,
                busy_every,
            },
        )
}

const PERFECT: Link = Link {
    bytes_to_centre: usize::MAX,
    bytes_to_edge: usize::MAX,
    piece: 1400,
    reversed: false,
    repeated_acks: false,
    busy_every: 0,
};

/// What is durable at the centre.
#[derive(Default)]
struct Centre {
    stored: BTreeMap<BatchIdentity, BatchDigest>,
    stored_twice: usize,
    seen: usize,
}

impl Centre {
    fn handle(&mut self, session: &mut ReceiverSession, events: Vec<ReceiverEvent>, link: &Link) {
        let mut envelopes: Vec<ReceivedEnvelope> = events
            .into_iter()
            .filter_map(|event| match event {
                ReceiverEvent::Envelope(envelope) => Some(envelope),
                ReceiverEvent::Ready(_) => None,
                other => panic!("unexpected {other:?}"),
            })
            .collect();
        if link.reversed {
            envelopes.reverse();
        }
        for envelope in envelopes {
            let identity = envelope.header().identity;
            self.seen += 1;
            if link.busy_every > 0 && self.seen.is_multiple_of(link.busy_every) {
                session.busy(Busy {
                    identity,
                    retry_after_seconds: 1,
                });
                continue;
            }
            let verified = envelope
                .verify(device_key().verifying_key().as_bytes())
                .unwrap();
            let digest = verified.digest();
            let state = match self.stored.insert(identity, digest) {
                None => AckState::Stored,
                Some(before) => {
                    self.stored_twice += usize::from(before != digest);
                    AckState::AlreadyStored
                }
            };
            for _ in 0..=usize::from(link.repeated_acks) {
                session.acknowledge(Ack {
                    identity,
                    digest,
                    state,
                });
            }
        }
    }
}

/// One connection, until it breaks or nothing moves any more.
fn connect(link: &Link, waiting: &mut Vec<SealedEnvelope>, centre: &mut Centre, now: &mut u64) {
    let mut sender = SenderSession::new("edge", ANSWER_TIMEOUT, *now);
    let mut receiver = ReceiverSession::new(Peer::Sensor(identity(0).sensor), "centre", 3, 0, *now);
    let (mut to_centre, mut to_edge) = (link.bytes_to_centre, link.bytes_to_edge);
    let mut idle = 0;
    while idle < 3 {
        *now += 400;
        for envelope in waiting.iter() {
            if sender
                .offer(envelope, *now)
                .is_err_and(|error| error != OfferError::InFlight)
            {
                break;
            }
        }
        let up = sender.take_output();
        idle = if up.is_empty() { idle + 1 } else { 0 };
        for piece in up.chunks(link.piece) {
            let arrives = piece.len().min(to_centre);
            to_centre -= arrives;
            let events = receiver.receive(&piece[..arrives]);
            centre.handle(&mut receiver, events, link);
            if arrives < piece.len() {
                return;
            }
        }
        let down = receiver.take_output();
        for piece in down.chunks(link.piece) {
            let arrives = piece.len().min(to_edge);
            to_edge -= arrives;
            for event in sender.receive(&piece[..arrives], *now) {
                if let SenderEvent::Acknowledged(ack) = event {
                    assert_eq!(
                        centre.stored.get(&ack.identity),
                        Some(&ack.digest),
                        "acknowledged before it was stored"
                    );
                    waiting.retain(|envelope| envelope.identity != ack.identity);
                }
            }
            if arrives < piece.len() {
                return;
            }
        }
        if let Some(SenderEvent::Closed(reason)) = sender.tick(*now) {
            panic!("an answered session ended: {reason}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_is_lost_or_stored_twice(links in prop::collection::vec(link(), 0..12), count in 1u64..8) {
        let produced = envelopes(count);
        let (mut waiting, mut centre, mut now) = (produced.clone(), Centre::default(), 0);
        for link in links.iter().chain([&PERFECT]) {
            now += 2000;
            connect(link, &mut waiting, &mut centre, &mut now);
        }
        prop_assert!(waiting.is_empty(), "{} envelopes were never acknowledged", waiting.len());
        let expected: BTreeMap<_, _> = produced.iter().map(|envelope| (envelope.identity, envelope.digest)).collect();
        prop_assert_eq!(centre.stored, expected);
        prop_assert_eq!(centre.stored_twice, 0);
    }
}

fn ready(peer: Peer) -> (SenderSession, ReceiverSession) {
    let mut sender = SenderSession::new("edge", ANSWER_TIMEOUT, 0);
    let mut receiver = ReceiverSession::new(peer, "centre", 2, 5, 0);
    assert!(matches!(
        receiver.receive(&sender.take_output())[..],
        [ReceiverEvent::Ready(_)]
    ));
    let events = sender.receive(&receiver.take_output(), 0);
    assert!(
        matches!(&events[..], [SenderEvent::Ready(answer)] if answer.wall_milliseconds == 5 && answer.window == 2)
    );
    (sender, receiver)
}

#[test]
fn the_window_holds_back_what_is_offered() {
    let (mut sender, mut receiver) = ready(Peer::Sensor(identity(0).sensor));
    let envelopes = envelopes(3);
    assert_eq!(sender.offer(&envelopes[0], 0), Ok(()));
    assert_eq!(sender.offer(&envelopes[0], 0), Err(OfferError::InFlight));
    assert_eq!(sender.offer(&envelopes[1], 0), Ok(()));
    assert_eq!(sender.offer(&envelopes[2], 0), Err(OfferError::WindowFull));
    assert_eq!(receiver.receive(&sender.take_output()).len(), 2);
}

#[test]
fn an_ack_with_another_digest_forgets_nothing() {
    let (mut sender, mut receiver) = ready(Peer::Sensor(identity(0).sensor));
    let envelope = envelopes(1).remove(0);
    sender.offer(&envelope, 0).unwrap();
    let wrong = Ack {
        identity: envelope.identity,
        digest: BatchDigest([9; 32]),
        state: AckState::Stored,
    };
    receiver.acknowledge(wrong);
    assert_eq!(
        sender.receive(&receiver.take_output(), 1),
        [SenderEvent::UnexpectedAck(wrong)]
    );
    assert_eq!(sender.in_flight(), 1);
}

#[test]
fn a_silent_centre_ends_the_session() {
    let (mut sender, _) = ready(Peer::Sensor(identity(0).sensor));
    assert_eq!(sender.tick(1_000_000), None, "nothing is waited for");
    sender.offer(&envelopes(1)[0], 1_000_000).unwrap();
    assert_eq!(
        sender.next_tick_milliseconds(),
        Some(1_000_000 + ANSWER_TIMEOUT)
    );
    assert_eq!(sender.tick(1_000_000 + ANSWER_TIMEOUT - 1), None);
    let closed = sender.tick(1_000_000 + ANSWER_TIMEOUT);
    assert_eq!(
        closed,
        Some(SenderEvent::Closed(CloseReason::Timeout {
            after_milliseconds: ANSWER_TIMEOUT
        }))
    );
}

#[test]
fn a_stranger_may_only_ask_to_be_enrolled() {
    let (mut sender, mut receiver) = ready(Peer::Stranger);
    sender.offer(&envelopes(1)[0], 0).unwrap();
    let events = receiver.receive(&sender.take_output());
    assert_eq!(
        events,
        [ReceiverEvent::Closed(CloseReason::OutOfPlace {
            what: "an envelope"
        })]
    );
    let events = sender.receive(&receiver.take_output(), 1);
    let [SenderEvent::Closed(CloseReason::Peer(error))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(error.code, ErrorCode::NotAllowed);
    assert!(receiver.is_closed());
}

#[test]
fn an_expired_certificate_may_only_be_renewed() {
    let (mut sender, mut receiver) = ready(Peer::Expired(identity(0).sensor));
    sender
        .request_renewal(RenewRequest {
            certificate_request: vec![1],
        })
        .unwrap();
    assert!(matches!(
        receiver.receive(&sender.take_output())[..],
        [ReceiverEvent::RenewRequested(_)]
    ));
    receiver.renew_refuse("revoked");
    let events = sender.receive(&receiver.take_output(), 1);
    assert_eq!(
        events,
        [SenderEvent::RenewRefused(RenewRefused {
            reason: "revoked".to_owned()
        })]
    );
    sender.offer(&envelopes(1)[0], 1).unwrap();
    assert!(matches!(
        receiver.receive(&sender.take_output())[..],
        [ReceiverEvent::Closed(_)]
    ));
}

#[test]
fn versions_without_overlap_end_the_session() {
    let mut receiver = ReceiverSession::new(Peer::Stranger, "centre", 1, 0, 0);
    let mut hello = Vec::new();
    Message::Hello(Hello {
        oldest_version: 9,
        newest_version: 12,
        software: String::new(),
    })
    .write(&mut hello)
    .unwrap();
    assert_eq!(
        receiver.receive(&hello),
        [ReceiverEvent::Closed(CloseReason::NoCommonVersion)]
    );
}

#[test]
fn a_centre_that_is_silent_about_its_hello_is_left() {
    let mut receiver = ReceiverSession::new(Peer::Stranger, "centre", 1, 0, 10);
    assert_eq!(
        receiver.tick(10 + limits::HELLO_TIMEOUT_MILLISECONDS - 1),
        None
    );
    assert!(
        receiver
            .tick(10 + limits::HELLO_TIMEOUT_MILLISECONDS)
            .is_some()
    );
}

#[test]
fn a_stream_is_never_buffered_beyond_one_frame() {
    let mut decoder = FrameDecoder::default();
    let mut kinds = BTreeSet::new();
    for kind in 0..50u8 {
        let mut bytes = Vec::new();
        frame::Frame::write(kind, &[0; 2000], &mut bytes).unwrap();
        decoder.push(&bytes);
        kinds.insert(decoder.next_frame().unwrap().unwrap().kind);
        assert_eq!(decoder.next_frame().unwrap(), None);
    }
    assert_eq!(kinds.len(), 50);
}
