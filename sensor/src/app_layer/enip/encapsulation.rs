//! The encapsulation header and the common packet format (ODVA, volume 2, sections 2-3 and 2-6).

use super::cip::{self, Service, little_u16};
use crate::app_layer::reader::Reader;

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 24;
const SEND_RR_DATA: u16 = 0x6f;
const SEND_UNIT_DATA: u16 = 0x70;
const CONNECTED_ADDRESS: u16 = 0x00a1;
const SEQUENCED_ADDRESS: u16 = 0x8002;
const CONNECTED_DATA: u16 = 0x00b1;
const UNCONNECTED_DATA: u16 = 0x00b2;

/// Bytes of the unit that a header begins.
pub(super) fn unit_bytes(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(2..4)?;
    Some(HEADER_BYTES + usize::from(u16::from_le_bytes([length[0], length[1]])))
}

/// The command of a unit, and the services that it carries.
pub(super) fn read(unit: &[u8]) -> Option<(u16, Vec<Service>)> {
    let mut reader = Reader::new(unit);
    let command = little_u16(&mut reader)?;
    let mut services = Vec::new();
    if matches!(command, SEND_RR_DATA | SEND_UNIT_DATA) {
        let packet = unit.get(HEADER_BYTES..).unwrap_or_default();
        if let Some(service) = service_of(packet) {
            cip::read(service, &mut services);
        }
    }
    Some((command, services))
}

/// The bytes of CIP in a common packet: interface, time-out, an address item, a data item.
fn service_of(packet: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(packet);
    reader.take(8)?;
    let address = little_u16(&mut reader)?;
    little_u16(&mut reader)?;
    reader.take(match address {
        CONNECTED_ADDRESS => 4,
        SEQUENCED_ADDRESS => 8,
        _ => 0,
    })?;
    let data = little_u16(&mut reader)?;
    let length = little_u16(&mut reader)?;
    match data {
        // A connected item begins with its sequence number.
        CONNECTED_DATA => reader.take(2).map(|_| reader.rest()),
        UNCONNECTED_DATA => Some(reader.rest()),
        _ => None,
    }
    .filter(|_| length > 0)
}
