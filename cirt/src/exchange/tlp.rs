//! The Traffic Light Protocol, version 2.0 (FIRST, August 2022): how far something may travel.

use std::fmt;
use std::str::FromStr;

/// A label, in order: what is greater travels less far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// May be published.
    Clear,
    /// Within the community, not over public channels.
    Green,
    /// The recipient's organisation and its clients, who need to know.
    Amber,
    /// The recipient's organisation only.
    AmberStrict,
    /// The eyes and ears of single persons; never sent by a machine.
    Red,
}

impl Tlp {
    /// Every label, in order.
    pub const ALL: [Self; 5] = [
        Self::Clear,
        Self::Green,
        Self::Amber,
        Self::AmberStrict,
        Self::Red,
    ];

    /// The number that the database holds.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clear => 0,
            Self::Green => 1,
            Self::Amber => 2,
            Self::AmberStrict => 3,
            Self::Red => 4,
        }
    }

    /// The label of a number; one that is unknown is taken as the strictest.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        Self::ALL
            .into_iter()
            .find(|tlp| tlp.code() == code)
            .unwrap_or(Self::Red)
    }

    /// As in `amber+strict`: files and command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::AmberStrict => "amber+strict",
            Self::Red => "red",
        }
    }

    /// As the standard writes it: `TLP:AMBER+STRICT`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Clear => "TLP:CLEAR",
            Self::Green => "TLP:GREEN",
            Self::Amber => "TLP:AMBER",
            Self::AmberStrict => "TLP:AMBER+STRICT",
            Self::Red => "TLP:RED",
        }
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Tlp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_lowercase();
        let name = name.strip_prefix("tlp:").unwrap_or(&name);
        // The label's name in version 1.
        let name = if name == "white" { "clear" } else { name };
        Self::ALL
            .into_iter()
            .find(|tlp| tlp.name() == name)
            .ok_or_else(|| {
                format!("{text:?} is no label of TLP: say clear, green, amber, amber+strict or red")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_an_order_and_survive_being_written() {
        for pair in Tlp::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        for tlp in Tlp::ALL {
            assert_eq!(tlp.name().parse(), Ok(tlp));
            assert_eq!(tlp.label().parse(), Ok(tlp));
            assert_eq!(Tlp::from_code(tlp.code()), tlp);
        }
        assert_eq!("TLP:WHITE".parse(), Ok(Tlp::Clear));
        assert_eq!(Tlp::from_code(200), Tlp::Red);
        assert!("purple".parse::<Tlp>().is_err());
    }
}
