//! Deltas: which records differ between two canonical packs, and what the new ones say.
//!
//! Bodies are compressed against a *context* that both ends have, made of records of the old pack. In the order in which
//! they stand in it: every [`SAMPLE_STEP`]-th record, so that what is common to many rules is there; then for each record that
//! differs its [`NEIGHBOURS`] nearest on both sides by key and, if the old pack has it, itself. Each record stands in it at
//! most once a part, and it ends with the first record that would make it longer than [`CONTEXT_BYTES`].

use std::io::{self, Write};

use sha2::{Digest, Sha256};
use zstd::zstd_safe::{CCtx, CParameter, DCtx};

use super::{
    super::{
        bytes::{Cursor, Decoded, field_u32, field_u64, put_number, to_usize},
        format::VERSION,
        writer::put_u32s,
    },
    CANONICAL_HEADER_BYTES, CanonicalError, CanonicalPack, DELTA_HEADER_BYTES, DELTA_MAGIC,
    DIGEST_COVERS_FROM,
    file::{Record, check_header_prefix},
    writer::put_record,
};
use crate::limits;

/// Records that stand for the whole old pack: one in so many.
const SAMPLE_STEP: usize = 64;
/// Records on each side of a changed one.
const NEIGHBOURS: usize = 4;
/// Most bytes of context.
const CONTEXT_BYTES: usize = 2 << 20;
/// zstd level: deltas are made once and sent often.
const LEVEL: i32 = 19;

/// What happens to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change<'a> {
    key: &'a [u8],
    /// `None`: it is gone.
    body: Option<&'a [u8]>,
}

/// The delta that leads from `old` to `new`.
///
/// # Errors
/// [`CanonicalError::DeltaTooLarge`] where the full pack should be sent instead.
pub fn make_delta(old: &CanonicalPack, new: &CanonicalPack) -> Result<Vec<u8>, CanonicalError> {
    let changes = changes(old, new);
    let (mut keys, mut bodies) = (Vec::new(), Vec::new());
    let mut key_before: &[u8] = &[];
    for change in &changes {
        let shared = shared_prefix(key_before, change.key);
        let rest = change.key.get(shared..).unwrap_or_default();
        keys.push(u8::from(change.body.is_some()));
        put_number(&mut keys, shared as u64);
        put_number(&mut keys, rest.len() as u64);
        keys.extend_from_slice(rest);
        if let Some(body) = change.body {
            put_number(&mut bodies, body.len() as u64);
            bodies.extend_from_slice(body);
        }
        key_before = change.key;
    }
    let context = context(old, changes.iter().map(|change| change.key));
    let compressed_keys = compress(&keys, &[])?;
    let compressed_bodies = compress(&bodies, &context)?;
    let mut delta = Vec::with_capacity(DELTA_HEADER_BYTES);
    delta.extend_from_slice(&DELTA_MAGIC);
    let lengths = [compressed_keys.len(), keys.len(), bodies.len()];
    put_u32s(&mut delta, [VERSION]);
    put_u32s(
        &mut delta,
        lengths.map(|length| u32::try_from(length).unwrap_or(u32::MAX)),
    );
    delta.extend_from_slice(old.digest());
    delta.extend_from_slice(
        new.bytes()
            .get(..CANONICAL_HEADER_BYTES)
            .unwrap_or_default(),
    );
    delta.extend_from_slice(&compressed_keys);
    delta.extend_from_slice(&compressed_bodies);
    Ok(delta)
}

/// Records that differ, in order of key.
fn changes<'a>(old: &'a CanonicalPack, new: &'a CanonicalPack) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    let (mut before, mut after) = (old.records().peekable(), new.records().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return changes,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(before), Some(after)) => before.key.cmp(after.key),
        };
        let gone = if order.is_le() { before.next() } else { None };
        let come = if order.is_ge() { after.next() } else { None };
        if gone != come
            && let Some(record) = come.or(gone)
        {
            changes.push(Change {
                key: record.key,
                body: come.map(|record| record.body),
            });
        }
    }
}

fn shared_prefix(before: &[u8], key: &[u8]) -> usize {
    before.iter().zip(key).take_while(|(a, b)| a == b).count()
}

