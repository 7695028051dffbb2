//! Where the key is that the queue on the disk is encrypted with, and who can read a stolen disk therefore.
//!
//! The key is 32 bytes, written as 64 hex digits, in the first of these places that there is:
//!
//! 1. the file that the settings name as `outbox.key_file`: on a stick, say, or on a disk that is unlocked by hand;
//! 2. systemd's credential [`CREDENTIAL`], which systemd decrypts with the machine's TPM before it starts the sensor;
//! 3. `outbox.key` in the state folder, beside the queue and not in it. It is made when there is none.
//!
//! A sensor that comes to have one of the first two goes over to it by itself: what waits is kept, and the key of the last place is
//! destroyed.

use std::env;
use std::fs;
use std::io;
use std::os::linux::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use lapwing_outbox::{KEY_BYTES, Keyslot};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;
use crate::whole_file;

/// Name of systemd's credential.
pub const CREDENTIAL: &str = "lapwing-outbox.key";
/// Where systemd says that its credentials are.
const CREDENTIALS_FOLDER: &str = "CREDENTIALS_DIRECTORY";
/// The file in the state folder.
const FILE: &str = "outbox.key";
/// Bytes of a key's file.
const MAX_FILE_BYTES: usize = 1024;
/// The kernel's list of TPMs.
const TPM_CLASS: &str = "/sys/class/tpm";

/// Why the key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyslotError {
    /// A file cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no key.
    #[error("{} is no key: it must be 64 hex digits, as `openssl rand -hex 32` prints them", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// Records wait that were encrypted with a key that is not there.
    #[error(
        "records wait in {} that were encrypted with a key that is not at {}, nor a credential of this process: put it back, start this \
         as the service is started, or move the outbox folder away to begin a new one",
        outbox.display(),
        path.display()
    )]
    Gone {
        /// Where it should be.
        path: PathBuf,
        /// The outbox.
        outbox: PathBuf,
    },
}

impl KeyslotError {
    fn file<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::File {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Who can read what waits on a stolen disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtRest {
    /// Nobody has said yet.
    #[default]
    Unknown,
    /// The key is a credential of systemd, and there is a TPM.
    Tpm,
    /// The key is a credential of systemd, and there is no TPM: its own key is on the disk.
    HostCredential,
    /// The key is in a file on another disk than the queue.
    OtherDisk {
        /// The file.
        file: PathBuf,
    },
    /// The key is in a file on the same disk.
    SameDisk {
        /// The file.
        file: PathBuf,
    },
}

impl AtRest {
    /// One line for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Unknown => "not known: the sensor has not run with this program yet".to_owned(),
            Self::Tpm => {
                "encrypted, key from systemd on a machine with a TPM: who takes this disk alone cannot read what waits".to_owned()
            }
            Self::HostCredential => {
                "encrypted, but no keyslot (systemd's own key is on a disk, there is no TPM): who takes this disk can read what waits"
                    .to_owned()
            }
            Self::OtherDisk { file } => format!(
                "encrypted, key on another disk ({}): who takes this disk alone cannot read what waits",
                file.display()
            ),
            Self::SameDisk { file } => format!(
                "encrypted, but no keyslot (the key is on the same disk, {}): who takes this disk can read what waits",
                file.display()
            ),
        }
    }
}

/// Where the key is.
enum Place {
    Credential(PathBuf),
    File(PathBuf),
}

impl Place {
    fn of(settings: &Settings) -> Self {
        Self::in_state(&settings.state, settings.outbox_key_file.clone())
    }

