//! Content codings: gzip and deflate, whichever of the two a server really sent, up to two layers; for HTTP/2 also brotli.
//!
//! In HTTP/1 brotli and LZMA stay as they are, as with the reference's settings.

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter as BrotliWriter;
use flate2::{Crc, Decompress, FlushDecompress, Status};

use crate::app_layer::limits;

/// How a gzip member begins (RFC 1952, section 2.3.1).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
/// Checksum and length behind a gzip member (RFC 1952, section 2.3.1).
const GZIP_TRAILER_BYTES: usize = 8;
/// Bytes taken out of a decoder at a time.
const STEP_BYTES: usize = 8 * 1024;

/// What a server may announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app_layer) enum Format {
    Gzip,
    Deflate,
    Brotli,
}

/// One layer.
enum Layer {
    /// The header of the format is not complete.
    Header {
        announced: Format,
        held: Vec<u8>,
    },
    /// Decoding; `undecoded` is what went in while nothing came out.
    Inflate {
        inflate: Box<Decompress>,
        undecoded: Vec<u8>,
        produced: bool,
        /// Of what came out, where a gzip trailer will tell it.
        checksum: Option<Box<Crc>>,
    },
    /// What a gzip trailer must say, and what of it came.
    Trailer {
        expected: [u8; GZIP_TRAILER_BYTES],
        held: heapless::Vec<u8, GZIP_TRAILER_BYTES>,
    },
    Brotli(Box<BrotliWriter<Produced>>),
    /// Nothing that decodes: the bytes pass as they are.
    Pass,
    /// The format's end, or an error behind its beginning: what follows is nothing.
    Done,
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header { .. } => "Header",
            Self::Inflate { .. } => "Inflate",
            Self::Trailer { .. } => "Trailer",
            Self::Brotli(_) => "Brotli",
            Self::Pass => "Pass",
            Self::Done => "Done",
        })
    }
}

/// What decoding ran into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app_layer) struct Trouble {
    pub(in crate::app_layer) failed: bool,
    pub(in crate::app_layer) bomb: bool,
}

/// The layers of one body, outermost first.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    layers: Vec<Layer>,
    produced_bytes: u64,
    trouble: Trouble,
}

/// What a `Content-Encoding` value asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app_layer) struct Codings {
    /// Outermost first.
    pub(in crate::app_layer) layers: heapless::Vec<Format, { limits::HTTP_CODING_LAYERS_MAX }>,
    pub(in crate::app_layer) too_many: bool,
    pub(in crate::app_layer) abnormal: bool,
}

/// Reads a `Content-Encoding` value: a list, the last coding was applied last.
pub(super) fn codings(value: &[u8]) -> Codings {
    let mut codings = Codings::default();
    let tokens = value
        .split(|byte| matches!(byte, b',' | b' '))
        .filter(|token| !token.is_empty());
    for (position, token) in tokens.enumerate() {
        if position >= limits::HTTP_CODING_LAYERS_MAX {
            codings.too_many = true;
            break;
        }
        let token: Vec<u8> = token
            .iter()
            .filter(|&&byte| byte != 0)
            .map(u8::to_ascii_lowercase)
            .collect();
        let plain = matches!(&token[..], b"gzip" | b"x-gzip" | b"deflate" | b"x-deflate");
        // LZMA is known, and left as it is.
        if &token[..] == b"lzma" {
            continue;
        }
        let holds = |name: &[u8]| memchr::memmem::find(&token, name).is_some();
        let format = match (holds(b"gzip"), holds(b"deflate")) {
            (true, _) => Some(Format::Gzip),
            (_, true) => Some(Format::Deflate),
            (false, false) => None,
        };
        if let Some(format) = format {
            codings.layers.push(format).ok();
            codings.abnormal |= !plain;
        } else if &token[..] != b"inflate" {
            codings.abnormal = true;
        }
    }
    codings
}

/// Reads the `Content-Encoding` of a request: as in the reference one coding, exactly as it is named, or none at all.
pub(super) fn request_codings(value: &[u8]) -> Codings {
    let name: Vec<u8> = value
        .iter()
        .filter(|&&byte| byte != 0)
        .map(u8::to_ascii_lowercase)
        .collect();
    let format = match &name[..] {
        b"gzip" | b"x-gzip" => Some(Format::Gzip),
        b"deflate" | b"x-deflate" => Some(Format::Deflate),
        _ => None,
    };
    Codings {
        layers: format.into_iter().collect(),
        ..Codings::default()
    }
}

