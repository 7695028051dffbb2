//! Every cap on what may come from outside.

/// Bytes of a document.
pub const MAX_DOCUMENT_BYTES: usize = 4 * 1024 * 1024;
/// Objects and lists within each other.
pub const MAX_DEPTH: usize = 32;
/// Signatures of a document.
pub const MAX_SIGNATURES: usize = 32;
/// Keys of a role.
pub const MAX_KEYS_IN_ROLE: usize = 32;

/// Bytes of `root.json`, as the reference client has it; so the next three.
pub const MAX_ROOT_BYTES: usize = 512_000;
/// Bytes of `timestamp.json`.
pub const MAX_TIMESTAMP_BYTES: usize = 16_384;
/// Bytes of `snapshot.json`.
pub const MAX_SNAPSHOT_BYTES: usize = 2_000_000;
/// Bytes of `targets.json` and of each delegated role.
pub const MAX_TARGETS_BYTES: usize = 5_000_000;
/// Roots that one update steps through.
pub const MAX_ROOT_ROTATIONS: u64 = 256;
/// Keys named in one root or by one role's delegations.
pub const MAX_KEYS: usize = 256;
/// Roles that are looked into for one target.
pub const MAX_DELEGATED_ROLES: usize = 32;
/// Delegations of one role.
pub const MAX_DELEGATIONS: usize = 1024;
/// Patterns of one delegation.
pub const MAX_PATTERNS: usize = 256;
/// Files named in a snapshot.
pub const MAX_SNAPSHOT_FILES: usize = 4096;
/// Targets of one role.
pub const MAX_TARGETS: usize = 32_768;
/// Hashes of one file.
pub const MAX_HASHES: usize = 8;
/// Bytes of the name of a role or a target.
pub const MAX_NAME_BYTES: usize = 255;
/// Bytes of a stored state: four metadata files, each escaped within a text.
pub const MAX_STATE_BYTES: usize = 4 * (MAX_ROOT_BYTES + MAX_SNAPSHOT_BYTES + MAX_TARGETS_BYTES);
