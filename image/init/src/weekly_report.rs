//! The report for the ISP, once a week where the site gives the key: page and table, kept on the data partition and copied beside the
//! site file, where any computer with a card reader finds them. It needs neither the centre nor a link.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use crate::{console::say, layout, mounts, services};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// Between looks whether it is time.
const LOOK_INTERVAL: Duration = Duration::from_secs(600);

/// Writes reports.
#[derive(Default)]
pub(crate) struct WeeklyReport {
    looked: Option<Instant>,
}

impl WeeklyReport {
    /// Writes the report if it is time. `key` is the ISP's private ledger key.
    pub(crate) fn look(&mut self, key: &Path) {
        if self
            .looked
            .is_some_and(|looked| looked.elapsed() < LOOK_INTERVAL)
        {
            return;
        }
        self.looked = Some(Instant::now());
        let folder = Path::new(layout::REPORTS);
        if !is_due(newest(folder), SystemTime::now()) {
            return;
        }
        let key = key.to_string_lossy();
        match services::run_as_user(&arguments(&key)) {
            Ok((said, true)) => say(&format!("report for the ISP: {}", said.trim())),
            Ok((said, false)) => say(&format!("no report for the ISP: {}", said.trim())),
            Err(error) => say(&format!("no report for the ISP: {error:#}")),
        }
        let copied = mounts::while_writable(layout::BOOT, || {
            Ok(copy_new(folder, &Path::new(layout::BOOT).join("reports"))?)
        });
        if let Err(error) = copied {
            say(&format!("the report is not on the card: {error:#}"));
        }
    }
}

fn arguments(key: &str) -> [&str; 7] {
    [
        "report",
        "--config",
        layout::SENSOR_SETTINGS,
        "--key",
        key,
        "--folder",
        layout::REPORTS,
    ]
}

/// When the newest report was written.
fn newest(folder: &Path) -> Option<SystemTime> {
    let times = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok());
    times.max()
}

/// A clock that was put back makes none before its time: what lies in the future counts as just written.
fn is_due(newest: Option<SystemTime>, now: SystemTime) -> bool {
    newest.is_none_or(|newest| {
        now.duration_since(newest)
            .is_ok_and(|elapsed| elapsed >= WEEK)
    })
}

/// Copies reports that are not there yet, and removes those whose original is gone.
fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let names = |folder: &Path| -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(PathBuf::from(entry?.file_name())))
            .collect()
    };
    let kept = names(from)?;
    for name in names(to)?.iter().filter(|name| !kept.contains(name)) {
        fs::remove_file(to.join(name))?;
    }
    for name in &kept {
        let target = to.join(name);
        if target.exists() {
            continue;
        }
        // A half one would stay for ever.
        let aside = target.with_extension("new");
        fs::copy(from.join(name), &aside)?;
        fs::File::open(&aside)?.sync_all()?;
        fs::rename(&aside, &target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_due_after_a_week() {
        let now = SystemTime::UNIX_EPOCH + WEEK * 100;
        assert!(is_due(None, now));
        assert!(!is_due(Some(now - WEEK / 2), now));
        assert!(is_due(Some(now - WEEK), now));
        assert!(!is_due(Some(now + WEEK), now));
    }

    #[test]
    fn the_card_has_the_reports_that_are_kept() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        fs::write(from.path().join("report-1.csv"), "one").unwrap();
        fs::write(to.path().join("report-0.csv"), "gone").unwrap();
        let target = to.path().join("reports");
        copy_new(from.path(), &target).unwrap();
        fs::write(from.path().join("report-2.csv"), "two").unwrap();
        fs::remove_file(from.path().join("report-1.csv")).unwrap();
        copy_new(from.path(), &target).unwrap();
        let names: Vec<_> = fs::read_dir(&target)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["report-2.csv"]);
    }
}