    fn in_state(state: &Path, key_file: Option<PathBuf>) -> Self {
        if let Some(file) = key_file {
            return Self::File(file);
        }
        let credential =
            env::var_os(CREDENTIALS_FOLDER).map(|folder| Path::new(&folder).join(CREDENTIAL));
        match credential.filter(|path| path.exists()) {
            Some(path) => Self::Credential(path),
            None => Self::File(usual_file(state)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Credential(path) | Self::File(path) => path,
        }
    }
}

fn usual_file(state: &Path) -> PathBuf {
    state.join(FILE)
}

/// The key of a sensor's outbox. The first that looks makes one.
///
/// # Errors
/// [`KeyslotError`].
pub fn open(settings: &Settings) -> Result<Keyslot, KeyslotError> {
    open_in(
        &settings.state,
        &settings.outbox_folder(),
        settings.outbox_key_file.clone(),
    )
}

/// The key as it is, for who only looks or carries: none is made. None where there is none and no record needs one.
///
/// # Errors
/// [`KeyslotError`].
pub fn known(settings: &Settings) -> Result<Option<Keyslot>, KeyslotError> {
    let place = Place::of(settings);
    if read(place.path())?.is_some() {
        return open(settings).map(Some);
    }
    let outbox = settings.outbox_folder();
    match read(&usual_file(&settings.state))? {
        Some(former) => Ok(Some(Keyslot::new(former))),
        None if lapwing_outbox::is_encrypted(&outbox) => Err(KeyslotError::Gone {
            path: place.path().to_owned(),
            outbox,
        }),
        None => Ok(None),
    }
}

/// The same for an outbox whose settings are not all at hand.
///
/// # Errors
/// [`KeyslotError`].
pub fn open_in(
    state: &Path,
    outbox: &Path,
    key_file: Option<PathBuf>,
) -> Result<Keyslot, KeyslotError> {
    let place = Place::in_state(state, key_file);
    let usual = usual_file(state);
    let former = if place.path() == usual {
        None
    } else {
        read(&usual)?
    };
    let key = match (read(place.path())?, &place) {
        (Some(key), _) => key,
        (None, Place::File(path)) if former.is_some() || !lapwing_outbox::is_encrypted(outbox) => {
            make(path)?
        }
        (None, _) => {
            return Err(KeyslotError::Gone {
                path: place.path().to_owned(),
                outbox: outbox.to_owned(),
            });
        }
    };
    let slot = Keyslot::new(key);
    Ok(match former {
        Some(former) => slot.formerly(former),
        None => slot,
    })
}

/// Destroys the key in the state folder where another place is in use. For the sensor, once it has the outbox open: what waits is
/// under the other key then.
///
/// # Errors
/// [`KeyslotError::File`].
pub fn forget_former(settings: &Settings) -> Result<(), KeyslotError> {
    let usual = usual_file(&settings.state);
    if Place::of(settings).path() == usual || !usual.exists() {
        return Ok(());
    }
    fs::remove_file(&usual).map_err(KeyslotError::file("remove", &usual))
}

/// Who can read what waits on a stolen disk.
#[must_use]
pub fn at_rest(settings: &Settings) -> AtRest {
    match Place::of(settings) {
        Place::Credential(_) => {
            let has_tpm = fs::read_dir(TPM_CLASS).is_ok_and(|mut tpms| tpms.next().is_some());
            if has_tpm {
                AtRest::Tpm
            } else {
                AtRest::HostCredential
            }
        }
        Place::File(file) => match (disk_of(&file), disk_of(&settings.state)) {
            (Some(of_key), Some(of_queue)) if of_key != of_queue => AtRest::OtherDisk { file },
            _ => AtRest::SameDisk { file },
        },
    }
}

/// A name for the disk that a file is on: two partitions of one disk have the same.
fn disk_of(path: &Path) -> Option<PathBuf> {
    let device = fs::metadata(path).ok()?.st_dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let known = PathBuf::from(format!("/sys/dev/block/{major}:{minor}"));
    match fs::canonicalize(&known) {
        Ok(block) if block.join("partition").exists() => block.parent().map(Path::to_owned),
        Ok(block) => Some(block),
        // No disk of its own, as memory: told apart by number.
        Err(_) => Some(known),
    }
}

fn read(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, KeyslotError> {
    let text = match whole_file::read(path, MAX_FILE_BYTES) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeyslotError::file("read", path)(source)),
    };
    let key = hex::decode(text.trim_ascii())
        .ok()
        .and_then(|key| <[u8; KEY_BYTES]>::try_from(key).ok());
    key.map(Some).ok_or_else(|| KeyslotError::NoKey {
        path: path.to_owned(),
    })
}

/// Makes a key. Where another process was quicker its key is taken: the file appears as a whole.
fn make(path: &Path) -> Result<[u8; KEY_BYTES], KeyslotError> {
    let failed = || KeyslotError::file("make", path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed())?;
    }
    let key: [u8; KEY_BYTES] = rand::random();
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let text = zeroize::Zeroizing::new(format!("{}\n", hex::encode(key)));
    fs::remove_file(&beside).ok();
    whole_file::create(&beside, text.as_bytes(), 0o600).map_err(failed())?;
    match fs::hard_link(&beside, path) {
        Ok(()) => fs::remove_file(&beside).map_err(failed())?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&beside).map_err(failed())?;
            return read(path)?.ok_or_else(|| KeyslotError::NoKey {
                path: path.to_owned(),
            });
        }
        // The file system of a stick has no links.
        Err(_) => fs::rename(&beside, path).map_err(failed())?,
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(failed())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;
    use lapwing_outbox::{OutboxError, OutboxWriter};

    fn settings(state: &Path, more: &str) -> Settings {
        let text = format!("state = '{}'\n[rules]\npack = 'p'\n{more}", state.display());
        settings::parse(&text, state).unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_its_loss_throws_nothing_away() {
        let state = tempfile::tempdir().unwrap();
        let settings = settings(state.path(), "");
        assert!(known(&settings).unwrap().is_none());
        assert!(!usual_file(state.path()).exists(), "looking makes no key");
        let writer = || {
            let outbox = settings.outbox(Some(open(&settings).unwrap()));
            OutboxWriter::open(&settings.outbox_folder(), outbox)
        };
        drop(writer().unwrap());
        assert!(matches!(at_rest(&settings), AtRest::SameDisk { .. }));
        let file = usual_file(state.path());
        let text = fs::read_to_string(&file).unwrap();
        drop(writer().unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        // A key is needed from the first record on.
        fs::write(settings.outbox_folder().join("keys"), b"").unwrap();
        fs::remove_file(&file).unwrap();
        assert!(matches!(open(&settings), Err(KeyslotError::Gone { .. })));
        assert!(matches!(known(&settings), Err(KeyslotError::Gone { .. })));
        fs::write(&file, "short\n").unwrap();
        assert!(matches!(open(&settings), Err(KeyslotError::NoKey { .. })));
        fs::write(&file, text).unwrap();
        let result = OutboxWriter::open(
            &settings.outbox_folder(),
            settings.outbox(known(&settings).unwrap()),
        );
        assert!(matches!(result, Err(OutboxError::Damaged { .. })));
    }

    #[test]
    fn another_place_takes_over_and_the_former_key_is_destroyed() {
        let state = tempfile::tempdir().unwrap();
        let before = settings(state.path(), "");
        open(&before).unwrap();
        let after = settings(state.path(), "[outbox]\nkey_file = 'stick/outbox.key'\n");
        open(&after).unwrap();
        assert!(usual_file(state.path()).exists());
        forget_former(&after).unwrap();
        assert!(!usual_file(state.path()).exists());
        assert!(state.path().join("stick/outbox.key").exists());
        forget_former(&before).unwrap();
    }
}
