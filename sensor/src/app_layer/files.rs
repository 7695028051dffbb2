//! One file in transfer: bytes put together in order, whatever order they come in.
//!
//! As in the reference, a piece that begins where the last one ended goes on with the file; another waits for its turn.
//! A piece before that place was there already: the file goes on without it, and the caller is told of the overlap.
//! Bytes that were lost are zeros; the size of a file that misses any, or that was cut off, is not known.

use std::collections::BTreeMap;

use lapwing_rules::model::NumberRange;

use super::{
    BufferView,
    digests::{DigestKind, DigestSet, FileDigests},
    limits,
};

/// One file.
#[derive(Debug, Default)]
pub(super) struct FileTransfer {
    pub(super) name: Vec<u8>,
    /// The file's bytes from its start, up to the cap.
    bytes: Vec<u8>,
    /// How much of it came in order.
    size: u64,
    digests: FileDigests,
    /// Where the piece in hand begins or goes on, while it is coming.
    piece: Option<Piece>,
    early: BTreeMap<u64, Vec<u8>>,
    early_bytes: usize,
    has_begun: bool,
    is_closed: bool,
    /// It was cut off, or bytes of it were lost.
    is_broken: bool,
    /// The flow is over.
    is_over: bool,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it begins, if before or behind its turn.
    early_at: Option<u64>,
    left: u64,
    /// Bytes behind it that belong to no file.
    padding: u64,
    /// The file ends with it.
    is_last: bool,
}

impl FileTransfer {
    pub(super) fn new(name: &[u8], digests: DigestSet) -> Self {
        Self {
            name: name.to_vec(),
            digests: FileDigests::new(digests),
            ..Self::default()
        }
    }

    /// A piece of `length` bytes at `offset` begins. Whether it overlaps what is there.
    pub(super) fn begin_piece(&mut self, offset: u64, length: u64) -> bool {
        self.begin_padded_piece(offset, length, 0)
    }

    /// The same, with padding behind it that is part of the message.
    pub(super) fn begin_padded_piece(&mut self, offset: u64, length: u64, padding: u64) -> bool {
        if self.piece.is_some() {
            // The piece before it was not finished: where the file goes on is not known any more.
            self.is_broken |= !self.is_closed;
            self.close();
        }
        self.has_begun = true;
        let is_turn = offset == self.size;
        self.piece = (length > 0).then_some(Piece {
            early_at: (!is_turn).then_some(offset),
            left: length,
            padding,
            is_last: false,
        });
        offset < self.size
    }

    /// A piece comes that cannot be followed: of this file nothing will be known.
    pub(super) fn give_up(&mut self) {
        self.has_begun = true;
        self.is_broken = true;
        self.close();
    }

    /// The file ends with the piece in hand.
    pub(super) fn end_with_piece(&mut self) {
        match &mut self.piece {
            Some(piece) if piece.left > 0 => piece.is_last = true,
            _ => {
                // Something before its end never came.
                self.is_broken |= self.early.range(self.size..).next().is_some();
                self.close();
            }
        }
    }

