//! The centre can never widen what leaves. A hostile one tries: it says every control message with every kind of mutation, and
//! publishes packs that ask for what the policy keeps.
//!
//! The edge's own parts run: the recorder under a signed policy, the outbox, the sealer with the ledger, and the session that
//! the uplink drives. Only the socket is left out, so that ten thousand messages take seconds; `hostile_link.rs` is with it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use lapwing_outbox::{OutboxSender, OutboxWriter, SealLimits, peek};
use lapwing_rules::{model::Severity, pack::Pack, source::Source};
use lapwing_sensor::{
    capture::CaptureError,
    detect::{Alert, Detector},
    findings::{About, Gathering, Recorder, RuleCounts, RulesNow},
    pipeline::{AlertSink, Pipeline, PipelineSettings},
    policy::{Admission, Policy, PolicyInForce, RefusalReason, TEMPLATE, file, isp_key, signed},
    replay::{ReplaySink, Worlds, replay},
    settings::PolicySource,
    time::Timestamp,
};
use lapwing_tests::cases;
use lapwing_tests::hostile::{hello_answer, messages, mutated};
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_tests::traffic::entropy::Entropy;
use lapwing_uplink::ledger::{Entry, Ledger, LedgerKey, Lines};
use lapwing_wire::frame::FrameDecoder;
use lapwing_wire::{
    BatchIdentity, BatchNumber, CompressionLevel, ContentKey, DisclosedAddress, Message,
    PackDigest, ReceivedEnvelope, Record, RecordBody, SealedEnvelope, Sealer, SealingPrivateKey,
    SenderEvent, SenderSession, SensorId,
};

const MESSAGES: usize = 10_000;
/// Messages of one session, if it lives so long.
const MESSAGES_A_SESSION: u64 = 40;
const SENSOR: SensorId = SensorId([7; 16]);

#[derive(Default)]
struct Alerts(Vec<Alert>);

impl AlertSink for Alerts {
    fn alert(&mut self, alert: &Alert) {
        self.0.push(alert.clone());
    }
}

impl ReplaySink for Alerts {
    fn begin_capture(&mut self, _path: &Path) {}

    fn problem(&mut self, error: &CaptureError) {
        panic!("{error}");
    }
}

fn compile(rules: &str) -> Arc<Pack> {
    let source = Source {
        name: "hostile.rules".into(),
        bytes: rules.as_bytes().to_vec(),
    };
    let compiled = lapwing_rules::compile(&[source], &lapwing_rules::Settings::default());
    assert_eq!(compiled.counts.refused, 0, "{:?}", compiled.diagnostics);
    Arc::new(Pack::from_bytes(compiled.pack).unwrap())
}

fn alerts(detector: Detector, capture: &Path) -> Vec<Alert> {
    let mut pipeline = Pipeline::new(detector, PipelineSettings::default());
    let mut alerts = Alerts::default();
    replay(
        &[capture.to_owned()],
        Worlds::Separate,
        &mut pipeline,
        &mut alerts,
    );
    alerts.0
}

fn capture(folder: &Path) -> PathBuf {
    let path = folder.join("input.pcap");
    let mut file = fs::File::create(&path).unwrap();
    capture_file::write(&demo::make(1, Part::Incidents), FileFormat::Pcap, &mut file).unwrap();
    path
}

