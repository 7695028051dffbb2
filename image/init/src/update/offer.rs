//! What a signed repository offers to a board, and how each part of it gets there.
//!
//! A target of the repository is one packed part (`packed_part.rs`) and says of itself, signed, in its notes:
//!
//! ```text
//! {"board": "uefi-x86_64", "version": 1796000000, "part": "root", "digest": "<SHA-256 of the part>", "bytes": 13090816,
//!  "from": "<SHA-256 of the part that it is the difference from>"}
//! ```
//!
//! `version` is when the image was built, in seconds since 1970. Without `from` the target is the whole part.

use lapwing_trust::tuf::{TargetFile, Targets};
use serde::{Deserialize, Serialize};

use crate::{limits::PART_MAX_BYTES, text::is_digest};

/// What a slot is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The kernel.
    Kernel,
    /// The initial memory disk.
    MemoryDisk,
    /// The root.
    Root,
    /// What the boot loader is told of the slot, with `{slot}` for the slot's letter.
    Entry,
}

impl Part {
    /// All, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Root, Self::Kernel, Self::MemoryDisk, Self::Entry];

    /// Its name in targets and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::MemoryDisk => "memory-disk",
            Self::Root => "root",
            Self::Entry => "entry",
        }
    }
}

/// The notes of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Which board it is for.
    pub board: String,
    /// Version of the image: seconds since 1970.
    pub version: u64,
    /// Which part it is.
    pub part: Part,
    /// SHA-256 of the unpacked part, in hex.
    pub digest: String,
    /// Bytes of the unpacked part.
    pub bytes: u64,
    /// SHA-256 of the part that it is the difference from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl Notes {
    /// Of a target, if it is a packed part and its notes make sense.
    #[must_use]
    pub fn of(file: &TargetFile) -> Option<Self> {
        let notes = Self::deserialize(file.custom.as_ref()?).ok()?;
        let digests = [Some(&notes.digest), notes.from.as_ref()];
        let fits = digests.into_iter().flatten().all(|text| is_digest(text))
            && notes.bytes <= PART_MAX_BYTES;
        fits.then_some(notes)
    }
}

/// A whole image for a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its version.
    pub version: u64,
    /// Its parts, in the order of [`Part::ALL`].
    pub parts: Vec<PartOffer>,
}

/// One part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartOffer {
    /// What it is, once it is unpacked.
    pub notes: Notes,
    /// Ways to get it: names of targets; differences first.
    ways: Vec<(Option<String>, String)>,
}

/// How a part comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The board has it: it is copied from the slot that runs.
    Copy,
    /// By the difference from what the board has; the target's name.
    Difference(String),
    /// As a whole; the target's name.
    Whole(String),
}

impl PartOffer {
    /// Ways to get the part, the cheapest first, where the board has a part with the digest `here`.
    #[must_use]
    pub fn ways(&self, here: &str) -> Vec<Way> {
        if self.notes.digest == here {
            return vec![Way::Copy];
        }
        let usable = self.ways.iter().filter_map(|(from, name)| match from {
            Some(from) if from == here => Some(Way::Difference(name.clone())),
            Some(_) => None,
            None => Some(Way::Whole(name.clone())),
        });
        usable.collect()
    }
}

/// The newest image for a board that is offered whole: each part somehow.
#[must_use]
pub fn newest(targets: &Targets, board: &str) -> Option<Offer> {
    let parts = targets.targets.iter().filter_map(|(name, file)| {
        let notes = Notes::of(file)?;
        (notes.board == board).then_some((name, notes))
    });
    let parts: Vec<_> = parts.collect();
    let mut versions: Vec<u64> = parts.iter().map(|(_, notes)| notes.version).collect();
    versions.sort_unstable();
    versions.dedup();
    let of_version = |version: u64| {
        let of_part = |part: Part| {
            let mut found = parts
                .iter()
                .filter(|(_, notes)| notes.version == version && notes.part == part);
            let (_, first) = found.clone().next()?;
            let notes = Notes {
                from: None,
                ..first.clone()
            };
            // Two targets that say different things of one part say nothing.
            let agree = |other: &Notes| other.digest == notes.digest && other.bytes == notes.bytes;
            if !found.all(|(_, other)| agree(other)) {
                return None;
            }
            let named = parts.iter();
            let named = named.filter(|(_, other)| other.version == version && other.part == part);
            let mut ways: Vec<_> = named
                .map(|(name, notes)| (notes.from.clone(), (*name).clone()))
                .collect();
            ways.sort_by_key(|(from, _)| from.is_none());
            Some(PartOffer { notes, ways })
        };
        let parts: Option<Vec<_>> = Part::ALL.into_iter().map(of_part).collect();
        parts.map(|parts| Offer { version, parts })
    };
    versions.into_iter().rev().find_map(of_version)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lapwing_trust::tuf::{Header, UtcTime};

    use super::*;

    fn digest(letter: &str) -> String {
        letter.repeat(64)
    }

    fn targets(of: &[(u64, Part, &str, Option<&str>)]) -> Targets {
        let files = of.iter().map(|(version, part, to, from)| {
            let notes = Notes {
                board: "uefi-x86_64".to_owned(),
                version: *version,
                part: *part,
                digest: digest(to),
                bytes: 3,
                from: from.map(digest),
            };
            let name = format!("{version}/{}.{}", part.name(), from.unwrap_or("whole"));
            let notes = serde_json::to_value(notes).unwrap();
            (name, TargetFile::of(b"abc", Some(notes)))
        });
        let header = Header::new::<Targets>(1, UtcTime::from_seconds(1), UtcTime::from_seconds(2));
        Targets::new(header, files.collect::<BTreeMap<_, _>>())
    }

    fn whole(version: u64, digest: &str) -> Vec<(u64, Part, &str, Option<&str>)> {
        let parts = Part::ALL.into_iter();
        parts.map(|part| (version, part, digest, None)).collect()
    }

    #[test]
    fn the_newest_whole_image_is_offered_with_all_ways() {
        let mut of = whole(5, "a");
        of.extend(whole(9, "b"));
        of.push((9, Part::Root, "b", Some("a")));
        // Newer, and without a root.
        of.push((11, Part::Kernel, "c", None));
        let offer = newest(&targets(&of), "uefi-x86_64").unwrap();
        assert_eq!(offer.version, 9);
        let root = &offer.parts[0];
        assert_eq!(root.notes.part, Part::Root);
        assert_eq!(root.ways(&digest("b")), [Way::Copy]);
        let (difference, all) = (
            Way::Difference("9/root.a".to_owned()),
            Way::Whole("9/root.whole".to_owned()),
        );
        assert_eq!(root.ways(&digest("a")), [difference, all.clone()]);
        assert_eq!(root.ways(&digest("d")), [all]);
        assert_eq!(newest(&targets(&of), "uefi-arm64"), None);
    }

    #[test]
    fn targets_that_contradict_each_other_offer_nothing() {
        let mut of = whole(5, "a");
        of.push((5, Part::Root, "b", Some("c")));
        assert_eq!(newest(&targets(&of), "uefi-x86_64"), None);
    }
}
