//! Which message of the handshake comes next, from whom, and how long it is (RFC 6143, section 7.1 to 7.3).

use crate::{
    app_layer::{limits, reader::Reader},
    direction::Direction::{self, ToClient, ToServer},
};

/// Bytes of a version.
const VERSION_BYTES: usize = 12;
/// Bytes of the server's first message without the desktop's name.
pub(super) const SERVER_INIT_BYTES: usize = 24;

/// The message that is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Expected {
    #[default]
    ServerVersion,
    ClientVersion,
    /// Version 3.3: the server decides.
    SecurityType,
    /// Later versions: the server offers, the client chooses.
    SecurityTypes,
    Choice,
    Challenge,
    Response,
    SecurityResult,
    /// Why the server refused.
    Reason,
    ClientInit,
    ServerInit,
    /// The handshake is over, or was given up: nothing more is read.
    Nothing,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    More,
    Whole(usize),
    Invalid,
}

impl Expected {
    /// Whose turn it is.
    pub(super) fn speaker(self) -> Option<Direction> {
        match self {
            Self::ServerVersion
            | Self::SecurityType
            | Self::SecurityTypes
            | Self::Challenge
            | Self::SecurityResult
            | Self::Reason
            | Self::ServerInit => Some(ToClient),
            Self::ClientVersion | Self::Choice | Self::Response | Self::ClientInit => {
                Some(ToServer)
            }
            Self::Nothing => None,
        }
    }

    /// How long the message is that `bytes` begin with.
    pub(super) fn length(self, bytes: &[u8]) -> Length {
        let length = match self {
            Self::ServerVersion | Self::ClientVersion => return version_length(bytes),
            Self::SecurityType | Self::SecurityResult => 4,
            Self::SecurityTypes => match bytes.first() {
                None => return Length::More,
                Some(count) => 1 + usize::from(*count),
            },
            Self::Choice | Self::ClientInit => 1,
            Self::Challenge | Self::Response => 16,
            Self::ServerInit => match Reader::at(bytes, 20).u32() {
                None => return Length::More,
                Some(name) => {
                    let name = usize::try_from(name).unwrap_or(usize::MAX);
                    SERVER_INIT_BYTES.saturating_add(name)
                }
            },
            Self::Reason | Self::Nothing => bytes.len(),
        };
        if length <= bytes.len() {
            Length::Whole(length)
        } else {
            Length::More
        }
    }

    /// Whether a message that is not complete is worth keeping.
    pub(super) fn may_be_kept(bytes: &[u8]) -> bool {
        bytes.len() <= limits::RFB_MESSAGE_BYTES_MAX
    }
}

/// `RFB xxx.yyy\n`, whatever the numbers are.
fn version_length(bytes: &[u8]) -> Length {
    let fits = |at: usize, wanted: &[u8]| {
        let seen = bytes.get(at..).unwrap_or_default();
        let seen = &seen[..seen.len().min(wanted.len())];
        wanted.starts_with(seen)
    };
    if !(fits(0, b"RFB ") && fits(7, b".") && fits(11, b"\n")) {
        Length::Invalid
    } else if bytes.len() < VERSION_BYTES {
        Length::More
    } else {
        Length::Whole(VERSION_BYTES)
    }
}
