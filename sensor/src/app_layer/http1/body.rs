//! What is kept of a body: decoded, from its start, up to a limit.

use super::{
    decompress::{Codings, Decoder, Trouble},
    transaction::Stage,
};
use crate::app_layer::{BufferView, TransactionField, limits};

/// A body as far as it came.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct Body {
    kept: Vec<u8>,
    decoder: Option<Decoder>,
    /// What decoding ran into.
    pub(in crate::app_layer) trouble: Trouble,
    /// Bytes of the message body before decoding.
    pub(in crate::app_layer) received_bytes: u64,
    /// There was more of it than is kept.
    is_cut: bool,
    /// A stretch is missing; what follows it is not appended.
    pub(super) has_gap: bool,
}

impl Body {
    /// Undo these codings from now on.
    pub(in crate::app_layer) fn decode(&mut self, codings: &Codings) {
        self.decoder = (!codings.layers.is_empty()).then(|| Decoder::new(&codings.layers));
    }

    pub(in crate::app_layer) fn push(&mut self, bytes: &[u8]) {
        self.received_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.is_cut |= self.is_full() && !bytes.is_empty();
        if self.has_gap || self.is_full() {
            return;
        }
        let Self { kept, is_cut, .. } = self;
        let mut keep = |bytes: &[u8]| {
            let room = limits::HTTP_BODY_BYTES_MAX.saturating_sub(kept.len());
            *is_cut |= bytes.len() > room;
            kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            kept.len() < limits::HTTP_BODY_BYTES_MAX
        };
        match self.decoder.as_mut() {
            Some(decoder) => {
                decoder.push(bytes, &mut keep);
                self.trouble = decoder.trouble();
            }
            None => {
                keep(bytes);
            }
        }
        if self.is_full() {
            // Nothing more is kept, so nothing more needs decoding.
            self.decoder = None;
        }
    }

    /// The size of the file that it is: known at its end, and as far as it was looked at where it was cut before.
    pub(in crate::app_layer) fn file_size(&self, field: TransactionField) -> Option<u64> {
        let asked_of_cut = match field {
            TransactionField::FileSize => false,
            TransactionField::FileSizeAtLeast => true,
            _ => return None,
        };
        (self.is_cut == asked_of_cut)
            .then_some(self.kept.len())
            .and_then(|length| u64::try_from(length).ok())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.kept
    }

    fn is_full(&self) -> bool {
        self.kept.len() >= limits::HTTP_BODY_BYTES_MAX
    }

    /// The body as rules see it: whole at its end or at the limit, growing from `inspect_bytes_min` on.
    pub(in crate::app_layer) fn view(
        &self,
        stage: Stage,
        inspect_bytes_min: usize,
    ) -> BufferView<'_> {
        if self.kept.is_empty() {
            return if stage == Stage::Complete {
                BufferView::Absent
            } else {
                BufferView::Pending
            };
        }
        if stage == Stage::Complete || self.is_full() {
            BufferView::Complete(&self.kept)
        } else if stage == Stage::Trailer || self.kept.len() >= inspect_bytes_min {
            // Even behind its trailer it may still get what was fed there.
            BufferView::Growing(&self.kept)
        } else {
            BufferView::Pending
        }
    }

    pub(in crate::app_layer) fn held_bytes(&self) -> usize {
        self.kept.capacity() + self.decoder.as_ref().map_or(0, Decoder::held_bytes)
    }

    /// Lets go of the decoder once the body is whole.
    pub(in crate::app_layer) fn finish(&mut self) {
        self.decoder = None;
        self.kept.shrink_to_fit();
    }
}
