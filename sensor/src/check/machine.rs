//! The machine itself: power, card, cables, clock.

use std::{fs, io::Write, path::Path};

use lapwing_wire::ClockQuality;

use super::{FREE_MIN_BYTES, Item, Topic};
use crate::clock::Clock;

/// What a machine tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Whether the power supply is too weak; none where the board cannot say.
    pub has_low_voltage: Option<bool>,
    /// Whether the state folder can be written.
    pub is_state_writable: bool,
    /// Bytes that are free for it.
    pub free_bytes: u64,
    /// Capture ports, and whether a cable with something at its other end is in them; none for a port that is gone.
    pub links: Vec<(String, Option<bool>)>,
    /// Whether the clock was ever set.
    pub is_clock_set: bool,
}

impl Machine {
    /// Looks at this machine.
    #[must_use]
    pub fn look(state: &Path, ports: &[String]) -> Self {
        let free = rustix::fs::statvfs(state)
            .map_or(0, |place| place.f_bavail.saturating_mul(place.f_frsize));
        Self {
            has_low_voltage: low_voltage(Path::new("/sys/class/hwmon")),
            is_state_writable: is_writable(state),
            free_bytes: free,
            links: ports
                .iter()
                .map(|port| (port.clone(), link(port)))
                .collect(),
            is_clock_set: Clock::new(false).stamp().quality != ClockQuality::Unset,
        }
    }

    pub(super) fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        if let Some(has_low_voltage) = self.has_low_voltage {
            items.push(Item::new(
                Topic::Power,
                !has_low_voltage,
                if has_low_voltage { "< 4.63 V" } else { "5 V" },
            ));
        }
        let free = format!("{} MB", self.free_bytes / 1_000_000);
        items.push(Item::new(
            Topic::Card,
            self.is_state_writable && self.free_bytes >= FREE_MIN_BYTES,
            free,
        ));
        for (port, link) in &self.links {
            items.push(Item::new(Topic::Link, *link == Some(true), port.clone()));
        }
        items.push(Item::new(
            Topic::Time,
            self.is_clock_set,
            jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
        ));
        items
    }
}

/// Raspberry Pis say it, under the name `rpi_volt`.
fn low_voltage(folder: &Path) -> Option<bool> {
    let monitors = fs::read_dir(folder).ok()?;
    let mut folders = monitors.flatten().map(|entry| entry.path());
    let monitor = folders.find(|path| {
        fs::read_to_string(path.join("name")).is_ok_and(|name| name.trim() == "rpi_volt")
    })?;
    let alarm = fs::read_to_string(monitor.join("in0_lcrit_alarm")).ok()?;
    Some(alarm.trim() == "1")
}

fn is_writable(state: &Path) -> bool {
    let path = state.join("check.new");
    let write = || {
        let mut file = fs::File::create(&path)?;
        file.write_all(b"check")?;
        file.sync_all()
    };
    let is_written = write().is_ok();
    // Nothing hangs on the file, nor on whether it could be removed.
    let _removed = fs::remove_file(&path);
    is_written
}

fn link(port: &str) -> Option<bool> {
    let folder = Path::new("/sys/class/net").join(port);
    if !folder.exists() {
        return None;
    }
    // A port that is down cannot say.
    Some(fs::read_to_string(folder.join("carrier")).is_ok_and(|text| text.trim() == "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_supply_is_read_where_a_board_tells_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(low_voltage(folder.path()), None);
        let monitor = folder.path().join("hwmon1");
        fs::create_dir(&monitor).unwrap();
        fs::write(monitor.join("name"), "rpi_volt\n").unwrap();
        for (text, expected) in [("0\n", false), ("1\n", true)] {
            fs::write(monitor.join("in0_lcrit_alarm"), text).unwrap();
            assert_eq!(low_voltage(folder.path()), Some(expected));
        }
    }

    #[test]
    fn a_folder_that_is_gone_is_not_writable() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Machine::look(folder.path(), &[]).is_state_writable);
        let machine = Machine::look(&folder.path().join("gone"), &["no-such-port".to_owned()]);
        assert!(!machine.is_state_writable);
        assert_eq!(machine.links[0].1, None);
    }
}
