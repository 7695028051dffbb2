//! Which bytes of a part come from where in another one: what is alike, also where single bytes in it differ.
//!
//! The part is gone through with one *alignment* at a time, a distance between a place in it and a place in the base. While bytes are equal, or
//! differ here and there, it goes on; where it does not, another place in the base with a long run of the same bytes is looked for. Then each
//! alignment is drawn out to both sides as far as more bytes fit than not. The idea is Colin Percival's ("Naive differences of
//! executable code", 2003); runs are found by a table of hashes, which is enough for parts that are mostly the same.

/// Bytes that a run is looked up by.
const KEY_BYTES: usize = 16;
/// Entries of the table, as a power of two: about one for each place, within these bounds.
const TABLE_BITS: std::ops::RangeInclusive<u32> = 8..=22;
/// Places with the same hash that are looked at.
const PLACES_MAX: usize = 64;
/// A run of so many is long enough: no longer one is looked for.
const RUN_ENOUGH_BYTES: usize = 4096;
/// A shorter run starts no alignment.
const RUN_MIN_BYTES: usize = 24;
/// So many more bytes must fit than with the alignment before.
const GAIN_MIN_BYTES: usize = 8;

/// Some bytes from the base, then some that are new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the first lie in the base.
    pub from: usize,
    /// Bytes that come from there, some of them changed.
    pub shared_bytes: usize,
    /// Bytes behind them that come from nowhere.
    pub new_bytes: usize,
}

/// A place in the part, the place in the base that it is aligned with, and how many bytes from there on are equal.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    part: usize,
    base: usize,
    bytes: usize,
}

impl Anchor {
    /// Where its equal bytes end in the part.
    fn end(&self) -> usize {
        self.part + self.bytes
    }

    /// The byte of the base that this alignment puts beside a place of the part.
    fn beside(&self, base: &[u8], part_at: usize) -> Option<u8> {
        let at = (self.base + part_at).checked_sub(self.part)?;
        base.get(at).copied()
    }
}

/// The steps that make `part` from `base`, in order.
#[must_use]
pub fn steps(part: &[u8], base: &[u8]) -> Vec<Step> {
    let anchors = anchors(part, base);
    // The stretch of the part that each alignment makes.
    let mut stretches: Vec<(usize, usize)> = Vec::with_capacity(anchors.len());
    let mut begin = 0;
    for (index, anchor) in anchors.iter().enumerate() {
        let next = anchors.get(index + 1);
        let end = end_of(
            anchor,
            next.map_or(part.len(), |next| next.part),
            part,
            base,
        );
        let (end, next_begin) = match next {
            Some(next) => parting(anchor, next, end, part, base),
            None => (end, part.len()),
        };
        stretches.push((begin, end));
        begin = next_begin;
    }
    let begins = stretches.iter().skip(1).map(|(begin, _)| *begin);
    let nexts: Vec<usize> = begins.chain([part.len()]).collect();
    let steps = anchors.iter().zip(&stretches).zip(nexts);
    let steps = steps.map(|((anchor, (begin, end)), next)| Step {
        from: (anchor.base + begin) - anchor.part,
        shared_bytes: end - begin,
        new_bytes: next - end,
    });
    steps
        .filter(|step| step.shared_bytes + step.new_bytes > 0)
        .collect()
}

/// The alignments, in the order of the part.
fn anchors(part: &[u8], base: &[u8]) -> Vec<Anchor> {
    let table = Table::of(base);
    // Mostly nothing moved.
    let mut current = Anchor {
        part: 0,
        base: 0,
        bytes: 0,
    };
    let mut anchors = Vec::new();
    let mut at = 0;
    while let Some(rest) = part.get(at..).filter(|rest| !rest.is_empty()) {
        let beside = (current.base + at).checked_sub(current.part);
        let beside = beside.and_then(|at| base.get(at..)).unwrap_or_default();
        let equal = run(rest, beside);
        if equal > 0 {
            at += equal;
            continue;
        }
        let (place, bytes) = table.longest(rest, base);
        let fitting = rest.iter().zip(beside).take(bytes);
        let fitting = fitting.filter(|(new, old)| new == old).count();
        if bytes >= RUN_MIN_BYTES && bytes > fitting + GAIN_MIN_BYTES {
            anchors.push(current);
            current = Anchor {
                part: at,
                base: place,
                bytes,
            };
            at += bytes;
        } else {
            at += 1;
        }
    }
    anchors.push(current);
    anchors
}

