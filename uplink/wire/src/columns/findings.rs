//! The columns of findings. Tags from 16 on; those of facts from 48 on.
//!
//! Much of a finding follows from its rule: severity, protocol, which facts there are, often
//! a port. These travel once, as a *shape*, and a finding refers to its shape. What is left
//! is what differs: time, ends, counts, values.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::block::{BlockReader, BlockWriter, Pool};
use super::headers::at;
use super::shape::{AddressShape, Shape};
use crate::error::DecodeError;
use crate::finding::{DisclosedAddress, Endpoint, FactKind, Facts, Finding, Traffic};
use crate::limits::{MAX_FACT_BYTES_IN_BATCH, MAX_FACT_VALUE_BYTES, MAX_FACTS_IN_BATCH};
use crate::record::RecordHeader;

/// Rows of [`Shape`].
const SHAPES: u64 = 16;
/// Reference to a shape.
const SHAPE: u64 = 17;
/// Count minus one.
const COUNT: u64 = 18;
/// Record's wall time minus the last packet's.
const LAST: u64 = 19;
/// Last minus first.
const DURATION: u64 = 20;
/// First minus the flow's start, for findings that have one.
const FLOW_AGE: u64 = 21;
/// Distinct IPv4 addresses: all first bytes, all second bytes, and so on.
const ADDRESSES_V4: u64 = 22;
/// Distinct IPv6 addresses, one after the other.
const ADDRESSES_V6: u64 = 23;
/// References for the ends that are not withheld: source, destination, row by row.
const ADDRESS_V4: u64 = 24;
const ADDRESS_V6: u64 = 25;
/// Port minus the shape's port, for ends that have one.
const SOURCE_PORT: u64 = 26;
const DESTINATION_PORT: u64 = 27;
const PACKETS_TO_SERVER: u64 = 28;
const BYTES_TO_SERVER: u64 = 29;
const PACKETS_TO_CLIENT: u64 = 30;
const BYTES_TO_CLIENT: u64 = 31;
/// Key epochs of pseudonyms, in the order of the ends.
const KEY_EPOCH: u64 = 32;
/// Two tags (a pool) for each kind of fact.
const FACTS: u64 = 48;

/// How many of a block's columns this reader does not know.
pub(super) fn unknown_columns(block: &BlockReader<'_>) -> u64 {
    let known = |tag: u64| tag <= KEY_EPOCH || (FACTS..FACTS + 2 * 65_536).contains(&tag);
    block.tags().filter(|tag| !known(*tag)).count() as u64
}

