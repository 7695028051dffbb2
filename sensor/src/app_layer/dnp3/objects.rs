//! Headers of the objects in a message (IEEE 1815, part 11.4): a group, a variation, how many objects there are and where,
//! then the objects. Only the headers are kept; to find the next one it must be known how long the objects are.

use crate::app_layer::{limits, reader::Reader};

/// How long an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Fixed(usize),
    /// Bits, for all objects of a header together.
    Packed,
    /// As long as its prefix says, and at least so long.
    Prefixed(usize),
    /// The same, and at most so long.
    PrefixedUpTo(usize, usize),
    /// A fixed part, then what two bytes each at these places of it count.
    Counted(usize, &'static [usize]),
    /// The same behind a prefix that says at least so much.
    PrefixedCounted(usize, &'static [usize]),
}

/// The layout of a group's variation, where the reference knows it.
fn layout(group: u8, variation: u8) -> Option<Layout> {
    use Layout::{Counted, Fixed, Packed, Prefixed, PrefixedCounted, PrefixedUpTo};
    Some(match (group, variation) {
        (1 | 3 | 10 | 80, 1) | (12, 3) => Packed,
        (1 | 3 | 10 | 86, 2) | (2 | 4 | 11 | 13 | 102, 1) => Fixed(1),
        (20, 6 | 8) | (21, 10 | 12) | (30, 4) | (31, 6) | (34, 1) | (52, 1 | 2) | (120, 4) => {
            Fixed(2)
        }
        (2 | 4, 3) | (20..=23, 2 | 4) | (30..=33 | 40..=43, 2) | (81, 1) => Fixed(3),
        (20, 5 | 7) | (21, 9 | 11) | (30, 3) | (31, 5) | (34, 2 | 3) => Fixed(4),
        (20..=23, 1 | 3)
        | (30..=33 | 40..=43, 1)
        | (30 | 32 | 33 | 42 | 43, 5)
        | (31, 7)
        | (40 | 41, 3) => Fixed(5),
        (50, 1 | 3) | (51, 1 | 2) | (120, 3) => Fixed(6),
        (2 | 4 | 11 | 13, 2) | (121 | 122, 1) => Fixed(7),
        (21..=23, 6 | 8) | (30, 6) | (31, 4 | 8) | (32 | 33 | 42 | 43, 4 | 6) | (40 | 41, 4) => {
            Fixed(9)
        }
        (50, 2) => Fixed(10),
        (12, 1 | 2) | (21..=23, 5 | 7) | (31, 3) | (32 | 33 | 42 | 43, 3 | 7) | (50, 4) => {
            Fixed(11)
        }
        (122, 2) => Fixed(13),
        (32 | 33 | 42 | 43, 8) => Fixed(15),
        // Files: names and data behind their lengths.
        (70, 1) => Counted(36, &[0, 34]),
        (70, 2) => Counted(12, &[2, 6]),
        (70, 3 | 7) => Counted(if variation == 3 { 26 } else { 20 }, &[2]),
        (70, 4) => Prefixed(13),
        // The reference has room for 255 bytes of a file behind the eight of the block's header.
        (70, 5) => PrefixedUpTo(8, 8 + 255),
        (70, 6) => Prefixed(9),
        (70, 8) => Prefixed(0),
        (83, 1) => Counted(8, &[6]),
        // Authentication.
        (120, 1) => Prefixed(8),
        (120, 2) => Prefixed(6),
        (120, 5) => Prefixed(11),
        (120, 6) => Prefixed(5),
        (120, 7) => Prefixed(15),
        (120, 8) => Prefixed(2),
        (120, 10) => PrefixedCounted(16, &[10, 12, 14]),
        (120, 11) => PrefixedCounted(5, &[1, 3]),
        (120, 12 | 13) => PrefixedCounted(8, &[6]),
        (120, 9 | 14 | 15) => Prefixed(0),
        _ => return None,
    })
}

/// The objects of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    /// Group and variation of each header in one number.
    pub(super) kinds: Vec<u16>,
    /// Whether objects stand there that the reference does not know, or that run over the end.
    pub(super) has_unknown: bool,
}

