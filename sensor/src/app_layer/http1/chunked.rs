//! The chunked transfer coding as tolerant peers read it (RFC 9112, section 7.1).

use super::text::hex_digit;

/// What a look at the start of a chunk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkLine {
    /// More bytes are needed.
    Incomplete,
    /// The line is blank; it is passed over.
    Blank { line_bytes: usize },
    /// A chunk of `length` bytes follows.
    Length {
        line_bytes: usize,
        length: u64,
        extension: bool,
    },
    /// This is not a chunk length.
    Invalid { line_bytes: usize },
}

/// Blank and control characters that may stand before a length.
fn is_filler(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0x0b | 0x0c)
}

/// Bytes after which a line that does not begin like a length is given up, even without a line end.
const PROBE_BYTES: usize = 8;

/// Judges the chunk length line at the start of `bytes`.
pub(super) fn chunk_line(bytes: &[u8]) -> ChunkLine {
    let line_bytes = match memchr::memchr(b'\n', bytes) {
        Some(end) => end + 1,
        None => bytes.len(),
    };
    let line = &bytes[..line_bytes];
    let first = line.iter().position(|&byte| !is_filler(byte));
    if let Some(first) = first
        && hex_digit(line[first]).is_none()
        && line_bytes >= PROBE_BYTES
    {
        return ChunkLine::Invalid { line_bytes };
    }
    if line.last() != Some(&b'\n') {
        return ChunkLine::Incomplete;
    }
    let Some(first) = first else {
        return ChunkLine::Blank { line_bytes };
    };
    let mut length = 0u64;
    let mut digits = 0usize;
    for digit in line[first..].iter().map_while(|&byte| hex_digit(byte)) {
        length = length.saturating_mul(16).saturating_add(u64::from(digit));
        digits += 1;
    }
    if digits == 0 || length > u64::from(i32::MAX.unsigned_abs()) {
        return ChunkLine::Invalid { line_bytes };
    }
    ChunkLine::Length {
        line_bytes,
        length,
        extension: line[first + digits..].contains(&b';'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_with_what_stands_around_them() {
        let length = |line: &[u8]| match chunk_line(line) {
            ChunkLine::Length { length, .. } => Some(length),
            _ => None,
        };
        assert_eq!(length(b"1f\r\n"), Some(0x1f));
        assert_eq!(length(b" \t1F ;x=y\r\n"), Some(0x1f));
        assert_eq!(length(b"0000\n"), Some(0));
        assert_eq!(length(b"5 junk\r\n"), Some(5));
        assert_eq!(chunk_line(b"\r\n"), ChunkLine::Blank { line_bytes: 2 });
        assert_eq!(chunk_line(b"5\r"), ChunkLine::Incomplete);
        assert!(matches!(
            chunk_line(b"ffffffffffff\r\n"),
            ChunkLine::Invalid { .. }
        ));
        assert!(matches!(
            chunk_line(b"not a length"),
            ChunkLine::Invalid { .. }
        ));
        assert_eq!(chunk_line(b"zz"), ChunkLine::Incomplete);
    }
}
