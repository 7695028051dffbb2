//! A tightened policy also holds for what waits already: each record is held against the policy in force when it is sealed.
//!
//! A record of another policy loses what the new one does not let leave. One that may not leave at all becomes the record of its own
//! eviction, so that its number is told and nothing is missing without a word. Nothing is ever added: what a wider policy would have
//! told stays untold. Whether the new policy lets a finding's rule run, by its group, its list or whom it singles out, the sensor
//! process leaves word of ([`Admitted`]); until it has, findings of another policy wait.
//!
//! Where no policy is in force what waits stays where it is, sealed batches too, until there is one again. Heartbeats go on leaving; what
//! stands before them in their lane, summaries, is told as dropped, by its number alone.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use lapwing_rules::model::RuleId;
use lapwing_wire::{
    DisclosedAddress, Eviction, EvictionReason, Fact, Facts, Finding, PolicyDigest, Record,
    RecordBody, RecordFilter, Severity, Summary, Traffic,
};

use super::{
    AddressRule, Admitted, Disclosure, Field, Mode, Policy, TopList, in_force::signed_in_force,
    signed::SignedPolicy,
};
use crate::{clock::wall_milliseconds, settings::PolicySource};

/// Holds what is sealed against the policy in force.
pub struct QueueFilter {
    source: Option<PolicySource>,
    state: PathBuf,
    known: Mutex<Option<(Marks, Option<SignedPolicy>)>>,
    admitted: Mutex<Option<(PolicyDigest, Admitted)>>,
}

/// What changes when the policy or the ISP's key is replaced.
type Marks = [Option<(SystemTime, u64)>; 2];

impl QueueFilter {
    /// Reads the policy that the settings name anew whenever its file changes. The state folder tells which serials are too old.
    #[must_use]
    pub fn new(source: Option<PolicySource>, state: &Path) -> Self {
        Self {
            source,
            state: state.to_owned(),
            known: Mutex::new(None),
            admitted: Mutex::new(None),
        }
    }

    /// Does something with what the sensor says that a policy lets run, which is none while it has said nothing.
    fn with_admitted<T>(
        &self,
        policy: PolicyDigest,
        act: impl FnOnce(Option<&Admitted>) -> T,
    ) -> T {
        let mut known = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|(its, _)| *its != policy) {
            *known = Admitted::read(&self.state, policy).map(|admitted| (policy, admitted));
        }
        act(known.as_ref().map(|(_, admitted)| admitted))
    }

    /// The policy in force now, if there is one.
    #[must_use]
    pub fn current(&self) -> Option<SignedPolicy> {
        let source = self.source.as_ref()?;
        let marks = [&source.file, &source.isp_key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|(its, _)| *its != marks) {
            *known = Some((marks, signed_in_force(source, &self.state).ok()));
        }
        let (_, signed) = known.as_ref()?;
        let ends = |signed: &&SignedPolicy| signed.policy.valid_until_seconds;
        let now = wall_milliseconds() / 1000;
        let holds = |signed: &&SignedPolicy| ends(signed).is_none_or(|ends| now <= ends);
        signed.as_ref().filter(holds).cloned()
    }
}

impl fmt::Debug for QueueFilter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.source.as_ref().map(|source| &source.file);
        formatter.debug_tuple("QueueFilter").field(&file).finish()
    }
}

impl RecordFilter for QueueFilter {
    fn filter(&self, records: &mut [Record]) {
        let Some(signed) = self.current() else {
            return records.iter_mut().for_each(leave_only_the_books);
        };
        let runs = |finding: &Finding| {
            self.with_admitted(signed.digest, |admitted| {
                admitted.is_some_and(|admitted| admitted.admits(rule_of(finding)))
            })
        };
        for record in records {
            tighten(&signed.policy, signed.digest, &runs, record);
        }
    }

    fn can_judge(&self, records: &[Record]) -> Vec<bool> {
        let Some(signed) = self.current() else {
            return vec![true; records.len()];
        };
        let is_of_another = |record: &Record| {
            matches!(record.body, RecordBody::Finding(_))
                && record.header.policy != Some(signed.digest)
        };
        let knows = self.with_admitted(signed.digest, |admitted| admitted.is_some());
        if !knows && records.iter().any(is_of_another) {
            tracing::info!(
                "findings of another policy wait until the sensor holds its rules against this one"
            );
        }
        records
            .iter()
            .map(|record| knows || !is_of_another(record))
            .collect()
    }

