//! Updates without a board: a signed repository made here, and slots that lose power, tear and wear out.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Cursor, Read, Write},
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use lapwing_trust::{
    PublicKey,
    tuf::{
        FileMeta, Header, Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp,
        TopRole, UtcTime,
    },
};
use proptest::prelude::*;

use super::{
    difference::{self, Base},
    install::{Facts, Outcome, check, write},
    offer::{Notes, Part},
    packed_part::pack,
    slots::{BoardSlots, Fill, Slots},
    source::Source,
    update_file::UpdateFileWriter,
};
use crate::{
    boot_control::{BootControl, LoaderEntries, SlotState},
    layout::Slot,
    text::hex_of,
};

/// When everything is made.
const MADE: u64 = 1_800_000_000;
const DAY: u64 = 86_400;
const CHUNK_BYTES: u32 = 4096;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex_of(sha2::Sha256::new_with_prefix(bytes))
}

/// The parts of an image, different for each seed; a bit of the root alone differs between neighbours.
fn parts(seed: u8) -> BTreeMap<Part, Vec<u8>> {
    let noise = |from: u32, bytes: u32| -> Vec<u8> {
        let mixed = (0..bytes).map(|at| (at ^ from).wrapping_mul(2_654_435_761).to_le_bytes()[2]);
        mixed.collect()
    };
    let mut root = noise(7, 20_000);
    root[5_000..5_010].fill(seed);
    BTreeMap::from([
        (Part::Kernel, noise(1, 9_000)),
        (Part::MemoryDisk, noise(u32::from(seed), 3_000)),
        (Part::Root, root),
        (
            Part::Entry,
            format!("title {seed} {{slot}}\noptions lapwing.slot={{slot}}\n").into_bytes(),
        ),
    ])
}

/// A repository of one image.
struct Made {
    folder: tempfile::TempDir,
    version: u64,
    signers: Vec<u8>,
    metadata_version: u64,
    ends: u64,
}

impl Made {
    /// Roots 1 and 2 of which both must sign; targets 3 and 4, both; snapshot and timestamp 5.
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            version: MADE,
            signers: vec![3, 4],
            metadata_version: 1,
            ends: MADE + 30 * DAY,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn anchor(&self) -> PathBuf {
        self.path().join("metadata/1.root.json")
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

    fn header<M: Metadata>(&self, version: u64) -> Header {
        let time = UtcTime::from_seconds;
        Header::new::<M>(version, time(MADE), time(self.ends))
    }

    /// Writes the image; with `base` also differences from that.
    fn publish(&self, parts: &BTreeMap<Part, Vec<u8>>, base: Option<&BTreeMap<Part, Vec<u8>>>) {
        let public = |number| PublicKey::of(&key(number)).unwrap();
        let mut root = Root::new(self.header::<Root>(1));
        let roles = [
            (TopRole::Root, [1, 2].as_slice()),
            (TopRole::Targets, &[3, 4]),
            (TopRole::Snapshot, &[5]),
            (TopRole::Timestamp, &[5]),
        ];
        for (role, keys) in roles {
            let keys: Vec<_> = keys.iter().map(|number| public(*number)).collect();
            root.set_role(role, &keys, keys.len()).unwrap();
        }
        self.sign("1.root.json", root, &[1, 2]);
        let mut targets = BTreeMap::new();
        for (part, bytes) in parts {
            // The entry comes as a whole always, and a part that did not change needs no difference.
            let before = base.map(|base| &base[part]);
            let before = before.filter(|before| *part != Part::Entry && *before != bytes);
            for base in [None, before.map(Vec::as_slice)]
                .into_iter()
                .take(1 + usize::from(before.is_some()))
            {
                let packed = match base {
                    Some(base) => difference::make(bytes, base, 3).unwrap(),
                    None => pack(bytes, CHUNK_BYTES, 3).unwrap(),
                };
                let notes = Notes {
                    board: "test".to_owned(),
                    version: self.version,
                    part: *part,
                    digest: digest(bytes),
                    bytes: bytes.len() as u64,
                    from: base.map(digest),
                };
                let kind = base.map_or("whole", |_| "delta");
                let name = format!("{}.{kind}", part.name());
                let file = TargetFile::of(&packed, Some(serde_json::to_value(notes).unwrap()));
                let path = format!("targets/{}.{name}", file.sha256().unwrap());
                self.write(&path, &packed);
                targets.insert(name, file);
            }
        }
        self.publish_targets(targets);
    }

    fn publish_targets(&self, targets: BTreeMap<String, TargetFile>) {
        let version = self.metadata_version;
        let targets = Targets::new(self.header::<Targets>(version), targets);
        let named = self.sign(&format!("{version}.targets.json"), targets, &self.signers);
        let named = BTreeMap::from([("targets.json".to_owned(), named)]);
        let snapshot = Snapshot::new(self.header::<Snapshot>(version), named);
        let named = self.sign(&format!("{version}.snapshot.json"), snapshot, &[5]);
        let timestamp = Timestamp::new(self.header::<Timestamp>(version), named);
        self.sign("timestamp.json", timestamp, &[5]);
    }

    /// All of it as one file.
    fn packed(&self, to: &Path) {
        let mut writer = UpdateFileWriter::new(fs::File::create(to).unwrap()).unwrap();
        for folder in ["metadata", "targets"] {
            for entry in fs::read_dir(self.path().join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
                let mut file = fs::File::open(&path).unwrap();
                let bytes = file.metadata().unwrap().len();
                writer.add(&name, bytes, &mut file).unwrap();
            }
        }
    }
}

/// Slots in memory.
#[derive(Clone, Default)]
struct Model {
    running: BTreeMap<Part, Vec<u8>>,
    other: BTreeMap<Part, Vec<u8>>,
    is_startable: bool,
    armed: Option<String>,
    /// Bytes until the power goes.
    power_left: Option<usize>,
    /// A part of which the disk gives back a byte that was not written, so many times.
    worn: Option<(Part, u32)>,
}

impl Model {
    fn new(running: u8) -> Self {
        Self {
            running: parts(running),
            other: parts(running),
            is_startable: true,
            ..Self::default()
        }
    }
}

fn power_cut() -> io::Error {
    io::Error::other("the power went")
}

struct Torn<'a> {
    to: &'a mut Vec<u8>,
    at: usize,
    left: &'a mut Option<usize>,
}

