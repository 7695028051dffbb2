//! What a rule asks of one buffer: an ordered list of matches, walked with a cursor.
//!
//! The semantics are Suricata 7.0's content inspection: each match starts from the list's cursor when it is relative,
//! moves the cursor behind what it matched, and a later failure retries an earlier content at its next occurrence.

use super::{Buffer, Frame, ListId, NumberRange, SetAction};

/// All that a rule asks of one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection<'a> {
    /// Which bytes.
    pub buffer: Buffer,
    /// Which frame, with [`Buffer::Frame`].
    pub frame: Option<Frame>,
    /// Applied to the bytes first, in order.
    pub transforms: Vec<Transform<'a>>,
    /// In the order of the rule; an empty list matches where the buffer exists.
    pub matches: Vec<Match<'a>>,
}

/// A change made to a buffer before it is inspected (rule keyword of the same name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transform<'a> {
    /// `dotprefix`
    DotPrefix,
    /// `strip_whitespace`
    StripWhitespace,
    /// `compress_whitespace`
    CompressWhitespace,
    /// `to_lowercase`
    ToLowercase,
    /// `to_uppercase`
    ToUppercase,
    /// `url_decode`
    UrlDecode,
    /// `to_md5`
    ToMd5,
    /// `to_sha1`
    ToSha1,
    /// `to_sha256`
    ToSha256,
    /// `header_lowercase`
    HeaderLowercase,
    /// `strip_pseudo_headers`
    StripPseudoHeaders,
    /// `xor`: the repeating key.
    Xor(&'a [u8]),
    /// `pcrexform`: the first capture group of this expression of the pack's regex table.
    FirstCapture(u32),
}

/// One match of an inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match<'a> {
    /// `content`
    Content(Content<'a>),
    /// `pcre`
    Regex(RegexUse),
    /// `byte_test`
    ByteTest(ByteTest),
    /// `byte_jump`
    ByteJump(ByteJump),
    /// `byte_extract`
    ByteExtract(ByteExtract),
    /// `byte_math`
    ByteMath(ByteMath),
    /// `isdataat`
    IsDataAt(IsDataAt),
    /// `bsize`, and `urilen` on its buffer: the length of the whole buffer in bytes.
    BufferSize(NumberRange),
    /// `base64_decode`: decodes from the cursor into [`Buffer::Base64Data`]; the list of that buffer then runs inside this one.
    Base64Decode(Base64Decode),
    /// `asn1`: stands behind the other matches of the payload.
    Asn1(Asn1),
    /// `dataset`, and the lists of file hashes: the whole buffer is, or is not, in a list.
    InList { list: ListId, action: SetAction },
    /// `datarep`: the reputation that a list gives the whole buffer.
    Reputation { list: ListId, range: NumberRange },
}

/// A number known from the rule, or one read from the traffic by `byte_extract` or `byte_math`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// From the rule.
    Number(i64),
    /// From the traffic: index of the rule's byte variable.
    Variable(u8),
}

/// Where a match may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// From the start of the buffer: `offset` and `depth` in bytes.
    Absolute {
        offset: Operand,
        depth: Option<Operand>,
    },
    /// From the cursor: `distance` and `within` in bytes.
    Relative {
        distance: Operand,
        within: Option<Operand>,
    },
}

/// `content` with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Content<'a> {
    /// The bytes; folded to lower case where `nocase`.
    pub pattern: &'a [u8],
    /// Compare without regard to ASCII case.
    pub nocase: bool,
    /// `!`: must not be found.
    pub negated: bool,
    /// Where it may stand.
    pub anchor: Anchor,
    /// `startswith`
    pub starts_with: bool,
    /// `endswith`
    pub ends_with: bool,
    /// Whether the next match of the list is relative to this one, so that another occurrence may have to be tried.
    pub followed_by_relative: bool,
}

/// Where what an expression captured is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum VariableScope {
    /// With the flow.
    Flow = 0,
    /// As long as the packet is looked at.
    Packet = 1,
}

