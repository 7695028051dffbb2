//! Records of indicators and of the lists they are from, and the tables that follow from them.
//!
//! | kind | key behind it | body |
//! |---|---|---|
//! | 64 indicator | kind (1 byte), key (16 bytes), of an address its prefix (1 byte) | id, severity and list (variable each), then the value in its normal form, empty where the key says all |
//! | 65 list | number (u16) | name |

use super::{
    super::{
        bytes::{Cursor, put_number},
        format::INDICATOR_BLOCK_ENTRIES,
        indicators::{IndicatorView, encode, fence_of, prefix_bit},
        writer::{PackWriter, put_u32s},
    },
    RecordKind,
    file::Record,
};
use crate::{
    indicator::{INDICATOR_GENERATOR, Indicator, IndicatorKind, masked},
    limits,
};

/// Key and body of an indicator's record.
pub(super) fn record_of(indicator: &Indicator) -> (Vec<u8>, Vec<u8>) {
    let mut key = vec![RecordKind::Indicator as u8, indicator.kind as u8];
    key.extend_from_slice(&indicator.key);
    if indicator.kind == IndicatorKind::Address {
        key.push(indicator.prefix_bits);
    }
    let mut body = Vec::with_capacity(16 + indicator.value.len());
    put_number(&mut body, u64::from(indicator.id));
    put_number(&mut body, u64::from(indicator.severity));
    put_number(&mut body, u64::from(indicator.list));
    body.extend_from_slice(indicator.value.as_bytes());
    (key, body)
}

/// Key and body of a list's record.
pub(super) fn record_of_list((number, name): &(u16, String)) -> (Vec<u8>, Vec<u8>) {
    let mut key = vec![RecordKind::IndicatorList as u8];
    key.extend_from_slice(&number.to_be_bytes());
    (key, name.as_bytes().to_vec())
}

/// What a record says: the indicator, and its value.
pub(super) fn decode(record: Record<'_>) -> Result<(IndicatorView, &str), String> {
    let wrong = || "a record of an indicator is not as it should be".to_owned();
    let [_, kind, rest @ ..] = record.key else {
        return Err(wrong());
    };
    let kind = IndicatorKind::from_number(*kind).ok_or_else(wrong)?;
    let (key, prefix) = rest.split_first_chunk::<16>().ok_or_else(wrong)?;
    let prefix_bits = match (kind, prefix) {
        (IndicatorKind::Address, [bits @ 1..=128]) if masked(*key, *bits) == *key => *bits,
        (IndicatorKind::Address, _) => return Err(wrong()),
        (_, []) => 0,
        _ => return Err(wrong()),
    };
    let mut cursor = Cursor::new(record.body);
    let mut number = |most: u64| {
        cursor
            .number()
            .ok()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(wrong)
    };
    let id = number(u64::from(u32::MAX))?;
    let severity = number(u64::from(u8::MAX))?;
    let list = number(u64::from(u16::MAX))?;
    let value = std::str::from_utf8(cursor.rest()).map_err(|_| wrong())?;
    let view = IndicatorView {
        kind,
        key: *key,
        prefix_bits,
        id: u32::try_from(id).map_err(|_| wrong())?,
        severity: u8::try_from(severity).map_err(|_| wrong())?,
        list: u16::try_from(list).map_err(|_| wrong())?,
    };
    Ok((view, value))
}

/// The bytes of the table's entry; of a record that was not read before, zeros.
pub(super) fn entry_of(record: Record<'_>) -> [u8; super::super::format::INDICATOR_BYTES] {
    decode(record).map_or([0; super::super::format::INDICATOR_BYTES], |(view, _)| {
        encode(&view)
    })
}

/// One kind's table in the making.
#[derive(Debug)]
struct Table {
    kind: IndicatorKind,
    first: u32,
    entries: u32,
    first_fence: usize,
    prefixes: u128,
}

/// Tables in the making: all but the entries themselves, which are written one by one.
#[derive(Debug, Default)]
pub(super) struct IndicatorTables {
    tables: Vec<Table>,
    fences: Vec<u8>,
    entries: u32,
    lists: Vec<(u16, u32)>,
    is_used: Vec<u16>,
}

impl IndicatorTables {
    /// Adds an indicator. They come in order of key.
    pub(super) fn add(&mut self, record: Record<'_>) -> Result<(), String> {
        let (view, _) = decode(record)?;
        if usize::try_from(self.entries).unwrap_or(usize::MAX) >= limits::INDICATORS {
            return Err(format!(
                "it has more than {} indicators",
                limits::INDICATORS
            ));
        }
        if self
            .tables
            .last()
            .is_none_or(|table| table.kind != view.kind)
        {
            self.tables.push(Table {
                kind: view.kind,
                first: self.entries,
                entries: 0,
                first_fence: self.fences.len() / super::super::format::INDICATOR_FENCE_BYTES,
                prefixes: 0,
            });
        }
        let Some(table) = self.tables.last_mut() else {
            return Ok(());
        };
        let at = usize::try_from(table.entries).unwrap_or(usize::MAX);
        if at.is_multiple_of(INDICATOR_BLOCK_ENTRIES) {
            self.fences.extend_from_slice(&fence_of(&view));
        }
        table.entries += 1;
        table.prefixes |= prefix_bit(view.prefix_bits);
        self.entries += 1;
        if let Err(place) = self.is_used.binary_search(&view.list) {
            self.is_used.insert(place, view.list);
        }
        Ok(())
    }

    /// Adds a list; its findings are told under a rule of its own, which nothing but its indicators makes fire.
    pub(super) fn add_list(
        &mut self,
        record: Record<'_>,
        writer: &mut PackWriter,
    ) -> Result<(), String> {
        let number = record.key.get(1..).and_then(|key| key.try_into().ok());
        let number = number.map(u16::from_be_bytes).filter(|number| *number > 0);
        let name = std::str::from_utf8(record.body).ok();
        let (Some(number), Some(name)) = (number, name) else {
            return Err("a list of indicators has no number or name".to_owned());
        };
        let rule = writer.indicator_rule(INDICATOR_GENERATOR, u32::from(number), name);
        self.lists.push((number, rule));
        Ok(())
    }

    /// How many bytes the entries take.
    pub(super) fn entry_bytes(&self) -> u64 {
        u64::from(self.entries) * super::super::format::INDICATOR_BYTES as u64
    }

    /// Puts everything but the entries into the pack.
    pub(super) fn write(self, writer: &mut PackWriter) -> Result<(), String> {
        let named = |list: &u16| self.lists.iter().any(|(number, _)| number == list);
        if !self.is_used.iter().all(named) {
            return Err("an indicator is of a list that does not exist".to_owned());
        }
        let mut tables = Vec::new();
        for table in &self.tables {
            tables.extend_from_slice(&[table.kind as u8, 0, 0, 0]);
            let first_fence = u32::try_from(table.first_fence).unwrap_or(u32::MAX);
            put_u32s(&mut tables, [table.first, table.entries, first_fence]);
            tables.extend_from_slice(&table.prefixes.to_le_bytes());
        }
        let mut lists = Vec::new();
        for (number, rule) in &self.lists {
            put_u32s(&mut lists, [u32::from(*number), *rule]);
        }
        writer.indicator_tables(self.fences, tables, lists);
        Ok(())
    }
}
