//! What a sensor does with what arrives from a repository: it takes what is signed, whole and newer, and keeps its rules
//! whatever else comes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use lapwing_rules::pack::{CanonicalPack, Pack, derive, make_delta};
use lapwing_rules::source::Source;
use lapwing_rules::trust::PublicKey;
use lapwing_rules::trust::tuf::{
    FileMeta, Header, Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp, TopRole,
    UtcTime,
};
use lapwing_rules::{Settings, compile};
use lapwing_sensor::rule_update::{
    Installed, KnownTime, Offer, RuleSite, RuleUpdateError, Way, update, verify,
};
use serde_json::json;
use tempfile::TempDir;

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

type Updated = Result<(Offer, Installed), RuleUpdateError>;

/// A repository on a stick, and a sensor that trusts its first root.
struct Stick {
    temporary: TempDir,
    key: SigningKey,
    version: u64,
    site: RuleSite,
}

impl Stick {
    /// With one rule, taken by the sensor.
    fn new() -> Self {
        let mut stick = Self::empty();
        stick.publish(canonical(1), &[]);
        let (_, installed) = stick.update().unwrap();
        assert!(matches!(installed.way, Way::Whole(_)), "{installed:?}");
        assert_eq!(stick.rules(), 1);
        stick
    }

    fn empty() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        for name in ["stick/metadata", "stick/targets/deltas", "site"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let site = RuleSite {
            root: folder.join("site/root.json"),
            pack: Some(folder.join("site/rules.pack")),
        };
        let stick = Self {
            key: SigningKey::from_bytes(&[1; 32]),
            version: 0,
            site,
            temporary,
        };
        stick.write_root();
        stick
    }

    fn write_root(&self) {
        let public = PublicKey::of(&self.key).unwrap();
        let mut root = Root::new(header::<Root>(1, 365));
        for role in TopRole::ALL {
            root.set_role(role, &[public], 1).unwrap();
        }
        self.write("1.root.json", root);
        fs::copy(self.metadata("1.root.json"), &self.site.root).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.temporary.path().join("stick")
    }

    fn metadata(&self, file: &str) -> PathBuf {
        self.folder().join("metadata").join(file)
    }

    fn pack(&self) -> &Path {
        self.site.pack.as_deref().unwrap()
    }

    fn write<M: Metadata>(&self, file: &str, metadata: M) -> FileMeta {
        let version = metadata.header().version;
        let mut signed = Signed::draft(metadata).unwrap();
        signed.sign(&self.key).unwrap();
        let bytes = signed.to_bytes().unwrap();
        fs::write(self.metadata(file), &bytes).unwrap();
        FileMeta::of(version, &bytes)
    }

