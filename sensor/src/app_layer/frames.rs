//! Frames: units of a protocol as they lie in its bytes, reported by parsers, inspected by rules (`frame`).
//!
//! A parser says where a frame begins and, once it knows, how long it is. The log keeps the bytes that frames not yet
//! inspected need, and nothing at all where no rule asks for a frame: [`FrameLog::open`] is then one look at a set.
//!
//! When a frame is shown follows the reference (developer guide, "Frames"): once it is whole; one that is longer than
//! [`limits::FRAME_CHUNK_BYTES`] also piece by piece while it grows, each byte once; one whose length was never told at
//! the end of the stream. A frame is let go with the first inspection after it became whole.
//!
//! Caps: [`limits::FRAMES_MAX`] frames and [`limits::FRAME_WINDOW_BYTES_MAX`] bytes a direction; what goes for their sake
//! is counted in [`FrameLog::take_dropped`].

use std::ops::Range;

use lapwing_rules::model::{Frame, FrameSet};

use super::limits;
use crate::direction::Direction;

/// A frame that its parser may still tell the length of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameId(u64);

/// A frame as far as it is known.
#[derive(Clone, Copy, Debug)]
struct OpenFrame {
    id: FrameId,
    frame: Frame,
    /// Position of its first byte in the stream.
    start: u64,
    length_bytes: Option<u64>,
    /// Bytes of it that were shown.
    shown_bytes: u64,
}

impl OpenFrame {
    fn end(&self) -> Option<u64> {
        self.length_bytes
            .map(|length| self.start.saturating_add(length))
    }

    fn is_whole(&self, fed: u64) -> bool {
        self.end().is_some_and(|end| end <= fed)
    }
}

/// What is to be inspected of a frame now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramePiece<'a> {
    /// Which kind.
    pub frame: Frame,
    /// Bytes that were not shown before.
    pub bytes: &'a [u8],
    /// Where they begin within the frame.
    pub offset: u64,
    /// Whether the frame ends with them.
    pub is_end: bool,
}

/// One direction.
#[derive(Debug, Default)]
struct SideFrames {
    /// Bytes of the stream that the parser was given, those lost in it among them.
    fed: u64,
    /// Position of the first byte of `window`; the last one is that before `fed`.
    window_start: u64,
    window: Vec<u8>,
    frames: Vec<OpenFrame>,
    /// What frames had before a gap and was not inspected yet.
    cut: Vec<CutPiece>,
    cut_window: Vec<u8>,
    /// Bytes or frames came since the last inspection.
    has_news: bool,
}

/// The end of what a frame had before a gap, in the window that was there then.
#[derive(Clone, Debug)]
struct CutPiece {
    frame: Frame,
    offset: u64,
    range: Range<usize>,
}

impl SideFrames {
    /// Puts aside what frames have that was not inspected: a gap follows.
    fn cut(&mut self) {
        let window = std::mem::take(&mut self.window);
        if !self.cut.is_empty() {
            // Two gaps between two inspections: what lies between them is too little to be worth it.
            return;
        }
        let place = |at: u64| {
            let into = at.saturating_sub(self.window_start);
            usize::try_from(into).map_or(window.len(), |into| into.min(window.len()))
        };
        for frame in &self.frames {
            let from = (frame.start.saturating_add(frame.shown_bytes)).max(self.window_start);
            let to = frame.end().unwrap_or(self.fed);
            let range = place(from)..place(to);
            if !range.is_empty() {
                self.cut.push(CutPiece {
                    frame: frame.frame,
                    offset: from - frame.start,
                    range,
                });
            }
        }
        if !self.cut.is_empty() {
            self.cut_window = window;
            self.has_news = true;
        }
    }

