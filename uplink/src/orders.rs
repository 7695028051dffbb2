//! What the centre has asked of this sensor, and how far it reaches: it can ask for less, never for more.
//!
//! Every order comes as a signed answer, over the link or on a stick, and is kept as those bytes
//! (`orders.answer`), checked anew each time it is read. An older one than the one known changes nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lapwing_wire::{AskForLess, ControlRequest, Message, SignedAnswer};

use crate::centre_signature::verified;
use crate::error::UplinkError;
use crate::identity::Identity;
use crate::private_file;

const FILE: &str = "orders.answer";

/// The newest orders.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    path: PathBuf,
    made_milliseconds: u64,
    less: Option<AskForLess>,
}

impl Orders {
    /// The orders kept in a folder. Bytes that are no orders for this sensor count as none.
    pub(crate) fn load(folder: &Path) -> Result<Self, UplinkError> {
        let mut orders = Self {
            path: folder.join(FILE),
            made_milliseconds: 0,
            less: None,
        };
        let bytes = match fs::read(&orders.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(orders),
            Err(cause) => return Err(UplinkError::file("read", &orders.path)(cause)),
        };
        // They were checked when they came, and this folder is this device's alone.
        if let Ok(answer) = SignedAnswer::parse(&bytes) {
            orders.take(&answer);
        }
        Ok(orders)
    }

    /// The question for newer ones.
    pub(crate) const fn request(&self) -> ControlRequest {
        ControlRequest {
            known_milliseconds: self.made_milliseconds,
        }
    }

    /// What the centre asks to leave out.
    pub(crate) const fn less(&self) -> Option<AskForLess> {
        self.less
    }

    /// Takes what the centre answered; empty bytes mean that there is nothing newer. What cannot be
    /// believed is told and changes nothing.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        identity: &Identity,
        now_seconds: u64,
    ) -> Result<(), UplinkError> {
        if bytes.is_empty() {
            return Ok(());
        }
        match verified(bytes, &identity.ca_digest, now_seconds) {
            Ok(answer) => self.accept(&answer, bytes, identity).map(drop),
            Err(error) => {
                tracing::warn!(%error, "orders that are not the centre's");
                Ok(())
            }
        }
    }

    /// Takes an answer whose signature was checked; says whether it was news.
    pub(crate) fn accept(
        &mut self,
        answer: &SignedAnswer,
        bytes: &[u8],
        identity: &Identity,
    ) -> Result<bool, UplinkError> {
        if answer.sensor != identity.sensor || answer.made_milliseconds <= self.made_milliseconds {
            return Ok(false);
        }
        private_file::replace(&self.path, bytes)?;
        self.take(answer);
        tracing::info!(less = ?self.less, "new orders of the centre");
        Ok(true)
    }

    fn take(&mut self, answer: &SignedAnswer) {
        self.made_milliseconds = answer.made_milliseconds;
        self.less = answer.messages.iter().find_map(|message| match message {
            Message::AskForLess(less) => Some(*less),
            _ => None,
        });
    }
}
