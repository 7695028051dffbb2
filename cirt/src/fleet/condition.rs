//! The word for a sensor's condition, from what it last said and when.
//!
//! What prevents from seeing comes before what is seen: a sensor that is offline, blind, on a wrong clock, starved or
//! on old rules is called so, however many findings it sent before.

use jiff::{SignedDuration, Timestamp};

use crate::store::{EnrolmentState, Inspected, SensorHealth};

/// Not heard for this long is offline.
const OFFLINE_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// A clock may be this far ahead of ours.
const CLOCK_AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// Records that wait longer than this while the sensor is in contact are held back.
const HELD_AFTER: SignedDuration = SignedDuration::from_hours(6);
/// Rules that are older than what was published this long ago are stale.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Summaries that say nothing newer than this leave us in the dark.
const SUMMARY_AFTER: SignedDuration = SignedDuration::from_hours(6);
/// Findings younger than this make a sensor one that sees.
const SEEING_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    Pending,
    Revoked,
    Offline,
    Unknown,
    Blind,
    WrongClock,
    Starved,
    StaleRules,
    Seeing,
    Quiet,
}

/// The stage that causes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A person has not decided yet.
    Approval,
    /// A person shut it out, or another device took its place.
    Decision,
    NeverHeard,
    /// Hours since the last contact.
    Silent {
        hours: i64,
    },
    /// It is in contact but has told nothing of itself yet.
    NoStatus,
    /// Nothing arrives at the capture.
    NoPackets,
    /// Per cent of the packets that cannot be decoded.
    NotDecoded {
        percent: u64,
    },
    /// Per cent of the packets that were dropped before the sensor.
    Dropped {
        percent: u64,
    },
    /// It waits for its provider's policy.
    NoPolicy,
    /// The clock was never set.
    ClockUnset,
    /// Minutes that its clock is ahead.
    ClockAhead {
        minutes: i64,
    },
    /// Hours that its oldest record waits there.
    Held {
        hours: i64,
    },
    /// It runs another pack than the newest.
    OldPack,
    /// It runs no rules at all.
    NoRules,
    /// Findings of the last day.
    Findings {
        count: u64,
    },
    /// Traffic, and nothing in it.
    Traffic,
}

/// What a verdict is made of.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    pub enrolment: EnrolmentState,
    pub last_contact: Option<Timestamp>,
    pub health: Option<&'a SensorHealth>,
    pub inspected: Option<&'a Inspected>,
    /// Findings whose last packet is younger than a day.
    pub findings_of_a_day: u64,
    /// The newest published pack, as hexadecimal digits, and when it was published.
    pub newest_pack: Option<(&'a str, Timestamp)>,
}

/// The word and its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub condition: Condition,
    pub cause: Cause,
}

impl Condition {
    /// All, worst first.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Revoked,
        Self::Offline,
        Self::Unknown,
        Self::Blind,
        Self::WrongClock,
        Self::Starved,
        Self::StaleRules,
        Self::Seeing,
        Self::Quiet,
    ];

    /// The word in the API; pages translate it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Revoked => "revoked",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
            Self::Blind => "blind",
            Self::WrongClock => "wrong-clock",
            Self::Starved => "starved",
            Self::StaleRules => "stale-rules",
            Self::Seeing => "seeing",
            Self::Quiet => "quiet",
        }
    }

    /// Class in the stylesheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Seeing | Self::Quiet => "good",
            Self::Offline | Self::Blind => "bad",
            Self::Revoked => "off",
            _ => "attention",
        }
    }
}

