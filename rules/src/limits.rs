//! Every cap on what comes from outside, with its unit.

/// Largest pack that is opened, in bytes.
pub const PACK_BYTES: u64 = 1 << 30;
/// Most sections in a pack.
pub const PACK_SECTIONS: u32 = 256;
/// Most items (conditions, inspections, matches, transforms, bits) in one list of a rule's program.
pub const PROGRAM_LIST_ITEMS: u64 = 512;
/// Most byte variables in one rule; the reference allows as many.
pub const BYTE_VARIABLES: u8 = 32;
/// Longest rule, in bytes, continuation lines joined.
pub const RULE_BYTES: usize = 64 * 1024;
/// Most options in one rule.
pub const RULE_OPTIONS: usize = 512;
/// Longest content pattern, in bytes.
pub const CONTENT_BYTES: usize = 8 * 1024;
/// Deepest nesting of address and port groups, variables included.
pub const GROUP_DEPTH: usize = 64;
/// Most ranges in one resolved address or port set.
pub const SET_RANGES: usize = 1 << 20;
/// Longest regular expression, in bytes.
pub const REGEX_BYTES: usize = 16 * 1024;
/// Memory that one compiled regular expression may take while it is checked, in bytes.
pub const REGEX_PROGRAM_BYTES: usize = 10 << 20;
/// Most rules in one compilation.
pub const RULES: usize = 1 << 20;
/// Most groups of one expression that become variables; the reference has the same.
pub const REGEX_CAPTURES: u64 = 8;
/// Most keys of all lists of a pack, 16 bytes each.
pub const LIST_KEYS: usize = 1 << 21;
/// Longest name of a list, in bytes; the reference has the same.
pub const LIST_NAME_BYTES: usize = 63;
/// Largest file of a list, in bytes.
pub const LIST_FILE_BYTES: u64 = 256 << 20;
/// Most reputations of addresses.
pub const REPUTATIONS: usize = 1 << 21;
/// Most mistakes in files of reputations that are told one by one.
pub const REPUTATION_MISTAKES: usize = 1000;
/// Largest rule file, in bytes.
pub const RULE_FILE_BYTES: u64 = 256 << 20;
/// Longest key of a record of a canonical pack, in bytes.
pub const CANONICAL_KEY_BYTES: u64 = 512;
/// Longest body of such a record, in bytes; an address set of [`SET_RANGES`] IPv6 ranges fits.
pub const CANONICAL_BODY_BYTES: u64 = 48 << 20;
/// Most keys and most bodies that a delta may carry, in bytes each; where more differs the full pack is sent.
pub const DELTA_BYTES: u32 = 16 << 20;
/// Largest delta that is read, in bytes: two frames of incompressible bytes and what stands before them.
pub const DELTA_FILE_BYTES: u32 = 2 * DELTA_BYTES + (1 << 20);
/// Data that the process which derives a pack on arrival may hold, in bytes.
pub const DERIVATION_BYTES: u64 = 32 << 20;
/// Most scopes in which one rule is looked for.
pub const RULE_SCOPES: u64 = 64;
/// Most strings, expressions or names of one rule in a canonical pack.
pub const RECORD_STRINGS: u64 = 16 * 1024;
/// Most rules in the lists of a pack's address index, counted once for each list that has them.
pub const ADDRESS_INDEX_RULES: usize = 1 << 20;
/// Most indicators in one pack.
pub const INDICATORS: usize = 1 << 23;
/// Widest prefixes of indicators: a wider one would match everybody.
pub const INDICATOR_PREFIX_IPV4_BITS: u8 = 8;
/// The same of IPv6.
pub const INDICATOR_PREFIX_IPV6_BITS: u8 = 16;
/// Longest URL of an indicator, in bytes.
pub const INDICATOR_URL_BYTES: usize = 2048;
/// Longest name of a list of indicators, in bytes.
pub const INDICATOR_LIST_NAME_BYTES: usize = 200;
/// Most mistakes in lists of indicators that are told one by one.
pub const INDICATOR_MISTAKES: usize = 1000;
/// Most names above a name that are looked up.
pub const INDICATOR_NAME_LABELS: usize = 128;
/// Deepest nesting of files that a file of variables includes.
pub const INCLUDED_FILES_DEPTH: usize = 8;
