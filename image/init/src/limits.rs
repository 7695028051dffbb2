//! Every bound of the first process, each with its unit.

use std::time::Duration;

/// Bytes of a site file.
pub const SITE_FILE_MAX_BYTES: u64 = 64 * 1024;
/// Bytes of a policy, a key or a root document given on the boot partition.
pub const SITE_DOCUMENT_MAX_BYTES: u64 = 1024 * 1024;
/// Bytes of one lease, one answer of a time server, one event of the kernel.
pub const DATAGRAM_MAX_BYTES: usize = 8 * 1024;
/// Interfaces that a site may name.
pub const INTERFACES_MAX: usize = 8;
/// Servers of names and of time that are kept, each.
pub const SERVERS_MAX: usize = 3;
/// Bytes of the sensor's log; the one before it is kept too.
pub const LOG_MAX_BYTES: u64 = 1024 * 1024;
/// Entries of a partition table.
pub const PARTITIONS_MAX: usize = 128;

/// How long the disk may take to appear.
pub const DISK_PATIENCE: Duration = Duration::from_secs(30);
/// How long a slot on trial may take to be healthy.
pub const TRIAL_PATIENCE: Duration = Duration::from_secs(300);
/// How long everything must have been well before a slot is confirmed.
pub const HEALTHY_FOR: Duration = Duration::from_secs(10);
/// Starts in a row that never were healthy after which the board stays up and shouts.
pub const FRUITLESS_STARTS_MAX: u32 = 6;
/// How long the hardware waits for a sign of life.
pub const WATCHDOG_SECONDS: u32 = 60;
/// How old the sensor's own status may be before the sensor counts as hanging.
pub const STATUS_MAX_AGE: Duration = Duration::from_secs(120);
/// Between looks at everything.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Between notes of the time, for the next start.
pub const CLOCK_NOTE_INTERVAL: Duration = Duration::from_secs(600);

/// Files in an update file.
pub const UPDATE_FILES_MAX: usize = 64;
/// Bytes of the name of a file in it.
pub const UPDATE_NAME_MAX_BYTES: usize = 512;
/// Bytes of a part of a slot: what a root's partition has.
pub const PART_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a part that are packed together.
pub const PART_CHUNK_MAX_BYTES: u32 = 16 * 1024 * 1024;
/// Bytes of the boot loader's entry of a slot.
pub const ENTRY_MAX_BYTES: u64 = 4096;
/// Bytes of a request on the control socket.
pub const REQUEST_MAX_BYTES: u64 = 64;
/// Bytes of the head of a request for the page.
pub const PAGE_REQUEST_MAX_BYTES: usize = 4096;
/// Bytes of the text on it.
pub const PAGE_MAX_BYTES: usize = 64 * 1024;
/// How long an update may take from its first byte to the last; the slowest card takes a tenth of it.
pub const UPDATE_PATIENCE: Duration = Duration::from_secs(1800);
/// How long the sensor gets to end before a restart.
pub const STOP_PATIENCE: Duration = Duration::from_secs(20);
