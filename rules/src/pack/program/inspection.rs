//! Inspections, as items of a program: number of the buffer, number of the frame where the buffer is `frame`, number of transforms, transforms, number of matches, matches.
//!
//! | tag | match | fields |
//! |---|---|---|
//! | 1 | content | bits (1 nocase, 2 negated, 4 starts with, 8 ends with, 16 relative, 32 followed by relative), byte string, offset or distance, depth or within (may be none) |
//! | 2 | regex | regex number, bits (1 relative, 2 negated, 4 followed by relative, 8 captures follow), number of captures, group, scope and variable of each |
//! | 3 | byte test | bytes, negated, comparison, value |
//! | 4 | byte jump | bytes, multiplier, align, origin, post offset |
//! | 5 | byte extract | bytes, variable, multiplier, align |
//! | 6 | byte math | bytes, operator, value, variable |
//! | 7 | is data at | offset, bits (1 relative, 2 negated) |
//! | 8 | buffer size | range |
//! | 9 | base64 decode | bytes, offset, relative |
//! | 10 | asn1 | bits (1 relative, 2 bit string overflow, 4 double overflow, 8 oversize length follows), offset (signed), oversize length |
//! | 11 | in list | list, action |
//! | 12 | reputation | list, range |
//!
//! Transforms: 1 dotprefix, 2 strip_whitespace, 3 compress_whitespace, 4 to_lowercase, 5 to_uppercase, 6 url_decode, 7 to_md5,
//! 8 to_sha1, 9 to_sha256, 10 header_lowercase, 11 strip_pseudo_headers, 12 xor with its key (byte string), 13 first capture of a
//! regex (number).

use super::{
    super::bytes::{Cursor, Decoded, Malformed, put_number, put_signed},
    Encoder, Item, Numbered, Tables,
    condition::{bit_number, variable_scope},
    operand::{
        bytes_spec, flag, operand, optional_operand, put_bytes_spec, put_operand,
        put_optional_operand, put_range, range, variable,
    },
};
use crate::{
    limits,
    model::{
        Anchor, Asn1, Asn1Start, Base64Decode, Buffer, ByteExtract, ByteJump, ByteMath, ByteTest,
        Capture, Comparison, Content, Frame, Inspection, IsDataAt, JumpOrigin, ListId, Match,
        RegexUse, SetAction, Transform,
    },
};

impl<'a> Item<'a> for Inspection<'a> {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.out.push(self.buffer as u8);
        if let Some(frame) = self.frame {
            encoder.out.push(frame as u8);
        }
        put_number(&mut encoder.out, self.transforms.len() as u64);
        for transform in &self.transforms {
            transform.encode(encoder);
        }
        put_number(&mut encoder.out, self.matches.len() as u64);
        for item in &self.matches {
            item.encode(encoder);
        }
    }

    fn decode(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Self> {
        let buffer = Buffer::from_number(cursor.byte()?)
            .ok_or(Malformed("a program names an unknown buffer"))?;
        let frame = match buffer {
            Buffer::Frame => Some(
                Frame::from_number(cursor.byte()?)
                    .ok_or(Malformed("a program names an unknown frame"))?,
            ),
            _ => None,
        };
        let transforms = list(cursor, tables)?;
        let matches = list(cursor, tables)?;
        Ok(Self {
            buffer,
            frame,
            transforms,
            matches,
        })
    }
}

