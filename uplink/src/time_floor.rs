//! The time that certificates are checked against. A board has no clock: what it shows may be
//! 1970. It is never earlier than the build of this program, nor than the newest certificate
//! of the centre that was seen.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;

use crate::error::UplinkError;
use crate::private_file;

const FILE: &str = "time.floor";
/// When this program was built, seconds since 1970.
const BUILD_SECONDS: &str = env!("LAPWING_BUILD_SECONDS");

/// The clock, held above the floor.
#[derive(Debug, Clone)]
pub(crate) struct TimeFloor {
    path: PathBuf,
    floor_seconds: Arc<AtomicU64>,
}

impl TimeFloor {
    /// The floor kept in a folder.
    pub(crate) fn load(folder: &Path) -> Result<Self, UplinkError> {
        let path = folder.join(FILE);
        let kept = match fs::read_to_string(&path) {
            // A file that cannot be understood is no reason to be offline: the build's time
            // stands.
            Ok(text) => text.trim().parse::<u64>().unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(cause) => return Err(UplinkError::file("read", path)(cause)),
        };
        let build = BUILD_SECONDS.parse::<u64>().unwrap_or_default();
        Ok(Self {
            path,
            floor_seconds: Arc::new(AtomicU64::new(kept.max(build))),
        })
    }

    /// The best time known, seconds since 1970.
    pub(crate) fn now_seconds(&self) -> u64 {
        let clock = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_secs());
        clock.max(self.floor_seconds.load(Ordering::Relaxed))
    }

    /// What the clock shows, milliseconds since 1970, however wrong.
    pub(crate) fn clock_milliseconds(&self) -> u64 {
        let clock = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(clock.as_millis()).unwrap_or(u64::MAX)
    }

    /// Learns that it is not earlier than this: the beginning of a certificate of the centre.
    pub(crate) fn raise(&self, seconds: u64) -> Result<(), UplinkError> {
        if self.floor_seconds.fetch_max(seconds, Ordering::Relaxed) < seconds {
            private_file::replace(&self.path, format!("{seconds}\n").as_bytes())?;
        }
        Ok(())
    }
}

/// The time that it is at least, whatever the clock says: the build of this program, or the
/// beginning of the newest certificate of the centre that was seen. `folder` is the identity's;
/// it need not exist.
///
/// # Errors
/// [`UplinkError::File`] when what was kept cannot be read.
pub fn time_floor_seconds(folder: &Path) -> Result<u64, UplinkError> {
    Ok(TimeFloor::load(folder)?
        .floor_seconds
        .load(Ordering::Relaxed))
}

impl TimeProvider for TimeFloor {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(
            self.now_seconds(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_only_rises_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let floor = TimeFloor::load(folder.path()).unwrap();
        let build: u64 = BUILD_SECONDS.parse().unwrap();
        assert!(floor.now_seconds() >= build);
        let far = 5_000_000_000;
        floor.raise(far).unwrap();
        floor.raise(1).unwrap();
        assert_eq!(TimeFloor::load(folder.path()).unwrap().now_seconds(), far);
    }
}
