//! Every cap of the centre, with its unit. What is not bounded here is bounded in `lapwing-wire`.

use std::time::Duration;

use jiff::SignedDuration;

/// Simultaneous sensor connections; one more is closed at once and counted.
pub const COLLECTOR_CONNECTIONS: usize = 4_096;
/// Simultaneous connections of people (browsers and API clients).
pub const WEB_CONNECTIONS: usize = 512;
/// A TLS handshake that takes longer is dropped.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(60);
/// Sessions of sensors that a short handshake may take up again.
pub const RESUMABLE_SESSIONS: usize = 4_096;
/// A sensor that stays silent longer is disconnected; it may come back whenever it likes.
pub const SENSOR_IDLE_TIMEOUT: Duration = Duration::from_secs(900);
/// A browser has this long to send the head of a request.
pub const HTTP_HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The body of a form; our largest form is the login.
pub const HTTP_BODY_BYTES: usize = 64 * 1024;
/// How long open connections may go on after a request to stop.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Batches one sensor may hand in at once before it is slowed down.
pub const SENSOR_BURST_BATCHES: u32 = 200;
/// Batches a second that one sensor may keep up for ever.
pub const SENSOR_BATCHES_PER_SECOND: u32 = 50;

/// Rows on one page of findings, in the web and by default in the API.
pub const PAGE_ROWS: usize = 50;
/// The most rows one API request may ask for.
pub const API_ROWS: usize = 1_000;
/// The most rows the command line prints without being asked for more.
pub const CLI_ROWS: usize = 1_000;
/// The most rows one CSV download holds.
pub const CSV_ROWS: usize = 100_000;
/// Rows of one "top" list on the summary page.
pub const TOP_ROWS: usize = 20;
/// Bars of the activity chart.
pub const CHART_BARS: usize = 96;
/// A filter value longer than this is refused.
pub const FILTER_CHARS: usize = 200;
/// Ranges of missing record numbers that are listed by number; the rest is only counted.
pub const LISTED_HOLES: usize = 50;

/// Failed logins for one user name, or from one address, before a pause is imposed.
pub const LOGIN_FAILURES: u32 = 5;
/// The pause, and the time after which failures are forgotten.
pub const LOGIN_PAUSE: Duration = Duration::from_secs(300);
/// User names and addresses remembered with failures; the oldest are dropped first.
pub const LOGIN_TRACKED: usize = 4_096;
/// Password checks running at the same time: each takes 19 MiB.
pub const PASSWORD_CHECKS: usize = 2;
/// A password longer than this is refused unread.
pub const PASSWORD_BYTES: usize = 256;
/// A session ends this long after the login, used or not.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// A session ends when unused this long.
pub const SESSION_IDLE: Duration = Duration::from_secs(2 * 3600);

/// How long a voucher is good for unless told otherwise.
pub const VOUCHER_HOURS: u32 = 72;
/// The longest a voucher may be good for.
pub const VOUCHER_HOURS_MAX: u32 = 24 * 90;
/// Validity of a sensor's certificate. It is renewed over the uplink.
pub const SENSOR_CERTIFICATE_DAYS: u32 = 30;
/// How long after its end a certificate may still be renewed, and do nothing else, unless the settings say otherwise.
pub const RENEW_EXPIRED_DAYS: u32 = 400;
/// Validity of the centre's own server certificate.
pub const SERVER_CERTIFICATE_DAYS: u32 = 397;
/// Validity of the issuing certificate.
pub const ISSUING_CERTIFICATE_DAYS: u32 = 3_653;
/// Validity of the root certificate.
pub const ROOT_CERTIFICATE_DAYS: u32 = 7_305;

/// A rule file larger than this is refused.
pub const RULE_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Mistakes in rule files that are printed; the rest is counted.
pub const RULE_MISTAKES_SHOWN: usize = 50;
/// A name of a sensor, a user or the centre.
pub const NAME_CHARS: usize = 63;

/// How often a device asks again while a person has not decided.
pub const ENROLMENT_RETRY_SECONDS: u32 = 5;
/// Simultaneous connections without a certificate: they may only ask to be enrolled.
pub const STRANGER_CONNECTIONS: usize = 64;
/// The longest a connection without a certificate may last.
pub const STRANGER_LIFETIME: Duration = Duration::from_secs(120);
/// Envelopes one sensor may have unanswered.
pub const SESSION_WINDOW: usize = 16;
/// How long a sensor is asked to wait when it sends faster than it may, seconds.
pub const BUSY_RETRY_SECONDS: u32 = 2;
/// Sensors whose sending rate is remembered.
pub const RATED_SENSORS: usize = 65_536;
/// A sensor's last contact is written down at most this often.
pub const CONTACT_INTERVAL: Duration = Duration::from_secs(30);
/// Batches the loader takes into memory at once.
pub const LOADER_BATCHES: usize = 32;
/// Findings that are written to the table together, unless the last batch brings more.
pub const UNIT_FINDINGS: u64 = 100_000;
/// Findings that are loaded and not written to the table for this long are written, however few they are.
pub const UNIT_AGE: Duration = Duration::from_secs(300);
/// The loader waits when so many loaded findings could not be written to the table: they are held in memory.
pub const FRESH_FINDINGS: u64 = 300_000;
/// The fewest days for which findings may be kept: a weekly report needs them.
pub const KEEP_DAYS_MIN: u32 = 8;
/// The most days that may be named.
pub const KEEP_DAYS_MAX: u32 = 36_500;
/// How often the table is put in order: days of many files compacted, removed files deleted.
pub const TABLE_CARE_INTERVAL: Duration = Duration::from_secs(600);
/// A request of a person that takes longer is given up.
pub const HTTP_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Validity of a root of the rule repository, days, unless told otherwise. Renewing it takes the offline keys.
pub const RULE_ROOT_DAYS: u32 = 730;
/// Validity of the list of packs, days.
pub const RULE_TARGETS_DAYS: u32 = 365;
/// Validity of the timestamp of the rule repository, days, unless told otherwise: a stick may be on its way that long.
pub const RULE_TIMESTAMP_DAYS: u32 = 30;
/// The longest validity that may be asked for, days.
pub const RULE_DAYS_MAX: u32 = 3_650;
/// Packs that are kept, so that deltas lead from each of them to the next one published.
pub const RULE_DELTA_PACKS: usize = 8;
/// A key file or a draft of a root larger than this is refused.
pub const RULE_KEY_FILE_BYTES: u64 = 1024 * 1024;

