//! What the stream stage hands on, and what it refuses: retransmissions, overlaps, resets, windows, gaps, depth.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use lapwing_sensor::{direction::Direction, stream::limits};
use proptest::prelude::*;
use support::{ACK, Bench, FIN, PSH, RST, SYN, Segment, Talk, URG};

use Direction::{ToClient, ToServer};

#[test]
fn bytes_are_shown_once_they_are_acknowledged_and_a_chunk_is_there() {
    let mut talk = Talk::established();
    let chunk = vec![b'a'; 1400];
    talk.say(ToServer, &chunk);
    talk.say(ToServer, &chunk);
    assert!(
        talk.bench.raw(ToServer).is_empty(),
        "nothing is acknowledged"
    );
    talk.acknowledge(ToServer);
    talk.say(ToServer, b"more");
    assert_eq!(talk.bench.raw(ToServer), [chunk.clone(), chunk].concat());
    assert!(talk.bench.last().is_established);
    assert!(talk.bench.last().is_in_stream);
}

#[test]
fn the_end_of_the_flow_shows_what_is_left_of_both_directions() {
    let mut talk = Talk::established();
    talk.say(ToServer, b"request");
    talk.say(ToClient, b"answer");
    talk.bench.finish();
    assert_eq!(talk.bench.raw(ToServer), b"request");
    assert_eq!(talk.bench.raw(ToClient), b"answer");
}

#[test]
fn segments_in_any_order_give_the_stream() {
    let mut talk = Talk::established();
    talk.segment(ToServer, 4, 0, ACK, b"efgh");
    talk.segment(ToServer, 8, 0, ACK, b"ijkl");
    talk.segment(ToServer, 0, 0, ACK, b"abcd");
    assert_eq!(talk.finished(ToServer), b"abcdefghijkl");
}

#[test]
fn the_first_of_two_equal_segments_counts_and_the_earlier_start_wins() {
    let mut talk = Talk::established();
    talk.segment(ToServer, 0, 0, ACK, b"GOOD");
    talk.segment(ToServer, 0, 0, ACK, b"EVIL");
    assert_eq!(talk.finished(ToServer), b"GOOD");

    let mut talk = Talk::established();
    talk.segment(ToServer, 4, 0, ACK, b"late");
    talk.segment(ToServer, 0, 0, ACK, b"FROMHERE");
    assert!(
        talk.bench
            .events()
            .contains(&"stream.reassembly_overlap_different_data")
    );
    assert_eq!(talk.finished(ToServer), b"FROMHERE");
}

#[test]
fn a_segment_out_of_the_window_is_refused() {
    let mut talk = Talk::established();
    talk.segment(ToServer, 1_000_000, 0, ACK, b"far away");
    assert!(
        talk.bench
            .last()
            .events
            .contains(&"stream.est_packet_out_of_window")
    );
    assert!(
        !talk.bench.last().is_in_stream,
        "rules must look at the packet itself"
    );
    talk.segment(ToServer, 0, 0, ACK, b"here");
    assert_eq!(talk.finished(ToServer), b"here");
}

#[test]
fn an_acknowledgment_of_what_was_never_sent_is_refused() {
    let mut talk = Talk::established();
    talk.segment(ToServer, 0, 500_000, ACK, b"evil");
    assert!(talk.bench.last().events.contains(&"stream.est_invalid_ack"));
    talk.say(ToServer, b"good");
    assert_eq!(talk.finished(ToServer), b"good");
}

#[test]
fn a_reset_with_a_wrong_number_changes_nothing() {
    let mut talk = Talk::established();
    talk.segment(ToServer, 5, 0, RST, b"");
    talk.say(ToServer, b"still here");
    assert!(talk.bench.last().is_in_stream);
    talk.segment(ToServer, 0, 0, RST, b"");
    talk.say(ToServer, b"gone");
    assert!(!talk.bench.last().is_in_stream);
    assert!(talk.bench.last().events.is_empty());
    assert_eq!(talk.finished(ToServer), b"still here");
}

#[test]
fn what_was_acknowledged_is_not_taken_again() {
    let mut talk = Talk::established();
    talk.say(ToServer, b"good");
    talk.acknowledge(ToServer);
    talk.segment(ToServer, -4, 0, ACK, b"EVIL");
    assert!(
        talk.bench
            .last()
            .events
            .contains(&"stream.pkt_spurious_retransmission")
    );
    assert_eq!(talk.finished(ToServer), b"good");
}

#[test]
fn a_keep_alive_adds_no_byte() {
    let mut talk = Talk::established();
    talk.say(ToServer, b"abc");
    talk.acknowledge(ToServer);
    talk.segment(ToServer, -1, 0, ACK, b"X");
    talk.acknowledge(ToServer);
    talk.say(ToServer, b"def");
    assert_eq!(talk.finished(ToServer), b"abcdef");
}

#[test]
fn an_urgent_byte_is_in_the_stream_as_any_other() {
    let mut talk = Talk::established();
    let segment = Segment {
        direction: ToServer,
        sequence: talk.next[0],
        acknowledgment: talk.next[1],
        flags: ACK | URG,
        window: 65_000,
        urgent: 3,
        payload: b"GEXT".to_vec(),
    };
    talk.bench.ethernet(&segment.frame());
    talk.next[0] = talk.next[0].wrapping_add(4);
    talk.say(ToServer, b" /");
    talk.acknowledge(ToServer);
    assert_eq!(talk.finished(ToServer), b"GEXT /");
}