/// Reads the headers of objects until there are no more or they make no sense.
pub(super) fn read(bytes: &[u8]) -> Objects {
    let mut objects = Objects::default();
    let mut reader = Reader::new(bytes);
    while objects.kinds.len() < limits::DNP3_OBJECT_HEADERS_MAX {
        let Some(&[group, variation, qualifier]) = reader.take(3) else {
            break;
        };
        objects.kinds.push(u16::from_be_bytes([group, variation]));
        let count = match count(&mut reader, qualifier & 0x0f) {
            // Their data is that of no known variation.
            Count::Objects(_) if variation == 0 => continue,
            Count::None | Count::Objects(0) => continue,
            Count::Objects(count) => count,
            Count::Missing | Count::Unknown => break,
        };
        if pass(
            &mut reader,
            layout(group, variation),
            qualifier >> 4 & 7,
            count,
        )
        .is_none()
        {
            objects.has_unknown = true;
            break;
        }
    }
    objects
}

/// How many objects follow.
enum Count {
    /// None, as the header stands for all of them.
    None,
    Objects(u32),
    /// The number is not there.
    Missing,
    /// The way of telling the number is not known.
    Unknown,
}

fn count(reader: &mut Reader<'_>, range: u8) -> Count {
    let mut number = |bytes: usize| little_endian(reader, bytes);
    let counted = match range {
        // From a first to a last one.
        0..=5 => {
            let bytes = 1 << (range % 3);
            number(bytes)
                .zip(number(bytes))
                .map(|(first, last)| last.wrapping_sub(first).wrapping_add(1))
        }
        6 => return Count::None,
        7 | 0x0b => number(1),
        8 => number(2),
        9 => number(4),
        _ => return Count::Unknown,
    };
    counted.map_or(Count::Missing, Count::Objects)
}

fn little_endian(reader: &mut Reader<'_>, bytes: usize) -> Option<u32> {
    let bytes = reader.take(bytes)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)),
    )
}

/// Passes over objects; `None` where they run over the end or are not known.
fn pass(reader: &mut Reader<'_>, layout: Option<Layout>, prefix: u8, count: u32) -> Option<()> {
    let layout = layout?;
    let count = usize::try_from(count).ok()?;
    let prefix_bytes = match prefix {
        1 | 4 => 1,
        2 | 5 => 2,
        3 | 6 => 4,
        _ => 0,
    };
    let is_size = (4..=6).contains(&prefix);
    if layout == Layout::Packed {
        // As the reference reads them: the prefix once for eight, and a byte more than is needed.
        return reader.take((count / 8 + 1) * (1 + prefix_bytes)).map(drop);
    }
    for _ in 0..count {
        let before = reader.position();
        let prefix = little_endian(reader, prefix_bytes)?;
        let size = if is_size {
            usize::try_from(prefix).ok()?
        } else {
            0
        };
        match layout {
            Layout::Fixed(length) => reader.take(length).map(drop)?,
            Layout::Prefixed(least) if size >= least => reader.take(size).map(drop)?,
            Layout::PrefixedUpTo(least, most) if (least..=most).contains(&size) => {
                reader.take(size).map(drop)?;
            }
            Layout::PrefixedCounted(length, _) if size < length => return None,
            Layout::Counted(length, counts) | Layout::PrefixedCounted(length, counts) => {
                let fixed = reader.take(length)?;
                for at in counts {
                    let length = Reader::at(fixed, *at).le_u16()?;
                    reader.take(usize::from(length))?;
                }
            }
            Layout::Packed | Layout::Prefixed(_) | Layout::PrefixedUpTo(..) => return None,
        }
        if reader.position() == before {
            // Nothing is there of each, however many there are.
            return Some(());
        }
    }
    Some(())
}