    fn retention_days(&self) -> Option<u64> {
        self.current()?.policy.retention_days
    }

    fn is_closed(&self) -> bool {
        self.current().is_none()
    }
}

/// Leaves of a record what may be told without a policy.
fn leave_only_the_books(record: &mut Record) {
    if record.is_of_the_books() {
        return;
    }
    let eviction = match &record.body {
        RecordBody::Eviction(eviction) => *eviction,
        _ => eviction_of(record),
    };
    record.body = RecordBody::Eviction(Eviction {
        findings_by_severity: [0; Severity::CLASSES],
        ..eviction
    });
}

fn rule_of(finding: &Finding) -> RuleId {
    RuleId {
        gid: finding.rule.gid,
        sid: finding.rule.sid,
        rev: finding.rule.rev,
    }
}

/// Takes from a record what a policy does not let leave; `runs` says whether the policy lets the rule of a finding run. A record of
/// the same policy stays as it is.
fn tighten(
    policy: &Policy,
    digest: PolicyDigest,
    runs: &impl Fn(&Finding) -> bool,
    record: &mut Record,
) {
    if record.header.policy.is_none() || record.header.policy == Some(digest) {
        return;
    }
    let may_leave = match &mut record.body {
        RecordBody::Finding(finding) => runs(finding) && tighten_finding(policy, finding),
        RecordBody::Summary(summary) => tighten_summary(policy, summary),
        _ => return,
    };
    if !may_leave {
        record.body = RecordBody::Eviction(eviction_of(record));
    }
    record.header.policy = Some(digest);
}

fn eviction_of(record: &Record) -> Eviction {
    let mut findings_by_severity = [0; Severity::CLASSES];
    if let RecordBody::Finding(finding) = &record.body
        && let Some(count) = findings_by_severity.get_mut(finding.severity.class())
    {
        *count = 1;
    }
    Eviction {
        lane: record.header.lane,
        first: record.header.number,
        last: record.header.number,
        // The number itself is not missing: this record has it.
        count: 0,
        findings_by_severity,
        reason: EvictionReason::Operator,
        withdrawn: None,
    }
}

/// Whether anything of the finding may leave.
fn tighten_finding(policy: &Policy, finding: &mut Finding) -> bool {
    let Some(scope) = &policy.findings else {
        return false;
    };
    let is_dns = finding.app_protocol.as_deref() == Some("dns");
    let is_looked_at = match (finding.source.address, finding.destination.address) {
        (DisclosedAddress::Clear(source), DisclosedAddress::Clear(destination)) => {
            policy.mode.looks_at(source, destination)
        }
        // Without its ends nobody can say; what was looked at under the old policy may not be under this one.
        _ => !matches!(policy.mode, Mode::InfrastructureOnly(_)),
    };
    let runs = match policy.mode {
        Mode::Full | Mode::InfrastructureOnly(_) => true,
        Mode::DnsOnly => is_dns,
        Mode::IndicatorsOnly => finding.rule.gid == lapwing_rules::indicator::INDICATOR_GENERATOR,
    };
    if !scope.allows_severity(finding.severity)
        || !is_looked_at
        || !runs
        || !policy.rules.allows_origin(finding.rule.sid)
    {
        return false;
    }
    let allows = |field| scope.fields.contains(&field);
    for (end, address, port) in [
        (&mut finding.source, Field::SourceAddress, Field::SourcePort),
        (
            &mut finding.destination,
            Field::DestinationAddress,
            Field::DestinationPort,
        ),
    ] {
        end.address = if allows(address) {
            still_told(policy, end.address)
        } else {
            DisclosedAddress::Withheld
        };
        end.port = end.port.filter(|_| allows(port));
    }
    if !allows(Field::AppProtocol) {
        finding.app_protocol = None;
    }
    if !allows(Field::Direction) {
        finding.direction = lapwing_wire::Direction::Unknown;
    }
    if !allows(Field::Traffic) {
        finding.traffic = Traffic::default();
    }
    if !allows(Field::FlowStart) {
        finding.flow_start_milliseconds = None;
    }
    let before = std::mem::take::<Facts>(&mut finding.facts);
    for Fact { kind, value } in &before {
        let told = keyless(policy).text(value);
        if scope.facts.contains(kind) && told.is_some() {
            finding.facts.push(*kind, value);
        }
    }
    true
}

/// The same policy without a key: no new pseudonyms are made here, an address that would need one is withheld.
fn keyless(policy: &Policy) -> Disclosure<'_> {
    Disclosure {
        policy,
        pseudonyms: None,
    }
}

