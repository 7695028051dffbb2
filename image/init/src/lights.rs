//! The board's light, for who has no screen: a heartbeat while all is well, quick blinking while something is not.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::console::say;

/// Half a period of the quick blinking, in milliseconds.
const BLINK_MILLISECONDS: &str = "120";
/// Lights that boards have for this, as the kernel names them.
const NAMES: [&str; 5] = ["ACT", "led0", "status", "sys", "heartbeat"];

/// Shows how the board is.
pub(crate) fn show(is_well: bool) {
    if let Some(light) = light(Path::new("/sys/class/leds"))
        && let Err(error) = set(&light, is_well)
    {
        say(&format!("the light cannot be set: {error}"));
    }
}

fn light(folder: &Path) -> Option<PathBuf> {
    let mut lights: Vec<_> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    lights.sort();
    lights.into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        NAMES
            .iter()
            .any(|known| name.split(':').any(|part| part.starts_with(known)))
    })
}

fn set(light: &Path, is_well: bool) -> std::io::Result<()> {
    if is_well {
        return fs::write(light.join("trigger"), "heartbeat");
    }
    fs::write(light.join("trigger"), "timer")?;
    for half in ["delay_on", "delay_off"] {
        fs::write(light.join(half), BLINK_MILLISECONDS)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_light_is_found_and_set() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["mmc0::", "green:status", "input3::capslock"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let light = light(folder.path()).unwrap();
        assert!(light.ends_with("green:status"));
        set(&light, false).unwrap();
        assert_eq!(fs::read_to_string(light.join("trigger")).unwrap(), "timer");
        assert_eq!(
            fs::read_to_string(light.join("delay_off")).unwrap(),
            BLINK_MILLISECONDS
        );
        set(&light, true).unwrap();
        assert_eq!(
            fs::read_to_string(light.join("trigger")).unwrap(),
            "heartbeat"
        );
    }
}