impl Decoder {
    pub(super) fn new(layers: &[Format]) -> Self {
        Self {
            layers: layers
                .iter()
                .map(|&announced| match announced {
                    Format::Brotli => {
                        Layer::Brotli(Box::new(BrotliWriter::new(Produced::default(), STEP_BYTES)))
                    }
                    Format::Gzip | Format::Deflate => Layer::Header {
                        announced,
                        held: Vec::new(),
                    },
                })
                .collect(),
            ..Self::default()
        }
    }

    pub(super) fn trouble(&self) -> Trouble {
        self.trouble
    }

    pub(super) fn held_bytes(&self) -> usize {
        // A decoder's window and tables are about 44 KiB.
        self.layers
            .iter()
            .map(|layer| match layer {
                Layer::Header { held, .. } => held.capacity(),
                Layer::Inflate { undecoded, .. } => undecoded.capacity() + 44 * 1024,
                // Its window is touched as far as bytes came out, which are few where no more than a limit is kept.
                Layer::Brotli(_) => STEP_BYTES + 64 * 1024 + limits::HTTP_BODY_BYTES_MAX,
                Layer::Trailer { .. } | Layer::Pass | Layer::Done => 0,
            })
            .sum()
    }

    /// Decodes the next bytes; `sink` gets what comes out and says whether it wants more.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8]) -> bool) {
        let Self {
            layers,
            produced_bytes,
            trouble,
        } = self;
        run(layers, bytes, produced_bytes, trouble, sink);
    }
}

fn run(
    layers: &mut [Layer],
    bytes: &[u8],
    produced: &mut u64,
    trouble: &mut Trouble,
    sink: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let Some((layer, inner)) = layers.split_first_mut() else {
        return sink(bytes);
    };
    if let Layer::Header { announced, held } = layer {
        held.extend_from_slice(bytes);
        let Some(header_bytes) = header(held) else {
            if held.len() > limits::HTTP_UNDECODED_BYTES_MAX {
                trouble.failed = true;
                let held = std::mem::take(held);
                *layer = Layer::Pass;
                return run(inner, &held, produced, trouble, sink);
            }
            return true;
        };
        // Told where another format came than was announced, and decoded all the same.
        trouble.failed |= match announced {
            Format::Gzip => !held.starts_with(GZIP_MAGIC),
            Format::Deflate => header_bytes > 0,
            Format::Brotli => false,
        };
        let held = std::mem::take(held);
        *layer = Layer::Inflate {
            inflate: Box::new(Decompress::new(false)),
            undecoded: held[..header_bytes].to_vec(),
            produced: false,
            checksum: held.starts_with(GZIP_MAGIC).then(Box::default),
        };
        return inflate(layer, inner, &held[header_bytes..], produced, trouble, sink);
    }
    match layer {
        Layer::Inflate { .. } => inflate(layer, inner, bytes, produced, trouble, sink),
        Layer::Brotli(_) => brotli(layer, inner, bytes, produced, trouble, sink),
        Layer::Trailer { .. } => trailer(layer, bytes, trouble),
        Layer::Pass => run(inner, bytes, produced, trouble, sink),
        Layer::Done | Layer::Header { .. } => true,
    }
}

