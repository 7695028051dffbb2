//! Conditions of single protocols that are more than one number.

use super::NumberRange;

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

/// A range of `modbus` without its ends, as the reference reads it: a range from 0 has 0 in it, and one up to the greatest
/// number has that in it. Where both ends are the same it is that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModbusRange {
    /// Its lower end.
    pub low: u16,
    /// Its upper end.
    pub high: u16,
}

impl ModbusRange {
    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: u16) -> bool {
        self.meets(number, number)
    }

    /// Whether any of the numbers from `first` to `last` is in it.
    #[must_use]
    pub fn meets(&self, first: u16, last: u16) -> bool {
        let Self { low, high } = *self;
        if low == high {
            return (first..=last).contains(&low);
        }
        let is_below_high = high == u16::MAX && low != 0 || first < high;
        let is_above_low = low == 0 || last > low;
        is_below_high && is_above_low
    }
}

/// The tables of a Modbus device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ModbusTable {
    /// `discretes`
    DiscreteInputs = 1,
    /// `coils`
    Coils = 2,
    /// `input`
    InputRegisters = 3,
    /// `holding`
    HoldingRegisters = 4,
}

/// What `modbus` asks of a message beside its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModbusCall {
    /// Nothing.
    Any,
    /// `function`, with the subfunction of a diagnosis.
    Function {
        /// Code of the function.
        code: u8,
        /// Code within it.
        subfunction: Option<u16>,
    },
    /// `function` of any of these categories, as bits: 1 assigned, 2 unassigned, 4 for users, 8 reserved.
    Category(u8),
    /// `access`
    Access {
        /// `write`, or `read`.
        writes: bool,
        /// To this table.
        table: Option<ModbusTable>,
        /// To any of these addresses, which count from 1.
        address: Option<ModbusRange>,
        /// The value written to the address.
        value: Option<ModbusRange>,
    },
}

/// `modbus`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModbusRequest {
    /// The unit that is asked.
    pub unit: Option<ModbusRange>,
    /// What it is asked to do.
    pub call: ModbusCall,
}

/// Which of the responses to a request of LDAP are asked. The reference's default is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LdapWhich {
    /// One of them will do.
    Any,
    /// All of them that have the number, and there is one.
    All,
    /// The one at this place, from 0.
    FromFirst(u32),
    /// The one at this place from the last, which is 1.
    FromLast(u32),
}

/// What is asked of responses of LDAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LdapResponses {
    /// `ldap.responses.operation`
    Operation(LdapWhich, NumberRange),
    /// `ldap.responses.result_code`
    ResultCode(LdapWhich, NumberRange),
    /// `ldap.responses.count`
    Count(NumberRange),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_modbus_leave_out_their_ends_but_not_those_of_all_numbers() {
        let range = |low, high| ModbusRange { low, high };
        assert!(range(4, 6).contains(5) && !range(4, 6).contains(4) && !range(4, 6).contains(6));
        assert!(range(0, 2).contains(0) && range(0, 2).contains(1) && !range(0, 2).contains(2));
        assert!(range(65_534, 65_535).contains(65_535) && !range(65_534, 65_535).contains(65_534));
        assert!(range(0, 65_535).contains(0) && !range(0, 65_535).contains(65_535));
        assert!(range(7, 7).contains(7) && !range(7, 7).contains(8));
        assert!(
            range(7, 7).meets(1, 9) && range(5, 12).meets(11, 18) && !range(5, 11).meets(11, 18)
        );
        assert!(!range(9, 1).contains(5));
    }
}