    fn cut_pieces(&self) -> impl Iterator<Item = FramePiece<'_>> {
        self.cut.iter().filter_map(|piece| {
            Some(FramePiece {
                frame: piece.frame,
                bytes: self.cut_window.get(piece.range.clone())?,
                offset: piece.offset,
                is_end: false,
            })
        })
    }

    fn forget_cut(&mut self) {
        self.cut.clear();
        self.cut_window = Vec::new();
    }

    /// Keeps no more bytes than frames still need, and no more than the cap.
    fn trim(&mut self, dropped: &mut u64) {
        let needed = self
            .frames
            .iter()
            .map(|frame| frame.start.saturating_add(frame.shown_bytes))
            .min()
            .unwrap_or(self.fed);
        let cap = u64::try_from(limits::FRAME_WINDOW_BYTES_MAX).unwrap_or(u64::MAX);
        let oldest = self.fed.saturating_sub(cap);
        if oldest > needed.max(self.window_start) {
            *dropped += 1;
        }
        let keep_from = needed.max(oldest).min(self.fed);
        let gone = usize::try_from(keep_from.saturating_sub(self.window_start))
            .unwrap_or(usize::MAX)
            .min(self.window.len());
        if gone == self.window.len() {
            self.window = Vec::new();
            self.window_start = self.fed;
        } else if gone > 0 {
            self.window.drain(..gone);
            self.window_start = keep_from;
        }
    }

    /// What of a frame is due.
    fn piece(&self, frame: &OpenFrame, at_end: bool) -> Option<FramePiece<'_>> {
        let is_whole = frame.is_whole(self.fed);
        if !is_whole {
            let chunk = limits::FRAME_CHUNK_BYTES;
            let is_due = match (frame.length_bytes, at_end) {
                (None, true) => true,
                // The reference holds a position of the stream against one of the frame here.
                (Some(_), true) => self.fed >= frame.shown_bytes.saturating_add(chunk),
                (_, false) => {
                    self.fed >= frame.shown_bytes.saturating_add(chunk)
                        && self.fed.saturating_sub(frame.start) >= chunk
                }
            };
            if !is_due {
                return None;
            }
        }
        let from = frame
            .start
            .saturating_add(frame.shown_bytes)
            .max(self.window_start);
        let to = frame.end().map_or(self.fed, |end| end.min(self.fed));
        let begin = usize::try_from(from.checked_sub(self.window_start)?).ok()?;
        let end = usize::try_from(to.checked_sub(self.window_start)?).ok()?;
        let bytes = self.window.get(begin..end)?;
        (!bytes.is_empty()).then_some(FramePiece {
            frame: frame.frame,
            bytes,
            offset: from - frame.start,
            is_end: is_whole || at_end && frame.length_bytes.is_none(),
        })
    }
}

/// The frames of one flow's parser.
#[derive(Debug, Default)]
pub struct FrameLog {
    wanted: FrameSet,
    sides: [SideFrames; 2],
    next_id: u64,
    dropped: u64,
}

impl FrameLog {
    /// Tells which frames rules ask for; others are not kept.
    pub(super) fn want(&mut self, wanted: FrameSet) {
        self.wanted = wanted;
    }