/// A group of an expression whose text becomes a variable where all of the rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Capture {
    /// Number of the group, from 1.
    pub group: u8,
    /// Where it is kept.
    pub scope: VariableScope,
    /// Which variable: its number among the names of bits.
    pub variable: u32,
}

/// `pcre`: an expression of the pack's regex table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegexUse {
    /// Index into the pack's regex table.
    pub regex: u32,
    /// `R`: start at the cursor.
    pub relative: bool,
    /// `!`
    pub negated: bool,
    /// See [`Content::followed_by_relative`].
    pub followed_by_relative: bool,
    /// Groups that become variables.
    pub captures: Vec<Capture>,
}

/// Number system of an ASCII number in the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberBase {
    /// `string,hex`
    Hexadecimal,
    /// `string,dec`
    Decimal,
    /// `string,oct`
    Octal,
}

/// How a number is read from the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BytesSpec {
    /// How many bytes; 0 with `text` means as many digits as follow.
    pub count: Operand,
    /// From the cursor (`relative`) or from the start.
    pub relative: bool,
    /// Offset in bytes.
    pub offset: Operand,
    /// `little`
    pub little_endian: bool,
    /// `string`: digits, not binary.
    pub text: Option<NumberBase>,
    /// `dce`: byte order as the DCERPC header says.
    pub dce: bool,
    /// `bitmask`, applied and shifted down to its lowest bit.
    pub bitmask: Option<u32>,
}

/// Comparison of `byte_test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=`
    Equal,
    /// `&`
    And,
    /// `^`
    Xor,
}

/// `byte_test`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteTest {
    /// What is read.
    pub bytes: BytesSpec,
    /// `!`
    pub negated: bool,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub value: Operand,
}

/// What a jump is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JumpOrigin {
    /// Behind the number read.
    Cursor,
    /// `from_beginning`
    Beginning,
    /// `from_end`
    End,
}

/// `byte_jump`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteJump {
    /// What is read.
    pub bytes: BytesSpec,
    /// `multiplier`
    pub multiplier: i64,
    /// `align`: up to the next multiple of four.
    pub align: bool,
    /// Counted from here.
    pub origin: JumpOrigin,
    /// `post_offset`
    pub post_offset: i64,
}

/// `byte_extract`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteExtract {
    /// What is read.
    pub bytes: BytesSpec,
    /// Index of the rule's byte variable it is put into.
    pub variable: u8,
    /// `multiplier`
    pub multiplier: i64,
    /// `align 2` or `align 4`; 0 for none.
    pub align: u8,
}

/// `byte_math`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteMath {
    /// What is read.
    pub bytes: BytesSpec,
    /// `+ - * / << >>` as that ASCII character, `<` and `>` for the shifts.
    pub operator: u8,
    /// The right-hand value.
    pub value: Operand,
    /// Index of the rule's byte variable it is put into.
    pub variable: u8,
}

/// `isdataat`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IsDataAt {
    /// Offset in bytes.
    pub offset: Operand,
    /// From the cursor.
    pub relative: bool,
    /// `!`
    pub negated: bool,
}

/// `base64_decode`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Base64Decode {
    /// At most so many encoded bytes; 0 for all.
    pub bytes: u32,
    /// Offset in bytes.
    pub offset: u32,
    /// From the cursor.
    pub relative: bool,
}

/// Where `asn1` begins to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asn1Start {
    /// `absolute_offset`, in bytes.
    Absolute(u16),
    /// `relative_offset`: from the cursor, in bytes.
    Relative(i32),
}

/// `asn1`: any one of the odd things asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asn1 {
    /// Where the first object begins.
    pub start: Asn1Start,
    /// `bitstring_overflow`: more unused bits than there are bits.
    pub bit_string_overflow: bool,
    /// `double_overflow`: a real number in text of more than 256 bytes.
    pub double_overflow: bool,
    /// `oversize_length`: an object longer than this, in bytes.
    pub oversize_length: Option<u32>,
}
