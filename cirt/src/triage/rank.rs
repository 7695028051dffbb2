//! Which group comes first, and why, in words that an analyst can check.
//!
//! Tiers, gravest first: a subscriber of ours is infected and calls out; critical infrastructure is touched; many
//! providers see the same; a grave rule; the rest; noise, which is folded. Within a tier: severity, then how many
//! providers, then how recent.

use jiff::{SignedDuration, Timestamp};

use crate::query::SeverityClass;

/// Providers that make a thing widespread.
const WIDESPREAD_TENANTS: u64 = 3;
/// A group that has been silent this long sinks by one tier.
const SILENT_AFTER: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What a rank is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub severity: u8,
    pub class_type: Option<&'a str>,
    pub findings: u64,
    /// Findings whose source is a subscriber.
    pub from_inside: u64,
    /// Findings with an end in a critical network.
    pub critical: u64,
    pub sensors: u64,
    pub tenants: u64,
    pub reopened: u64,
    pub last: Timestamp,
}

/// How much a group matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Outbound infections of own subscribers.
    Infection,
    /// Hits on critical infrastructure.
    Critical,
    /// What many providers see at once.
    Widespread,
    /// A grave rule at one place.
    Grave,
    /// Everything else that is not noise.
    Other,
    /// Low severity: folded.
    Noise,
}

/// One reason of a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    OutboundInfection { findings: u64 },
    CriticalInfrastructure { findings: u64 },
    ManyProviders { tenants: u64 },
    Severity(SeverityClass),
    CameBack { times: u64 },
    Silent { days: u64 },
}

/// Tier, order within it, and the reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    pub tier: Tier,
    /// Sorts within the tier, smallest first.
    pub order: (u8, std::cmp::Reverse<u64>, std::cmp::Reverse<i64>),
    pub reasons: Vec<Reason>,
}

impl Tier {
    /// The word in the API and in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Infection => "infection",
            Self::Critical => "critical",
            Self::Widespread => "widespread",
            Self::Grave => "grave",
            Self::Other => "other",
            Self::Noise => "noise",
        }
    }

    /// All, gravest first.
    pub const ALL: [Self; 6] = [
        Self::Infection,
        Self::Critical,
        Self::Widespread,
        Self::Grave,
        Self::Other,
        Self::Noise,
    ];

    fn lower(self) -> Self {
        match self {
            Self::Infection => Self::Grave,
            Self::Critical | Self::Widespread | Self::Grave => Self::Other,
            Self::Other | Self::Noise => Self::Noise,
        }
    }
}

/// Whether rules of a class type tell of malware at work.
fn tells_of_infection(class_type: Option<&str>) -> bool {
    matches!(
        class_type,
        Some(
            "trojan-activity"
                | "command-and-control"
                | "domain-c2"
                | "coin-mining"
                | "targeted-activity"
        )
    )
}

/// Ranks a group.
#[must_use]
pub fn rank(facts: &Facts<'_>, now: Timestamp) -> Rank {
    let class = SeverityClass::of(facts.severity);
    let is_weighty = class <= SeverityClass::Medium;
    let mut reasons = Vec::new();
    let mut tier = match class {
        SeverityClass::High => Tier::Grave,
        SeverityClass::Medium => Tier::Other,
        SeverityClass::Low | SeverityClass::Info => Tier::Noise,
    };
    if facts.tenants >= WIDESPREAD_TENANTS {
        reasons.push(Reason::ManyProviders {
            tenants: facts.tenants,
        });
        if is_weighty {
            tier = Tier::Widespread;
        }
    }
    if facts.critical > 0 {
        reasons.insert(
            0,
            Reason::CriticalInfrastructure {
                findings: facts.critical,
            },
        );
        if is_weighty {
            tier = Tier::Critical;
        }
    }
    if facts.from_inside > 0 && tells_of_infection(facts.class_type) {
        reasons.insert(
            0,
            Reason::OutboundInfection {
                findings: facts.from_inside,
            },
        );
        tier = Tier::Infection;
    }
    reasons.push(Reason::Severity(class));
    if facts.reopened > 0 {
        reasons.push(Reason::CameBack {
            times: facts.reopened,
        });
    }
    let silence = now.duration_since(facts.last);
    if silence > SILENT_AFTER {
        let days = u64::try_from(silence.as_hours() / 24).unwrap_or_default();
        reasons.push(Reason::Silent { days });
        tier = tier.lower();
    }
    Rank {
        tier,
        order: (
            class.number(),
            std::cmp::Reverse(facts.tenants.max(1)),
            std::cmp::Reverse(facts.last.as_second()),
        ),
        reasons,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn plain() -> Facts<'static> {
        Facts {
            severity: 1,
            class_type: Some("attempted-admin"),
            findings: 10,
            from_inside: 0,
            critical: 0,
            sensors: 1,
            tenants: 1,
            reopened: 0,
            last: NOW,
        }
    }

    #[test]
    fn the_gravest_comes_first() {
        let infected = Facts {
            from_inside: 2,
            class_type: Some("trojan-activity"),
            ..plain()
        };
        let critical = Facts {
            critical: 1,
            ..plain()
        };
        let widespread = Facts {
            tenants: 3,
            ..plain()
        };
        let tiers = [infected, critical, widespread, plain()].map(|facts| rank(&facts, NOW).tier);
        assert_eq!(
            tiers,
            [
                Tier::Infection,
                Tier::Critical,
                Tier::Widespread,
                Tier::Grave
            ]
        );
        assert!(tiers.is_sorted());
    }

    #[test]
    fn noise_stays_noise_however_many_see_it() {
        let noise = Facts {
            severity: 3,
            tenants: 12,
            critical: 4,
            from_inside: 9,
            ..plain()
        };
        assert_eq!(rank(&noise, NOW).tier, Tier::Noise);
    }

    #[test]
    fn what_is_silent_sinks_and_says_so() {
        let later = NOW + SignedDuration::from_hours(24 * 30);
        let rank = rank(&plain(), later);
        assert_eq!(rank.tier, Tier::Other);
        assert!(rank.reasons.contains(&Reason::Silent { days: 30 }));
    }

    #[test]
    fn within_a_tier_more_providers_and_later_come_first() {
        let of = |tenants, seconds| {
            rank(
                &Facts {
                    tenants,
                    last: Timestamp::from_second(seconds).unwrap(),
                    ..plain()
                },
                NOW,
            )
            .order
        };
        assert!(of(5, 0) < of(4, 100));
        assert!(of(4, 100) < of(4, 0));
    }
}
