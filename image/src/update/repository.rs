//! A repository of images as files: what is in force, and the drafts that wait for signatures.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use ed25519_dalek::SigningKey;
use lapwing_trust::{
    PublicKey, Role, TrustError,
    tuf::{
        FileMeta, Header, Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp,
        TopRole, TrustedSet, TrustedState, UtcTime,
    },
};

const DAY_SECONDS: u64 = 86_400;

/// A repository in a folder.
pub(super) struct Repository {
    folder: PathBuf,
}

/// Keys that a role is to have.
pub(super) struct RoleChange {
    pub(super) role: TopRole,
    pub(super) keys: Vec<PublicKey>,
    pub(super) threshold: usize,
}

impl Repository {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub(super) fn metadata(&self, file: &str) -> PathBuf {
        self.folder.join("metadata").join(file)
    }

    pub(super) fn target(&self, path: &str) -> PathBuf {
        self.folder.join("targets").join(path)
    }

    fn draft(&self, role: TopRole) -> PathBuf {
        self.folder
            .join("drafts")
            .join(format!("{}.json", role.name()))
    }

    /// What is in force: the newest root, and what is published, if anything is. Ends are not looked at.
    pub(super) fn in_force(&self) -> anyhow::Result<Option<TrustedSet>> {
        let Some(first) = read(&self.metadata("1.root.json"))? else {
            return Ok(None);
        };
        let mut set = TrustedSet::open(&TrustedState::from_root(&first)?, 0)?;
        loop {
            let next = set.root().header.version.saturating_add(1);
            match read(&self.metadata(&format!("{next}.root.json")))? {
                Some(bytes) => set.take_root(&bytes)?,
                None => break,
            }
        }
        let Some(timestamp) = read(&self.metadata("timestamp.json"))? else {
            return Ok(Some(set));
        };
        // Signed by keys that a newer root names no more: then nothing is in force until it is signed anew.
        if set.take_timestamp(&timestamp).is_err() {
            return Ok(Some(set));
        }
        let version = set.timestamp().map(Timestamp::snapshot).transpose()?;
        let version = version.map_or(0, |named| named.version);
        let file = format!("{version}.snapshot.json");
        let snapshot = read(&self.metadata(&file))?.with_context(|| format!("{file} is gone"))?;
        set.take_snapshot(&snapshot)?;
        let version = set
            .snapshot()
            .map(|snapshot| snapshot.file_of(Targets::KIND).map(|named| named.version))
            .transpose()?;
        let file = format!("{}.targets.json", version.unwrap_or(0));
        let targets = read(&self.metadata(&file))?.with_context(|| format!("{file} is gone"))?;
        set.take_targets(&targets)?;
        Ok(Some(set))
    }

    /// The targets that are in force; none where nothing was published yet.
    pub(super) fn targets(&self) -> anyhow::Result<BTreeMap<String, TargetFile>> {
        let set = self
            .in_force()?
            .context("this repository has no root in force: draft one and sign it")?;
        let targets = set.targets().map(|targets| targets.targets.clone());
        Ok(targets.unwrap_or_default())
    }

    /// Drafts the first root, or the one that follows the newest.
    pub(super) fn draft_root(&self, roles: &[RoleChange], days: u32) -> anyhow::Result<()> {
        let newest = self.in_force()?.map(|set| set.root().clone());
        let version = newest.as_ref().map_or(0, |root| root.header.version);
        let mut root = newest.unwrap_or_else(|| Root::new(header::<Root>(1, 1)));
        root.header = header::<Root>(version + 1, days);
        for change in roles {
            root.set_role(change.role, &change.keys, change.threshold)?;
        }
        self.write_draft(TopRole::Root, &Signed::draft(root)?)
    }

    /// Drafts targets, in the place of those in force.
    pub(super) fn draft_targets(
        &self,
        targets: BTreeMap<String, TargetFile>,
        days: u32,
    ) -> anyhow::Result<()> {
        let version = self.next_version(".targets.json")?;
        let targets = Targets::new(header::<Targets>(version, days), targets);
        self.write_draft(TopRole::Targets, &Signed::draft(targets)?)
    }

