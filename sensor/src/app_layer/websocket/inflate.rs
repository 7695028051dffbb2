//! Decompression of one direction's messages (RFC 7692, section 7.2.2): a raw deflate stream that goes on from message to message.

use flate2::{Decompress, FlushDecompress, Status};

use crate::app_layer::limits;

/// What a sender leaves out at the end of each message.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// What a decompressor holds: its window, and tables about as large again.
const HELD_BYTES: usize = 48 * 1024;

/// Bytes that come out at once where they are not kept.
const SCRATCH_BYTES: usize = 16 * 1024;

/// One direction's decompressor, made with its first compressed message.
#[derive(Debug, Default)]
pub(super) struct Inflater {
    stream: Option<Decompress>,
    /// The stream makes no sense, or was made to burst: what follows cannot be read.
    is_broken: bool,
}

impl Inflater {
    /// A message decompressed, as far as it is kept; nothing where it cannot be.
    pub(super) fn message(&mut self, compressed: &[u8]) -> Option<Vec<u8>> {
        if self.is_broken {
            return None;
        }
        let stream = self.stream.get_or_insert_with(|| Decompress::new(false));
        let mut plain = Vec::with_capacity(limits::WEBSOCKET_PAYLOAD_BYTES_MAX);
        // What is not kept has to come out all the same: later messages refer to it.
        let mut scratch = Vec::new();
        let begin = stream.total_out();
        for part in [compressed, &TAIL] {
            let mut rest = part;
            while !rest.is_empty() {
                let before = (stream.total_in(), stream.total_out());
                let out = if plain.len() < plain.capacity() {
                    &mut plain
                } else {
                    scratch.clear();
                    scratch.reserve(SCRATCH_BYTES);
                    &mut scratch
                };
                let status = stream.decompress_vec(rest, out, FlushDecompress::Sync);
                let taken = usize::try_from(stream.total_in() - before.0).unwrap_or(usize::MAX);
                rest = rest.get(taken..).unwrap_or_default();
                let goes_on = (stream.total_in(), stream.total_out()) != before
                    && stream.total_out() - begin <= limits::WEBSOCKET_INFLATED_BYTES_MAX;
                match status {
                    // The last block of a sender that begins each message anew.
                    Ok(Status::StreamEnd) => {
                        stream.reset(false);
                        return Some(kept(plain));
                    }
                    Ok(_) if goes_on => {}
                    _ => {
                        self.is_broken = true;
                        self.stream = None;
                        return (!plain.is_empty()).then(|| kept(plain));
                    }
                }
            }
        }
        Some(kept(plain))
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.stream.as_ref().map_or(0, |_| HELD_BYTES)
    }
}

fn kept(mut plain: Vec<u8>) -> Vec<u8> {
    plain.truncate(limits::WEBSOCKET_PAYLOAD_BYTES_MAX);
    plain.shrink_to_fit();
    plain
}
