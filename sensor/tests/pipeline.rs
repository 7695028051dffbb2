//! The pipeline as a whole: bounds, time-outs, a panic that costs one flow, and whole captures of arbitrary bytes.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use lapwing_sensor::{
    direction::Direction,
    pipeline::{Pipeline, PipelineSettings, fuzz_entry},
};
use proptest::prelude::*;
use support::{
    ACK, Bench, CLIENT, NoAlerts, Recorder, SERVER, SYN, Segment, Talk, ethernet, ipv4, udp,
};

fn datagram(source_port: u16, payload: &[u8]) -> Vec<u8> {
    ethernet(
        0x0800,
        &ipv4(CLIENT, SERVER, 17, &udp(source_port, 9, payload)),
    )
}

#[test]
fn a_panic_costs_one_flow() {
    let mut bench = Bench::default();
    bench.ethernet(&datagram(1, b"good"));
    let other = bench.last().flow;
    bench.pipeline.inspector_mut().panics_on = Some(b"fatal".to_vec());
    bench.ethernet(&datagram(2, b"fatal"));
    bench.ethernet(&datagram(1, b"good again"));
    assert_eq!(bench.last().flow, other, "the other flow goes on");
    let counters = bench.pipeline.counters();
    assert_eq!(counters.panics_caught, 1);
    assert_eq!(counters.flow.dropped_after_panic, 1);
    assert_eq!(counters.flow.active, 1);
}

#[test]
fn a_flow_ends_when_nothing_comes() {
    let mut bench = Bench::default();
    bench.ethernet(&datagram(1, b"first"));
    let first = bench.last().flow;
    bench.wait_seconds(29);
    bench.ethernet(&datagram(1, b"in time"));
    assert_eq!(bench.last().flow, first);
    bench.wait_seconds(31);
    bench.ethernet(&datagram(1, b"too late"));
    assert_ne!(bench.last().flow, first);
    assert_eq!(bench.pipeline.counters().flow.timed_out, 1);
}

#[test]
fn a_flood_of_syns_stays_within_the_budget_and_spares_what_is_established() {
    let settings = PipelineSettings {
        memory_bytes: 4 * 1024 * 1024,
        ..PipelineSettings::default()
    };
    let mut talk = Talk::established();
    let old = std::mem::replace(&mut talk.bench, Bench::with(settings));
    drop(old);
    let mut talk = {
        // The same handshake again, in the small pipeline.
        let mut small = talk;
        small.next = [100, 200];
        small.segment(Direction::ToServer, 0, 0, SYN, b"");
        small.next[0] += 1;
        small.segment(Direction::ToClient, 0, 0, SYN | ACK, b"");
        small.next[1] += 1;
        small.segment(Direction::ToServer, 0, 0, ACK, b"");
        small
    };
    talk.say(Direction::ToServer, b"established");
    let flow = talk.bench.last().flow;
    for number in 0..20_000_u32 {
        let mut frame = Segment {
            direction: Direction::ToServer,
            sequence: number,
            acknowledgment: 0,
            flags: SYN,
            window: 1000,
            urgent: 0,
            payload: Vec::new(),
        }
        .frame();
        frame[26..30].copy_from_slice(&(0x0a00_0000 + number).to_be_bytes());
        talk.bench.ethernet(&frame);
    }
    talk.say(Direction::ToServer, b"still there");
    assert_eq!(talk.bench.last().flow, flow);
    let counters = talk.bench.pipeline.counters().clone();
    assert!(counters.flow.evicted_new > 10_000);
    assert_eq!(counters.flow.evicted_established, 0);
    assert!(counters.flow.active < 6_000, "{}", counters.flow.active);
    assert!(talk.bench.pipeline.held_bytes() <= settings.memory_bytes);
}

#[test]
fn numbers_of_flows_are_not_given_out_twice() {
    let mut bench = Bench::default();
    bench.ethernet(&datagram(1, b"one world"));
    let first = bench.last().flow;
    bench.pipeline.finish(&mut NoAlerts);
    bench.pipeline.forget();
    bench.ethernet(&datagram(1, b"another world"));
    assert_ne!(bench.last().flow, first);
}

#[test]
fn udp_is_established_once_both_sides_spoke() {
    let mut bench = Bench::default();
    bench.ethernet(&datagram(1, b"question"));
    assert!(!bench.last().is_established);
    let answer = ethernet(0x0800, &ipv4(SERVER, CLIENT, 17, &udp(9, 1, b"answer")));
    bench.ethernet(&answer);
    assert!(bench.last().is_established);
    assert_eq!(bench.last().direction, Some(Direction::ToClient));
}

/// Inputs of the fuzz target: a few conversations, as the target reads them.
fn corpus() -> Vec<Vec<u8>> {
    let mut conversation = Vec::new();
    let mut add = |frame: &[u8]| {
        conversation.extend(u16::try_from(frame.len()).unwrap().to_be_bytes());
        conversation.extend(frame);
    };
    let mut next = [1_u32, 1];
    let steps: [(Direction, u8, &[u8]); 7] = [
        (Direction::ToServer, SYN, b""),
        (Direction::ToClient, SYN | ACK, b""),
        (Direction::ToServer, ACK, b""),
        (
            Direction::ToServer,
            ACK,
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            Direction::ToClient,
            ACK,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ),
        (Direction::ToServer, ACK | support::FIN, b""),
        (Direction::ToClient, ACK | support::FIN, b""),
    ];
    for (direction, flags, payload) in steps {
        let segment = Segment {
            direction,
            sequence: next[direction.index()],
            acknowledgment: next[direction.opposite().index()],
            flags,
            window: 8000,
            urgent: 0,
            payload: payload.to_vec(),
        };
        add(&segment.frame());
        let length =
            u32::try_from(payload.len()).unwrap() + u32::from(flags & (SYN | support::FIN) != 0);
        next[direction.index()] += length;
    }
    let mut datagrams = Vec::new();
    for frame in [
        datagram(5, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01"),
        datagram(6, b""),
    ] {
        datagrams.extend(u16::try_from(frame.len()).unwrap().to_be_bytes());
        datagrams.extend(frame);
    }
    vec![Vec::new(), vec![0], conversation, datagrams]
}

#[test]
fn the_corpus_goes_through() {
    for input in corpus() {
        fuzz_entry(&input);
    }
}

proptest! {
    #[test]
    fn changed_conversations_go_through(
        which in 2_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut input = corpus().swap_remove(which);
        for (place, byte) in &changes {
            let place = place.index(input.len());
            input[place] = *byte;
        }
        fuzz_entry(&input);
    }

    #[test]
    fn the_streams_never_hold_more_than_the_budget(
        segments in prop::collection::vec((0_i32..60_000, 1_usize..1400), 1..200),
    ) {
        let settings = PipelineSettings { memory_bytes: 256 * 1024, ..PipelineSettings::default() };
        let mut talk = Talk::established();
        talk.bench.pipeline = Pipeline::new(Recorder::default(), settings);
        talk.next = [0, 0];
        talk.segment(Direction::ToServer, -1, 0, SYN, b"");
        talk.segment(Direction::ToClient, -1, 0, SYN | ACK, b"");
        talk.segment(Direction::ToServer, 0, 0, ACK, b"");
        for (at, length) in &segments {
            talk.segment(Direction::ToServer, *at, 0, ACK, &vec![7; *length]);
            prop_assert!(talk.bench.pipeline.held_bytes() <= 256 * 1024);
        }
        talk.bench.finish();
        prop_assert_eq!(talk.bench.pipeline.held_bytes(), 0);
    }
}