pub(super) fn write(block: &mut BlockWriter, rows: &[(&RecordHeader, &Finding)]) {
    let mut shapes = Pool::<Vec<u8>>::default();
    let mut shape_of_row = Vec::with_capacity(rows.len());
    let mut ports = BTreeMap::<Vec<u8>, (u16, u16)>::new();
    let references: Vec<u64> = rows
        .iter()
        .map(|(_, finding)| {
            let mut shape = Shape::of(finding);
            // The ports of the first finding of a kind become the shape's.
            (shape.source_port, shape.destination_port) = *ports.entry(shape.key()).or_insert((
                service_port(finding.source),
                service_port(finding.destination),
            ));
            let reference = shapes.reference(shape.to_bytes());
            shape_of_row.push(shape);
            reference
        })
        .collect();
    let mut content = Vec::new();
    for shape in &shapes.distinct {
        content.extend_from_slice(shape);
    }
    block.column(SHAPES, &content);
    block.references(SHAPE, references, shapes.distinct.len());

    block.numbers(
        COUNT,
        rows.iter()
            .map(|(_, finding)| finding.count.wrapping_sub(1)),
    );
    block.signed(
        LAST,
        rows.iter().map(|(header, finding)| {
            signed_gap(header.time.wall_milliseconds, finding.last_milliseconds)
        }),
    );
    block.signed(
        DURATION,
        rows.iter()
            .map(|(_, finding)| signed_gap(finding.last_milliseconds, finding.first_milliseconds)),
    );
    block.signed(
        FLOW_AGE,
        rows.iter().filter_map(|(_, finding)| {
            Some(signed_gap(
                finding.first_milliseconds,
                finding.flow_start_milliseconds?,
            ))
        }),
    );
    write_addresses(block, rows);
    let source_ports: Vec<u16> = rows
        .iter()
        .zip(&shape_of_row)
        .filter_map(|((_, finding), shape)| {
            Some(finding.source.port?.wrapping_sub(shape.source_port))
        })
        .collect();
    block.shorts(SOURCE_PORT, &source_ports);
    let destination_ports: Vec<u16> = rows
        .iter()
        .zip(&shape_of_row)
        .filter_map(|((_, finding), shape)| {
            Some(
                finding
                    .destination
                    .port?
                    .wrapping_sub(shape.destination_port),
            )
        })
        .collect();
    block.shorts(DESTINATION_PORT, &destination_ports);
    block.numbers(
        PACKETS_TO_SERVER,
        rows.iter()
            .map(|(_, finding)| finding.traffic.packets_to_server),
    );
    block.numbers(
        BYTES_TO_SERVER,
        rows.iter()
            .map(|(_, finding)| finding.traffic.bytes_to_server),
    );
    block.numbers(
        PACKETS_TO_CLIENT,
        rows.iter()
            .map(|(_, finding)| finding.traffic.packets_to_client),
    );
    block.numbers(
        BYTES_TO_CLIENT,
        rows.iter()
            .map(|(_, finding)| finding.traffic.bytes_to_client),
    );

    let mut values = BTreeMap::<u16, Vec<&[u8]>>::new();
    for fact in rows.iter().flat_map(|(_, finding)| &finding.facts) {
        values
            .entry(fact.kind.code())
            .or_default()
            .push(&fact.value);
    }
    for (code, values) in values {
        block.pool(FACTS + 2 * u64::from(code), values);
    }
}

fn write_addresses(block: &mut BlockWriter, rows: &[(&RecordHeader, &Finding)]) {
    let (mut v4, mut v6) = (Pool::<Ipv4Addr>::default(), Pool::<Ipv6Addr>::default());
    let (mut v4_references, mut v6_references, mut key_epochs) =
        (Vec::new(), Vec::new(), Vec::new());
    for address in rows
        .iter()
        .flat_map(|(_, finding)| [finding.source.address, finding.destination.address])
    {
        let address = match address {
            DisclosedAddress::Clear(address) => address,
            DisclosedAddress::Pseudonym { address, key_epoch } => {
                key_epochs.push(u64::from(key_epoch));
                address
            }
            DisclosedAddress::Withheld => continue,
        };
        match address {
            IpAddr::V4(address) => v4_references.push(v4.reference(address)),
            IpAddr::V6(address) => v6_references.push(v6.reference(address)),
        }
    }
    let octets: Vec<[u8; 4]> = v4.distinct.iter().map(Ipv4Addr::octets).collect();
    let planes: Vec<u8> = (0..4)
        .flat_map(|plane| {
            octets
                .iter()
                .filter_map(move |octets| octets.get(plane).copied())
        })
        .collect();
    block.column(ADDRESSES_V4, &planes);
    let content: Vec<u8> = v6.distinct.iter().flat_map(Ipv6Addr::octets).collect();
    block.column(ADDRESSES_V6, &content);
    block.references(ADDRESS_V4, v4_references, v4.distinct.len());
    block.references(ADDRESS_V6, v6_references, v6.distinct.len());
    block.numbers(KEY_EPOCH, key_epochs);
}

