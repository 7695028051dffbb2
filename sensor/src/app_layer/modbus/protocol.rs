//! Messages of a stream, and which response answers which request.

use lapwing_rules::model::AppProtocol;
use sawp::{
    parser::{Direction as SawpDirection, Parse},
    probe::{Probe, Status},
};
use sawp_modbus::{ErrorFlags, Modbus};

use super::transaction::ModbusTransaction;
use crate::{
    app_layer::{
        Feed, limits,
        messages::{Cut, MessageProtocol},
        transactions::Transactions,
    },
    direction::Direction,
};

/// Transaction, protocol and length of the rest.
const HEADER_BYTES: usize = 6;
/// Lengths that a message may have behind that.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=254;

fn direction_of(direction: Direction) -> SawpDirection {
    match direction {
        Direction::ToServer => SawpDirection::ToServer,
        Direction::ToClient => SawpDirection::ToClient,
    }
}

/// Whether the first bytes of a direction are Modbus: a message of a known function, whatever its data say.
pub(in crate::app_layer) fn probe(bytes: &[u8]) -> Status {
    Modbus { probe_strict: true }.probe(bytes, SawpDirection::Unknown)
}

/// Modbus of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct ModbusProtocol {
    /// Requests that have no response yet, those among them that are held no longer.
    open: usize,
    is_flooded: bool,
}

impl ModbusProtocol {
    /// A new transaction; none any more once there were too many without a response.
    fn new_transaction(&mut self) -> Option<ModbusTransaction> {
        if self.is_flooded {
            return None;
        }
        let mut transaction = ModbusTransaction::default();
        if self.open >= limits::MODBUS_OPEN_REQUESTS_MAX {
            transaction.events.add("flooded");
            self.is_flooded = true;
        }
        Some(transaction)
    }
}

impl MessageProtocol for ModbusProtocol {
    type Transaction = ModbusTransaction;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Modbus
    }

    fn cut(&mut self, _: Direction, bytes: &[u8]) -> Cut {
        let Some(&[high, low]) = bytes.get(4..HEADER_BYTES) else {
            return Cut::More;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if LENGTHS.contains(&length) {
            Cut::Message(HEADER_BYTES + length)
        } else {
            Cut::Long(HEADER_BYTES + length)
        }
    }

    fn message(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let parsed = Modbus::default().parse(bytes, direction_of(direction));
        let Ok((_, Some(mut message))) = parsed else {
            return Feed::Stop;
        };
        match direction {
            Direction::ToServer => {
                let waiting = transactions.iter_mut().find(|transaction| {
                    transaction.request.is_none()
                        && (transaction.response.as_ref())
                            .is_some_and(|response| message.matches(response))
                });
                if let Some(transaction) = waiting {
                    transaction.add_errors(&message);
                    transaction.request = Some(message);
                } else if let Some(mut transaction) = self.new_transaction() {
                    transaction.add_errors(&message);
                    transaction.request = Some(message);
                    self.open += 1;
                    transactions.push(transaction);
                }
            }
            Direction::ToClient => {
                let waiting = transactions.iter_mut().find(|transaction| {
                    transaction.response.is_none()
                        && (transaction.request.as_ref())
                            .is_some_and(|request| message.matches(request))
                });
                let is_wrong = message.error_flags.contains(ErrorFlags::DATA_VALUE);
                if let Some(transaction) = waiting {
                    if is_wrong {
                        transaction.events.add("value_mismatch");
                    } else {
                        transaction.add_errors(&message);
                    }
                    transaction.response = Some(message);
                    self.open = self.open.saturating_sub(1);
                } else if let Some(mut transaction) = self.new_transaction() {
                    if is_wrong {
                        transaction.events.add("value_mismatch");
                    } else {
                        transaction.add_errors(&message);
                    }
                    transaction.events.add("unsolicited_response");
                    transaction.response = Some(message);
                    transactions.push(transaction);
                }
            }
        }
        Feed::More
    }
}
