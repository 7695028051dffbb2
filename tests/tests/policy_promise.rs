//! What no policy lets out: no forbidden field and no home address in anything that left, whatever the traffic.
//!
//! Random policies are held against every generated case, and against every capture of the conformance corpus where
//! `LAPWING_CONFORMANCE` names it. Wide rules fire on everything, so that all kinds of facts are there. What left is read from the
//! envelopes, opened with the centre's key, and looked through by code that shares nothing with the policy's.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use lapwing_outbox::{OutboxWriter, peek};
use lapwing_rules::{model::Severity, pack::Pack, source::Source};
use lapwing_sensor::{
    capture::CaptureError,
    detect::{Alert, Detector},
    findings::{About, Gathering, Recorder, RuleCounts, RulesNow},
    pipeline::{AlertSink, Pipeline, PipelineSettings},
    policy::{
        PolicyInForce, PseudonymMode, isp_key, pseudonym_keys::PseudonymKeys, pseudonyms::EpochKey,
        signed,
    },
    replay::{ReplaySink, Worlds, replay},
    settings::PolicySource,
    time::Timestamp,
};
use lapwing_tests::cases;
use lapwing_tests::traffic::entropy::Entropy;
use lapwing_wire::{
    BatchDigest, BatchIdentity, BatchNumber, CompressionLevel, DisclosedAddress, Epoch, FactKind,
    Finding, PackDigest, ReceivedEnvelope, Record, RecordBody, Sealer, SealingPrivateKey, SensorId,
};

const POLICIES_A_CASE: usize = 6;
const POLICIES_A_CAPTURE: usize = 2;
/// Alerts of one capture that are looked at: the rules fire on every packet.
const ALERTS_MAX: usize = 300;

/// They fire on everything that parsers understand.
const RULES: &str = "\
    alert ip any any -> any any (msg:\"any\"; classtype:misc-activity; sid:9900001; priority:2;)\n\
    alert http any any -> any any (msg:\"http\"; http.uri; content:\"/\"; sid:9900002; priority:2;)\n\
    alert http any any -> any any (msg:\"answer\"; http.stat_code; bsize:3; sid:9900003; priority:3;)\n\
    alert dns any any -> any any (msg:\"dns\"; dns.query; bsize:>0; sid:9900004; priority:3;)\n\
    alert tls any any -> any any (msg:\"tls\"; tls.sni; bsize:>0; sid:9900005; priority:2;)\n\
    alert tls any any -> any any (msg:\"certificate\"; tls.cert_subject; bsize:>0; sid:9900006; priority:4;)\n\
    alert ssh any any -> any any (msg:\"ssh\"; ssh.software; bsize:>0; sid:9900007; priority:4;)\n\
    alert smtp any any -> any any (msg:\"mail\"; flow:established; sid:9900008; priority:2;)\n\
    alert ftp any any -> any any (msg:\"ftp\"; flow:established; sid:9900009; priority:2;)\n\
    alert sip any any -> any any (msg:\"sip\"; sid:9900010; priority:2;)\n";

/// The alerts of one capture.
#[derive(Default)]
struct Alerts(Vec<Alert>);

impl AlertSink for Alerts {
    fn alert(&mut self, alert: &Alert) {
        if self.0.len() < ALERTS_MAX {
            self.0.push(alert.clone());
        }
    }
}

impl ReplaySink for Alerts {
    fn begin_capture(&mut self, _path: &Path) {}

    fn problem(&mut self, _error: &CaptureError) {}
}

fn pipeline() -> Pipeline<Detector> {
    let source = Source {
        name: "wide.rules".into(),
        bytes: RULES.as_bytes().to_vec(),
    };
    let compiled = lapwing_rules::compile(&[source], &lapwing_rules::Settings::default());
    assert_eq!(compiled.counts.refused, 0, "{:?}", compiled.diagnostics);
    assert_eq!(compiled.counts.unsupported, 0, "{:?}", compiled.diagnostics);
    let pack = Arc::new(Pack::from_bytes(compiled.pack).unwrap());
    Pipeline::new(Detector::new(pack), PipelineSettings::default())
}