pub(super) fn read(
    block: &BlockReader<'_>,
    headers: &[RecordHeader],
) -> Result<Vec<Finding>, DecodeError> {
    let rows = block.rows;
    let shapes = Shape::read_all(block.column(SHAPES), rows)?;
    let shape_of_row = block
        .positions(SHAPE, rows, shapes.len(), "shape references")?
        .into_iter()
        .map(|position| {
            shapes
                .get(position)
                .ok_or(DecodeError::Missing { what: "shape" })
        })
        .collect::<Result<Vec<_>, DecodeError>>()?;

    let counts = block.numbers(COUNT, rows, "counts")?;
    let lasts = block.signed(LAST, rows, "last times")?;
    let durations = block.signed(DURATION, rows, "durations")?;
    let with = |has: fn(&Shape) -> bool| shape_of_row.iter().filter(|shape| has(shape)).count();
    let mut flow_ages = block
        .signed(FLOW_AGE, with(|shape| shape.has_flow_start), "flow ages")?
        .into_iter();
    let mut source_ports = block
        .shorts(
            SOURCE_PORT,
            with(|shape| shape.has_source_port),
            "source ports",
        )?
        .into_iter();
    let mut destination_ports = block
        .shorts(
            DESTINATION_PORT,
            with(|shape| shape.has_destination_port),
            "destination ports",
        )?
        .into_iter();
    let packets_to_server = block.numbers(PACKETS_TO_SERVER, rows, "packets to the server")?;
    let bytes_to_server = block.numbers(BYTES_TO_SERVER, rows, "bytes to the server")?;
    let packets_to_client = block.numbers(PACKETS_TO_CLIENT, rows, "packets to the client")?;
    let bytes_to_client = block.numbers(BYTES_TO_CLIENT, rows, "bytes to the client")?;
    let mut addresses = Addresses::read(block, &shape_of_row)?;
    let mut facts = FactValues::read(block, &shape_of_row)?;

    let mut findings = Vec::with_capacity(rows);
    for (row, (shape, header)) in shape_of_row.iter().zip(headers).enumerate() {
        let last = header
            .time
            .wall_milliseconds
            .wrapping_sub_signed(at(&lasts, row));
        let first = last.wrapping_sub_signed(at(&durations, row));
        let flow_start = if shape.has_flow_start {
            flow_ages.next().map(|age| first.wrapping_sub_signed(age))
        } else {
            None
        };
        let mut endpoint = |address: AddressShape,
                            has_port: bool,
                            usual: u16,
                            ports: &mut std::vec::IntoIter<u16>| {
            let port = if has_port {
                ports.next().map(|port| port.wrapping_add(usual))
            } else {
                None
            };
            Ok::<_, DecodeError>(Endpoint {
                address: addresses.next(address)?,
                port,
            })
        };
        findings.push(Finding {
            first_milliseconds: first,
            last_milliseconds: last,
            count: at(&counts, row).wrapping_add(1),
            rule: shape.rule,
            severity: shape.severity,
            action: shape.action,
            source: endpoint(
                shape.source_address,
                shape.has_source_port,
                shape.source_port,
                &mut source_ports,
            )?,
            destination: endpoint(
                shape.destination_address,
                shape.has_destination_port,
                shape.destination_port,
                &mut destination_ports,
            )?,
            protocol: shape.protocol,
            app_protocol: shape.app_protocol.clone(),
            direction: shape.direction,
            traffic: Traffic {
                packets_to_server: at(&packets_to_server, row),
                bytes_to_server: at(&bytes_to_server, row),
                packets_to_client: at(&packets_to_client, row),
                bytes_to_client: at(&bytes_to_client, row),
            },
            flow_start_milliseconds: flow_start,
            facts: facts.of(shape)?,
        });
    }
    Ok(findings)
}

/// The port of an end if it looks like that of a service; others hardly ever repeat.
fn service_port(endpoint: Endpoint) -> u16 {
    endpoint
        .port
        .filter(|port| *port < 32_768)
        .unwrap_or_default()
}

fn signed_gap(later: u64, earlier: u64) -> i64 {
    later.wrapping_sub(earlier).cast_signed()
}

/// The addresses of a block, handed out in the order of the ends.
struct Addresses {
    v4: std::vec::IntoIter<IpAddr>,
    v6: std::vec::IntoIter<IpAddr>,
    key_epochs: std::vec::IntoIter<u64>,
}

