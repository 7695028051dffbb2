//! The Traffic Light Protocol, version 2.0 (FIRST, 2022).

use std::fmt;
use std::str::FromStr;

/// Who may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    Clear,
    Green,
    Amber,
    AmberStrict,
    Red,
}

impl Tlp {
    /// From the most open to the most closed.
    pub const ALL: [Self; 5] = [
        Self::Clear,
        Self::Green,
        Self::Amber,
        Self::AmberStrict,
        Self::Red,
    ];

    /// The number under which the exchange stores it.
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

    /// As stored and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::AmberStrict => "amber+strict",
            Self::Red => "red",
        }
    }

    /// As the standard writes it.
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
        formatter.pad(self.as_str())
    }
}

impl FromStr for Tlp {
    type Err = String;

    /// Reads what others write as well: capitals, `TLP:` before it, and WHITE, which was CLEAR in version 1.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_lowercase();
        let name = name.strip_prefix("tlp:").unwrap_or(&name);
        let name = if name == "white" { "clear" } else { name };
        Self::ALL
            .into_iter()
            .find(|tlp| tlp.as_str() == name)
            .ok_or_else(|| {
                format!("{text:?} is no TLP: say clear, green, amber, amber+strict or red")
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
            assert_eq!(tlp.as_str().parse(), Ok(tlp));
            assert_eq!(tlp.label().parse(), Ok(tlp));
            assert_eq!(Tlp::from_code(tlp.code()), tlp);
        }
        assert_eq!("TLP:WHITE".parse(), Ok(Tlp::Clear));
        assert_eq!(Tlp::from_code(200), Tlp::Red);
        assert!("purple".parse::<Tlp>().is_err());
    }
}
