//! Google's handshake message (the CHLO of "QUIC Crypto"), and what its fingerprint CYU is made from.

use crate::app_layer::{limits, reader::Reader};

/// What a client's message says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientMessage {
    /// The names of its tags in their order, with dashes between them.
    pub(super) tags: String,
    pub(super) server_name: Option<Vec<u8>>,
    pub(super) user_agent: Option<Vec<u8>>,
}

/// The tags that the reference knows; a message with another one is not read at all.
const TAGS: [&str; 30] = [
    "AEAD", "CCRT", "CCS", "CETV", "CFCW", "CHLO", "COPT", "CSCT", "CTIM", "ICSL", "IRTT", "KEXS",
    "MIDS", "MSPC", "NONC", "NONP", "PAD", "PDMD", "PUBS", "SCID", "SCLS", "SFCW", "SMHL", "SNI",
    "SNO", "STK", "TCID", "UAID", "VER", "XLCT",
];
const TAG_BYTES: usize = 4;
/// A tag, and where its value ends.
const ENTRY_BYTES: usize = TAG_BYTES + 4;

impl ClientMessage {
    /// Reads a message that is there as a whole: its name, the number of tags, where the value of each ends, the values.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        if reader.take(TAG_BYTES)? != b"CHLO" {
            return None;
        }
        let count = usize::from(reader.le_u16()?);
        reader.u16()?;
        if count > limits::QUIC_TAGS_MAX {
            return None;
        }
        let index = reader.take(count * ENTRY_BYTES)?;
        let mut message = Self::default();
        let mut begin = 0;
        for entry in index.chunks_exact(ENTRY_BYTES) {
            let mut entry = Reader::new(entry);
            let tag = name(entry.take(TAG_BYTES)?)?;
            let end = usize::try_from(entry.le_u32()?).ok()?;
            let value = reader.take(end.checked_sub(begin)?)?;
            begin = end;
            match tag {
                "SNI" => message.server_name = Some(value.to_vec()),
                "UAID" => message.user_agent = Some(value.to_vec()),
                _ => {}
            }
            if !message.tags.is_empty() {
                message.tags.push('-');
            }
            message.tags.push_str(tag);
        }
        reader.is_empty().then_some(message)
    }
}

/// The name of a known tag: shorter ones end with zeros.
fn name(tag: &[u8]) -> Option<&'static str> {
    TAGS.into_iter().find(|known| {
        tag.strip_prefix(known.as_bytes())
            .is_some_and(|rest| rest.iter().all(|&byte| byte == 0))
    })
}
