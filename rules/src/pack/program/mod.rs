//! A rule's program: conditions, inspections, effects and limits as compact tagged items.
//!
//! The same functions that check every program once when a pack is opened decode it later on the fly, so nothing per
//! rule is kept in private memory. Four parts follow one another: number of items, length in bytes, items.

mod alert_limit;
mod condition;
mod effect;
mod inspection;
mod ldap;
mod modbus;
mod operand;

use super::{
    bytes::{Cursor, Decoded, Malformed, put_number, to_usize},
    reader::Pack,
    strings::{Interner, StringTable},
};
use crate::{
    limits,
    model::{AlertLimit, Effect, Inspection, PacketCondition},
};

/// What items refer to; every reference is held against it. All but byte strings, which every content asks for, are looked up
/// where an item asks: rules are decoded for every packet that may be theirs, and most ask for nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tables<'a> {
    pack: &'a Pack,
    byte_strings: StringTable<'a>,
    renumbering: Option<&'a Renumbering>,
}

/// A kind of number that an item names something by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbered {
    Regex,
    AddressSet,
    Bit,
    Integer,
    List,
}

/// What the numbers of a rule that stands alone stand for in the pack that it is written into.
#[derive(Debug, Default)]
pub(crate) struct Renumbering {
    pub(crate) regexes: Vec<u32>,
    pub(crate) address_sets: Vec<u32>,
    pub(crate) bits: Vec<u32>,
    pub(crate) integers: Vec<u32>,
    pub(crate) lists: Vec<u32>,
}

impl Renumbering {
    fn of(&self, kind: Numbered) -> &[u32] {
        match kind {
            Numbered::Regex => &self.regexes,
            Numbered::AddressSet => &self.address_sets,
            Numbered::Bit => &self.bits,
            Numbered::Integer => &self.integers,
            Numbered::List => &self.lists,
        }
    }
}

impl<'a> Tables<'a> {
    /// Those of a pack. Numbers stand for what `renumbering` says, or for themselves.
    pub(crate) fn new(pack: &'a Pack, renumbering: Option<&'a Renumbering>) -> Self {
        let byte_strings = pack.byte_strings();
        Self {
            pack,
            byte_strings,
            renumbering,
        }
    }

    /// What a number stands for, if it exists.
    fn get(&self, kind: Numbered, number: u32) -> Option<u32> {
        if let Some(renumbering) = self.renumbering {
            return renumbering.of(kind).get(to_usize(number)).copied();
        }
        let count = match kind {
            Numbered::Regex => self.pack.regex_count(),
            Numbered::AddressSet => self.pack.address_set_count(),
            Numbered::Bit => self.pack.bit_count(),
            Numbered::Integer => self.pack.integer_count(),
            Numbered::List => self.pack.list_count(),
        };
        (number < count).then_some(number)
    }

    /// What an index that must exist stands for.
    fn index(&self, kind: Numbered, index: u32, problem: &'static str) -> Decoded<u32> {
        self.get(kind, index).ok_or(Malformed(problem))
    }

