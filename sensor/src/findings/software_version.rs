//! What heartbeats say of the software: the program's version, and the image it came in with what became of the last update.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::whole_file;

/// Bytes of the line about the image: each heartbeat has it.
const BOARD_STATUS_MAX_BYTES: usize = 100;
/// Between looks at it.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The software, as it was last seen.
#[derive(Debug)]
pub(super) struct SoftwareVersion {
    board_status: Option<PathBuf>,
    text: String,
    looked: Instant,
}

impl SoftwareVersion {
    /// `board_status` is a file with a line about the image, where the machine is made of one.
    pub(super) fn new(board_status: Option<PathBuf>) -> Self {
        let mut version = Self {
            board_status,
            text: String::new(),
            looked: Instant::now(),
        };
        version.text = version.read();
        version
    }

    /// In one line.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Looks again now and then; whether it says something else.
    pub(super) fn has_changed(&mut self) -> bool {
        if self.board_status.is_none() || self.looked.elapsed() < LOOK_INTERVAL {
            return false;
        }
        self.looked = Instant::now();
        let text = self.read();
        let has_changed = text != self.text;
        self.text = text;
        has_changed
    }

    fn read(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let board = self.board_status.as_ref();
        let board = board.and_then(|path| whole_file::read(path, BOARD_STATUS_MAX_BYTES).ok());
        let board = board.and_then(|bytes| String::from_utf8(bytes).ok());
        match board.as_deref().map(str::trim) {
            Some(board) if !board.is_empty() => format!("{version}, {board}"),
            _ => version.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_line_about_the_image_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status");
        let mut version = SoftwareVersion::new(Some(path.clone()));
        assert_eq!(version.text(), env!("CARGO_PKG_VERSION"));
        std::fs::write(&path, "image 5 b, update 5 confirmed\n").unwrap();
        assert!(!version.has_changed());
        version.looked = version.looked.checked_sub(LOOK_INTERVAL).unwrap();
        assert!(version.has_changed() && !version.has_changed());
        assert!(version.text().ends_with(", image 5 b, update 5 confirmed"));
        assert_eq!(SoftwareVersion::new(None).text(), env!("CARGO_PKG_VERSION"));
    }
}
