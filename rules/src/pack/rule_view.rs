//! One rule of an open pack, decoded where it lies.

use super::{
    bytes::{Cursor, field_u32, to_usize},
    format::{Section, header_protocol_from_code, rule_bits},
    program::{Items, Program, Renumbering, Tables},
    reader::Pack,
    strings::TextTable,
};
use crate::model::{
    Action, AddressSetId, AlertLimit, Effect, Header, HeaderProtocol, Inspection, PacketCondition,
    PortSetId, RuleDirection, RuleId, RuleKind, Severity, Sides,
};

/// One rule of an open pack. Cheap to copy; every call reads the pack's bytes.
#[derive(Clone, Copy, Debug)]
pub struct RuleView<'a> {
    pub(super) index: u32,
    pub(super) record: &'a [u8],
    pub(super) pack: &'a Pack,
    /// What the numbers of a rule that stands alone stand for in another pack.
    pub(super) renumbering: Option<&'a Renumbering>,
}

impl<'a> RuleView<'a> {
    fn byte(&self, offset: usize) -> u8 {
        self.record.get(offset).copied().unwrap_or_default()
    }

    fn number(&self, offset: usize) -> u32 {
        field_u32(self.record, offset)
    }

    fn text(&self, offset: usize) -> &'a str {
        self.pack
            .texts()
            .get(self.number(offset))
            .unwrap_or_default()
    }

    fn has(&self, bit: u8) -> bool {
        self.byte(16) & bit != 0
    }

    /// Its place in the pack.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Generator, signature and revision.
    #[must_use]
    pub fn id(&self) -> RuleId {
        RuleId {
            gid: self.number(0),
            sid: self.number(4),
            rev: self.number(8),
        }
    }

    /// What it says to do.
    #[must_use]
    pub fn action(&self) -> Action {
        match self.byte(12) {
            1 => Action::Pass,
            2 => Action::Drop,
            3 => Action::Reject,
            _ => Action::Alert,
        }
    }

    /// 1 is the most severe.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity(self.byte(13))
    }

    /// Protocol, ends and arrow.
    #[must_use]
    pub fn header(&self) -> Header {
        Header {
            protocol: header_protocol_from_code((self.byte(14), self.byte(15)))
                .unwrap_or(HeaderProtocol::PacketHeader),
            source: AddressSetId(self.number(20)),
            source_port: PortSetId(self.number(24)),
            direction: if self.has(rule_bits::BOTH_DIRECTIONS) {
                RuleDirection::Both
            } else {
                RuleDirection::Forward
            },
            destination: AddressSetId(self.number(28)),
            destination_port: PortSetId(self.number(32)),
        }
    }

    /// `msg`
    #[must_use]
    pub fn message(&self) -> &'a str {
        self.text(36)
    }

    /// `classtype`, empty if none.
    #[must_use]
    pub fn class_type(&self) -> &'a str {
        self.text(40)
    }

    /// What the class type means; `category` in EVE. Empty if none.
    #[must_use]
    pub fn class_description(&self) -> &'a str {
        self.text(44)
    }

    /// The directions it can fire in.
    #[must_use]
    pub fn sides(&self) -> Sides {
        match (
            self.has(rule_bits::TO_SERVER),
            self.has(rule_bits::TO_CLIENT),
        ) {
            (true, false) => Sides::ToServer,
            (false, true) => Sides::ToClient,
            _ => Sides::Both,
        }
    }

    /// When it is evaluated.
    #[must_use]
    pub fn kind(&self) -> RuleKind {
        RuleKind::ALL
            .get(usize::from(self.byte(18)))
            .copied()
            .unwrap_or(RuleKind::Packet)
    }

    /// Whether its payload matches are tried on single packets of TCP; those of other transports always are.
    #[must_use]
    pub fn inspects_packet(&self) -> bool {
        self.has(rule_bits::INSPECTS_PACKET)
    }

    /// Whether its payload matches are tried on the reassembled stream.
    #[must_use]
    pub fn inspects_stream(&self) -> bool {
        self.has(rule_bits::INSPECTS_STREAM)
    }

    /// How many byte variables its matches read and write.
    #[must_use]
    pub fn byte_variables(&self) -> u8 {
        self.byte(17)
    }

    pub(super) fn tables(&self) -> Tables<'a> {
        Tables::new(self.pack, self.renumbering)
    }

    fn part(&self, section: Section, offset: usize) -> Option<&'a [u8]> {
        let start = to_usize(self.number(offset));
        let length = to_usize(self.number(offset + 4));
        self.pack
            .section(section)
            .get(start..start.checked_add(length)?)
    }

    /// Its program; `None` only before the pack was checked.
    pub(super) fn program(&self) -> Option<&'a [u8]> {
        self.part(Section::Programs, 48)
    }

    /// Its notes; `None` only before the pack was checked.
    pub(super) fn notes(&self) -> Option<&'a [u8]> {
        self.part(Section::Notes, 56)
    }

    fn parts(&self) -> Program<'a> {
        let tables = self.tables();
        Program::split(self.program().unwrap_or_default(), tables)
            .unwrap_or_else(|_| Program::empty(tables))
    }

    /// Conditions beside the inspections, cheap ones first.
    #[must_use]
    pub fn packet_conditions(&self) -> Items<'a, PacketCondition<'a>> {
        self.parts().conditions
    }

    /// What it asks of buffers, in the order in which the buffers first appear in the rule.
    #[must_use]
    pub fn inspections(&self) -> Items<'a, Inspection<'a>> {
        self.parts().inspections
    }

    /// What it does when it matched.
    #[must_use]
    pub fn effects(&self) -> Items<'a, Effect> {
        self.parts().effects
    }

    /// What limits its alerts, in the order in which it is asked.
    #[must_use]
    pub fn limits(&self) -> Items<'a, AlertLimit> {
        self.parts().limits
    }

    /// References: the system's prefix (a URL's beginning, or the system's name) and the target.
    #[must_use]
    pub fn references(&self) -> Pairs<'a> {
        Pairs::read(self.notes().unwrap_or_default(), self.pack.texts()).0
    }

    /// Metadata: key and value, in the rule's order.
    #[must_use]
    pub fn metadata(&self) -> Pairs<'a> {
        Pairs::read(self.notes().unwrap_or_default(), self.pack.texts()).1
    }
}

