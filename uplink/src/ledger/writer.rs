//! Writing the ledger: append, force to the disk, then act.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lapwing_wire::{
    ContentKey, Record, RecordKind, SealWitness, SealedEnvelope, SealingPrivateKey,
    SealingPublicKey,
};

use super::line::{Entry, Line, Way};
use super::reader::{Head, LedgerError, Lines};
use super::{FILE_BYTES, KEPT_BYTES};

/// The ISP's ledger key: made by the ISP, its public half in the sensor's settings. Both halves are files of 64 hex digits.
#[derive(Debug, Clone)]
pub struct LedgerKey(SealingPrivateKey);

impl LedgerKey {
    /// Makes a key.
    pub fn generate() -> Self {
        Self(SealingPrivateKey::generate(&mut rand::rng()))
    }

    /// A key from the text of its file.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = <[u8; 32]>::try_from(hex::decode(text.trim()).ok()?).ok()?;
        SealingPrivateKey::from_bytes(bytes).ok().map(Self)
    }

    /// A public key from the text of its file.
    pub fn parse_public(text: &str) -> Option<SealingPublicKey> {
        let bytes = <[u8; 32]>::try_from(hex::decode(text.trim()).ok()?).ok()?;
        Some(SealingPublicKey::from_bytes(bytes))
    }

    /// The texts of its private and its public file.
    pub fn to_texts(&self) -> Option<(String, String)> {
        let public = self.0.public_key().ok()?;
        Some((
            format!("{}\n", hex::encode(self.0.to_bytes().as_slice())),
            format!("{}\n", hex::encode(public.as_bytes())),
        ))
    }

    /// The private key.
    pub fn private_key(&self) -> &SealingPrivateKey {
        &self.0
    }
}

/// What a connection carried, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Of TCP payload from here.
    pub sent: u64,
    /// Of TCP payload to here.
    pub received: u64,
    /// Of those sent, what was said to a proxy before TLS began.
    pub proxy: u64,
    /// Of those sent, what was given to TLS.
    pub said: u64,
    /// Of what was given to TLS, envelopes that were begun.
    pub envelopes: u64,
}

/// The one writer of a ledger. Clones write the same one.
#[derive(Debug, Clone)]
pub struct Ledger {
    folder: PathBuf,
    key: Option<SealingPublicKey>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    last: u64,
    hash: String,
    file: PathBuf,
    file_bytes: u64,
    connections: u64,
    kept: Vec<(PathBuf, u64)>,
}

impl Ledger {
    /// Opens the ledger in a folder, and makes it when there is none. A torn last line, as a power cut leaves it, is cut off; a
    /// connection whose end was not seen is entered as cut.
    ///
    /// # Errors
    /// [`LedgerError`], also when what is there was changed: nothing may leave then.
    pub fn open(folder: &Path, key: Option<SealingPublicKey>) -> Result<Self, LedgerError> {
        let envelopes = folder.join("envelopes");
        fs::create_dir_all(&envelopes).map_err(LedgerError::file("make", &envelopes))?;
        let lock = lock(folder)?;
        let (state, open_connection) = Self::load(folder)?;
        drop(lock);
        let ledger = Self {
            folder: folder.to_owned(),
            key,
            state: Arc::new(Mutex::new(state)),
        };
        if let Some(connection) = open_connection {
            ledger.append(Entry::Cut { connection })?;
        }
        Ok(ledger)
    }