    fn target(&self, name: &str, bytes: &[u8], notes: serde_json::Value) -> TargetFile {
        let file = TargetFile::of(bytes, Some(notes));
        let hash = file.sha256().unwrap();
        let path = match name.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/{hash}.{name}"),
            None => format!("{hash}.{name}"),
        };
        fs::write(self.folder().join("targets").join(path), bytes).unwrap();
        file
    }

    /// The next version of everything, with this pack and deltas from these.
    fn publish(&mut self, pack: Vec<u8>, earlier: &[Vec<u8>]) {
        let mut targets = BTreeMap::new();
        if let Ok(new) = CanonicalPack::from_bytes(pack.clone()) {
            let to = hex::encode(new.digest());
            for old in earlier {
                let old = CanonicalPack::from_bytes(old.clone()).unwrap();
                let delta = make_delta(&old, &new).unwrap();
                let from = hex::encode(old.digest());
                let name = format!("deltas/{from}");
                let file = self.target(&name, &delta, json!({"from": from, "to": to}));
                targets.insert(name, file);
            }
            targets.insert(
                "rules.pack".to_owned(),
                self.target("rules.pack", &pack, json!({"digest": to})),
            );
        } else {
            targets.insert(
                "rules.pack".to_owned(),
                self.target("rules.pack", &pack, json!({})),
            );
        }
        self.publish_targets(targets);
    }

    fn publish_targets(&mut self, targets: BTreeMap<String, TargetFile>) {
        self.version += 1;
        let version = self.version;
        let targets = Targets::new(header::<Targets>(version, 180), targets);
        let meta = self.write(&format!("{version}.targets.json"), targets);
        let meta = BTreeMap::from([("targets.json".to_owned(), meta)]);
        let snapshot = Snapshot::new(header::<Snapshot>(version, 180), meta);
        let meta = self.write(&format!("{version}.snapshot.json"), snapshot);
        self.write(
            "timestamp.json",
            Timestamp::new(header::<Timestamp>(version, 30), meta),
        );
    }

    fn update(&self) -> Updated {
        self.update_at(NOW + DAY, 0)
    }

    fn update_at(&self, clock_seconds: u64, floor_seconds: u64) -> Updated {
        let time = KnownTime {
            clock_seconds,
            floor_seconds,
        };
        update(&self.site, &self.folder(), time, &derive_here)
    }

    /// How many rules the sensor would run now: there is always a whole pack.
    fn rules(&self) -> u32 {
        Pack::open(self.pack()).unwrap().rule_count()
    }

    /// Refused, with this in the reason, and the rules stay.
    #[track_caller]
    fn refuses(&self, reason: &str) {
        let before = fs::read(self.pack()).unwrap();
        let error = self.update().unwrap_err();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        assert!(text.contains(reason), "{text}");
        assert_eq!(fs::read(self.pack()).unwrap(), before);
    }

    /// Names in the sensor's folder.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.pack().parent().unwrap()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn header<M: Metadata>(version: u64, days: u64) -> Header {
    Header::new::<M>(
        version,
        UtcTime::from_seconds(NOW),
        UtcTime::from_seconds(NOW + days * DAY),
    )
}

fn canonical(rules: u32) -> Vec<u8> {
    let rule = |sid| {
        format!(
            "alert tcp any any -> any any (msg:\"rule {sid}\"; content:\"seen{sid}\"; sid:{sid};)\n"
        )
    };
    let source = Source {
        name: "test.rules".into(),
        bytes: (1..=rules).map(rule).collect::<String>().into_bytes(),
    };
    compile(&[source], &Settings::default()).canonical
}

fn derive_here(canonical: &Path, pack: &Path) -> Result<(), String> {
    let derive_into = || -> Result<(), Box<dyn std::error::Error>> {
        let canonical = CanonicalPack::open(canonical)?;
        derive(&canonical, &mut fs::File::create(pack)?)?;
        Ok(())
    };
    derive_into().map_err(|error| error.to_string())
}

#[test]
fn a_newer_pack_takes_the_place_of_the_one_that_runs() {
    let mut stick = Stick::new();
    let time = KnownTime {
        clock_seconds: NOW + DAY,
        floor_seconds: 0,
    };
    stick.publish(canonical(5), &[]);
    let offer = verify(&stick.site, &stick.folder(), time).unwrap();
    assert_eq!(
        (offer.rules, offer.is_installed, offer.version),
        (5, false, 2)
    );
    assert_eq!(stick.rules(), 1);
    stick.update().unwrap();
    assert_eq!(stick.rules(), 5);
    assert!(
        verify(&stick.site, &stick.folder(), time)
            .unwrap()
            .is_installed
    );
    let (_, installed) = stick.update().unwrap();
    assert_eq!(installed.way, Way::Known);
    assert_eq!(
        stick.files(),
        [
            "root.json",
            "rules.pack",
            "rules.pack.canonical",
            "rules.pack.lock",
            "rules.pack.trust"
        ]
    );
}

#[test]
fn a_delta_is_taken_where_there_is_one() {
    let mut stick = Stick::new();
    for rules in 2..=30 {
        stick.publish(canonical(rules), &[canonical(rules - 1)]);
        let (_, installed) = stick.update().unwrap();
        assert!(matches!(installed.way, Way::Delta(_)), "{installed:?}");
    }
    assert_eq!(stick.rules(), 30);
    let kept = fs::read(stick.pack().with_added_extension("canonical")).unwrap();
    assert_eq!(kept, canonical(30));
}

