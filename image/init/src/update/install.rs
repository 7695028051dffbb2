//! From a signed repository to a slot that is tried at the next start: checked, written, synced, read back, hashed, then armed.
//!
//! Until the last step the slot is not started, and the one that runs is never touched: a power cut at any moment leaves the board
//! as it was, and the update begins anew.

use std::{
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context, bail};
use lapwing_trust::tuf::{Target, TrustedSet};
use sha2::{Digest, Sha256};

use super::{
    difference,
    offer::{Offer, Part, PartOffer, Way, newest},
    packed_part,
    slots::Slots,
    source::Source,
    trust_store::TrustStore,
};
use crate::{limits::ENTRY_MAX_BYTES, text::hex_of};

/// In an entry: the letter of the slot.
const SLOT_WORD: &str = "{slot}";

/// What an update is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// Which board this is.
    pub(super) board: &'a str,
    /// Version of the image that runs.
    pub(super) running_version: u64,
    /// A version that was tried and did not prove itself.
    pub(super) failed_version: Option<u64>,
    /// The best time known, seconds since 1970.
    pub(super) now_seconds: u64,
    /// The root of trust that the image brings.
    pub(super) anchor: &'a Path,
    /// Where what is believed is kept.
    pub(super) trust: &'a Path,
}

/// How an update ended that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The board runs it already.
    Current,
    /// It is older than what the board runs: nothing older is taken.
    Older(u64),
    /// It was tried before and did not prove itself.
    FailedBefore(u64),
    /// The other slot holds it and is tried next.
    Armed(u64),
}

/// An update that was checked and is to be written.
pub(super) struct Checked {
    set: TrustedSet,
    offer: Offer,
}

/// Checks an update: what to write, or why there is nothing to do. The slots are not touched.
pub(super) fn check(
    source: &mut Source,
    facts: &Facts<'_>,
) -> anyhow::Result<Result<Checked, Outcome>> {
    let (set, offer) = checked_offer(source, facts)?;
    if offer.version == facts.running_version {
        return Ok(Err(Outcome::Current));
    }
    if offer.version < facts.running_version {
        return Ok(Err(Outcome::Older(offer.version)));
    }
    if facts.failed_version == Some(offer.version) {
        return Ok(Err(Outcome::FailedBefore(offer.version)));
    }
    Ok(Ok(Checked { set, offer }))
}

/// Writes an update and arms it. `note` is called with its version when the slot is whole and before it is armed; `say` with each step.
pub(super) fn write(
    source: &mut Source,
    Checked { set, offer }: &Checked,
    other_slot: &str,
    slots: &mut dyn Slots,
    note: &mut dyn FnMut(u64) -> anyhow::Result<()>,
    say: &mut dyn FnMut(&str),
) -> anyhow::Result<Outcome> {
    for part in &offer.parts {
        let room = slots.room(part.notes.part)?;
        if part.notes.bytes > room {
            bail!(
                "its {} has {} bytes, and there is room for {room}",
                part.notes.part.name(),
                part.notes.bytes
            );
        }
    }
    let mut bring = Bring {
        source,
        set,
        slots,
        say,
    };
    let entry = bring.entry(offer, other_slot)?;
    bring
        .slots
        .withdraw()
        .context("the other slot cannot be withdrawn")?;
    for part in &offer.parts {
        if part.notes.part != Part::Entry {
            bring.part(part)?;
        }
    }
    note(offer.version)?;
    slots
        .arm(&entry)
        .context("the new slot cannot be made the next one")?;
    Ok(Outcome::Armed(offer.version))
}

/// What the repository offers, if its signatures, versions and ends are right. What was believed is kept, whatever comes next.
fn checked_offer(source: &mut Source, facts: &Facts<'_>) -> anyhow::Result<(TrustedSet, Offer)> {
    let mut store = TrustStore::open(facts.anchor, facts.trust)?;
    let mut set = TrustedSet::open(store.trusted(), facts.now_seconds)?;
    let refreshed = set.refresh(source);
    store.keep(set.state())?;
    refreshed.context("it is refused")?;
    let targets = set.targets().context("it names no files")?;
    let offer = newest(targets, facts.board)
        .with_context(|| format!("it has no image for {}", facts.board))?;
    Ok((set, offer))
}

struct Bring<'a> {
    source: &'a mut Source,
    set: &'a TrustedSet,
    slots: &'a mut dyn Slots,
    say: &'a mut dyn FnMut(&str),
}

