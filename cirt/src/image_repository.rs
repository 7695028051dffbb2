//! The repository of images that sensors are given: made and signed by who builds images (`lapwing-image update`), checked here, and
//! copied whole. This centre has no key of it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use lapwing_trust::TrustError;
use lapwing_trust::tuf::{Metadata as _, Root, TrustedSet, TrustedState, TufError};

use crate::settings::DataFolder;
use crate::settings::data_folder::{read_capped, write_public_below};

/// Bytes of a part of an image.
const TARGET_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why a repository of images was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImageRepositoryError {
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("{} holds no repository of images: it has no metadata/1.root.json", .0.display())]
    NoRepository(PathBuf),
    #[error(
        "it begins with another root than the repository that sensors know: they would take nothing of it"
    )]
    OtherRoot,
    #[error("the repository is refused")]
    Metadata(#[from] TufError),
    #[error("{name} is refused")]
    Target { name: String, source: TrustError },
}

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedImages {
    /// Version of the timestamp.
    pub version: u64,
    /// When it ends, as text.
    pub ends: String,
    /// Names of the targets, with their bytes.
    pub targets: Vec<(String, u64)>,
}

/// Checks a repository at a time in seconds since 1970, and gives it to sensors from now on.
///
/// # Errors
/// [`ImageRepositoryError`]; then nothing has changed for anybody.
pub fn publish(
    data: &DataFolder,
    from: &Path,
    now_seconds: u64,
) -> Result<PublishedImages, ImageRepositoryError> {
    use ImageRepositoryError as Error;
    let to = data.images();
    let first = |folder: &Path| read_metadata(folder, "1.root.json", Root::MAX_BYTES);
    let root = first(from).map_err(|error| Error::Read(from.to_owned(), error))?;
    let root = root.ok_or_else(|| Error::NoRepository(from.to_owned()))?;
    if let Some(known) = first(&to).map_err(|error| Error::Read(to.clone(), error))?
        && known != root
    {
        return Err(Error::OtherRoot);
    }
    let begin = |source| TufError::Refused {
        file: "1.root.json".to_owned(),
        source,
    };
    let state = TrustedState::from_root(&root).map_err(begin)?;
    let mut set = TrustedSet::open(&state, now_seconds)?;
    // What was published before is the floor, also where it is over by now.
    if to.join("metadata/timestamp.json").exists() {
        let mut known = TrustedSet::open(&state, 0)?;
        if known
            .refresh(&mut |file: &str, cap| read_metadata(&to, file, cap))
            .is_ok()
        {
            set = TrustedSet::open(&known.state(), now_seconds)?;
        }
    }
    let mut read = |file: &str, cap: usize| read_metadata(from, file, cap);
    set.refresh(&mut read)?;
    let targets = set.targets().map(|targets| targets.targets.clone());
    let mut published = Vec::new();
    let mut files = BTreeSet::new();
    for (name, file) in targets.into_iter().flatten() {
        let target = set.find_target(&mut read, &name)?;
        let path = Path::new("targets").join(&target.path);
        check_target(&from.join(&path), &name, &target)?;
        files.insert(path);
        published.push((name, file.length));
    }
    for path in &files {
        if !to.join(path).exists() {
            copy(from, &to, path)?;
        }
    }
    copy_metadata(from, &to, &set)?;
    remove_all_but(&files, &to, Path::new("targets"))
        .map_err(|error| Error::Write(to.clone(), error))?;
    let header = set.timestamp().map(|timestamp| timestamp.header().clone());
    Ok(PublishedImages {
        version: header.as_ref().map_or(0, |header| header.version),
        ends: header.map_or_else(String::new, |header| header.expires.to_string()),
        targets: published,
    })
}

fn check_target(
    path: &Path,
    name: &str,
    target: &lapwing_trust::tuf::Target,
) -> Result<(), ImageRepositoryError> {
    let failed = |error| ImageRepositoryError::Read(path.to_owned(), error);
    let refused = |source| ImageRepositoryError::Target {
        name: name.to_owned(),
        source,
    };
    let mut check = target.file.check().map_err(refused)?;
    let mut file = File::open(path).map_err(failed)?.take(TARGET_BYTES_MAX);
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut chunk).map_err(failed)?;
        if count == 0 {
            return check.finish().map_err(refused);
        }
        check
            .update(chunk.get(..count).unwrap_or_default())
            .map_err(refused)?;
    }
}

/// Copies what is in force, the timestamp last: who reads meanwhile sees the old state or the new one.
fn copy_metadata(from: &Path, to: &Path, set: &TrustedSet) -> Result<(), ImageRepositoryError> {
    let roots = 1..=set.root().header().version;
    let mut files: Vec<String> = roots
        .map(|version| format!("{version}.root.json"))
        .collect();
    if let Some(snapshot) = set.snapshot() {
        files.push(format!("{}.snapshot.json", snapshot.header().version));
    }
    if let Some(targets) = set.targets() {
        files.push(format!("{}.targets.json", targets.header().version));
    }
    files.push("timestamp.json".to_owned());
    files
        .iter()
        .try_for_each(|file| copy(from, to, &Path::new("metadata").join(file)))
}

/// Copies a file to the same place of another repository.
fn copy(from: &Path, to: &Path, path: &Path) -> Result<(), ImageRepositoryError> {
    let (from, to) = (from.join(path), to.join(path));
    fs::read(from)
        .and_then(|bytes| write_public_below(&to, &bytes))
        .map_err(|error| ImageRepositoryError::Write(to, error))
}

fn read_metadata(folder: &Path, file: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    read_capped(&folder.join("metadata").join(file), max_bytes)
}

fn remove_all_but(named: &BTreeSet<PathBuf>, root: &Path, below: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_all_but(named, root, &path)?;
        } else if !named.contains(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
