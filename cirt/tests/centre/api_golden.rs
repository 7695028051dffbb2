//! The JSON forms, byte for byte. `UPDATE=1` writes them anew; the difference is what a reviewer looks at.

use std::path::Path;

use jiff::Timestamp;
use lapwing_cirt::api::{FindingsView, SummaryView};
use lapwing_cirt::enrolment::secret_hash;
use lapwing_cirt::query::{FindingQuery, Scope};
use lapwing_cirt::store::RuleText;
use lapwing_wire::{DisclosedAddress, FactKind, ReceivedEnvelope, SensorId};

use crate::support::{Device, Sample, TestCentre};

fn compare(name: &str, value: &impl serde::Serialize) {
    let text = format!("{}\n", serde_json::to_string_pretty(value).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/centre/golden")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        text,
        "{name}: run with UPDATE=1 if this is meant"
    );
}

#[test]
fn the_json_forms_stay() {
    let centre = TestCentre::new();
    let store = centre.store();
    let voucher = centre.voucher("isp-a", true);
    let mut device = Device::new();
    let arrived: Timestamp = "2026-05-01T12:01:00Z".parse().unwrap();
    let enrolment = store
        .redeem_voucher(
            &secret_hash(&voucher.secret),
            &device.public_key(),
            &[0x11; 16],
            "",
            arrived,
        )
        .unwrap()
        .unwrap();
    device.sensor = SensorId(enrolment.identity);
    let samples = [
        Sample::numbered(0),
        Sample {
            time: "2026-05-01T13:30:00Z",
            sid: 9_000_002,
            priority: 1,
            source: DisclosedAddress::Pseudonym {
                address: "203.0.113.77".parse().unwrap(),
                key_epoch: 4,
            },
            destination: DisclosedAddress::Withheld,
            facts: vec![
                (FactKind::TlsSni, b"bad.example"),
                (FactKind::Other(900), b"\xff\n"),
            ],
            ..Sample::numbered(2)
        },
    ];
    let records: Vec<_> = samples.iter().map(Sample::record).collect();
    let envelope = device.seal(centre.sealing_key(), 0, &records);
    let verified = ReceivedEnvelope::parse(envelope.bytes)
        .unwrap()
        .verify(&device.public_key())
        .unwrap();
    store
        .accept_batch(enrolment.sensor, &verified, arrived)
        .unwrap();
    centre.loader().run(&store).unwrap();
    let rule = RuleText {
        gid: 1,
        sid: 9_000_001,
        rev: 2,
        message: "LAPWING test rule".to_owned(),
        class_type: Some("trojan-activity".to_owned()),
        category: Some("A Network Trojan was detected".to_owned()),
        severity: Some(2),
        references: vec!["https://example.org/1".to_owned()],
        body: "alert".to_owned(),
    };
    store.import_rules("test", &[rule]).unwrap();

    let query = FindingQuery::all(Scope::Nation);
    compare(
        "findings.json",
        &FindingsView::from(&store.findings(&query, None, 10).unwrap()),
    );
    compare(
        "summary.json",
        &SummaryView::of(
            &store.activity(&query).unwrap(),
            &store.sensor_totals(Scope::Nation).unwrap(),
        ),
    );
}
