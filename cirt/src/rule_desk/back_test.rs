//! Rules over stored captures, before anything ships.
//!
//! `lapwing replay` does it, the same engine as on a sensor, in a process of its own: without our environment, in an
//! empty folder, with a deadline for all captures together, its output read line by line and counted, never kept.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::limits::{BACK_TEST_CAPTURES, BACK_TEST_DEADLINE, BACK_TEST_LINE_BYTES};

/// What a draft found in one capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackTest {
    /// Name of the capture's file.
    pub capture: String,
    /// Alerts by sid.
    pub alerts: BTreeMap<u32, u64>,
    pub took: Duration,
}

/// Why a back-test did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum BackTestError {
    #[error("cannot write the draft for the back-test")]
    Draft(#[source] std::io::Error),
    #[error("cannot start {0}: install the package of the sensor beside the centre's")]
    Start(PathBuf, #[source] std::io::Error),
    #[error("the back-test of {0} took longer than {1} s for all captures together and was ended")]
    TooSlow(String, u64),
    #[error("lapwing replay failed on {0}: {1}")]
    Failed(String, String),
}

#[derive(Deserialize)]
struct EveLine {
    alert: Option<EveAlert>,
}

#[derive(Deserialize)]
struct EveAlert {
    signature_id: u32,
}

/// The captures of a folder, by name; the newest are left out when there are too many.
#[must_use]
pub fn stored_captures(folder: &Path) -> Vec<PathBuf> {
    let is_capture = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "pcap" || extension == "pcapng")
    };
    let mut captures: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(is_capture)
        .collect();
    captures.sort();
    captures.truncate(BACK_TEST_CAPTURES);
    captures
}

/// `lapwing` beside this program, or wherever the system finds it.
fn engine() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|own| Some(own.parent()?.join("lapwing")))
        .filter(|beside| beside.is_file())
        .unwrap_or_else(|| PathBuf::from("lapwing"))
}

/// Runs a draft over captures, one after the other.
///
/// # Errors
/// At the first that does not come to an end.
pub fn back_test(draft: &str, captures: &[PathBuf]) -> Result<Vec<BackTest>, BackTestError> {
    let folder =
        std::env::temp_dir().join(format!("lapwing-back-test-{:016x}", rand::random::<u64>()));
    std::fs::create_dir(&folder).map_err(BackTestError::Draft)?;
    let rules = folder.join("draft.rules");
    let end = Instant::now() + BACK_TEST_DEADLINE;
    let tested = std::fs::write(&rules, draft)
        .map_err(BackTestError::Draft)
        .and_then(|()| {
            captures
                .iter()
                .map(|capture| one(&folder, &rules, capture, end))
                .collect()
        });
    std::fs::remove_dir_all(&folder).ok();
    tested
}

fn one(
    folder: &Path,
    rules: &Path,
    capture: &Path,
    end: Instant,
) -> Result<BackTest, BackTestError> {
    let name = capture
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let begun = Instant::now();
    let engine = engine();
    let mut child = Command::new(&engine)
        .args(["replay", "--output", "eve", "--rules"])
        .arg(rules)
        .arg(std::path::absolute(capture).unwrap_or_else(|_| capture.to_owned()))
        .env_clear()
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| BackTestError::Start(engine, error))?;
    let (sender, receiver) = mpsc::channel();
    let output = child.stdout.take();
    let counting = std::thread::spawn(move || {
        let alerts = output.map(|output| count(BufReader::new(output)));
        // Whoever waited may have given up.
        sender.send(alerts.unwrap_or_default()).ok();
    });
    let left = end.saturating_duration_since(Instant::now());
    let alerts = receiver.recv_timeout(left);
    if alerts.is_err() {
        child.kill().ok();
    }
    let mut complaint = String::new();
    if let Some(errors) = child.stderr.take() {
        errors.take(2_000).read_to_string(&mut complaint).ok();
    }
    let status = child.wait();
    counting.join().ok();
    let Ok(alerts) = alerts else {
        return Err(BackTestError::TooSlow(name, BACK_TEST_DEADLINE.as_secs()));
    };
    if !status.is_ok_and(|status| status.success()) {
        let line = complaint.lines().last().unwrap_or("no reason given");
        return Err(BackTestError::Failed(name, line.to_owned()));
    }
    Ok(BackTest {
        capture: name,
        alerts,
        took: begun.elapsed(),
    })
}

/// Alerts by sid in lines of EVE JSON; what is no alert is passed over.
fn count(mut lines: impl std::io::BufRead) -> BTreeMap<u32, u64> {
    let mut alerts = BTreeMap::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines
            .by_ref()
            .take(BACK_TEST_LINE_BYTES)
            .read_until(b'\n', &mut line);
        match read {
            Ok(0) | Err(_) => return alerts,
            Ok(_) => {
                if let Ok(EveLine { alert: Some(alert) }) = serde_json::from_slice(&line) {
                    *alerts.entry(alert.signature_id).or_default() += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_counted_by_sid() {
        let lines = b"{\"event_type\":\"alert\",\"alert\":{\"signature_id\":7}}\n{\"event_type\":\"stats\"}\nnot json\n\
                      {\"alert\":{\"signature_id\":7}}\n{\"alert\":{\"signature_id\":9}}";
        assert_eq!(count(&lines[..]), BTreeMap::from([(7, 2), (9, 1)]));
    }

    #[test]
    fn captures_are_found_by_their_ending() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.pcapng", "a.pcap", "notes.txt"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let names: Vec<_> = stored_captures(folder.path())
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.pcap", "b.pcapng"]);
        assert!(stored_captures(&folder.path().join("none")).is_empty());
    }
}
