//! Rights given up after start. Each process calls this once, before its first thread, when everything that needs
//! rights is open. Landlock paths and the seccomp filter belong here, behind the same two functions.

mod capabilities;

use rustix::thread::CapabilitySet;

/// The sensor process keeps one right: to open its interface again when it was away.
///
/// # Errors
/// When the kernel refuses; then the process must not go on.
pub fn confine_sensor() -> std::io::Result<()> {
    capabilities::keep_only(CapabilitySet::NET_RAW)
}

/// The uplink process keeps no right at all: it speaks over ordinary sockets and reads its own files.
///
/// # Errors
/// When the kernel refuses; then the process must not go on.
pub fn confine_uplink() -> std::io::Result<()> {
    capabilities::keep_only(CapabilitySet::empty())
}
