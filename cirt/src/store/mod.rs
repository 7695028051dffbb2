//! The centre's database: the only folder with SQL; and the table of findings beside it, asked through `lapwing-lake`.
//!
//! One SQLite file, or a PostgreSQL server for several processes ([`Location`]); the statements are the same. Writes go
//! through one connection, one transaction each, and one at a time over all processes; batches that come in share
//! commits; reads use connections of their own and never wait for a writer. When a write returns, it is on disk.
//!
//! Three kinds of tables, and the difference matters:
//! * **control** (sensors, vouchers, users, audit): changed by people, backed up, never derived;
//! * **inbox**: the bytes of every acknowledged batch, exactly as sent; the source of truth;
//! * **derived** (summaries, ranges, sums, and the findings on their way to their table): computed from the inbox by the
//!   loader; may be dropped and rebuilt, the table of findings with them.

mod alarm_queue;
mod alarm_rules;
mod api_tokens;
mod audit;
mod backup;
mod batch_chain;
mod collections;
mod connection;
mod contacts;
mod database;
mod enrolments;
mod error;
mod feedback;
mod findings;
mod fleet;
mod group_work;
mod groups;
mod harmless;
mod inbox;
mod incidents;
mod indicators;
mod insert_record;
mod lead;
mod load_batch;
mod load_units;
mod markings;
mod notices;
mod peers;
mod receipts;
mod reconcile_sensors;
mod record_ranges;
mod report_numbers;
mod retention;
mod rules;
mod saved_views;
mod schema_version;
mod sensors;
mod sessions;
mod shared_writes;
mod sharing_register;
mod sources;
mod sql;
mod suppressions;
mod tables;
mod take_indicators;
mod tenants;
mod time;
mod users;
mod vouchers;
mod withdrawals;

pub use alarm_queue::{AlarmMessage, DueMessage};
pub use alarm_rules::{AlarmRule, AlarmTarget, NewAlarmTarget};
pub use api_tokens::ApiToken;
pub use audit::{AuditEntry, AuditVerdict};
pub use collections::{ObjectQuery, StoredObject, VersionMatch, about_indicator};
pub use connection::Store;
pub use contacts::Contact;
pub use database::{Location, Server};
pub use enrolments::{Enrolment, EnrolmentState};
pub use error::StoreError;
pub use feedback::Feedback;
pub use findings::{
    Activity, FindingPage, FindingRow, RuleActivity, SensorActivity, Sighting, TimeBar,
};
pub use fleet::FleetMember;
pub use group_work::{GroupChange, GroupEvent};
pub use groups::{Group, GroupState};
pub use inbox::{Alarm, InboxTotals, WaitingBatch, Way};
pub use incidents::Incident;
pub use load_batch::LoadReport;
pub use load_units::{UnitTotals, UnitsAre};
pub use markings::Markings;
pub use notices::NoticeRow;
pub use receipts::Receipt;
pub use reconcile_sensors::{Dropped, Inspected, SensorHealth, SensorTotals};
pub use report_numbers::{Coverage, WorkTimes};
pub use retention::DroppedFindings;
pub use rules::RuleText;
pub use saved_views::SavedView;
pub use sensors::{Sensor, SensorKey};
pub use sessions::Session;
pub use sharing_register::{RegisterEntry, RegisterLine};
pub use sources::Source;
pub use sql::{SqlAnswer, sql_tables};
pub use suppressions::{NewSuppression, Suppression};
pub use tables::TableCare;
pub use take_indicators::{NewIndicator, TakenIndicators};
pub use tenants::{Tenant, TenantKind};
pub use users::User;
pub use vouchers::{Voucher, VoucherRefusal};