fn list<'a, T: Item<'a>>(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Vec<T>> {
    let count = cursor.count(limits::PROGRAM_LIST_ITEMS)?;
    (0..count).map(|_| T::decode(cursor, tables)).collect()
}

impl<'a> Item<'a> for Transform<'a> {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        let tag = match self {
            Self::DotPrefix => 1,
            Self::StripWhitespace => 2,
            Self::CompressWhitespace => 3,
            Self::ToLowercase => 4,
            Self::ToUppercase => 5,
            Self::UrlDecode => 6,
            Self::ToMd5 => 7,
            Self::ToSha1 => 8,
            Self::ToSha256 => 9,
            Self::HeaderLowercase => 10,
            Self::StripPseudoHeaders => 11,
            Self::Xor(_) => 12,
            Self::FirstCapture(_) => 13,
        };
        encoder.out.push(tag);
        match self {
            Self::Xor(key) => {
                let id = encoder.byte_strings.bytes(key);
                put_number(&mut encoder.out, u64::from(id));
            }
            Self::FirstCapture(regex) => put_number(&mut encoder.out, u64::from(*regex)),
            _ => {}
        }
    }

    fn decode(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Self> {
        Ok(match cursor.byte()? {
            1 => Self::DotPrefix,
            2 => Self::StripWhitespace,
            3 => Self::CompressWhitespace,
            4 => Self::ToLowercase,
            5 => Self::ToUppercase,
            6 => Self::UrlDecode,
            7 => Self::ToMd5,
            8 => Self::ToSha1,
            9 => Self::ToSha256,
            10 => Self::HeaderLowercase,
            11 => Self::StripPseudoHeaders,
            12 => Self::Xor(tables.byte_string(cursor)?),
            13 => Self::FirstCapture(regex_number(cursor, tables)?),
            _ => return Err(Malformed("a program has a transform of unknown kind")),
        })
    }
}

fn regex_number(cursor: &mut Cursor<'_>, tables: &Tables<'_>) -> Decoded<u32> {
    tables.index(
        Numbered::Regex,
        cursor.number_u32()?,
        "a program names a regex that does not exist",
    )
}

fn bits_of(flags: &[bool]) -> u8 {
    flags
        .iter()
        .rev()
        .fold(0, |bits, set| (bits << 1) | u8::from(*set))
}

fn bits_within(cursor: &mut Cursor<'_>, limit: u8) -> Decoded<u8> {
    let bits = cursor.byte()?;
    if bits < limit {
        Ok(bits)
    } else {
        Err(Malformed("a program has an unknown flag"))
    }
}

