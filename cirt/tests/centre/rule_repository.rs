//! A repository as the centre makes it, held against the client that sensors have.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lapwing_cirt::rule_repository::{
    PACK_TARGET, RootChange, RootDraft, RuleRepository, RuleRepositoryError, generate_key,
    read_private_key,
};
use lapwing_cirt::settings::DataFolder;
use lapwing_rules::pack::{CanonicalPack, apply_delta};
use lapwing_rules::source::Source;
use lapwing_rules::{Settings, compile};
use lapwing_trust::tuf::{TopRole, TrustedSet, TrustedState, UtcTime};
use tempfile::TempDir;

/// A repository with two of three root keys needed, and a sensor that trusts its first root.
struct Site {
    temporary: TempDir,
    repository: RuleRepository,
    sensor: TrustedState,
}

impl Site {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(&temporary.path().join("data"));
        folder.create().unwrap();
        let repository = RuleRepository::new(&folder, None);
        let mut change = RootChange {
            days: 400,
            ..RootChange::default()
        };
        for name in ["a", "b", "c"] {
            let path = temporary.path().join(name).with_extension("key");
            change.add.push(generate_key(&path).unwrap());
        }
        let draft = repository.draft_root(&change, true).unwrap();
        let mut site = Self {
            temporary,
            repository,
            sensor: TrustedState::from_root(b"").unwrap(),
        };
        site.accept(draft, &["a", "b"]).unwrap();
        let first = fs::read(site.metadata("1.root.json")).unwrap();
        site.sensor = TrustedState::from_root(&first).unwrap();
        site
    }

    fn metadata(&self, file: &str) -> PathBuf {
        self.repository.folder().join("metadata").join(file)
    }

    fn accept(&self, mut draft: RootDraft, keys: &[&str]) -> Result<(), RuleRepositoryError> {
        for name in keys {
            let path = self.temporary.path().join(name).with_extension("key");
            draft.sign(&read_private_key(&path)?)?;
        }
        self.repository.accept_root(&draft)
    }

    fn publish(&self, rules: u32) -> u64 {
        let published = self.repository.stage(canonical(rules)).unwrap();
        assert!(!published.is_known);
        self.repository.commit(&published).unwrap()
    }

    /// One update of the sensor; it keeps what it believes.
    fn update(&mut self) -> TrustedSet {
        let folder = self.repository.folder().join("metadata");
        let mut read = |file: &str, _| read_if_there(&folder.join(file));
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
        let mut set = TrustedSet::open(&self.sensor, now).unwrap();
        set.refresh(&mut read).unwrap();
        self.sensor = set.state();
        set
    }

    /// A target that the sensor finds, checked.
    fn target(&self, set: &TrustedSet, name: &str) -> Vec<u8> {
        let target = set.find_target(&mut |_: &str, _| Ok(None), name).unwrap();
        let bytes = fs::read(self.repository.folder().join("targets").join(target.path)).unwrap();
        let mut check = target.file.check().unwrap();
        check.update(&bytes).unwrap();
        check.finish().unwrap();
        bytes
    }
}

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some),
    }
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

#[test]
fn what_is_published_is_what_a_sensor_takes() {
    let mut site = Site::new();
    assert_eq!(site.publish(3), 2);
    let set = site.update();
    assert_eq!(site.target(&set, PACK_TARGET), canonical(3));
    let again = site.repository.stage(canonical(3)).unwrap();
    assert!(again.is_known);
}

#[test]
fn deltas_lead_from_earlier_packs_to_the_newest() {
    let mut site = Site::new();
    for rules in 1..=12 {
        site.publish(rules);
    }
    let set = site.update();
    let targets = &set.targets().unwrap().targets;
    let deltas: Vec<&String> = targets
        .keys()
        .filter(|name| name.ends_with(".delta"))
        .collect();
    assert_eq!(deltas.len(), 8, "{deltas:?}");
    for rules in 4..=11 {
        let earlier = CanonicalPack::from_bytes(canonical(rules)).unwrap();
        let from = hex::encode(earlier.digest());
        let named = targets.iter().find(|(_, file)| {
            file.custom
                .as_ref()
                .is_some_and(|notes| notes["from"] == from.as_str())
        });
        let delta = site.target(&set, named.unwrap().0);
        let mut newest = Vec::new();
        apply_delta(&earlier, &delta, &mut newest).unwrap();
        assert_eq!(newest, canonical(12));
    }
    // Files of earlier states are gone, but for the one before, which a sensor may be reading.
    let files = |folder: &str| {
        let folder = site.repository.folder().join(folder);
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries
            .filter(|entry| entry.file_type().unwrap().is_file())
            .count()
    };
    assert_eq!(files("metadata"), 1 + 1 + 2 + 2);
    assert_eq!(files("targets"), 2);
}

