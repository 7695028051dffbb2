//! What the site sets: `sensor.toml`, from text to values the program can rely on.

pub mod document;
pub mod quantity;