    /// Whether rules ask for any frame at all, so that it is worth reading on for frames alone.
    pub(super) fn is_wanted(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Reports a frame. `rest` runs from its first byte to the last byte that the parser was given in this direction;
    /// `length_bytes` may be told later.
    pub(super) fn open(
        &mut self,
        direction: Direction,
        frame: Frame,
        rest: &[u8],
        length_bytes: Option<usize>,
    ) -> Option<FrameId> {
        self.open_with_held(direction, frame, (&[], rest), length_bytes)
    }

    /// The same where the parser has put the frame's first bytes aside, before `rest`.
    pub(super) fn open_with_held(
        &mut self,
        direction: Direction,
        frame: Frame,
        (held, rest): (&[u8], &[u8]),
        length_bytes: Option<usize>,
    ) -> Option<FrameId> {
        if !self.wanted.contains(frame) {
            return None;
        }
        let side = &mut self.sides[direction.index()];
        if side.frames.len() >= limits::FRAMES_MAX {
            self.dropped += 1;
            return None;
        }
        let known_bytes = u64::try_from(held.len() + rest.len()).ok()?;
        let start = side.fed.checked_sub(known_bytes)?;
        if side.window.is_empty() || start < side.window_start {
            side.window.clear();
            side.window.extend_from_slice(held);
            side.window.extend_from_slice(rest);
            side.window_start = start;
        }
        let id = FrameId(self.next_id);
        self.next_id += 1;
        side.frames.push(OpenFrame {
            id,
            frame,
            start,
            length_bytes: length_bytes.and_then(|length| u64::try_from(length).ok()),
            shown_bytes: 0,
        });
        side.has_news = true;
        side.trim(&mut self.dropped);
        Some(id)
    }

    /// Tells the end of a frame that was opened without a length: it ends where `rest`, what the parser was given behind
    /// it, begins.
    pub(super) fn close(&mut self, direction: Direction, id: Option<FrameId>, rest: &[u8]) {
        let side = &mut self.sides[direction.index()];
        let end = side
            .fed
            .saturating_sub(u64::try_from(rest.len()).unwrap_or(0));
        if let Some(frame) = side.frames.iter_mut().find(|frame| Some(frame.id) == id) {
            frame.length_bytes = Some(end.saturating_sub(frame.start));
            side.has_news = true;
        }
    }

    /// Forgets a direction's frames: its parser failed, and the reference inspects none of them then.
    pub(super) fn clear(&mut self, direction: Direction) {
        let side = &mut self.sides[direction.index()];
        side.frames.clear();
        side.forget_cut();
        side.trim(&mut self.dropped);
    }

    /// The parser is about to be given these bytes.
    pub(super) fn fed(&mut self, direction: Direction, bytes: &[u8]) {
        let side = &mut self.sides[direction.index()];
        if !side.frames.is_empty() {
            side.window.extend_from_slice(bytes);
        }
        side.fed += bytes.len() as u64;
        side.has_news |= !side.frames.is_empty();
        side.trim(&mut self.dropped);
    }

    /// Bytes of the stream were lost: frames go on behind them.
    pub(super) fn gap(&mut self, direction: Direction, missing_bytes: u64) {
        let side = &mut self.sides[direction.index()];
        side.cut();
        side.fed = side.fed.saturating_add(missing_bytes);
        side.window_start = side.fed;
        for frame in &mut side.frames {
            let lost_to = side.fed.saturating_sub(frame.start);
            frame.shown_bytes = frame.shown_bytes.max(lost_to);
        }
    }

    /// Whether anything is waiting to be inspected in a direction.
    #[cfg(test)]
    fn has_frames(&self, direction: Direction) -> bool {
        let side = &self.sides[direction.index()];
        !(side.frames.is_empty() && side.cut.is_empty())
    }

    /// What is due in a direction. `at_end`: nothing more will come.
    pub fn pieces(
        &self,
        direction: Direction,
        at_end: bool,
    ) -> impl Iterator<Item = FramePiece<'_>> {
        let side = &self.sides[direction.index()];
        let frames = if side.has_news || at_end {
            side.frames.as_slice()
        } else {
            &[]
        };
        let whole = frames
            .iter()
            .filter_map(move |frame| side.piece(frame, at_end));
        side.cut_pieces().chain(whole)
    }

    /// What was due has been inspected.
    pub fn inspected(&mut self, direction: Direction, at_end: bool) {
        let side = &mut self.sides[direction.index()];
        side.forget_cut();
        if side.frames.is_empty() {
            return;
        }
        if side.has_news || at_end {
            for at in 0..side.frames.len() {
                let frame = side.frames[at];
                if let Some(piece) = side.piece(&frame, at_end) {
                    side.frames[at].shown_bytes = piece.offset + piece.bytes.len() as u64;
                }
            }
        }
        side.has_news = false;
        let fed = side.fed;
        side.frames.retain(|frame| !at_end && !frame.is_whole(fed));
        side.trim(&mut self.dropped);
    }