#[test]
fn nobody_sees_what_was_not_committed() {
    let mut site = Site::new();
    site.publish(1);
    site.repository.stage(canonical(2)).unwrap();
    let set = site.update();
    assert_eq!(site.target(&set, PACK_TARGET), canonical(1));
    site.publish(2);
    let set = site.update();
    assert_eq!(site.target(&set, PACK_TARGET), canonical(2));
}

#[test]
fn a_pack_without_rules_is_not_published() {
    let site = Site::new();
    let result = site.repository.stage(canonical(0));
    assert!(
        matches!(result, Err(RuleRepositoryError::NoRules)),
        "{result:?}"
    );
}

#[test]
fn what_somebody_else_wrote_is_not_signed() {
    let site = Site::new();
    site.publish(1);
    let path = site.metadata("2.targets.json");
    let forged = fs::read_to_string(&path)
        .unwrap()
        .replace("\"rules\": 1", "\"rules\": 7");
    fs::write(&path, forged).unwrap();
    for result in [
        site.repository.stage(canonical(2)).map(drop),
        site.repository.refresh(None).map(drop),
    ] {
        assert!(
            matches!(&result, Err(RuleRepositoryError::Trust { file, .. }) if file == "2.targets.json"),
            "{result:?}"
        );
    }
}

#[test]
fn a_refresh_moves_the_end() {
    let mut site = Site::new();
    site.publish(1);
    let ends = |set: &TrustedSet| set.timestamp().unwrap().header.expires;
    let before = ends(&site.update());
    assert_eq!(site.repository.refresh(Some(300)).unwrap(), 3);
    let after = ends(&site.update());
    assert!(after > UtcTime::from_seconds(before.seconds() + 200 * 86_400));
}

#[test]
fn every_key_can_be_replaced_under_a_sensor() {
    let mut site = Site::new();
    site.publish(1);
    site.update();
    let new = site.temporary.path().join("d.key");
    let change = RootChange {
        add: vec![generate_key(&new).unwrap()],
        remove: vec![site.repository.status().unwrap().roles[0].keys[0].clone()],
        renew: vec![TopRole::Timestamp, TopRole::Snapshot, TopRole::Targets],
        days: 100,
        ..RootChange::default()
    };
    let draft = site.repository.draft_root(&change, false).unwrap();
    assert!(!site.repository.may_accept(&draft).unwrap());
    assert!(site.accept(draft.clone(), &["d"]).is_err());
    site.accept(draft, &["a", "b", "c", "d"]).unwrap();
    site.publish(2);
    let set = site.update();
    assert_eq!(set.root().header.version, 2);
    assert_eq!(site.target(&set, PACK_TARGET), canonical(2));
}

#[test]
fn a_root_that_was_cut_off_in_the_middle_is_ended() {
    let mut site = Site::new();
    site.publish(1);
    let change = RootChange {
        renew: vec![TopRole::Timestamp, TopRole::Targets],
        days: 100,
        ..RootChange::default()
    };
    let mut draft = site.repository.draft_root(&change, false).unwrap();
    for name in ["a", "b"] {
        let path = site.temporary.path().join(name).with_extension("key");
        draft.sign(&read_private_key(&path).unwrap()).unwrap();
    }
    // The power fails when the root is written and nothing else is.
    draft.write(&site.metadata("2.root.json")).unwrap();
    assert!(site.repository.stage(canonical(2)).is_err());
    site.repository.accept_root(&draft).unwrap();
    site.repository.accept_root(&draft).unwrap();
    site.publish(2);
    let set = site.update();
    assert_eq!(site.target(&set, PACK_TARGET), canonical(2));
}

#[test]
fn private_keys_are_for_the_owner_only() {
    let site = Site::new();
    let keys = site.temporary.path().join("data/keys");
    let mut private = 0;
    for entry in fs::read_dir(keys).unwrap().map(|entry| entry.unwrap()) {
        let is_private = entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "key");
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if is_private { 0o600 } else { 0o644 }, "{entry:?}");
        private += usize::from(is_private);
    }
    assert_eq!(private, 3);
    let taken = generate_key(&site.temporary.path().join("a.key"));
    assert!(
        matches!(taken, Err(RuleRepositoryError::Write(..))),
        "{taken:?}"
    );
}
