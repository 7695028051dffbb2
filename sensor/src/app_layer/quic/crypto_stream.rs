//! The bytes of CRYPTO frames of one direction, put together from pieces in any order.

use crate::app_layer::limits;

/// A piece that came before what stands in front of it.
#[derive(Debug)]
struct EarlyPiece {
    offset: usize,
    data: Vec<u8>,
}

/// What one side sent of its handshake so far.
#[derive(Debug, Default)]
pub(super) struct CryptoStream {
    /// All from the start without a hole.
    front: Vec<u8>,
    early: Vec<EarlyPiece>,
    early_bytes: usize,
}

/// A piece lies behind all that a handshake may hold, or there are too many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl CryptoStream {
    /// Adds a piece. What comes again replaces what was there, as in the reference.
    pub(super) fn add(&mut self, offset: u64, data: &[u8]) -> Result<(), TooLong> {
        let offset = usize::try_from(offset).map_err(|_| TooLong)?;
        let end = offset.checked_add(data.len()).ok_or(TooLong)?;
        if end > limits::QUIC_CRYPTO_BYTES_MAX {
            return Err(TooLong);
        }
        if data.is_empty() {
            return Ok(());
        }
        if offset > self.front.len() {
            return self.keep(offset, data);
        }
        let replaced = data.len().min(self.front.len() - offset);
        let (again, new) = data.split_at(replaced);
        if let Some(place) = self.front.get_mut(offset..offset + replaced) {
            place.copy_from_slice(again);
        }
        self.front.extend_from_slice(new);
        self.join();
        Ok(())
    }

    /// All from the start without a hole.
    pub(super) fn front(&self) -> &[u8] {
        &self.front
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.front.capacity() + self.early_bytes + self.early.capacity() * size_of::<EarlyPiece>()
    }

    fn keep(&mut self, offset: usize, data: &[u8]) -> Result<(), TooLong> {
        let is_known = self.early.iter().any(|piece| {
            piece.offset <= offset && offset + data.len() <= piece.offset + piece.data.len()
        });
        if is_known {
            return Ok(());
        }
        if self.early.len() >= limits::QUIC_CRYPTO_PIECES_MAX
            || self.early_bytes + data.len() > limits::QUIC_CRYPTO_BYTES_MAX
        {
            return Err(TooLong);
        }
        self.early_bytes += data.len();
        let data = data.to_vec();
        self.early.push(EarlyPiece { offset, data });
        Ok(())
    }

    /// Moves the pieces whose turn it is to the front.
    fn join(&mut self) {
        while let Some(at) = self
            .early
            .iter()
            .position(|piece| piece.offset <= self.front.len())
        {
            let piece = self.early.swap_remove(at);
            self.early_bytes -= piece.data.len();
            let seen = self.front.len() - piece.offset;
            if let Some(new) = piece.data.get(seen..) {
                self.front.extend_from_slice(new);
            }
        }
    }
}
