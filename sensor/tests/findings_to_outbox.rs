//! From alerts to what a reader of the disk finds: under a policy, without one, and when the policy changes.
#![allow(clippy::unwrap_used)]

mod stored;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use lapwing_outbox::OutboxWriter;
use lapwing_rules::model::{Action, RuleId, Severity};
use lapwing_sensor::{
    decode::Ends,
    detect::Alert,
    findings::{About, FindingsThread, Gathering, Recorder, RuleCounts, RulesNow, Totals},
    policy::{PolicyInForce, TEMPLATE, isp_key, signed},
    settings::PolicySource,
    time::Timestamp,
};
use lapwing_wire::{DisclosedAddress, Lane, PackDigest, RecordBody};
use stored::{Stored, stored_records};

const HOUR_SECONDS: u64 = 3600;

/// A state folder with a signed policy in it.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        isp_key::generate(
            &folder.path().join("isp.key"),
            &folder.path().join("isp.pub"),
        )
        .unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sign(&self, text: &str) {
        let key = isp_key::read(&self.path("isp.key")).unwrap();
        fs::write(
            self.path("policy.signed"),
            signed::sign(text, &key, 0).unwrap(),
        )
        .unwrap();
    }

    fn policy(&self) -> PolicyInForce {
        let source = PolicySource {
            file: self.path("policy.signed"),
            isp_key: self.path("isp.pub"),
            pseudonym_keys: None,
            ledger_key: None,
        };
        PolicyInForce::read(Some(source), self.folder.path())
    }

    fn recorder(&self, policy: PolicyInForce) -> Recorder {
        let about = About {
            gathering: Gathering {
                window_nanoseconds: 60 * Timestamp::NANOSECONDS_PER_SECOND,
                open_findings_max: 16,
                urgent: Severity(1),
            },
            heartbeat: Duration::from_secs(3600),
            rules: RulesNow {
                counts: RuleCounts {
                    loaded: 5,
                    unsupported: 1,
                },
                pack: PackDigest([9; 32]),
                admission: Default::default(),
            },
            is_live: false,
            tells_digests: false,
            board_status: None,
        };
        let outbox =
            OutboxWriter::open(&self.outbox(), lapwing_outbox::Settings::default()).unwrap();
        Recorder::new(about, outbox, policy)
    }

    fn outbox(&self) -> PathBuf {
        self.path("outbox")
    }
}

fn alert(seconds: u64, sid: u32, severity: u8, source: &str) -> Alert {
    Alert {
        time: Timestamp(seconds * Timestamp::NANOSECONDS_PER_SECOND),
        rule: RuleId {
            gid: 1,
            sid,
            rev: 1,
        },
        rule_index: 0,
        action: Action::Alert,
        severity: Severity(severity),
        icmp: None,
        ends: Ends {
            source: source.parse().unwrap(),
            destination: "203.0.113.9".parse().unwrap(),
            source_port: 40000,
            destination_port: 443,
        },
        protocol: 6,
        flow: None,
        flow_start: None,
        counters: Default::default(),
        direction: None,
        app_protocol: None,
        vlans: heapless::Vec::new(),
        facts: Vec::new(),
    }
}

/// Alerts over a bit more than an hour, some from a subscriber.
fn hour_of_alerts() -> Vec<Alert> {
    let each = |second: u64| {
        let number = u32::try_from(second).unwrap();
        let severity = u8::try_from(second % 4 + 1).unwrap();
        let source = if second.is_multiple_of(3) {
            "10.1.2.3"
        } else {
            "198.51.100.7"
        };
        alert(
            HOUR_SECONDS + second * 20,
            100 + number % 4,
            severity,
            source,
        )
    };
    (0..200).map(each).collect()
}

fn run(recorder: Recorder, alerts: &[Alert]) -> Totals {
    let thread = FindingsThread::start(recorder, |_| {}).unwrap();
    let inlet = thread.inlet(0);
    for alert in alerts {
        assert!(inlet.alert(alert.clone()));
    }
    drop(inlet);
    thread.finish().unwrap()
}

fn kinds(records: &[Stored]) -> (usize, usize, usize) {
    let count = |is: fn(&RecordBody) -> bool| {
        records
            .iter()
            .filter(|stored| is(&stored.record.body))
            .count()
    };
    (
        count(|body| matches!(body, RecordBody::Heartbeat(_))),
        count(|body| matches!(body, RecordBody::Summary(_))),
        count(|body| matches!(body, RecordBody::Finding(_))),
    )
}

