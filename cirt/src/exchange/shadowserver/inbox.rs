//! From rows to the inbox.
//!
//! The reporter is a sensor whose key the centre keeps (`keys/reports.key`, 64 hexadecimal digits). The epoch of its batches is the
//! digest of the file, and the randomness of sealing is drawn from key, file and batch: the same file gives the same bytes, which
//! the inbox knows. A key of sealing is thus never used for other contents than before.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp};
use lapwing_wire::{
    Action, BatchDigest, BatchIdentity, BatchNumber, BootId, ClockQuality, CompressionLevel,
    DecodeError, Direction, DisclosedAddress, EncodeError, Endpoint, EnvelopeError, Epoch,
    FactKind, Facts, Finding, Lane, PolicyDigest, ReceivedEnvelope, Record, RecordBody,
    RecordHeader, RecordNumber, RuleId, Sealer, SensorId, Severity, Stamp, Traffic,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

use super::{REPORT_GENERATOR, Report, Row};
use crate::enrolment::{AuthorityError, load_sealing_key, secret_hash};
use crate::exchange::limits::REPORT_BATCH_ROWS;
use crate::settings::data_folder::write_private;
use crate::settings::{DataFolder, Name};
use crate::store::{Enrolment, RuleText, Store, StoreError, Way};

/// Why a report cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Name(String),
    #[error("the key {0} cannot be used")]
    Key(PathBuf, #[source] std::io::Error),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("the rows cannot be sealed")]
    Seal(#[from] EncodeError),
    #[error("a row makes no record")]
    Record(#[from] DecodeError),
    #[error("what was sealed cannot be opened")]
    Open(#[from] EnvelopeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    pub rows: usize,
    /// Of the rows, those that are new in the inbox.
    pub new: usize,
}

/// Puts the rows of a report into the inbox, as what `peer` reports; `bytes` is the file. The loader makes findings of them.
///
/// # Errors
/// When there is no such peer, or something cannot be written; then the import may be repeated.
pub fn import(
    folder: &DataFolder,
    store: &Store,
    peer: &str,
    report: &Report,
    bytes: &[u8],
    now: Timestamp,
) -> Result<Imported, ImportError> {
    let (peer, _) = store.peer(peer)?;
    let key = reporting_key(folder, &peer.name)?;
    let enrolment = enrolled(store, &peer.name, &key, now)?;
    store.import_rules("centre", &rules(report))?;
    let sealing = load_sealing_key(folder)?
        .public_key()
        .map_err(|_| AuthorityError::Pem(folder.key("sealing.key")))?;
    let file: [u8; 32] = Sha256::digest(bytes).into();
    let sealer = Sealer::new(key.clone(), sealing, CompressionLevel::DEFAULT);
    let mut imported = Imported {
        rows: report.rows.len(),
        new: 0,
    };
    let mut previous = BatchDigest::NONE;
    let mut numbers = BTreeMap::new();
    for (number, rows) in (0u64..).zip(report.rows.chunks(REPORT_BATCH_ROWS)) {
        let records = rows
            .iter()
            .map(|row| record(report, row, &mut numbers))
            .collect::<Result<Vec<_>, _>>()?;
        let identity = BatchIdentity {
            sensor: SensorId(enrolment.identity),
            epoch: Epoch(u64::from_be_bytes(first(&file))),
            number: BatchNumber(number),
        };
        let envelope = sealer.seal(
            identity,
            previous,
            &records,
            &mut randomness(&key, &file, number),
        )?;
        previous = envelope.digest;
        let public = key.verifying_key().to_bytes();
        let verified = ReceivedEnvelope::parse(envelope.bytes)
            .map_err(EnvelopeError::from)?
            .verify(&public)?;
        let state = store.accept_batch_by(Way::Courier, enrolment.sensor, &verified, now)?;
        if state == lapwing_wire::AckState::Stored {
            imported.new += rows.len();
        }
    }
    // That reports come is the sign of life of who makes them: silence about an address means something then.
    store.note_contact(enrolment.sensor, "report", now)?;
    Ok(imported)
}

/// The name of the sensor that stands for a peer's reports.
fn sensor_name(peer: &str) -> Result<Name, ImportError> {
    format!("reports-{peer}")
        .parse()
        .map_err(|error| ImportError::Name(format!("{error}")))
}

/// The key with which rows of a peer are sealed, derived from one that is made when it is first needed.
fn reporting_key(folder: &DataFolder, peer: &str) -> Result<SigningKey, ImportError> {
    let path = folder.key("reports.key");
    let failed = |error| ImportError::Key(path.clone(), error);
    let mut secret = [0; 32];
    match std::fs::read_to_string(&path) {
        Ok(text) => hex::decode_to_slice(text.trim(), &mut secret)
            .map_err(|error| failed(std::io::Error::other(error)))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            secret = rand::rng().random();
            write_private(&path, format!("{}\n", hex::encode(secret)).as_bytes())
                .map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    let seed = Sha256::new()
        .chain_update(secret)
        .chain_update(peer)
        .finalize();
    Ok(SigningKey::from_bytes(&seed.into()))
}

/// The reporter as a sensor; it is enrolled at its first report.
fn enrolled(
    store: &Store,
    peer: &str,
    key: &SigningKey,
    now: Timestamp,
) -> Result<Enrolment, ImportError> {
    let public = key.verifying_key().to_bytes();
    if let Some(known) = store.enrolment(&public)? {
        return Ok(known);
    }
    let secret: [u8; 32] = rand::rng().random();
    let hash = secret_hash(&secret);
    let expires = now + SignedDuration::from_hours(1);
    store.add_voucher("centre", &hash, &sensor_name(peer)?, true, expires)?;
    store
        .redeem_voucher(&hash, &public, &rand::rng().random(), "kind=reports\n", now)?
        .map_err(|error| StoreError::Refused(error.to_string()).into())
}

fn randomness(key: &SigningKey, file: &[u8; 32], number: u64) -> StdRng {
    let seed = Sha256::new()
        .chain_update("randomness of a report")
        .chain_update(key.to_bytes())
        .chain_update(file)
        .chain_update(number.to_be_bytes())
        .finalize();
    StdRng::from_seed(seed.into())
}

fn first<const N: usize>(digest: &[u8; 32]) -> [u8; N] {
    digest.first_chunk().copied().unwrap_or([0; N])
}

/// The rule that stands for a family within a kind.
fn sid(report: &Report, family: &str) -> u32 {
    let within = if family.is_empty() {
        0
    } else {
        let digest = Sha256::digest(family.to_ascii_lowercase()).into();
        1 + u32::from_be_bytes(first(&digest)) % 99_999
    };
    report.kind.number * 100_000 + within
}

/// What pages and partners are told of the rules of a report.
fn rules(report: &Report) -> Vec<RuleText> {
    let mut by_sid = BTreeMap::new();
    for row in &report.rows {
        by_sid.entry(sid(report, &row.family)).or_insert(row);
    }
    let text = |(sid, row): (u32, &Row)| RuleText {
        gid: REPORT_GENERATOR,
        sid,
        rev: 1,
        message: if row.family.is_empty() {
            report.kind.message.to_owned()
        } else {
            format!("{} ({})", report.kind.message, row.family)
        },
        class_type: Some(report.kind.class_type.to_owned()),
        category: Some(report.kind.name.to_owned()),
        severity: Some(report.kind.severity),
        references: Vec::new(),
        body: String::new(),
    };
    by_sid.into_iter().map(text).collect()
}

fn record(
    report: &Report,
    row: &Row,
    numbers: &mut BTreeMap<u8, u64>,
) -> Result<Record, DecodeError> {
    let milliseconds = u64::try_from(row.time.as_millisecond()).unwrap_or(0);
    let severity = Severity::from_priority(row.severity);
    let lane = Lane::of_severity(severity);
    let number = numbers.entry(lane.code()).or_default();
    let header = RecordHeader {
        lane,
        number: RecordNumber(*number),
        time: Stamp {
            wall_milliseconds: milliseconds,
            monotonic_milliseconds: 0,
            boot: BootId([0; 16]),
            quality: ClockQuality::Network,
        },
        // What a stranger saw is under no provider's policy.
        policy: Some(PolicyDigest([0; 32])),
    };
    *number += 1;
    let mut facts = Facts::default();
    for (kind, value) in [
        (FactKind::HttpHost, &row.host),
        (FactKind::HttpUri, &row.target),
        (FactKind::DnsQuery, &row.query),
    ] {
        if let Some(value) = value {
            // One that finds no room is left out: it says nothing that the report file does not.
            let _has_room = facts.push(kind, value.as_bytes());
        }
    }
    let clear = |address: Option<std::net::IpAddr>| {
        address.map_or(DisclosedAddress::Withheld, DisclosedAddress::Clear)
    };
    let finding = Finding {
        first_milliseconds: milliseconds,
        last_milliseconds: milliseconds,
        count: row.count,
        rule: RuleId {
            gid: REPORT_GENERATOR,
            sid: sid(report, &row.family),
            rev: 1,
        },
        severity,
        action: Action::Alert,
        source: Endpoint {
            address: clear(Some(row.source)),
            port: row.source_port,
        },
        destination: Endpoint {
            address: clear(row.destination),
            port: row.destination_port,
        },
        protocol: row.protocol,
        app_protocol: report.kind.application.map(str::to_owned),
        direction: Direction::ToServer,
        traffic: Traffic::default(),
        flow_start_milliseconds: None,
        facts,
    };
    Record::new(header, RecordBody::Finding(finding))
}