    fn draft_snapshot(&self, targets: FileMeta, days: u32) -> anyhow::Result<()> {
        let version = self.next_version(".snapshot.json")?;
        let named = BTreeMap::from([("targets.json".to_owned(), targets)]);
        let snapshot = Snapshot::new(header::<Snapshot>(version, days), named);
        self.write_draft(TopRole::Snapshot, &Signed::draft(snapshot)?)
    }

    /// Drafts a timestamp of the snapshot in force.
    pub(super) fn draft_timestamp(&self, days: u32) -> anyhow::Result<()> {
        let set = self.in_force()?;
        let named = set
            .as_ref()
            .and_then(TrustedSet::timestamp)
            .context("nothing is published yet")?;
        self.draft_timestamp_of(named.snapshot()?.clone(), days)
    }

    fn draft_timestamp_of(&self, snapshot: FileMeta, days: u32) -> anyhow::Result<()> {
        let before = read(&self.metadata("timestamp.json"))?;
        let before = before.and_then(|bytes| Signed::<Timestamp>::parse(&bytes).ok());
        let version = before.map_or(0, |before| before.metadata().header.version) + 1;
        let timestamp = Timestamp::new(header::<Timestamp>(version, days), snapshot);
        self.write_draft(TopRole::Timestamp, &Signed::draft(timestamp)?)
    }

