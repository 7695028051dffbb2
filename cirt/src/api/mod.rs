//! The same data for programs: JSON under `/api/v1`, CSV, and what the command line prints with `--output json`.
//!
//! The types here are the frozen outside form; they are filled by hand from what the store gives.

mod alarm_view;
mod books_view;
mod csv_export;
mod finding_view;
mod group_view;
mod people_view;
mod sensor_view;
mod summary_view;
mod suppression_view;

pub use alarm_view::{AlarmRuleBody, AlarmRuleView, AlarmTargetBody, AlarmTargetView, AlarmsView};
pub use books_view::{BooksView, DroppedView, LaneView};
pub(crate) use csv_export::harmless;
pub use csv_export::{findings_csv, sql_csv, summary_csv};
pub(crate) use finding_view::action_name;
pub use finding_view::{AddressView, EndpointView, FindingView, FindingsView, protocol_name};
pub use group_view::{
    CaseView, CasesView, ChangeBody, EventView, EventsView, GroupView, GroupsView, SightingView,
    SightingsView,
};
pub use people_view::{AuditLineView, AuditView, TenantView, TenantsView};
pub use sensor_view::{InspectedView, SensorView, SensorsView, key_fingerprint};
pub use summary_view::{SensorTotalsView, SummaryView};
pub use suppression_view::{SuppressionBody, SuppressionView, SuppressionsView};