/// A read of findings that takes longer is given up.
pub const QUERY_DEADLINE: Duration = Duration::from_secs(20);
/// Tokens that one user may have at a time.
pub const TOKENS_OF_A_USER: usize = 20;
/// The longest a token may be good for, days.
pub const TOKEN_DAYS_MAX: u32 = 366;
/// Requests to the API that one user may make at once before being slowed down.
pub const API_BURST_REQUESTS: u32 = 120;
/// Requests a second to the API that one user may keep up for ever.
pub const API_REQUESTS_PER_SECOND: u32 = 20;
/// Failed logins for one user name from anywhere before the name is paused everywhere.
pub const LOGIN_FAILURES_OF_A_NAME: u32 = 50;
/// Sensors that are listed as having seen something.
pub const SIGHTING_ROWS: usize = 500;
/// Pairs of day and sensor that one query looks into.
pub const CELLS: usize = 200_000;
/// Groups that are ranked; the oldest closed ones are left out first.
pub const GROUPS: usize = 5_000;
/// Events shown of one group.
pub const GROUP_EVENTS: usize = 500;
/// Characters of a comment.
pub const COMMENT_CHARS: usize = 4_000;
/// Suppressions that hold at a time.
pub const SUPPRESSIONS: usize = 1_000;
/// Suppressions that are listed; the oldest that are over are left out first.
pub const SUPPRESSION_ROWS: usize = 2_000;
/// The longest a suppression holds, days; who still wants it then makes it anew.
pub const SUPPRESSION_DAYS_MAX: u32 = 366;
/// How long a suppression holds unless told otherwise, days.
pub const SUPPRESSION_DAYS: u32 = 30;
/// Characters of the reason of a suppression.
pub const REASON_CHARS: usize = 500;
/// Addresses that alarms are told to.
pub const ALARM_TARGETS: usize = 50;
/// Alarm rules that hold at a time.
pub const ALARM_RULES: usize = 200;
/// The longest pause between two messages to a target.
pub const ALARM_PAUSE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// The pause unless told otherwise, minutes.
pub const ALARM_PAUSE_MINUTES: u32 = 10;
/// How often the centre looks for what is to be told, seconds.
pub const ALARM_SECONDS: u64 = 10;
/// Lines of a message; the rest is a number.
pub const ALARM_LINES: usize = 10;
/// Events that a webhook's body holds; the rest is a number.
pub const ALARM_EVENTS_LISTED: usize = 50;
/// Events that one message stands for at most; the rest goes into the next.
pub const ALARM_EVENTS_OF_A_MESSAGE: usize = 1_000;
/// Attempts to send a message before it is given up: with pauses of up to an hour about a day.
pub const ALARM_ATTEMPTS: u32 = 30;
/// How long messages that are done are kept.
pub const ALARM_KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Bytes of the answer of a webhook.
pub const ALARM_ANSWER_BYTES: usize = 64 * 1024;
/// Messages that a page or an answer lists.
pub const ALARM_MESSAGES_LISTED: usize = 100;
/// Saved views of one user.
pub const SAVED_VIEWS: usize = 50;
/// A question in SQL that takes longer is given up.
pub const SQL_DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of a question in SQL.
pub const SQL_BYTES: usize = 16 * 1024;
/// Rows of an answer to SQL.
pub const SQL_ROWS: usize = 10_000;
/// Of those, rows that a page shows; the rest is in the CSV.
pub const SQL_PAGE_ROWS: usize = 500;
/// Bytes of an answer to SQL.
pub const SQL_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Rows of a table beside the findings that a question in SQL may name; larger ones are refused.
pub const SQL_TABLE_ROWS: usize = 500_000;
/// All captures of a back-test together; less than a request of a person may take.
pub const BACK_TEST_DEADLINE: Duration = Duration::from_secs(25);
/// Captures of a back-test.
pub const BACK_TEST_CAPTURES: usize = 32;
/// A line of the engine's output; what is longer is cut and counts for nothing.
pub const BACK_TEST_LINE_BYTES: u64 = 1024 * 1024;