fn starter_rules() -> String {
    let files = cases::starter_rules().unwrap().into_iter();
    files
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// The edge: an outbox filled under the template's policy, and what seals and enters it.
struct Edge {
    folder: tempfile::TempDir,
    policy: Policy,
    /// What the policy let out.
    allowed: Vec<Record>,
    outbox: OutboxSender,
    sealer: Sealer,
    isp: LedgerKey,
}

impl Edge {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        isp_key::generate(&path("isp.key"), &path("isp.pub")).unwrap();
        let key = isp_key::read(&path("isp.key")).unwrap();
        fs::write(
            path("policy.signed"),
            signed::sign(TEMPLATE, &key, 0).unwrap(),
        )
        .unwrap();
        let source = PolicySource {
            file: path("policy.signed"),
            isp_key: path("isp.pub"),
            pseudonym_keys: None,
            ledger_key: None,
        };
        let about = About {
            gathering: Gathering {
                window_nanoseconds: Timestamp::NANOSECONDS_PER_SECOND,
                open_findings_max: 256,
                urgent: Severity(1),
            },
            heartbeat: Duration::from_secs(3600),
            rules: RulesNow {
                counts: RuleCounts::default(),
                pack: PackDigest([0; 32]),
                admission: Arc::default(),
            },
            is_live: false,
            tells_digests: false,
            board_status: None,
        };
        let outbox = path("outbox");
        let writer = OutboxWriter::open(&outbox, lapwing_outbox::Settings::default()).unwrap();
        let policy = PolicyInForce::read(Some(source), folder.path());
        let mut recorder = Recorder::new(about, writer, policy);
        for alert in alerts(
            Detector::new(compile(&starter_rules())),
            &capture(folder.path()),
        ) {
            recorder.alert(&alert);
        }
        recorder.finish().unwrap();
        let allowed = peek(&outbox, usize::MAX, None).unwrap();
        assert!(allowed.len() > 10);
        let isp = LedgerKey::generate();
        let public = LedgerKey::parse_public(&isp.to_texts().unwrap().1).unwrap();
        let ledger = Ledger::open(&path("ledger"), Some(public)).unwrap();
        let centre = SealingPrivateKey::generate(&mut rand::rng())
            .public_key()
            .unwrap();
        let sealer = Sealer::new(
            SigningKey::from_bytes(&[3; 32]),
            centre,
            CompressionLevel::DEFAULT,
        );
        Self {
            policy: file::parse(TEMPLATE).unwrap(),
            allowed,
            outbox: OutboxSender::open(&outbox, lapwing_outbox::Settings::default()).unwrap(),
            sealer: sealer.witnessed_by(Arc::new(ledger)),
            isp,
            folder,
        }
    }

    /// Seals everything, few records at a time.
    fn seal_all(&mut self) -> BTreeMap<BatchNumber, SealedEnvelope> {
        let limits = SealLimits {
            max_records: 3,
            max_outstanding: usize::MAX,
            ..SealLimits::default()
        };
        while self
            .outbox
            .seal_next(SENSOR, &self.sealer, &limits, &mut rand::rng())
            .unwrap()
            .is_some()
        {}
        let numbers: Vec<_> = self.outbox.outstanding().collect();
        let envelope = |number| (number, self.outbox.envelope(SENSOR, number).unwrap());
        numbers.into_iter().map(envelope).collect()
    }
}

/// All that an edge may say to a centre: its hello, envelopes that it sealed, why it ends. Everything else was not asked for.
fn check_said(output: &[u8], sealed: &BTreeMap<BatchNumber, SealedEnvelope>) -> usize {
    let mut decoder = FrameDecoder::default();
    decoder.push(output);
    let mut envelopes = 0;
    while let Some(frame) = decoder.next_frame().unwrap() {
        match Message::read(frame).unwrap() {
            Message::Hello(_) => {}
            Message::Envelope(bytes) => {
                envelopes += 1;
                assert!(sealed.values().any(|envelope| envelope.bytes == bytes));
            }
            Message::Error(error) => assert!(error.text.len() < 200, "{error:?}"),
            other => panic!("the edge said {other:?}"),
        }
    }
    envelopes
}

