//! The pack file, byte by byte. All numbers are little-endian; nothing is compressed; there is no padding but zeros.
//!
//! # Header ([`HEADER_BYTES`] = 64 bytes)
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic [`MAGIC`] |
//! | 8 | 4 | format version ([`VERSION`]); a reader opens its own version only and says so otherwise |
//! | 12 | 4 | number of sections |
//! | 16 | 8 | length of the whole file in bytes |
//! | 24 | 32 | SHA-256 of everything behind the header: the pack's *digest*, its identity |
//! | 56 | 8 | zero |
//!
//! # Section table
//!
//! Directly behind the header, one entry of [`SECTION_ENTRY_BYTES`] = 24 bytes a section, in ascending order of kind:
//! kind (u32), zero (u32), offset from the start of the file (u64), length in bytes (u64).
//! Sections start at multiples of 8, follow one another in the order of the table and do not overlap. A reader skips
//! kinds it does not know; every kind of [`Section`] that is not optional (see [`Section::is_optional`]) must be there, if only empty.
//!
//! # Sections
//!
//! *Strings.* [`Section::Texts`] holds UTF-8, [`Section::ByteStrings`] any bytes; each distinct string stands there
//! once. [`Section::TextOffsets`] and [`Section::ByteStringOffsets`] hold `count + 1` u32 offsets into them, ascending;
//! string `i` is what lies between offset `i` and `i + 1`. Text 0 and byte string 0 are empty.
//!
//! *Rules.* [`Section::Rules`]: [`RULE_BYTES`] = 64 bytes a rule, in the order of the sources.
//!
//! | offset | type | what |
//! |---|---|---|
//! | 0, 4, 8 | u32 | gid, sid, rev |
//! | 12 | u8 | action (0 alert, 1 pass, 2 drop, 3 reject) |
//! | 13 | u8 | severity |
//! | 14 | u8 | header protocol, see [`header_protocol_code`] |
//! | 15 | u8 | application protocol of the header, 0 for none |
//! | 16 | u8 | bits: 1 = `<>`, 2 = fires to the server, 4 = to the client, 8 = inspects packets, 16 = inspects the stream |
//! | 17 | u8 | number of byte variables |
//! | 18 | u8 | kind, see [`crate::model::RuleKind`] |
//! | 19 | u8 | zero |
//! | 20, 24 | u32 | source address set, source port set |
//! | 28, 32 | u32 | destination address set, destination port set |
//! | 36 | u32 | message (text) |
//! | 40, 44 | u32 | class type, its description (text) |
//! | 48, 52 | u32 | offset and length of its program in [`Section::Programs`] |
//! | 56, 60 | u32 | offset and length of its notes in [`Section::Notes`] |
//!
//! *Programs.* Variable-length numbers (LEB128: seven bits a byte, lowest first; signed ones zigzag). A program is:
//! four parts (conditions, inspections, effects, limits of alerts), each: number of items, length of the items in bytes, items.
//! Each item is a tag byte and its fields, as `pack/program/` says beside each tag.
//!
//! *Notes.* Number of references, then system and target (texts) of each; number of metadata, then key and value
//! (texts) of each.
//!
//! *Address sets.* [`Section::AddressSets`]: 16 bytes a set: first IPv4 range, number of IPv4 ranges, first IPv6 range,
//! number of IPv6 ranges (u32 each). [`Section::Ipv4Ranges`]: first and last address (u32 each),
//! [`Section::Ipv6Ranges`]: first and last address (u128 each); within a set ascending, neither overlapping nor
//! touching. Negation is resolved when the set is compiled. Set 0 is everything.
//!
//! *Port sets.* [`Section::PortSets`]: first range and number of ranges (u32 each). [`Section::PortRanges`]: first and
//! last port (u16 each), ascending, neither overlapping nor touching. Set 0 is everything.
//!
//! *Regexes.* [`Section::Regexes`]: [`REGEX_BYTES`] = 12 bytes each: the expression to run (text, complete with inline flags), the
//! expression as the rule has it (text), flags (u32): 1 = needs a backtracking engine, and the expression is in pcre2's syntax,
//! else in that of `regex-syntax` with Unicode off.
//!
//! *Names.* [`Section::BitNames`] and [`Section::IntegerNames`]: one text (u32) for each bit or text variable, and for each flow integer.
//!
//! *Lists* (optional). [`Section::Lists`]: [`LIST_BYTES`] = 20 bytes each: name (text), kind (u8, see [`crate::model::ListKind`]), 1 where it gives
//! reputations (u8), zero (u16), first key and number of keys (into [`Section::ListKeys`]), first value (into [`Section::ListValues`], as
//! many as there are keys, where it gives reputations). [`Section::ListKeys`]: 16 bytes each, ascending within a list and distinct; what they are says
//! [`crate::model::ListKind`]. [`Section::ListValues`]: u16 each.
//!
//! *Prefilter.* [`Section::PrefilterGroups`]: [`GROUP_BYTES`] = 40 bytes a group: scope tag and three bytes of scope detail
//! (zero where not used, see `pack/prefilter.rs`), first pattern and number of patterns (into [`Section::GroupPatterns`]), first of the
//! `patterns + 1` entries of [`Section::GroupRuleOffsets`], first rule and number of rules that are always tried (into
//! [`Section::GroupRules`]), offset and length of the tables in [`Section::Filters`], bytes of the longest pattern, zero (u32).
//! [`Section::GroupPatterns`]: byte strings (u32), lower case. [`Section::GroupRuleOffsets`]: offsets (u32) into [`Section::GroupRules`]:
//! pattern `i` of a group leads to the rules between its entries `i` and `i + 1`. [`Section::GroupRules`]: rule indexes (u32).
//! [`Section::Filters`]: the tables by which patterns are found, see `pack/filter.rs`; they are searched where they lie.
//!
//! *Address index.* [`Section::SourceIndex`] and [`Section::DestinationIndex`]: [`ADDRESS_INDEX_BYTES`] = 12 bytes an entry: first IPv4
//! address, first and number of rules (into [`Section::AddressIndexRules`]), ascending; an entry holds up to the address before that of
//! the next. [`Section::AddressIndexRules`]: rule indexes (u32). `pack/address_index.rs` says which rules stand there.
//!
//! *Unsupported rules.* [`Section::Unsupported`]: [`UNSUPPORTED_BYTES`] = 20 bytes each: gid, sid, rev, message (text), reason (text).
//!
//! *Indicators* (optional). [`Section::Indicators`]: [`INDICATOR_BYTES`] = 24 bytes each: key (16 bytes, see `indicator/mod.rs`), id
//! (u32), list (u16), severity (u8), of an address the number of bits that count of its 128, else 0 (u8). One table a kind; within it
//! ascending by key (bytewise) and bits. [`Section::IndicatorFences`]: [`INDICATOR_FENCE_BYTES`] = 20 bytes for every
//! [`INDICATOR_BLOCK_ENTRIES`] = 128 entries of a table: key and bits of the first of them, three zeros. [`Section::IndicatorTables`]:
//! [`INDICATOR_TABLE_BYTES`] = 32 bytes a table, ascending by kind: kind (u8), three zeros, first entry, number of entries, first fence
//! (u32 each), lengths of prefixes that are there (u128, bit `n - 1` for `n` bits). [`Section::IndicatorLists`]: [`INDICATOR_LIST_BYTES`]
//! = 8 bytes a list, ascending: its number, and the index of the rule that tells its findings (u32 each). That rule has the generator
//! number [`crate::indicator::INDICATOR_GENERATOR`], the list's number as sid and its name as message, and is in no group.
//!
//! *Rule texts* (optional). [`Section::RuleTexts`]: one text (u32) a rule: the rule as it was written.