impl Addresses {
    fn read(block: &BlockReader<'_>, shapes: &[&Shape]) -> Result<Self, DecodeError> {
        let ends = || {
            shapes
                .iter()
                .flat_map(|shape| [shape.source_address, shape.destination_address])
        };
        let v4_count = ends().filter(|end| end.is_v4()).count();
        let v6_count = ends().filter(|end| end.is_v6()).count();
        let pseudonyms = ends().filter(|end| end.is_pseudonym()).count();
        let v4: Vec<IpAddr> = {
            let content = block
                .column(ADDRESSES_V4)
                .map(|mut reader| reader.rest())
                .unwrap_or_default();
            let size = content.len() / 4;
            let octet = |plane: usize, index: usize| at(content, plane * size + index);
            (0..size)
                .map(|index| {
                    IpAddr::from(std::array::from_fn::<u8, 4, _>(|plane| octet(plane, index)))
                })
                .collect()
        };
        let v6: Vec<IpAddr> = {
            let content = block
                .column(ADDRESSES_V6)
                .map(|mut reader| reader.rest())
                .unwrap_or_default();
            content
                .as_chunks::<16>()
                .0
                .iter()
                .map(|octets| IpAddr::from(*octets))
                .collect()
        };
        let resolve = |tag, count, pool: Vec<IpAddr>| {
            block
                .positions(tag, count, pool.len(), "address references")?
                .into_iter()
                .map(|position| {
                    pool.get(position)
                        .copied()
                        .ok_or(DecodeError::Missing { what: "address" })
                })
                .collect::<Result<Vec<_>, DecodeError>>()
        };
        Ok(Self {
            v4: resolve(ADDRESS_V4, v4_count, v4)?.into_iter(),
            v6: resolve(ADDRESS_V6, v6_count, v6)?.into_iter(),
            key_epochs: block
                .numbers(KEY_EPOCH, pseudonyms, "key epochs")?
                .into_iter(),
        })
    }

    fn next(&mut self, shape: AddressShape) -> Result<DisclosedAddress, DecodeError> {
        let missing = DecodeError::Missing { what: "address" };
        if shape.is_withheld() {
            return Ok(DisclosedAddress::Withheld);
        }
        let pool = if shape.is_v4() {
            &mut self.v4
        } else {
            &mut self.v6
        };
        let address = pool.next().ok_or_else(|| missing.clone())?;
        if !shape.is_pseudonym() {
            return Ok(DisclosedAddress::Clear(address));
        }
        let value = self.key_epochs.next().ok_or(missing)?;
        let key_epoch = u32::try_from(value).map_err(|_| DecodeError::OutOfRange {
            what: "key epoch",
            value,
        })?;
        Ok(DisclosedAddress::Pseudonym { address, key_epoch })
    }
}

/// The fact values of a block by kind, handed out in the order of the findings.
struct FactValues<'a> {
    by_kind: BTreeMap<u16, std::vec::IntoIter<&'a [u8]>>,
    bytes: usize,
}

impl<'a> FactValues<'a> {
    fn read(block: &BlockReader<'a>, shapes: &[&Shape]) -> Result<Self, DecodeError> {
        let mut counts = BTreeMap::<u16, usize>::new();
        let mut total = 0usize;
        for kind in shapes.iter().flat_map(|shape| &shape.facts) {
            *counts.entry(kind.code()).or_default() += 1;
            total += 1;
            if total > MAX_FACTS_IN_BATCH {
                return Err(DecodeError::OverCap {
                    what: "facts in a batch",
                    value: total as u64,
                    cap: MAX_FACTS_IN_BATCH,
                });
            }
        }
        let by_kind = counts.into_iter().map(|(code, count)| {
            let values = block.pool(
                FACTS + 2 * u64::from(code),
                count,
                MAX_FACT_VALUE_BYTES,
                "fact values",
            )?;
            Ok((code, values.into_iter()))
        });
        Ok(Self {
            by_kind: by_kind.collect::<Result<_, DecodeError>>()?,
            bytes: 0,
        })
    }

    fn of(&mut self, shape: &Shape) -> Result<Facts, DecodeError> {
        let mut facts = Facts::default();
        for kind in &shape.facts {
            let value = self
                .by_kind
                .get_mut(&kind.code())
                .and_then(Iterator::next)
                .unwrap_or_default();
            self.bytes += value.len();
            if self.bytes > MAX_FACT_BYTES_IN_BATCH {
                return Err(DecodeError::OverCap {
                    what: "bytes of facts in a batch",
                    value: self.bytes as u64,
                    cap: MAX_FACT_BYTES_IN_BATCH,
                });
            }
            // A shape has no more facts than a finding may have.
            facts.push(FactKind::from_code(kind.code()), value);
        }
        Ok(facts)
    }
}
