//! Services of CIP.

use lapwing_rules::model::CipService as Wanted;

use crate::app_layer::{limits, reader::Reader};

const GET_ATTRIBUTE_LIST: u8 = 3;
const SET_ATTRIBUTE_LIST: u8 = 4;
const MULTIPLE_SERVICES: u8 = 10;
/// Services that get and set lists of attributes, and single ones.
const ATTRIBUTE_SERVICES: [u8; 4] = [GET_ATTRIBUTE_LIST, SET_ATTRIBUTE_LIST, 14, 16];
/// Set in the code of an answer.
const ANSWER: u8 = 0x80;

/// One service that is asked for, or that is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    code: u8,
    is_answer: bool,
    /// Classes that the path names.
    classes: Vec<u32>,
    /// Attributes that the path or the list of attributes names.
    attributes: Vec<u32>,
}

impl Service {
    /// Whether it is what a rule asks for: a request; with a class, only of the services that get and set attributes.
    pub(super) fn is(&self, wanted: &Wanted) -> bool {
        if self.code != wanted.service || self.is_answer {
            return false;
        }
        let Some(class) = wanted.class else {
            return true;
        };
        let has_attribute = |attribute: u16| self.attributes.contains(&u32::from(attribute));
        ATTRIBUTE_SERVICES.contains(&self.code)
            && self.classes.contains(&u32::from(class))
            && wanted
                .attribute
                .is_none_or(|(attribute, is_wanted)| has_attribute(attribute) == is_wanted)
    }

    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + (self.classes.capacity() + self.attributes.capacity()) * size_of::<u32>()
    }
}

/// Reads a service, and those inside a multiple service packet.
pub(super) fn read(bytes: &[u8], services: &mut Vec<Service>) {
    read_at_depth(bytes, services, 0);
}

fn read_at_depth(bytes: &[u8], services: &mut Vec<Service>, depth: usize) {
    if services.len() >= limits::CIP_SERVICES_MAX || depth > limits::CIP_DEPTH_MAX {
        return;
    }
    let mut reader = Reader::new(bytes);
    let (Some(code), Some(second)) = (reader.u8(), reader.u8()) else {
        return;
    };
    let mut service = Service {
        code: code & !ANSWER,
        is_answer: code & ANSWER != 0,
        classes: Vec::new(),
        attributes: Vec::new(),
    };
    if service.is_answer {
        // A reserved byte, then the general status and the number of words of further status.
        let further = reader
            .take(2)
            .map_or(0, |status| 2 * usize::from(status[1]));
        reader.take(further);
    } else {
        let path = reader.take(2 * usize::from(second)).unwrap_or_default();
        read_path(path, &mut service);
        if matches!(service.code, GET_ATTRIBUTE_LIST | SET_ATTRIBUTE_LIST) {
            read_attributes(&mut reader, &mut service);
        }
    }
    let has_more = service.code == MULTIPLE_SERVICES;
    services.push(service);
    if has_more {
        read_multiple(reader.rest(), services, depth);
    }
}

/// Segments of a path: logical segments of 8 and 16 bits (volume 1, appendix C-1.4.2).
fn read_path(path: &[u8], service: &mut Service) {
    let mut reader = Reader::new(path);
    while let Some(segment) = reader.u8() {
        let value = if segment & 1 == 0 {
            reader.u8().map(u32::from)
        } else {
            // The number stands behind a byte of padding.
            reader
                .take(1)
                .and_then(|_| little_u16(&mut reader))
                .map(u32::from)
        };
        let Some(value) = value else { return };
        match segment & 0xfe {
            0x20 => service.classes.push(value),
            0x30 => service.attributes.push(value),
            // Instances, members and connection points.
            0x24 | 0x28 | 0x2c => {}
            _ => return,
        }
    }
}

/// A count, then the attributes; of a list to set only the first is at a known place.
fn read_attributes(reader: &mut Reader<'_>, service: &mut Service) {
    let count = little_u16(reader).unwrap_or_default();
    let count = if service.code == SET_ATTRIBUTE_LIST {
        count.min(1)
    } else {
        count
    };
    for _ in 0..usize::from(count).min(limits::CIP_ATTRIBUTES_MAX) {
        let Some(attribute) = little_u16(reader) else {
            return;
        };
        service.attributes.push(u32::from(attribute));
    }
}

/// A count, then the places of the services, counted from the count.
fn read_multiple(bytes: &[u8], services: &mut Vec<Service>, depth: usize) {
    let mut reader = Reader::new(bytes);
    let count = little_u16(&mut reader).unwrap_or_default();
    for _ in 0..usize::from(count).min(limits::CIP_SERVICES_MAX) {
        let Some(offset) = little_u16(&mut reader) else {
            return;
        };
        let service = bytes.get(usize::from(offset)..).unwrap_or_default();
        read_at_depth(service, services, depth + 1);
    }
}

pub(super) fn little_u16(reader: &mut Reader<'_>) -> Option<u16> {
    reader.u16().map(u16::swap_bytes)
}
