//! A request with its response.

use lapwing_rules::model::{Buffer, PacketCondition};
use sawp_modbus::{ErrorFlags, Message};

use super::message;
use crate::{
    app_layer::{
        BufferView, FactKind, Transaction, TransactionField, messages::HeldTransaction,
        transactions::Events,
    },
    direction::Direction,
};

/// A request with its response, or one of them without the other.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct ModbusTransaction {
    pub(super) request: Option<Message>,
    pub(super) response: Option<Message>,
    is_ended: bool,
    pub(super) events: Events,
}

impl ModbusTransaction {
    /// Notes what is wrong with a message.
    pub(super) fn add_errors(&mut self, message: &Message) {
        for (flag, event) in [
            (ErrorFlags::DATA_VALUE, "invalid_value"),
            (ErrorFlags::DATA_LENGTH, "invalid_length"),
            (ErrorFlags::EXC_CODE, "invalid_exception_code"),
            (ErrorFlags::FUNC_CODE, "invalid_function_code"),
            (ErrorFlags::PROTO_ID, "invalid_protocol_id"),
        ] {
            if message.error_flags.contains(flag) {
                self.events.add(event);
            }
        }
    }

    /// What rules ask of: the request, or a response that nobody asked for.
    fn message(&self) -> Option<&Message> {
        self.request.as_ref().or(self.response.as_ref())
    }
}

impl Transaction for ModbusTransaction {
    fn buffer(&self, _: Buffer, _: Direction, _: usize) -> BufferView<'_> {
        BufferView::Absent
    }

    fn field(&self, _: TransactionField, _: Direction, _: usize) -> Option<u64> {
        None
    }

    fn holds(&self, condition: &PacketCondition<'_>, direction: Direction) -> bool {
        match condition {
            PacketCondition::Modbus(wanted) if direction == Direction::ToServer => self
                .message()
                .is_some_and(|message| message::is(message, wanted)),
            _ => false,
        }
    }

    fn progress(&self, _: Direction) -> u32 {
        1 + u32::from(self.response.is_some())
    }

    fn is_complete(&self, _: Direction) -> bool {
        self.response.is_some() || self.is_ended
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, _: &mut Vec<(FactKind, Vec<u8>)>) {}
}

impl HeldTransaction for ModbusTransaction {
    fn finish(&mut self, _: Direction) {
        self.is_ended = true;
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + [&self.request, &self.response]
                .into_iter()
                .flatten()
                .map(message::held_bytes)
                .sum::<usize>()
    }
}
