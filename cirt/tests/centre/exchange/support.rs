//! A centre with findings to share, peers to share with, and the programs of others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lapwing_cirt::enrolment::CertificateAuthority;
use lapwing_cirt::exchange::{
    Agreement, ExchangeSettings, Kind, PeerKind, Producer, SharedFinding, Tlp, selection,
};
use lapwing_cirt::query::{FindingQuery, Scope};
use lapwing_cirt::settings::DataFolder;
use lapwing_cirt::store::{RuleText, Store};
use lapwing_wire::{AckState, DisclosedAddress, FactKind, ReceivedEnvelope};

use crate::support::{Sample, TestCentre, clear};

/// What the centre says of itself.
const SETTINGS: &str = "organisation = \"CIRT of Examplia\"\ncountry = \"EX\"\ncontact = \"cirt@cirt.example\"\n\
                        own_networks = [\"192.0.2.0/24\", \"2001:db8:1::/48\"]\n";

/// When the findings arrived.
pub(crate) const ARRIVED: &str = "2026-05-01T12:01:00Z";

/// A centre whose one sensor found so many things.
pub(crate) fn centre(findings: u64) -> TestCentre {
    centre_with(findings, "")
}

/// The same with more in its settings.
pub(crate) fn centre_with(findings: u64, more: &str) -> TestCentre {
    centre_of((0..findings).map(sample), more)
}

/// The same with findings of this moment: a served feed reaches back some days.
pub(crate) fn centre_of_today(findings: u64, more: &str) -> TestCentre {
    let now: &'static str = format!("{:.3}", Timestamp::now()).leak();
    let today = |sample: Sample| Sample {
        time: now,
        ..sample
    };
    centre_of((0..findings).map(sample).map(today), more)
}

fn centre_of(samples: impl Iterator<Item = Sample>, more: &str) -> TestCentre {
    let centre = TestCentre::new();
    let settings = format!("{SETTINGS}{more}");
    std::fs::write(ExchangeSettings::path(&centre.folder), settings).unwrap();
    let device = centre.enrolled_device_named("isp-a", [0x11; 16]);
    let store = centre.store();
    store.import_rules("test", &rules()).unwrap();
    let records: Vec<_> = samples.map(|sample| sample.record()).collect();
    let envelope = device.seal(centre.sealing_key(), 0, &records);
    let enrolment = store.enrolment(&device.public_key()).unwrap().unwrap();
    let verified = ReceivedEnvelope::parse(envelope.bytes)
        .unwrap()
        .verify(&device.public_key())
        .unwrap();
    let arrived = ARRIVED.parse().unwrap();
    assert_eq!(
        store
            .accept_batch(enrolment.sensor, &verified, arrived)
            .unwrap(),
        AckState::Stored
    );
    centre.loader().run(&store).unwrap();
    centre
}

/// Findings of every shape: IPv4 and IPv6, hidden and pseudonymous ends, with and without a known rule.
fn sample(number: u64) -> Sample {
    let mut sample = Sample::numbered(number);
    sample.sid = 9_000_001 + u32::try_from(number % 4).unwrap();
    sample.priority = 1 + u32::try_from(number % 3).unwrap();
    sample.destination = clear(&format!("198.51.100.{}", 1 + number % 200));
    match number % 5 {
        1 => sample.source = DisclosedAddress::Withheld,
        2 => {
            sample.source = DisclosedAddress::Pseudonym {
                address: "203.0.113.77".parse().unwrap(),
                key_epoch: 1,
            }
        }
        3 => {
            sample.source = clear("2001:db8:1::7");
            sample.destination = clear("2001:db8:ffff::1");
            sample.facts = vec![(FactKind::DnsQuery, b"malware.example.")];
        }
        4 => {
            sample.facts = vec![
                (FactKind::TlsSni, b"c2.example"),
                (FactKind::UserName, b"maria"),
            ]
        }
        _ => {}
    }
    sample
}

