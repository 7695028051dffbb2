//! `lapwing-status.txt` on the boot partition: how the sensor is, for a person with a card reader. Written only when it
//! says something else than before, and not often: the card wears.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{console::say, layout, mounts, whole_file};

/// At least this long between two writings, after the first ones.
const PAUSE: Duration = Duration::from_secs(600);
/// So many may follow each other while the board is set up.
const QUICK_MAX: u32 = 12;

/// What was written last.
#[derive(Default)]
pub(crate) struct SiteStatus {
    last: String,
    written: Option<Instant>,
    count: u32,
}

impl SiteStatus {
    /// Writes the text if it says something new and it is time. Numbers that grow say nothing new.
    pub(crate) fn write(&mut self, text: &str) {
        let is_soon = self.written.is_some_and(|time| time.elapsed() < PAUSE);
        let said: String = text
            .chars()
            .filter(|character| !character.is_ascii_digit())
            .collect();
        if said == self.last || (self.count >= QUICK_MAX && is_soon) {
            return;
        }
        self.last = said;
        self.written = Some(Instant::now());
        self.count = self.count.saturating_add(1);
        // As Windows' editor reads it.
        let text = text.replace('\n', "\r\n");
        let written = mounts::while_writable(layout::BOOT, || {
            let path = Path::new(layout::BOOT).join(layout::STATUS_FILE);
            if fs::read_to_string(&path).is_ok_and(|old| old == text) {
                return Ok(());
            }
            Ok(whole_file::replace(&path, text.as_bytes())?)
        });
        if let Err(error) = written {
            say(&format!(
                "{} cannot be written: {error:#}",
                layout::STATUS_FILE
            ));
        }
    }
}