impl Write for Torn<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.left.unwrap_or(usize::MAX));
        if count == 0 && !bytes.is_empty() {
            return Err(power_cut());
        }
        if let Some(left) = self.left {
            *left -= count;
        }
        // As on a partition: what was there stays behind what is written.
        let end = self.at + count;
        if self.to.len() < end {
            self.to.resize(end, 0);
        }
        self.to[self.at..end].copy_from_slice(&bytes[..count]);
        self.at = end;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Slots for Model {
    fn running(&self, part: Part) -> io::Result<Box<dyn Base>> {
        Ok(Box::new(Cursor::new(self.running[&part].clone())))
    }

    fn room(&self, _: Part) -> io::Result<u64> {
        Ok(30_000)
    }

    fn withdraw(&mut self) -> io::Result<()> {
        if self.power_left == Some(0) {
            return Err(power_cut());
        }
        self.is_startable = false;
        Ok(())
    }

    fn fill(&mut self, part: Part, fill: Fill<'_>) -> io::Result<()> {
        assert!(!self.is_startable, "a slot that may be started is written");
        let mut to = Torn {
            to: self.other.entry(part).or_default(),
            at: 0,
            left: &mut self.power_left,
        };
        fill(&mut to)?;
        if let Some((worn, times)) = &mut self.worn
            && *worn == part
            && *times > 0
        {
            *times -= 1;
            self.other.get_mut(&part).unwrap()[100] ^= 4;
        }
        Ok(())
    }

    fn read_back(&mut self, part: Part) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(Cursor::new(self.other[&part].clone())))
    }

    fn arm(&mut self, entry: &str) -> io::Result<()> {
        self.armed = Some(entry.to_owned());
        self.is_startable = true;
        Ok(())
    }
}

/// A board with slots and its kept files.
struct Site {
    kept: tempfile::TempDir,
    running_version: u64,
    failed_version: Option<u64>,
    now_seconds: u64,
    said: Vec<String>,
}

impl Site {
    fn new() -> Self {
        Self {
            kept: tempfile::tempdir().unwrap(),
            running_version: MADE - 100,
            failed_version: None,
            now_seconds: MADE + DAY,
            said: Vec::new(),
        }
    }