#[test]
fn a_delta_that_is_not_usable_is_replaced_by_the_whole_pack() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[canonical(1)]);
    for entry in fs::read_dir(stick.folder().join("targets/deltas")).unwrap() {
        fs::write(entry.unwrap().path(), b"other bytes").unwrap();
    }
    let (_, installed) = stick.update().unwrap();
    assert!(matches!(installed.way, Way::Whole(_)), "{installed:?}");
    assert!(installed.delta_refused.unwrap().contains("is refused"));
    assert_eq!(stick.rules(), 3);
}

#[test]
fn a_pack_that_is_cut_in_the_middle_is_refused() {
    let mut stick = Stick::new();
    let pack = canonical(3);
    stick.publish(pack.clone(), &[]);
    let file = TargetFile::of(&pack, None);
    let path = stick
        .folder()
        .join(format!("targets/{}.rules.pack", file.sha256().unwrap()));
    fs::write(&path, &pack[..pack.len() / 2]).unwrap();
    stick.refuses("bytes instead of");
    let mut flipped = pack.clone();
    flipped[100] ^= 1;
    fs::write(&path, flipped).unwrap();
    stick.refuses("is not the one that was signed");
    fs::remove_file(&path).unwrap();
    stick.refuses("cannot read");
    // Copied again as a whole, it is taken.
    fs::write(&path, &pack).unwrap();
    stick.update().unwrap();
    assert_eq!(stick.rules(), 3);
}

#[test]
fn a_pack_signed_by_the_wrong_key_is_refused() {
    let mut stick = Stick::new();
    stick.key = SigningKey::from_bytes(&[2; 32]);
    stick.publish(canonical(3), &[]);
    stick.refuses("timestamp.json is refused: 0 of the 1 keys needed for timestamp signed");
}

#[test]
fn a_pack_that_was_rolled_back_is_refused() {
    let mut stick = Stick::new();
    let old = fs::read(stick.metadata("timestamp.json")).unwrap();
    stick.publish(canonical(3), &[]);
    stick.update().unwrap();
    fs::write(stick.metadata("timestamp.json"), old).unwrap();
    stick.refuses("timestamp.json is refused: it has version 1, but version 2 was seen before");
    assert_eq!(stick.rules(), 3);
}

#[test]
fn rules_that_were_emptied_are_refused() {
    let mut stick = Stick::new();
    stick.publish(canonical(0), &[]);
    stick.refuses("a sensor without rules sees nothing");
    stick.publish_targets(BTreeMap::new());
    stick.refuses("names no target rules.pack");
    stick.publish(Vec::new(), &[]);
    stick.refuses("the pack that was signed is not usable");
    fs::remove_dir_all(stick.metadata("")).unwrap();
    stick.refuses("holds no rule repository");
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_at_once() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[]);
    let path = stick.metadata("timestamp.json");
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    stick.refuses("timestamp.json cannot be read: not a file");
}

#[test]
fn a_pack_of_a_newer_format_is_refused() {
    let mut stick = Stick::new();
    let mut newer = canonical(3);
    newer[8] += 1;
    stick.publish(newer, &[]);
    stick.refuses("it has format version");
}

#[test]
fn expired_by_a_year_with_a_good_clock_is_refused() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[]);
    let error = stick.update_at(NOW + 30 * DAY + 365 * DAY, 0).unwrap_err();
    assert!(
        matches!(&error, RuleUpdateError::Metadata(cause) if cause.is_expiry()),
        "{error:?}"
    );
    assert_eq!(stick.rules(), 1);
}

#[test]
fn expired_by_a_year_with_a_clock_that_says_1970_is_refused_where_the_time_is_known() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[]);
    let error = stick.update_at(0, NOW + 30 * DAY + 365 * DAY).unwrap_err();
    assert!(
        matches!(&error, RuleUpdateError::Metadata(cause) if cause.is_expiry()),
        "{error:?}"
    );
    assert_eq!(stick.rules(), 1);
}

#[test]
fn a_clock_that_says_1970_keeps_nothing_out_that_is_in_order() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[]);
    let (offer, _) = stick.update_at(0, 0).unwrap();
    assert_eq!(
        offer.time_instead_of_clock.as_deref(),
        Some("2027-01-15T08:00:00Z")
    );
    assert_eq!(stick.rules(), 3);
}

