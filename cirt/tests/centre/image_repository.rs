//! What the centre takes of a repository of images, and what it leaves alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use lapwing_cirt::image_repository::{ImageRepositoryError, PublishedImages, publish};
use lapwing_cirt::settings::DataFolder;
use lapwing_trust::PublicKey;
use lapwing_trust::tuf::{
    FileMeta, Header, Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp, TopRole,
    TrustedSet, TrustedState, UtcTime,
};

const MADE: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// A repository as who builds images makes it: keys 1 and 2 sign roots, 3 and 4 images, 5 says what is newest.
struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    fn new(root_keys: [u8; 2]) -> Self {
        let made = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut root = Root::new(header::<Root>(1, 3650));
        let roles: [(_, &[u8]); 4] = [
            (TopRole::Root, &root_keys),
            (TopRole::Targets, &[3, 4]),
            (TopRole::Snapshot, &[5]),
            (TopRole::Timestamp, &[5]),
        ];
        for (role, keys) in roles {
            let keys: Vec<_> = keys
                .iter()
                .map(|number| PublicKey::of(&key(*number)).unwrap())
                .collect();
            root.set_role(role, &keys, keys.len()).unwrap();
        }
        made.sign("1.root.json", root, &root_keys);
        made
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn sign<M: Metadata>(&self, file: &str, metadata: M, signers: &[u8]) -> FileMeta {
        let version = metadata.header().version;
        let mut signed = Signed::draft(metadata).unwrap();
        for number in signers {
            signed.sign(&key(*number)).unwrap();
        }
        let bytes = signed.to_bytes().unwrap();
        self.write(&format!("metadata/{file}"), &bytes);
        FileMeta::of(version, &bytes)
    }

    /// Publishes parts under their names; where the files lie.
    fn publish(&self, version: u64, parts: &[(&str, &[u8])], signers: &[u8]) -> Vec<PathBuf> {
        let mut targets = BTreeMap::new();
        let mut paths = Vec::new();
        for (name, bytes) in parts {
            let file = TargetFile::of(bytes, None);
            let (folder, last) = name.rsplit_once('/').unwrap();
            let path = format!("targets/{folder}/{}.{last}", file.sha256().unwrap());
            self.write(&path, bytes);
            paths.push(PathBuf::from(path));
            targets.insert((*name).to_owned(), file);
        }
        let targets = Targets::new(header::<Targets>(version, 30), targets);
        let named = self.sign(&format!("{version}.targets.json"), targets, signers);
        let named = BTreeMap::from([("targets.json".to_owned(), named)]);
        let snapshot = Snapshot::new(header::<Snapshot>(version, 30), named);
        let named = self.sign(&format!("{version}.snapshot.json"), snapshot, &[5]);
        let timestamp = Timestamp::new(header::<Timestamp>(version, 30), named);
        self.sign("timestamp.json", timestamp, &[5]);
        paths
    }
}

fn header<M: Metadata>(version: u64, days: u64) -> Header {
    let time = UtcTime::from_seconds;
    Header::new::<M>(version, time(MADE), time(MADE + days * DAY))
}

/// A centre's data, of which only the images matter.
struct Centre {
    folder: tempfile::TempDir,
}

impl Centre {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn data(&self) -> DataFolder {
        DataFolder::new(self.folder.path())
    }

    fn take(&self, from: &Path, days: u64) -> Result<PublishedImages, ImageRepositoryError> {
        publish(&self.data(), from, MADE + days * DAY)
    }

    /// All that sensors can be given, by path.
    fn given(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut given = BTreeMap::new();
        let mut folders = vec![self.data().images()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.data().images()).unwrap();
                    given.insert(name.to_owned(), fs::read(&path).unwrap());
                }
            }
        }
        given
    }
}

