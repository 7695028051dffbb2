//! One message of the application layer: a request or a response.

use lapwing_rules::model::{Buffer, HeaderField};

use super::objects::Objects;
use crate::{
    app_layer::{
        BufferView, FactKind, Transaction, TransactionField, messages::HeldTransaction,
        transactions::Events,
    },
    direction::Direction,
};

/// Indications that the reference looks at: all of the first byte, and four of the second.
const INDICATIONS: u16 = 0xff0f;

/// A message, put together from one or more frames.
#[derive(Debug)]
pub(in crate::app_layer) struct Dnp3Transaction {
    pub(super) direction: Direction,
    /// Destination and source on the link.
    pub(super) ends: [u8; 4],
    /// Number of the newest frame.
    pub(super) sequence: u8,
    /// Control, function, indications in a response, objects.
    pub(super) data: Vec<u8>,
    /// Once the last frame is there.
    pub(super) objects: Option<Objects>,
    is_ended: bool,
    pub(super) events: Events,
}

impl Dnp3Transaction {
    pub(super) fn new(direction: Direction, ends: [u8; 4]) -> Self {
        Self {
            direction,
            ends,
            sequence: 0,
            data: Vec::new(),
            objects: None,
            is_ended: false,
            events: Events::default(),
        }
    }

    fn function(&self) -> Option<u8> {
        self.data.get(1).copied()
    }

    /// The internal indications of a response that are set, by number; the reference does not look at the others.
    fn indications(&self) -> impl Iterator<Item = u64> {
        let bits = match (self.direction, &self.data[..]) {
            (Direction::ToClient, [_, _, first, second, ..]) => {
                u16::from_be_bytes([*first, *second]) & INDICATIONS
            }
            _ => 0,
        };
        (0..16).filter(move |number| bits >> number & 1 != 0)
    }

    fn is_read(&self) -> bool {
        let objects = self.objects.as_ref();
        objects.is_some_and(|objects| !objects.has_unknown)
    }
}

impl Transaction for Dnp3Transaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if buffer != Buffer::Dnp3Data
            || direction != self.direction
            || index > 0
            || self.data.is_empty()
        {
            return BufferView::Absent;
        }
        if self.objects.is_some() || self.is_ended {
            BufferView::Complete(&self.data)
        } else {
            BufferView::Growing(&self.data)
        }
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        if direction != self.direction {
            return None;
        }
        match field {
            HeaderField::Dnp3Function if index == 0 => self.function().map(u64::from),
            HeaderField::Dnp3Indication => self.indications().nth(index),
            HeaderField::Dnp3Object => {
                let kinds = &self.objects.as_ref()?.kinds;
                kinds.get(index).map(|kind| u64::from(*kind))
            }
            _ => None,
        }
    }

    fn only_direction(&self) -> Option<Direction> {
        Some(self.direction)
    }

    fn progress(&self, _: Direction) -> u32 {
        // Every frame adds bytes.
        u32::try_from(self.data.len()).unwrap_or(u32::MAX)
    }

    fn is_complete(&self, _: Direction) -> bool {
        self.is_read() || self.is_ended
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, _: &mut Vec<(FactKind, Vec<u8>)>) {}
}

impl HeldTransaction for Dnp3Transaction {
    fn finish(&mut self, direction: Direction) {
        self.is_ended |= direction == self.direction;
    }

    fn held_bytes(&self) -> usize {
        let kinds = self
            .objects
            .as_ref()
            .map_or(0, |objects| objects.kinds.capacity() * size_of::<u16>());
        size_of::<Self>() + self.data.capacity() + kinds
    }
}
