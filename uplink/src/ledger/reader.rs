//! Reading a ledger, line by line, with every hash checked on the way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::line::Line;
use super::{FILE_BYTES, MAX_LINE_BYTES, NO_HASH};

/// Why a ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A file cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line is not what was written.
    #[error("{} is damaged after line {good_lines} of the ledger", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The last line that is right.
        good_lines: u64,
    },
    /// The head says more than the lines do.
    #[error("the ledger ends at line {lines}, and its head says {head}")]
    Short {
        /// The last line.
        lines: u64,
        /// The line that the head names.
        head: u64,
    },
    /// A line cannot be written down.
    #[error("a line of the ledger cannot be written as text: {0}")]
    Text(#[from] serde_json::Error),
}

impl LedgerError {
    pub(super) fn file<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::File {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// What `ledger/head` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) lines: u64,
    pub(super) hash: String,
}

impl Head {
    pub(super) fn path(folder: &Path) -> PathBuf {
        folder.join("head")
    }

    pub(super) fn read(folder: &Path) -> Result<Option<Self>, LedgerError> {
        let path = Self::path(folder);
        match fs::read(&path) {
            // What is no head says nothing, as if there were none.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LedgerError::file("read", &path)(source)),
        }
    }
}

/// The whole lines of a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines, in order.
    pub lines: Vec<Line>,
    /// By line: its hash.
    pub(super) hashes: Vec<String>,
    /// Hash of the last one.
    pub(super) hash: String,
    /// Number of the last one.
    pub(super) last: u64,
    /// The file of the last one, and how many bytes of it are whole lines.
    pub(super) file: Option<(PathBuf, u64)>,
    /// Whether a line at the very end was torn, as a power cut does it.
    pub(super) is_torn: bool,
}

impl Lines {
    /// Reads and checks a ledger. Where its first files were taken away it begins with the first one that is there.
    ///
    /// # Errors
    /// [`LedgerError`]; a torn line at the very end is none.
    pub fn read(folder: &Path) -> Result<Self, LedgerError> {
        let mut lines = Self {
            hash: NO_HASH.to_owned(),
            ..Self::default()
        };
        let files = files(folder)?;
        let count = files.len();
        for (at, (first, path)) in files.into_iter().enumerate() {
            lines.read_file(first, path, at + 1 == count)?;
        }
        Ok(lines)
    }

    fn read_file(&mut self, first: u64, path: PathBuf, is_last: bool) -> Result<(), LedgerError> {
        let damaged = |good_lines| LedgerError::Damaged {
            path: path.clone(),
            good_lines,
        };
        let bytes = fs::read(&path).map_err(LedgerError::file("read", &path))?;
        let cap = FILE_BYTES + MAX_LINE_BYTES as u64;
        if bytes.len() as u64 > cap {
            return Err(damaged(self.last));
        }
        let begins_anew = self.lines.is_empty();
        if !begins_anew && first != self.last + 1 {
            return Err(damaged(self.last));
        }
        let mut whole = 0;
        for text in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some((b'\n', text)) = text.split_last() else {
                self.is_torn = is_last;
                if is_last {
                    break;
                }
                return Err(damaged(self.last));
            };
            let text = std::str::from_utf8(text).map_err(|_| damaged(self.last))?;
            let is_first = begins_anew && whole == 0;
            let read = if is_first && first > 1 {
                // What came before was taken away: the chain begins with this line, whose hash is believed.
                Line::read_unchained(text)
            } else {
                Line::read(text, &self.hash)
            };
            let (line, hash) = read.ok_or_else(|| damaged(self.last))?;
            let expected = if is_first { first } else { self.last + 1 };
            if line.line != expected {
                return Err(damaged(self.last));
            }
            self.last = line.line;
            self.hash = hash.to_owned();
            self.lines.push(line);
            self.hashes.push(hash.to_owned());
            whole += text.len() as u64 + 1;
        }
        self.file = Some((path, whole));
        Ok(())
    }
}

/// The files of lines with the number of their first line, ascending.
pub(super) fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, LedgerError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(LedgerError::file("list", folder)(source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(LedgerError::file("list", folder))?.path();
        let first = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".lines")?.parse().ok());
        files.extend(first.map(|first| (first, path)));
    }
    files.sort_unstable();
    Ok(files)
}