    /// Signs the drafts that a key may sign, and puts in force what enough have signed. What was done, in lines.
    pub(super) fn sign(&self, key: &SigningKey, days: u32) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        if let Some((bytes, root)) = self.sign_root(key, &mut lines)? {
            self.put(&format!("{}.root.json", root.header.version), &bytes)?;
            self.forget_draft(TopRole::Root)?;
            // What was signed by keys that are no longer named is signed anew.
            if self.metadata("timestamp.json").exists() && !self.draft(TopRole::Targets).exists() {
                self.draft_targets(self.published_targets()?, days)?;
            }
        }
        let set = self.in_force()?;
        let Some(root) = set.as_ref().map(TrustedSet::root) else {
            if lines.is_empty() {
                bail!("there is no draft that this key may sign");
            }
            return Ok(lines);
        };
        if let Some((bytes, targets)) =
            self.sign_one::<Targets>(TopRole::Targets, root, key, &mut lines)?
        {
            let version = targets.header.version;
            self.put(&format!("{version}.targets.json"), &bytes)?;
            self.draft_snapshot(FileMeta::of(version, &bytes), days)?;
            self.forget_draft(TopRole::Targets)?;
        }
        if let Some((bytes, snapshot)) =
            self.sign_one::<Snapshot>(TopRole::Snapshot, root, key, &mut lines)?
        {
            let version = snapshot.header.version;
            self.put(&format!("{version}.snapshot.json"), &bytes)?;
            self.draft_timestamp_of(FileMeta::of(version, &bytes), days)?;
            self.forget_draft(TopRole::Snapshot)?;
        }
        if let Some((bytes, _)) =
            self.sign_one::<Timestamp>(TopRole::Timestamp, root, key, &mut lines)?
        {
            self.put("timestamp.json", &bytes)?;
            self.forget_draft(TopRole::Timestamp)?;
            self.remove_old()?;
            lines.push("published".to_owned());
        }
        if lines.is_empty() {
            bail!("there is no draft that this key may sign");
        }
        Ok(lines)
    }

    fn sign_root(
        &self,
        key: &SigningKey,
        lines: &mut Vec<String>,
    ) -> anyhow::Result<Option<(Vec<u8>, Root)>> {
        let Some(bytes) = read(&self.draft(TopRole::Root))? else {
            return Ok(None);
        };
        let root = Signed::<Root>::parse(&bytes)?.into_metadata();
        // Its own keys, and those of the root before it.
        let mut roles = vec![root.role(TopRole::Root)?];
        if let Some(before) = self.in_force()? {
            roles.push(before.root().role(TopRole::Root)?);
        }
        self.sign_draft::<Root>(TopRole::Root, &roles, key, lines)
    }

    fn sign_one<M: Metadata + Clone>(
        &self,
        role: TopRole,
        root: &Root,
        key: &SigningKey,
        lines: &mut Vec<String>,
    ) -> anyhow::Result<Option<(Vec<u8>, M)>> {
        if !self.draft(role).exists() {
            return Ok(None);
        }
        self.sign_draft(role, &[root.role(role)?], key, lines)
    }

    /// The draft, if all roles have now signed it enough.
    fn sign_draft<M: Metadata + Clone>(
        &self,
        role: TopRole,
        roles: &[Role],
        key: &SigningKey,
        lines: &mut Vec<String>,
    ) -> anyhow::Result<Option<(Vec<u8>, M)>> {
        let path = self.draft(role);
        let bytes = read(&path)?.with_context(|| format!("{} is gone", path.display()))?;
        let mut signed = Signed::<M>::parse(&bytes)?;
        let id = PublicKey::of(key)?.id();
        let is_named = |role: &Role| role.key_ids().any(|known| known == id);
        if !roles.iter().any(is_named) {
            return Ok(None);
        }
        signed.sign(key)?;
        self.write_draft(role, &signed)?;
        let name = role.name();
        let version = signed.metadata().header().version;
        for role in roles {
            match signed.check(role) {
                Ok(()) => {}
                Err(TrustError::TooFewSignatures {
                    valid, threshold, ..
                }) => {
                    lines.push(format!(
                        "{name} {version}: {valid} of {threshold} signatures; it waits for the others"
                    ));
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        lines.push(format!("{name} {version} is signed and in force"));
        Ok(Some((signed.to_bytes()?, signed.metadata().clone())))
    }

    /// The targets published last, whoever signed them.
    fn published_targets(&self) -> anyhow::Result<BTreeMap<String, TargetFile>> {
        let newest = self.next_version(".targets.json")?.saturating_sub(1);
        let bytes = read(&self.metadata(&format!("{newest}.targets.json")))?;
        let bytes = bytes.context("the targets that are published are gone")?;
        Ok(Signed::<Targets>::parse(&bytes)?.into_metadata().targets)
    }

    /// Removes targets that nothing in force names.
    fn remove_old(&self) -> anyhow::Result<()> {
        let set = self.in_force()?.context("there is no root")?;
        let named = set.targets().map(|targets| &targets.targets);
        let named = named.into_iter().flatten();
        let named: BTreeSet<PathBuf> = named
            .map(|(name, file)| self.target(&path_of(name, file)))
            .collect();
        remove_all_but(&named, &self.folder.join("targets"))
    }

    fn next_version(&self, ending: &str) -> anyhow::Result<u64> {
        let folder = self.folder.join("metadata");
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{} is no repository", self.folder.display()))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let versions = names.filter_map(|name| name.strip_suffix(ending)?.parse::<u64>().ok());
        Ok(versions.max().unwrap_or(0).saturating_add(1))
    }

    fn write_draft<M: Metadata>(&self, role: TopRole, signed: &Signed<M>) -> anyhow::Result<()> {
        write(&self.draft(role), &signed.to_bytes()?)
    }

    fn forget_draft(&self, role: TopRole) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.draft(role))?)
    }

    fn put(&self, file: &str, bytes: &[u8]) -> anyhow::Result<()> {
        write(&self.metadata(file), bytes)
    }
}

/// The path of a target's file, its hash before its name.
pub(super) fn path_of(name: &str, file: &TargetFile) -> String {
    let hash = file.sha256().unwrap_or_default();
    match name.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{hash}.{name}"),
        None => format!("{hash}.{name}"),
    }
}

fn header<M: Metadata>(version: u64, days: u32) -> Header {
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0);
    let ends = now.saturating_add(u64::from(days) * DAY_SECONDS);
    Header::new::<M>(
        version,
        UtcTime::from_seconds(now),
        UtcTime::from_seconds(ends),
    )
}

fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match fs::File::open(path) {
        Ok(file) => {
            let cap = u64::try_from(Targets::MAX_BYTES)?.saturating_add(1);
            file.take(cap).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a file of the repository, whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let new = path.with_extension("new");
        fs::write(&new, bytes)?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn remove_all_but(named: &BTreeSet<PathBuf>, folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            remove_all_but(named, &path)?;
            if fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            }
        } else if !named.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lapwing_trust::tuf::Repository as _;

    use super::*;

    fn key(number: u8) -> SigningKey {
        SigningKey::from_bytes(&[number; 32])
    }

    fn roles(root: &[u8], images: &[u8], newest: u8) -> Vec<RoleChange> {
        let public = |number: &u8| PublicKey::of(&key(*number)).unwrap();
        let role = |role, numbers: &[u8]| RoleChange {
            role,
            keys: numbers.iter().map(public).collect(),
            threshold: numbers.len(),
        };
        vec![
            role(TopRole::Root, root),
            role(TopRole::Targets, images),
            role(TopRole::Snapshot, &[newest]),
            role(TopRole::Timestamp, &[newest]),
        ]
    }

    fn one_target(bytes: &[u8], repository: &Repository) -> BTreeMap<String, TargetFile> {
        let file = TargetFile::of(bytes, None);
        write(&repository.target(&path_of("board/1/root", &file)), bytes).unwrap();
        BTreeMap::from([("board/1/root".to_owned(), file)])
    }

    #[test]
    fn what_enough_have_signed_comes_into_force_and_a_client_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::new(folder.path());
        repository
            .draft_root(&roles(&[1, 2], &[3, 4], 5), 10)
            .unwrap();
        assert!(repository.sign(&key(3), 9).is_err());
        assert_eq!(
            repository.sign(&key(1), 9).unwrap(),
            ["root 1: 1 of 2 signatures; it waits for the others"]
        );
        assert_eq!(
            repository.sign(&key(2), 9).unwrap(),
            ["root 1 is signed and in force"]
        );
        let targets = one_target(b"one", &repository);
        repository.draft_targets(targets, 9).unwrap();
        assert!(repository.sign(&key(5), 9).is_err());
        repository.sign(&key(3), 9).unwrap();
        assert!(repository.targets().unwrap().is_empty());
        assert_eq!(
            repository.sign(&key(4), 9).unwrap(),
            ["targets 1 is signed and in force"]
        );
        assert_eq!(
            repository.sign(&key(5), 9).unwrap().last().unwrap(),
            "published"
        );
        assert_eq!(repository.targets().unwrap().len(), 1);

        // A client that knows the first root follows to the second, whose keys are others.
        let first = fs::read(repository.metadata("1.root.json")).unwrap();
        repository.draft_root(&roles(&[1, 6], &[7], 8), 10).unwrap();
        for number in [1, 2, 6] {
            repository.sign(&key(number), 9).unwrap();
        }
        for number in [7, 8] {
            repository.sign(&key(number), 9).unwrap();
        }
        let mut set = TrustedSet::open(&TrustedState::from_root(&first).unwrap(), 0).unwrap();
        let mut client =
            |file: &str, _: usize| read(&repository.metadata(file)).map_err(io::Error::other);
        assert!(client.metadata("timestamp.json", 1).unwrap().is_some());
        set.refresh(&mut client).unwrap();
        assert_eq!(set.root().header.version, 2);
        assert!(set.find_target(&mut client, "board/1/root").is_ok());

        // What is no longer named is removed.
        let old = repository.target(&path_of(
            "board/1/root",
            &repository.targets().unwrap()["board/1/root"],
        ));
        assert!(old.exists());
        let targets = one_target(b"two", &repository);
        repository.draft_targets(targets, 9).unwrap();
        for number in [7, 8] {
            repository.sign(&key(number), 9).unwrap();
        }
        assert!(!old.exists());
        repository.draft_timestamp(30).unwrap();
        assert_eq!(
            repository.sign(&key(8), 9).unwrap(),
            ["timestamp 4 is signed and in force", "published"]
        );
    }
}
