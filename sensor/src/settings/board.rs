//! `[board]` of `sensor.toml`: the image that this machine is made of. The image's first process writes it; a sensor on a machine
//! of its own leaves it out.

use std::path::{Path, PathBuf};

use super::{document::Section, file::path};

/// The image that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Which board it is for.
    pub name: String,
    /// When it was built, seconds since 1970: its version.
    pub version: u64,
    /// SHA-256 of its parts, in hex: what a newer image may come as the difference from.
    pub parts: Vec<String>,
    /// File with a line about the image, which heartbeats tell the centre.
    pub status: PathBuf,
    /// Socket where the first process is asked to take an update.
    pub control: PathBuf,
}

/// Reads the section.
pub(super) fn board(section: &Section<'_>, folder: &Path) -> Option<Board> {
    let name = section.text("name").map(str::to_owned);
    let version = section.number("version", 0..=u64::MAX);
    let parts = section.list("parts", |text| Ok::<_, String>(text.to_owned()));
    let status = path(section, "status", folder);
    let control = path(section, "control", folder);
    if !section.is_present() {
        return None;
    }
    let required = |key: &'static str, is_there: bool| {
        if !is_there {
            section.missing(key, "the image writes this section whole");
        }
    };
    required("name", name.is_some());
    required("version", version.is_some());
    required("status", status.is_some());
    required("control", control.is_some());
    Some(Board {
        name: name?,
        version: version?,
        parts: parts.unwrap_or_default(),
        status: status?,
        control: control?,
    })
}
