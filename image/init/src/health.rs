//! Whether the board does its work, from what process 1 can see itself and what the sensor writes of itself. Nothing here
//! needs the right time of day: ages are seen as changes.

use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::{layout, limits::STATUS_MAX_AGE};

/// What process 1 reads of the sensor's status; the rest is the sensor's own.
#[derive(Default, Deserialize)]
struct SensorStatus {
    #[serde(default)]
    written_milliseconds: u64,
}

/// Follows the sensor's status file.
#[derive(Default)]
pub(crate) struct SensorWatch {
    last_milliseconds: u64,
    changed: Option<Instant>,
}

impl SensorWatch {
    /// Reads it again.
    pub(crate) fn look(&mut self) {
        let path = Path::new(layout::STATE).join("status/sensor.json");
        let text = fs::read_to_string(path).unwrap_or_default();
        let written = serde_json::from_str::<SensorStatus>(&text)
            .map_or(0, |status| status.written_milliseconds);
        if written != self.last_milliseconds {
            // What was there before this start says nothing.
            if self.last_milliseconds != 0 {
                self.changed = Some(Instant::now());
            }
            self.last_milliseconds = written;
        }
    }

    /// Whether the sensor lately wrote that it is there.
    pub(crate) fn is_fresh(&self) -> bool {
        self.changed
            .is_some_and(|time| time.elapsed() < STATUS_MAX_AGE)
    }
}

/// What is well and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// Each with what to do about it.
    pub(crate) problems: Vec<String>,
}

impl Health {
    pub(crate) fn is_well(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn note(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }
}

/// Whether a file can be written and read back on the data partition.
pub(crate) fn is_data_writable() -> bool {
    let path = Path::new(layout::DATA).join("boot/written");
    let mark = format!("{:?}", Instant::now());
    let write = || {
        let mut file = fs::File::create(&path)?;
        file.write_all(mark.as_bytes())?;
        file.sync_data()?;
        fs::read_to_string(&path)
    };
    write().is_ok_and(|read| read == mark)
}

/// For how long everything has been well without a break.
#[derive(Default)]
pub(crate) struct WellSince(Option<Instant>);

impl WellSince {
    /// Notes how it is now; for how long it has been well.
    pub(crate) fn note(&mut self, is_well: bool) -> Duration {
        if !is_well {
            self.0 = None;
            return Duration::ZERO;
        }
        self.0.get_or_insert_with(Instant::now).elapsed()
    }
}
