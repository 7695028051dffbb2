//! What the site sets: `sensor.toml`, from text to values the program can rely on.

pub mod document;
mod file;
pub mod quantity;

pub use file::{Capture, PolicySource, RuleSource, Rules, Settings, SettingsError, Uplink, parse};
