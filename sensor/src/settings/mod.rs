//! What the site sets: `sensor.toml`, from text to values the program can rely on.

mod board;
mod engine;
mod file;
mod uplink;

pub use board::Board;
pub use engine::EngineSettings;
pub use file::{Capture, PolicySource, RuleSource, Rules, Settings, SettingsError, parse};
pub use lapwing_settings::{document, quantity};
pub use uplink::Uplink;