/// What bodies are compressed against.
fn context<'k>(old: &CanonicalPack, keys: impl Iterator<Item = &'k [u8]>) -> Vec<u8> {
    let mut context = Vec::new();
    let mut add = |index: usize| -> bool {
        let Some(record) = old.record(index) else {
            return true;
        };
        if context.len() + record.body.len() > CONTEXT_BYTES {
            return false;
        }
        context.extend_from_slice(record.body);
        true
    };
    for index in (0..old.record_count()).step_by(SAMPLE_STEP) {
        if !add(index) {
            return context;
        }
    }
    let mut next = 0;
    for key in keys {
        let place = old.lower_bound(key);
        let first = next.max(place.saturating_sub(NEIGHBOURS));
        next = next.max(place.saturating_add(NEIGHBOURS + 1).min(old.record_count()));
        for index in first..next {
            if !add(index) {
                return context;
            }
        }
    }
    context
}

fn zstd_error(code: usize) -> CanonicalError {
    CanonicalError::Write(io::Error::other(zstd::zstd_safe::get_error_name(code)))
}

fn compress(bytes: &[u8], context: &[u8]) -> Result<Vec<u8>, CanonicalError> {
    if bytes.len() as u64 > u64::from(limits::DELTA_BYTES) {
        return Err(CanonicalError::DeltaTooLarge {
            bytes: bytes.len() as u64,
            limit: u64::from(limits::DELTA_BYTES),
        });
    }
    let whole = (bytes.len() + context.len()).max(1 << 10);
    let mut encoder = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::WindowLog(whole.next_power_of_two().ilog2()),
        CParameter::ContentSizeFlag(false),
        CParameter::ChecksumFlag(false),
    ] {
        encoder.set_parameter(parameter).map_err(zstd_error)?;
    }
    encoder.ref_prefix(context).map_err(zstd_error)?;
    let mut out = Vec::with_capacity(zstd::zstd_safe::compress_bound(bytes.len()));
    encoder.compress2(&mut out, bytes).map_err(zstd_error)?;
    Ok(out)
}

/// Exactly `length` bytes from one frame.
fn decompress(frame: &[u8], length: u32, context: &[u8]) -> Result<Vec<u8>, CanonicalError> {
    if length > limits::DELTA_BYTES {
        return Err(CanonicalError::DeltaTooLarge {
            bytes: u64::from(length),
            limit: u64::from(limits::DELTA_BYTES),
        });
    }
    let damaged = |_| CanonicalError::damaged("its compressed part cannot be read");
    let mut decoder = DCtx::create();
    decoder.ref_prefix(context).map_err(damaged)?;
    let mut out = Vec::with_capacity(to_usize(length));
    let found = decoder.decompress(&mut out, frame).map_err(damaged)?;
    if found != to_usize(length) || out.len() != found {
        return Err(CanonicalError::damaged(
            "its compressed part has another length",
        ));
    }
    Ok(out)
}

/// A delta's fixed part, checked.
struct DeltaHeader<'d> {
    key_bytes: u32,
    body_bytes: u32,
    new_header: &'d [u8; CANONICAL_HEADER_BYTES],
    compressed_keys: &'d [u8],
    compressed_bodies: &'d [u8],
}

fn read_header<'d>(
    old: &CanonicalPack,
    delta: &'d [u8],
) -> Result<DeltaHeader<'d>, CanonicalError> {
    if !delta.starts_with(&DELTA_MAGIC) {
        return Err(CanonicalError::NotADelta);
    }
    let version = field_u32(delta, 8);
    if delta.len() >= 12 && version != VERSION {
        return Err(CanonicalError::ForeignVersion { found: version });
    }
    let keys_end = DELTA_HEADER_BYTES.saturating_add(to_usize(field_u32(delta, 12)));
    let (Some(compressed_keys), Some(compressed_bodies), Some(new_header)) = (
        delta.get(DELTA_HEADER_BYTES..keys_end),
        delta.get(keys_end..),
        delta.get(56..).and_then(|rest| rest.first_chunk()),
    ) else {
        return Err(CanonicalError::WrongLength {
            found: delta.len() as u64,
            expected: keys_end as u64,
        });
    };
    let expected = delta.get(24..56).unwrap_or_default();
    if expected != old.digest() {
        return Err(CanonicalError::ForeignDelta {
            expected: hex::encode(expected),
            found: hex::encode(old.digest()),
        });
    }
    check_header_prefix(new_header)?;
    Ok(DeltaHeader {
        key_bytes: field_u32(delta, 16),
        body_bytes: field_u32(delta, 20),
        new_header,
        compressed_keys,
        compressed_bodies,
    })
}