#[test]
fn ten_thousand_messages_obtain_nothing() {
    let mut edge = Edge::new();
    let sealed = edge.seal_all();
    let policy_before = fs::read(edge.folder.path().join("policy.signed")).unwrap();
    let mut entropy = Entropy::new(8);
    let (mut said, mut forgotten, mut envelopes, mut now) = (0, 0, 0, 0);
    while said < MESSAGES {
        let mut session = SenderSession::new("lapwing/test", 1000, now);
        if entropy.below(10) > 0 {
            let mut hello = Vec::new();
            Message::HelloAnswer(hello_answer())
                .write(&mut hello)
                .unwrap();
            session.receive(&hello, now);
        }
        for _ in 0..MESSAGES_A_SESSION {
            let waiting: Vec<_> = edge.outbox.outstanding().collect();
            for number in &waiting {
                // The window is full, or the session has ended: another time.
                let _offered = session.offer(&sealed[number], now);
            }
            let target = sealed
                .values()
                .nth(usize::try_from(entropy.below(sealed.len() as u64)).unwrap())
                .unwrap();
            let all = messages(target.identity, target.digest).unwrap();
            let message = entropy.pick(&all).clone();
            let bytes = mutated(&mut entropy, &message).unwrap();
            said += 1;
            now += entropy.below(50);
            for event in session.receive(&bytes, now) {
                if let SenderEvent::Acknowledged(ack) | SenderEvent::UnexpectedAck(ack) = event {
                    let before = edge.outbox.outstanding().count();
                    edge.outbox.acknowledge(&ack, now).unwrap();
                    let is_forgotten = edge.outbox.outstanding().count() < before;
                    forgotten += usize::from(is_forgotten);
                    // Only who has the envelope knows its digest.
                    assert!(!is_forgotten || sealed[&ack.identity.number].digest == ack.digest);
                }
            }
            session.tick(now);
            envelopes += check_said(&session.take_output(), &sealed);
        }
    }
    assert!(envelopes > 100 && forgotten > 0, "{envelopes} {forgotten}");
    assert_eq!(
        fs::read(edge.folder.path().join("policy.signed")).unwrap(),
        policy_before
    );
    // What was sealed is what the policy let out, and the ISP reads it all with its own key.
    let lines = Lines::read(&edge.folder.path().join("ledger"))
        .unwrap()
        .lines;
    let mut read = Vec::new();
    for envelope in sealed.values() {
        let wrapped = lines.iter().find_map(|line| match &line.entry {
            Entry::Sealed { digest, key, .. } if *digest == envelope.digest.to_string() => {
                key.clone()
            }
            _ => None,
        });
        let wrapped = hex::decode(wrapped.unwrap()).unwrap();
        let (key, to) =
            ContentKey::unwrap(&wrapped, edge.isp.private_key(), envelope.digest).unwrap();
        let received = ReceivedEnvelope::parse(envelope.bytes.clone()).unwrap();
        read.extend(received.open_with_content_key(&key, &to).unwrap().records);
    }
    let by_number = |record: &Record| (record.header.lane, record.header.number);
    read.sort_by_key(by_number);
    edge.allowed.sort_by_key(by_number);
    assert_eq!(read, edge.allowed);
    for record in &read {
        if let RecordBody::Finding(finding) = &record.body {
            for end in [&finding.source, &finding.destination] {
                if let DisclosedAddress::Clear(address) = end.address {
                    assert!(!edge.policy.home_networks.contains(address));
                }
            }
        }
    }
    let identity = BatchIdentity {
        sensor: SENSOR,
        ..sealed.values().next().unwrap().identity
    };
    assert_eq!(identity.sensor, SENSOR);
}

