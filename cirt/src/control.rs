//! What the centre asks of a sensor beyond its batches: to send less. It is kept as one file a sensor in the data
//! folder and goes out as a signed answer, when the sensor asks over the link or when a stick is written.
//!
//! ```text
//! DIR/control/<identity>.json   {"made_milliseconds", "rung_max", "lightest", "until_milliseconds"}
//! ```

use std::io;
use std::path::PathBuf;

use lapwing_wire::{AskForLess, Lane, Message, SensorId};
use serde::{Deserialize, Serialize};

use crate::enrolment::{AuthorityError, CertificateAuthority};
use crate::settings::DataFolder;
use crate::settings::data_folder::write_private;

/// Why control cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("cannot use {0}")]
    File(PathBuf, #[source] io::Error),
    #[error("{0} is not what this program writes")]
    Content(PathBuf),
    #[error("{0} is no lane of findings: write critical, normal, low or evidence")]
    Lane(String),
    #[error("cannot sign")]
    Sign(#[from] AuthorityError),
}

/// The newest request to a sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    pub made_milliseconds: u64,
    /// None ends an earlier request for less.
    pub less: Option<Less>,
}

/// What is still wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Less {
    /// 0 digests, 1 findings, 2 facts of findings.
    pub rung_max: u8,
    /// Name of the lightest lane wanted.
    pub lightest: String,
    /// 0 for never.
    pub until_milliseconds: u64,
}

impl Control {
    /// Keeps it as the newest for a sensor.
    ///
    /// # Errors
    /// When the file cannot be written, or the lane is none.
    pub fn store(&self, folder: &DataFolder, sensor: SensorId) -> Result<(), ControlError> {
        self.messages()?;
        let path = path(folder, sensor);
        let parent = folder.root().join("control");
        std::fs::create_dir_all(&parent).map_err(|error| ControlError::File(parent, error))?;
        let text = serde_json::json!(self).to_string();
        write_private(&path, text.as_bytes()).map_err(|error| ControlError::File(path, error))
    }

    /// The newest for a sensor, if there ever was one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load(folder: &DataFolder, sensor: SensorId) -> Result<Option<Self>, ControlError> {
        let path = path(folder, sensor);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|_| ControlError::Content(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ControlError::File(path, error)),
        }
    }

    /// The signed answer for a sensor that knows control made at `known_milliseconds`; empty when there is none newer.
    ///
    /// # Errors
    /// When control cannot be read or signed.
    pub fn answer(
        folder: &DataFolder,
        authority: &CertificateAuthority,
        sensor: SensorId,
        known_milliseconds: u64,
    ) -> Result<Vec<u8>, ControlError> {
        match Self::load(folder, sensor)? {
            Some(control) if control.made_milliseconds > known_milliseconds => Ok(
                authority.sign_answer(sensor, control.made_milliseconds, &control.messages()?)?
            ),
            _ => Ok(Vec::new()),
        }
    }

    fn messages(&self) -> Result<Vec<Message>, ControlError> {
        let Some(less) = &self.less else {
            return Ok(Vec::new());
        };
        let lane = Lane::ALL
            .into_iter()
            .find(|lane| *lane != Lane::Status && lane.name() == less.lightest)
            .ok_or_else(|| ControlError::Lane(less.lightest.clone()))?;
        Ok(vec![Message::AskForLess(AskForLess {
            rung_max: less.rung_max,
            lightest: lane,
            until_milliseconds: less.until_milliseconds,
        })])
    }
}

fn path(folder: &DataFolder, sensor: SensorId) -> PathBuf {
    folder.root().join("control").join(format!("{sensor}.json"))
}
