//! Conditions on packet, flow and transaction, as items of a program.
//!
//! | tag | condition | fields |
//! |---|---|---|
//! | 1 | flow | bits as a number: to_server, to_client, established, not_established, stateless, only_stream, no_stream, only_frag, no_frag |
//! | 2 | field | number of the field, range |
//! | 3 | TCP flags | flags, considered, mode |
//! | 4 | fragment bits | bits, mode |
//! | 5 | IP option | option, negated |
//! | 6 | same IP | |
//! | 7 | bits | scope, action, count, bit numbers |
//! | 8, 17 | flow integer | variable, operator, value (17: another variable) |
//! | 9 | application protocol | number, negated |
//! | 10 | event | text |
//! | 11 | stream size | side, range |
//! | 12 | checksum | text, valid |
//! | 13 | FTP bounce | |
//! | 14 | DCERPC interface | UUID, any fragment, whether a range of versions follows, range |
//! | 15 | DCERPC operation | count, first and last of each range |
//! | 16 | text variable | scope, variable, byte string |
//! | 20 | field, any of several ranges | number of the field, count, first and last of each range |
//! | 21 | CIP service | service, number of further numbers, class, attribute, whether the attribute must be there |
//! | 24 | validity of a certificate | whether it is expired |
//! | 23 | reputation | side (0 source, 1 destination, 2 any, 3 both), address set |
//! | 26 | responses of LDAP | see `ldap.rs` |
//! | 22 | Modbus | unit, kind of call and its fields; see `modbus.rs` |
//!
//! Modes: 0 exact, 1 all, 2 any, 3 none.

use super::{
    super::bytes::{Cursor, Decoded, Malformed, put_number},
    Encoder, Item, Numbered, Tables, ldap, modbus,
    operand::{flag, put_range, range},
};
use crate::{
    limits,
    model::{
        AddressSetId, BitAction, BitScope, CipService, DcerpcInterface, DetectedProtocol,
        FlowRequirement, HeaderField, IntegerOperand, PacketCondition, ReputationSide, RpcCall,
        StreamSizeSide, TcpFlagsMode, VariableScope,
    },
};

