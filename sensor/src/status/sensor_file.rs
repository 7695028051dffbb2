//! The status file of the sensor process, `status/sensor.json` in the state folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::{keyslot::AtRest, sandbox::Confinement, whole_file};

/// Bytes of a status file.
const MAX_STATUS_BYTES: usize = 1024 * 1024;

/// What the sensor process knows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorStatus {
    /// Process number.
    pub process: i32,
    /// Version of the program.
    pub software_version: String,
    /// When it started, milliseconds since 1970 by the wall clock.
    pub started_milliseconds: u64,
    /// When this was written, milliseconds since 1970 by the wall clock.
    pub written_milliseconds: u64,
    /// Whether it sees what it should see, as a heartbeat says it.
    pub state: String,
    /// Interface, or capture files.
    pub source: String,
    /// Which rights it gave up.
    #[serde(default)]
    pub confinement: Confinement,
    /// Who can read what waits on a stolen disk.
    #[serde(default)]
    pub at_rest: AtRest,
    /// The rules that run.
    pub rules: RuleStatus,
    /// The policy in force.
    pub policy: PolicyStatus,
    /// Packets seen.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets that the kernel or the interface dropped.
    pub dropped_packets: u64,
    /// Packets decoded down to a transport.
    #[serde(default)]
    pub decoded_packets: u64,
    /// Flows begun.
    #[serde(default)]
    pub flows: u64,
    /// Flows of which both ends were heard.
    #[serde(default)]
    pub answered_flows: u64,
    /// Bytes that were not inspected because a worker was behind.
    #[serde(default)]
    pub bytes_not_inspected: u64,
    /// What each worker had of it.
    #[serde(default)]
    pub workers: Vec<WorkerStatus>,
    /// Alerts raised.
    pub alerts: u64,
    /// Findings made of them.
    pub findings: u64,
    /// Findings that the policy, or its absence, kept here.
    pub findings_suppressed: u64,
    /// Findings appended to the outbox.
    pub findings_appended: u64,
    /// All records appended to the outbox.
    pub records_appended: u64,
    /// Records that could not be appended.
    pub records_lost: u64,
    /// The engine's losses and oddities by name.
    pub counters: BTreeMap<String, u64>,
}

/// What one worker saw and lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Packets seen.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets that the kernel dropped because its ring was full.
    pub ring_drops: u64,
    /// Packets that the interface dropped; told by the first worker for all.
    pub interface_drops: u64,
}

/// The rules that run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleStatus {
    /// Rules that run.
    pub loaded: u64,
    /// Rules that this program cannot run.
    pub unsupported: u64,
    /// Digest of the pack, in hex.
    pub pack: String,
    /// Why newer rules do not run, if there are any.
    #[serde(default)]
    pub refused: Option<String>,
    /// Rules and indicators that the policy refuses, by reason.
    #[serde(default)]
    pub refused_by_policy: BTreeMap<String, u64>,
    /// The first of them.
    #[serde(default)]
    pub refused_rules: Vec<String>,
}

/// The policy in force, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyStatus {
    /// A signed policy.
    InForce {
        /// Its serial.
        serial: u64,
        /// The site it is for.
        site: String,
        /// Its digest, in hex.
        digest: String,
    },
    /// None, so nothing leaves but heartbeats.
    None {
        /// Why.
        reason: String,
    },
}

impl Default for PolicyStatus {
    fn default() -> Self {
        Self::None {
            reason: String::new(),
        }
    }
}

impl SensorStatus {
    fn path(state: &Path) -> PathBuf {
        state.join("status").join("sensor.json")
    }

    /// Writes it into the state folder. It is not forced to the disk: after a power cut there is nothing to tell.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        let path = Self::path(state);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        whole_file::replace_lightly(&path, &serde_json::to_vec_pretty(self)?)
    }

    /// Reads it from the state folder; `None` when no sensor ever wrote one.
    ///
    /// # Errors
    /// Those of the file system, and a file that is no status.
    pub fn read(state: &Path) -> io::Result<Option<Self>> {
        match whole_file::read(&Self::path(state), MAX_STATUS_BYTES) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the process that wrote it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        // A process of another user answers with "not permitted" and so is there.
        Pid::from_raw(self.process)
            .is_some_and(|process| test_kill_process(process) != Err(rustix::io::Errno::SRCH))
    }
}
