//! Every cap of the exchange, with its unit.

/// Names of things in one entry of the sharing register; the rest is counted.
pub const REGISTER_SUBJECTS: usize = 1_000;
/// Rows of the register that the command line prints without being asked for more.
pub const REGISTER_ROWS: usize = 200;
/// Findings in one export.
pub const EXPORT_FINDINGS: usize = 100_000;
/// Networks that the settings may name as our own.
pub const OWN_NETWORKS: usize = 10_000;
/// Characters of a free text in the settings.
pub const SETTING_CHARS: usize = 200;

/// The longest pattern of an indicator that is read, bytes.
pub const PATTERN_BYTES: usize = 64 * 1024;
/// Values that one pattern may name.
pub const PATTERN_VALUES: usize = 256;

/// Objects on one page of a TAXII answer.
pub const TAXII_PAGE_OBJECTS: usize = 1_000;
/// Values that one filter of a TAXII request may name.
pub const TAXII_FILTER_VALUES: usize = 100;
/// The body of a push, bytes.
pub const TAXII_PUSH_BYTES: usize = 10 * 1024 * 1024;
/// Objects in one push.
pub const TAXII_PUSH_OBJECTS: usize = 10_000;
/// One object that comes in, bytes as JSON.
pub const OBJECT_BYTES: usize = 256 * 1024;
/// One rule that comes in, bytes.
pub const RULE_BYTES: usize = 16 * 1024;
/// Indicators that are kept; more are refused until some are retired.
pub const INDICATORS: u64 = 4_000_000;
/// Characters of a comment that are kept.
pub const COMMENT_CHARS: usize = 500;
/// Names and networks on the lists of what is harmless.
pub const HARMLESS_ENTRIES: usize = 5_000_000;

/// Objects that are asked for at once when a peer is polled.
pub const POLL_PAGE_OBJECTS: usize = 500;
/// One page of a peer's answer, bytes.
pub const POLL_PAGE_BYTES: usize = 32 * 1024 * 1024;
/// Pages of one poll.
pub const POLL_PAGES: usize = 10_000;

/// Findings that one round of publishing takes.
pub const PUBLISH_FINDINGS: usize = 500;
/// Indicators that are published in one transaction.
pub const PUBLISH_INDICATORS: usize = 5_000;
/// Indicators that stand in the MISP feeds that we write, the newest.
pub const FEED_INDICATORS: usize = 20_000;
/// Events of a MISP feed.
pub const FEED_EVENTS: usize = 100_000;
/// Attributes of one event that are read.
pub const FEED_ATTRIBUTES: usize = 100_000;
/// One file of a feed or of an import, bytes.
pub const FEED_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Between two rounds of publishing and polling, seconds.
pub const EXCHANGE_SECONDS: u64 = 30;
/// Days that the served MISP feed reaches back.
pub const FEED_DAYS: i64 = 30;

/// Objects that one push to a peer looks at together.
pub const PUSH_OBJECTS: usize = 200;
/// Objects of one push, bytes; one object may be longer.
pub const PUSH_BYTES: usize = 1024 * 1024;

/// Findings that are written to a server of syslog at once.
pub const SYSLOG_FINDINGS: usize = 500;
/// Findings that go over one connection of syslog.
pub const SYSLOG_ROUND: usize = 10_000;
/// Findings that a server of syslog may be behind; of more the oldest are passed over, and counted.
pub const SYSLOG_BACKLOG: i64 = 100_000;

/// Rows of a report of others; the rest is not read.
pub const REPORT_ROWS: usize = 1_000_000;
/// Columns of a report that are looked at.
pub const REPORT_COLUMNS: usize = 200;
/// Characters of a cell of a report that are kept.
pub const REPORT_CELL_BYTES: usize = 500;
/// Rows of a report in one batch of the inbox.
pub const REPORT_BATCH_ROWS: usize = 2_000;

/// Findings told in one mail.
pub const MAIL_FINDINGS: usize = 5_000;
/// Findings that stand in the text of a mail; the CSV holds all.
pub const MAIL_LINES: usize = 50;
/// XARF reports attached to one mail; the CSV holds all.
pub const MAIL_REPORTS: usize = 50;
/// Of a delivery status notification, characters that are read.
pub const BOUNCE_BYTES: usize = 1024 * 1024;
/// Networks of registries.
pub const REGISTRY_LINES: usize = 5_000_000;
/// Objects that one opinion may speak of.
pub const OPINION_REFERENCES: usize = 500;
