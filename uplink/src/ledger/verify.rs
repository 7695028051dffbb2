//! Does the ledger hold together, and with what the outbox holds?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lapwing_wire::BatchDigest;

use super::line::{Entry, Line};
use super::reader::{Head, LedgerError, Lines};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Numbers of the first and the last line.
    pub lines: Option<(u64, u64)>,
    /// Hash of the last line: note it elsewhere, and a ledger written anew from the beginning is found too.
    pub hash: String,
    /// Envelopes that left, and their bytes, each counted as often as it left.
    pub envelopes_sent: u64,
    /// Bytes of those.
    pub envelope_bytes: u64,
    /// Connections that ended as entered.
    pub connections: u64,
    /// Bytes of TCP payload to the centre on them.
    pub sent_bytes: u64,
    /// Connections whose end was not seen.
    pub cut: u64,
    /// What is wrong; empty is good.
    pub problems: Vec<Problem>,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The chain is broken.
    #[error("{0}")]
    Chain(String),
    /// The head names another line.
    #[error("the head names another line {line} than the one that is there")]
    Head {
        /// The line that it names.
        line: u64,
    },
    /// An envelope left that was not entered as sealed with these bytes.
    #[error("line {line}: batch {batch} left as {digest}, which was never sealed")]
    NotSealed {
        /// The line.
        line: u64,
        /// The batch.
        batch: u64,
        /// The digest.
        digest: String,
    },
    /// The parts of a connection are not its sum.
    #[error("line {line}: the parts of connection {connection} are not its sum")]
    Sum {
        /// The line.
        line: u64,
        /// The connection.
        connection: u64,
    },
    /// Connections do not follow one another, or an envelope is on one that is not there.
    #[error("line {line}: connection {connection} does not follow")]
    Connection {
        /// The line.
        line: u64,
        /// The connection.
        connection: u64,
    },
    /// An envelope waits in the outbox that is not in the ledger.
    #[error("{file} in the outbox is not in the ledger")]
    Outbox {
        /// The file.
        file: String,
    },
    /// A kept envelope is not what left.
    #[error("the kept envelope {file} is not the one that left")]
    Kept {
        /// The file.
        file: String,
    },
}