fn alerts_of(pipeline: &mut Pipeline<Detector>, capture: &Path) -> Vec<Alert> {
    let mut alerts = Alerts::default();
    replay(
        &[capture.to_owned()],
        Worlds::Separate,
        pipeline,
        &mut alerts,
    );
    alerts.0
}

/// A policy drawn at random, as its file says it and as the test knows it.
struct Drawn {
    text: String,
    home: Vec<(IpAddr, u8)>,
    home_rule: &'static str,
    others_rule: &'static str,
    mode: &'static str,
    severities: BTreeSet<u8>,
    fields: BTreeSet<&'static str>,
    facts: BTreeSet<FactKind>,
    lists: BTreeSet<&'static str>,
    findings: bool,
    summaries: bool,
}

const FIELDS: [&str; 8] = [
    "source_address",
    "destination_address",
    "source_port",
    "destination_port",
    "app_protocol",
    "direction",
    "traffic",
    "flow_start",
];

fn some_of<T: Copy + Ord>(entropy: &mut Entropy, all: &[T]) -> BTreeSet<T> {
    let of_four = entropy.below(5);
    all.iter()
        .copied()
        .filter(|_| entropy.below(4) < of_four)
        .collect()
}

fn draw(entropy: &mut Entropy, seen: &[IpAddr]) -> Drawn {
    let mut home = Vec::new();
    for address in seen {
        let lengths: &[u8] = if address.is_ipv4() {
            &[32, 24, 16, 8]
        } else {
            &[128, 64, 48, 32]
        };
        if entropy.below(3) > 0 {
            home.push((*address, *entropy.pick(lengths)));
        }
    }
    home.truncate(64);
    if home.is_empty() {
        home.push(("10.0.0.0".parse().unwrap(), 8));
    }
    let mut drawn = Drawn {
        text: String::new(),
        home,
        home_rule: entropy.pick::<&str>(&["withhold", "pseudonym", "pseudonym-without-prefixes"]),
        others_rule: entropy.pick::<&str>(&["clear", "clear", "clear", "withhold"]),
        mode: entropy.pick::<&str>(&["full", "full", "full", "dns-only", "indicators-only"]),
        severities: some_of(entropy, &[1, 2, 3, 4]),
        fields: some_of(entropy, &FIELDS),
        facts: some_of(entropy, FactKind::NAMED),
        lists: some_of(entropy, &["rules", "sources", "destinations"]),
        findings: entropy.below(8) > 0,
        summaries: entropy.below(8) > 0,
    };
    let quoted = |words: Vec<String>| {
        let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
        format!("[{}]", words.join(", "))
    };
    let networks = drawn
        .home
        .iter()
        .map(|(address, length)| masked(*address, *length));
    drawn.text = format!(
        "format = 1\nserial = 1\nsite = \"s\"\noperator = \"o\"\nmode = \"{}\"\n\
         [findings]\nsend = {}\nseverities = {:?}\nfields = {}\nfacts = {}\n\
         [addresses]\nhome_networks = {}\nhome = \"{}\"\nothers = \"{}\"\n\
         [summaries]\nsend = {}\ntop_lists = {}\n",
        drawn.mode,
        drawn.findings,
        drawn.severities.iter().collect::<Vec<_>>(),
        quoted(drawn.fields.iter().map(ToString::to_string).collect()),
        quoted(
            drawn
                .facts
                .iter()
                .map(|kind| kind.name().to_owned())
                .collect()
        ),
        quoted(networks.collect()),
        drawn.home_rule,
        drawn.others_rule,
        drawn.summaries,
        quoted(drawn.lists.iter().map(ToString::to_string).collect()),
    );
    drawn
}

fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

/// The bits of an address that a prefix has.
fn prefix(address: IpAddr, length: u8) -> u128 {
    let (value, width) = bits(address);
    value.checked_shr(u32::from(width - length)).unwrap_or(0)
}