fn refusal(taken: Result<PublishedImages, ImageRepositoryError>) -> String {
    let error = taken.unwrap_err();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| {
        error.source()
    });
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[test]
fn a_board_finds_at_the_centre_what_was_signed() {
    let made = Made::new([1, 2]);
    let centre = Centre::new();
    let one = made.publish(1, &[("b/1/root", b"one"), ("b/1/kernel", b"k")], &[3, 4]);
    // Nobody signed it, so nobody is given it.
    made.write("drafts/root.json", b"{}");
    made.write("targets/b/1/stray", b"stray");
    let published = centre.take(made.path(), 1).unwrap();
    assert_eq!(published.version, 1);
    assert_eq!(
        published.targets,
        [("b/1/kernel".to_owned(), 1), ("b/1/root".to_owned(), 3)]
    );
    assert!(
        published.ends.starts_with("2027-02-14"),
        "{}",
        published.ends
    );
    let given = centre.given();
    assert_eq!(given.len(), 6, "{:?}", given.keys());
    assert_eq!(given[&one[0]], b"one");

    // As a board goes about it.
    let root = &given[Path::new("metadata/1.root.json")];
    let mut set = TrustedSet::open(&TrustedState::from_root(root).unwrap(), MADE + DAY).unwrap();
    let mut read = |file: &str, _: usize| {
        let path = Path::new("metadata").join(file);
        Ok::<_, std::io::Error>(given.get(&path).cloned())
    };
    set.refresh(&mut read).unwrap();
    let target = set.find_target(&mut read, "b/1/root").unwrap();
    assert_eq!(Path::new("targets").join(&target.path), one[0]);

    // The same again changes nothing; what is no longer named goes away.
    centre.take(made.path(), 2).unwrap();
    assert_eq!(centre.given(), given);
    let two = made.publish(2, &[("b/2/root", b"two")], &[3, 4]);
    centre.take(made.path(), 2).unwrap();
    let given = centre.given();
    assert_eq!(given[&two[0]], b"two");
    assert!(one.iter().all(|path| !given.contains_key(path)));
}

#[test]
fn what_is_refused_leaves_what_sensors_are_given() {
    let made = Made::new([1, 2]);
    let centre = Centre::new();
    made.publish(5, &[("b/5/root", b"five")], &[3, 4]);
    centre.take(made.path(), 1).unwrap();
    let given = centre.given();
    let refused = |made: &Made, days: u64, expected: &str| {
        let text = refusal(centre.take(made.path(), days));
        assert!(text.contains(expected), "{text}");
        assert_eq!(centre.given(), given);
    };

    // Another root: sensors would take nothing of it.
    let other = Made::new([1, 7]);
    other.publish(9, &[("b/9/root", b"nine")], &[3, 4]);
    refused(&other, 1, "another root");
    // Older than what was published, also when that is over.
    let older = Made::new([1, 2]);
    older.publish(4, &[("b/4/root", b"four")], &[3, 4]);
    refused(&older, 1, "refused");
    refused(&older, 31, "refused");
    // One of two keys.
    let half = Made::new([1, 2]);
    half.publish(6, &[("b/6/root", b"six")], &[3]);
    refused(&half, 1, "1");
    // Over.
    let late = Made::new([1, 2]);
    late.publish(6, &[("b/6/root", b"six")], &[3, 4]);
    refused(&late, 31, "timestamp.json");
    // A part that is changed, cut off, longer, or away.
    let path = late
        .path()
        .join(&late.publish(6, &[("b/6/root", b"six")], &[3, 4])[0]);
    for bytes in [b"sax".as_slice(), b"si", b"sixx"] {
        fs::write(&path, bytes).unwrap();
        refused(&late, 1, "b/6/root is refused");
    }
    fs::remove_file(&path).unwrap();
    refused(&late, 1, "cannot read");
    // A folder of something else.
    let empty = tempfile::tempdir().unwrap();
    let text = refusal(centre.take(empty.path(), 1));
    assert!(text.contains("holds no repository of images"), "{text}");
    assert_eq!(centre.given(), given);
    // And whole it is taken.
    fs::write(&path, b"six").unwrap();
    assert_eq!(centre.take(late.path(), 1).unwrap().version, 6);
}