impl Cause {
    /// Its message and the number in it.
    #[must_use]
    pub fn text(self) -> (&'static str, u64) {
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        match self {
            Self::Approval => ("cause-approval", 0),
            Self::Decision => ("cause-decision", 0),
            Self::NeverHeard => ("cause-never-heard", 0),
            Self::Silent { hours } => ("cause-silent", whole(hours)),
            Self::NoStatus => ("cause-no-status", 0),
            Self::NoPackets => ("cause-no-packets", 0),
            Self::NotDecoded { percent } => ("cause-not-decoded", percent),
            Self::Dropped { percent } => ("cause-dropped", percent),
            Self::NoPolicy => ("cause-no-policy", 0),
            Self::ClockUnset => ("cause-clock-unset", 0),
            Self::ClockAhead { minutes } => ("cause-clock-ahead", whole(minutes)),
            Self::Held { hours } => ("cause-held", whole(hours)),
            Self::OldPack => ("cause-old-pack", 0),
            Self::NoRules => ("cause-no-rules", 0),
            Self::Findings { count } => ("cause-findings", count),
            Self::Traffic => ("cause-traffic", 0),
        }
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    let share = u128::from(part) * 100 / u128::from(whole.max(1));
    u64::try_from(share.min(100)).unwrap_or(100)
}

/// Says how a sensor is.
#[must_use]
pub fn condition(observed: &Observed<'_>, now: Timestamp) -> Verdict {
    let verdict = |condition, cause| Verdict { condition, cause };
    match observed.enrolment {
        EnrolmentState::Pending => return verdict(Condition::Pending, Cause::Approval),
        EnrolmentState::Revoked | EnrolmentState::Replaced => {
            return verdict(Condition::Revoked, Cause::Decision);
        }
        EnrolmentState::Active => {}
    }
    let Some(contact) = observed.last_contact else {
        return verdict(Condition::Unknown, Cause::NeverHeard);
    };
    let silence = now.duration_since(contact);
    if silence > OFFLINE_AFTER {
        let hours = silence.as_hours();
        return verdict(Condition::Offline, Cause::Silent { hours });
    }
    let told = observed
        .health
        .map(|health| health.received)
        .filter(|received| now.duration_since(*received) <= SUMMARY_AFTER);
    let (Some(_), Some(health)) = (told, observed.health) else {
        return verdict(Condition::Unknown, Cause::NoStatus);
    };
    if health.state == "blind" {
        return verdict(Condition::Blind, Cause::NoPackets);
    }
    if let Some(inspected) = observed.inspected {
        if inspected.packets == 0 {
            return verdict(Condition::Blind, Cause::NoPackets);
        }
        let dropped = percent(
            inspected.dropped_packets,
            inspected.packets.saturating_add(inspected.dropped_packets),
        );
        if dropped >= 50 {
            return verdict(Condition::Blind, Cause::Dropped { percent: dropped });
        }
        let decoded = percent(inspected.decoded_packets, inspected.packets);
        if decoded < 50 {
            let percent = 100 - decoded;
            return verdict(Condition::Blind, Cause::NotDecoded { percent });
        }
        if inspected.rules_loaded == 0 {
            return verdict(Condition::Blind, Cause::NoRules);
        }
    }
    if matches!(
        health.state.as_str(),
        "no policy" | "no-policy" | "no_policy"
    ) {
        return verdict(Condition::Blind, Cause::NoPolicy);
    }
    if matches!(health.clock_quality.as_str(), "unset" | "floor") {
        return verdict(Condition::WrongClock, Cause::ClockUnset);
    }
    let ahead = health.made.duration_since(health.received);
    if ahead > CLOCK_AHEAD {
        let minutes = ahead.as_mins();
        return verdict(Condition::WrongClock, Cause::ClockAhead { minutes });
    }
    if let Some(oldest) = health.queue_oldest.filter(|_| health.queued_records > 0) {
        let waiting = health.made.duration_since(oldest);
        if waiting > HELD_AFTER {
            let hours = waiting.as_hours();
            return verdict(Condition::Starved, Cause::Held { hours });
        }
    }
    if let (Some((newest, published)), Some(pack)) = (observed.newest_pack, &health.pack)
        && pack != newest
        && now.duration_since(published) > STALE_AFTER
    {
        return verdict(Condition::StaleRules, Cause::OldPack);
    }
    match observed.findings_of_a_day {
        0 => verdict(Condition::Quiet, Cause::Traffic),
        count => verdict(Condition::Seeing, Cause::Findings { count }),
    }
}

/// Findings count for the day that ends now.
#[must_use]
pub fn a_day_before(now: Timestamp) -> Timestamp {
    now.checked_sub(SEEING_WITHIN).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-05-01T12:00:00Z".parse().unwrap()
    }

