//! How the link is, for `lapwing status`: `link.json` in the identity folder.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::UplinkError;
use crate::private_file;

const FILE: &str = "link.json";

/// How the link is. Times are seconds since 1970 at the best time known; 0 for never.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkStatus {
    /// When the centre was last reached.
    pub connected_seconds: u64,
    /// When it was last not reached; before `connected_seconds` when all is well.
    pub failed_seconds: u64,
    /// Why, in one line.
    pub failure: String,
    /// The uplink's process, and when it started.
    pub process: i32,
    /// Seconds since 1970.
    pub started_seconds: u64,
    /// Bytes spent since this file was made, as the bill counts them.
    pub spent_bytes: u64,
}

impl LinkStatus {
    /// As it was kept; nothing known where it was not.
    pub fn load(folder: &Path) -> Self {
        fs::read(folder.join(FILE))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    pub(crate) fn started(&mut self, now_seconds: u64) {
        self.process = i32::try_from(std::process::id()).unwrap_or_default();
        self.started_seconds = now_seconds;
    }

    pub(crate) fn connected(&mut self, now_seconds: u64) {
        self.connected_seconds = now_seconds;
    }

    pub(crate) fn failed(&mut self, failure: String, now_seconds: u64) {
        (self.failure, self.failed_seconds) = (failure, now_seconds);
    }

    pub(crate) fn spent(&mut self, bytes: u64) {
        self.spent_bytes = self.spent_bytes.saturating_add(bytes);
    }

    pub(crate) fn store(&self, folder: &Path) -> Result<(), UplinkError> {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        private_file::replace(&folder.join(FILE), &bytes)
    }
}