impl<'a> Item<'a> for PacketCondition<'a> {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        let out = &mut encoder.out;
        match self {
            Self::Flow(requirement) => {
                out.push(1);
                put_number(out, flow_to_bits(*requirement));
            }
            Self::Field(field, range) => {
                out.extend_from_slice(&[2, *field as u8]);
                put_range(out, *range);
            }
            Self::FieldAnyOf(field, ranges) => {
                out.extend_from_slice(&[20, *field as u8]);
                put_number(out, ranges.len() as u64);
                for (first, last) in ranges {
                    put_number(out, *first);
                    put_number(out, *last);
                }
            }
            Self::TcpFlags {
                flags,
                considered,
                mode,
            } => out.extend_from_slice(&[3, *flags, *considered, mode_code(*mode)]),
            Self::FragmentBits { bits, mode } => {
                out.extend_from_slice(&[4, *bits, mode_code(*mode)]);
            }
            Self::IpOption { option, negated } => {
                out.extend_from_slice(&[5, *option, u8::from(*negated)]);
            }
            Self::SameIp => out.push(6),
            Self::Bits {
                scope,
                action,
                bits,
            } => {
                out.extend_from_slice(&[7, *scope as u8, *action as u8]);
                put_number(out, bits.len() as u64);
                for bit in bits {
                    put_number(out, u64::from(*bit));
                }
            }
            Self::FlowInt {
                variable,
                operator,
                value,
            } => {
                let (tag, operand) = integer_operand_code(*value, 8, 17);
                out.push(tag);
                put_number(out, u64::from(*variable));
                out.push(*operator);
                put_number(out, u64::from(operand));
            }
            Self::TextVariable {
                scope,
                variable,
                pattern,
            } => {
                let id = encoder.byte_strings.bytes(pattern);
                out.extend_from_slice(&[16, *scope as u8]);
                put_number(out, u64::from(*variable));
                put_number(out, u64::from(id));
            }
            Self::AppProtocol { wanted, negated } => {
                out.extend_from_slice(&[9, wanted.number(), u8::from(*negated)]);
            }
            Self::Event(name) => {
                let id = encoder.texts.text(name);
                out.push(10);
                put_number(out, u64::from(id));
            }
            Self::StreamSize { side, range } => {
                out.extend_from_slice(&[11, *side as u8]);
                put_range(out, *range);
            }
            Self::Checksum { layer, valid } => {
                let id = encoder.texts.text(layer);
                out.push(12);
                put_number(out, u64::from(id));
                out.push(u8::from(*valid));
            }
            Self::FtpBounce => out.push(13),
            Self::SpeaksHttp1 => out.push(30),
            Self::DcerpcInterface(interface) => {
                out.push(14);
                out.extend_from_slice(&interface.uuid);
                out.extend_from_slice(&[
                    u8::from(interface.any_fragment),
                    u8::from(interface.version.is_some()),
                ]);
                if let Some(version) = interface.version {
                    put_range(out, version);
                }
            }
            Self::DcerpcOperation(ranges) => {
                out.push(15);
                put_number(out, ranges.len() as u64);
                for (first, last) in ranges {
                    put_number(out, u64::from(*first));
                    put_number(out, u64::from(*last));
                }
            }
            Self::RpcCall(wanted) => {
                out.push(60);
                put_number(out, u64::from(wanted.program));
                for optional in [wanted.version, wanted.procedure] {
                    out.push(u8::from(optional.is_some()));
                    if let Some(number) = optional {
                        put_number(out, u64::from(number));
                    }
                }
            }
            Self::CertificateValidity { is_expired } => {
                out.extend_from_slice(&[24, u8::from(*is_expired)]);
            }
            Self::Reputation { side, addresses } => {
                out.extend_from_slice(&[23, *side as u8]);
                put_number(out, u64::from(addresses.0));
            }
            Self::Modbus(wanted) => {
                out.push(22);
                modbus::encode(wanted, out);
            }
            Self::LdapResponses(wanted) => {
                out.push(26);
                ldap::encode(wanted, out);
            }
            Self::CipService(wanted) => {
                let further = match (wanted.class, wanted.attribute) {
                    (None, _) => 0,
                    (Some(_), None) => 1,
                    (Some(_), Some(_)) => 2,
                };
                out.extend_from_slice(&[21, wanted.service, further]);
                if let Some(class) = wanted.class {
                    put_number(out, u64::from(class));
                    if let Some((attribute, must_be_there)) = wanted.attribute {
                        put_number(out, u64::from(attribute));
                        out.push(u8::from(must_be_there));
                    }
                }
            }
        }
    }

    fn decode(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Self> {
        Ok(match cursor.byte()? {
            1 => Self::Flow(flow_from_bits(cursor.number()?)?),
            2 => {
                let field = HeaderField::from_number(cursor.byte()?)
                    .ok_or(Malformed("a program names an unknown field"))?;
                Self::Field(field, range(cursor)?)
            }
            3 => Self::TcpFlags {
                flags: cursor.byte()?,
                considered: cursor.byte()?,
                mode: mode_from_code(cursor.byte()?)?,
            },
            4 => Self::FragmentBits {
                bits: cursor.byte()?,
                mode: mode_from_code(cursor.byte()?)?,
            },
            5 => Self::IpOption {
                option: cursor.byte()?,
                negated: flag(cursor)?,
            },
            6 => Self::SameIp,
            7 => {
                let scope = bit_scope(cursor)?;
                let action = bit_action(cursor)?;
                let count = cursor.count(limits::PROGRAM_LIST_ITEMS)?;
                let bits = (0..count)
                    .map(|_| bit_number(cursor, tables))
                    .collect::<Decoded<_>>()?;
                Self::Bits {
                    scope,
                    action,
                    bits,
                }
            }
            8 => Self::FlowInt {
                variable: integer_number(cursor, tables)?,
                operator: cursor.byte()?,
                value: IntegerOperand::Number(cursor.number_u32()?),
            },
            17 => Self::FlowInt {
                variable: integer_number(cursor, tables)?,
                operator: cursor.byte()?,
                value: IntegerOperand::Variable(integer_number(cursor, tables)?),
            },
            16 => Self::TextVariable {
                scope: variable_scope(cursor)?,
                variable: bit_number(cursor, tables)?,
                pattern: tables.byte_string(cursor)?,
            },
            9 => Self::AppProtocol {
                wanted: DetectedProtocol::from_number(cursor.byte()?)
                    .ok_or(Malformed("a program names an unknown protocol"))?,
                negated: flag(cursor)?,
            },
            10 => Self::Event(tables.text(cursor)?),
            11 => Self::StreamSize {
                side: match cursor.byte()? {
                    0 => StreamSizeSide::Server,
                    1 => StreamSizeSide::Client,
                    2 => StreamSizeSide::Both,
                    3 => StreamSizeSide::Either,
                    _ => return Err(Malformed("a program names an unknown side")),
                },
                range: range(cursor)?,
            },
            12 => Self::Checksum {
                layer: tables.text(cursor)?,
                valid: flag(cursor)?,
            },
            13 => Self::FtpBounce,
            30 => Self::SpeaksHttp1,
            14 => Self::DcerpcInterface(dcerpc_interface(cursor)?),
            15 => {
                let count = cursor.count(limits::PROGRAM_LIST_ITEMS)?;
                let ranges = (0..count)
                    .map(|_| Ok((cursor.number_u32()?, cursor.number_u32()?)))
                    .collect::<Decoded<_>>()?;
                Self::DcerpcOperation(ranges)
            }
            21 => Self::CipService(cip_service(cursor)?),
            60 => Self::RpcCall(rpc_call(cursor)?),
            22 => Self::Modbus(modbus::decode(cursor)?),
            26 => Self::LdapResponses(ldap::decode(cursor)?),
            24 => Self::CertificateValidity {
                is_expired: flag(cursor)?,
            },
            23 => Self::Reputation {
                side: ReputationSide::from_number(cursor.byte()?)
                    .ok_or(Malformed("a program names an unknown side"))?,
                addresses: AddressSetId(tables.index(
                    Numbered::AddressSet,
                    cursor.number_u32()?,
                    "a reputation names an address set that does not exist",
                )?),
            },
            20 => {
                let field = HeaderField::from_number(cursor.byte()?)
                    .ok_or(Malformed("a program names an unknown field"))?;
                let count = cursor.count(limits::PROGRAM_LIST_ITEMS)?;
                let ranges = (0..count)
                    .map(|_| Ok((cursor.number()?, cursor.number()?)))
                    .collect::<Decoded<_>>()?;
                Self::FieldAnyOf(field, ranges)
            }
            _ => return Err(Malformed("a program has a condition of unknown kind")),
        })
    }
}

