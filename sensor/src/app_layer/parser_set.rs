//! Which parsers may start: the site's policy can exclude some.

use lapwing_rules::model::AppProtocol;

/// A set of protocols whose parsers may start; at first all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParserSet {
    excluded: u64,
}

impl ParserSet {
    /// Those of which `may_start` says so.
    #[must_use]
    pub fn of(may_start: impl Fn(AppProtocol) -> bool) -> Self {
        let excluded = AppProtocol::ALL
            .iter()
            .filter(|protocol| !may_start(**protocol));
        Self {
            excluded: excluded.fold(0, |bits, protocol| bits | bit(*protocol)),
        }
    }

    /// Those that are in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            excluded: self.excluded | other.excluded,
        }
    }

    /// Whether the parser of a protocol may start.
    #[must_use]
    pub fn contains(self, protocol: AppProtocol) -> bool {
        self.excluded & bit(protocol) == 0
    }
}

fn bit(protocol: AppProtocol) -> u64 {
    1u64.checked_shl(u32::from(protocol as u8)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_has_its_own_place() {
        assert!(AppProtocol::ALL.iter().all(|protocol| bit(*protocol) != 0));
        let only_dns = ParserSet::of(|protocol| protocol == AppProtocol::Dns);
        for protocol in AppProtocol::ALL {
            assert_eq!(only_dns.contains(*protocol), *protocol == AppProtocol::Dns);
            assert!(ParserSet::default().contains(*protocol));
        }
    }
}