fn masked(address: IpAddr, length: u8) -> String {
    let (_, width) = bits(address);
    let kept = prefix(address, length)
        .checked_shl(u32::from(width - length))
        .unwrap_or(0);
    let network = if address.is_ipv4() {
        IpAddr::from(u32::try_from(kept).unwrap().to_be_bytes())
    } else {
        IpAddr::from(Ipv6Addr::from(kept))
    };
    format!("{network}/{length}")
}

impl Drawn {
    fn is_home(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.home.iter().any(|(network, length)| {
            let network = network.to_canonical();
            network.is_ipv4() == address.is_ipv4()
                && bits(network).1 >= *length
                && prefix(network, *length) == prefix(address, *length)
        })
    }
}

/// Every way in which this test looks for an address in text.
fn spellings(address: IpAddr) -> Vec<String> {
    let address = address.to_canonical();
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, d] = four.octets();
            vec![
                four.to_string(),
                format!("{a},{b},{c},{d}"),
                format!("{a}-{b}-{c}-{d}"),
                format!("{a}%2E{b}%2E{c}%2E{d}"),
                format!("{d}.{c}.{b}.{a}.in-addr.arpa"),
            ]
        }
        IpAddr::V6(six) => {
            let full: Vec<_> = six
                .segments()
                .iter()
                .map(|segment| format!("{segment:04x}"))
                .collect();
            let nibbles: Vec<_> = full.concat().chars().rev().map(String::from).collect();
            let plain: Vec<_> = six
                .segments()
                .iter()
                .map(|segment| format!("{segment:x}"))
                .collect();
            vec![
                six.to_string(),
                full.join(":"),
                plain.join(":"),
                format!("{}.ip6.arpa", nibbles.join(".")),
            ]
        }
    }
}

/// Whether a word stands in a text by itself, and not within a longer number.
fn stands_in(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let is_edge =
            |letter: Option<char>| letter.is_none_or(|letter| !letter.is_ascii_hexdigit());
        let is_v4_edge =
            |letter: Option<char>| letter.is_none_or(|letter| !letter.is_ascii_digit());
        let (before, rest) = text.split_at(at);
        let after = rest.strip_prefix(word).unwrap_or_default().chars().next();
        let before = before.chars().next_back();
        if word.contains(':') {
            is_edge(before) && is_edge(after)
        } else {
            is_v4_edge(before) && is_v4_edge(after)
        }
    })
}

/// All that can be read in a record, but for typed addresses.
fn texts(record: &Record) -> Vec<String> {
    match &record.body {
        RecordBody::Finding(finding) => {
            let facts = finding
                .facts
                .iter()
                .map(|fact| String::from_utf8_lossy(&fact.value).to_lowercase());
            facts.chain(finding.app_protocol.clone()).collect()
        }
        RecordBody::Summary(summary) => {
            let lists = summary.top_lists.iter().flat_map(|list| &list.entries);
            let values = lists.map(|entry| entry.value.clone());
            values
                .chain(summary.counters.iter().map(|counter| counter.name.clone()))
                .collect()
        }
        RecordBody::Heartbeat(heartbeat) => vec![heartbeat.software_version.clone()],
        _ => Vec::new(),
    }
}

/// Pseudonyms taken out of a text: they may look like any address.
fn without_pseudonyms(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("p1~") {
        out.push_str(before);
        out.push('?');
        rest = behind.split_once('~').map_or("", |(_, rest)| rest);
    }
    out + rest
}