/// Checks the ledger in a folder, and the sealed batches of the outbox where its folder is given.
///
/// # Errors
/// [`LedgerError`] when files cannot be read; what is wrong with them is in the report.
pub fn verify(folder: &Path, outbox: Option<&Path>) -> Result<Report, LedgerError> {
    let mut report = Report::default();
    let lines = match Lines::read(folder) {
        Ok(lines) => lines,
        Err(error @ (LedgerError::Damaged { .. } | LedgerError::Text(_))) => {
            report.problems.push(Problem::Chain(error.to_string()));
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    if let Some(first) = lines.lines.first() {
        report.lines = Some((first.line, lines.last));
    }
    report.hash.clone_from(&lines.hash);
    check_head(folder, &lines, &mut report)?;
    let mut books = Books::default();
    for line in &lines.lines {
        books.enter(line, &mut report);
    }
    if let Some(outbox) = outbox {
        check_outbox(outbox, &books, &mut report)?;
    }
    check_kept(folder, &books, &mut report)?;
    Ok(report)
}

/// Whether a line with this hash is in the ledger.
///
/// # Errors
/// [`LedgerError`].
pub fn has_hash(folder: &Path, hash: &str) -> Result<bool, LedgerError> {
    let lines = Lines::read(folder)?;
    Ok(lines.hashes.iter().any(|known| known == hash))
}

fn check_head(folder: &Path, lines: &Lines, report: &mut Report) -> Result<(), LedgerError> {
    let Some(head) = Head::read(folder)? else {
        if lines.last > 1 {
            report.problems.push(Problem::Head { line: 0 });
        }
        return Ok(());
    };
    // A power cut may leave the head one line behind.
    let is_last = head.lines == lines.last && head.hash == lines.hash;
    if !is_last && head.lines + 1 != lines.last {
        report.problems.push(Problem::Head { line: head.lines });
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Books {
    /// By epoch and batch: the digests and lengths that were sealed.
    sealed: BTreeMap<(String, u64), BTreeSet<(String, u64)>>,
    /// Epoch, batch and digest of what left.
    sent: BTreeMap<(String, u64), String>,
    /// Whether the ledger begins at line 1.
    is_whole: bool,
    connection: Option<u64>,
    last_connection: Option<u64>,
}

impl Books {
    fn enter(&mut self, line: &Line, report: &mut Report) {
        self.is_whole |= line.line == 1;
        match &line.entry {
            Entry::Sealed {
                epoch,
                batch,
                digest,
                bytes,
                ..
            } => {
                let key = (epoch.clone(), *batch);
                self.sealed
                    .entry(key)
                    .or_default()
                    .insert((digest.clone(), *bytes));
            }
            Entry::Sent {
                epoch,
                batch,
                digest,
                bytes,
                connection,
                ..
            } => {
                report.envelopes_sent += 1;
                report.envelope_bytes += bytes;
                let key = (epoch.clone(), *batch);
                let sealed = self.sealed.get(&key);
                let is_known = sealed.is_some_and(|all| all.contains(&(digest.clone(), *bytes)));
                if !is_known && self.is_whole {
                    report.problems.push(Problem::NotSealed {
                        line: line.line,
                        batch: *batch,
                        digest: digest.clone(),
                    });
                }
                self.sent.insert(key, digest.clone());
                if let Some(connection) = connection.filter(|_| *connection != self.connection) {
                    report.problems.push(Problem::Connection {
                        line: line.line,
                        connection,
                    });
                }
            }
            Entry::Connected { connection, .. } => {
                let follows = match self.last_connection {
                    None => !self.is_whole || *connection == 1,
                    Some(last) => *connection == last + 1 && self.connection.is_none(),
                };
                self.check(follows, line.line, *connection, report);
                self.connection = Some(*connection);
                self.last_connection = Some(*connection);
            }
            Entry::Closed {
                connection,
                sent,
                envelopes,
                other,
                tls,
                proxy,
                ..
            } => {
                self.check(self.ends(*connection), line.line, *connection, report);
                self.connection = None;
                report.connections += 1;
                report.sent_bytes += sent;
                if envelopes + other + tls + proxy != *sent {
                    report.problems.push(Problem::Sum {
                        line: line.line,
                        connection: *connection,
                    });
                }
            }
            Entry::Cut { connection } => {
                self.check(self.ends(*connection), line.line, *connection, report);
                self.connection = None;
                report.cut += 1;
            }
        }
    }

    fn ends(&self, connection: u64) -> bool {
        self.connection == Some(connection) || (self.connection.is_none() && !self.is_whole)
    }

    fn check(&self, is_right: bool, line: u64, connection: u64, report: &mut Report) {
        if !is_right {
            report
                .problems
                .push(Problem::Connection { line, connection });
        }
    }
}

fn check_outbox(outbox: &Path, books: &Books, report: &mut Report) -> Result<(), LedgerError> {
    let folder = outbox.join("sealed");
    let digests: BTreeSet<&str> = books
        .sealed
        .values()
        .flatten()
        .map(|(digest, _)| digest.as_str())
        .collect();
    for (name, path) in files_of(&folder, ".batch")? {
        let bytes = fs::read(&path).map_err(LedgerError::file("read", &path))?;
        let digest = lapwing_outbox::envelope_in(&bytes)
            .map(|envelope| BatchDigest::of(envelope).to_string());
        if !digest.is_some_and(|digest| digests.contains(digest.as_str())) && books.is_whole {
            report.problems.push(Problem::Outbox { file: name });
        }
    }
    Ok(())
}

fn check_kept(folder: &Path, books: &Books, report: &mut Report) -> Result<(), LedgerError> {
    for (name, path) in files_of(&folder.join("envelopes"), ".envelope")? {
        let bytes = fs::read(&path).map_err(LedgerError::file("read", &path))?;
        let digest = BatchDigest::of(&bytes).to_string();
        if !books.sent.values().any(|sent| *sent == digest) && books.is_whole {
            report.problems.push(Problem::Kept { file: name });
        }
    }
    Ok(())
}

fn files_of(folder: &Path, ending: &str) -> Result<Vec<(String, std::path::PathBuf)>, LedgerError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(LedgerError::file("list", folder)(source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(LedgerError::file("list", folder))?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        files.extend(
            name.filter(|name| name.ends_with(ending))
                .map(|name| (name, path)),
        );
    }
    files.sort();
    Ok(files)
}
