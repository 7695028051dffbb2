//! What a worker that is behind looks at no more, and that it says so to the byte. Nothing here depends on how fast the machine is:
//! the pipeline is told that it is behind.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use lapwing_rules::pack::Pack;
use lapwing_rules::source::Source;
use lapwing_rules::{Settings, compile};
use lapwing_sensor::capture::{CapturedFrame, LinkType};
use lapwing_sensor::counters::ShedCounters;
use lapwing_sensor::detect::{Alert, Detector};
use lapwing_sensor::pipeline::{AlertSink, Pipeline, PipelineSettings};
use lapwing_sensor::shedding::ELEPHANT_BYTES_MIN;
use lapwing_sensor::time::Timestamp;
use lapwing_tests::traffic::entropy::Entropy;
use lapwing_tests::traffic::link;
use lapwing_tests::traffic::network::Route;
use lapwing_tests::traffic::tcp::{Conversation, Side};
use lapwing_tests::traffic::tls;
use lapwing_tests::traffic::trace::Trace;

const RULES: &str = r#"alert tcp any any -> any any (msg:"early"; content:"EARLY-MARK"; sid:1; rev:1;)
alert tcp any any -> any any (msg:"late"; content:"LATE-MARK"; sid:2; rev:1;)
alert tls any any -> any any (msg:"name"; tls.sni; content:"bulk.example"; sid:3; rev:1;)
"#;

#[derive(Default)]
struct Signatures(Vec<u32>);

impl AlertSink for Signatures {
    fn alert(&mut self, alert: &Alert) {
        self.0.push(alert.rule.sid);
    }
}

/// What fires, once each, and what was let pass. `is_behind` says it for each frame.
fn watched(trace: &Trace, is_behind: impl Fn(usize) -> bool) -> (Vec<u32>, ShedCounters, u64) {
    let source = Source {
        name: "test".into(),
        bytes: RULES.as_bytes().to_vec(),
    };
    let compiled = compile(&[source], &Settings::default());
    let pack = Arc::new(Pack::from_bytes(compiled.pack).unwrap());
    assert_eq!(pack.rule_count(), 3, "{:?}", compiled.diagnostics);
    let mut pipeline = Pipeline::new(Detector::new(pack), PipelineSettings::default());
    let mut found = Signatures::default();
    for (number, frame) in trace.frames().iter().enumerate() {
        pipeline.set_behind(is_behind(number));
        let frame = CapturedFrame {
            time: Timestamp(frame.time_nanoseconds),
            link_type: LinkType::Ethernet,
            wire_length_bytes: u32::try_from(frame.bytes.len()).unwrap(),
            bytes: &frame.bytes,
        };
        pipeline.frame(&frame, &mut found);
    }
    pipeline.finish(&mut found);
    found.0.sort_unstable();
    found.0.dedup();
    let counters = pipeline.counters();
    (found.0, counters.shed.clone(), counters.decode.bytes)
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A conversation on its own trace.
fn trace(build: impl FnOnce(&mut Conversation<'_>)) -> Trace {
    let mut trace = Trace::new(link::LinkType::Ethernet, 1_790_000_000);
    let (client, server) = (address("192.0.2.7:40000"), address("198.51.100.9:443"));
    build(&mut Conversation::new(
        &mut trace,
        Route::default(),
        client,
        server,
    ));
    trace
}

/// A record of encrypted data that happens to hold a mark.
fn marked_record(mark: &str) -> Vec<u8> {
    let length = u16::try_from(mark.len()).unwrap();
    [&[23, 3, 3][..], &length.to_be_bytes(), mark.as_bytes()].concat()
}

fn encrypted_bulk(bytes: usize) -> Trace {
    trace(|conversation| {
        let entropy = &mut Entropy::new(3);
        let change_cipher_spec = [20, 3, 3, 0, 1, 1];
        conversation.open();
        conversation.send(Side::Client, &tls::client_hello("bulk.example", entropy));
        let answer = [tls::server_hello(entropy), change_cipher_spec.to_vec()].concat();
        conversation.send(Side::Server, &answer);
        conversation.send(Side::Client, &change_cipher_spec);
        conversation.send(Side::Server, &tls::application_data(bytes, entropy));
        conversation.send(Side::Server, &marked_record("LATE-MARK"));
        conversation.close();
    })
}

#[test]
fn encrypted_bulk_is_let_pass_after_its_handshake_and_counted() {
    let trace = encrypted_bulk(2 << 20);
    let (all, shed, bytes) = watched(&trace, |_| false);
    assert!(all.contains(&3), "{all:?}");
    assert_eq!(shed, ShedCounters::default());

    let (some, shed, same_bytes) = watched(&trace, |_| true);
    assert_eq!(some, [3], "the handshake is inspected, the bulk is not");
    assert_eq!((shed.times, shed.flows), (1, 1));
    assert_eq!(bytes, same_bytes);
    // All but what came before the flow was large.
    let inspected = bytes - shed.bytes;
    assert!(inspected >= ELEPHANT_BYTES_MIN, "{inspected}");
    assert!(inspected < ELEPHANT_BYTES_MIN + 10_000, "{inspected}");
}

#[test]
fn small_encrypted_flows_are_inspected_whatever_happens() {
    let trace = encrypted_bulk(100_000);
    let (all, shed, _) = watched(&trace, |_| true);
    assert_eq!(all, watched(&trace, |_| false).0);
    assert_eq!((shed.flows, shed.bytes), (0, 0));
}

fn plain_bulk(conversation: &mut Conversation<'_>) {
    conversation.open();
    let mut data = vec![b'.'; 3 << 20];
    // Before the flow is large, and beyond the depth to which streams are put together.
    data[100_000..100_010].copy_from_slice(b"EARLY-MARK");
    data[2_500_000..2_500_009].copy_from_slice(b"LATE-MARK");
    conversation.send(Side::Server, &data);
    conversation.send(Side::Client, b"and an answer with an EARLY-MARK");
    conversation.close();
}

#[test]
fn a_direction_is_let_pass_beyond_its_stream_depth_and_the_other_one_is_not() {
    let bulk = trace(plain_bulk);
    let (all, shed, bytes) = watched(&bulk, |_| false);
    assert_eq!(all, [1, 2]);
    assert_eq!(shed, ShedCounters::default());

    let (some, shed, _) = watched(&bulk, |_| true);
    assert_eq!(some, [1]);
    assert_eq!(shed.flows, 1);
    let depth = 1 << 20;
    assert!(
        shed.bytes > bytes / 2 && bytes - shed.bytes > depth,
        "{shed:?}"
    );

    // The other direction alone holds the mark now.
    let answer = trace(|conversation| {
        conversation.open();
        conversation.send(Side::Server, &vec![b'.'; 3 << 20]);
        conversation.send(Side::Client, b"and an answer with an EARLY-MARK");
        conversation.close();
    });
    assert_eq!(watched(&answer, |_| true).0, [1]);
}

#[test]
fn a_flow_stays_let_pass_and_others_are_inspected_once_the_worker_has_caught_up() {
    let first = trace(plain_bulk);
    let half = first.frames().len() / 2;
    let (some, shed, _) = watched(&first, |frame| frame < half);
    assert_eq!(some, [1], "the end of the flow is still let pass");
    assert_eq!(shed.times, 1);
    let later = watched(&first, |frame| frame < 10);
    assert_eq!(
        later.0,
        [1, 2],
        "the worker had caught up before the flow was large"
    );
    assert_eq!(later.1.bytes, 0);
}