use crate::model::{AppProtocol, HeaderProtocol};

/// First bytes of every pack.
pub const MAGIC: [u8; 8] = *b"LAPWPACK";
/// The version this program writes and reads.
pub const VERSION: u32 = 4;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;
/// Bytes of one entry of the section table.
pub const SECTION_ENTRY_BYTES: usize = 24;
/// Sections start at multiples of this.
pub const SECTION_ALIGNMENT: usize = 8;
/// Bytes of a rule record.
pub const RULE_BYTES: usize = 64;
/// Bytes of an entry of the regex table.
pub const REGEX_BYTES: usize = 12;
/// Bytes of a prefilter group.
pub const GROUP_BYTES: usize = 40;
/// Bytes of an entry of an address index.
pub const ADDRESS_INDEX_BYTES: usize = 12;
/// Bytes of the record of an unsupported rule.
pub const UNSUPPORTED_BYTES: usize = 20;
/// Bytes of an address set.
pub const ADDRESS_SET_BYTES: usize = 16;
/// Bytes of a port set.
pub const PORT_SET_BYTES: usize = 8;
/// Bytes of a range of IPv4 addresses.
pub const IPV4_RANGE_BYTES: usize = 8;
/// Bytes of a range of IPv6 addresses.
pub const IPV6_RANGE_BYTES: usize = 32;
/// Bytes of the record of a list.
pub const LIST_BYTES: usize = 20;
/// Bytes of a key of a list.
pub const LIST_KEY_BYTES: usize = 16;
/// Bytes of a value of a list.
pub const LIST_VALUE_BYTES: usize = 2;
/// Bytes of a range of ports.
pub const PORT_RANGE_BYTES: usize = 4;