impl Bring<'_> {
    /// The boot loader's entry for the slot.
    fn entry(&mut self, offer: &Offer, slot: &str) -> anyhow::Result<String> {
        let part = offer.parts.iter();
        let part = part.into_iter().find(|part| part.notes.part == Part::Entry);
        let part = part.context("it has no boot entry")?;
        if part.notes.bytes > ENTRY_MAX_BYTES {
            bail!("its boot entry is too long");
        }
        let mut refused = anyhow::anyhow!("its boot entry is not there");
        for way in part.ways("") {
            let mut bytes = Vec::new();
            match self.unpack(part, &way, &mut bytes) {
                Ok(()) if hex_of(Sha256::new_with_prefix(&bytes)) == part.notes.digest => {
                    let text = String::from_utf8(bytes).context("its boot entry is no text")?;
                    return Ok(text.replace(SLOT_WORD, slot));
                }
                Ok(()) => refused = anyhow::anyhow!("its boot entry is not what was signed"),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Fills one part of the slot, the cheapest way that works.
    fn part(&mut self, part: &PartOffer) -> anyhow::Result<()> {
        let name = part.notes.part.name();
        let here = digest_of(&mut *self.slots.running(part.notes.part)?)
            .with_context(|| format!("the {name} that runs cannot be read"))?;
        let mut refused = anyhow::anyhow!("the {name} is not there");
        for way in part.ways(&here) {
            match self.try_way(part, &way) {
                Ok(text) => {
                    (self.say)(&format!("{name}: {text}"));
                    return Ok(());
                }
                Err(error) => {
                    (self.say)(&format!("{name}: {error:#}"));
                    refused = error;
                }
            }
        }
        Err(refused)
    }

    fn try_way(&mut self, part: &PartOffer, way: &Way) -> anyhow::Result<String> {
        let kind = part.notes.part;
        let mut packed = match way {
            Way::Copy => None,
            Way::Difference(name) | Way::Whole(name) => Some(self.checked_target(name)?),
        };
        let mut base = self.slots.running(kind)?;
        let mut written = String::new();
        self.slots
            .fill(kind, &mut |to| {
                let mut to = Hashing {
                    to,
                    digest: Sha256::new(),
                };
                match (&mut packed, way) {
                    (Some(packed), Way::Difference(_)) => {
                        difference::apply(&mut *packed.bytes, &mut base, part.notes.bytes, &mut to)?
                    }
                    (Some(packed), _) => {
                        packed_part::unpack(&mut *packed.bytes, part.notes.bytes, &mut to)?
                    }
                    (None, _) => drop(io::copy(&mut base, &mut to)?),
                }
                written = hex_of(std::mem::take(&mut to.digest));
                Ok(())
            })
            .context("cannot be written")?;
        if written != part.notes.digest {
            bail!("it is not what was signed");
        }
        let mut back = self.slots.read_back(kind)?.take(part.notes.bytes);
        if digest_of(&mut back)? != part.notes.digest {
            bail!("the disk gives back something else than was written: it is worn out or broken");
        }
        Ok(match (way, packed) {
            (Way::Difference(_), Some(packed)) => {
                format!("written by a difference of {} bytes", packed.length)
            }
            (_, Some(packed)) => format!("written from {} bytes", packed.length),
            (_, None) => "as before".to_owned(),
        })
    }

    /// A target whose bytes are those that were signed, to be read again.
    fn checked_target(&mut self, name: &str) -> anyhow::Result<Packed> {
        let target: Target = self.set.find_target(self.source, name)?;
        let path = format!("targets/{}", target.path);
        let open = |source: &Source| {
            source
                .part(&path)?
                .with_context(|| format!("{name} is not there"))
        };
        let mut bytes = open(self.source)?;
        let mut check = target.file.check()?;
        let mut chunk = vec![0; 256 * 1024];
        loop {
            let count = bytes.read(&mut chunk)?;
            if count == 0 {
                break;
            }
            check
                .update(chunk.get(..count).unwrap_or_default())
                .with_context(|| format!("{name} is refused"))?;
        }
        check
            .finish()
            .with_context(|| format!("{name} is refused"))?;
        Ok(Packed {
            bytes: open(self.source)?,
            length: target.file.length,
        })
    }

    fn unpack(&mut self, part: &PartOffer, way: &Way, to: &mut dyn Write) -> anyhow::Result<()> {
        let Way::Whole(name) = way else {
            bail!("it comes as a whole only");
        };
        let mut packed = self.checked_target(name)?;
        packed_part::unpack(&mut *packed.bytes, part.notes.bytes, to)?;
        Ok(())
    }
}

struct Packed {
    bytes: Box<dyn Read>,
    length: u64,
}

/// Computes the digest of what passes through.
struct Hashing<'a> {
    to: &'a mut dyn Write,
    digest: Sha256,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.digest.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The SHA-256 of all that can be read, in hex.
pub(crate) fn digest_of(from: &mut dyn Read) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match from.read(&mut chunk)? {
            0 => return Ok(hex_of(digest)),
            count => digest.update(chunk.get(..count).unwrap_or_default()),
        }
    }
}