#[test]
fn a_hole_that_was_acknowledged_is_told() {
    let mut talk = Talk::established();
    // What is told of a hole is told to a parser: the protocol is known by then.
    talk.say(ToServer, b"GET / HTTP/1.0\r\n");
    talk.segment(ToServer, 10, 0, ACK, b"third");
    talk.next[0] = talk.next[0].wrapping_add(15);
    talk.acknowledge(ToServer);
    talk.bench.finish();
    let counters = talk.bench.pipeline.counters();
    assert_eq!(counters.stream.gaps, 1);
    assert_eq!(counters.stream.gap_bytes, 10);
    assert_eq!(talk.bench.raw(ToServer), b"GET / HTTP/1.0\r\nthird");
}

#[test]
fn a_hole_behind_bytes_that_tell_no_protocol_yet_is_waited_for() {
    let mut talk = Talk::established();
    talk.say(ToServer, b"G");
    talk.segment(ToServer, 10, 0, ACK, b"third");
    talk.next[0] = talk.next[0].wrapping_add(15);
    talk.acknowledge(ToServer);
    talk.bench.finish();
    assert_eq!(talk.bench.pipeline.counters().stream.gaps, 0);
}

#[test]
fn the_stream_is_followed_to_its_depth() {
    let mut talk = Talk::established();
    let chunk = vec![b'a'; 1400];
    let segments = limits::STREAM_DEPTH_BYTES / 1400 + 10;
    for _ in 0..segments {
        talk.say(ToServer, &chunk);
        talk.acknowledge(ToServer);
    }
    let reached = |event: &&&str| **event == "stream.reassembly_depth_reached";
    assert_eq!(talk.bench.events().iter().filter(reached).count(), 1);
    assert!(talk.bench.pipeline.held_bytes() < 64 * 1024);
    let shown = talk.finished(ToServer).len() as u64;
    assert_eq!(shown, limits::STREAM_DEPTH_BYTES);
}

#[test]
fn both_fins_close_the_flow_and_a_new_syn_begins_another() {
    let mut talk = Talk::established();
    talk.say(ToServer, b"bye");
    talk.segment(ToServer, 0, 0, FIN | ACK, b"");
    talk.next[0] = talk.next[0].wrapping_add(1);
    talk.segment(ToClient, 0, 0, FIN | ACK, b"");
    talk.next[1] = talk.next[1].wrapping_add(1);
    talk.segment(ToServer, 0, 0, ACK, b"");
    let first = talk.bench.last().flow;
    talk.segment(ToServer, 77_777, 0, SYN, b"");
    assert_ne!(talk.bench.last().flow, first);
    assert_eq!(talk.bench.pipeline.counters().flow.reused, 1);
    assert_eq!(
        talk.bench.pipeline.counters().stream.gaps,
        0,
        "a FIN is no missing byte"
    );
}

#[test]
fn a_reset_made_up_by_a_third_party_does_not_end_the_handshake() {
    // The client's SYN has a timestamp; an answer that echoes another one comes from nobody who saw it.
    let mut bench = Bench::default();
    let syn = with_timestamp(ToServer, 100, 0, SYN, (5, 0));
    bench.ethernet(&syn);
    bench.ethernet(&with_timestamp(ToClient, 0, 101, RST | ACK, (9, 1)));
    assert!(
        bench
            .last()
            .events
            .contains(&"stream.pkt_invalid_timestamp")
    );
    bench.ethernet(&with_timestamp(ToClient, 700, 101, SYN | ACK, (9, 5)));
    bench.ethernet(&with_timestamp(ToServer, 101, 701, ACK, (6, 9)));
    bench.ethernet(&with_timestamp(ToServer, 101, 701, ACK | PSH, (6, 9)));
    assert!(bench.last().is_established);
}

/// A segment without payload and with a timestamp option.
fn with_timestamp(
    direction: Direction,
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    (value, echo): (u32, u32),
) -> Vec<u8> {
    let mut options = vec![1, 1, 8, 10];
    options.extend(value.to_be_bytes());
    options.extend(echo.to_be_bytes());
    let segment = Segment {
        direction,
        sequence,
        acknowledgment,
        flags,
        window: 65_000,
        urgent: 0,
        payload: options,
    };
    // What was laid out as payload becomes part of the header.
    let mut frame = segment.frame();
    frame[14 + 20 + 12] = 0x80;
    frame
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_segmentation_repeated_and_reordered_gives_the_stream(
        stream in prop::collection::vec(any::<u8>(), 1..6000),
        pieces in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..1400), 0..40),
    ) {
        let mut talk = Talk::established();
        for (start, length) in &pieces {
            let start = start.index(stream.len());
            let end = (start + length).min(stream.len());
            talk.segment(ToServer, i32::try_from(start).unwrap(), 0, ACK, &stream[start..end]);
        }
        // Whatever came before, all of it comes once more in order.
        for (number, chunk) in stream.chunks(1000).enumerate() {
            talk.segment(ToServer, i32::try_from(number * 1000).unwrap(), 0, ACK, chunk);
        }
        prop_assert_eq!(talk.finished(ToServer), stream);
    }
}
