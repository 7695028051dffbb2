//! The shape of a finding: what follows from its rule, sent once for all that share it.

use std::net::IpAddr;

use crate::bytes::{Reader, put_length, put_text, put_varint};
use crate::error::DecodeError;
use crate::finding::{Action, Direction, DisclosedAddress, FactKind, Finding, Severity};
use crate::ids::RuleId;
use crate::limits::{MAX_APP_PROTOCOL_BYTES, MAX_FACTS_IN_FINDING};

const HAS_FLOW_START: u8 = 1;
const HAS_SOURCE_PORT: u8 = 2;
const HAS_DESTINATION_PORT: u8 = 4;
const HAS_APP_PROTOCOL: u8 = 8;

/// What findings of one rule usually share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rule: RuleId,
    pub(super) severity: Severity,
    pub(super) action: Action,
    pub(super) protocol: u8,
    pub(super) direction: Direction,
    pub(super) source_address: AddressShape,
    pub(super) destination_address: AddressShape,
    pub(super) has_flow_start: bool,
    pub(super) has_source_port: bool,
    pub(super) has_destination_port: bool,
    pub(super) app_protocol: Option<String>,
    pub(super) facts: Vec<FactKind>,
    /// Ports that the columns give the difference from.
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
}

/// Family and disclosure of an address: 0 withheld, 1 and 2 clear IPv4 and IPv6, 3 and 4
/// pseudonyms of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AddressShape(u8);

impl AddressShape {
    fn of(address: &DisclosedAddress) -> Self {
        Self(match address {
            DisclosedAddress::Withheld => 0,
            DisclosedAddress::Clear(IpAddr::V4(_)) => 1,
            DisclosedAddress::Clear(IpAddr::V6(_)) => 2,
            DisclosedAddress::Pseudonym {
                address: IpAddr::V4(_),
                ..
            } => 3,
            DisclosedAddress::Pseudonym {
                address: IpAddr::V6(_),
                ..
            } => 4,
        })
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8("address shape")? {
            code @ 0..=4 => Ok(Self(code)),
            code => Err(DecodeError::OutOfRange {
                what: "address shape",
                value: u64::from(code),
            }),
        }
    }

    pub(super) const fn is_withheld(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn is_v4(self) -> bool {
        matches!(self.0, 1 | 3)
    }

    pub(super) const fn is_v6(self) -> bool {
        matches!(self.0, 2 | 4)
    }

    pub(super) const fn is_pseudonym(self) -> bool {
        self.0 >= 3
    }
}

impl Shape {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule,
            severity: finding.severity,
            action: finding.action,
            protocol: finding.protocol,
            direction: finding.direction,
            source_address: AddressShape::of(&finding.source.address),
            destination_address: AddressShape::of(&finding.destination.address),
            has_flow_start: finding.flow_start_milliseconds.is_some(),
            has_source_port: finding.source.port.is_some(),
            has_destination_port: finding.destination.port.is_some(),
            app_protocol: finding.app_protocol.clone(),
            facts: finding.facts.iter().map(|fact| fact.kind).collect(),
            source_port: 0,
            destination_port: 0,
        }
    }

    /// The shape without its ports, to find out which findings share them.
    pub(super) fn key(&self) -> Vec<u8> {
        Self {
            source_port: 0,
            destination_port: 0,
            ..self.clone()
        }
        .to_bytes()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        put_varint(&mut out, u64::from(self.rule.gid));
        put_varint(&mut out, u64::from(self.rule.sid));
        put_varint(&mut out, u64::from(self.rule.rev));
        let flags = [
            (self.has_flow_start, HAS_FLOW_START),
            (self.has_source_port, HAS_SOURCE_PORT),
            (self.has_destination_port, HAS_DESTINATION_PORT),
            (self.app_protocol.is_some(), HAS_APP_PROTOCOL),
        ];
        out.extend([
            self.severity.get(),
            self.action.code(),
            self.protocol,
            self.direction.code(),
            self.source_address.0,
            self.destination_address.0,
            flags
                .iter()
                .filter(|(set, _)| *set)
                .map(|(_, flag)| flag)
                .sum(),
        ]);
        put_varint(&mut out, u64::from(self.source_port));
        put_varint(&mut out, u64::from(self.destination_port));
        if let Some(name) = &self.app_protocol {
            put_text(&mut out, name, MAX_APP_PROTOCOL_BYTES);
        }
        put_length(&mut out, self.facts.len());
        for kind in &self.facts {
            put_varint(&mut out, u64::from(kind.code()));
        }
        out
    }

    /// All shapes of a block: one after the other to the column's end, at most one a row.
    pub(super) fn read_all(
        column: Option<Reader<'_>>,
        rows: usize,
    ) -> Result<Vec<Self>, DecodeError> {
        let mut shapes = Vec::new();
        let Some(mut reader) = column else {
            return Ok(shapes);
        };
        while !reader.is_empty() {
            if shapes.len() >= rows {
                return Err(DecodeError::OverCap {
                    what: "shapes",
                    value: shapes.len() as u64 + 1,
                    cap: rows,
                });
            }
            shapes.push(Self::read(&mut reader)?);
        }
        Ok(shapes)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let rule = RuleId {
            gid: reader.number("gid")?,
            sid: reader.number("sid")?,
            rev: reader.number("rev")?,
        };
        let severity = Severity::from_priority(u32::from(reader.u8("severity")?));
        let action = Action::from_code(reader.u8("action")?);
        let protocol = reader.u8("protocol")?;
        let direction = Direction::from_code(reader.u8("direction")?);
        let source_address = AddressShape::read(reader)?;
        let destination_address = AddressShape::read(reader)?;
        let flags = reader.u8("shape flags")?;
        let source_port = reader.number("port")?;
        let destination_port = reader.number("port")?;
        let app_protocol = if flags & HAS_APP_PROTOCOL == 0 {
            None
        } else {
            Some(reader.text(MAX_APP_PROTOCOL_BYTES, "application protocol")?)
        };
        let count = reader.length(MAX_FACTS_IN_FINDING, "facts in a finding")?;
        let facts = (0..count).map(|_| Ok(FactKind::from_code(reader.number("kind of fact")?)));
        Ok(Self {
            rule,
            severity,
            action,
            protocol,
            direction,
            source_address,
            destination_address,
            has_flow_start: flags & HAS_FLOW_START != 0,
            has_source_port: flags & HAS_SOURCE_PORT != 0,
            has_destination_port: flags & HAS_DESTINATION_PORT != 0,
            app_protocol,
            facts: facts.collect::<Result<_, DecodeError>>()?,
            source_port,
            destination_port,
        })
    }
}