fn check_finding(drawn: &Drawn, key: &EpochKey, finding: &Finding) {
    assert!(drawn.findings);
    assert!(drawn.severities.contains(&finding.severity.get().min(4)));
    let allows = |field| drawn.fields.contains(field);
    for (end, address, port) in [
        (&finding.source, "source_address", "source_port"),
        (
            &finding.destination,
            "destination_address",
            "destination_port",
        ),
    ] {
        assert!(end.port.is_none() || allows(port));
        match end.address {
            DisclosedAddress::Withheld => {}
            DisclosedAddress::Clear(address_told) => {
                assert!(allows(address) && drawn.others_rule == "clear");
                assert!(!drawn.is_home(address_told), "{address_told} left in clear");
            }
            DisclosedAddress::Pseudonym {
                address: pseudonym,
                key_epoch,
            } => {
                let mode = match drawn.home_rule {
                    "pseudonym" => PseudonymMode::KeepPrefixes,
                    "pseudonym-without-prefixes" => PseudonymMode::WithoutPrefixes,
                    other => panic!("a pseudonym where the policy says {other}"),
                };
                assert!(allows(address) && key_epoch == 1);
                assert!(drawn.is_home(key.resolve(pseudonym, mode)));
            }
        }
    }
    assert!(finding.app_protocol.is_none() || allows("app_protocol"));
    assert!(finding.traffic == Default::default() || allows("traffic"));
    assert!(finding.flow_start_milliseconds.is_none() || allows("flow_start"));
    assert!(finding.direction == lapwing_wire::Direction::Unknown || allows("direction"));
    for fact in &finding.facts {
        assert!(drawn.facts.contains(&fact.kind), "{:?}", fact.kind);
    }
    match drawn.mode {
        "dns-only" => assert!(
            finding
                .app_protocol
                .as_deref()
                .is_none_or(|name| name == "dns")
        ),
        "indicators-only" => panic!("a rule told something, and only indicators may"),
        _ => {}
    }
}

