//! How the sensor is, for a person in front of it and for the ISP's own monitoring.
//!
//! The sensor process writes what it knows into a small file about once a second; the outbox and the uplink keep their
//! own. `lapwing status` puts them together, also when a process is down. The file names no traffic beyond totals.

mod link;
mod open_metrics;
mod screen;
mod sensor_file;

pub use link::{Budget, Link};
pub use open_metrics::open_metrics;
pub use screen::{Identity, Outbox, Overview, render};
pub use sensor_file::{PolicyStatus, RuleStatus, SensorStatus, WorkerStatus};