/// Rules that single out a subscriber, each with the innocent rule beside it.
#[test]
fn hostile_packs_are_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let capture = capture(folder.path());
    let everything = alerts(
        Detector::new(compile(
            "alert ip any any -> any any (msg:\"all\"; sid:1;)\n",
        )),
        &capture,
    );
    let policy = file::parse(TEMPLATE).unwrap();
    let is_home = |address: &IpAddr| policy.home_networks.contains(*address);
    let ends = everything
        .iter()
        .flat_map(|alert| [alert.ends.source, alert.ends.destination]);
    let subscribers: std::collections::BTreeSet<IpAddr> = ends.filter(is_home).collect();
    assert!(subscribers.len() > 2);
    let mut rules = String::from("alert ip any any -> any any (msg:\"innocent\"; sid:1;)\n");
    let mut hostile = Vec::new();
    for (at, address) in (0..).zip(&subscribers) {
        for (form, text) in [
            format!("alert ip {address} any -> any any (msg:\"a\"; sid:SID;)"),
            format!("alert ip any any <> {address} any (msg:\"b\"; sid:SID;)"),
            format!("alert ip [203.0.113.0/24,{address}] any -> any any (msg:\"c\"; sid:SID;)"),
            format!("alert ip !{address} any -> any any (msg:\"d\"; sid:SID;)"),
            format!("alert tcp any any -> any any (msg:\"e\"; content:\"{address}\"; sid:SID;)"),
        ]
        .into_iter()
        .enumerate()
        {
            let sid = 100 + at * 10 + u32::try_from(form).unwrap();
            hostile.push(sid);
            rules.push_str(&text.replace("SID", &sid.to_string()));
            rules.push('\n');
        }
    }
    let pack = compile(&rules);
    let admission = Admission::of(&policy, &pack);
    assert_eq!(
        admission.counts.get(&RefusalReason::NamesHomeAddress),
        Some(&(hostile.len() as u64))
    );
    let told = |detector| -> Vec<u32> {
        let mut sids: Vec<u32> = alerts(detector, &capture)
            .iter()
            .map(|alert| alert.rule.sid)
            .collect();
        sids.sort_unstable();
        sids.dedup();
        sids
    };
    // Without the policy they fire; with it only the innocent one does.
    assert!(told(Detector::new(Arc::clone(&pack))).len() > 3);
    let restriction = Arc::new(admission.restriction.clone());
    assert_eq!(told(Detector::new(pack).restricted(restriction)), [1]);
}

/// What the narrow modes exclude is not even parsed.
#[test]
fn narrow_modes_do_not_start_what_they_exclude() {
    let folder = tempfile::tempdir().unwrap();
    let capture = capture(folder.path());
    let rules = "alert http any any -> any any (msg:\"http\"; http.uri; content:\"/\"; sid:1;)\n\
                 alert dns any any -> any any (msg:\"dns\"; dns.query; bsize:>0; sid:2;)\n\
                 alert tls any any -> any any (msg:\"tls\"; tls.sni; bsize:>0; sid:3;)\n";
    let pack = compile(rules);
    let told = |mode: &str| {
        let policy =
            file::parse(&TEMPLATE.replace("serial = 1 ", &format!("{mode}\nserial = 1 "))).unwrap();
        let mut restriction = Admission::of(&policy, &pack).restriction;
        // Even if the rules were let run, there would be nothing for them to see.
        restriction.rules.clear();
        let detector = Detector::new(Arc::clone(&pack)).restricted(Arc::new(restriction));
        let mut pipeline = Pipeline::new(detector, PipelineSettings::default());
        let mut alerts = Alerts::default();
        replay(
            std::slice::from_ref(&capture),
            Worlds::Separate,
            &mut pipeline,
            &mut alerts,
        );
        let mut sids: Vec<u32> = alerts.0.iter().map(|alert| alert.rule.sid).collect();
        sids.sort_unstable();
        sids.dedup();
        (sids, pipeline.counters().flow.out_of_scope)
    };
    assert_eq!(told("mode = \"full\""), (vec![1, 2, 3], 0));
    assert_eq!(told("mode = \"dns-only\""), (vec![2], 0));
    let (sids, out_of_scope) =
        told("mode = \"infrastructure-only\"\ninfrastructure = [\"198.51.100.99/32\"]");
    assert!(sids.is_empty() && out_of_scope > 100);
}