fn dcerpc_interface(cursor: &mut Cursor<'_>) -> Decoded<DcerpcInterface> {
    let mut uuid = [0; 16];
    for byte in &mut uuid {
        *byte = cursor.byte()?;
    }
    let any_fragment = flag(cursor)?;
    let has_version = flag(cursor)?;
    Ok(DcerpcInterface {
        uuid,
        version: if has_version {
            Some(range(cursor)?)
        } else {
            None
        },
        any_fragment,
    })
}

fn cip_service(cursor: &mut Cursor<'_>) -> Decoded<CipService> {
    let service = cursor.byte()?;
    let further = cursor.byte()?;
    if further > 2 {
        return Err(Malformed("a program asks an unknown thing of a service"));
    }
    let number = |cursor: &mut Cursor<'_>| {
        u16::try_from(cursor.number()?).map_err(|_| Malformed("a number in a program is too large"))
    };
    Ok(CipService {
        service,
        class: (further >= 1).then(|| number(cursor)).transpose()?,
        attribute: (further == 2)
            .then(|| Ok((number(cursor)?, flag(cursor)?)))
            .transpose()?,
    })
}

fn rpc_call(cursor: &mut Cursor<'_>) -> Decoded<RpcCall> {
    let optional = |cursor: &mut Cursor<'_>| flag(cursor)?.then(|| cursor.number_u32()).transpose();
    Ok(RpcCall {
        program: cursor.number_u32()?,
        version: optional(cursor)?,
        procedure: optional(cursor)?,
    })
}