    fn health() -> SensorHealth {
        SensorHealth {
            made: now(),
            state: "running".to_owned(),
            clock_quality: "network".to_owned(),
            software_version: String::new(),
            pack_version: String::new(),
            packets: 10,
            dropped_packets: 0,
            queued_records: 5,
            queued_bytes: 100,
            queue_oldest: Some(now()),
            pack: Some("aa".to_owned()),
            received: now(),
        }
    }

    fn inspected() -> Inspected {
        Inspected {
            until: now(),
            packets: 1_000,
            decoded_packets: 990,
            dropped_packets: 1,
            rules_loaded: 44,
            rules_unsupported: 0,
            rules_suppressed: 0,
            bytes: 1_000,
            bytes_not_inspected: 0,
        }
    }

    /// Every word, each by the one thing that causes it.
    #[test]
    fn each_word_has_its_cause() {
        let (healthy, sees) = (health(), inspected());
        let good = Observed {
            enrolment: EnrolmentState::Active,
            last_contact: Some(now()),
            health: Some(&healthy),
            inspected: Some(&sees),
            findings_of_a_day: 0,
            newest_pack: Some(("aa", now() - SignedDuration::from_hours(200))),
        };
        let word = |observed: &Observed<'_>| condition(observed, now()).condition;
        assert_eq!(word(&good), Condition::Quiet);
        assert_eq!(
            word(&Observed {
                findings_of_a_day: 3,
                ..good
            }),
            Condition::Seeing
        );
        assert_eq!(
            word(&Observed {
                enrolment: EnrolmentState::Pending,
                ..good
            }),
            Condition::Pending
        );
        assert_eq!(
            word(&Observed {
                enrolment: EnrolmentState::Revoked,
                ..good
            }),
            Condition::Revoked
        );
        assert_eq!(
            word(&Observed {
                last_contact: None,
                ..good
            }),
            Condition::Unknown
        );
        assert_eq!(
            word(&Observed {
                health: None,
                ..good
            }),
            Condition::Unknown
        );
        let long_ago = Some(now() - SignedDuration::from_hours(30));
        assert_eq!(
            condition(
                &Observed {
                    last_contact: long_ago,
                    ..good
                },
                now()
            ),
            Verdict {
                condition: Condition::Offline,
                cause: Cause::Silent { hours: 30 }
            }
        );
        for (blind, cause) in [
            (Inspected { packets: 0, ..sees }, Cause::NoPackets),
            (
                Inspected {
                    decoded_packets: 100,
                    ..sees
                },
                Cause::NotDecoded { percent: 90 },
            ),
            (
                Inspected {
                    dropped_packets: 9_000,
                    ..sees
                },
                Cause::Dropped { percent: 90 },
            ),
            (
                Inspected {
                    rules_loaded: 0,
                    ..sees
                },
                Cause::NoRules,
            ),
        ] {
            let verdict = condition(
                &Observed {
                    inspected: Some(&blind),
                    ..good
                },
                now(),
            );
            assert_eq!(
                verdict,
                Verdict {
                    condition: Condition::Blind,
                    cause
                }
            );
        }
        let ahead = SensorHealth {
            made: now() + SignedDuration::from_hours(2),
            queue_oldest: None,
            ..health()
        };
        assert_eq!(
            condition(
                &Observed {
                    health: Some(&ahead),
                    ..good
                },
                now()
            ),
            Verdict {
                condition: Condition::WrongClock,
                cause: Cause::ClockAhead { minutes: 120 }
            }
        );
        let held = SensorHealth {
            queue_oldest: Some(now() - SignedDuration::from_hours(9)),
            ..health()
        };
        assert_eq!(
            condition(
                &Observed {
                    health: Some(&held),
                    ..good
                },
                now()
            ),
            Verdict {
                condition: Condition::Starved,
                cause: Cause::Held { hours: 9 }
            }
        );
        let old = SensorHealth {
            pack: Some("bb".to_owned()),
            ..health()
        };
        assert_eq!(
            word(&Observed {
                health: Some(&old),
                ..good
            }),
            Condition::StaleRules
        );
    }
}
