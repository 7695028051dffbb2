//! Cuts both directions into control packets by their fixed headers (MQTT 5.0, section 2.1) and reports them as frames.
//!
//! Nothing of a packet is kept but the few bytes of a header that is not complete.

use lapwing_rules::model::{AppProtocol, Frame};

use crate::{
    app_layer::{Feed, FrameLog, Parser, limits},
    direction::Direction,
};

/// MQTT of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct MqttParser {
    sides: [Side; 2],
    frames: FrameLog,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    /// Bytes of a fixed header that is not complete.
    header: Vec<u8>,
    /// Bytes of the packet behind its header that are still to come.
    left: usize,
    is_lost: bool,
}

/// A fixed header as far as its bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FixedHeader {
    More,
    Whole { header_bytes: usize, left: usize },
    Invalid,
}

/// Type and flags in one byte, then the length of the rest, seven bits a byte, the lowest first.
fn fixed_header(bytes: &[u8]) -> FixedHeader {
    let Some((&first, lengths)) = bytes.split_first() else {
        return FixedHeader::More;
    };
    // Type 0 is no type (section 2.1.2). A quality of service of 3 is odd, and the packet can be cut all the same.
    if first >> 4 == 0 {
        return FixedHeader::Invalid;
    }
    let mut left = 0;
    for (at, &byte) in lengths
        .iter()
        .take(limits::MQTT_LENGTH_BYTES_MAX)
        .enumerate()
    {
        left |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return FixedHeader::Whole {
                header_bytes: at + 2,
                left,
            };
        }
    }
    if lengths.len() < limits::MQTT_LENGTH_BYTES_MAX {
        FixedHeader::More
    } else {
        FixedHeader::Invalid
    }
}

impl MqttParser {
    /// A packet begins: `held` of it came before, `rest` begins with its next byte.
    fn packet(
        &mut self,
        direction: Direction,
        (held, rest): (&[u8], &[u8]),
        header_bytes: usize,
        left: usize,
    ) {
        for (frame, length_bytes) in [
            (Frame::MqttPdu, header_bytes + left),
            (Frame::MqttHeader, header_bytes),
        ] {
            self.frames
                .open_with_held(direction, frame, (held, rest), Some(length_bytes));
        }
        if left > 0 {
            let behind = &rest[header_bytes - held.len()..];
            self.frames
                .open(direction, Frame::MqttData, behind, Some(left));
        }
    }

    fn lose(&mut self, direction: Direction) -> Feed {
        self.sides[direction.index()].is_lost = true;
        self.frames.clear(direction);
        Feed::Stop
    }
}

impl Parser for MqttParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Mqtt
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        let mut rest = bytes;
        loop {
            let side = &mut self.sides[direction.index()];
            if side.is_lost {
                return Feed::Stop;
            }
            let passed = side.left.min(rest.len());
            side.left -= passed;
            rest = &rest[passed..];
            if rest.is_empty() {
                return Feed::More;
            }
            let held = std::mem::take(&mut side.header);
            let shown = rest.len().min(limits::MQTT_LENGTH_BYTES_MAX + 1);
            let header = [&held[..], &rest[..shown]].concat();
            match fixed_header(&header) {
                FixedHeader::More => {
                    side.header = header;
                    return Feed::More;
                }
                FixedHeader::Whole { header_bytes, left } => {
                    side.left = left;
                    self.packet(direction, (&held, rest), header_bytes, left);
                    rest = &rest[header_bytes - held.len()..];
                }
                FixedHeader::Invalid => return self.lose(direction),
            }
        }
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        // Where the next packet begins is not known any more.
        self.lose(direction)
    }

    fn end(&mut self, _: Direction) {}

    fn frames(&self) -> Option<&FrameLog> {
        Some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        Some(&mut self.frames)
    }

    fn held_bytes(&self) -> usize {
        let headers: usize = self.sides.iter().map(|side| side.header.capacity()).sum();
        size_of::<Self>() + headers
    }
}

#[cfg(test)]
mod tests {
    use lapwing_rules::model::FrameSet;
    use proptest::prelude::*;

    use super::*;

    /// CONNECT, PUBLISH, and PINGREQ, which has no more than its header.
    const CLIENT: &[u8] = b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04tool\x30\x07\0\x03a/bhi\xc0\0";

    /// Every frame with its bytes, as rules would see them.
    fn frames(bytes: &[u8], sizes: &[usize]) -> Vec<(Frame, Vec<u8>)> {
        let mut wanted = FrameSet::default();
        for frame in [Frame::MqttPdu, Frame::MqttHeader, Frame::MqttData] {
            wanted.insert(frame);
        }
        let mut parser = MqttParser::default();
        parser.frames.want(wanted);
        let (mut seen, mut rest) = (Vec::new(), bytes);
        let mut sizes = sizes.iter().copied().cycle();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
            parser.frames.fed(Direction::ToServer, now);
            parser.feed(Direction::ToServer, now);
            seen.extend(
                parser
                    .frames
                    .pieces(Direction::ToServer, false)
                    .map(|piece| (piece.frame, piece.bytes.to_vec())),
            );
            parser.frames.inspected(Direction::ToServer, false);
            rest = later;
        }
        seen.sort();
        seen
    }

    #[test]
    fn packets_are_frames() {
        let seen = frames(CLIENT, &[usize::MAX]);
        let expected: [(Frame, &[u8]); 8] = [
            (Frame::MqttPdu, &CLIENT[..18]),
            (Frame::MqttPdu, &CLIENT[18..27]),
            (Frame::MqttPdu, &CLIENT[27..]),
            (Frame::MqttHeader, &CLIENT[..2]),
            (Frame::MqttHeader, &CLIENT[18..20]),
            (Frame::MqttHeader, &CLIENT[27..]),
            (Frame::MqttData, &CLIENT[20..27]),
            (Frame::MqttData, &CLIENT[2..18]),
        ];
        let mut expected: Vec<_> = expected
            .iter()
            .map(|(frame, bytes)| (*frame, bytes.to_vec()))
            .collect();
        expected.sort();
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_is_no_packet_ends_the_direction() {
        for bytes in [&b"\0\x01"[..], b"\x30\xff\xff\xff\xff\x01"] {
            let mut parser = MqttParser::default();
            assert_eq!(parser.feed(Direction::ToClient, bytes), Feed::Stop);
        }
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(sizes in prop::collection::vec(1usize..12, 1..10)) {
            prop_assert_eq!(frames(CLIENT, &sizes), frames(CLIENT, &[usize::MAX]));
        }
    }
}
