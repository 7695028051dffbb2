//! Frames: how messages follow each other on a stream.
//!
//! ```text
//! frame = length u32 (of the body), type u8, CRC32C u32 (of type and body), body
//! ```
//!
//! The checksum costs four bytes and tells a broken relay or disk from a broken peer.

use crate::bytes::Reader;
use crate::error::DecodeError;
use crate::limits::MAX_FRAME_BODY_BYTES;

/// Bytes before a frame's body.
pub const FRAME_HEADER_BYTES: usize = 9;

/// One frame, its checksum checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The number of the message's type.
    pub kind: u8,
    /// The message.
    pub body: Vec<u8>,
}

impl Frame {
    /// Appends the frame's bytes.
    ///
    /// # Errors
    /// [`DecodeError::OverCap`] when the body is above [`MAX_FRAME_BODY_BYTES`].
    pub fn write(kind: u8, body: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let over = DecodeError::OverCap {
            what: "frame",
            value: body.len() as u64,
            cap: MAX_FRAME_BODY_BYTES,
        };
        let length = u32::try_from(body.len())
            .ok()
            .filter(|_| body.len() <= MAX_FRAME_BODY_BYTES)
            .ok_or(over)?;
        out.extend_from_slice(&length.to_le_bytes());
        out.push(kind);
        out.extend_from_slice(&checksum(kind, body).to_le_bytes());
        out.extend_from_slice(body);
        Ok(())
    }
}

fn checksum(kind: u8, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&[kind]), body)
}

/// Cuts a stream of bytes into frames. Holds at most one frame and one read.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    used: usize,
}

impl FrameDecoder {
    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.buffer.drain(..self.used);
            self.used = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    /// [`DecodeError`] when the stream cannot be a stream of frames; it cannot go on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, DecodeError> {
        let waiting = self.buffer.get(self.used..).unwrap_or_default();
        let mut reader = Reader::new(waiting);
        if waiting.len() < FRAME_HEADER_BYTES {
            return Ok(None);
        }
        let length = reader.u32("frame length")?;
        let over = DecodeError::OverCap {
            what: "frame",
            value: u64::from(length),
            cap: MAX_FRAME_BODY_BYTES,
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MAX_FRAME_BODY_BYTES)
            .ok_or(over)?;
        let kind = reader.u8("frame type")?;
        let expected = reader.u32("frame checksum")?;
        if reader.remaining() < length {
            return Ok(None);
        }
        let body = reader.take(length, "frame body")?.to_vec();
        if checksum(kind, &body) != expected {
            return Err(DecodeError::Mismatch {
                what: "frame checksum",
            });
        }
        self.used += FRAME_HEADER_BYTES + length;
        Ok(Some(Frame { kind, body }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_survive_any_cut(
            bodies in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8),
            cut in 1usize..40,
        ) {
            let mut stream = Vec::new();
            for (kind, body) in &bodies {
                Frame::write(*kind, body, &mut stream).unwrap();
            }
            let (mut decoder, mut frames) = (FrameDecoder::default(), Vec::new());
            for piece in stream.chunks(cut) {
                decoder.push(piece);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    frames.push((frame.kind, frame.body));
                }
            }
            prop_assert_eq!(frames, bodies);
        }
    }

    #[test]
    fn a_changed_byte_and_a_huge_length_are_errors() {
        let mut stream = Vec::new();
        Frame::write(3, b"body", &mut stream).unwrap();
        *stream.last_mut().unwrap() ^= 1;
        let mut decoder = FrameDecoder::default();
        decoder.push(&stream);
        assert_eq!(
            decoder.next_frame(),
            Err(DecodeError::Mismatch {
                what: "frame checksum"
            })
        );

        let mut decoder = FrameDecoder::default();
        decoder.push(&[0xff; FRAME_HEADER_BYTES]);
        assert!(matches!(
            decoder.next_frame(),
            Err(DecodeError::OverCap { .. })
        ));
    }
}
