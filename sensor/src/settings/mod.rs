//! What the site sets: `sensor.toml`, from text to values the program can rely on.

pub mod document;
mod file;
pub mod quantity;
mod uplink;

pub use file::{Capture, PolicySource, RuleSource, Rules, Settings, SettingsError, parse};
pub use uplink::Uplink;