    fn text(&self, cursor: &mut Cursor<'a>) -> Decoded<&'a str> {
        let id = cursor.number_u32()?;
        self.pack
            .texts()
            .get(id)
            .ok_or(Malformed("a program names a text that does not exist"))
    }

    fn byte_string(&self, cursor: &mut Cursor<'a>) -> Decoded<&'a [u8]> {
        let id = cursor.number_u32()?;
        self.byte_strings.get(id).ok_or(Malformed(
            "a program names a byte string that does not exist",
        ))
    }
}

/// Where programs are written to.
pub(crate) struct Encoder<'w> {
    pub(crate) out: Vec<u8>,
    pub(crate) texts: &'w mut Interner,
    pub(crate) byte_strings: &'w mut Interner,
}

/// One item of a program.
pub(crate) trait Item<'a>: Sized {
    fn encode(&self, encoder: &mut Encoder<'_>);
    fn decode(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Self>;
}

fn encode_part<'a, T: Item<'a>>(encoder: &mut Encoder<'_>, items: &[T]) {
    let before = std::mem::take(&mut encoder.out);
    for item in items {
        item.encode(encoder);
    }
    let part = std::mem::replace(&mut encoder.out, before);
    put_number(&mut encoder.out, items.len() as u64);
    put_number(&mut encoder.out, part.len() as u64);
    encoder.out.extend_from_slice(&part);
}

/// Writes a rule's program.
pub(crate) fn encode_program<'a>(
    encoder: &mut Encoder<'_>,
    conditions: &[PacketCondition<'a>],
    inspections: &[Inspection<'a>],
    effects: &[Effect],
    limits: &[AlertLimit],
) {
    encode_part(encoder, conditions);
    encode_part(encoder, inspections);
    encode_part(encoder, effects);
    encode_part(encoder, limits);
}

/// One part of a program: its items, decoded one by one.
#[derive(Clone, Debug)]
pub struct Items<'a, T> {
    cursor: Cursor<'a>,
    left: u32,
    tables: Tables<'a>,
    item: std::marker::PhantomData<fn() -> T>,
}

impl<'a, T> Items<'a, T> {
    fn empty(tables: Tables<'a>) -> Self {
        Self {
            cursor: Cursor::new(&[]),
            left: 0,
            tables,
            item: std::marker::PhantomData,
        }
    }

    /// How many are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        to_usize(self.left)
    }
}

impl<'a, T: Item<'a>> Iterator for Items<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        T::decode(&mut self.cursor, &self.tables).ok()
    }
}

/// The four parts of a rule's program.
#[derive(Clone, Debug)]
pub(crate) struct Program<'a> {
    pub(crate) conditions: Items<'a, PacketCondition<'a>>,
    pub(crate) inspections: Items<'a, Inspection<'a>>,
    pub(crate) effects: Items<'a, Effect>,
    pub(crate) limits: Items<'a, AlertLimit>,
}

fn split_part<'a, T>(rest: &mut &'a [u8], tables: Tables<'a>) -> Decoded<Items<'a, T>> {
    let mut cursor = Cursor::new(rest);
    let left = cursor.count(limits::PROGRAM_LIST_ITEMS)?;
    let length = to_usize(cursor.number_u32()?);
    let (part, behind) = cursor
        .rest()
        .split_at_checked(length)
        .ok_or(Malformed("a program ends early"))?;
    *rest = behind;
    Ok(Items {
        cursor: Cursor::new(part),
        left,
        tables,
        item: std::marker::PhantomData,
    })
}

impl<'a> Program<'a> {
    /// Finds the four parts.
    pub(crate) fn split(mut bytes: &'a [u8], tables: Tables<'a>) -> Decoded<Self> {
        let program = Self {
            conditions: split_part(&mut bytes, tables)?,
            inspections: split_part(&mut bytes, tables)?,
            effects: split_part(&mut bytes, tables)?,
            limits: split_part(&mut bytes, tables)?,
        };
        if bytes.is_empty() {
            Ok(program)
        } else {
            Err(Malformed("a program has bytes too many"))
        }
    }

    /// A program without items.
    pub(crate) fn empty(tables: Tables<'a>) -> Self {
        Self {
            conditions: Items::empty(tables),
            inspections: Items::empty(tables),
            effects: Items::empty(tables),
            limits: Items::empty(tables),
        }
    }

    /// Decodes everything once.
    pub(crate) fn check(&self) -> Decoded<()> {
        check_part(&self.conditions)?;
        check_part(&self.inspections)?;
        check_part(&self.effects)?;
        check_part(&self.limits)
    }
}

fn check_part<'a, T: Item<'a>>(items: &Items<'a, T>) -> Decoded<()> {
    let mut cursor = items.cursor;
    for _ in 0..items.left {
        T::decode(&mut cursor, &items.tables)?;
    }
    if cursor.is_empty() {
        Ok(())
    } else {
        Err(Malformed("a part of a program has bytes too many"))
    }
}
