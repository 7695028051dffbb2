//! The frames of an Initial packet, as far as they lead to a hello.
//!
//! As in the reference the same reading serves every version, Google's too: a frame of a kind that Initial packets do not
//! have ends it, as nobody knows how long it is; one that is cut off makes the whole packet odd data.

use super::header::variable_length;
use crate::app_layer::reader::Reader;

/// A frame that carries a part of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// Bytes of TLS at their place.
    Crypto { offset: u64, data: &'a [u8] },
    /// Bytes of Google's handshake.
    Google { data: &'a [u8] },
}

const PADDING: u8 = 0;
const PING: u8 = 1;
const ACK: u8 = 2;
const ACK_ECN: u8 = 3;
const CRYPTO: u8 = 6;
/// A CRYPTO frame of Q048 to Q050.
const GOOGLE_CRYPTO: u8 = 8;
/// Any of Google's STREAM frames, whose type says what follows.
const GOOGLE_STREAM: u8 = 0x80;
const GOOGLE_STREAM_HAS_LENGTH: u8 = 0x20;

/// What was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CutOff;

/// The frames of interest, in their order.
pub(super) fn read(payload: &[u8]) -> Result<Vec<Frame<'_>>, CutOff> {
    let mut frames = Vec::new();
    let mut reader = Reader::new(payload);
    while let Some(kind) = reader.u8() {
        match kind {
            PADDING | PING => {}
            ACK => skip_ack(&mut reader, 0).ok_or(CutOff)?,
            ACK_ECN => skip_ack(&mut reader, 3).ok_or(CutOff)?,
            CRYPTO => {
                let (offset, data) = placed(&mut reader).ok_or(CutOff)?;
                frames.push(Frame::Crypto { offset, data });
            }
            GOOGLE_CRYPTO => {
                let (_, data) = placed(&mut reader).ok_or(CutOff)?;
                frames.push(Frame::Google { data });
            }
            GOOGLE_STREAM.. => {
                let data = stream(kind, &mut reader).ok_or(CutOff)?;
                frames.push(Frame::Google { data });
            }
            _ => break,
        }
    }
    Ok(frames)
}

/// RFC 9000, section 19.3.
fn skip_ack(reader: &mut Reader<'_>, counts: u64) -> Option<()> {
    let _largest = variable_length(reader)?;
    let _delay = variable_length(reader)?;
    let ranges = variable_length(reader)?;
    let _first_range = variable_length(reader)?;
    // What is claimed ends with the bytes: each number takes one at least.
    for _ in 0..ranges.saturating_mul(2).saturating_add(counts) {
        variable_length(reader)?;
    }
    Some(())
}

/// An offset, and bytes behind their length.
fn placed<'a>(reader: &mut Reader<'a>) -> Option<(u64, &'a [u8])> {
    let offset = variable_length(reader)?;
    let length = usize::try_from(variable_length(reader)?).ok()?;
    Some((offset, reader.take(length)?))
}

/// `1fdooossB`: whether it is the last, has a length, and how long offset and stream identifier are.
fn stream<'a>(kind: u8, reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let identifier_bytes = usize::from(kind & 3) + 1;
    let offset_bytes = match (kind >> 2) & 7 {
        0 => 0,
        more => usize::from(more) + 1,
    };
    reader.take(identifier_bytes + offset_bytes)?;
    if kind & GOOGLE_STREAM_HAS_LENGTH != 0 {
        return reader.prefixed_u16();
    }
    reader.take(reader.rest().len())
}