impl<'a> Item<'a> for Match<'a> {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        if let Self::Content(content) = self {
            encode_content(content, encoder);
            return;
        }
        let out = &mut encoder.out;
        match self {
            Self::Content(_) => {}
            Self::Regex(regex) => {
                out.push(2);
                put_number(out, u64::from(regex.regex));
                out.push(bits_of(&[
                    regex.relative,
                    regex.negated,
                    regex.followed_by_relative,
                    !regex.captures.is_empty(),
                ]));
                if !regex.captures.is_empty() {
                    put_captures(out, &regex.captures);
                }
            }
            Self::ByteTest(test) => {
                out.push(3);
                put_bytes_spec(out, &test.bytes);
                out.extend_from_slice(&[u8::from(test.negated), comparison_code(test.comparison)]);
                put_operand(out, test.value);
            }
            Self::ByteJump(jump) => {
                out.push(4);
                put_bytes_spec(out, &jump.bytes);
                put_signed(out, jump.multiplier);
                let origin = match jump.origin {
                    JumpOrigin::Cursor => 0,
                    JumpOrigin::Beginning => 1,
                    JumpOrigin::End => 2,
                };
                out.extend_from_slice(&[u8::from(jump.align), origin]);
                put_signed(out, jump.post_offset);
            }
            Self::ByteExtract(extract) => {
                out.push(5);
                put_bytes_spec(out, &extract.bytes);
                out.push(extract.variable);
                put_signed(out, extract.multiplier);
                out.push(extract.align);
            }
            Self::ByteMath(math) => {
                out.push(6);
                put_bytes_spec(out, &math.bytes);
                out.push(math.operator);
                put_operand(out, math.value);
                out.push(math.variable);
            }
            Self::IsDataAt(at) => {
                out.push(7);
                put_operand(out, at.offset);
                out.push(bits_of(&[at.relative, at.negated]));
            }
            Self::BufferSize(size) => {
                out.push(8);
                put_range(out, *size);
            }
            Self::Base64Decode(decode) => {
                out.push(9);
                put_number(out, u64::from(decode.bytes));
                put_number(out, u64::from(decode.offset));
                out.push(u8::from(decode.relative));
            }
            Self::Asn1(asn1) => {
                out.push(10);
                let (is_relative, offset) = match asn1.start {
                    Asn1Start::Absolute(offset) => (false, i64::from(offset)),
                    Asn1Start::Relative(offset) => (true, i64::from(offset)),
                };
                out.push(bits_of(&[
                    is_relative,
                    asn1.bit_string_overflow,
                    asn1.double_overflow,
                    asn1.oversize_length.is_some(),
                ]));
                put_signed(out, offset);
                if let Some(length) = asn1.oversize_length {
                    put_number(out, u64::from(length));
                }
            }
            Self::InList { list, action } => {
                out.push(11);
                put_number(out, u64::from(list.0));
                out.push(*action as u8);
            }
            Self::Reputation { list, range } => {
                out.push(12);
                put_number(out, u64::from(list.0));
                put_range(out, *range);
            }
        }
    }

    fn decode(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Self> {
        Ok(match cursor.byte()? {
            1 => Self::Content(decode_content(cursor, tables)?),
            2 => {
                let regex = regex_number(cursor, tables)?;
                let bits = bits_within(cursor, 16)?;
                let captures = match bits & 8 {
                    0 => Vec::new(),
                    _ => captures(cursor, tables)?,
                };
                Self::Regex(RegexUse {
                    regex,
                    relative: bits & 1 != 0,
                    negated: bits & 2 != 0,
                    followed_by_relative: bits & 4 != 0,
                    captures,
                })
            }
            3 => Self::ByteTest(ByteTest {
                bytes: bytes_spec(cursor)?,
                negated: flag(cursor)?,
                comparison: comparison_from_code(cursor.byte()?)?,
                value: operand(cursor)?,
            }),
            4 => Self::ByteJump(ByteJump {
                bytes: bytes_spec(cursor)?,
                multiplier: cursor.signed()?,
                align: flag(cursor)?,
                origin: match cursor.byte()? {
                    0 => JumpOrigin::Cursor,
                    1 => JumpOrigin::Beginning,
                    2 => JumpOrigin::End,
                    _ => return Err(Malformed("a jump has an unknown origin")),
                },
                post_offset: cursor.signed()?,
            }),
            5 => Self::ByteExtract(ByteExtract {
                bytes: bytes_spec(cursor)?,
                variable: variable(cursor)?,
                multiplier: cursor.signed()?,
                align: match cursor.byte()? {
                    align @ (0 | 2 | 4) => align,
                    _ => return Err(Malformed("an extraction has an unknown alignment")),
                },
            }),
            6 => Self::ByteMath(ByteMath {
                bytes: bytes_spec(cursor)?,
                operator: match cursor.byte()? {
                    operator @ (b'+' | b'-' | b'*' | b'/' | b'<' | b'>') => operator,
                    _ => return Err(Malformed("a calculation has an unknown operator")),
                },
                value: operand(cursor)?,
                variable: variable(cursor)?,
            }),
            7 => {
                let offset = operand(cursor)?;
                let bits = bits_within(cursor, 4)?;
                Self::IsDataAt(IsDataAt {
                    offset,
                    relative: bits & 1 != 0,
                    negated: bits & 2 != 0,
                })
            }
            8 => Self::BufferSize(range(cursor)?),
            9 => Self::Base64Decode(Base64Decode {
                bytes: cursor.number_u32()?,
                offset: cursor.number_u32()?,
                relative: flag(cursor)?,
            }),
            10 => Self::Asn1(decode_asn1(cursor)?),
            11 => Self::InList {
                list: list_number(cursor, tables)?,
                action: SetAction::from_number(cursor.byte()?)
                    .ok_or(Malformed("a program does an unknown thing to a list"))?,
            },
            12 => Self::Reputation {
                list: list_number(cursor, tables)?,
                range: range(cursor)?,
            },
            _ => return Err(Malformed("a program has a match of unknown kind")),
        })
    }
}