    /// What is there, and a connection whose end was not entered.
    fn load(folder: &Path) -> Result<(State, Option<u64>), LedgerError> {
        let envelopes = folder.join("envelopes");
        let lines = Lines::read(folder)?;
        let head = Head::read(folder)?;
        if let Some(head) = head.filter(|head| head.lines > lines.last) {
            return Err(LedgerError::Short {
                lines: lines.last,
                head: head.lines,
            });
        }
        let mut open_connection = None;
        let mut connections = 0;
        for line in &lines.lines {
            match line.entry {
                Entry::Connected { connection, .. } => {
                    connections = connection;
                    open_connection = Some(connection);
                }
                Entry::Closed { .. } | Entry::Cut { .. } => open_connection = None,
                _ => {}
            }
        }
        let (file, file_bytes) = match lines.file {
            Some((path, whole)) => {
                if lines.is_torn {
                    let file = OpenOptions::new().write(true).open(&path);
                    file.and_then(|file| file.set_len(whole))
                        .map_err(LedgerError::file("cut", &path))?;
                }
                (path, whole)
            }
            None => (folder.join(file_name(1)), 0),
        };
        Ok((
            State {
                last: lines.last,
                hash: lines.hash,
                file,
                file_bytes,
                connections,
                kept: kept_envelopes(&envelopes)?,
            },
            open_connection,
        ))
    }

    /// Enters a connection that was made, before anything is said on it; gives its number.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing may be said then.
    pub fn connected(&self, from: SocketAddr, to: SocketAddr) -> Result<u64, LedgerError> {
        let connection = self.state().connections + 1;
        self.append(Entry::Connected {
            connection,
            from: from.to_string(),
            to: to.to_string(),
        })?;
        self.state().connections = connection;
        Ok(connection)
    }

