//! Rights given up after start. Each process calls its function once, before its first thread, when everything that needs
//! rights is open: capabilities first, then files (Landlock), then system calls (seccomp). What a process gave up its threads
//! never have.
//!
//! | | sensor | uplink |
//! |---|---|---|
//! | capabilities | `CAP_NET_RAW`, to open its interface again | none |
//! | sockets | packet and local ones; nothing is ever sent | Internet, local, netlink (for name look-up); no packet socket |
//! | files | its state folder; what its settings name, to read | its state folder; name look-up's files, to read |
//! | programs | starts none | starts none |
//!
//! A kernel without Landlock confines all but files, and the status says so.

mod capabilities;
mod files;
mod system_calls;

use std::{io, path::PathBuf};

use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};

/// Why a process cannot give up rights; then it must not go on.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("capabilities")]
    Capabilities(#[source] io::Error),
    #[error("files: {0}")]
    Files(String),
    #[error("system calls: {0}")]
    SystemCalls(String),
}

/// What of the file system a process keeps.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Folders it may change everything in.
    pub written: Vec<PathBuf>,
    /// Files and folders it may read.
    pub read: Vec<PathBuf>,
}

/// How far files are confined; the rest always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confinement {
    /// Not yet, or not by this program.
    #[default]
    None,
    /// Files too.
    Full,
    /// Files too, as far as this kernel's older Landlock goes.
    FilesInPart,
    /// This kernel has no Landlock, or it is switched off.
    WithoutFiles,
}

impl Confinement {
    /// One line for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::None => "NO: rights were not given up",
            Self::Full => "capabilities, files and system calls",
            Self::FilesInPart => {
                "capabilities and system calls; files as far as this kernel's older Landlock goes"
            }
            Self::WithoutFiles => {
                "capabilities and system calls; NOT files: this kernel has no Landlock, or it is switched off"
            }
        }
    }
}

/// The sensor process keeps one right: to open its interface again when it was away.
///
/// # Errors
/// [`SandboxError`].
pub fn confine_sensor(files: &Files) -> Result<Confinement, SandboxError> {
    capabilities::keep_only(CapabilitySet::NET_RAW).map_err(SandboxError::Capabilities)?;
    let mut files = files.clone();
    files.read.extend(files::of_capture());
    let confinement = files::keep_only(&files)?;
    system_calls::keep_only(system_calls::Process::Sensor)?;
    Ok(confinement)
}

/// The uplink process keeps no right at all: it speaks over ordinary sockets and reads its own files.
///
/// # Errors
/// [`SandboxError`].
pub fn confine_uplink(files: &Files) -> Result<Confinement, SandboxError> {
    capabilities::keep_only(CapabilitySet::empty()).map_err(SandboxError::Capabilities)?;
    let mut files = files.clone();
    files.read.extend(files::of_name_look_up());
    let confinement = files::keep_only(&files)?;
    system_calls::keep_only(system_calls::Process::Uplink)?;
    Ok(confinement)
}