    fn take(
        &mut self,
        from: &Path,
        anchor: &Path,
        slots: &mut dyn Slots,
    ) -> anyhow::Result<Outcome> {
        let facts = Facts {
            board: "test",
            running_version: self.running_version,
            failed_version: self.failed_version,
            now_seconds: self.now_seconds,
            anchor,
            trust: &self.kept.path().join("trust.json"),
        };
        let said = &mut self.said;
        let mut noted = Vec::new();
        let mut note = |version| {
            noted.push(version);
            Ok(())
        };
        let mut say = |text: &str| said.push(text.to_owned());
        let mut source = Source::open(from)?;
        let outcome = match check(&mut source, &facts)? {
            Ok(checked) => write(&mut source, &checked, "b", slots, &mut note, &mut say)?,
            Err(outcome) => outcome,
        };
        if let Outcome::Armed(version) = outcome {
            assert_eq!(noted, [version]);
        }
        Ok(outcome)
    }
}

fn refusal(result: anyhow::Result<Outcome>) -> String {
    format!("{:#}", result.unwrap_err())
}

fn assert_holds(slots: &Model, image: u8) {
    for part in [Part::Root, Part::Kernel, Part::MemoryDisk] {
        let wanted = &parts(image)[&part];
        assert_eq!(&slots.other[&part][..wanted.len()], wanted, "{part:?}");
    }
    let entry = format!("title {image} b\noptions lapwing.slot=b\n");
    assert_eq!(slots.armed.as_deref(), Some(entry.as_str()));
}

#[test]
fn an_update_comes_whole_or_by_differences_from_a_folder_or_a_file() {
    let made = Made::new();
    made.publish(&parts(2), Some(&parts(1)));
    let file = made.path().join("lapwing.update");
    made.packed(&file);
    for from in [made.path(), &file] {
        let mut slots = Model::new(1);
        let mut site = Site::new();
        let outcome = site.take(from, &made.anchor(), &mut slots).unwrap();
        assert_eq!(outcome, Outcome::Armed(MADE));
        assert_holds(&slots, 2);
        let said = site.said.join("\n");
        assert!(said.contains("root: written by a difference of"), "{said}");
        assert!(said.contains("kernel: as before"), "{said}");
        // A board that runs something else gets all of it.
        let mut slots = Model::new(9);
        let mut site = Site::new();
        site.take(from, &made.anchor(), &mut slots).unwrap();
        assert_holds(&slots, 2);
        assert!(site.said.join("\n").contains("root: written from"));
    }
}

#[test]
fn a_board_that_has_it_or_failed_with_it_does_nothing() {
    let made = Made::new();
    made.publish(&parts(2), None);
    let mut slots = Model::new(1);
    let mut site = Site::new();
    site.running_version = MADE;
    let taken = site.take(made.path(), &made.anchor(), &mut slots);
    assert_eq!(taken.unwrap(), Outcome::Current);
    site.running_version = MADE - 1;
    site.failed_version = Some(MADE);
    let taken = site.take(made.path(), &made.anchor(), &mut slots);
    assert_eq!(taken.unwrap(), Outcome::FailedBefore(MADE));
    assert!(slots.is_startable && slots.armed.is_none());
}

