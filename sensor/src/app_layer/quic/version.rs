//! Versions: how their long headers are laid out, and what their initial keys are made from.

/// What tells the versions apart when initial keys are derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyMaterial {
    pub(super) salt: &'static [u8; 20],
    /// The labels of key, initialisation vector and header protection (RFC 9001, section 5.1; RFC 9369, section 3.3.2).
    pub(super) labels: [&'static [u8]; 3],
}

/// How a long header is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// RFC 9000; every version that is not known is taken for one of these.
    Ietf,
    /// RFC 9369: as before, with the types of packets in another order.
    Version2,
    /// Q043 to Q045: a type of its own, connection identifiers with their lengths in one byte.
    GoogleTyped,
    /// Q046: the types of RFC 9000, connection identifiers with their lengths in one byte.
    Google46,
}

/// A version as it stands in a long header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Version(pub(super) u32);

const VERSION_1: u32 = 1;
const VERSION_2: u32 = 0x6b33_43cf;
const DRAFT_23: u32 = 0xff00_0017;
const DRAFT_28: u32 = 0xff00_001c;
const DRAFT_29: u32 = 0xff00_001d;
const DRAFT_32: u32 = 0xff00_0020;
const DRAFT_33: u32 = 0xff00_0021;
const DRAFT_34: u32 = 0xff00_0022;
/// Facebook's mvfst, which is draft 27 on the wire.
const MVFST_DRAFT_27: u32 = 0xface_b002;
const Q043: u32 = 0x5130_3433;
const Q044: u32 = 0x5130_3434;
const Q045: u32 = 0x5130_3435;
const Q046: u32 = 0x5130_3436;
const Q050: u32 = 0x5130_3530;

const LABELS: [&[u8]; 3] = [b"quic key", b"quic iv", b"quic hp"];
const LABELS_2: [&[u8]; 3] = [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"];

const SALT_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];
const SALT_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb,
    0xf9, 0xbd, 0x2e, 0xd9,
];
const SALT_DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65,
    0xbe, 0xf9, 0xf5, 0x02,
];
const SALT_DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0,
    0x43, 0x90, 0xa8, 0x99,
];
const SALT_Q050: [u8; 20] = [
    0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0,
    0xd3, 0xb5, 0x6b, 0x45,
];

impl Version {
    /// What a version negotiation packet has in its place.
    pub(super) fn is_negotiation(self) -> bool {
        self.0 == 0
    }

    pub(super) fn layout(self) -> Layout {
        match self.0 {
            VERSION_2 => Layout::Version2,
            Q043 | Q044 | Q045 => Layout::GoogleTyped,
            Q046 => Layout::Google46,
            _ => Layout::Ietf,
        }
    }

    /// What its initial keys are made from; nothing where that is not known, or where nothing is encrypted.
    pub(super) fn key_material(self) -> Option<KeyMaterial> {
        let (salt, labels) = match self.0 {
            VERSION_1 | DRAFT_33..=DRAFT_34 => (&SALT_1, LABELS),
            VERSION_2 => (&SALT_2, LABELS_2),
            DRAFT_29..=DRAFT_32 => (&SALT_DRAFT_29, LABELS),
            DRAFT_23..=DRAFT_28 | MVFST_DRAFT_27 => (&SALT_DRAFT_23, LABELS),
            Q050 => (&SALT_Q050, LABELS),
            _ => return None,
        };
        Some(KeyMaterial { salt, labels })
    }

    /// How CYU writes it; the fingerprint is defined for these versions only.
    pub(super) fn cyu_name(self) -> Option<&'static str> {
        match self.0 {
            Q043 => Some("43"),
            Q044 | Q045 => Some("44"),
            Q046 => Some("46"),
            _ => None,
        }
    }
}