fn flow_to_bits(requirement: FlowRequirement) -> u64 {
    [
        requirement.to_server,
        requirement.to_client,
        requirement.established,
        requirement.not_established,
        requirement.stateless,
        requirement.only_stream,
        requirement.no_stream,
        requirement.only_frag,
        requirement.no_frag,
    ]
    .iter()
    .enumerate()
    .fold(0, |bits, (position, set)| {
        bits | (u64::from(*set) << position)
    })
}

fn flow_from_bits(bits: u64) -> Decoded<FlowRequirement> {
    if bits >= 1 << 9 {
        return Err(Malformed("a program asks an unknown thing of the flow"));
    }
    let is_set = |position: u32| bits & (1 << position) != 0;
    Ok(FlowRequirement {
        to_server: is_set(0),
        to_client: is_set(1),
        established: is_set(2),
        not_established: is_set(3),
        stateless: is_set(4),
        only_stream: is_set(5),
        no_stream: is_set(6),
        only_frag: is_set(7),
        no_frag: is_set(8),
    })
}

fn mode_code(mode: TcpFlagsMode) -> u8 {
    match mode {
        TcpFlagsMode::Exact => 0,
        TcpFlagsMode::All => 1,
        TcpFlagsMode::Any => 2,
        TcpFlagsMode::None => 3,
    }
}

fn mode_from_code(code: u8) -> Decoded<TcpFlagsMode> {
    Ok(match code {
        0 => TcpFlagsMode::Exact,
        1 => TcpFlagsMode::All,
        2 => TcpFlagsMode::Any,
        3 => TcpFlagsMode::None,
        _ => return Err(Malformed("a program has an unknown mode")),
    })
}

pub(super) fn bit_scope(cursor: &mut Cursor<'_>) -> Decoded<BitScope> {
    Ok(match cursor.byte()? {
        0 => BitScope::Flow,
        1 => BitScope::SourceHost,
        2 => BitScope::DestinationHost,
        3 => BitScope::HostPair,
        4 => BitScope::Transaction,
        _ => return Err(Malformed("a program has a bit of unknown scope")),
    })
}

pub(super) fn bit_action(cursor: &mut Cursor<'_>) -> Decoded<BitAction> {
    Ok(match cursor.byte()? {
        0 => BitAction::Set,
        1 => BitAction::Unset,
        2 => BitAction::Toggle,
        3 => BitAction::IsSet,
        4 => BitAction::IsNotSet,
        _ => return Err(Malformed("a program does an unknown thing to a bit")),
    })
}

pub(super) fn variable_scope(cursor: &mut Cursor<'_>) -> Decoded<VariableScope> {
    Ok(match cursor.byte()? {
        0 => VariableScope::Flow,
        1 => VariableScope::Packet,
        _ => return Err(Malformed("a program has a variable of unknown scope")),
    })
}

/// The tag of an item that has this operand, and the operand's number.
pub(super) fn integer_operand_code(operand: IntegerOperand, plain: u8, variable: u8) -> (u8, u32) {
    match operand {
        IntegerOperand::Number(number) => (plain, number),
        IntegerOperand::Variable(number) => (variable, number),
    }
}

pub(super) fn bit_number(cursor: &mut Cursor<'_>, tables: &Tables<'_>) -> Decoded<u32> {
    tables.index(
        Numbered::Bit,
        cursor.number_u32()?,
        "a program names a bit that does not exist",
    )
}

pub(super) fn integer_number(cursor: &mut Cursor<'_>, tables: &Tables<'_>) -> Decoded<u32> {
    tables.index(
        Numbered::Integer,
        cursor.number_u32()?,
        "a program names a flow integer that does not exist",
    )
}
