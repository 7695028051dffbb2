//! What rules ask of one message.

use lapwing_rules::model::{ModbusCall, ModbusRange, ModbusRequest, ModbusTable};
use sawp_modbus::{AccessType, CodeCategory, Data, Flags, FunctionCode, Message, Read, Write};

/// Whether a message is what a rule asks for.
pub(super) fn is(message: &Message, wanted: &ModbusRequest) -> bool {
    let is_unit = |range: ModbusRange| range.contains(u16::from(message.unit_id));
    wanted.unit.is_none_or(is_unit)
        && match wanted.call {
            ModbusCall::Any => true,
            ModbusCall::Function { code, subfunction } => {
                // Functions without a name are one in the reference.
                FunctionCode::from_raw(code) == message.function.code
                    && subfunction.is_none_or(|wanted| subfunction_of(message) == Some(wanted))
            }
            ModbusCall::Category(bits) => category_bits(message.category) & bits != 0,
            ModbusCall::Access {
                writes,
                table,
                address,
                value,
            } => {
                let way = if writes {
                    AccessType::WRITE
                } else {
                    AccessType::READ
                };
                message.access_type.contains(way)
                    && table.is_none_or(|table| message.access_type.contains(flag(table)))
                    && address.is_none_or(|wanted| {
                        addresses(message).is_some_and(|(first, last)| wanted.meets(first, last))
                    })
                    && value.is_none_or(|wanted| {
                        address
                            .and_then(|address| written_to(message, address.low))
                            .is_some_and(|value| wanted.contains(value))
                    })
            }
        }
}

fn subfunction_of(message: &Message) -> Option<u16> {
    match &message.data {
        Data::Diagnostic { func, .. } => Some(func.raw),
        _ => None,
    }
}

fn flag(table: ModbusTable) -> AccessType {
    match table {
        ModbusTable::DiscreteInputs => AccessType::DISCRETES,
        ModbusTable::Coils => AccessType::COILS,
        ModbusTable::InputRegisters => AccessType::INPUT,
        ModbusTable::HoldingRegisters => AccessType::HOLDING,
    }
}

/// Categories as the bits of [`ModbusCall::Category`].
fn category_bits(category: Flags<CodeCategory>) -> u8 {
    [
        CodeCategory::PUBLIC_ASSIGNED,
        CodeCategory::PUBLIC_UNASSIGNED,
        CodeCategory::USER_DEFINED,
        CodeCategory::RESERVED,
    ]
    .into_iter()
    .zip([1, 2, 4, 8])
    .filter(|(flag, _)| category.contains(*flag))
    .map(|(_, bit)| bit)
    .sum()
}

/// First and last address that a request reads or writes, counted from 1; the reference lets the greatest one run over to 0.
fn addresses(message: &Message) -> Option<(u16, u16)> {
    match &message.data {
        Data::Write(Write::Other { address, .. } | Write::Mask { address, .. }) => {
            let address = address.wrapping_add(1);
            Some((address, address))
        }
        Data::Read(Read::Request { address, quantity })
        | Data::Write(Write::MultReq {
            address, quantity, ..
        })
        | Data::ReadWrite {
            write: Write::MultReq {
                address, quantity, ..
            },
            ..
        } => {
            let last = address.checked_add(*quantity)?;
            (*quantity > 0).then_some((address.wrapping_add(1), last))
        }
        _ => None,
    }
}

/// The value that is written to an address, counted from 1.
fn written_to(message: &Message, address: u16) -> Option<u16> {
    if addresses(message).is_some_and(|(first, last)| !(first..=last).contains(&address)) {
        return None;
    }
    let are_coils = message.access_type.contains(AccessType::COILS);
    match &message.data {
        Data::Write(Write::Other { data, .. })
            if message.access_type.contains(AccessType::SINGLE) =>
        {
            Some(if are_coils {
                u16::from(*data != 0)
            } else {
                *data
            })
        }
        Data::Write(Write::MultReq {
            address: first,
            data,
            ..
        })
        | Data::ReadWrite {
            write:
                Write::MultReq {
                    address: first,
                    data,
                    ..
                },
            ..
        } => {
            let at = address.checked_sub(first.checked_add(1)?)?;
            // As the reference finds them: coils by a byte for each four, of which two are read.
            let offset = usize::from(at) * 2;
            let offset = if are_coils { offset >> 3 } else { offset };
            let bytes = data.get(offset..offset + 2)?;
            let value = u16::from_be_bytes([bytes[0], bytes[1]]);
            Some(if are_coils {
                value >> (at & 7) & 1
            } else {
                value
            })
        }
        _ => None,
    }
}

/// Bytes held beside the message itself.
pub(super) fn held_bytes(message: &Message) -> usize {
    match &message.data {
        Data::Diagnostic { data, .. }
        | Data::MEI { data, .. }
        | Data::ByteVec(data)
        | Data::Read(Read::Response(data))
        | Data::Write(Write::MultReq { data, .. })
        | Data::ReadWrite {
            write: Write::MultReq { data, .. },
            ..
        } => data.capacity(),
        _ => 0,
    }
}