#[test]
fn what_is_not_signed_older_over_or_too_large_is_refused_and_touches_nothing() {
    let mut slots = Model::new(1);
    let anchor = Made::new();
    anchor.publish(&parts(2), None);
    let refused = |made: &Made, site: &mut Site, slots: &mut Model| {
        let text = refusal(site.take(made.path(), &anchor.anchor(), slots));
        assert!(slots.is_startable && slots.armed.is_none(), "{text}");
        text
    };

    // One key of the two that must sign, and a key that nobody trusts.
    for signers in [vec![3], vec![3, 77], vec![3, 3]] {
        let made = Made {
            signers,
            ..Made::new()
        };
        made.publish(&parts(2), None);
        let text = refused(&made, &mut Site::new(), &mut slots);
        assert!(text.contains("1 of the 2"), "{text}");
    }

    // Older than what runs, although it is signed.
    let mut site = Site::new();
    site.running_version = MADE + 1;
    let taken = site.take(anchor.path(), &anchor.anchor(), &mut slots);
    assert_eq!(taken.unwrap(), Outcome::Older(MADE));
    assert!(slots.is_startable && slots.armed.is_none());

    // A repository that was turned back after a newer one was seen.
    let newer = Made {
        metadata_version: 2,
        version: MADE + 50,
        ..Made::new()
    };
    newer.publish(&parts(3), None);
    let mut site = Site::new();
    site.take(newer.path(), &anchor.anchor(), &mut slots.clone())
        .unwrap();
    let text = refused(&anchor, &mut site, &mut slots);
    assert!(text.contains("older") || text.contains("version"), "{text}");

    // Over; with a clock that fell back to the time of the build it is taken.
    let mut site = Site::new();
    site.now_seconds = MADE + 31 * DAY;
    let text = refused(&anchor, &mut site, &mut slots);
    assert!(text.contains("ended") || text.contains("expired"), "{text}");
    let mut site = Site::new();
    site.now_seconds = 27;
    site.take(anchor.path(), &anchor.anchor(), &mut slots.clone())
        .unwrap();

    // For another board, and larger than the slot.
    let mut large = parts(2);
    large.get_mut(&Part::Root).unwrap().resize(40_000, 1);
    let made = Made::new();
    made.publish(&large, None);
    let text = refused(&made, &mut Site::new(), &mut slots);
    assert!(text.contains("there is room for 30000"), "{text}");

    // An image without a root of trust takes nothing.
    let text = refusal(Site::new().take(anchor.path(), Path::new("/nowhere"), &mut slots));
    assert!(text.contains("takes no updates"), "{text}");
}

#[test]
fn damaged_targets_are_refused_and_a_damaged_difference_is_gone_round() {
    let made = Made::new();
    made.publish(&parts(2), Some(&parts(1)));
    let target = |ending: &str| {
        let files = fs::read_dir(made.path().join("targets")).unwrap();
        let mut paths = files.map(|entry| entry.unwrap().path());
        let is_it = |path: &PathBuf| path.to_str().unwrap().ends_with(ending);
        paths.find(is_it).unwrap()
    };
    let difference = target("root.delta");
    let mut bytes = fs::read(&difference).unwrap();
    bytes[30] ^= 1;
    fs::write(&difference, &bytes).unwrap();
    let mut slots = Model::new(1);
    let mut site = Site::new();
    site.take(made.path(), &made.anchor(), &mut slots).unwrap();
    assert_holds(&slots, 2);
    let said = site.said.join("\n");
    assert!(said.contains("root.delta is refused"), "{said}");
    assert!(said.contains("root: written from"), "{said}");

    // The whole part is cut off too: then there is no way left, and the slot stays out.
    let whole = target("root.whole");
    let bytes = fs::read(&whole).unwrap();
    fs::write(&whole, &bytes[..bytes.len() / 2]).unwrap();
    let mut slots = Model::new(1);
    let text = refusal(Site::new().take(made.path(), &made.anchor(), &mut slots));
    assert!(text.contains("root.whole is refused"), "{text}");
    assert!(!slots.is_startable && slots.armed.is_none());
    // And where it is not there at all.
    fs::remove_file(&whole).unwrap();
    let text = refusal(Site::new().take(made.path(), &made.anchor(), &mut slots));
    assert!(text.contains("root.whole is not there"), "{text}");
}

#[test]
fn a_difference_from_what_the_board_has_not_is_no_way() {
    let made = Made::new();
    // Signed, and false: it says that it starts from what the board has.
    let mut other = parts(2)[&Part::Root].clone();
    other.rotate_left(700);
    let packed = difference::make(&parts(2)[&Part::Root], &other, 3).unwrap();
    made.publish(&parts(2), None);
    let bytes = fs::read(made.path().join("metadata/1.targets.json")).unwrap();
    let mut targets = Signed::<Targets>::parse(&bytes)
        .unwrap()
        .into_metadata()
        .targets;
    let notes = Notes {
        from: Some(digest(&parts(1)[&Part::Root])),
        ..Notes::of(&targets["root.whole"]).unwrap()
    };
    let file = TargetFile::of(&packed, Some(serde_json::to_value(notes).unwrap()));
    made.write(
        &format!("targets/{}.root.delta", file.sha256().unwrap()),
        &packed,
    );
    targets.insert("root.delta".to_owned(), file);
    made.publish_targets(targets);
    let mut slots = Model::new(1);
    let mut site = Site::new();
    site.take(made.path(), &made.anchor(), &mut slots).unwrap();
    assert_holds(&slots, 2);
    assert!(site.said.join("\n").contains("root: written from"));
}

