//! A repository made for a test, whose files a test may then change as an attacker would.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::io;

use ed25519_dalek::SigningKey;
use lapwing_trust::PublicKey;
use lapwing_trust::tuf::{
    FileMeta, Header, Metadata, Repository, Root, Signed, Snapshot, TargetFile, Targets, Timestamp,
    TopRole, TrustedSet, TrustedState, TufError, UtcTime,
};
use serde_json::Value;

/// When everything is made: 2027-01-15T08:00:00Z.
pub(crate) const MADE: u64 = 1_800_000_000;
pub(crate) const DAY: u64 = 86_400;
/// The target that is shipped.
pub(crate) const PACK: &str = "rules.pack";

pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub(crate) fn public(number: u8) -> PublicKey {
    PublicKey::of(&key(number)).unwrap()
}

/// Keys by role, as the numbers of [`key`], and when things end.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) roots: Vec<u8>,
    pub(crate) root_threshold: usize,
    pub(crate) timestamp: u8,
    pub(crate) snapshot: u8,
    pub(crate) targets: u8,
    pub(crate) root_version: u64,
    /// The version of timestamp, snapshot and targets.
    pub(crate) version: u64,
    pub(crate) issued: u64,
    pub(crate) root_ends: u64,
    pub(crate) targets_ends: u64,
    pub(crate) snapshot_ends: u64,
    pub(crate) timestamp_ends: u64,
    pub(crate) pack: Vec<u8>,
    /// All files of the metadata folder.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Names that were asked for.
    pub(crate) asked: Vec<String>,
}

impl Made {
    /// Two of the root keys 1, 2, 3; timestamp 4, snapshot 5, targets 6; version 1 of everything.
    pub(crate) fn new() -> Self {
        let mut made = Self {
            roots: vec![1, 2, 3],
            root_threshold: 2,
            timestamp: 4,
            snapshot: 5,
            targets: 6,
            root_version: 1,
            version: 1,
            issued: MADE,
            root_ends: MADE + 365 * DAY,
            targets_ends: MADE + 180 * DAY,
            snapshot_ends: MADE + 90 * DAY,
            timestamp_ends: MADE + 30 * DAY,
            pack: b"pack one".to_vec(),
            files: BTreeMap::new(),
            asked: Vec::new(),
        };
        made.write_root(&[1, 2]);
        made.publish();
        made
    }

    fn header<M: Metadata>(&self, version: u64, ends: u64) -> Header {
        Header::new::<M>(
            version,
            UtcTime::from_seconds(self.issued),
            UtcTime::from_seconds(ends),
        )
    }

    pub(crate) fn root(&self) -> Root {
        let mut root = Root::new(self.header::<Root>(self.root_version, self.root_ends));
        let keys: Vec<_> = self.roots.iter().map(|number| public(*number)).collect();
        root.set_role(TopRole::Root, &keys, self.root_threshold)
            .unwrap();
        for (role, number) in [
            (TopRole::Timestamp, self.timestamp),
            (TopRole::Snapshot, self.snapshot),
            (TopRole::Targets, self.targets),
        ] {
            root.set_role(role, &[public(number)], 1).unwrap();
        }
        root
    }

    /// Writes the root of the current version, signed by these keys.
    pub(crate) fn write_root(&mut self, signers: &[u8]) {
        let file = format!("{}.root.json", self.root_version);
        let root = self.root();
        self.write(&file, root, signers);
    }

    /// Writes targets, snapshot and timestamp of the current version.
    pub(crate) fn publish(&mut self) {
        self.write_targets();
        self.write_snapshot();
        self.write_timestamp();
    }

    /// The next version of targets, snapshot and timestamp, with another pack.
    pub(crate) fn publish_next(&mut self) {
        self.version += 1;
        self.pack = format!("pack {}", self.version).into_bytes();
        self.publish();
    }

    pub(crate) fn write_targets(&mut self) {
        let targets = BTreeMap::from([(PACK.to_owned(), TargetFile::of(&self.pack, None))]);
        let header = self.header::<Targets>(self.version, self.targets_ends);
        let file = format!("{}.targets.json", self.version);
        self.write(&file, Targets::new(header, targets), &[self.targets]);
    }

    pub(crate) fn write_snapshot(&mut self) {
        let header = self.header::<Snapshot>(self.version, self.snapshot_ends);
        let targets = &self.files[&format!("{}.targets.json", self.version)];
        let meta = BTreeMap::from([(
            "targets.json".to_owned(),
            FileMeta::of(self.version, targets),
        )]);
        let file = format!("{}.snapshot.json", self.version);
        self.write(&file, Snapshot::new(header, meta), &[self.snapshot]);
    }

    pub(crate) fn write_timestamp(&mut self) {
        let header = self.header::<Timestamp>(self.version, self.timestamp_ends);
        let snapshot = &self.files[&format!("{}.snapshot.json", self.version)];
        let meta = FileMeta::of(self.version, snapshot);
        self.write(
            "timestamp.json",
            Timestamp::new(header, meta),
            &[self.timestamp],
        );
    }

    /// Signs and writes one file.
    pub(crate) fn write<M: Metadata>(&mut self, file: &str, metadata: M, signers: &[u8]) {
        let mut signed = Signed::draft(metadata).unwrap();
        for signer in signers {
            signed.sign(&key(*signer)).unwrap();
        }
        self.files
            .insert(file.to_owned(), signed.to_bytes().unwrap());
    }

    /// Changes a file as JSON.
    pub(crate) fn edit(&mut self, file: &str, change: impl FnOnce(&mut Value)) {
        let bytes = self.files.get_mut(file).unwrap();
        let mut json = serde_json::from_slice(bytes).unwrap();
        change(&mut json);
        *bytes = serde_json::to_vec(&json).unwrap();
    }

    /// What a sensor begins with.
    pub(crate) fn anchor(&self) -> TrustedState {
        TrustedState::from_root(&self.files["1.root.json"]).unwrap()
    }

    /// One update of a sensor, a day after everything was made; what it keeps, and how it ended.
    pub(crate) fn update(&mut self, state: &TrustedState) -> (TrustedState, Result<(), TufError>) {
        self.update_at(state, MADE + DAY)
    }

    pub(crate) fn update_at(
        &mut self,
        state: &TrustedState,
        clock: u64,
    ) -> (TrustedState, Result<(), TufError>) {
        let mut set = TrustedSet::open(state, clock).unwrap();
        let result = set.refresh(self);
        (set.state(), result)
    }

    /// The state of a sensor that took everything there is.
    pub(crate) fn updated(&mut self) -> TrustedState {
        let anchor = self.anchor();
        let (state, result) = self.update(&anchor);
        result.unwrap();
        state
    }
}

impl Repository for Made {
    fn metadata(&mut self, file: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        self.asked.push(file.to_owned());
        let bytes = self.files.get(file).cloned();
        Ok(bytes.map(|mut bytes| {
            bytes.truncate(max_bytes + 1);
            bytes
        }))
    }
}

/// The cause of a refusal of this file.
macro_rules! assert_refused {
    ($result:expr, $file:expr, $cause:pat) => {{
        let result = $result;
        match &result {
            Err(lapwing_trust::tuf::TufError::Refused {
                file,
                source: $cause,
            }) => assert_eq!(file, $file),
            _ => panic!("{result:?}"),
        }
    }};
}

pub(crate) use assert_refused;