/// Writes the canonical pack that a delta leads to from `old`. Unless this succeeds, what was written is to be thrown away.
///
/// # Errors
/// One [`CanonicalError`]: the delta is damaged or starts from another pack, or the result is not the pack it names.
pub fn apply_delta(
    old: &CanonicalPack,
    delta: &[u8],
    out: &mut impl Write,
) -> Result<(), CanonicalError> {
    let header = read_header(old, delta)?;
    let keys = read_keys(&decompress(header.compressed_keys, header.key_bytes, &[])?)?;
    let context = context(old, keys.iter().map(|(key, _)| key.as_slice()));
    let bodies = decompress(header.compressed_bodies, header.body_bytes, &context)?;
    let mut sink = Sink::new(out, header.new_header)?;
    let mut bodies = Cursor::new(&bodies);
    let mut position = 0;
    for (key, is_there) in &keys {
        let place = old.lower_bound(key);
        sink.copy(old, position..place)?;
        let replaces = old.record(place).is_some_and(|record| record.key == key);
        position = place + usize::from(replaces);
        if *is_there {
            let body = bodies
                .bytes_within(limits::CANONICAL_BODY_BYTES)
                .map_err(|_| CanonicalError::damaged("a record is cut off"))?;
            sink.record(Record { key, body })?;
        }
    }
    sink.copy(old, position..old.record_count())?;
    sink.finish(header.new_header)
}

/// Each key, and whether the record is there afterwards.
fn read_keys(bytes: &[u8]) -> Result<Vec<(Vec<u8>, bool)>, CanonicalError> {
    let mut cursor = Cursor::new(bytes);
    let mut keys: Vec<(Vec<u8>, bool)> = Vec::new();
    while !cursor.is_empty() {
        let before = keys.last().map_or(&[][..], |(key, _)| key.as_slice());
        let (kind, shared, rest) =
            read_key(&mut cursor).map_err(|_| CanonicalError::damaged("a key is cut off"))?;
        let (Some(shared), 0 | 1) = (before.get(..to_usize(shared)), kind) else {
            return Err(CanonicalError::damaged("a key is not as it should be"));
        };
        let key = [shared, rest].concat();
        if key.as_slice() <= before {
            return Err(CanonicalError::damaged("its keys are out of order"));
        }
        keys.push((key, kind == 1));
    }
    Ok(keys)
}

fn read_key<'a>(cursor: &mut Cursor<'a>) -> Decoded<(u8, u32, &'a [u8])> {
    let kind = cursor.byte()?;
    let shared = cursor.count(limits::CANONICAL_KEY_BYTES)?;
    let rest = cursor.bytes_within(limits::CANONICAL_KEY_BYTES)?;
    Ok((kind, shared, rest))
}

/// The new canonical pack on its way out.
struct Sink<'w, W> {
    out: &'w mut W,
    hasher: Sha256,
    written: u64,
    buffer: Vec<u8>,
}

impl<'w, W: Write> Sink<'w, W> {
    fn new(out: &'w mut W, header: &[u8]) -> Result<Self, CanonicalError> {
        let mut sink = Self {
            out,
            hasher: Sha256::new(),
            written: 0,
            buffer: Vec::new(),
        };
        let (before, covered) = header
            .split_at_checked(DIGEST_COVERS_FROM)
            .unwrap_or_default();
        sink.out.write_all(before).map_err(CanonicalError::Write)?;
        sink.written += before.len() as u64;
        sink.put(covered)?;
        Ok(sink)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), CanonicalError> {
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        self.out.write_all(bytes).map_err(CanonicalError::Write)
    }

    fn record(&mut self, record: Record<'_>) -> Result<(), CanonicalError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        put_record(&mut buffer, record);
        let result = self.put(&buffer);
        self.buffer = buffer;
        result
    }

    fn copy(
        &mut self,
        old: &CanonicalPack,
        records: std::ops::Range<usize>,
    ) -> Result<(), CanonicalError> {
        self.put(old.bytes_of(records))
    }

    /// Holds what was written against what the header says.
    fn finish(self, header: &[u8]) -> Result<(), CanonicalError> {
        let length = field_u64(header, 16);
        let digest = self.hasher.finalize();
        if self.written == length && header.get(24..DIGEST_COVERS_FROM) == Some(digest.as_slice()) {
            Ok(())
        } else {
            Err(CanonicalError::WrongResult)
        }
    }
}
