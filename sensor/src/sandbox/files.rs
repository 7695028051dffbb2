//! The files a process keeps, by Landlock: everything else is as if the process had no right to it, whoever owns it.
//!
//! A file is known by itself and not by its name: of what may be replaced the folder is named.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::{Confinement, Files, SandboxError};

/// The newest kernel interface whose rights are all asked for; older kernels give what they have.
const NEWEST: ABI = ABI::V6;

/// What capturing reads: random numbers, and what the kernel tells of interfaces and of time.
pub(super) fn of_capture() -> Vec<PathBuf> {
    paths(&[
        "/dev/null",
        // A static program asks here first whether the kernel has gathered enough.
        "/dev/random",
        "/dev/urandom",
        "/proc/sys/kernel/random",
        "/run/systemd/timesync",
        "/sys/class/net",
        "/sys/devices",
    ])
}

/// What looking up a name reads, libraries included.
pub(super) fn of_name_look_up() -> Vec<PathBuf> {
    paths(&[
        "/dev/null",
        // A static program asks here first whether the kernel has gathered enough.
        "/dev/random",
        "/dev/urandom",
        "/etc/gai.conf",
        "/etc/host.conf",
        "/etc/hosts",
        "/etc/ld.so.cache",
        "/etc/nsswitch.conf",
        "/etc/protocols",
        "/etc/resolv.conf",
        "/etc/services",
        "/lib",
        "/proc/sys/kernel/random",
        "/run/NetworkManager",
        "/run/resolvconf",
        "/run/systemd",
        "/usr/lib",
    ])
}

fn paths(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

/// Keeps these files. Those that are not there are left out.
pub(super) fn keep_only(files: &Files) -> Result<Confinement, SandboxError> {
    let status = restrict(files).map_err(|error| SandboxError::Files(error.to_string()))?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Confinement::Full,
        RulesetStatus::PartiallyEnforced => Confinement::FilesInPart,
        RulesetStatus::NotEnforced => Confinement::WithoutFiles,
    })
}

fn restrict(files: &Files) -> Result<RestrictionStatus, RulesetError> {
    let everything = AccessFs::from_all(NEWEST);
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    Ruleset::default()
        .handle_access(everything)?
        // Signals to other processes, and abstract local sockets of them.
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(
            &files.written,
            everything & !AccessFs::Execute,
        ))?
        .add_rules(path_beneath_rules(&files.read, reading))?
        .restrict_self()
}
