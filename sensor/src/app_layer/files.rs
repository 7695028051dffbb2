//! One file in transfer: bytes put together in order, whatever order they come in.
//!
//! As in the reference, a piece that begins where the last one ended goes on with the file; another waits for its turn.
//! A piece before that place was there already: the file goes on without it, and the caller is told of the overlap.

use std::collections::BTreeMap;

use super::{BufferView, limits};

/// One file.
#[derive(Debug, Default)]
pub(super) struct FileTransfer {
    pub(super) name: Vec<u8>,
    /// The file's bytes from its start, up to the cap.
    bytes: Vec<u8>,
    /// How much of it came in order.
    size: u64,
    /// Where the piece in hand begins or goes on, while it is coming.
    piece: Option<Piece>,
    early: BTreeMap<u64, Vec<u8>>,
    early_bytes: usize,
    is_closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it begins, if before or behind its turn.
    early_at: Option<u64>,
    left: u64,
}

impl FileTransfer {
    pub(super) fn new(name: &[u8]) -> Self {
        Self {
            name: name.to_vec(),
            ..Self::default()
        }
    }

    /// A piece of `length` bytes at `offset` begins. Whether it overlaps what is there.
    pub(super) fn begin_piece(&mut self, offset: u64, length: u64) -> bool {
        if self.piece.is_some_and(|piece| piece.left > 0) {
            // The piece before it was not finished: where the file goes on is not known any more.
            self.close();
        }
        let is_turn = offset == self.size;
        self.piece = (length > 0).then_some(Piece {
            early_at: (!is_turn).then_some(offset),
            left: length,
        });
        offset < self.size
    }

    /// Bytes of the piece in hand; gives how many it took.
    pub(super) fn go_on(&mut self, bytes: &[u8]) -> usize {
        let Some(mut piece) = self.piece else {
            return 0;
        };
        let taken = usize::try_from(piece.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let now = bytes.get(..taken).unwrap_or_default();
        piece.left -= now.len() as u64;
        match piece.early_at {
            _ if self.is_closed => {}
            None => self.append(now),
            Some(at) => self.keep_early(at, now),
        }
        self.piece = (piece.left > 0).then_some(piece);
        if self.piece.is_none() {
            self.append_early();
        }
        taken
    }

    /// Bytes of the piece in hand were lost. Gives how many of them.
    pub(super) fn lose(&mut self, missing_bytes: u64) -> u64 {
        let Some(piece) = self.piece.as_mut() else {
            return 0;
        };
        let lost = piece.left.min(missing_bytes);
        piece.left -= lost;
        if piece.left == 0 {
            self.piece = None;
        }
        // A hole cannot be filled any more.
        self.is_closed = true;
        lost
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = limits::FILE_BYTES_MAX.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.size += bytes.len() as u64;
    }

    fn keep_early(&mut self, at: u64, bytes: &[u8]) {
        let room = limits::FILE_EARLY_BYTES_MAX.saturating_sub(self.early_bytes);
        let is_new = !self.early.contains_key(&at);
        if bytes.len() > room || (is_new && self.early.len() >= limits::FILE_EARLY_PIECES_MAX) {
            return;
        }
        self.early_bytes += bytes.len();
        self.early.entry(at).or_default().extend_from_slice(bytes);
    }

    fn append_early(&mut self) {
        while let Some(bytes) = self.early.remove(&self.size) {
            self.early_bytes -= bytes.len();
            self.append(&bytes);
            if bytes.is_empty() {
                break;
            }
        }
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.piece = None;
        self.early.clear();
        self.early_bytes = 0;
    }

    /// Its size, once nothing more comes.
    pub(super) fn whole_size(&self) -> Option<u64> {
        self.is_closed.then_some(self.size)
    }

    /// Its bytes as rules see them now.
    pub(super) fn view(&self) -> BufferView<'_> {
        match (self.is_closed, self.bytes.len()) {
            (true, 0) => BufferView::Absent,
            (true, _) => BufferView::Complete(&self.bytes),
            (false, length) if length >= limits::FILE_INSPECT_BYTES_MIN => {
                BufferView::Growing(&self.bytes)
            }
            (false, _) => BufferView::Pending,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.name.capacity()
            + self.bytes.capacity()
            + self.early_bytes
            + self.early.len() * size_of::<(u64, Vec<u8>)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(file: &mut FileTransfer, offset: u64, bytes: &[u8]) -> bool {
        let overlaps = file.begin_piece(offset, bytes.len() as u64);
        assert_eq!(file.go_on(bytes), bytes.len());
        overlaps
    }

    #[test]
    fn pieces_in_any_order_give_the_file() {
        let mut file = FileTransfer::new(b"name");
        assert!(!piece(&mut file, 4, b"efgh"));
        assert!(!piece(&mut file, 8, b"ij"));
        assert_eq!(file.view(), BufferView::Pending);
        assert!(!piece(&mut file, 0, b"abcd"));
        assert!(piece(&mut file, 2, b"XX"));
        file.close();
        assert_eq!(file.view(), BufferView::Complete(b"abcdefghij"));
    }

    #[test]
    fn a_piece_comes_in_parts_and_takes_no_more_than_its_own() {
        let mut file = FileTransfer::new(b"");
        file.begin_piece(0, 5);
        assert_eq!(file.go_on(b"ab"), 2);
        assert_eq!(file.go_on(b"cdeXX"), 3);
        assert_eq!(file.go_on(b"XX"), 0);
        file.close();
        assert_eq!(file.view(), BufferView::Complete(b"abcde"));
    }

    #[test]
    fn a_hole_ends_the_file() {
        let mut file = FileTransfer::new(b"");
        file.begin_piece(0, 6);
        file.go_on(b"ab");
        assert_eq!(file.lose(3), 3);
        assert_eq!(file.go_on(b"f"), 1);
        assert_eq!(file.view(), BufferView::Complete(b"ab"));
    }

    #[test]
    fn what_is_kept_is_bounded_and_large_files_are_seen_while_they_grow() {
        let mut file = FileTransfer::new(b"");
        piece(&mut file, 0, &vec![1; limits::FILE_INSPECT_BYTES_MIN]);
        assert!(matches!(file.view(), BufferView::Growing(_)));
        let end = file.size;
        piece(&mut file, end, &vec![1; limits::FILE_BYTES_MAX]);
        for at in 0..200_u64 {
            piece(&mut file, 10_000_000 + 3_000 * at, &[1; 2_000]);
        }
        assert!(file.early.len() <= limits::FILE_EARLY_PIECES_MAX);
        assert!(file.early_bytes <= limits::FILE_EARLY_BYTES_MAX);
        assert_eq!(file.bytes.len(), limits::FILE_BYTES_MAX);
    }
}