fn still_told(policy: &Policy, told: DisclosedAddress) -> DisclosedAddress {
    match told {
        DisclosedAddress::Clear(address) => keyless(policy).address(address),
        DisclosedAddress::Pseudonym { .. } if policy.home == AddressRule::Withhold => {
            DisclosedAddress::Withheld
        }
        other => other,
    }
}

/// Whether anything of the summary may leave.
fn tighten_summary(policy: &Policy, summary: &mut Summary) -> bool {
    let Some(lists) = &policy.summaries else {
        return false;
    };
    summary.top_lists.retain(|list| {
        TopList::ALL
            .iter()
            .any(|known| known.subject() == list.subject && lists.contains(known))
    });
    for list in &mut summary.top_lists {
        list.entries
            .retain(|entry| keyless(policy).text(entry.value.as_bytes()).is_some());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        findings::{Candidate, Withheld, release, test_alert},
        policy::{TEMPLATE, file},
    };
    use lapwing_wire::{BootId, ClockQuality, FactKind, Lane, RecordHeader, RecordNumber, Stamp};

    const OLD: PolicyDigest = PolicyDigest([1; 32]);
    const NEW: PolicyDigest = PolicyDigest([2; 32]);

    fn waiting() -> Record {
        let open =
            file::parse(&TEMPLATE.replace("home = \"withhold\"", "home = \"clear\"")).unwrap();
        let mut alert = test_alert("10.1.2.3", "203.0.113.9");
        alert.facts = vec![
            (crate::app_layer::FactKind::HttpHost, b"10.1.2.3".to_vec()),
            (
                crate::app_layer::FactKind::DnsQuery,
                b"name.example".to_vec(),
            ),
        ];
        let disclosure = Disclosure {
            policy: &open,
            pseudonyms: None,
        };
        let finding = release(
            disclosure,
            &Candidate::new(&alert),
            &mut Withheld::default(),
        )
        .unwrap();
        let header = RecordHeader {
            lane: Lane::Normal,
            number: RecordNumber(5),
            time: Stamp {
                wall_milliseconds: 1,
                monotonic_milliseconds: 1,
                boot: BootId([0; 16]),
                quality: ClockQuality::Capture,
            },
            policy: Some(OLD),
        };
        Record::new(header, RecordBody::Finding(finding)).unwrap()
    }

    fn tightened(text: &str) -> Record {
        let mut record = waiting();
        tighten(&file::parse(text).unwrap(), NEW, &|_| true, &mut record);
        assert_eq!(record.header.policy, Some(NEW));
        record
    }

    #[test]
    fn what_waits_loses_what_the_new_policy_keeps() {
        let RecordBody::Finding(before) = waiting().body else {
            panic!();
        };
        assert!(matches!(before.source.address, DisclosedAddress::Clear(_)));
        assert_eq!(before.facts.len(), 2);
        let RecordBody::Finding(finding) = tightened(TEMPLATE).body else {
            panic!();
        };
        assert_eq!(finding.source.address, DisclosedAddress::Withheld);
        assert_eq!(finding.destination.address, before.destination.address);
        assert!(finding.facts.get(FactKind::HttpHost).is_none());
        assert!(finding.facts.get(FactKind::DnsQuery).is_some());
        let few = TEMPLATE
            .replace("\"source_port\", ", "")
            .replace("\"dns.query\", ", "");
        let RecordBody::Finding(finding) = tightened(&few).body else {
            panic!();
        };
        assert!(finding.source.port.is_none() && finding.facts.is_empty());
    }

    #[test]
    fn what_may_not_leave_any_more_is_told_as_evicted() {
        for text in [
            TEMPLATE.replace("severities = [1, 2, 3]", "severities = [4]"),
            TEMPLATE.replace("send = true", "send = false"),
            TEMPLATE.replace("serial = 1 ", "mode = \"dns-only\"\nserial = 1 "),
            format!("{TEMPLATE}\n[rules]\norigins = [\"7-8\"]\n"),
        ] {
            let record = tightened(&text);
            let RecordBody::Eviction(eviction) = record.body else {
                panic!("{:?}", record.body);
            };
            assert_eq!((eviction.first, eviction.count), (record.header.number, 0));
            assert_eq!(eviction.findings_by_severity.iter().sum::<u64>(), 1);
        }
    }

    /// Writes a signed policy; the file's length differs from serial to serial only where its text does.
    fn sign(folder: &Path, text: &str) -> PolicySource {
        let path = |name: &str| folder.join(name);
        if !path("isp.key").exists() {
            crate::policy::isp_key::generate(&path("isp.key"), &path("isp.pub")).unwrap();
        }
        let key = crate::policy::isp_key::read(&path("isp.key")).unwrap();
        let signed = crate::policy::signed::sign(text, &key, 0).unwrap();
        fs::write(path("policy.signed"), signed).unwrap();
        PolicySource {
            file: path("policy.signed"),
            isp_key: path("isp.pub"),
            pseudonym_keys: None,
            ledger_key: None,
        }
    }

    #[test]
    fn without_a_policy_nothing_is_left_but_the_books() {
        let folder = tempfile::tempdir().unwrap();
        let source = sign(folder.path(), TEMPLATE);
        let filter = QueueFilter::new(Some(source.clone()), folder.path());
        assert!(!filter.is_closed());
        fs::remove_file(&source.file).unwrap();
        for filter in [filter, QueueFilter::new(None, folder.path())] {
            assert!(filter.is_closed());
            let mut records = [waiting()];
            filter.filter(&mut records);
            let RecordBody::Eviction(eviction) = records[0].body else {
                panic!("{records:?}");
            };
            assert_eq!((eviction.first, eviction.count), (RecordNumber(5), 0));
            assert!(records[0].is_of_the_books());
        }
    }

    #[test]
    fn neither_an_older_nor_an_ended_policy_opens_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let source = sign(folder.path(), TEMPLATE);
        let is_closed = || QueueFilter::new(Some(source.clone()), folder.path()).is_closed();
        assert!(!is_closed());
        // The sensor has accepted a newer one.
        fs::write(folder.path().join("policy-serial"), "2\n").unwrap();
        assert!(is_closed());
        fs::remove_file(folder.path().join("policy-serial")).unwrap();
        sign(
            folder.path(),
            &TEMPLATE.replace("serial = 1 ", "serial = 1\nvalid_until = \"2026-01-31\" "),
        );
        assert!(is_closed());
    }

    #[test]
    fn a_record_of_the_same_policy_stays() {
        let mut record = waiting();
        tighten(
            &file::parse(TEMPLATE).unwrap(),
            OLD,
            &|_| false,
            &mut record,
        );
        assert_eq!(record, waiting());
    }

    /// The same record at another place, found by a rule of this number.
    fn found_by(sid: u32, lane: Lane, number: u64) -> Record {
        let mut record = waiting();
        (record.header.lane, record.header.number) = (lane, RecordNumber(number));
        if let RecordBody::Finding(finding) = &mut record.body {
            finding.rule.sid = sid;
        }
        record
    }

    #[test]
    fn rules_that_the_new_policy_does_not_let_run_are_not_told_once_it_is_known_which() {
        let folder = tempfile::tempdir().unwrap();
        let source = sign(folder.path(), TEMPLATE);
        let filter = QueueFilter::new(Some(source), folder.path());
        let digest = filter.current().unwrap().digest;
        let sealer = |records: &mut Vec<Record>| {
            let mut known = filter.can_judge(records).into_iter();
            records.retain(|_| known.next().unwrap());
            filter.filter(records);
        };
        let queue = || {
            let mut told = found_by(9, Lane::Low, 3);
            told.header.policy = Some(digest);
            vec![
                found_by(7, Lane::Normal, 1),
                found_by(8, Lane::Normal, 2),
                told,
            ]
        };
        let mut waits = queue();
        sealer(&mut waits);
        assert_eq!(waits, queue()[2..], "only what this policy let out goes");

        let RecordBody::Finding(finding) = &waiting().body else {
            panic!();
        };
        let rev = finding.rule.rev;
        let word = format!(
            "policy {digest} pack 00\nrule {} 7 {rev}\n",
            finding.rule.gid
        );
        fs::write(folder.path().join("rules-admitted"), word).unwrap();
        let mut goes = queue();
        sealer(&mut goes);
        assert!(matches!(goes[0].body, RecordBody::Finding(_)));
        let RecordBody::Eviction(eviction) = goes[1].body else {
            panic!("{goes:?}");
        };
        assert_eq!(
            (eviction.first, eviction.count, eviction.reason),
            (RecordNumber(2), 0, EvictionReason::Operator)
        );
        assert_eq!(eviction.findings_by_severity.iter().sum::<u64>(), 1);
        assert_eq!(goes[2], queue()[2]);
    }
}