    /// Enters the end of a connection.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn closed(&self, connection: u64, carried: Carried) -> Result<(), LedgerError> {
        let Carried {
            sent,
            received,
            proxy,
            said,
            envelopes,
        } = carried;
        let envelopes = envelopes.min(said);
        self.append(Entry::Closed {
            connection,
            sent,
            received,
            envelopes,
            other: said - envelopes,
            tls: sent.saturating_sub(said + proxy),
            proxy,
        })
    }

    /// Enters an envelope that is about to leave, and keeps its bytes for the ISP.
    ///
    /// # Errors
    /// [`LedgerError`]; it may not leave then.
    pub fn sent(
        &self,
        envelope: &SealedEnvelope,
        way: Way,
        connection: Option<u64>,
    ) -> Result<(), LedgerError> {
        self.keep(envelope)?;
        self.append(Entry::Sent {
            epoch: envelope.identity.epoch.to_string(),
            batch: envelope.identity.number.0,
            digest: envelope.digest.to_string(),
            bytes: envelope.bytes.len() as u64,
            way,
            connection,
        })
    }

    /// Where the bytes of an envelope are kept.
    pub fn kept_path(folder: &Path, epoch: &str, batch: u64) -> PathBuf {
        folder
            .join("envelopes")
            .join(format!("{epoch}-{batch:012}.envelope"))
    }

    /// Removes kept envelopes that left longer ago than this; gives how many. The lines that tell of them stay.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn remove_envelopes_after(&self, time: Duration) -> Result<usize, LedgerError> {
        let now = SystemTime::now();
        let is_old = |path: &Path| {
            let written = fs::metadata(path).and_then(|metadata| metadata.modified());
            written.is_ok_and(|written| now.duration_since(written).is_ok_and(|age| age > time))
        };
        let mut state = self.state();
        let (old, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut state.kept)
            .into_iter()
            .partition(|(path, _)| is_old(path));
        state.kept = kept;
        for (path, _) in &old {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(LedgerError::file("remove", path)(error));
                }
                _ => {}
            }
        }
        Ok(old.len())
    }

    fn keep(&self, envelope: &SealedEnvelope) -> Result<(), LedgerError> {
        let epoch = envelope.identity.epoch.to_string();
        let path = Self::kept_path(&self.folder, &epoch, envelope.identity.number.0);
        let mut state = self.state();
        if state.kept.iter().any(|(kept, _)| *kept == path) {
            return Ok(());
        }
        write_whole(&path, &envelope.bytes).map_err(LedgerError::file("write", &path))?;
        state.kept.push((path, envelope.bytes.len() as u64));
        let mut bytes: u64 = state.kept.iter().map(|(_, bytes)| bytes).sum();
        while bytes > KEPT_BYTES && state.kept.len() > 1 {
            let (oldest, its) = state.kept.remove(0);
            fs::remove_file(&oldest).map_err(LedgerError::file("remove", &oldest))?;
            bytes -= its;
        }
        Ok(())
    }

    fn append(&self, entry: Entry) -> Result<(), LedgerError> {
        let mut state = self.state();
        let _lock = lock(&self.folder)?;
        let head = Head::read(&self.folder)?;
        if head.is_some_and(|head| head.hash != state.hash) {
            // Another process wrote lines in between: a courier beside the uplink.
            *state = Self::load(&self.folder)?.0;
        }
        let line = Line {
            line: state.last + 1,
            time: now_milliseconds(),
            entry,
        };
        if state.file_bytes >= FILE_BYTES {
            state.file = self.folder.join(file_name(line.line));
            state.file_bytes = 0;
        }
        let (text, hash) = line.to_text(&state.hash)?;
        let path = state.file.clone();
        let written = append_line(&path, text.as_bytes());
        if written.is_err() {
            // Part of the line may be there: take it away, so that the next one stands behind a whole one.
            let file = OpenOptions::new().write(true).open(&path);
            let _cut = file.and_then(|file| file.set_len(state.file_bytes));
        }
        written.map_err(LedgerError::file("append to", &path))?;
        state.last = line.line;
        state.hash = hash;
        state.file_bytes += text.len() as u64;
        let head = Head {
            lines: state.last,
            hash: state.hash.clone(),
        };
        let path = Head::path(&self.folder);
        write_whole(&path, &serde_json::to_vec(&head)?).map_err(LedgerError::file("write", &path))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SealWitness for Ledger {
    fn sealed(
        &self,
        envelope: &SealedEnvelope,
        records: &[Record],
        key: &ContentKey,
        centre: &SealingPublicKey,
    ) -> Result<(), String> {
        let wrapped = match &self.key {
            Some(isp) => Some(
                key.wrap(isp, centre, envelope.digest, &mut rand::rng())
                    .map_err(|error| error.to_string())?,
            ),
            None => None,
        };
        let mut counts = std::collections::BTreeMap::new();
        let mut policies = std::collections::BTreeSet::new();
        for record in records {
            let kind = kind_name(record.body.kind()).to_owned();
            *counts.entry(kind).or_insert(0u64) += 1;
            policies.extend(record.header.policy.map(|policy| hex::encode(policy.0)));
        }
        self.append(Entry::Sealed {
            sensor: envelope.identity.sensor.to_string(),
            epoch: envelope.identity.epoch.to_string(),
            batch: envelope.identity.number.0,
            digest: envelope.digest.to_string(),
            bytes: envelope.bytes.len() as u64,
            records: counts,
            policies: policies.into_iter().collect(),
            key: wrapped.map(hex::encode),
        })
        .map_err(|error| error.to_string())
    }
}

/// Held while a line is written: a courier may write beside the uplink.
fn lock(folder: &Path) -> Result<File, LedgerError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let locked = file.and_then(|file| file.lock().map(|()| file));
    locked.map_err(LedgerError::file("lock", &path))
}

fn kind_name(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::FINDING => "finding",
        RecordKind::SUMMARY => "summary",
        RecordKind::HEARTBEAT => "heartbeat",
        RecordKind::EVICTION => "eviction",
        _ => "other",
    }
}

fn file_name(first: u64) -> String {
    format!("{first:012}.lines")
}

fn now_milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

fn append_line(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// Replaces a file so that a reader finds the old bytes or the new ones.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&beside, path)
}

/// The kept envelopes, the oldest first.
fn kept_envelopes(folder: &Path) -> Result<Vec<(PathBuf, u64)>, LedgerError> {
    let list = || -> io::Result<Vec<(SystemTime, PathBuf, u64)>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "envelope")
            {
                let metadata = path.metadata()?;
                kept.push((metadata.modified()?, path, metadata.len()));
            }
        }
        kept.sort();
        Ok(kept)
    };
    let kept = list().map_err(LedgerError::file("list", folder))?;
    Ok(kept
        .into_iter()
        .map(|(_, path, bytes)| (path, bytes))
        .collect())
}