#[test]
fn a_disk_that_gives_back_something_else_is_told() {
    let made = Made::new();
    made.publish(&parts(2), Some(&parts(1)));
    // Once: the next way writes it again. Always: it is refused.
    for (times, is_taken) in [(1, true), (9, false)] {
        let mut slots = Model::new(1);
        slots.worn = Some((Part::Root, times));
        let taken = Site::new().take(made.path(), &made.anchor(), &mut slots);
        if is_taken {
            taken.unwrap();
            assert_holds(&slots, 2);
        } else {
            let text = refusal(taken);
            assert!(text.contains("worn out"), "{text}");
            assert!(!slots.is_startable && slots.armed.is_none());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_power_may_go_at_any_byte(at in 0usize..36_000, by_difference in any::<bool>()) {
        let made = Made::new();
        made.publish(&parts(2), by_difference.then(|| parts(1)).as_ref());
        let mut slots = Model::new(1);
        slots.power_left = Some(at);
        let mut site = Site::new();
        let taken = site.take(made.path(), &made.anchor(), &mut slots);
        prop_assert_eq!(&slots.running, &parts(1));
        if taken.is_err() {
            prop_assert!(slots.armed.is_none());
            // Either nothing was begun, or the slot is out until it is whole.
            prop_assert!(!slots.is_startable || slots.other == parts(1));
        }
        slots.power_left = None;
        let taken = site.take(made.path(), &made.anchor(), &mut slots).unwrap();
        prop_assert_eq!(taken, Outcome::Armed(MADE));
        assert_holds(&slots, 2);
    }
}

#[test]
fn the_slots_of_a_board_are_filled() {
    let folder = tempfile::tempdir().unwrap();
    let boot = folder.path().join("boot");
    for name in ["loader/entries", "lapwing/a"] {
        fs::create_dir_all(boot.join(name)).unwrap();
    }
    for slot in Slot::BOTH {
        let entry = boot
            .join("loader/entries")
            .join(LoaderEntries::file_name(slot));
        fs::write(entry, "title\n").unwrap();
    }
    let running = parts(1);
    fs::write(boot.join("lapwing/a/kernel"), &running[&Part::Kernel]).unwrap();
    fs::write(boot.join("lapwing/a/initrd"), &running[&Part::MemoryDisk]).unwrap();
    let (root_a, root_b) = (folder.path().join("a"), folder.path().join("b"));
    // Partitions are longer than what is in them.
    let root_bytes = running[&Part::Root].len() as u64;
    fs::write(
        &root_a,
        [running[&Part::Root].as_slice(), &[0; 5000]].concat(),
    )
    .unwrap();
    fs::write(&root_b, vec![9; 30_000]).unwrap();
    let mut slots = BoardSlots::new(&boot, Slot::A, (&root_a, root_bytes), &root_b);

    let made = Made::new();
    made.publish(&parts(2), Some(&running));
    let mut site = Site::new();
    let taken = site.take(made.path(), &made.anchor(), &mut slots).unwrap();
    assert_eq!(taken, Outcome::Armed(MADE));
    assert!(
        site.said
            .join("\n")
            .contains("root: written by a difference")
    );
    let new = parts(2);
    let found = fs::read(&root_b).unwrap();
    assert_eq!(
        (found.len(), &found[..20_000]),
        (30_000, new[&Part::Root].as_slice())
    );
    assert_eq!(
        fs::read(boot.join("lapwing/b/kernel")).unwrap(),
        new[&Part::Kernel]
    );
    assert_eq!(
        fs::read(boot.join("lapwing/b/initrd")).unwrap(),
        new[&Part::MemoryDisk]
    );
    let control = LoaderEntries::new(&boot);
    assert_eq!(
        control.state(Slot::B).unwrap(),
        SlotState::OnTrial { left: 3 }
    );
    assert_eq!(control.state(Slot::A).unwrap(), SlotState::Confirmed);
    let entry = fs::read_to_string(boot.join("loader/entries/lapwing-b+3.conf")).unwrap();
    assert_eq!(entry, "title 2 b\noptions lapwing.slot=b\n");
}