fn list_number(cursor: &mut Cursor<'_>, tables: &Tables<'_>) -> Decoded<ListId> {
    tables
        .index(
            Numbered::List,
            cursor.number_u32()?,
            "a program names a list that does not exist",
        )
        .map(ListId)
}

fn captures(cursor: &mut Cursor<'_>, tables: &Tables<'_>) -> Decoded<Vec<Capture>> {
    let count = cursor.count(limits::REGEX_CAPTURES)?;
    (0..count)
        .map(|_| {
            Ok(Capture {
                group: cursor.byte()?,
                scope: variable_scope(cursor)?,
                variable: bit_number(cursor, tables)?,
            })
        })
        .collect()
}

fn put_captures(out: &mut Vec<u8>, captures: &[Capture]) {
    put_number(out, captures.len() as u64);
    for capture in captures {
        out.extend_from_slice(&[capture.group, capture.scope as u8]);
        put_number(out, u64::from(capture.variable));
    }
}

fn decode_asn1(cursor: &mut Cursor<'_>) -> Decoded<Asn1> {
    let bits = bits_within(cursor, 16)?;
    let offset = cursor.signed()?;
    let wrong = Malformed("the offset of an asn1 is out of range");
    Ok(Asn1 {
        start: if bits & 1 != 0 {
            Asn1Start::Relative(i32::try_from(offset).map_err(|_| wrong)?)
        } else {
            Asn1Start::Absolute(u16::try_from(offset).map_err(|_| wrong)?)
        },
        bit_string_overflow: bits & 2 != 0,
        double_overflow: bits & 4 != 0,
        oversize_length: if bits & 8 != 0 {
            Some(cursor.number_u32()?)
        } else {
            None
        },
    })
}

fn encode_content(content: &Content<'_>, encoder: &mut Encoder<'_>) {
    let id = encoder.byte_strings.bytes(content.pattern);
    let out = &mut encoder.out;
    let (relative, start, length) = match content.anchor {
        Anchor::Absolute { offset, depth } => (false, offset, depth),
        Anchor::Relative { distance, within } => (true, distance, within),
    };
    out.push(1);
    out.push(bits_of(&[
        content.nocase,
        content.negated,
        content.starts_with,
        content.ends_with,
        relative,
        content.followed_by_relative,
    ]));
    put_number(out, u64::from(id));
    put_operand(out, start);
    put_optional_operand(out, length);
}

fn decode_content<'a>(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Content<'a>> {
    let bits = bits_within(cursor, 64)?;
    let pattern = tables.byte_string(cursor)?;
    if pattern.is_empty() {
        return Err(Malformed("a program has an empty content"));
    }
    let start = operand(cursor)?;
    let length = optional_operand(cursor)?;
    Ok(Content {
        pattern,
        nocase: bits & 1 != 0,
        negated: bits & 2 != 0,
        anchor: if bits & 16 == 0 {
            Anchor::Absolute {
                offset: start,
                depth: length,
            }
        } else {
            Anchor::Relative {
                distance: start,
                within: length,
            }
        },
        starts_with: bits & 4 != 0,
        ends_with: bits & 8 != 0,
        followed_by_relative: bits & 32 != 0,
    })
}

fn comparison_code(comparison: Comparison) -> u8 {
    match comparison {
        Comparison::Less => 0,
        Comparison::LessOrEqual => 1,
        Comparison::Greater => 2,
        Comparison::GreaterOrEqual => 3,
        Comparison::Equal => 4,
        Comparison::And => 5,
        Comparison::Xor => 6,
    }
}

fn comparison_from_code(code: u8) -> Decoded<Comparison> {
    Ok(match code {
        0 => Comparison::Less,
        1 => Comparison::LessOrEqual,
        2 => Comparison::Greater,
        3 => Comparison::GreaterOrEqual,
        4 => Comparison::Equal,
        5 => Comparison::And,
        6 => Comparison::Xor,
        _ => return Err(Malformed("a test has an unknown comparison")),
    })
}
