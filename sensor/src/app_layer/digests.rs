//! Digests of files that are larger than what is kept of them, made while they pass.
//!
//! A file that is kept whole needs none: what asks for its digest makes it. Hashing begins when a file outgrows what is kept, with
//! what is kept, and only for the kinds that rules ask for.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A kind of digest that rules ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestKind {
    /// `filemd5`
    Md5,
    /// `filesha1`
    Sha1,
    /// `filesha256`
    Sha256,
}

/// The kinds of digests that rules ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DigestSet {
    kinds: [bool; 3],
}

impl DigestSet {
    /// Adds a kind.
    pub fn insert(&mut self, kind: DigestKind) {
        self.kinds[kind as usize] = true;
    }

    fn contains(self, kind: DigestKind) -> bool {
        self.kinds[kind as usize]
    }
}

/// The digests of one file.
#[derive(Debug, Default)]
pub(super) struct FileDigests {
    wanted: DigestSet,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// All of the file is kept so far.
    #[default]
    Unneeded,
    Passing(Box<Hashers>),
    Done(Box<Finished>),
}

#[derive(Debug)]
struct Hashers {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
}

#[derive(Debug)]
struct Finished {
    md5: Option<[u8; 16]>,
    sha1: Option<[u8; 20]>,
    sha256: Option<[u8; 32]>,
}

impl FileDigests {
    pub(super) fn new(wanted: DigestSet) -> Self {
        Self {
            wanted,
            state: State::default(),
        }
    }

    /// More of the file comes than fits beside what is `kept`, which is all that came before.
    pub(super) fn pass(&mut self, kept: &[u8], more: &[u8]) {
        if self.wanted == DigestSet::default() {
            return;
        }
        if matches!(self.state, State::Unneeded) {
            let wanted = self.wanted;
            let mut hashers = Hashers {
                md5: wanted.contains(DigestKind::Md5).then(Md5::new),
                sha1: wanted.contains(DigestKind::Sha1).then(Sha1::new),
                sha256: wanted.contains(DigestKind::Sha256).then(Sha256::new),
            };
            hashers.update(kept);
            self.state = State::Passing(Box::new(hashers));
        }
        if let State::Passing(hashers) = &mut self.state {
            hashers.update(more);
        }
    }

    /// The file is whole, if `is_whole`; else nothing can be said of it.
    pub(super) fn finish(&mut self, is_whole: bool) {
        self.state = match std::mem::take(&mut self.state) {
            State::Passing(hashers) if is_whole => {
                let Hashers { md5, sha1, sha256 } = *hashers;
                State::Done(Box::new(Finished {
                    md5: md5.map(|hasher| hasher.finalize().into()),
                    sha1: sha1.map(|hasher| hasher.finalize().into()),
                    sha256: sha256.map(|hasher| hasher.finalize().into()),
                }))
            }
            State::Done(finished) => State::Done(finished),
            State::Passing(_) | State::Unneeded => State::Unneeded,
        };
    }

    /// The digest of a file that was larger than what is kept of it, once it is whole.
    pub(super) fn get(&self, kind: DigestKind) -> Option<&[u8]> {
        let State::Done(finished) = &self.state else {
            return None;
        };
        match kind {
            DigestKind::Md5 => finished.md5.as_ref().map(<[u8; 16]>::as_slice),
            DigestKind::Sha1 => finished.sha1.as_ref().map(<[u8; 20]>::as_slice),
            DigestKind::Sha256 => finished.sha256.as_ref().map(<[u8; 32]>::as_slice),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        match self.state {
            State::Unneeded => 0,
            State::Passing(_) => size_of::<Hashers>(),
            State::Done(_) => size_of::<Finished>(),
        }
    }
}

impl Hashers {
    fn update(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.md5 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha1 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha256 {
            hasher.update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_whole_file_and_of_no_part() {
        let mut wanted = DigestSet::default();
        wanted.insert(DigestKind::Sha256);
        let mut digests = FileDigests::new(wanted);
        digests.pass(b"ab", b"cd");
        digests.pass(b"ab", b"ef");
        assert_eq!(digests.get(DigestKind::Sha256), None);
        digests.finish(true);
        digests.finish(true);
        let whole = Sha256::digest(b"abcdef");
        assert_eq!(digests.get(DigestKind::Sha256), Some(&whole[..]));
        assert_eq!(digests.get(DigestKind::Md5), None);
        let mut cut = FileDigests::new(wanted);
        cut.pass(b"ab", b"cd");
        cut.finish(false);
        assert_eq!(cut.get(DigestKind::Sha256), None);
    }
}