/// Pairs of texts.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    cursor: Cursor<'a>,
    left: u64,
    texts: TextTable<'a>,
}

impl<'a> Pairs<'a> {
    /// References and metadata of a rule's notes; the notes were checked when the pack was opened.
    fn read(notes: &'a [u8], texts: TextTable<'a>) -> (Self, Self) {
        let mut cursor = Cursor::new(notes);
        let left = cursor.number().unwrap_or_default();
        let references = Self {
            cursor,
            left,
            texts,
        };
        for _ in 0..left.saturating_mul(2) {
            if cursor.number().is_err() {
                break;
            }
        }
        let left = cursor.number().unwrap_or_default();
        let metadata = Self {
            cursor,
            left,
            texts,
        };
        (references, metadata)
    }

    /// Whether notes consist of two lists of pairs of existing texts and nothing else.
    pub(super) fn check(notes: &[u8], texts: u32) -> bool {
        let mut cursor = Cursor::new(notes);
        for _ in 0..2 {
            let Ok(count) = cursor.count(crate::limits::PROGRAM_LIST_ITEMS) else {
                return false;
            };
            for _ in 0..to_usize(count) * 2 {
                if !cursor.number_u32().is_ok_and(|id| id < texts) {
                    return false;
                }
            }
        }
        cursor.is_empty()
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let first = self.texts.get(self.cursor.number_u32().ok()?)?;
        let second = self.texts.get(self.cursor.number_u32().ok()?)?;
        Some((first, second))
    }
}