/// A site with a policy, whose outbox is read again.
struct Site {
    folder: tempfile::TempDir,
    key: EpochKey,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        isp_key::generate(
            &folder.path().join("isp.key"),
            &folder.path().join("isp.pub"),
        )
        .unwrap();
        let key = EpochKey::from_bytes(
            1,
            std::array::from_fn(|at| u8::try_from(at).unwrap()),
            [7; 16],
        )
        .unwrap();
        let mut keys = PseudonymKeys::default();
        keys.add(key.clone(), String::new());
        fs::write(
            folder.path().join("pseudonyms.keys"),
            keys.to_text().as_bytes(),
        )
        .unwrap();
        Self { folder, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What leaves of these alerts under a policy.
    fn records(&self, drawn: &Drawn, alerts: &[Alert]) -> Vec<Record> {
        let key = isp_key::read(&self.path("isp.key")).unwrap();
        let signed = signed::sign(&drawn.text, &key, 0)
            .unwrap_or_else(|error| panic!("{error}\n{}", drawn.text));
        fs::write(self.path("policy.signed"), signed).unwrap();
        let source = PolicySource {
            file: self.path("policy.signed"),
            isp_key: self.path("isp.pub"),
            pseudonym_keys: Some(self.path("pseudonyms.keys")),
            ledger_key: None,
        };
        let outbox = self.path("outbox");
        drop(fs::remove_dir_all(&outbox));
        let writer = OutboxWriter::open(&outbox, lapwing_outbox::Settings::default()).unwrap();
        let about = About {
            gathering: Gathering {
                window_nanoseconds: 60 * Timestamp::NANOSECONDS_PER_SECOND,
                open_findings_max: 4096,
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
        let policy = PolicyInForce::read(Some(source), self.folder.path());
        assert!(policy.current().is_ok(), "{:?}", policy.current());
        let mut recorder = Recorder::new(about, writer, policy);
        for alert in alerts {
            recorder.alert(alert);
        }
        recorder.finish().unwrap();
        let waits = peek(&outbox, usize::MAX, None).unwrap();
        let left = opened(&waits);
        assert_eq!(left, waits, "what was sealed is what waited");
        left
    }
}

/// Seals what waits, as the uplink does, and opens the envelopes as the centre does.
fn opened(waits: &[Record]) -> Vec<Record> {
    let device = SigningKey::from_bytes(&[3; 32]);
    let centre = SealingPrivateKey::from_bytes([4; 32]).unwrap();
    let public = device.verifying_key().to_bytes();
    let sealing = centre.public_key().unwrap();
    let sealer = Sealer::new(device, sealing, CompressionLevel::DEFAULT);
    let mut records = Vec::new();
    for (number, part) in (0..).zip(waits.chunks(1000)) {
        let identity = BatchIdentity {
            sensor: SensorId([7; 16]),
            epoch: Epoch(1),
            number: BatchNumber(number),
        };
        let envelope = sealer
            .seal(identity, BatchDigest::NONE, part, &mut rand::rng())
            .unwrap();
        let received = ReceivedEnvelope::parse(envelope.bytes).unwrap();
        let batch = received.verify(&public).unwrap().open(&centre).unwrap();
        records.extend(batch.records);
    }
    // A batch has its records by kind.
    records.sort_by_key(|record| (record.header.lane, record.header.number));
    records
}

/// Holds random policies against the alerts of one capture; gives how many findings left.
fn hold(site: &Site, entropy: &mut Entropy, alerts: &[Alert], policies: usize) -> usize {
    let seen: BTreeSet<IpAddr> = alerts
        .iter()
        .flat_map(|alert| [alert.ends.source, alert.ends.destination])
        .collect();
    let seen: Vec<IpAddr> = seen.into_iter().collect();
    let mut told = 0;
    for _ in 0..policies {
        let drawn = draw(entropy, &seen);
        let homes: Vec<IpAddr> = seen
            .iter()
            .copied()
            .filter(|address| drawn.is_home(*address))
            .collect();
        let words: Vec<String> = homes
            .iter()
            .flat_map(|address| spellings(*address))
            .collect();
        let records = site.records(&drawn, alerts);
        for record in &records {
            match &record.body {
                RecordBody::Finding(finding) => {
                    told += 1;
                    check_finding(&drawn, &site.key, finding);
                }
                RecordBody::Summary(summary) => {
                    assert!(drawn.summaries && summary.top_lists.len() <= drawn.lists.len());
                }
                RecordBody::Heartbeat(_) => {}
                other => panic!("{other:?}"),
            }
            for text in texts(record) {
                let text = without_pseudonyms(&text);
                for word in &words {
                    assert!(
                        !stands_in(&text, word),
                        "{word} left in {text:?}\n{}",
                        drawn.text
                    );
                }
            }
        }
    }
    told
}

#[test]
fn generated_cases_tell_nothing_that_is_forbidden() {
    let site = Site::new();
    let mut pipeline = pipeline();
    let mut entropy = Entropy::new(20_261_130);
    let mut told = BTreeMap::new();
    for case in cases::all().unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let capture = case.make_capture(folder.path()).unwrap();
        let alerts = alerts_of(&mut pipeline, &capture);
        told.insert(
            case.name.clone(),
            hold(&site, &mut entropy, &alerts, POLICIES_A_CASE),
        );
    }
    assert!(told.values().sum::<usize>() > 1000, "{told:?}");
}

fn captures_below(folder: &Path, captures: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            captures_below(&path, captures);
        } else if extension.contains("cap") {
            captures.push(path);
        }
    }
    captures.sort();
}

#[test]
fn captures_of_the_world_tell_nothing_that_is_forbidden() {
    let Some(folder) = env::var_os("LAPWING_CONFORMANCE") else {
        eprintln!("skipped: LAPWING_CONFORMANCE names no conformance corpus");
        return;
    };
    let mut captures = Vec::new();
    captures_below(&Path::new(&folder).join("corpus"), &mut captures);
    let site = Site::new();
    let mut pipeline = pipeline();
    let mut entropy = Entropy::new(7);
    let mut told = 0;
    for capture in &captures {
        let alerts = alerts_of(&mut pipeline, capture);
        if !alerts.is_empty() {
            told += hold(&site, &mut entropy, &alerts, POLICIES_A_CAPTURE);
        }
    }
    eprintln!("{} captures, {told} findings left", captures.len());
    assert!(told > 3_000, "{told}");
}
