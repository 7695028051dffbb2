//! Every bound of the tables, in one place.

use std::time::Duration;

/// Memory of all questions together, bytes: what they need beyond it goes to the disk, or they are refused.
pub const QUERY_MEMORY_BYTES: usize = 160 * 1024 * 1024;
/// Memory of compaction, bytes: what does not fit is sorted on the disk.
pub const COMPACTION_MEMORY_BYTES: usize = 96 * 1024 * 1024;
/// Files of one question that sorts or groups more than fits into memory, bytes.
pub const QUERY_SPILL_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Footers of files that are kept between questions, bytes.
pub const FOOTER_MEMORY_BYTES: usize = 32 * 1024 * 1024;
/// A version of a table that was looked at this long ago is still good for a question, unless more must be in it: others
/// than this process only compact and drop.
pub const VERSION_KEPT: Duration = Duration::from_secs(30);
/// Values named in a question (days, keys) that files are held against one by one; with more, every file may hold some.
pub const NAMED_VALUES: usize = 64;
/// Threads that answer questions.
pub const WORKERS: usize = 2;
/// Rows that operators hand to each other at once.
pub const ROWS_AT_ONCE: usize = 4_096;

/// Rows of a row group.
pub const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Rows of a page: what is read at least where a filter by sensor or time knows the place.
pub const PAGE_ROWS: usize = 8_192;
/// About how large the files of a compacted day become, bytes.
pub const COMPACTED_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Commits between two checkpoints of the log.
pub const CHECKPOINT_COMMITS: u32 = 20;
/// Entries of the log that a checkpoint made superfluous are kept this long, for whoever reads an older version.
pub const LOG_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// A file that no version needs any more is kept this long: no question and no backup takes longer.
pub const REMOVED_KEPT: Duration = Duration::from_secs(3_600);

/// A finding is filed under the day of its last packet when that lies at most so many days before its arrival,
pub const BELIEVED_DAYS_BEFORE: i64 = 400;
/// or so many behind it.
pub const BELIEVED_DAYS_AFTER: i64 = 2;

/// Files of a day that are left as they are; when there are more, they become one.
pub const FILES_OF_A_DAY: usize = 4;

/// Bytes of the text of one column of one finding; what is longer was refused before it came here.
pub const TEXT_BYTES: usize = 1024 * 1024;
