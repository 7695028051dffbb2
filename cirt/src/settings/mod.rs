//! The data folder and the one settings file inside it.
//!
//! ```text
//! DIR/settings.toml        what the operator may edit
//! DIR/centre.db            the database (SQLite)
//! DIR/keys/                certificates and keys, readable by the owner alone
//! DIR/addresses.json       where the running centre listens, written by `serve`
//! ```

pub(crate) mod data_folder;
mod file;
mod name;

pub use data_folder::DataFolder;
pub use file::{Settings, SettingsError};
pub use name::{Name, NameError};