    /// Frames, and bytes of frames, that were given up for want of room since this was last asked.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Bytes held, for the memory budget.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.sides
            .iter()
            .map(|side| {
                side.window.capacity()
                    + side.cut_window.capacity()
                    + side.frames.capacity() * size_of::<OpenFrame>()
                    + side.cut.capacity() * size_of::<CutPiece>()
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    fn log() -> FrameLog {
        let mut log = FrameLog::default();
        let mut wanted = FrameSet::default();
        wanted.insert(Frame::DnsPdu);
        wanted.insert(Frame::Stream);
        log.want(wanted);
        log
    }

    fn due(log: &mut FrameLog, at_end: bool) -> Vec<(Vec<u8>, u64, bool)> {
        let due = log
            .pieces(ToServer, at_end)
            .map(|piece| (piece.bytes.to_vec(), piece.offset, piece.is_end))
            .collect();
        log.inspected(ToServer, at_end);
        due
    }

    #[test]
    fn a_whole_frame_is_shown_once() {
        let mut log = log();
        log.fed(ToServer, b"abcdef");
        log.open(ToServer, Frame::DnsPdu, b"cdef", Some(3));
        assert_eq!(log.open(ToServer, Frame::TlsPdu, b"cdef", Some(3)), None);
        assert_eq!(due(&mut log, false), [(b"cde".to_vec(), 0, true)]);
        assert_eq!(due(&mut log, false), []);
        assert!(!log.has_frames(ToServer) && !log.has_frames(ToClient));
        assert_eq!(
            log.held_bytes(),
            log.sides[0].frames.capacity() * size_of::<OpenFrame>()
        );
    }

    #[test]
    fn a_short_frame_waits_until_it_is_whole() {
        let mut log = log();
        log.fed(ToServer, b"ab");
        log.open(ToServer, Frame::DnsPdu, b"b", Some(4));
        assert_eq!(due(&mut log, false), []);
        log.fed(ToServer, b"cdefg");
        assert_eq!(due(&mut log, false), [(b"bcde".to_vec(), 0, true)]);
    }

    #[test]
    fn a_long_frame_is_shown_while_it_grows() {
        let mut log = log();
        log.fed(ToServer, &[1; 3000]);
        log.open(ToServer, Frame::DnsPdu, &[1; 3000], Some(8000));
        assert_eq!(due(&mut log, false), [(vec![1; 3000], 0, false)]);
        assert_eq!(due(&mut log, false), []);
        log.fed(ToServer, &[2; 6000]);
        assert_eq!(due(&mut log, false), [(vec![2; 5000], 3000, true)]);
    }

    #[test]
    fn a_frame_without_length_ends_when_told_or_with_the_stream() {
        let mut log = log();
        log.fed(ToServer, b"abc");
        let id = log.open(ToServer, Frame::DnsPdu, b"abc", None);
        log.open(ToServer, Frame::Stream, b"abc", None);
        log.fed(ToServer, b"defg");
        log.close(ToServer, id, b"g");
        assert_eq!(due(&mut log, false), [(b"abcdef".to_vec(), 0, true)]);
        assert_eq!(due(&mut log, true), [(b"abcdefg".to_vec(), 0, true)]);
        assert!(!log.has_frames(ToServer));
    }

    #[test]
    fn frames_go_on_behind_a_gap() {
        let mut log = log();
        log.fed(ToServer, b"abc");
        log.open(ToServer, Frame::DnsPdu, b"abc", Some(10));
        log.gap(ToServer, 5);
        log.fed(ToServer, b"ijk");
        assert_eq!(
            due(&mut log, false),
            [(b"abc".to_vec(), 0, false), (b"ij".to_vec(), 8, true)]
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut log = log();
        for _ in 0..=limits::FRAMES_MAX {
            log.fed(ToServer, b"a");
            log.open(ToServer, Frame::DnsPdu, b"a", None);
        }
        assert_eq!(log.take_dropped(), 1);
        log.fed(ToServer, &vec![0; limits::FRAME_WINDOW_BYTES_MAX]);
        assert!(log.sides[0].window.len() <= limits::FRAME_WINDOW_BYTES_MAX);
        assert_eq!(log.take_dropped(), 1);
    }
}