/// Texts of all rules but the last.
fn rules() -> Vec<RuleText> {
    let classes = [
        "trojan-activity",
        "attempted-recon",
        "web-application-attack",
    ];
    (0u32..)
        .zip(classes)
        .map(|(number, class)| {
            let sid = 9_000_001 + number;
            RuleText {
                gid: 1,
                sid,
                rev: 2,
                message: format!("LAPWING TEST rule {number}"),
                class_type: Some(class.to_owned()),
                category: None,
                severity: Some(1),
                references: vec!["https://www.example.org/".to_owned()],
                body: format!(
                    "alert http any any -> any any (msg:\"LAPWING TEST rule {number}\"; content:\"x\"; classtype:{class}; sid:{sid}; rev:2;)"
                ),
            }
        })
        .collect()
}

/// Who the centre is.
pub(crate) fn producer(centre: &TestCentre) -> Producer {
    Producer::of(
        &centre.folder,
        ExchangeSettings::load(&centre.folder).unwrap(),
    )
    .unwrap()
}

/// Who the centre would be if its certificates were always the same: for outputs that are compared.
pub(crate) fn fixed_producer() -> Producer {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DataFolder::new(temporary.path());
    std::fs::write(ExchangeSettings::path(&folder), SETTINGS).unwrap();
    let settings = ExchangeSettings::load(&folder).unwrap();
    Producer::new(settings, &[7; 32], "2026-01-01T00:00:00Z".parse().unwrap())
}

/// All findings, as they could be shared.
pub(crate) fn all_findings(store: &Store, producer: &Producer) -> Vec<SharedFinding> {
    selection::findings(store, producer, &FindingQuery::all(Scope::Nation), 10_000)
        .unwrap()
        .0
}

/// An agreement over everything up to a label.
pub(crate) fn agreement(reference: &str, ceiling: Tlp) -> Agreement {
    Agreement {
        reference: reference.parse().unwrap(),
        ceiling,
        kinds: BTreeSet::from([
            Kind::Finding,
            Kind::Indicator,
            Kind::Sighting,
            Kind::Statistic,
        ]),
        countries: BTreeSet::new(),
        smallest_count: 5,
        from: Timestamp::UNIX_EPOCH,
        until: None,
    }
}

/// A peer with an agreement and a password.
pub(crate) fn peer(store: &Store, name: &str, kind: PeerKind, ceiling: Tlp) -> String {
    store
        .add_peer("test", &name.parse().unwrap(), kind, None)
        .unwrap();
    store
        .agree("test", name, &agreement(&format!("paper-{name}"), ceiling))
        .unwrap();
    let password = lapwing_cirt::secrets::random_token();
    store
        .set_peer_password("test", name, &lapwing_cirt::secrets::token_hash(&password))
        .unwrap();
    password
}

/// The root certificate of a centre in a file, for programs that take PEM.
pub(crate) fn root_certificate(centre: &TestCentre) -> PathBuf {
    CertificateAuthority::load(&centre.folder).unwrap();
    centre.folder.key("root.crt.pem")
}

/// A Python with programs of others, put beside the built programs by `tools/setup`; a test without it says that it was skipped.
pub(crate) fn python(environment: &str) -> Option<PathBuf> {
    let running = std::env::current_exe().unwrap();
    let target = running.ancestors().nth(3).unwrap();
    let folder = target.join(environment);
    if folder.join("installed").is_file() {
        return Some(folder.join("bin/python"));
    }
    skipped(&folder);
    None
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skipped(folder: &Path) {
    eprintln!(
        "skipped: the programs of others are not in {}; tools/setup installs them",
        folder.display()
    );
}

/// One of our scripts that drive them.
pub(crate) fn script(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools/exchange");
    command.arg(tools.join(name));
    command
}

/// What a script printed as JSON.
pub(crate) fn told(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!(
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// What a program writes when it is ready.
pub(crate) fn wait_for_file(path: &Path) -> String {
    let begun = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return text;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{} never came",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A program that serves until the test is over.
pub(crate) struct Served(std::process::Child);

impl Served {
    /// Starts it; the second is the port it says in its file once it is ready.
    pub(crate) fn start(command: &mut Command, ready: &Path) -> (Self, String) {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        let served = Self(quiet.spawn().unwrap());
        (served, wait_for_file(ready))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A certificate for `localhost`: as text, and with its key in files.
pub(crate) fn self_signed(centre: &TestCentre) -> (String, PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = |name: &str, text: &str| {
        let path = centre.temporary.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let certificate = file("certificate.pem", &made.cert.pem());
    let key = file("key.pem", &made.signing_key.serialize_pem());
    (made.cert.pem(), certificate, key)
}
