//! When the certificate is renewed, by a clock that may be wrong.
//!
//! Whether a certificate has ended is for the centre to say; the clock here says only when to ask for a new one. A
//! clock that is far ahead finds that every certificate has ended, also one made a moment ago. Then it is the clock that is
//! wrong, and the certificate is used until the centre refuses it.

use crate::certificate::Validity;

/// What is known about the need for a new certificate.
#[derive(Debug, Default)]
pub(crate) struct Renewal {
    /// The centre turned the present one away.
    is_demanded: bool,
    /// The clock called for a renewal as soon as there was a new certificate.
    is_clock_doubted: bool,
}

impl Renewal {
    /// Whether nothing but a renewal will do. A certificate that cannot be read counts as ended.
    pub(crate) fn is_first(&self, validity: Option<Validity>, now_seconds: u64) -> bool {
        let has_ended = validity.is_none_or(|validity| validity.has_ended(now_seconds));
        self.is_demanded || (has_ended && !self.is_clock_doubted)
    }

    /// Whether a renewal is to be asked for on a connection that is there.
    pub(crate) fn is_due(&mut self, validity: Option<Validity>, now_seconds: u64) -> bool {
        let is_due = is_due_by_clock(validity, now_seconds);
        // A clock that was set right is believed again.
        self.is_clock_doubted &= is_due;
        self.is_demanded || (is_due && !self.is_clock_doubted)
    }

    /// There is a new certificate.
    pub(crate) fn renewed(&mut self, validity: Option<Validity>, now_seconds: u64) {
        self.is_demanded = false;
        self.is_clock_doubted = is_due_by_clock(validity, now_seconds);
    }

    /// The centre allows nothing. It may think that the certificate is not valid, whatever the clock here says; if a
    /// renewal was no help before, the certificate is tried again.
    pub(crate) const fn turned_away(&mut self) {
        self.is_demanded = !self.is_demanded;
    }
}

fn is_due_by_clock(validity: Option<Validity>, now_seconds: u64) -> bool {
    validity.is_none_or(|validity| validity.renewal_is_due(now_seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn made_on(day: u64) -> Option<Validity> {
        Some(Validity {
            not_before_seconds: day * DAY,
            not_after_seconds: (day + 30) * DAY,
        })
    }

    #[test]
    fn a_certificate_is_renewed_in_its_last_third_and_alone_once_it_has_ended() {
        let mut renewal = Renewal::default();
        for (day, is_due, is_first) in [
            (0, false, false),
            (19, false, false),
            (21, true, false),
            (31, true, true),
        ] {
            let now = day * DAY;
            assert_eq!(renewal.is_due(made_on(0), now), is_due, "day {day}");
            assert_eq!(renewal.is_first(made_on(0), now), is_first, "day {day}");
        }
        renewal.renewed(made_on(31), 31 * DAY);
        assert!(!renewal.is_due(made_on(31), 32 * DAY));
    }

    #[test]
    fn a_clock_that_is_ahead_asks_once_and_is_doubted_until_it_is_right() {
        let mut renewal = Renewal::default();
        let ahead = 1_000 * DAY;
        assert!(renewal.is_first(made_on(0), ahead));
        // The new one has ended too, by this clock.
        renewal.renewed(made_on(1), ahead);
        assert!(!renewal.is_first(made_on(1), ahead) && !renewal.is_due(made_on(1), ahead));
        // The centre's word counts all the same.
        renewal.turned_away();
        assert!(renewal.is_first(made_on(1), ahead) && renewal.is_due(made_on(1), ahead));
        renewal.renewed(made_on(2), ahead);
        assert!(!renewal.is_first(made_on(2), ahead));
        // Set right, it is believed again.
        assert!(!renewal.is_due(made_on(2), 3 * DAY));
        assert!(renewal.is_due(made_on(2), 25 * DAY));
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_renewed_once() {
        let mut renewal = Renewal::default();
        assert!(renewal.is_first(None, 0) && renewal.is_due(None, 0));
        renewal.renewed(None, 0);
        assert!(!renewal.is_first(None, 0) && !renewal.is_due(None, 0));
    }
}
