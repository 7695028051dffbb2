//! One DNS message: a question and its answer are two transactions, as in the reference.

use lapwing_rules::model::{Buffer, HeaderField};

use super::message::Message;
use crate::{
    app_layer::{BufferView, FactKind, Transaction, TransactionField, transactions::Events},
    direction::Direction,
};

/// One message.
#[derive(Debug)]
pub(super) struct DnsTransaction {
    pub(super) direction: Direction,
    pub(super) message: Message,
    pub(super) events: Events,
}

impl DnsTransaction {
    pub(super) fn new(direction: Direction, message: Message) -> Self {
        let mut events = Events::default();
        let anomalies = message.anomalies;
        let odd = [
            (message.reserved_bit(), "z_flag_set"),
            (message.opcode() >= 7, "invalid_opcode"),
            (anomalies.name_too_long, "name_too_long"),
            (anomalies.pointer_loop, "infinite_loop"),
            (anomalies.too_many_labels, "too_many_labels"),
        ];
        for (_, name) in odd.into_iter().filter(|(holds, _)| *holds) {
            events.add(name);
        }
        Self {
            direction,
            message,
            events,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        let entry = size_of::<super::message::Record>();
        size_of::<Self>()
            + self
                .message
                .questions
                .iter()
                .map(|question| question.name.capacity() + entry)
                .sum::<usize>()
            + self
                .message
                .answers
                .iter()
                .map(|answer| answer.name.capacity() + entry)
                .sum::<usize>()
    }
}

impl Transaction for DnsTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if direction != self.direction {
            return BufferView::Absent;
        }
        let question = || {
            self.message
                .questions
                .get(index)
                .map(|question| &question.name[..])
        };
        let name = match buffer {
            Buffer::DnsQuery if direction == Direction::ToServer => question(),
            Buffer::DnsQueryName => question(),
            Buffer::DnsAnswerName => self
                .message
                .answers
                .get(index)
                .map(|answer| &answer.name[..]),
            _ => None,
        };
        name.map_or(BufferView::Absent, BufferView::Complete)
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        if direction != self.direction {
            return None;
        }
        match field {
            HeaderField::DnsOpcode if index == 0 => Some(u64::from(self.message.opcode())),
            HeaderField::DnsRcode if index == 0 => Some(u64::from(self.message.response_code())),
            HeaderField::DnsRrType => {
                let questions = self.message.questions.iter().map(|question| question.kind);
                let answers = self.message.answers.iter().map(|answer| answer.kind);
                questions.chain(answers).nth(index).map(u64::from)
            }
            _ => None,
        }
    }

    fn only_direction(&self) -> Option<Direction> {
        Some(self.direction)
    }

    fn progress(&self, _: Direction) -> u32 {
        1
    }

    fn is_complete(&self, _: Direction) -> bool {
        true
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        if let Some(question) = self.message.questions.first() {
            facts.push((FactKind::DnsQuery, question.name.clone()));
            facts.push((FactKind::DnsRrType, question.kind.to_string().into_bytes()));
        }
        if self.message.is_response() {
            let code = self.message.response_code().to_string();
            facts.push((FactKind::DnsRcode, code.into_bytes()));
        }
    }
}
