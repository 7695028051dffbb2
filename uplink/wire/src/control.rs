//! What comes back to the edge beyond acks and certificates: files of the rule repository, and control.
//! Every one of these is an answer to a request that the edge made.
//!
//! A file is asked for by its path below the repository and from an offset on, so a broken download goes
//! on where it ended. What the bytes are worth is decided by the keys of the repository, not by the link.
//!
//! Control is a [`SignedAnswer`](crate::answer::SignedAnswer), the same bytes over TLS and on a stick. It can
//! ask for less than the edge's own settings and policy let out, never for more.

use crate::bytes::Reader;
use crate::error::DecodeError;
use crate::ids::Lane;
use crate::limits::{
    MAX_ANSWER_BYTES, MAX_FILE_PART_BYTES, MAX_REPOSITORY_PATH_BYTES, MAX_TEXT_BYTES,
};
use crate::rows::{FieldWriter, Fields};

/// A path below a repository: `metadata/NAME` or `targets/...` of the rules, or the same behind `image/` of the images of sensors.
/// It leads nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryPath(String);

impl RepositoryPath {
    /// What paths of images begin with.
    pub const IMAGES: &str = "image/";

    /// Checks a path.
    ///
    /// # Errors
    /// [`DecodeError::Mismatch`] when it is not one of a repository.
    pub fn new(path: &str) -> Result<Self, DecodeError> {
        let below = path.strip_prefix(Self::IMAGES).unwrap_or(path);
        let mut parts = below.split('/');
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        };
        let fits = path.len() <= MAX_REPOSITORY_PATH_BYTES
            && matches!(parts.next(), Some("metadata" | "targets"))
            && parts.clone().next().is_some()
            && parts.all(is_part);
        if fits {
            Ok(Self(path.to_owned()))
        } else {
            Err(DecodeError::Mismatch {
                what: "path of the rule repository",
            })
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RepositoryPath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The edge asks for bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRequest {
    /// Which file.
    pub path: RepositoryPath,
    /// From which byte on.
    pub offset: u64,
}

/// Bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// Which file.
    pub path: RepositoryPath,
    /// Where these bytes begin.
    pub offset: u64,
    /// Bytes of the whole file.
    pub total_bytes: u64,
    /// At most [`MAX_FILE_PART_BYTES`].
    pub bytes: Vec<u8>,
}

/// There is no such file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAbsent {
    /// Which.
    pub path: RepositoryPath,
}

/// The edge asks whether there is control newer than what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlRequest {
    /// When the newest control known here was made, milliseconds since 1970; 0 for none.
    pub known_milliseconds: u64,
}

/// The newest control for this sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlAnswer {
    /// A signed answer, or empty when there is none newer.
    pub answer: Vec<u8>,
}

/// The centre asks for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskForLess {
    /// The highest rung of detail wanted: 0 digests, 1 findings, 2 facts of findings.
    pub rung_max: u8,
    /// The lightest lane of findings wanted.
    pub lightest: Lane,
    /// When it ends, milliseconds since 1970; 0 for never.
    pub until_milliseconds: u64,
}

impl AskForLess {
    /// Whether findings of a lane are still wanted. Status always is.
    pub fn wants(&self, lane: Lane) -> bool {
        let weight = |lane| Lane::ALL.iter().position(|known| *known == lane);
        lane == Lane::Status || (self.rung_max > 0 && weight(lane) <= weight(self.lightest))
    }
}

impl FileRequest {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.text(1, self.path.as_str(), MAX_REPOSITORY_PATH_BYTES);
        fields.number(2, self.offset);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            path: path(fields)?,
            offset: fields.number(2)?,
        })
    }
}

impl FilePart {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.text(1, self.path.as_str(), MAX_REPOSITORY_PATH_BYTES);
        fields.number(2, self.offset);
        fields.number(3, self.total_bytes);
        fields.bytes(4, &self.bytes);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            path: path(fields)?,
            offset: fields.number(2)?,
            total_bytes: fields.number(3)?,
            bytes: capped(fields, 4, MAX_FILE_PART_BYTES, "part of a file")?,
        })
    }
}

impl FileAbsent {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.text(1, self.path.as_str(), MAX_REPOSITORY_PATH_BYTES);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            path: path(fields)?,
        })
    }
}

impl ControlRequest {
    pub(crate) fn write(self, fields: &mut FieldWriter) {
        fields.number(1, self.known_milliseconds);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            known_milliseconds: fields.number(1)?,
        })
    }
}

impl ControlAnswer {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.bytes(1, &self.answer);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            answer: capped(fields, 1, MAX_ANSWER_BYTES, "signed answer")?,
        })
    }
}

impl AskForLess {
    pub(crate) fn write(self, fields: &mut FieldWriter) {
        fields.number(1, u64::from(self.rung_max));
        fields.bytes(2, &[self.lightest.code()]);
        fields.number(3, self.until_milliseconds);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let bytes = fields.all(2).last().copied().unwrap_or_default();
        Ok(Self {
            rung_max: u8::try_from(fields.number(1)?).unwrap_or(u8::MAX),
            lightest: Lane::read(&mut Reader::new(bytes))?,
            until_milliseconds: fields.number(3)?,
        })
    }
}

/// This sensor was revoked: what a stick tells where TLS would turn the sensor away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Why, in one line.
    pub reason: String,
}

impl Revocation {
    pub(crate) fn write(&self, fields: &mut FieldWriter) {
        fields.text(1, &self.reason, MAX_TEXT_BYTES);
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            reason: fields.text(1, MAX_TEXT_BYTES)?,
        })
    }
}

fn path(fields: &Fields<'_>) -> Result<RepositoryPath, DecodeError> {
    RepositoryPath::new(&fields.text(1, MAX_REPOSITORY_PATH_BYTES)?)
}

fn capped(
    fields: &Fields<'_>,
    tag: u64,
    cap: usize,
    what: &'static str,
) -> Result<Vec<u8>, DecodeError> {
    let bytes = fields.all(tag).last().copied().unwrap_or_default();
    if bytes.len() > cap {
        return Err(DecodeError::OverCap {
            what,
            value: bytes.len() as u64,
            cap,
        });
    }
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_else() {
        for good in [
            "metadata/1.root.json",
            "targets/00ff.rules.pack",
            "targets/deltas/aa.bb-cc.delta",
            "image/metadata/timestamp.json",
            "image/targets/uefi-x86_64/1796000000/00ff.root.from-00ff",
        ] {
            assert_eq!(RepositoryPath::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "metadata",
            "metadata/",
            "metadata/../keys/root.key.pem",
            "/etc/passwd",
            "targets//a",
            "targets/.hidden",
            "keys/a",
            "image",
            "image/keys/a",
            "image/metadata/../../keys",
            "image/image/metadata/a",
            "targets/a b",
            "targets/a\0b",
        ] {
            assert!(RepositoryPath::new(bad).is_err(), "{bad:?}");
        }
        assert!(RepositoryPath::new(&format!("targets/{}", "a".repeat(300))).is_err());
    }

    #[test]
    fn less_is_never_more() {
        let less = AskForLess {
            rung_max: 1,
            lightest: Lane::Normal,
            until_milliseconds: 0,
        };
        assert!(less.wants(Lane::Critical) && less.wants(Lane::Status) && less.wants(Lane::Normal));
        assert!(!less.wants(Lane::Low) && !less.wants(Lane::Evidence));
        let digests = AskForLess {
            rung_max: 0,
            ..less
        };
        assert!(digests.wants(Lane::Status) && !digests.wants(Lane::Critical));
    }
}
