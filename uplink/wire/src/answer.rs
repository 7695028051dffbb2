//! A signed answer: what the centre says to one sensor, the same bytes over TLS and on a stick.
//!
//! ```text
//! answer    = "LWA" u8 version (1), sensor [16], made u64 (milliseconds since 1970),
//!             certificates u8, (length varint, DER)*, content length varint, content, signature
//! content   = frames, as on a stream; see the module `frame`
//! signature = by the key of the first certificate over CONTEXT and all bytes before it
//! ```
//!
//! The certificates lead from one of the centre's own to the CA that the voucher named; whoever
//! reads an answer checks them and the signature as TLS would, see `lapwing-uplink`. A stick may
//! be forged, changed or old: an answer of another key is worth nothing, and `made` tells an old
//! one from a newer.

use crate::bytes::{Reader, put_counted, put_length};
use crate::error::DecodeError;
use crate::frame::FrameDecoder;
use crate::ids::SensorId;
use crate::limits::{MAX_ANSWER_BYTES, MAX_CERTIFICATE_BYTES, MAX_CHAIN_CERTIFICATES};
use crate::message::Message;

const MAGIC: [u8; 4] = *b"LWA\x01";
/// Keeps a signature over an answer from being one over anything else.
const CONTEXT: &[u8] = b"lapwing answer 1\0";
/// Bytes of a signature at most.
const MAX_SIGNATURE_BYTES: usize = 512;

/// What the centre has said, before and after its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAnswer {
    /// To whom.
    pub sensor: SensorId,
    /// When it was made, by the centre's clock.
    pub made_milliseconds: u64,
    /// The certificates (DER), the signer's first.
    pub chain: Vec<Vec<u8>>,
    /// What is said.
    pub messages: Vec<Message>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl SignedAnswer {
    /// Writes an answer; `sign` gives the signature of the bytes it is given.
    ///
    /// # Errors
    /// [`DecodeError`] when it is too long, or what `sign` says.
    pub fn write<Error: From<DecodeError>>(
        sensor: SensorId,
        made_milliseconds: u64,
        chain: &[Vec<u8>],
        messages: &[Message],
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
    ) -> Result<Vec<u8>, Error> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&sensor.0);
        bytes.extend_from_slice(&made_milliseconds.to_le_bytes());
        bytes.push(u8::try_from(chain.len()).unwrap_or(u8::MAX));
        for certificate in chain {
            put_counted(&mut bytes, certificate);
        }
        let mut content = Vec::new();
        for message in messages {
            message.write(&mut content)?;
        }
        put_length(&mut bytes, content.len());
        bytes.extend_from_slice(&content);
        let signature = sign(&signed_bytes(&bytes))?;
        bytes.extend_from_slice(&signature);
        over_cap(bytes.len())?;
        Ok(bytes)
    }

    /// Reads an answer. Nothing in it is believed before its signature was checked.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no answer of a version this program reads.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        over_cap(bytes.len())?;
        let mut reader = Reader::new(bytes);
        match reader.array::<4>("answer magic")? {
            MAGIC => {}
            [b'L', b'W', b'A', version] => {
                return Err(DecodeError::Version {
                    what: "answer",
                    version: u64::from(version),
                });
            }
            _ => {
                return Err(DecodeError::Mismatch {
                    what: "answer magic",
                });
            }
        }
        let sensor = SensorId(reader.array("sensor of an answer")?);
        let made_milliseconds = reader.u64("time of an answer")?;
        let count = usize::from(reader.u8("certificates of an answer")?);
        if count > MAX_CHAIN_CERTIFICATES {
            return Err(DecodeError::OverCap {
                what: "certificates of an answer",
                value: count as u64,
                cap: MAX_CHAIN_CERTIFICATES,
            });
        }
        let chain = (0..count)
            .map(|_| {
                let certificate = reader.counted(MAX_CERTIFICATE_BYTES, "certificate")?;
                Ok(certificate.to_vec())
            })
            .collect::<Result<_, DecodeError>>()?;
        let content = reader.counted(MAX_ANSWER_BYTES, "content of an answer")?;
        let signature = reader.rest();
        if signature.is_empty() || signature.len() > MAX_SIGNATURE_BYTES {
            return Err(DecodeError::Mismatch {
                what: "signature of an answer",
            });
        }
        let signed = bytes
            .get(..bytes.len() - signature.len())
            .unwrap_or_default();
        Ok(Self {
            sensor,
            made_milliseconds,
            chain,
            messages: read_messages(content)?,
            signed: signed_bytes(signed),
            signature: signature.to_vec(),
        })
    }

    /// What the signature is over.
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// The messages in a run of frames. What a newer program says is passed over; a frame that is cut
/// off is an error.
///
/// # Errors
/// [`DecodeError`] when it is not a run of whole frames.
pub fn read_messages(frames: &[u8]) -> Result<Vec<Message>, DecodeError> {
    let mut decoder = FrameDecoder::default();
    decoder.push(frames);
    let mut messages = Vec::new();
    let mut used = 0;
    while let Some(frame) = decoder.next_frame()? {
        used += crate::frame::FRAME_HEADER_BYTES + frame.body.len();
        match Message::read(frame)? {
            Message::Unknown(_) => {}
            message => messages.push(message),
        }
    }
    if used == frames.len() {
        Ok(messages)
    } else {
        Err(DecodeError::Truncated { what: "frames" })
    }
}

fn signed_bytes(bytes: &[u8]) -> Vec<u8> {
    [CONTEXT, bytes].concat()
}

fn over_cap(length: usize) -> Result<(), DecodeError> {
    if length <= MAX_ANSWER_BYTES {
        return Ok(());
    }
    Err(DecodeError::OverCap {
        what: "answer",
        value: length as u64,
        cap: MAX_ANSWER_BYTES,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Lane;
    use crate::{AskForLess, Revocation};

    fn sample() -> (Vec<Message>, Vec<u8>) {
        let messages = vec![
            Message::AskForLess(AskForLess {
                rung_max: 1,
                lightest: Lane::Normal,
                until_milliseconds: 9,
            }),
            Message::Revocation(Revocation {
                reason: "stolen".to_owned(),
            }),
        ];
        let sign = |bytes: &[u8]| Ok::<_, DecodeError>(vec![9; bytes.len().min(64)]);
        let chain = [vec![1; 300], vec![2; 200]];
        let bytes = SignedAnswer::write(
            SensorId([7; 16]),
            1_790_000_000_000,
            &chain,
            &messages,
            sign,
        );
        (messages, bytes.unwrap())
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let (messages, bytes) = sample();
        let answer = SignedAnswer::parse(&bytes).unwrap();
        assert_eq!(answer.messages, messages);
        assert_eq!(answer.chain.len(), 2);
        assert_eq!(
            answer.signed(),
            [CONTEXT, &bytes[..bytes.len() - 64]].concat()
        );
        assert_eq!(answer.signature().len(), 64);
    }

    #[test]
    fn a_torn_answer_is_an_error_and_never_a_shorter_one() {
        let (_, bytes) = sample();
        for end in 0..bytes.len() - 64 {
            assert!(SignedAnswer::parse(&bytes[..end]).is_err(), "{end}");
        }
    }
}