/// Bytes of an indicator.
pub const INDICATOR_BYTES: usize = 24;
/// Bytes of a fence of indicators.
pub const INDICATOR_FENCE_BYTES: usize = 20;
/// Entries of one kind's table before each of which stands a fence.
pub const INDICATOR_BLOCK_ENTRIES: usize = 128;
/// Bytes of the description of a table of indicators.
pub const INDICATOR_TABLE_BYTES: usize = 32;
/// Bytes of the record of a list of indicators.
pub const INDICATOR_LIST_BYTES: usize = 8;

/// Bits of byte 16 of a rule record.
pub mod rule_bits {
    /// `<>`
    pub const BOTH_DIRECTIONS: u8 = 1;
    /// Fires on what the client sends.
    pub const TO_SERVER: u8 = 2;
    /// Fires on what the server sends.
    pub const TO_CLIENT: u8 = 4;
    /// Inspects packet payloads.
    pub const INSPECTS_PACKET: u8 = 8;
    /// Inspects the reassembled stream.
    pub const INSPECTS_STREAM: u8 = 16;
}

macro_rules! sections {
    ($($variant:ident = $number:literal;)*) => {
        /// Kinds of section; the module says what each holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Section { $(#[doc = stringify!($variant)] $variant = $number,)* }

        impl Section {
            /// Every kind, ascending.
            pub const ALL: &'static [Section] = &[$(Section::$variant,)*];
        }
    };
}

sections! {
    TextOffsets = 1;
    Texts = 2;
    ByteStringOffsets = 3;
    ByteStrings = 4;
    Rules = 5;
    Programs = 6;
    Notes = 7;
    AddressSets = 8;
    Ipv4Ranges = 9;
    Ipv6Ranges = 10;
    PortSets = 11;
    PortRanges = 12;
    Regexes = 13;
    BitNames = 14;
    IntegerNames = 15;
    PrefilterGroups = 16;
    GroupPatterns = 17;
    GroupRuleOffsets = 18;
    GroupRules = 19;
    Filters = 20;
    Unsupported = 21;
    RuleTexts = 22;
    SourceIndex = 23;
    DestinationIndex = 24;
    AddressIndexRules = 25;
    Lists = 26;
    ListKeys = 27;
    ListValues = 28;
    Indicators = 29;
    IndicatorFences = 30;
    IndicatorTables = 31;
    IndicatorLists = 32;
}

impl Section {
    /// Whether a pack may lack it.
    #[must_use]
    pub fn is_optional(self) -> bool {
        matches!(
            self,
            Self::RuleTexts
                | Self::Lists
                | Self::ListKeys
                | Self::ListValues
                | Self::Indicators
                | Self::IndicatorFences
                | Self::IndicatorTables
                | Self::IndicatorLists
        )
    }

    /// Position in [`Section::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize - 1
    }
}

/// Bytes 14 and 15 of a rule record.
#[must_use]
pub fn header_protocol_code(protocol: HeaderProtocol) -> (u8, u8) {
    match protocol {
        HeaderProtocol::Ip => (0, 0),
        HeaderProtocol::Ipv4 => (1, 0),
        HeaderProtocol::Ipv6 => (2, 0),
        HeaderProtocol::Tcp => (3, 0),
        HeaderProtocol::TcpPacket => (4, 0),
        HeaderProtocol::TcpStream => (5, 0),
        HeaderProtocol::Udp => (6, 0),
        HeaderProtocol::Sctp => (7, 0),
        HeaderProtocol::Icmp => (8, 0),
        HeaderProtocol::Icmpv4 => (9, 0),
        HeaderProtocol::Icmpv6 => (10, 0),
        HeaderProtocol::PacketHeader => (11, 0),
        HeaderProtocol::AnyHttp => (12, 0),
        HeaderProtocol::App(protocol) => (13, protocol as u8),
    }
}

/// The inverse of [`header_protocol_code`].
#[must_use]
pub fn header_protocol_from_code(code: (u8, u8)) -> Option<HeaderProtocol> {
    Some(match code {
        (0, 0) => HeaderProtocol::Ip,
        (1, 0) => HeaderProtocol::Ipv4,
        (2, 0) => HeaderProtocol::Ipv6,
        (3, 0) => HeaderProtocol::Tcp,
        (4, 0) => HeaderProtocol::TcpPacket,
        (5, 0) => HeaderProtocol::TcpStream,
        (6, 0) => HeaderProtocol::Udp,
        (7, 0) => HeaderProtocol::Sctp,
        (8, 0) => HeaderProtocol::Icmp,
        (9, 0) => HeaderProtocol::Icmpv4,
        (10, 0) => HeaderProtocol::Icmpv6,
        (11, 0) => HeaderProtocol::PacketHeader,
        (12, 0) => HeaderProtocol::AnyHttp,
        (13, number) => HeaderProtocol::App(AppProtocol::from_number(number)?),
        _ => return None,
    })
}