fn inflate(
    layer: &mut Layer,
    inner: &mut [Layer],
    bytes: &[u8],
    total: &mut u64,
    trouble: &mut Trouble,
    sink: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let Layer::Inflate {
        inflate,
        undecoded,
        produced,
        checksum,
    } = layer
    else {
        return true;
    };
    let mut rest = bytes;
    if !*produced {
        undecoded.extend_from_slice(bytes);
    }
    let mut output = [0u8; STEP_BYTES];
    loop {
        let before = (inflate.total_in(), inflate.total_out());
        let result = inflate.decompress(rest, &mut output, FlushDecompress::None);
        let taken = usize::try_from(inflate.total_in() - before.0).unwrap_or(rest.len());
        let given = usize::try_from(inflate.total_out() - before.1).unwrap_or(0);
        rest = &rest[taken.min(rest.len())..];
        if given > 0 {
            *produced = true;
            *undecoded = Vec::new();
            if let Some(checksum) = checksum {
                checksum.update(&output[..given]);
            }
            *total += u64::try_from(given).unwrap_or(u64::MAX);
            let wanted = run(inner, &output[..given], total, trouble, sink);
            if *total > limits::HTTP_DECODED_BYTES_MAX {
                trouble.bomb = true;
            }
            if !wanted || trouble.bomb {
                *layer = Layer::Done;
                return false;
            }
        }
        let failed = match result {
            Ok(Status::StreamEnd) => {
                let Some(checksum) = checksum else {
                    *layer = Layer::Done;
                    return true;
                };
                let [sum, length] = [checksum.sum(), checksum.amount()].map(u32::to_le_bytes);
                let mut expected = [0; GZIP_TRAILER_BYTES];
                expected[..4].copy_from_slice(&sum);
                expected[4..].copy_from_slice(&length);
                *layer = Layer::Trailer {
                    expected,
                    held: heapless::Vec::new(),
                };
                return trailer(layer, rest, trouble);
            }
            Ok(Status::Ok | Status::BufError) => {
                !*produced && undecoded.len() > limits::HTTP_UNDECODED_BYTES_MAX
            }
            Err(_) => true,
        };
        if failed {
            trouble.failed = true;
            let raw = std::mem::take(undecoded);
            let nothing_came_out = !*produced;
            *layer = if nothing_came_out {
                Layer::Pass
            } else {
                Layer::Done
            };
            return !nothing_came_out || run(inner, &raw, total, trouble, sink);
        }
        if given < STEP_BYTES && (rest.is_empty() || (taken == 0 && given == 0)) {
            return true;
        }
    }
}

/// Takes bytes of a gzip trailer. What came out before it stays, whatever it says.
fn trailer(layer: &mut Layer, bytes: &[u8], trouble: &mut Trouble) -> bool {
    if let Layer::Trailer { expected, held } = layer {
        held.extend(bytes.iter().take(GZIP_TRAILER_BYTES - held.len()).copied());
        trouble.failed |= held.is_full() && held[..] != expected[..];
    }
    true
}

/// What came out of a brotli decoder and was not handed on yet: so much of it at a time, and no more than a bomb may have in all.
#[derive(Default)]
struct Produced {
    bytes: Vec<u8>,
    total: u64,
}

impl Write for Produced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.total += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // What is kept of a body is full long before.
        if self.bytes.len() + bytes.len() > limits::HTTP_BODY_BYTES_MAX + STEP_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn brotli(
    layer: &mut Layer,
    inner: &mut [Layer],
    bytes: &[u8],
    total: &mut u64,
    trouble: &mut Trouble,
    sink: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let Layer::Brotli(writer) = layer else {
        return true;
    };
    let result = writer.write_all(bytes);
    let produced = std::mem::take(&mut writer.get_mut().bytes);
    *total += u64::try_from(produced.len()).unwrap_or(u64::MAX);
    let wanted = produced.is_empty() || run(inner, &produced, total, trouble, sink);
    trouble.bomb |= *total > limits::HTTP_DECODED_BYTES_MAX;
    match result {
        Ok(()) if wanted && !trouble.bomb => return true,
        // Behind the end of the coding nothing is taken any more.
        Err(error) if error.kind() == io::ErrorKind::StorageFull || writer.get_mut().total > 0 => {}
        Err(_) => trouble.failed = true,
        Ok(()) => {}
    }
    *layer = Layer::Done;
    wanted
}

/// Bytes of the header in front of raw deflate data: gzip (RFC 1952), zlib (RFC 1950) or none; `None` asks for more.
fn header(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < 2 {
        return None;
    }
    if bytes.starts_with(GZIP_MAGIC) {
        return gzip_header(bytes);
    }
    let zlib = bytes[0] & 0x0f == 8
        && bytes[0] >> 4 <= 7
        && (u16::from(bytes[0]) << 8 | u16::from(bytes[1])).is_multiple_of(31);
    Some(if zlib { 2 } else { 0 })
}