    /// Bytes of the piece in hand; gives how many it took.
    pub(super) fn go_on(&mut self, bytes: &[u8]) -> usize {
        let Some(mut piece) = self.piece else {
            return 0;
        };
        let taken = usize::try_from(piece.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (now, behind) = bytes.split_at(taken);
        piece.left -= now.len() as u64;
        match piece.early_at {
            _ if self.is_closed => {}
            None => self.append(now),
            Some(at) => self.keep_early(at, now),
        }
        let padding =
            usize::try_from(piece.padding).map_or(behind.len(), |left| left.min(behind.len()));
        self.put_back(piece, !now.is_empty(), padding);
        taken + padding
    }

    /// Bytes of the piece in hand were lost. Gives how many of them.
    pub(super) fn lose(&mut self, missing_bytes: u64) -> u64 {
        let Some(mut piece) = self.piece else {
            return 0;
        };
        let lost = piece.left.min(missing_bytes);
        piece.left -= lost;
        if lost > 0 && !self.is_closed {
            self.is_broken = true;
            if piece.early_at.is_none() {
                let room = limits::FILE_BYTES_MAX.saturating_sub(self.bytes.len());
                let zeros = usize::try_from(lost).map_or(room, |lost| lost.min(room));
                self.bytes.resize(self.bytes.len() + zeros, 0);
                self.size += lost;
            }
        }
        let padding = piece.padding.min(missing_bytes - lost);
        self.put_back(piece, lost > 0, usize::try_from(padding).unwrap_or(0));
        lost + padding
    }

    /// The piece in hand went on, and so much of its padding came.
    fn put_back(&mut self, mut piece: Piece, went_on: bool, padding: usize) {
        piece.padding -= padding as u64;
        self.piece = (piece.left > 0 || piece.padding > 0).then_some(piece);
        if piece.left == 0 && went_on {
            self.append_early();
            if piece.is_last {
                self.close_keeping_piece();
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = limits::FILE_BYTES_MAX.saturating_sub(self.bytes.len());
        if bytes.len() > room {
            self.digests.pass(&self.bytes, bytes);
        }
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
        self.piece = None;
        self.close_keeping_piece();
    }

    fn close_keeping_piece(&mut self) {
        self.is_closed = true;
        self.digests.finish(!self.is_broken);
        self.early.clear();
        self.early_bytes = 0;
    }

    /// The flow is over before the file was: what came of it is shown.
    pub(super) fn flow_is_over(&mut self) {
        self.is_over = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether a piece of it was seen.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Its size, once all of it came.
    pub(super) fn whole_size(&self) -> Option<u64> {
        (self.is_closed && !self.is_broken).then_some(self.size)
    }

    /// A digest of it, where it is larger than what is kept.
    pub(super) fn digest(&self, kind: DigestKind) -> Option<&[u8]> {
        self.digests.get(kind)
    }

    /// Whether it is certain to be larger than a limit, though its size is not known.
    pub(super) fn is_beyond(&self, range: &NumberRange) -> bool {
        let is_lower_bound = range.max == u64::MAX && !range.negated;
        self.is_closed && self.is_broken && is_lower_bound && range.contains(self.size)
    }

    /// Its bytes as rules see them now.
    pub(super) fn view(&self) -> BufferView<'_> {
        match (self.is_closed || self.is_over, self.bytes.len()) {
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
            + self.digests.held_bytes()
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
        let mut file = FileTransfer::new(b"name", DigestSet::default());
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
        let mut file = FileTransfer::new(b"", DigestSet::default());
        file.begin_piece(0, 5);
        assert_eq!(file.go_on(b"ab"), 2);
        assert_eq!(file.go_on(b"cdeXX"), 3);
        assert_eq!(file.go_on(b"XX"), 0);
        file.close();
        assert_eq!(file.view(), BufferView::Complete(b"abcde"));
    }

    #[test]
    fn what_is_lost_is_zeros_and_the_size_is_not_known() {
        let mut file = FileTransfer::new(b"", DigestSet::default());
        file.begin_piece(0, 6);
        file.go_on(b"ab");
        assert_eq!(file.lose(3), 3);
        assert_eq!(file.go_on(b"f"), 1);
        assert_eq!(file.view(), BufferView::Pending);
        file.close();
        assert_eq!(file.view(), BufferView::Complete(b"ab\0\0\0f"));
        assert_eq!(file.whole_size(), None);
        let beyond = |min, max| {
            file.is_beyond(&NumberRange {
                min,
                max,
                negated: false,
            })
        };
        assert!(beyond(6, u64::MAX) && !beyond(7, u64::MAX) && !beyond(0, 10));
    }

    #[test]
    fn padding_belongs_to_no_file_and_a_missing_one_breaks_the_next_piece() {
        let mut file = FileTransfer::new(b"", DigestSet::default());
        file.begin_padded_piece(0, 3, 1);
        assert_eq!(file.go_on(b"abc"), 3);
        assert_eq!(file.go_on(b"\0x"), 1);
        file.begin_padded_piece(3, 2, 2);
        assert_eq!(file.go_on(b"de"), 2);
        assert_eq!(file.lose(7), 2);
        file.begin_padded_piece(5, 1, 3);
        file.go_on(b"f");
        file.begin_padded_piece(6, 4, 0);
        file.go_on(b"ghij");
        assert_eq!(file.view(), BufferView::Complete(b"abcdef"));
        assert_eq!(file.whole_size(), None);
    }

    #[test]
    fn the_file_ends_with_its_last_piece() {
        let mut file = FileTransfer::new(b"", DigestSet::default());
        file.begin_padded_piece(0, 5, 3);
        file.go_on(b"ab");
        file.end_with_piece();
        assert_eq!(file.view(), BufferView::Pending);
        assert_eq!(file.go_on(b"cde\0\0\0x"), 6);
        assert_eq!(file.view(), BufferView::Complete(b"abcde"));
        assert_eq!(file.whole_size(), Some(5));
    }

    #[test]
    fn what_is_kept_is_bounded_and_large_files_are_seen_while_they_grow() {
        let mut file = FileTransfer::new(b"", DigestSet::default());
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
