//! What became of the last update: kept on the data partition, told in `lapwing-status.txt`, on the console and to the centre.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{boot_control::SlotState, layout::Slot, whole_file};

/// Bytes of a record.
const RECORD_MAX_BYTES: usize = 16 * 1024;
/// Characters of a reason that are kept.
const REASON_MAX: usize = 300;

/// The last update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the image; 0 where it was refused before that was known.
    pub version: u64,
    /// Where it was written to; none where it was not.
    pub slot: Option<String>,
    /// How far it came.
    pub state: State,
    /// Why not further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The version that last did not prove itself: it is not tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_version: Option<u64>,
}

/// How far an update came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not taken; the slot that ran was not touched.
    Refused,
    /// Written, and tried at the next start.
    Armed,
    /// It runs and is healthy.
    Confirmed,
    /// It did not prove itself; the version before runs.
    FellBack,
}

impl Record {
    /// One that was not taken.
    pub(crate) fn refused(reason: &str) -> Self {
        Self {
            version: 0,
            slot: None,
            state: State::Refused,
            reason: Some(shortened(reason)),
            failed_version: None,
        }
    }

    /// One that is about to be tried.
    pub(crate) fn armed(version: u64, slot: Slot) -> Self {
        Self {
            version,
            slot: Some(slot.letter().to_owned()),
            state: State::Armed,
            reason: None,
            failed_version: None,
        }
    }

    /// The same, with what is to be remembered of the record that it takes the place of.
    pub(crate) fn after(self, before: Option<&Self>) -> Self {
        Self {
            failed_version: before.and_then(|before| before.failed_version),
            ..self
        }
    }

    /// What is kept at `path`; none where nothing is, or what cannot be read.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = whole_file::read(path, RECORD_MAX_BYTES).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Keeps it, through a power cut.
    pub(crate) fn keep(&self, path: &Path) -> io::Result<()> {
        whole_file::replace(path, &serde_json::to_vec(self)?)
    }

    /// The slot that it was written to proved itself. Whether that is news.
    pub(crate) fn confirm(&mut self) -> bool {
        let is_news = self.state == State::Armed;
        if is_news {
            self.state = State::Confirmed;
            self.reason = None;
        }
        is_news
    }

    /// The reason why a slot on trial gives way, to be found by the slot that comes after it.
    pub(crate) fn gives_way(&mut self, reason: &str) {
        self.reason = Some(shortened(reason));
    }

    /// What a start says of an update that was armed before it: that it fell back, or nothing where it is still on trial. `other` is
    /// the state of the slot that does not run. Whether something changed.
    pub(crate) fn started(&mut self, running: Slot, other: SlotState) -> bool {
        let is_armed = self.state == State::Armed;
        if !is_armed || self.slot.as_deref() == Some(running.letter()) {
            return false;
        }
        // Where the power went between this note and the arming, the slot is empty, and the update begins anew.
        if other == SlotState::Empty {
            self.state = State::Refused;
            self.reason = Some("the power went while it was written: it is taken again".to_owned());
        } else {
            self.state = State::FellBack;
            self.failed_version = Some(self.version);
            if self.reason.is_none() {
                self.reason = Some("it did not start".to_owned());
            }
        }
        true
    }

    /// In a few words, for the centre.
    #[must_use]
    pub fn short(&self) -> String {
        match self.state {
            State::Refused => "refused".to_owned(),
            State::Armed => format!("{} on trial", self.version),
            State::Confirmed => format!("{} confirmed", self.version),
            State::FellBack => format!("{} fell back", self.version),
        }
    }

    /// In one line, for people.
    #[must_use]
    pub fn line(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or("no reason is known");
        let version = self.version;
        match self.state {
            State::Refused => format!("not taken: {reason}"),
            State::Armed => format!("{version} is on trial"),
            State::Confirmed => format!("{version} runs and is confirmed"),
            State::FellBack => {
                format!("{version} did not prove itself, the one before runs: {reason}")
            }
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(REASON_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_what_became_of_an_update() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("update.json");
        assert_eq!(Record::read(&path), None);
        let armed = Record::armed(5, Slot::B);
        armed.keep(&path).unwrap();
        assert_eq!(Record::read(&path), Some(armed.clone()));

        let mut on_trial = armed.clone();
        assert!(!on_trial.started(Slot::B, SlotState::Confirmed));
        assert_eq!(on_trial.failed_version, None);

        let mut fell_back = armed.clone();
        fell_back.gives_way("the sensor\ndoes not run yet");
        assert!(fell_back.started(Slot::A, SlotState::Aside));
        assert_eq!(fell_back.failed_version, Some(5));
        assert_eq!(
            fell_back.line(),
            "5 did not prove itself, the one before runs: the sensor does not run yet"
        );

        let refused = Record::refused("a stick cut off").after(Some(&fell_back));
        assert_eq!(refused.failed_version, Some(5));

        let mut torn = armed;
        assert!(torn.started(Slot::A, SlotState::Empty));
        assert_eq!((torn.state, torn.failed_version), (State::Refused, None));
        std::fs::write(&path, "{").unwrap();
        assert_eq!(Record::read(&path), None);
    }
}
