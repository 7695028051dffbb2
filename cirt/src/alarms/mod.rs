//! Alarms: what people are told of by mail or webhook, without looking at a page.
//!
//! A *rule* names what is watched and a *target*; what it sees becomes an *event*, once; events of a target go into a
//! *message*, which is written down before it is sent, so that a retry sends the same bytes under the same id. One
//! message goes to a target in a stretch of time; what comes meanwhile goes together in the next one.
//!
//! An alarm names rules, sensors and counts. It holds no address of a finding, no fact and no payload: mail goes
//! through the servers of others.

mod event;
mod mail;
mod settings;
mod text;
pub mod watch;
mod webhook;
pub mod worker;

pub use event::{AlarmEvent, AlarmKind};
pub use mail::{AlarmMailError, test_address};
pub use settings::TargetText;
pub use text::{Message, compose};
pub use webhook::{
    ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookError, check_address, signature,
};