fn gzip_header(bytes: &[u8]) -> Option<usize> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const CHECKSUM: u8 = 2;
    let flags = *bytes.get(3)?;
    let mut at = 10;
    if flags & EXTRA != 0 {
        let low = usize::from(*bytes.get(at)?);
        let high = usize::from(*bytes.get(at + 1)?);
        at += 2 + (high << 8 | low);
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            at += bytes.get(at..)?.iter().position(|&byte| byte == 0)? + 1;
        }
    }
    if flags & CHECKSUM != 0 {
        at += 2;
    }
    (bytes.len() >= at).then_some(at)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write};

    use super::*;

    fn decode(layers: usize, pieces: &[&[u8]]) -> (Vec<u8>, Trouble) {
        decode_as(&vec![Format::Gzip; layers], pieces)
    }

    fn decode_as(layers: &[Format], pieces: &[&[u8]]) -> (Vec<u8>, Trouble) {
        let mut decoder = Decoder::new(layers);
        let mut out = Vec::new();
        for piece in pieces {
            decoder.push(piece, &mut |bytes| {
                out.extend_from_slice(bytes);
                true
            });
        }
        (out, decoder.trouble())
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = write::GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_form_decodes_whatever_was_announced() {
        let text = b"a text that repeats, a text that repeats".repeat(20);
        let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text).unwrap();
        let mut raw = write::DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&text).unwrap();
        for packed in [gzip(&text), zlib.finish().unwrap(), raw.finish().unwrap()] {
            assert_eq!(decode(1, &[&packed]).0, text);
            let single: Vec<&[u8]> = packed.chunks(1).collect();
            assert_eq!(decode(1, &single).0, text);
        }
        assert_eq!(decode(2, &[&gzip(&gzip(&text))]).0, text);
    }

    #[test]
    fn what_does_not_decode_is_shown_as_it_is() {
        let text = b"this is not compressed at all";
        let (out, trouble) = decode(1, &[text]);
        assert_eq!(out, text);
        assert!(trouble.failed);
    }

    #[test]
    fn a_wrong_trailer_is_told_and_takes_nothing_back() {
        let text = b"what came out before the trailer";
        for (behind_end, failed) in [(1, true), (8, true), (9, false)] {
            let mut packed = gzip(text);
            let at = packed.len() - behind_end;
            packed[at] ^= u8::from(failed);
            let single: Vec<&[u8]> = packed.chunks(1).collect();
            for pieces in [&[&packed[..]][..], &single] {
                let (out, trouble) = decode(1, pieces);
                assert_eq!(
                    (&out[..], trouble.failed),
                    (&text[..], failed),
                    "{behind_end}"
                );
            }
            let (_, cut) = decode(1, &[&packed[..packed.len() - 1]]);
            assert!(!cut.failed, "a trailer that does not come says nothing");
        }
    }

    #[test]
    fn brotli_decodes_in_any_cuts_and_says_where_it_does_not() {
        let packed = hex::decode("0b028068656c6c6f03").unwrap();
        let brotli = &[Format::Brotli];
        assert_eq!(
            decode_as(brotli, &[&packed]),
            (b"hello".to_vec(), Trouble::default())
        );
        let single: Vec<&[u8]> = packed.chunks(1).collect();
        assert_eq!(decode_as(brotli, &single).0, b"hello");
        let (behind, trouble) = decode_as(brotli, &[&packed, b"and more"]);
        assert_eq!((behind, trouble), (b"hello".to_vec(), Trouble::default()));
        assert!(decode_as(brotli, &[b"not brotli at all"]).1.failed);
    }

    #[test]
    fn a_bomb_is_cut() {
        let packed = gzip(&vec![0u8; 20 * 1024 * 1024]);
        let (out, trouble) = decode(1, &[&packed]);
        assert!(trouble.bomb);
        assert!(out.len() < 9 * 1024 * 1024);
    }

    #[test]
    fn lists_of_codings_are_read() {
        assert_eq!(codings(b"gzip").layers, [Format::Gzip]);
        assert_eq!(
            codings(b"GZIP, def\0late").layers,
            [Format::Gzip, Format::Deflate]
        );
        assert!(codings(b"gzip, gzip, gzip").too_many);
        assert!(codings(b"foogzip").abnormal);
        assert!(codings(b"br").layers.is_empty());
    }
}