/// How far an alignment goes before `limit`: as long as more bytes fit than not.
fn end_of(anchor: &Anchor, limit: usize, part: &[u8], base: &[u8]) -> usize {
    let (mut score, mut best, mut end) = (0i64, 0, anchor.end());
    let beyond = part.get(anchor.end()..limit).unwrap_or_default();
    for (at, new) in (anchor.end()..).zip(beyond) {
        let Some(old) = anchor.beside(base, at) else {
            break;
        };
        score += if *new == old { 1 } else { -1 };
        if score > best {
            (best, end) = (score, at + 1);
        }
    }
    end
}

/// Where one alignment ends, which could go on to `end`, and the next begins.
fn parting(anchor: &Anchor, next: &Anchor, end: usize, part: &[u8], base: &[u8]) -> (usize, usize) {
    let (mut score, mut best, mut begin) = (0i64, 0, next.part);
    let before = part.get(anchor.end()..next.part).unwrap_or_default();
    for (at, new) in (anchor.end()..next.part).zip(before).rev() {
        let Some(old) = next.beside(base, at) else {
            break;
        };
        score += if *new == old { 1 } else { -1 };
        if score > best {
            (best, begin) = (score, at);
        }
    }
    if begin >= end {
        return (end, begin);
    }
    // Both want what lies between: they part where most bytes fit.
    let (mut score, mut best, mut place) = (0i64, 0, begin);
    for (at, new) in (begin..end).zip(part.get(begin..end).unwrap_or_default()) {
        let fits = |anchor: &Anchor| i64::from(anchor.beside(base, at) == Some(*new));
        score += fits(anchor) - fits(next);
        if score > best {
            (best, place) = (score, at + 1);
        }
    }
    (place, place)
}

/// How many bytes from the beginning are equal.
fn run(one: &[u8], other: &[u8]) -> usize {
    let pairs = one.iter().zip(other);
    pairs.take_while(|(one, other)| one == other).count()
}

/// Every place of the base by the hash of the bytes there: the last one, and from each the one before.
struct Table {
    bits: u32,
    last: Vec<u32>,
    before: Vec<u32>,
}

/// No place.
const NONE: u32 = u32::MAX;

impl Table {
    fn of(base: &[u8]) -> Self {
        let bits = base.len().checked_ilog2().unwrap_or(0) + 1;
        let bits = bits.clamp(*TABLE_BITS.start(), *TABLE_BITS.end());
        let mut table = Self {
            bits,
            last: vec![NONE; 1 << bits],
            before: vec![NONE; base.len()],
        };
        for (key, at) in base.windows(KEY_BYTES).zip(0u32..) {
            if let (Some(last), Some(before)) = (
                table.last.get_mut(hash(key, bits)),
                table.before.get_mut(at as usize),
            ) {
                *before = *last;
                *last = at;
            }
        }
        table
    }

    /// Where in the base the longest run of these bytes begins that is found, and its bytes.
    fn longest(&self, bytes: &[u8], base: &[u8]) -> (usize, usize) {
        let mut best = (0, 0);
        let Some(key) = bytes.get(..KEY_BYTES) else {
            return best;
        };
        let mut place = self.last.get(hash(key, self.bits)).copied().unwrap_or(NONE);
        for _ in 0..PLACES_MAX {
            let Some(there) = base.get(place as usize..) else {
                break;
            };
            let length = run(bytes, there);
            if length > best.1 {
                best = (place as usize, length);
            }
            if length >= RUN_ENOUGH_BYTES {
                break;
            }
            place = self.before.get(place as usize).copied().unwrap_or(NONE);
        }
        best
    }
}

/// A number of so many bits.
fn hash(key: &[u8], bits: u32) -> usize {
    // Odd numbers without a pattern: the golden ratio, and its square root.
    const FIRST: u64 = 0x9E37_79B9_7F4A_7C15;
    const SECOND: u64 = 0xA2F9_836E_4E44_1529;
    let half = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mixed = half(key.first_chunk()).wrapping_mul(FIRST);
    let mixed = mixed.rotate_left(31) ^ half(key.last_chunk()).wrapping_mul(SECOND);
    let mixed = mixed.wrapping_mul(FIRST) >> (u64::BITS - bits);
    usize::try_from(mixed).unwrap_or_default()
}