fn contains(folder: &Path, needle: &[u8]) -> bool {
    let files = fs::read_dir(folder.join("records")).unwrap();
    files.into_iter().any(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
fn findings_summaries_and_heartbeats_are_stored_under_their_policy() {
    let site = Site::new();
    site.sign(TEMPLATE);
    let policy = site.policy();
    let digest = policy.current().unwrap().digest();
    let totals = run(site.recorder(policy), &hour_of_alerts());
    let records = stored_records(&site.outbox());
    let (heartbeats, summaries, findings) = kinds(&records);
    // The alerts reach into a second hour; one heartbeat at the start and one at the end.
    assert_eq!((heartbeats, summaries), (2, 2));
    assert_eq!(findings as u64, totals.findings_appended);
    assert_eq!(
        totals.findings,
        totals.findings_appended + totals.findings_suppressed
    );
    assert!(totals.findings_suppressed > 0 && totals.records_lost == 0);
    let mut alerts_told = 0;
    let mut alerts_summed = 0;
    for Stored { record, .. } in &records {
        assert_eq!(record.header.policy, Some(digest));
        match &record.body {
            RecordBody::Finding(finding) => {
                assert!(finding.severity.get() <= 3);
                assert_eq!(record.header.lane, Lane::of_severity(finding.severity));
                alerts_told += finding.count;
                let is_outside = finding.source.address
                    == DisclosedAddress::Clear("198.51.100.7".parse().unwrap());
                assert!(is_outside || finding.source.address == DisclosedAddress::Withheld);
            }
            RecordBody::Summary(summary) => {
                alerts_summed += summary.alerts;
                assert_eq!((summary.rules_loaded, summary.rules_unsupported), (5, 1));
                assert!(
                    summary
                        .top_lists
                        .iter()
                        .flat_map(|list| &list.entries)
                        .all(|entry| entry.value != "10.1.2.3")
                );
            }
            _ => {}
        }
    }
    // Severity 4 stays here; everything else is told, and the summaries account for all.
    assert_eq!((alerts_told, alerts_summed, totals.alerts), (150, 200, 200));
    assert!(!contains(&site.outbox(), &[10, 1, 2, 3]));
}

#[test]
fn without_a_valid_policy_only_heartbeats_are_stored() {
    let not_signed = Site::new();
    fs::write(not_signed.path("policy.signed"), TEMPLATE).unwrap();
    let by_another_key = Site::new();
    by_another_key.sign(TEMPLATE);
    fs::copy(not_signed.path("isp.pub"), by_another_key.path("isp.pub")).unwrap();
    for site in [Site::new(), not_signed, by_another_key] {
        let policy = site.policy();
        assert!(policy.current().is_err());
        let totals = run(site.recorder(policy), &hour_of_alerts());
        let records = stored_records(&site.outbox());
        assert_eq!(kinds(&records), (2, 0, 0));
        assert!(
            records
                .iter()
                .all(|stored| stored.record.header.policy.is_none())
        );
        assert_eq!(totals.findings_suppressed, totals.findings);
        assert!(totals.findings > 0);
        for address in [[10, 1, 2, 3], [198, 51, 100, 7], [203, 0, 113, 9]] {
            assert!(!contains(&site.outbox(), &address));
        }
    }
}

#[test]
fn a_policy_that_is_taken_away_stops_findings_at_once() {
    let site = Site::new();
    site.sign(TEMPLATE);
    let mut recorder = site.recorder(site.policy());
    recorder.alert(&alert(1, 7, 1, "198.51.100.7"));
    fs::remove_file(site.path("policy.signed")).unwrap();
    recorder.tick();
    recorder.alert(&alert(2, 8, 1, "198.51.100.7"));
    assert_eq!(recorder.totals().findings_appended, 1);
    // A narrower policy comes; an older one does not come back.
    site.sign(
        &TEMPLATE
            .replace("serial = 1 ", "serial = 2 ")
            .replace("others = \"clear\"", "others = \"withhold\""),
    );
    recorder.tick();
    recorder.alert(&alert(3, 9, 1, "198.51.100.7"));
    site.sign(TEMPLATE);
    // Another length, so that the change is seen even within one tick of the file system's clock.
    let signed = fs::read_to_string(site.path("policy.signed")).unwrap();
    fs::write(site.path("policy.signed"), signed + "\n\n").unwrap();
    recorder.tick();
    recorder.alert(&alert(4, 10, 1, "198.51.100.7"));
    recorder.finish().unwrap();
    drop(recorder);
    let records = stored_records(&site.outbox());
    let findings = records
        .iter()
        .filter_map(|stored| match &stored.record.body {
            RecordBody::Finding(finding) => Some((finding.rule.sid, finding.source.address)),
            _ => None,
        });
    let clear = DisclosedAddress::Clear("198.51.100.7".parse().unwrap());
    assert_eq!(
        findings.collect::<Vec<_>>(),
        [(7, clear), (9, DisclosedAddress::Withheld)]
    );
}

#[test]
fn numbers_go_on_after_a_restart() {
    let site = Site::new();
    site.sign(TEMPLATE);
    for _ in 0..3 {
        run(site.recorder(site.policy()), &hour_of_alerts());
    }
    let records = stored_records(&site.outbox());
    for lane in Lane::ALL {
        let numbers = records
            .iter()
            .filter(|stored| stored.lane == lane)
            .map(|stored| stored.number);
        let numbers = numbers.collect::<Vec<_>>();
        assert_eq!(
            numbers,
            (0..numbers.len() as u64).collect::<Vec<_>>(),
            "{lane}"
        );
    }
}
