//! Conditions of single protocols that are more than one number.

/// `ike.chosen_sa_attribute`: an attribute of a security association. Numbers are stable: they stand in packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SaAttribute {
    /// `alg_enc`
    Encryption = 1,
    /// `alg_hash`
    Hash = 2,
    /// `alg_auth`
    Authentication = 3,
    /// `alg_dh`
    Group = 4,
    /// `sa_group_type`
    GroupType = 5,
    /// `sa_life_type`
    LifeType = 11,
    /// `sa_life_duration`
    LifeDuration = 12,
    /// `alg_prf`
    Prf = 13,
    /// `sa_key_length`
    KeyLength = 14,
    /// `sa_field_size`
    FieldSize = 15,
}

impl SaAttribute {
    const ALL: [(&'static str, Self); 10] = [
        ("alg_enc", Self::Encryption),
        ("alg_hash", Self::Hash),
        ("alg_auth", Self::Authentication),
        ("alg_dh", Self::Group),
        ("alg_prf", Self::Prf),
        ("sa_group_type", Self::GroupType),
        ("sa_life_type", Self::LifeType),
        ("sa_life_duration", Self::LifeDuration),
        ("sa_key_length", Self::KeyLength),
        ("sa_field_size", Self::FieldSize),
    ];

    /// The attribute of this name in rules.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, attribute)| *attribute)
    }

    /// The attribute of this class of IKE version 1 (RFC 2409, appendix A), which its number here is.
    #[must_use]
    pub fn of_version_1(class: u16) -> Option<Self> {
        let known = Self::ALL
            .iter()
            .find(|(_, attribute)| u16::from(*attribute as u8) == class);
        known.map(|(_, attribute)| *attribute)
    }

    /// Attribute and value as the one number that is compared.
    #[must_use]
    pub fn with_value(self, value: u32) -> u64 {
        u64::from(self as u8) << 32 | u64::from(value)
    }
}

/// `cip_service`: a service, of a class, with or without an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CipService {
    /// Code of the service.
    pub service: u8,
    /// The class that its path names.
    pub class: Option<u16>,
    /// An attribute, and whether it must be named or must not.
    pub attribute: Option<(u16, bool)>,
}

/// `rpc`: a call of ONC RPC in the payload of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RpcCall {
    /// Number of the program.
    pub program: u32,
    /// Its version; any without.
    pub version: Option<u32>,
    /// Number of the procedure; any without.
    pub procedure: Option<u32>,
}