#[test]
fn what_a_power_cut_left_is_taken_up() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[canonical(1)]);
    // Cut when the canonical pack was in place and the pack was not.
    let old = fs::read(stick.pack()).unwrap();
    stick.update().unwrap();
    fs::write(stick.pack(), old).unwrap();
    let (_, installed) = stick.update().unwrap();
    assert_eq!((installed.way, stick.rules()), (Way::Known, 3));
    // Cut while the new files were written.
    stick.publish(canonical(4), &[canonical(3)]);
    fs::write(stick.pack().with_added_extension("new"), b"half").unwrap();
    fs::write(stick.pack().with_added_extension("canonical.new"), b"half").unwrap();
    stick.update().unwrap();
    assert_eq!(stick.rules(), 4);
    // A card that lost what it had.
    fs::write(stick.pack(), b"").unwrap();
    fs::write(stick.pack().with_added_extension("canonical"), b"").unwrap();
    let (_, installed) = stick.update().unwrap();
    assert!(matches!(installed.way, Way::Whole(_)), "{installed:?}");
    assert_eq!(stick.rules(), 4);
}

#[test]
fn a_derivation_that_fails_changes_nothing() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[]);
    let time = KnownTime {
        clock_seconds: NOW,
        floor_seconds: 0,
    };
    let fails = |_: &Path, _: &Path| Err("out of memory".to_owned());
    let result = update(&stick.site, &stick.folder(), time, &fails);
    assert!(
        matches!(result, Err(RuleUpdateError::Derivation(_))),
        "{result:?}"
    );
    // Another pack than the one that was signed for is not taken either.
    let other = |_: &Path, pack: &Path| {
        let path = pack.with_added_extension("other");
        fs::write(&path, canonical(2)).unwrap();
        derive_here(&path, pack)
    };
    let result = update(&stick.site, &stick.folder(), time, &other);
    assert!(
        matches!(result, Err(RuleUpdateError::DerivedDiffers)),
        "{result:?}"
    );
    assert_eq!(stick.rules(), 1);
}

#[test]
fn a_root_put_there_by_a_person_begins_trust_anew() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[]);
    stick.update().unwrap();
    // The centre lost everything and began again, with other keys and version 1.
    stick.key = SigningKey::from_bytes(&[9; 32]);
    stick.version = 0;
    let kept = fs::read(&stick.site.root).unwrap();
    stick.write_root();
    stick.publish(canonical(7), &[]);
    let new = fs::read(&stick.site.root).unwrap();
    fs::write(&stick.site.root, kept).unwrap();
    stick.refuses("signed");
    fs::write(&stick.site.root, new).unwrap();
    stick.update().unwrap();
    assert_eq!(stick.rules(), 7);
}

#[test]
fn damaged_memory_of_earlier_updates_is_told_and_not_passed_over() {
    let mut stick = Stick::new();
    stick.publish(canonical(3), &[]);
    fs::write(stick.pack().with_added_extension("trust"), b"{\"anchor\":").unwrap();
    stick.refuses("remove it to begin anew");
    fs::write(&stick.site.root, b"{}").unwrap();
    fs::remove_file(stick.pack().with_added_extension("trust")).unwrap();
    stick.refuses("is not a root that can be trusted");
}

#[test]
fn two_updates_do_not_run_at_once() {
    let stick = Stick::new();
    let inner = |_: &Path, _: &Path| {
        let second = stick.update();
        assert!(
            matches!(second, Err(RuleUpdateError::Locked { .. })),
            "{second:?}"
        );
        Err("enough".to_owned())
    };
    fs::remove_file(stick.pack()).unwrap();
    let time = KnownTime {
        clock_seconds: NOW,
        floor_seconds: 0,
    };
    let first = update(&stick.site, &stick.folder(), time, &inner);
    assert!(
        matches!(first, Err(RuleUpdateError::Derivation(_))),
        "{first:?}"
    );
    stick.update().unwrap();
}
